"""
Signing in by a one-time code, a passkey or an identity provider, and out.

Whether a contact is known is never told (OWASP ASVS 5.0 6.3.8).
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
from starlette.responses import RedirectResponse, Response

from placet.access import federation, sessions
from placet.access.codes import demo_messages
from placet.access.sessions import Session
from placet.bootstrap import Application
from placet.consents.store import standing_of
from placet.interfaces.cli.demo import CUSTOMERS
from placet.interfaces.portal import views
from placet.interfaces.portal.by_passkey import ByPasskey
from placet.interfaces.web.provider import ByProvider
from placet.interfaces.web.shell import Page, Shell, Visit
from placet.kernel.errors import BadInput, Denied, NotFound, Unavailable
from placet.kernel.ids import SubjectId, parse_uuid
from placet.subjects.model import Alias

SESSION, CHALLENGE, FOR, AFTER = "placet_session", "placet_challenge", "placet_for", "placet_after"
"""Cookies: who is signed in, which code was asked for, by which mandate they decide for somebody else, what they were
on their way to."""
LED_TO = frozenset({"/offers", "/messages"})
"""What the links of messages lead to: whoever has to sign in for it is led on there."""
_CHALLENGE_SECONDS = 600

SignedInPage = Callable[[Visit, Session], Response]


@attrs.frozen
class SigningIn:
    """The pages before a session, and the door to those behind one."""

    application: Application
    shell: Shell
    by_passkey: ByPasskey

    def session(self, visit: Visit) -> Session | None:
        """Who is signed in here, if anybody."""
        token = self.shell.cookie(visit.request, SESSION)
        if token is None:
            return None
        with self.application.database.transaction() as connection:
            return sessions.resume(connection, token, now=visit.now)

    def required(self, page: SignedInPage) -> Page:
        """*page* for whoever is signed in; everybody else is asked to sign in first."""

        def guarded(visit: Visit) -> Response:
            session = self.session(visit)
            return see_other("/sign-in") if session is None else page(visit, session)

        return guarded

    def lead_in(self, visit: Visit) -> Response:
        """To the sign-in, and on to where they wanted to go."""
        response, wanted = see_other("/sign-in"), visit.request.url.path
        if visit.request.method == "GET" and wanted in LED_TO:
            self.shell.set_cookie(response, AFTER, wanted, seconds=_CHALLENGE_SECONDS)
        return response

    def ask(self, visit: Visit) -> Response:
        return see_other("/") if self.session(visit) is not None else self._ask(visit)

    def send(self, visit: Visit) -> Response:
        contact = visit.form.get("contact", "")
        try:
            alias = _alias(contact)
        except BadInput:
            return self._ask(visit, contact=contact, wrong=True)
        challenge = self.application.codes.request(
            str(alias),
            address=visit.address or "",
            language=visit.words.language,
            now=visit.now,
        )
        response = see_other("/sign-in/code")
        self.shell.set_cookie(response, CHALLENGE, str(challenge), seconds=_CHALLENGE_SECONDS)
        return response

    def ask_code(self, visit: Visit) -> Response:
        if self.shell.cookie(visit.request, CHALLENGE) is None:
            return see_other("/sign-in")
        return self._ask_code(visit)

    def enter(self, visit: Visit) -> Response:
        challenge = self.shell.cookie(visit.request, CHALLENGE)
        if challenge is None:
            return see_other("/sign-in")
        # "482 193" is how people write a code down.
        code = "".join(visit.form.get("code", "").split())
        subject = self.application.codes.verify(parse_uuid(challenge, what="the challenge"), code, now=visit.now)
        if subject is None:
            return self._ask_code(visit, wrong=True)
        return self._open(visit, subject, "code")

    def enter_by_passkey(self, visit: Visit) -> Response:
        subject = self.by_passkey.who(visit)
        if subject is None:
            return self._ask(visit, told="passkey", status=400)
        return self._open(visit, subject, "passkey")

    def to_provider(self, visit: Visit) -> Response:
        """By the operator's own account; while its provider is away, the code stays a way in."""
        try:
            return self._by_provider().leave(visit, after="/")
        except (Denied, Unavailable) as error:
            return self._told(visit, error)

    def from_provider(self, visit: Visit) -> Response:
        way = self._by_provider()
        try:
            claims, _ = way.back(visit)
        except (Denied, Unavailable) as error:
            return self._told(visit, error)
        with self.application.database.transaction() as connection:
            subject = federation.customer_of(connection, self.application.subjects, claims)
        if subject is None:
            return self._ask(visit, told="idp-unknown", status=403)
        response = self._open(visit, subject.id, "oidc")
        way.forget(response)
        return response

    def leave(self, visit: Visit) -> Response:
        if (session := self.session(visit)) is not None:
            with self.application.database.transaction() as connection:
                sessions.revoke(connection, session, now=visit.now)
        response = see_other("/signed-out")
        self.shell.drop_cookie(response, SESSION)
        self.shell.drop_cookie(response, FOR)
        self.shell.new_seed(response)
        return response

    def left(self, visit: Visit) -> Response:
        return self.shell.render(visit, "portal/signed_out.html")

    def _open(self, visit: Visit, subject: SubjectId, method: str) -> Response:
        """
        A new session; who has never decided anything is asked, everybody else sees where they stand, or what they
        were on their way to.

        The session that this browser had before, if any, ends.
        """
        before = self.session(visit)
        with self.application.database.transaction() as connection:
            if before is not None:
                sessions.revoke(connection, before, now=visit.now)
            session = sessions.open_session(
                connection, subject, visit.words.language, method=method, place=visit.place, now=visit.now
            )
            person = self.application.subjects.get(connection, subject)
            decided = bool(standing_of(connection, person.number))
        wanted = self.shell.cookie(visit.request, AFTER)
        response = see_other("/choices" if not decided else wanted if wanted in LED_TO else "/")
        self.shell.set_cookie(response, SESSION, session.token)
        self.shell.drop_cookie(response, CHALLENGE)
        self.shell.drop_cookie(response, AFTER)
        self.shell.drop_cookie(response, FOR)
        self.shell.new_seed(response)
        return response

    def _by_provider(self) -> ByProvider:
        if self.application.customer_provider is None:
            raise NotFound("no identity provider is set up", code="not-found")
        return ByProvider(self.application, self.shell, self.application.customer_provider, "customer-oidc")

    def _told(self, visit: Visit, error: Denied | Unavailable) -> Response:
        """The page of signing in again, with what went wrong at the provider."""
        return self._ask(visit, told=error.code, status=503 if isinstance(error, Unavailable) else 403)

    def _ask(
        self, visit: Visit, *, contact: str = "", wrong: bool = False, told: str | None = None, status: int = 200
    ) -> Response:
        return self.shell.render(
            visit,
            "portal/sign_in.html",
            status=400 if wrong else status,
            contact=contact,
            wrong=wrong,
            told=told,
            by_passkey=self.by_passkey.offered(visit),
            by_provider=self.application.customer_provider is not None,
            samples=_samples() if self.shell.mode == "demo" else (),
        )

    def _ask_code(self, visit: Visit, *, wrong: bool = False) -> Response:
        outbox = self._outbox(visit) if self.shell.mode == "demo" else None
        return self.shell.render(visit, "portal/code.html", status=400 if wrong else 200, wrong=wrong, outbox=outbox)

    def _outbox(self, visit: Visit) -> list[views.Letter]:
        """Demo mode: what was sent for this visitor's own request."""
        mine = self.shell.cookie(visit.request, CHALLENGE)
        with self.application.database.transaction() as connection:
            return [
                views.Letter(message.contact.partition(":")[2], message.code, message.created_at)
                for message in demo_messages(connection)
                if str(message.challenge) == mine
            ]


def see_other(address: str) -> RedirectResponse:
    """After a form, a page that can be loaded again (RFC 9110 §15.4.4)."""
    return RedirectResponse(address, status_code=303)


def _alias(contact: str) -> Alias:
    return Alias.email(contact) if "@" in contact else Alias.msisdn(contact)


def _samples() -> tuple[views.Sample, ...]:
    return tuple(views.Sample(customer.name, customer.msisdn) for customer in CUSTOMERS)
