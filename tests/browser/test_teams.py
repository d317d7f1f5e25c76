"""Teams, in the client that Microsoft makes for bots' developers: what people see and press there."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.browser.teams_playground import ANA, BEN, opened, write
from tests.browser.teams_service import Teams, teams

pytestmark = pytest.mark.browser

_SOON = 30_000  # milliseconds; a real pull is waited for
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Teams]:
    async with teams(tmp_path) as it:
        yield it


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "Debian's chromium is wanted: `make test-browser` installs it"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield browser
        await browser.close()


def card(page: Page, kind: str) -> Locator:
    """The card of the message whose key ends with that."""
    return page.locator(".ac-adaptiveCard").filter(has=page.locator(f'[id^="pullbot:"][id*=":{kind}"]'))


async def test_from_the_alert_to_the_fix_and_back(place: Teams, browser: Browser) -> None:
    ana, ben = await opened(browser, place.place, ANA), await opened(browser, place.place, BEN)
    errors: list[str] = []
    for page in (ana, ben):
        page.on("pageerror", lambda error: errors.append(str(error)))
    before = place.policy()
    place.begin()

    # The alert comes by itself, says the cause, and its thread shows the exact change.
    alert = card(ana, "root")
    await expect(alert).to_contain_text("Deployment/ui-private cannot pull its image", timeout=_SOON)
    await expect(alert).to_contain_text("Cause found", timeout=_SOON)
    await expect(card(ana, "diagnosis")).to_contain_text("new policy")

    # Asked in the thread, it looks again and finds the same.
    await write(ana, "why", in_thread=0)
    await expect(ana.get_by_text("Looking again")).to_be_visible(timeout=_SOON)
    await expect(alert).to_contain_text("Cause found", timeout=_SOON)

    # Ana asks for the fix, and is told, she alone, that she may not approve it.
    await ana.get_by_role("button", name="Fix:").click()
    await expect(alert).to_contain_text("Waiting for approval", timeout=_SOON)
    await ana.get_by_role("button", name="Approve").click()
    await expect(ana.get_by_text("is not an approver")).to_be_visible()
    await expect(ben.get_by_text("is not an approver")).to_have_count(0)

    # Ben approves, and the pod pulls.
    await ben.get_by_role("button", name="Approve").click()
    await expect(card(ben, "root")).to_contain_text("✅ Fixed", timeout=_SOON)
    await expect(alert).to_contain_text("✅ Fixed", timeout=_SOON)
    assert place.policy() != before

    # All the way back.
    await ben.get_by_role("button", name="Undo").click()
    await expect(alert).to_contain_text("Undone", timeout=_SOON)
    assert place.policy() == before
    assert errors == []
