"""A real Chromium on the portal served over HTTP; shared by the journeys, the accessibility and the fairness tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server
from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def chromium() -> str:
    """Where Chromium is; skips the test, saying so, when there is none."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    return found


def axe_source() -> str:
    """The text of axe-core; skips the test, saying so, when it is not installed."""
    file = Path(__file__).parents[2] / os.environ.get("AXE_PATH", "build/axe/node_modules/axe-core/axe.min.js")
    if not file.exists():
        pytest.skip(f"no axe-core at {file}: npm install --prefix build/axe axe-core")
    return file.read_text(encoding="utf-8")


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def served(app: Any, *, port: int | None = None) -> Iterator[str]:
    """*app* over HTTP in a thread of its own, at *port* or a free one; yields its address."""
    if port is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve()), daemon=True)
    thread.start()
    _wait_for(port)
    yield f"http://127.0.0.1:{port}"
    loop.call_soon_threadsafe(server.stop)
    thread.join(timeout=10)


@attrs.define
class Guest:
    """Somebody at the browser; `steps` counts their clicks."""

    page: Page
    site: str
    steps: int = 0

    def go(self, address: str) -> None:
        self.page.goto(self.site + address)

    def open(self, selector: str) -> None:
        """Click what unfolds on the page."""
        self.steps += 1
        self.page.click(selector)

    def press(self, selector: str) -> None:
        """Click what leads to another page."""
        self.steps += 1
        with self.page.expect_navigation():
            self.page.click(selector)

    def sign_in(self, contact: str) -> None:
        self.go("/sign-in")
        self.page.fill("#contact", contact)
        self.press("form[action='/sign-in'] .button.primary")
        code = re.search(r"\b\d{6}\b", self.page.inner_text(".message.demo b"))
        assert code is not None
        self.page.fill("#code", code[0])
        self.press("form[action='/sign-in/code'] .button")

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.site)


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.1):
            return
        threading.Event().wait(0.05)
    raise TimeoutError("the portal does not answer")
