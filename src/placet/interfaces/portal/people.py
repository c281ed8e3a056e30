"""People one decides for, people who may decide for oneself, lines, and what a line's fate has paused."""

from __future__ import annotations

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.bootstrap import Application
from placet.catalogue.model import Catalogue
from placet.consents import store
from placet.interfaces.portal import reading, views
from placet.interfaces.portal.signing_in import FOR, see_other
from placet.interfaces.portal.whom import Door, Whom, show
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import MandateId, SubjectId, parse_uuid
from placet.subjects.model import Mandate

ENDED_BY_HAND = frozenset({"power-of-attorney"})
"""A power of attorney is given and taken back; what a parent or guardian may do follows from the law."""


@attrs.frozen
class People:
    """The pages of mandates and lines; each is about the one who is signed in."""

    application: Application
    shell: Shell
    door: Door

    def overview(self, visit: Visit, whom: Whom) -> Response:
        me = whom.session.subject
        with self.application.database.transaction() as connection:
            catalogue = self.application.catalogue(connection)
            found = self.application.subjects.mandates(connection, me)
            mine = [
                self._line(connection, visit, catalogue, each, each.subject)
                for each in found
                if each.representative == me
            ]
            over_me = [
                self._line(connection, visit, catalogue, each, each.representative)
                for each in found
                if each.subject == me
            ]
        return show(self.shell, visit, whom, "people", mine=_sorted(mine), over_me=_sorted(over_me))

    def decide_for(self, visit: Visit, whom: Whom) -> Response:
        """From now on the pages are about the person of the mandate."""
        id = visit.request.path_params["mandate"]
        with self.application.database.transaction() as connection:
            held = self.door.held(connection, whom.session, id, visit.now)
            known = held is not None or self._mine(connection, whom, id) is not None
        if held is None:
            if not known:
                raise NotFound("no such mandate of yours", code="unknown-mandate")
            return self.door.over(visit, whom.session)
        response = see_other("/")
        self.shell.set_cookie(response, FOR, str(held.id))
        return response

    def decide_for_oneself(self, _visit: Visit, _whom: Whom) -> Response:
        response = see_other("/")
        self.shell.drop_cookie(response, FOR)
        return response

    def ask_end(self, visit: Visit, whom: Whom) -> Response:
        with self.application.database.transaction() as connection:
            mandate = self._ended_by_hand(connection, visit, whom)
            other = _other(mandate, whom.session.subject)
            line = self._line(connection, visit, self.application.catalogue(connection), mandate, other)
        return show(self.shell, visit, whom, "mandate_end", mandate=line, mine=other == mandate.subject)

    def end(self, visit: Visit, whom: Whom) -> Response:
        """Take a power of attorney back, or lay it down; one that has ended meanwhile stays ended."""
        with self.application.database.transaction() as connection:
            mandate = self._ended_by_hand(connection, visit, whom)
            if visit.now in mandate.period:
                self.application.subjects.end_mandate(connection, mandate.id, at=visit.now)
        response = see_other("/people")
        if self.shell.cookie(visit.request, FOR) == str(mandate.id):
            self.shell.drop_cookie(response, FOR)
        return response

    def lines(self, visit: Visit, whom: Whom) -> Response:
        """Lines, and what an event on one of them has paused until it is confirmed."""
        with self.application.database.transaction() as connection:
            person = self.application.subjects.get(connection, whom.subject)
            catalogue = self.application.catalogue(connection)
            standings = store.standing_of(connection, person.number)
            found = self.application.subjects.lines(connection, whom.subject)
        language = visit.words.language
        lines = [views.Line(number.value, role.role, role.period.start, role.period.end) for number, role in found]
        paused = [
            views.Paused(
                purpose,
                reading.title_of(catalogue, purpose, language),
                None if channel is None else reading.channel_title(catalogue, channel, language),
                state.occurred_at,
            )
            for purpose, standing in standings.items()
            for channel, state in standing.items()
            if state.decision == "suspended"
        ]
        return show(self.shell, visit, whom, "lines", lines=lines, paused=paused)

    def _mine(self, connection: Connection, whom: Whom, id: str) -> Mandate | None:
        """A mandate that names who is signed in, whichever side they are on."""
        try:
            asked = MandateId(parse_uuid(id, what="a mandate"))
        except BadInput:
            return None
        found = self.application.subjects.mandates(connection, whom.session.subject)
        return next((mandate for mandate in found if mandate.id == asked), None)

    def _ended_by_hand(self, connection: Connection, visit: Visit, whom: Whom) -> Mandate:
        mandate = self._mine(connection, whom, visit.request.path_params["mandate"])
        if mandate is None or mandate.kind not in ENDED_BY_HAND:
            raise NotFound("no such mandate of yours", code="unknown-mandate")
        return mandate

    def _line(
        self, connection: Connection, visit: Visit, catalogue: Catalogue, mandate: Mandate, other: SubjectId
    ) -> views.MandateLine:
        return views.MandateLine(
            id=str(mandate.id),
            name=self.application.subjects.profile(connection, other).name,
            kind=mandate.kind,
            purposes=tuple(
                reading.title_of(catalogue, purpose, visit.words.language)
                for purpose in catalogue.purposes
                if purpose in mandate.purposes
            ),
            everything=mandate.purposes >= set(catalogue.purposes),
            since=mandate.period.start,
            until=mandate.period.end,
            holds=visit.now in mandate.period,
            may_be_ended=mandate.kind in ENDED_BY_HAND,
        )


def _other(mandate: Mandate, me: SubjectId) -> SubjectId:
    """The other side of a mandate."""
    return mandate.subject if mandate.representative == me else mandate.representative


def _sorted(lines: list[views.MandateLine]) -> list[views.MandateLine]:
    """What holds first, the newest first."""
    return sorted(lines, key=lambda line: (not line.holds, -line.since.timestamp()))
