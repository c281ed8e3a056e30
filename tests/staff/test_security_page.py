"""docs/security.md names tests; each of them exists. What every site says to the browser is the same."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.testclient import TestClient

from placet.bootstrap import Application
from placet.interfaces.http import Server

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.(?:py|yaml))(?:::(test_\w+))?`")


def test_every_test_that_the_page_names_exists() -> None:
    named = NAMED.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
    assert len(named) > 40
    missing = []
    for file, test in named:
        path = ROOT / file
        if not path.exists() or (test and f"def {test}(" not in path.read_text(encoding="utf-8")):
            missing.append(f"{file}::{test}")
    assert missing == []


def test_every_site_says_the_same_to_the_browser(placet: Application) -> None:
    client = TestClient(Server(placet), base_url="http://127.0.0.1:8000")
    for address in ("/", "/sign-in", "/staff/sign-in", "/desk", "/console", "/staff/nowhere", "/nowhere"):
        headers = client.get(address, follow_redirects=False).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'", address
        assert {policy[name] for name in ("script-src", "style-src", "connect-src", "form-action")} == {"'self'"}
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store", address
        assert "server" not in headers
    client.close()
