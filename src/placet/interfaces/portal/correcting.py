"""Putting one's own data right: language, name, contacts; a new contact is confirmed by a code sent to it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from starlette.responses import Response

from placet.access import sessions
from placet.access.codes import demo_messages
from placet.bootstrap import Application
from placet.consents.model import Actor
from placet.interfaces.portal import views
from placet.interfaces.portal.signing_in import see_other
from placet.interfaces.portal.whom import Whom, show
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, Denied
from placet.kernel.ids import parse_uuid
from placet.rights import rectification
from placet.rights.rectification import Address, Change, Language, Name, NewContact, OldContact
from placet.subjects import postal
from placet.subjects.model import Alias, Contact
from placet.subjects.postal import Residence

REACHED_BY = frozenset({"msisdn", "email"})
SAVED = frozenset({"name", "language", "contact", "ended", "address", "no-address"})
ADDRESS = ("street", "place", "postcode", "country")


@attrs.frozen
class Correcting:
    """The pages of correction; each is about the one who is signed in."""

    application: Application
    shell: Shell

    def overview(self, visit: Visit, whom: Whom) -> Response:
        return self._page(visit, whom)

    def name(self, visit: Visit, whom: Whom) -> Response:
        """How we call the person. A birth date decides who may decide for whom: that is asked for, with a proof."""
        name = " ".join(visit.form.get("name", "").split())
        return self._changed(visit, whom, Name(name), "name")

    def language(self, visit: Visit, whom: Whom) -> Response:
        """The language that the person is written and spoken to in."""
        language = visit.form.get("language", "")
        response = self._changed(visit, whom, Language(language), "language")
        with self.application.database.transaction() as connection:
            sessions.speak(connection, whom.session, language)
        return response

    def address(self, visit: Visit, whom: Whom) -> Response:
        """Where their post goes; with nothing filled in, nowhere that we know."""
        try:
            change = postal_address(visit.form)
        except BadInput as error:
            return self._page(visit, whom, wrong=error.code, status=400)
        return self._changed(visit, whom, change, "address" if change.new is not None else "no-address")

    def new_contact(self, visit: Visit, whom: Whom) -> Response:
        """Send a code to a contact that the person says is theirs."""
        try:
            alias = reached_by(visit.form.get("contact", ""))
        except BadInput:
            return self._page(visit, whom, wrong="bad-contact", status=400)
        challenge = rectification.propose(
            self.application.codes,
            whom.subject,
            alias,
            address=visit.address or "",
            language=visit.words.language,
            now=visit.now,
        )
        return self._ask_code(visit, whom, alias, str(challenge))

    def confirm_contact(self, visit: Visit, whom: Whom) -> Response:
        """The code came back from the contact itself: it is theirs."""
        alias, challenge = reached_by(visit.form.get("contact", "")), visit.form.get("challenge", "")
        code, known = "".join(visit.form.get("code", "").split()), parse_uuid(challenge, what="the challenge")
        try:
            confirmed = rectification.confirm(self.application.codes, whom.subject, alias, known, code, now=visit.now)
        except Denied:
            return self._ask_code(visit, whom, alias, challenge, wrong=True)
        return self._changed(visit, whom, NewContact(confirmed), "contact")

    def end_contact(self, visit: Visit, whom: Whom) -> Response:
        """A contact is theirs no longer; the last one that a code can be sent to stays."""
        return self._changed(visit, whom, OldContact(Alias.parse(visit.form.get("contact", ""))), "ended")

    def _changed(self, visit: Visit, whom: Whom, change: Change, saved: str) -> Response:
        """Put it right in every room that holds a copy."""
        by = Actor("subject", str(whom.subject))
        try:
            with self.application.database.transaction() as connection:
                rectification.rectify(self.application, connection, whom.subject, change, by=by, now=visit.now)
        except BadInput as error:
            return self._page(visit, whom, wrong=error.code, status=400)
        return see_other(f"/data/correct?saved={saved}")

    def _page(self, visit: Visit, whom: Whom, *, wrong: str | None = None, status: int = 200) -> Response:
        people = self.application.subjects
        with self.application.database.transaction() as connection:
            profile = people.profile(connection, whom.subject)
            contacts = people.contacts(connection, whom.subject)
            language = people.get(connection, whom.subject).language
            lives = people.residences(connection, [whom.subject]).get(whom.subject)
        saved = visit.request.query_params.get("saved")
        return show(
            self.shell,
            visit,
            whom,
            "correct",
            status=status,
            name=visit.form.get("name") or profile.name or "",
            birth_date=profile.birth_date,
            spoken=language,
            lives=lives is not None,
            address=shown_address(visit.form, lives),
            contacts=[views.ContactLine(str(each.alias), each.alias.value) for each in _reachable(contacts)],
            contact=visit.form.get("contact", "") if wrong == "bad-contact" else "",
            wrong=wrong,
            saved=saved if saved in SAVED else None,
        )

    def _ask_code(self, visit: Visit, whom: Whom, alias: Alias, challenge: str, *, wrong: bool = False) -> Response:
        return show(
            self.shell,
            visit,
            whom,
            "contact_code",
            status=400 if wrong else 200,
            contact=alias.value,
            challenge=challenge,
            wrong=wrong,
            outbox=self._outbox(challenge) if self.shell.mode == "demo" else None,
        )

    def _outbox(self, challenge: str) -> list[views.Letter]:
        """Demo mode: what was sent for this request."""
        with self.application.database.transaction() as connection:
            return [
                views.Letter(message.contact.partition(":")[2], message.code, message.created_at)
                for message in demo_messages(connection)
                if str(message.challenge) == challenge
            ]


def postal_address(form: Mapping[str, str]) -> Address:
    """What a form says of where post goes; the country alone says nothing."""
    street, place, postcode, country = (form.get(name, "").strip() for name in ADDRESS)
    return Address(None if not (street or place or postcode) else postal.address(street, place, postcode, country))


def shown_address(form: Mapping[str, str], lives: Residence | None) -> Mapping[str, str]:
    """What the fields of an address hold: what was typed, else what is known."""
    if "street" in form:
        return {name: form.get(name, "") for name in ADDRESS}
    known = None if lives is None else lives.address
    empty = dict.fromkeys(ADDRESS, "") | {"country": postal.HOME}
    return empty if known is None else {name: getattr(known, name) for name in ADDRESS}


def reached_by(text: str) -> Alias:
    """A phone number or e-mail address as people write it."""
    return Alias.email(text) if "@" in text else Alias.msisdn(text)


def _reachable(contacts: list[Contact]) -> list[Contact]:
    """Present contacts that a code can be sent to."""
    return [each for each in contacts if each.period.end is None and each.alias.kind in REACHED_BY]
