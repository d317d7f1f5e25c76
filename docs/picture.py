"""The pictures of the documentation: a thread as people see it, with the cause, the change, and the pull.

``.venv/bin/python docs/picture.py`` makes them anew: docs/thread.png of the demo, docs/teams.png of what
Microsoft's client of Teams' bots shows. It wants what ``make test-browser`` wants, and
fonts-noto-color-emoji.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, FloatRect, Locator, Page, expect

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from bot.demo.main import running  # noqa: E402  found only now
from tests.browser.chromium import chromium  # noqa: E402  as above
from tests.browser.teams_playground import BEN, card, opened  # noqa: E402  as above
from tests.browser.teams_service import teams  # noqa: E402  as above

_SOON = 60_000  # milliseconds
_SCALE = 1.5  # pixels of a screenshot for one of the page


async def main() -> None:
    async with chromium() as browser:
        async with running(0) as address:
            await _demo(browser, address)
        with tempfile.TemporaryDirectory(prefix="pullbot-picture-") as folder:
            await _teams(browser, Path(folder))


# ---- the demo


async def _demo(browser: Browser, address: str) -> None:
    page = await browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
    await page.goto(address)
    await _open_thread(page)
    await page.screenshot(path=HERE / "thread.png", animations="disabled")
    await page.close()


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


# ---- Teams


async def _teams(browser: Browser, folder: Path) -> None:
    """Side by side: the alert and its cause, and what became of it."""
    async with teams(folder) as service:
        ana = await opened(browser, service.place)
        ben = await opened(browser, service.place, BEN, scale=_SCALE)
        service.begin()
        await expect(card(ben, "root")).to_contain_text("Cause found", timeout=_SOON)
        await expect(card(ben, "offer")).to_be_visible(timeout=_SOON)
        found = [await _shot(ben, one) for one in ("root", "diagnosis")]
        await ana.get_by_role("button", name="Fix:").click()
        await expect(card(ben, "request")).to_be_visible(timeout=_SOON)
        asked = await _shot(ben, "request")
        await ben.get_by_role("button", name="Approve").click()
        await expect(card(ben, "root")).to_contain_text("Fixed", timeout=_SOON)
        await expect(card(ben, "verification")).to_be_visible()
        done = [await _shot(ben, one) for one in ("change", "verification")]
        await ana.close()
        await ben.close()
    await _beside(browser, found, [asked, *done])


async def _shot(page: Page, kind: str) -> bytes:
    """A card and, above it, who posted it."""
    shown, poster = card(page, kind), page.get_by_role("img", name="pullbot")
    message = page.locator("div").filter(has=shown).filter(has=poster).last
    await page.mouse.move(0, 0)
    while True:
        top, whole = await _box(message.get_by_role("img", name="pullbot").first), await _box(shown)
        x, y = top["x"] - 2, top["y"] - 2
        right, bottom = whole["x"] + whole["width"] + 2, whole["y"] + whole["height"] + 2
        shot = await page.screenshot(
            animations="disabled", clip={"x": x, "y": y, "width": right - x, "height": bottom - y}
        )
        if await _box(shown) == whole:
            return shot  # nothing moved meanwhile: the page scrolls to what is new


async def _beside(browser: Browser, *columns: list[bytes]) -> None:
    page = await browser.new_page(viewport={"width": 100, "height": 100}, device_scale_factor=_SCALE)
    await page.set_content(
        "<!doctype html><style>body { display: flex; gap: 16px; width: max-content; margin: 0; padding: 16px;"
        " background: #ebebeb } section { display: flex; flex-direction: column; gap: 14px; padding: 16px;"
        " background: white; border-radius: 6px; box-shadow: 0 1px 3px #0003 }"
        f" img {{ zoom: {1 / _SCALE} }}</style>"
        + "".join(f"<section>{''.join(map(_image, shots))}</section>" for shots in columns)
    )
    whole = await _box(page.locator("body"))
    await page.set_viewport_size({"width": round(whole["width"]), "height": round(whole["height"])})
    await page.screenshot(path=HERE / "teams.png")
    await page.close()


async def _box(of: Locator) -> FloatRect:
    box = await of.bounding_box()
    if box is None:
        raise RuntimeError(f"{of} is not to be seen")
    return box


def _image(shot: bytes) -> str:
    return f'<img src="data:image/png;base64,{base64.b64encode(shot).decode()}">'


if __name__ == "__main__":
    asyncio.run(main())
