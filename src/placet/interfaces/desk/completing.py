"""
The second half of a grant: the person's own at the desk (a code, a signature), another member's for phone and letter.
"""

from __future__ import annotations

from uuid import UUID

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access import openings, reads, staff
from placet.access.staff import Member
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.consents import signatures
from placet.consents.halves import Half
from placet.consents.model import Outcome, Refused
from placet.interfaces.desk import views
from placet.interfaces.desk.deciding import recorded_ids
from placet.interfaces.desk.opening import demo_outbox
from placet.interfaces.desk.reading import Reader, text_of
from placet.interfaces.desk.record import RecordPages
from placet.interfaces.desk.record_door import AtRecord, RecordDoor
from placet.interfaces.staff.signing_in import see_other
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, Denied, NotFound
from placet.kernel.ids import parse_uuid
from placet.subjects.names import initials
from placet.subjects.search import mask, masked

PAGE = 25
REJECTIONS = ("not-heard", "other-answer", "other-text", "other-person", "no-recording")
"""Why a recording or scan does not bear a grant out."""


@attrs.frozen
class Completing:
    application: Application
    shell: Shell
    door: RecordDoor
    record: RecordPages

    # At the desk: the customer's half

    def half(self, visit: Visit, at: AtRecord) -> Response:
        return self._half(visit, at)

    def send_code(self, visit: Visit, at: AtRecord) -> Response:
        """Send the customer the code that completes this grant."""
        id = self._mine(visit, at).id
        told = visit.form.get("contact", "")
        with self.application.database.transaction() as connection:
            place = int(told) if told.isdecimal() and len(told) < 4 else -1
            contact = openings.chosen(connection, self.application.subjects, at.person.id, place)
        self.application.assisted.send_code(id, contact, by=at.member.id, language=at.person.language, now=visit.now)
        return see_other(self._address(at, id))

    def enter_code(self, visit: Visit, at: AtRecord) -> Response:
        half = self._mine(visit, at)
        code = "".join(visit.form.get("code", "").split())
        self.application.keeper.demand_agreement()
        return self._told(visit, at, half, self.application.assisted.complete_by_code(half.id, code, now=visit.now))

    def sign(self, visit: Visit, at: AtRecord) -> Response:
        """The image of the customer's signature."""
        half = self._mine(visit, at)
        try:
            image = _image(visit)
        except BadInput as error:
            return self._half(visit, at, wrong=error.code)
        self.application.keeper.demand_agreement()
        outcomes = self.application.assisted.complete_by_signature(half.id, image, now=visit.now)
        return self._told(visit, at, half, outcomes)

    def _half(self, visit: Visit, at: AtRecord, *, wrong: str | None = None) -> Response:
        half = self._mine(visit, at)
        if half.state == "recorded":
            return see_other(f"/desk/records/{at.person.id}/done?{recorded_ids(half)}")
        subjects = self.application.subjects
        with self.application.database.transaction() as connection:
            waiting = self.record.reader(connection, visit, at).waiting(half, _name(connection, half))
            values = {
                "reachable": [mask(alias) for alias in openings.reachable(connection, subjects, at.person.id)],
                "outbox": demo_outbox(self.shell, connection, half.challenge),
            }
        return self.door.render(
            visit,
            at,
            "half",
            status=200 if wrong is None else 400,
            waiting=waiting,
            waits=half.waits(visit.now),
            wrong=wrong,
            longest=signatures.LONGEST // 1024,
            **values,
        )

    def _told(self, visit: Visit, at: AtRecord, half: Half, outcomes: list[Outcome]) -> Response:
        refused = next((outcome for outcome in outcomes if isinstance(outcome, Refused)), None)
        if refused is not None:
            return self._half(visit, at, wrong=refused.code)
        return see_other(self._address(at, half.id))

    def _mine(self, visit: Visit, at: AtRecord) -> Half:
        """A half of the record that is open; another's does not exist here."""
        id = _id(visit)
        with self.application.database.transaction() as connection:
            half = self.application.assisted.get(connection, id)
        if half.number != at.person.number:
            raise NotFound("there is no such grant; nothing was changed", code="unknown-half")
        return half

    def _address(self, at: AtRecord, id: UUID) -> str:
        return f"/desk/records/{at.person.id}/halves/{id}"

    # By phone and letter: a colleague's half

    def queue(self, visit: Visit, session: StaffSession) -> Response:
        """What waits for a second member."""
        after = visit.request.query_params.get("after")
        assisted = self.application.assisted
        with self.application.database.transaction() as connection:
            behind = None if after is None else assisted.get(connection, parse_uuid(after, what="a grant"))
            halves = assisted.waiting(connection, now=visit.now, after=behind, limit=PAGE + 1)
            reader = self._reader(connection, visit)
            found = [self._waiting(connection, reader, half) for half in halves[:PAGE]]
        further = halves[PAGE - 1].id if len(halves) > PAGE else None
        return self.shell.render(
            visit, "desk/confirm.html", found=found, further=further, paged=after is not None, me=session.member.id
        )

    def opened(self, visit: Visit, session: StaffSession) -> Response:
        return self._opened(visit, session.member)

    def settle(self, visit: Visit, session: StaffSession) -> Response:
        """Confirm or reject after hearing the recording or seeing the scan."""
        member, id = session.member, _id(visit)
        with self.application.database.transaction() as connection:
            half = self._others(connection, member, id)
        if visit.form.get("answer") == "holds":
            self.application.keeper.demand_agreement()
            outcomes = self.application.assisted.complete_by_member(half.id, member.id, now=visit.now)
            refused = next((outcome for outcome in outcomes if isinstance(outcome, Refused)), None)
            return see_other(f"/desk/confirm/{id}") if refused is None else self._opened(visit, member, refused.code)
        why = visit.form.get("why", "")
        if visit.form.get("answer") != "rejected" or why not in REJECTIONS:
            return self._opened(visit, member, "bad-rejection")
        with self.application.database.transaction() as connection:
            self.application.assisted.reject(connection, half.id, member.id, why=why, now=visit.now)
        return see_other(f"/desk/confirm/{id}")

    def _opened(self, visit: Visit, member: Member, wrong: str | None = None) -> Response:
        with self.application.database.transaction() as connection:
            half = self.application.assisted.get(connection, _id(visit))
            if half.first.route == "desk":
                raise NotFound("there is no such grant; nothing was changed", code="unknown-half")
            openings.demand_not_own(connection, self.application.subjects, member, half.first.subject)
            reads.note(
                connection, staff=member.id, what="grant", reason="check", subject=half.first.subject, now=visit.now
            )
            waiting = self._waiting(connection, self._reader(connection, visit), half)
            waiting = attrs.evolve(waiting, text=text_of(connection, half.first.shown))
        return self.shell.render(
            visit,
            "desk/confirm_one.html",
            status=200 if wrong is None else 400,
            waiting=waiting,
            waits=half.waits(visit.now),
            mine=half.first.by == member.id,
            rejections=REJECTIONS,
            wrong=wrong,
        )

    def _others(self, connection: Connection, member: Member, id: UUID) -> Half:
        """A half that somebody else wrote down, about somebody else than the member."""
        half = self.application.assisted.get(connection, id)
        if half.first.route == "desk":
            raise NotFound("there is no such grant; nothing was changed", code="unknown-half")
        if half.first.by == member.id:
            raise Denied("whoever wrote the grant down cannot complete it; a colleague must", code="same-person")
        openings.demand_not_own(connection, self.application.subjects, member, half.first.subject)
        return half

    def _waiting(self, connection: Connection, reader: Reader, half: Half) -> views.Waiting:
        subjects = self.application.subjects
        return attrs.evolve(
            reader.waiting(half, _name(connection, half)),
            initials=initials(subjects.profile(connection, half.first.subject).name),
            contacts=masked(subjects.contacts(connection, half.first.subject)),
        )

    def _reader(self, connection: Connection, visit: Visit) -> Reader:
        catalogue, rest = self.application.catalogue(connection), self.application.rulebook.rest
        return Reader(catalogue, {}, visit.words.language, visit.now, rest)


def _image(visit: Visit) -> bytes:
    """The one image that was sent, judged by its frame."""
    files = visit.files.get("image", ())
    if len(files) != 1:
        raise BadInput("choose the image of the signature; nothing was recorded", code="no-image")
    signatures.judged(files[0].data)
    return files[0].data


def _name(connection: Connection, half: Half) -> str:
    return staff.get(connection, half.first.by).name


def _id(visit: Visit) -> UUID:
    try:
        return parse_uuid(visit.request.path_params["half"], what="a grant")
    except BadInput:
        raise NotFound("there is no such grant; nothing was changed", code="unknown-half") from None
