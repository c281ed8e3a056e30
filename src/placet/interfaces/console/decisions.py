"""How many said what, by everything that a record says; what they took back; and the same as data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access.staff_sessions import StaffSession
from placet.catalogue.model import Catalogue
from placet.consents import counts
from placet.consents.counts import Said, Spell
from placet.interfaces.console import figures
from placet.interfaces.console.figures import Period, Which
from placet.interfaces.console.office import OFFICER, Office, dated, download, release_for
from placet.interfaces.console.overview import names_of
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import NotFound
from placet.kernel.ids import ChannelId, PurposeId


@attrs.frozen
class Asked:
    """What a page is about: one purpose (None: all), one channel of it (None: the purpose itself), a period."""

    purpose: PurposeId | None
    channel: ChannelId | None
    period: Period

    @classmethod
    def of(cls, visit: Visit, catalogue: Catalogue) -> Asked:
        """What the address asks; a purpose or channel that is not in the catalogue is none."""
        query = visit.request.query_params
        purpose = catalogue.purposes.get(PurposeId(query.get("purpose", "")))
        channel = ChannelId(query.get("channel", ""))
        known = purpose.channels if purpose is not None else tuple(catalogue.channels)
        period = Period.parse(query.get("period"), visit.now, visit.words.zone)
        return cls(None if purpose is None else purpose.id, channel if channel in known else None, period)

    @property
    def query(self) -> str:
        """The same for the address of a download."""
        return f"purpose={self.purpose or ''}&channel={self.channel or ''}&period={self.period.name}"


@attrs.frozen
class Decisions:
    """The pages `/console/decisions` and `/console/regret`."""

    office: Office

    def answers(self, visit: Visit, session: StaffSession) -> Response:
        return self._page(visit, session, "decisions", "yes")

    def regret(self, visit: Visit, session: StaffSession) -> Response:
        return self._page(visit, session, "regret", "regret")

    def data(self, visit: Visit, session: StaffSession) -> Response:
        """The counts behind the charts: `answers` by everything, or `over-time`; as CSV or JSON."""
        series, _, ending = visit.request.path_params["file"].rpartition(".")
        if series not in ("answers", "over-time") or ending not in ("csv", "json"):
            raise NotFound("there is no such data", code="not-found")
        release = release_for(session)
        with self.office.application.database.transaction() as connection:
            asked = Asked.of(visit, self.office.application.catalogue(connection))
            if series == "answers":
                table = figures.table(_said(connection, asked), release)
            else:
                table = figures.course_table(_spells(connection, asked), release)
        name = dated(series, visit.now, ending)
        if ending == "csv":
            return download(as_csv(table), name=name, media_type="text/csv; charset=utf-8")
        return download(as_json(table, asked), name=name, media_type="application/json")

    def _page(self, visit: Visit, session: StaffSession, template: str, which: Which) -> Response:
        application, release = self.office.application, release_for(session)
        with application.database.transaction() as connection:
            catalogue = application.catalogue(connection)
            asked = Asked.of(visit, catalogue)
            every = counts.said(connection, since=asked.period.since, until=asked.period.until)
            spells = _spells(connection, asked)
        rows = figures.about(every, asked.purpose, asked.channel)
        channels = [row for row in every if row.channel is not None and asked.purpose in (None, row.purpose)]
        by = {
            "purpose": figures.groups(figures.about(every, None, asked.channel), "purpose", release),
            "channel": figures.groups(channels, "channel", release),
            "language": figures.groups(rows, "language", release),
            "route": figures.groups(rows, "route", release),
            "notice": figures.groups([row for row in rows if row.notice_version is not None], "notice", release),
        }
        spots = figures.course(spells, asked.period, release)
        return self.office.render(
            visit,
            session,
            template,
            asked=asked,
            catalogue=catalogue,
            names=names_of(catalogue, visit.words.language),
            all=figures.whole(rows, release),
            by=by,
            spots=spots,
            which=which,
            fulls={
                "yes": figures.scale([group.answers for groups in by.values() for group in groups]),
                "regret": figures.scale([group.regret for groups in by.values() for group in groups]),
            },
            full_in_time=figures.reach([spot.group.shown(which) for spot in spots]),
            figures=figures,
            is_exact=session.member.has(*OFFICER),
        )


def as_csv(table: Sequence[dict[str, Any]]) -> bytes:
    """UTF-8 with a byte order mark; the cells are words of the catalogue, dates and numbers."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]) if table else ["purpose"], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue().encode("utf-8-sig")


def as_json(table: Sequence[dict[str, Any]], asked: Asked) -> bytes:
    period = {"since": asked.period.since.isoformat(), "until": asked.period.until.isoformat()}
    return json.dumps({**period, "rows": table}, ensure_ascii=False, indent=1).encode()


def _said(connection: Connection, asked: Asked) -> list[Said]:
    rows = counts.said(connection, since=asked.period.since, until=asked.period.until)
    return figures.about(rows, asked.purpose, asked.channel)


def _spells(connection: Connection, asked: Asked) -> list[Spell]:
    period = asked.period
    spells = counts.over_time(connection, since=period.since, until=period.until, step=period.step)
    return [spell for spell in spells if spell.channel == asked.channel and asked.purpose in (None, spell.purpose)]
