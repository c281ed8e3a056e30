"""The way to an identity provider and back, for staff and customers alike; who came back is for them to say."""

from __future__ import annotations

import attrs
from starlette.responses import RedirectResponse, Response

from placet.access.oidc import VALID, Begun, Claims, Provider
from placet.bootstrap import Application
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import Denied


@attrs.frozen
class ByProvider:
    """One provider, and the cookie (named *kind*, as what it holds) that binds an answer to the browser that asked."""

    application: Application
    shell: Shell
    provider: Provider
    kind: str

    def leave(self, visit: Visit, *, after: str) -> Response:
        """To the provider; *after* is the page of ours to go to in the end."""
        begun = self.provider.begin()
        content = attrs.asdict(begun) | {"after": after}
        with self.application.database.transaction() as connection:
            token = self.application.ceremonies.begin(connection, self.kind, content, valid=VALID, now=visit.now)
        response = RedirectResponse(begun.url, status_code=303)
        self.shell.set_cookie(response, self._cookie, token, seconds=int(VALID.total_seconds()))
        return response

    def back(self, visit: Visit) -> tuple[Claims, str]:
        """Whom the provider vouches for, and the page to go to; an answer counts once, and only in this browser."""
        token = self.shell.cookie(visit.request, self._cookie)
        with self.application.database.transaction() as connection:
            content = self.application.ceremonies.finish(connection, self.kind, token, now=visit.now)
        if content is None:
            raise Denied("this sign-in took too long or began in another window; start it again", code="idp-refused")
        begun = Begun(content["url"], content["state"], content["nonce"], content["verifier"])
        claims = self.provider.finish(begun, visit.request.query_params, now=visit.now)
        return claims, content["after"]

    def forget(self, response: Response) -> None:
        self.shell.drop_cookie(response, self._cookie)

    @property
    def _cookie(self) -> str:
        return f"placet_{self.kind.replace('-', '_')}"
