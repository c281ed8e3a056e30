"""What somebody took part in (mission M4): told by when their consent held, and never by what their phone did."""

from __future__ import annotations

import attrs
from starlette.responses import Response

from placet.bootstrap import Application
from placet.interfaces.atlas.pages import month
from placet.interfaces.portal import views
from placet.interfaces.portal.reading import Reader
from placet.interfaces.portal.whom import Whom, show
from placet.interfaces.web.languages import Words
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import NotFound
from placet.purposes.mobility.duties import MOBILITY
from placet.purposes.mobility.releasing.model import Release


@attrs.frozen
class Partaking:
    """The page `/mobility`; a representative sees it if their mandate names the purpose."""

    application: Application
    shell: Shell

    def overview(self, visit: Visit, whom: Whom) -> Response:
        if not whom.sees(MOBILITY):
            raise NotFound("no such page", code="unknown-purpose")
        with self.application.database.transaction() as connection:
            reader = Reader.of(self.application, connection, visit, whom)
            releases = self.application.mobility.took_part(connection, reader.person.number)
        state = reader.standings.get(MOBILITY, {}).get(None)
        return show(
            self.shell,
            visit,
            whom,
            "mobility",
            purpose=MOBILITY,
            decision=reader.decision(MOBILITY),
            since=None if state is None else state.occurred_at,
            parts=[_part(release, visit.words) for release in releases],
        )


def _part(release: Release, words: Words) -> views.TookPart:
    population = release.population
    return views.TookPart(
        release=release.id,
        month=month(release.window, words),
        public_at=release.public_at,
        people=None if population is None else _round(population.value),
    )


def _round(value: float) -> int:
    """Two figures of a noisy number: more would say more than it knows to somebody who only wants to know how many."""
    digits = max(len(str(round(value))) - 2, 0)
    return int(round(value, -digits))
