"""
Reading a posted form, and knowing that one of our own pages sent it.

A form carries an HMAC of the visit cookie (OWASP: signed double submit): another site can send neither.
Where the browser says where the request came from (Sec-Fetch-Site, Origin), that is checked too.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import attrs
from starlette.requests import Request

from placet.kernel.errors import BadInput, Denied

FIELD = "form_token"
_LONGEST = 64 * 1024
_MOST_FIELDS = 100


class FormTooLarge(BadInput):
    """More than any of our forms can hold."""

    code = "too-large"


class ForeignForm(Denied):
    """The form did not come from a page of ours, or the page was open too long."""

    code = "foreign-form"


@attrs.frozen(repr=False)
class FormKey:
    """Makes and checks the token of a form from the visitor's *seed* cookie."""

    secret: bytes

    def token(self, seed: str) -> str:
        return hmac.digest(self.secret, seed.encode(), "sha256").hex()

    def holds(self, seed: str | None, token: str) -> bool:
        """Was *token* made for *seed*? No cookie never means yes."""
        return bool(seed) and hmac.compare_digest(self.token(seed or "").encode(), token.encode())


def new_seed() -> str:
    return secrets.token_urlsafe(24)


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a posted form; of a repeated field the last. Refuses what is too large, not UTF-8, or holds NUL."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise BadInput("a form of this site was expected; nothing was changed", code="bad-form")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST:
            raise FormTooLarge("the form is too large; nothing was changed")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadInput("the form cannot be read; nothing was changed", code="bad-form") from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise BadInput("the form holds characters that no text has; nothing was changed", code="bad-form")
    return dict(pairs)


async def read_any(request: Request) -> Mapping[str, str]:
    """The fields of whatever a program posted; none where it is no form of ours, or cannot be read."""
    try:
        return await read_form(request)
    except FormTooLarge:
        raise
    except BadInput:
        return {}


def shown_digest(text: str) -> bytes:
    """The SHA-256 of the text that a form stood under, from its hidden field."""
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise BadInput("the form does not say which text it stood under; open the page again", code="bad-form")
    return digest


def check_origin(request: Request) -> None:
    """Refuse a post that the browser itself says comes from elsewhere."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ForeignForm("the form was sent from another site; nothing was changed")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise ForeignForm("the form was sent from another site; nothing was changed")
