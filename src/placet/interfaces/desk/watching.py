"""For reviewers and the data-protection officer: whose yes comes too often, and whose records colleagues opened."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from starlette.responses import Response

from placet.access import openings, reads, staff
from placet.access.staff_sessions import StaffSession
from placet.bootstrap import Application
from placet.consents import agents
from placet.consents.agents import Compared
from placet.interfaces.desk import views
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.ids import StaffId

_MOST_FLAGGED = 50


@attrs.frozen
class Watching:
    application: Application
    shell: Shell

    def agents(self, visit: Visit, session: StaffSession) -> Response:
        """Each member and shop beside its peers, over the last `agents.WINDOW`."""
        since = visit.now - agents.WINDOW
        with self.application.database.transaction() as connection:
            names = {member.id: member.name for member in staff.listing(connection)}
            members = agents.members(connection, since=since, until=visit.now)
            shops = agents.shops(connection, since=since, until=visit.now)
            flagged = openings.flagged(connection, limit=_MOST_FLAGGED)
            reads.note(connection, staff=session.member.id, what="agents", reason="review", subject=None, now=visit.now)
        return self.shell.render(
            visit,
            "desk/agents.html",
            members=[_rate(each, _name(each, names)) for each in members],
            shops=[_rate(each, each.count.who) for each in shops],
            flagged=flagged,
            since=since,
            least=agents.LEAST,
            far=round(agents.FAR * 100),
        )


def _name(compared: Compared, names: Mapping[StaffId, str]) -> str:
    return names.get(agents.member_of(compared.count), compared.count.who)


def _rate(compared: Compared, who: str) -> views.Rate:
    return views.Rate(
        who=who,
        asked=compared.count.asked,
        given=compared.count.given,
        rate=compared.count.rate,
        low=compared.interval.low,
        high=compared.interval.high,
        peers_asked=compared.peers.asked,
        peers_given=compared.peers.given,
        peers_rate=compared.peers.rate,
        standing=compared.standing,
    )
