"""A headless Chromium that reaches nothing but one host, and notes all that goes wrong in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

WAIT = 30_000  # milliseconds


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium; Debian: `apt-get install chromium`."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise RuntimeError("the tests of the page need Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One look at a page.

    Args:
        browser: the browser.
        options: of Playwright's `new_context`.
    """

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(WAIT)
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.urls: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.urls.append(request.url))

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def open(self, url: str) -> None:
        """Goes to the page and waits until the component has rendered it."""
        self.page.goto(url)
        self.page.wait_for_selector(".aui-root")

    @property
    def hosts(self) -> set[str]:
        """Where requests went; data in the page itself is no request."""
        return {urlsplit(url).netloc for url in self.urls if not url.startswith("data:")}

    def form(self, number: int = 0) -> Any:
        """Opens a form; gives its place."""
        place = self.page.locator(".anystream-try").nth(number)
        place.locator("summary").click()
        place.locator("textarea").wait_for()
        return place

    def send(self, place: Any, text: str | None = None) -> str:
        """Sends the message of a form, or another one; gives the answer's text."""
        if text is not None:
            place.locator("textarea").fill(text)
        answer = place.locator("[role=status]")
        answer.evaluate("it => it.hidden = true")
        place.locator("button").click()
        answer.wait_for()
        shown: str = answer.inner_text()
        return shown

    def close(self) -> None:
        """Ends it."""
        self.context.close()
