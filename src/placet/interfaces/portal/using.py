"""What was done with somebody's data: by purpose and activity, and each use by itself (mission B7)."""

from __future__ import annotations

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.bootstrap import Application
from placet.catalogue.model import Catalogue
from placet.gate.uses import Total, counted, uses_of
from placet.interfaces.portal import reading
from placet.interfaces.portal.past import position_of
from placet.interfaces.portal.whom import Whom, show
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import NotFound
from placet.kernel.ids import PurposeId

PAGE = 25
"""Uses on one page."""
OTHER = "without-consent"
"""The address of what needs nobody's yes: on the contract or a law."""


@attrs.frozen
class Using:
    """The pages of uses; a representative sees the purposes of their mandate alone."""

    application: Application
    shell: Shell

    def overview(self, visit: Visit, whom: Whom) -> Response:
        language = visit.words.language
        with self.application.database.transaction() as connection:
            catalogue, totals = self._totals(connection, visit, whom)
        found = reading.by_purpose(catalogue, totals)
        order = [*(purpose for purpose in catalogue.purposes if whom.sees(purpose)), None]
        purposes = [
            reading.uses_of(catalogue, purpose, found[purpose], language)
            for purpose in order
            if purpose in found and (purpose is not None or whom.mandate is None)
        ]
        return show(self.shell, visit, whom, "uses", purposes=purposes, other=OTHER)

    def purpose(self, visit: Visit, whom: Whom) -> Response:
        before = position_of(visit.request.query_params.get("before"))
        language = visit.words.language
        with self.application.database.transaction() as connection:
            catalogue, totals = self._totals(connection, visit, whom)
            purpose = _asked(visit, catalogue, whom)
            activities = reading.activities_of(catalogue, purpose, totals)
            found = uses_of(connection, whom.subject, activities=activities, before=before, limit=PAGE + 1)
        mine = reading.by_purpose(catalogue, totals).get(purpose, [])
        return show(
            self.shell,
            visit,
            whom,
            "uses_of",
            uses=reading.uses_of(catalogue, purpose, mine, language),
            lines=[reading.use_line(use, catalogue, language) for use in found[:PAGE]],
            here=f"/uses/{purpose or OTHER}",
            older=found[PAGE - 1].id if len(found) > PAGE else None,
            newer=before is not None,
        )

    def _totals(self, connection: Connection, visit: Visit, whom: Whom) -> tuple[Catalogue, list[Total]]:
        return self.application.catalogue(connection), counted(connection, whom.subject, now=visit.now)


def _asked(visit: Visit, catalogue: Catalogue, whom: Whom) -> PurposeId | None:
    """The purpose that the address names; None for what needs none."""
    named = visit.request.path_params["purpose"]
    if named == OTHER and whom.mandate is None:
        return None
    purpose = PurposeId(named)
    if purpose not in catalogue.purposes or not whom.sees(purpose):
        raise NotFound("no such purpose", code="unknown-purpose")
    return purpose
