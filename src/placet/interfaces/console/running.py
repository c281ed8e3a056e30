"""How the machinery stands: stops and their clock, the ledger, its witnesses and verification, the audit of uses."""

from __future__ import annotations

from datetime import timedelta

import attrs
from starlette.responses import Response

from placet.access.staff_sessions import StaffSession
from placet.gate import audited, stops
from placet.gate.stops import Figures
from placet.interfaces.console.office import Office
from placet.interfaces.console.overview import names_of
from placet.interfaces.web.charts import Bar
from placet.interfaces.web.languages import Words
from placet.interfaces.web.shell import Visit
from placet.ledger.outside import Outside
from placet.subscribers.actions import MOST, Subscribers

DAYS = {"1": 1, "7": 7, "30": 30, "90": 90}
_MOST = 50


@attrs.frozen
class Running:
    """The pages `/console/stops` and `/console/ledger`."""

    office: Office

    def stops(self, visit: Visit, session: StaffSession) -> Response:
        days = DAYS.get(visit.request.query_params.get("days", ""), 30)
        application = self.office.application
        with application.database.transaction() as connection:
            names = names_of(application.catalogue(connection), visit.words.language)
            waited = stops.percentiles(connection, since=visit.now - timedelta(days=days), until=visit.now)
            following = stops.listing(connection)
            closures = stops.past_closures(connection, limit=_MOST)
            subscribers = Subscribers.of(application.config, application.master).listing(connection, limit=MOST)
        return self.office.render(
            visit,
            session,
            "stops",
            days=days,
            names=names,
            everywhere=waited.everywhere,
            most_measured=stops.MOST_MEASURED,
            each=sorted(waited.stops.items(), key=lambda item: -item[1].p99),
            following=following,
            closures=closures,
            subscribers=subscribers,
            bars=bars,
        )

    def ledger(self, visit: Visit, session: StaffSession) -> Response:
        application = self.office.application
        with application.database.transaction() as connection:
            findings = audited.findings(connection, limit=_MOST)
        trusted = [witness.name for witness in Outside.of(application.config).witnesses()]
        return self.office.render(visit, session, "ledger", findings=findings, trusted=trusted)


def bars(found: Figures, labels: tuple[str, str, str, str], words: Words) -> list[Bar]:
    """The four figures of a clock on one scale, from nothing to the slowest."""
    values = (found.p50, found.p95, found.p99, found.slowest)
    most = max(found.slowest, 1.0)
    return [Bar(label, value / most, f"{words.seconds(value)} s") for label, value in zip(labels, values, strict=True)]
