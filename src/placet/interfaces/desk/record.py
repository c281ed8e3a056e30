"""An open record: where the person stands, what is on record, and receipts to hand over."""

from __future__ import annotations

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.bootstrap import Application
from placet.consents import store
from placet.consents.model import Record
from placet.interfaces.desk.reading import Reader, route_of, text_of
from placet.interfaces.desk.record_door import AtRecord, RecordDoor
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import RecordId, SubjectId, parse_uuid
from placet.rights.model import Request

PAGE = 25
_NEWEST_REQUESTS = 5


@attrs.frozen
class RecordPages:
    application: Application
    door: RecordDoor

    def overview(self, visit: Visit, at: AtRecord) -> Response:
        return self.shown(visit, at)

    def shown(self, visit: Visit, at: AtRecord, *, refusal: str | None = None) -> Response:
        """Where the person stands, with what can be done about it."""
        with self.application.database.transaction() as connection:
            waiting = self.application.assisted.waiting_of(connection, at.person.number, now=visit.now)
            reader = self.reader(connection, visit, at)
            rows = reader.rows(waiting)
            halves = [reader.waiting(half, "") for half in waiting]
            requests = self._requests(connection, at.person.id)
        return self.door.render(
            visit,
            at,
            "record",
            status=200 if refusal is None else 400,
            rows=rows,
            halves=halves,
            requests=requests,
            route=route_of(visit.request.query_params.get("route") or visit.form.get("route")),
            refusal=refusal,
        )

    def history(self, visit: Visit, at: AtRecord) -> Response:
        before = _position(visit.request.query_params.get("before"))
        with self.application.database.transaction() as connection:
            records = store.history(connection, at.person.id, before=before, limit=PAGE + 1)
            lines = [self.reader(connection, visit, at).line(record) for record in records[:PAGE]]
        older = lines[-1].position if len(records) > PAGE else None
        return self.door.render(visit, at, "history", lines=lines, older=older, newer=before is not None)

    def entry(self, visit: Visit, at: AtRecord) -> Response:
        with self.application.database.transaction() as connection:
            record = _own(connection, at.person.id, visit.request.path_params["record"])
            line = self.reader(connection, visit, at).line(record)
            text = None if line.sha256 is None else text_of(connection, bytes.fromhex(line.sha256))
        return self.door.render(visit, at, "entry", line=attrs.evolve(line, text=text))

    def done(self, visit: Visit, at: AtRecord) -> Response:
        """What was recorded, and its receipts."""
        ids = visit.request.query_params.getlist("r")[:12]
        with self.application.database.transaction() as connection:
            reader = self.reader(connection, visit, at)
            lines = [reader.line(_own(connection, at.person.id, id)) for id in ids]
        if not lines:
            raise NotFound("no such result", code="not-found")
        return self.door.render(visit, at, "done", lines=lines)

    def reader(self, connection: Connection, visit: Visit, at: AtRecord) -> Reader:
        return Reader(
            catalogue=self.application.catalogue(connection),
            standings=store.standing_of(connection, at.person.number),
            language=visit.words.language,
            now=visit.now,
            rest=self.application.rulebook.rest,
        )

    def _requests(self, connection: Connection, subject: SubjectId) -> list[Request]:
        return self.application.requests.of_subject(connection, subject, limit=_NEWEST_REQUESTS)


def _own(connection: Connection, subject: SubjectId, id: str) -> Record:
    """A record of this person; another's does not exist here."""
    try:
        record = store.record(connection, RecordId(parse_uuid(id, what="a record")))
    except BadInput:
        record = None
    if record is None or record.subject != subject:
        raise NotFound("no such record of this person", code="unknown-record")
    return record


def _position(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise BadInput("a page of the history begins at a position, which is a number", code="bad-position")
    return int(text)
