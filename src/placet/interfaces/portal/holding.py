"""My data: everything held, in plain words; correcting it; who of the staff looked at it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import islice

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access import openings, reads
from placet.bootstrap import Application
from placet.duties import Json
from placet.interfaces.portal import views
from placet.interfaces.portal.past import position_of
from placet.interfaces.portal.whom import Whom, show
from placet.interfaces.web.languages import Words
from placet.interfaces.web.shell import Shell, Visit
from placet.rights.holdings import Holdings, Section, Table, everything

SHOWN = 5
"""Rows of one kind that the page shows; the download has all."""
PAGE = 25
_LONGEST = 300
"""Characters of one value that the page shows."""

ELSEWHERE = {
    "states": "/",
    "decisions": "/history",
    "uses": "/uses",
    "messages": "/messages",
    "inbox": "/messages/inbox",
    "requests": "/requests",
    "openings": "/data/openings",
    "staff_access": "/data/openings",
    "lines": "/lines",
    "mandates": "/people",
}
"""Tables that have a page of their own."""


@attrs.frozen
class Holding:
    """The pages of what is held; each is about the one who is signed in."""

    application: Application
    shell: Shell

    def overview(self, visit: Visit, whom: Whom) -> Response:
        language = visit.words.language
        with self.application.database.transaction() as connection:
            held = everything(self.application, connection, whom.subject, language=language, now=visit.now)
            bases, purposes = _sections(held, visit.words)
        return show(self.shell, visit, whom, "data", bases=bases, purposes=purposes)

    def opened_by(self, visit: Visit, whom: Whom) -> Response:
        """Who of the staff opened the record, and what they read."""
        before = position_of(visit.request.query_params.get("before"))
        with self.application.database.transaction() as connection:
            opened = self._openings(connection, whom) if before is None else []
            found = reads.of_subject(connection, whom.subject, before=before, limit=PAGE + 1)
        lines = [views.StaffRead(read.at, read.role, read.shop, read.what, read.reason) for read in found[:PAGE]]
        older = found[PAGE - 1].id if len(found) > PAGE else None
        return show(
            self.shell, visit, whom, "opened_by", openings=opened, reads=lines, older=older, newer=before is not None
        )

    def _openings(self, connection: Connection, whom: Whom) -> list[views.StaffOpening]:
        """By role and place: which member it was is the member's own data (CJEU C-579/21, 83)."""
        found = openings.of_subject(connection, whom.subject, limit=PAGE)
        return [
            views.StaffOpening(
                each.opened_at or each.asked_at, each.closed_at, each.role, each.shop, each.reason, each.proof
            )
            for each in found
            if each.opened_at is not None
        ]


def _sections(held: Holdings, words: Words) -> tuple[list[views.Held], list[views.Held]]:
    """What is held on contract and law, and what for each purpose."""
    bases = [_section(section, words) for section in held.sections if section.purpose is None]
    purposes = [_section(section, words) for section in held.sections if section.purpose is not None]
    return [section for section in bases if section.tables], purposes


def _section(section: Section, words: Words) -> views.Held:
    language = words.language
    tables = [_table(table, words) for table in section.tables]
    return views.Held(
        id=section.id,
        title=section.title.get(language, section.id),
        explained=section.explained.get(language, ()),
        # A purpose has many kinds of data; of those that it does not hold nothing need be said.
        tables=tuple(table for table in tables if table.rows or table.address or section.purpose is None),
    )


def _table(table: Table, words: Words) -> views.HeldTable:
    language = words.language
    elsewhere = ELSEWHERE.get(table.name)
    rows = [] if elsewhere is not None else list(islice(table.rows(), SHOWN + 1))
    return views.HeldTable(
        title=table.title[language],
        why=table.why[language],
        until=table.until[language],
        rows=tuple(_row(table, row, words) for row in rows[:SHOWN]),
        more=len(rows) > SHOWN,
        address=elsewhere,
    )


def _row(table: Table, row: Json, words: Words) -> tuple[tuple[str, str], ...]:
    """What a row says, without what is empty."""
    named = ((table.columns[key].get(words.language, key), _plain(row.get(key), words)) for key in table.columns)
    return tuple((name, value) for name, value in named if value)


def _plain(value: object, words: Words) -> str:
    """A value as the reader writes it; what is nested is told by its parts."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "✓" if value else "✕"
    if isinstance(value, int):
        return words.number(value)
    if isinstance(value, str):
        return _text(value, words)
    if isinstance(value, dict):
        return _joined(value.values(), words)
    return _joined(value, words) if isinstance(value, Iterable) else str(value)


def _joined(values: Iterable[object], words: Words) -> str:
    return ", ".join(filter(None, (_plain(each, words) for each in values)))


def _text(text: str, words: Words) -> str:
    """An instant or a day as the language writes it; a long text by its beginning."""
    if len(text) >= 10 and text[:4].isdecimal() and text[4] == "-":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is not None:
            return words.moment(moment) if moment.tzinfo is not None else words.day(moment.date())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
