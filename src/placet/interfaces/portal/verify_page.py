"""
`/verify`: one file that checks a receipt in the browser, can be saved, and is the same for everybody.

Script, style and words are inside, so that nothing is loaded; the policy, in the page and on the answer, allows exactly
these by their hashes (CSP 3 §2.3.1). Its SHA-256 is published at `/verify/sha256` and in
docs/how-to/verify-a-receipt.md; a change of any of its parts changes it, and a test tells.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files

import attrs
import yaml
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_BRIEF = "public, max-age=300"


@attrs.frozen
class VerifyPage:
    """The page's bytes, what may run in it, and the hash by which it is known."""

    html: bytes = attrs.field(repr=False)
    policy: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.html).hexdigest()


@cache
def verify_page() -> VerifyPage:
    """The page, put together from its parts; the same bytes in every process."""
    words = json.dumps(yaml.safe_load(_part("words.yaml")), ensure_ascii=False, sort_keys=True).replace("</", "<\\/")
    script, style = _part("page.js"), _part("page.css")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash(script)}",
            f"style-src {_hash(style)}",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = _part("page.html")
    for name, part in {"policy": policy, "style": style, "words": words, "script": script}.items():
        page = page.replace(f"{{{{{name}}}}}", part)
    return VerifyPage(page.encode(), policy)


def routes() -> list[Route]:
    """The page, and its hash for whoever saved it."""
    return [Route("/verify", _page, methods=["GET"]), Route("/verify/sha256", _sha256, methods=["GET"])]


async def _page(_request: Request) -> Response:
    found = verify_page()
    # What a header alone can say is added; the rest stands in the page too, and goes with it when it is saved.
    headers = {
        "content-security-policy": f"{found.policy}; frame-ancestors 'none'",
        "cache-control": _BRIEF,
        "etag": f'"{found.sha256}"',
    }
    return Response(found.html, media_type="text/html; charset=utf-8", headers=headers)


async def _sha256(_request: Request) -> Response:
    return PlainTextResponse(f"{verify_page().sha256}  verify.html\n", headers={"cache-control": _BRIEF})


def _part(name: str) -> str:
    return files("placet.interfaces.portal").joinpath("verify", name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """A source expression for inline content."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
