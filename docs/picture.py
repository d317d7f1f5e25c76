"""docs/thread.png: a thread of the demo, with the cause, the exact change, who approved it, and the pull.

``.venv/bin/python docs/picture.py`` makes it anew; it wants Debian's chromium and fonts-noto-color-emoji.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from bot.demo.main import running  # noqa: E402  found only now

_SOON = 60_000  # milliseconds
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


async def main() -> None:
    async with running(0) as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
        await page.goto(address)
        await _open_thread(page)
        await page.screenshot(path=HERE / "thread.png", animations="disabled")
        await browser.close()


async def _open_thread(page: Page) -> None:
    """Ana asks for the fix, Ben approves it, and the pod pulls."""
    channel = page.get_by_role("log", name="Messages in the channel")
    thread = page.get_by_role("log", name="Messages in the thread")
    alert = channel.locator("article", has_text="Deployment/ui-private cannot pull its image").first
    await expect(alert).to_contain_text("Cause found", timeout=_SOON)
    await alert.get_by_role("button", name="replies").click()
    await thread.get_by_role("button", name="Fix:").first.click()
    await page.get_by_role("group", name="You are").get_by_text("Ben", exact=True).click()
    await thread.get_by_role("button", name="Approve").click()
    await expect(alert).to_contain_text("Fixed", timeout=_SOON)
    await page.mouse.move(0, 0)
    await thread.evaluate("log => log.scrollTo(0, log.scrollHeight)")


if __name__ == "__main__":
    asyncio.run(main())
