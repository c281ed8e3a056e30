"""
What every answer says to the browser, and what a cookie is called (OWASP ASVS 5.0 V3).

No inline style or script is allowed and none is used; nothing loads from another host; no page is framed.
The few scripts are files of our own, and every page works without them.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "font-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # same-origin, not no-referrer: browsers send `Origin: null` with the latter, and forms check the origin.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_YEAR = 31_536_000


class SecurityHeaders:
    """Middleware that adds the headers to every answer, and HSTS where the site is served over https."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        if https:
            self._headers["strict-transport-security"] = f"max-age={_YEAR}; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                # Pages hold a person's choices: no shared computer may show them after "back" (ASVS 14.3).
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def cookie_name(name: str, *, https: bool) -> str:
    """`__Host-` binds a cookie to this host and to https (RFC 6265bis §4.1.3.2); plain http cannot have it."""
    return f"__Host-{name}" if https else name


def set_cookie(response: Response, name: str, value: str, *, https: bool, seconds: int | None = None) -> None:
    """Set *name* for this host alone; for the browser's session when *seconds* is None."""
    response.set_cookie(
        cookie_name(name, https=https), value, max_age=seconds, path="/", secure=https, httponly=True, samesite="lax"
    )


def drop_cookie(response: Response, name: str, *, https: bool) -> None:
    response.delete_cookie(cookie_name(name, https=https), path="/", secure=https, httponly=True, samesite="lax")
