"""What is on record: the timeline, each entry with its text, receipts, and when a no had stopped everything."""

from __future__ import annotations

import attrs
from psycopg import Connection
from starlette.responses import JSONResponse, Response

from placet.bootstrap import Application
from placet.catalogue.model import Catalogue
from placet.consents import receipts, store
from placet.consents.model import CLOSING, Record
from placet.consents.receipts import Receipt
from placet.gate import stops
from placet.interfaces.portal import reading, views
from placet.interfaces.portal.whom import Whom, show
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import PurposeId, RecordId, parse_uuid
from placet.ledger.reader import TileReader

PAGE = 25
"""Entries of the history on one page."""


@attrs.frozen
class Past:
    """The pages of what has been decided; a representative sees the purposes of their mandate alone."""

    application: Application
    shell: Shell
    tiles: TileReader = attrs.field(factory=TileReader)

    def history(self, visit: Visit, whom: Whom) -> Response:
        before = position_of(visit.request.query_params.get("before"))
        language = visit.words.language
        with self.application.database.transaction() as connection:
            catalogue = self.application.catalogue(connection)
            records = store.history(connection, whom.subject, before=before, limit=PAGE + 1)
        older = records[PAGE - 1].position if len(records) > PAGE else None
        entries = [reading.entry(record, catalogue, language) for record in records[:PAGE] if whom.sees(record.purpose)]
        return show(self.shell, visit, whom, "history", entries=entries, older=older, newer=before is not None)

    def entry(self, visit: Visit, whom: Whom) -> Response:
        return show(self.shell, visit, whom, "entry", entry=self._opened(visit, whom))

    def receipt(self, visit: Visit, whom: Whom) -> Response:
        """A page to print; the file beside it is what verifies."""
        address = f"{self.application.config.url}/log/keys"
        return show(self.shell, visit, whom, "receipt", entry=self._opened(visit, whom), keys_address=address)

    def receipt_file(self, visit: Visit, whom: Whom) -> Response:
        with self.application.database.transaction() as connection:
            record = own_record(connection, whom, visit.request.path_params["record"])
            receipt = self._receipt(connection, record)
        headers = {"content-disposition": f'attachment; filename="{receipt.filename}"'}
        return Response(receipt.data, media_type=receipt.media_type, headers=headers)

    def clock(self, visit: Visit, whom: Whom) -> Response:
        """When a no had stopped everything, at any later time."""
        return show(self.shell, visit, whom, "clock", clock=self._clock(visit, whom))

    def clock_state(self, visit: Visit, whom: Whom) -> Response:
        """The same for the script that keeps the page's clock going: times as the reader writes them."""
        clock, words = self._clock(visit, whom), visit.words
        return JSONResponse(
            {
                "stopped": None if clock.stopped_at is None else words.clock(clock.stopped_at),
                "places": [
                    None if place.stopped_at is None else words.clock(place.stopped_at) for place in clock.places
                ],
            }
        )

    def _clock(self, visit: Visit, whom: Whom) -> views.StopClock:
        with self.application.database.transaction() as connection:
            record = own_record(connection, whom, visit.request.path_params["record"])
            if record.decision not in CLOSING:
                raise NotFound("nothing had to stop for this", code="not-found")
            return stop_clock(connection, record, self.application.catalogue(connection), visit)

    def _opened(self, visit: Visit, whom: Whom) -> views.Entry:
        with self.application.database.transaction() as connection:
            record = own_record(connection, whom, visit.request.path_params["record"])
            catalogue = self.application.catalogue(connection)
            return reading.opened(connection, record, catalogue, visit.words.language)

    def _receipt(self, connection: Connection, record: Record) -> Receipt:
        return receipts.make(
            connection,
            record.id,
            catalogue_at=self.application.in_force.at,
            keys=self.application.keys,
            subject_key=self.application.vault.unwrap,
            config=self.application.config,
            reader=self.tiles,
        )


def own_record(connection: Connection, whom: Whom, id: str) -> Record:
    """A record of whom the pages are about; another's does not exist for them."""
    try:
        record = store.record(connection, RecordId(parse_uuid(id, what="a record")))
    except BadInput:
        record = None
    if record is None or record.subject != whom.subject or not whom.sees(record.purpose):
        raise NotFound("no such record of yours", code="unknown-record")
    return record


def stop_clock(connection: Connection, record: Record, catalogue: Catalogue, visit: Visit) -> views.StopClock:
    """Each place that had to stop for *record*: the gate with the record itself, the others as they have said so."""
    assert record.position is not None
    language = visit.words.language
    clock = stops.clock(connection, record.position, now=visit.now)
    places = [views.ClockPlace("gate", None, record.recorded_at, late=False)]
    for place in clock.places:
        purpose = PurposeId(place.stop.partition("/")[2])
        name = reading.title_of(catalogue, purpose, language) if purpose in catalogue.purposes else None
        places.append(views.ClockPlace(place.kind, name, place.ended_at, place.late))
    stopped_at = clock.stopped_everywhere_at if clock.places else record.recorded_at
    title = reading.title_of(catalogue, record.purpose, language)
    return views.StopClock(str(record.id), title, record.recorded_at, tuple(places), stopped_at)


def position_of(text: str | None) -> int | None:
    """Where a page of a list begins."""
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise BadInput("a page of a list begins at a position, which is a number", code="bad-position")
    return int(text)
