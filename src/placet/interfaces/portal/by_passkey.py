"""Signing in by a passkey. A small script carries the question to the authenticator; without it the code way stays."""

from __future__ import annotations

from urllib.parse import urlsplit

import attrs
from starlette.responses import Response

from placet.access.passkeys import SIGN_IN, VALID, Asked, Passkeys
from placet.bootstrap import Application
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import NotFound
from placet.kernel.ids import SubjectId


@attrs.frozen
class ByPasskey:
    """The passkeys of this site, where it is reached under a name that they can belong to."""

    application: Application
    shell: Shell
    brand: str

    def offered(self, visit: Visit) -> bool:
        """Can a passkey be used at the address that this visit came to? An IP address is no name (WebAuthn §5.1.3)."""
        origin = self.application.config.passkey_origin
        return origin is not None and urlsplit(origin).netloc == visit.request.headers.get("host", "")

    def ask(self, visit: Visit) -> Response:
        """What any authenticator is asked, for the script."""
        with self.application.database.transaction() as connection:
            asked = self.keys(visit).ask(connection, now=visit.now)
        return self.asked(SIGN_IN, asked)

    def who(self, visit: Visit) -> SubjectId | None:
        """Who signed in by the posted answer of an authenticator, if anybody."""
        token = self.token(visit, SIGN_IN)
        with self.application.database.transaction() as connection:
            return self.keys(visit).sign_in(connection, token, visit.form.get("answer", ""), now=visit.now)

    def keys(self, visit: Visit) -> Passkeys:
        origin = self.application.config.passkey_origin
        if origin is None or not self.offered(visit):
            raise NotFound("passkeys do not work at this address", code="no-passkeys")
        return Passkeys(self.application.ceremonies, origin=origin, name=self.brand)

    def asked(self, kind: str, asked: Asked) -> Response:
        response = Response(asked.options, media_type="application/json")
        self.shell.set_cookie(response, _cookie(kind), asked.token, seconds=int(VALID.total_seconds()))
        return response

    def token(self, visit: Visit, kind: str) -> str | None:
        return self.shell.cookie(visit.request, _cookie(kind))


def _cookie(kind: str) -> str:
    return f"placet_{kind.replace('-', '_')}"
