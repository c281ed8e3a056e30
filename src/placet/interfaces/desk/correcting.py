"""Putting a customer's data right under an opening of their record, and answering their request with it."""

from __future__ import annotations

from datetime import date

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access.codes import demo_messages
from placet.bootstrap import Application
from placet.consents.model import Actor
from placet.interfaces.desk import views
from placet.interfaces.desk.record_door import AtRecord, RecordDoor
from placet.interfaces.portal.correcting import REACHED_BY, postal_address, reached_by, shown_address
from placet.interfaces.staff.signing_in import see_other
from placet.interfaces.web.languages import Words, language_of
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput, Denied
from placet.kernel.ids import parse_uuid
from placet.rights import rectification
from placet.rights.model import Request, RequestId
from placet.rights.rectification import BirthDate, Change, Language, Name, NewContact, OldContact, Receipt
from placet.subjects.model import Alias

_RECEIPTS = 10
"""Places of the newest corrections that the page shows."""
_MOST_REQUESTS = 50


@attrs.frozen
class Correcting:
    """Every page is about the person whose record is open."""

    application: Application
    door: RecordDoor

    def overview(self, visit: Visit, at: AtRecord) -> Response:
        return self._page(visit, at)

    def correct(self, visit: Visit, at: AtRecord) -> Response:
        """A name, a language, a birth date; or a contact that is theirs no longer."""
        try:
            return self._changed(visit, at, _change(visit))
        except (BadInput, Denied) as error:
            return self._page(visit, at, wrong=error.code)

    def propose(self, visit: Visit, at: AtRecord) -> Response:
        """Send a code to the contact that the customer says is theirs."""
        if at.opening.mandate is not None:
            return self._page(visit, at, wrong="not-theirs")
        try:
            alias = reached_by(visit.form.get("contact", ""))
        except BadInput:
            return self._page(visit, at, wrong="bad-contact")
        challenge = rectification.propose(
            self.application.codes,
            at.person.id,
            alias,
            address=f"desk/{at.member.id}",
            language=at.person.language,
            now=visit.now,
        )
        return self._ask_code(visit, at, alias, str(challenge))

    def confirm(self, visit: Visit, at: AtRecord) -> Response:
        """The customer tells the code: the contact is theirs."""
        alias, challenge = reached_by(visit.form.get("contact", "")), visit.form.get("challenge", "")
        code, known = "".join(visit.form.get("code", "").split()), parse_uuid(challenge, what="the challenge")
        codes = self.application.codes
        try:
            confirmed = rectification.confirm(codes, at.person.id, alias, known, code, now=visit.now)
        except Denied:
            return self._ask_code(visit, at, alias, challenge, wrong="wrong-code")
        try:
            return self._changed(visit, at, NewContact(confirmed))
        except (BadInput, Denied) as error:
            return self._page(visit, at, wrong=error.code)

    def _changed(self, visit: Visit, at: AtRecord, change: Change) -> Response:
        """Put it right in every room that holds a copy, and answer the request, if one was chosen: both or neither."""
        rectification.demand_proof(change, at.opening.proof)
        answers, by = visit.form.get("request", ""), Actor("agent", str(at.member.id))
        with self.application.database.transaction() as connection:
            request = self._taken(connection, visit, at, answers) if answers else None
            receipt = rectification.rectify(self.application, connection, at.person.id, change, by=by, now=visit.now)
            if request is not None:
                outcome = self._outcome(connection, visit, at, receipt)
                self.application.requests.finish(connection, request.id, outcome=outcome, by=by, now=visit.now)
        saved = "right" if receipt.corrected else "same"
        answered = "" if request is None else f"&request={request.id}"
        return see_other(f"/desk/records/{at.person.id}/correct?saved={saved}{answered}")

    def _taken(self, connection: Connection, visit: Visit, at: AtRecord, id: str) -> Request:
        """The request that is answered, taken by this member: its row is locked before anything changes."""
        asked = RequestId(parse_uuid(id, what="a request"))
        request = self.application.requests.get(connection, asked, subject=at.person.id)
        if request.kind != "rectification":
            raise BadInput("this request does not ask for a correction; nothing was changed", code="other-request")
        return self.application.requests.take(connection, request.id, at.member.id, now=visit.now)

    def _outcome(self, connection: Connection, visit: Visit, at: AtRecord, receipt: Receipt) -> str:
        """What the customer reads, in their language."""
        language = language_of(self.application.subjects.get(connection, at.person.id).language)
        theirs = Words(language or visit.words.language, visit.words.zone)
        return self.door.shell.text(
            theirs,
            "desk/outcome_correction.html",
            corrected=receipt.corrected,
            titles=self._titles(connection, theirs.language),
            today=visit.now,
        )

    def _page(self, visit: Visit, at: AtRecord, *, wrong: str | None = None) -> Response:
        subjects, id, query = self.application.subjects, at.person.id, visit.request.query_params
        with self.application.database.transaction() as connection:
            values = {
                "profile": subjects.profile(connection, id),
                "spoken": subjects.get(connection, id).language,
                "contacts": _reachable(self.application, connection, at),
                "lives": shown_address(visit.form, subjects.residences(connection, [id]).get(id)),
                "receipts": rectification.of_subject(connection, id, limit=_RECEIPTS),
                "titles": self._titles(connection, visit.words.language),
            }
            requests = self.application.requests.of_subject(connection, id, limit=_MOST_REQUESTS)
        mine = {None, at.member.id}
        return self.door.render(
            visit,
            at,
            "correct",
            status=200 if wrong is None else 400,
            requests=[each for each in requests if _asks(each) and each.owner in mine],
            answered=next((each for each in requests if str(each.id) == query.get("request")), None),
            saved=query.get("saved"),
            document_seen=at.opening.proof == "document",
            in_person=at.opening.proof != "mandate",
            wrong=wrong,
            form=visit.form,
            today=visit.now.astimezone(visit.words.zone).date().isoformat(),
            **values,
        )

    def _ask_code(
        self, visit: Visit, at: AtRecord, alias: Alias, challenge: str, *, wrong: str | None = None
    ) -> Response:
        return self.door.render(
            visit,
            at,
            "correct_code",
            status=200 if wrong is None else 400,
            contact=alias.value,
            challenge=challenge,
            answers=visit.form.get("request", ""),
            wrong=wrong,
            outbox=self._outbox(challenge) if self.door.shell.mode == "demo" else None,
        )

    def _outbox(self, challenge: str) -> list[views.Letter]:
        """Demo mode: what was sent for this one challenge."""
        with self.application.database.transaction() as connection:
            return [
                views.Letter(message.contact.partition(":")[2], message.code, message.created_at)
                for message in demo_messages(connection)
                if str(message.challenge) == challenge
            ]

    def _titles(self, connection: Connection, language: str) -> dict[str, str]:
        catalogue = self.application.catalogue(connection)
        return {purpose.id: purpose.notice(language).title for purpose in catalogue.purposes.values()}


def _change(visit: Visit) -> Change:
    """What the form says is to be changed."""
    form = visit.form
    match form.get("what", ""):
        case "name":
            return Name(" ".join(form.get("name", "").split()))
        case "language":
            return Language(form.get("language", ""))
        case "birth-date":
            return BirthDate(_day(form.get("birth_date", "")))
        case "address":
            return postal_address(form)
        case "end":
            return OldContact(Alias.parse(form.get("contact", "")))
    raise BadInput("this is nothing that the page changes; nothing was changed", code="bad-form")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise BadInput("write the day as 1990-05-01; nothing was changed", code="bad-birth-date") from None


def _asks(request: Request) -> bool:
    return request.is_open and request.kind == "rectification"


def _reachable(application: Application, connection: Connection, at: AtRecord) -> list[Alias]:
    """Present contacts that a code can be sent to."""
    return [
        each.alias
        for each in application.subjects.contacts(connection, at.person.id)
        if each.period.end is None and each.alias.kind in REACHED_BY
    ]
