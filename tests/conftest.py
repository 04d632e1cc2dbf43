"""One Chromium for all page tests; every page is opened with the network blocked."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass, field

import pytest

WATCH = "addEventListener('securitypolicyviolation', (e) => console.error('CSP ' + e.violatedDirective))"


@dataclass
class Seen:
    """What a page did that an inert page never does."""

    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def nothing(self):
        return not (self.errors or self.dialogs or self.requests)


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "the page tests need Chromium: apt-get install chromium"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium):
    """Open a file offline: ``with opened(path) as (page, seen)``."""

    @contextlib.contextmanager
    def opener(path, width=1200, height=800):
        context = chromium.new_context(viewport={"width": width, "height": height}, offline=True, accept_downloads=True)
        page, seen = context.new_page(), Seen()
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("console", lambda message: seen.errors.append(message.text)
                if message.type in {"error", "warning"} else None)
        page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: seen.requests.append(request.url)
                if not request.url.startswith(("file:", "data:", "blob:")) else None)
        page.add_init_script(WATCH)
        try:
            page.goto(path.as_uri())
            yield page, seen
        finally:
            context.close()

    return opener
