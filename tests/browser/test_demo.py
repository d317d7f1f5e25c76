"""The demo in a real browser, from the alert to the undo, as somebody who tries it would."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import chromium, free_port

pytestmark = pytest.mark.browser

PROJECT = Path(__file__).parent.parent.parent
_START_SECONDS = 90
_STOP_SECONDS = 20
_PRESSES = 10
_A_MOMENT = 4_000  # milliseconds; longer than a message takes to appear
_SOON = 60_000  # milliseconds; a real pull is waited for


@pytest.fixture
async def demo() -> AsyncIterator[str]:
    """The address of a running ``pullbot demo``. Afterwards Ctrl-C has to end it in good order."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "demo", "--no-browser", "--port", str(free_port())),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_SECONDS):
            line = await process.stdout.readline()
            while "http://" not in line.decode():
                assert line, "the demo ended before it said where it is"
                line = await process.stdout.readline()
        yield "http://" + line.decode().partition("http://")[2].split()[0]
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(_STOP_SECONDS):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
async def page(demo: str) -> AsyncIterator[Page]:
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.goto(demo)
        yield page


async def become(page: Page, name: str) -> None:
    await page.get_by_role("group", name="You are").get_by_text(name, exact=True).click()
    await expect(page.get_by_role("radio", name=name)).to_be_checked()


async def ask_for_the_fix(thread: Locator) -> None:
    """As people do: who presses while it is still being looked at is told so, and presses again."""
    asked = thread.get_by_text("Ana asks for approval")
    for _ in range(_PRESSES):
        await thread.get_by_role("button", name="Fix:").first.click()
        with suppress(AssertionError):
            await expect(asked).to_be_visible(timeout=_A_MOMENT)
            return
    await expect(asked).to_be_visible()


async def test_from_the_alert_to_the_fix_and_back(page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    channel = page.get_by_role("log", name="Messages in the channel")
    thread = page.get_by_role("log", name="Messages in the thread")

    # The alert comes by itself, and says the cause.
    alert = channel.locator("article", has_text="Deployment/ui-private cannot pull its image").first
    await expect(alert).to_contain_text("Cause found", timeout=_SOON)
    await alert.get_by_role("button", name="replies").click()
    await expect(thread).to_contain_text("new policy")
    await expect(thread.locator(".line.removed").first).to_be_visible()

    # Asked in the thread, it looks again and finds the same.
    await page.get_by_label("Reply in the thread").fill("@pullbot why")
    await page.get_by_label("Reply in the thread").press("Enter")
    await expect(thread).to_contain_text("Looking again")
    await expect(alert).to_contain_text("Cause found", timeout=_SOON)

    # Ana asks for the fix, and may not approve it herself.
    await ask_for_the_fix(thread)
    await thread.get_by_role("button", name="Approve").click()
    await expect(thread).to_contain_text("Only visible to you")

    # Ben sees none of that, approves, and the pod pulls.
    await become(page, "Ben")
    await expect(thread).not_to_contain_text("Only visible to you")
    await thread.get_by_role("button", name="Approve").click()
    await expect(alert).to_contain_text("✅ Fixed", timeout=_SOON)

    # All the way back.
    await thread.get_by_role("button", name="Undo").click()
    await expect(alert).to_contain_text("Undone", timeout=_SOON)
    assert errors == []


async def test_a_cluster_in_azure_is_attached_to_its_registry_and_detached_again(page: Page) -> None:
    channel = page.get_by_role("log", name="Messages in the channel")
    thread = page.get_by_role("log", name="Messages in the thread")
    alert = channel.locator("article", has_text="Deployment/orders cannot pull its image").first
    await expect(alert).to_contain_text("has no role that lets it pull", timeout=_SOON)
    await alert.get_by_role("button", name="replies").click()
    await expect(thread).to_contain_text("AcrPull for the kubelet identity")
    await ask_for_the_fix(thread)
    await become(page, "Cleo")
    await thread.get_by_role("button", name="Approve").click()
    await expect(alert).to_contain_text("✅ Fixed", timeout=_SOON)
    await thread.get_by_role("button", name="Undo").click()
    await expect(alert).to_contain_text("Undone", timeout=_SOON)


async def test_words_it_does_not_know_get_a_hint(page: Page) -> None:
    await page.get_by_label("Message to the channel").fill("@pullbot wyh")
    await page.get_by_label("Message to the channel").press("Enter")
    thread = page.get_by_role("log", name="Messages in the thread")
    await expect(thread).to_contain_text("did you mean why?", timeout=_SOON)
