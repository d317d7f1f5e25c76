"""Teams, in the client that Microsoft makes for bots' developers: what people see and press there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from playwright.async_api import Browser, Locator, Page, expect

from bot.demo.story import CLUSTER, REGION
from tests.browser.chromium import chromium
from tests.browser.teams_playground import BEN, card, opened, write
from tests.browser.teams_service import Teams, teams

pytestmark = pytest.mark.browser

_PAGE = Path(__file__).parents[2] / "docs" / "teams.md"
_PRESSES = 10
_A_MOMENT = 4_000  # milliseconds; longer than a message takes to appear
_SOON = 30_000  # milliseconds; a real pull is waited for


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as it:
        yield it


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Teams]:
    async with teams(tmp_path) as it:
        yield it


async def ask_for_the_fix(page: Page, alert: Locator) -> None:
    """As people do: who presses while it is still being looked at is told so, and presses again."""
    asked = alert.filter(has_text="Waiting for approval")
    for _ in range(_PRESSES):
        await asked.or_(page.get_by_role("button", name="Fix:")).first.click()
        with suppress(AssertionError):
            await expect(asked).to_be_visible(timeout=_A_MOMENT)
            return
    await expect(asked).to_be_visible()


async def test_from_the_alert_to_the_fix_and_back(service: Teams, browser: Browser) -> None:
    ana, ben = await opened(browser, service.place), await opened(browser, service.place, BEN)
    errors: list[str] = []
    for page in (ana, ben):
        page.on("pageerror", lambda error: errors.append(str(error)))
    before = service.policy()
    service.begin()

    # The alert comes by itself, and says the cause; its thread shows the exact change.
    alert = card(ana, "root")
    await expect(alert).to_contain_text("Deployment/ui-private cannot pull its image", timeout=_SOON)
    await expect(alert).to_contain_text("Cause found", timeout=_SOON)
    await expect(card(ana, "diagnosis")).to_contain_text("new policy")
    await expect(card(ana, "offer")).to_contain_text("-\u00a0\u00a0\u00a0\u00a0")

    # Asked in the thread, it looks again and finds the same.
    await write(ana, "why", in_thread=0)
    await expect(ana.get_by_text("Looking again")).to_be_visible(timeout=_SOON)
    await expect(alert).to_contain_text("Cause found", timeout=_SOON)

    # Ana asks for the fix, and is told, she alone, that she may not approve it.
    await ask_for_the_fix(ana, alert)
    await ana.get_by_role("button", name="Approve").click()
    await expect(ana.get_by_text("is not an approver")).to_be_visible()
    await expect(ben.get_by_text("is not an approver")).to_have_count(0)

    # Ben approves, and the pod pulls.
    await ben.get_by_role("button", name="Approve").click()
    await expect(card(ben, "root")).to_contain_text("✅ Fixed", timeout=_SOON)
    await expect(alert).to_contain_text("✅ Fixed", timeout=_SOON)
    assert service.policy() != before

    # All the way back.
    await ben.get_by_role("button", name="Undo").click()
    await expect(alert).to_contain_text("Undone", timeout=_SOON)
    assert service.policy() == before
    assert errors == []


async def test_it_is_spoken_to_in_a_new_post_and_alone(service: Teams, browser: Browser) -> None:
    page = await opened(browser, service.place)
    await write(page, "wyh")
    await expect(page.locator(".ac-adaptiveCard")).to_contain_text("did you mean why?", timeout=_SOON)

    # Nobody else is there: no mention is needed.
    await page.get_by_text("Personal Chat").click()
    await write(page, "help", mention=False)
    await expect(page.locator(".ac-adaptiveCard")).to_contain_text("why", timeout=_SOON)


async def test_what_the_page_about_teams_says_to_try_works(tmp_path: Path, browser: Browser) -> None:
    trying = _PAGE.read_text("utf-8").partition("## Try it on this machine")[2]
    ours, client = (yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", trying, re.DOTALL))
    (cluster,) = ours["clusters"]
    clusters = [cluster | {"name": CLUSTER, "context": CLUSTER, "region": REGION}]
    async with teams(tmp_path, client, clusters=clusters, approvals=ours["approvals"]) as service:
        assert ours["teams"] == {"local": True, "service_url": "http://localhost:56150/_connector"}
        page = await opened(browser, service.place)
        service.begin()

        # Who tries it is an approver, by the address that Teams tells, and alone.
        alert = card(page, "root")
        await expect(alert).to_contain_text("Cause found", timeout=_SOON)
        await ask_for_the_fix(page, alert)
        await page.get_by_role("button", name="Approve").click()
        await expect(alert).to_contain_text("✅ Fixed", timeout=_SOON)
