"""The first page of the console: the findings of the day, each with where it comes from."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.access.staff import Role
from placet.access.staff_sessions import StaffSession
from placet.catalogue import approvals
from placet.catalogue.model import Catalogue
from placet.consents import agents, counts
from placet.consents.shares import Release, Share
from placet.gate import stops
from placet.interfaces.console import figures
from placet.interfaces.console.figures import Group, Period, Shown
from placet.interfaces.console.office import OFFICE, Office, release_for
from placet.interfaces.web.shell import Visit
from placet.kernel.ids import ChannelId, PurposeId

LOOKED_BACK = timedelta(days=30)
"""How far back the stop clock's percentiles reach."""


@attrs.frozen
class Standing:
    """For how many customers a purpose or channel is open now; None: the replica does not know just now."""

    purpose: PurposeId
    channel: ChannelId | None
    key: str
    open: Shown | None


@attrs.frozen
class Overview:
    """The page `/console`."""

    office: Office

    def start(self, visit: Visit, session: StaffSession) -> Response:
        application, release = self.office.application, release_for(session)
        period = Period.parse("90", visit.now, visit.words.zone)
        with application.database.transaction() as connection:
            catalogue = application.catalogue(connection)
            rows = counts.said(connection, since=period.since, until=period.until)
            waited = stops.percentiles(connection, since=visit.now - LOOKED_BACK, until=visit.now)
            deadlines = application.requests.counts_by_deadline(connection, visit.now)
            closures = stops.closures(connection)
            drafts = self._open_drafts(connection, session)
            far_off = agents.far_off(connection, now=visit.now)
        standings = sorted(self._standings(catalogue, release), key=_share, reverse=True)
        purposes = [each for each in standings if each.channel is None]
        return self.office.render(
            visit,
            session,
            "overview",
            standings=purposes,
            most=purposes[0],
            least=purposes[-1],
            reached=[
                (purpose, [each for each in standings if each.purpose == purpose and each.channel is not None])
                for purpose, known in catalogue.purposes.items()
                if known.channels
            ],
            best=_most_open(standings),
            regretted=_group_of(rows, _most_open(standings), release),
            said=figures.whole(figures.about(rows, None, None), release),
            waited=waited.everywhere,
            deadlines=deadlines,
            closures=closures,
            drafts=drafts,
            far_off=far_off,
            watches=session.member.has(Role.REVIEWER, Role.DPO),
            answers_requests=session.member.has(Role.AGENT, Role.REVIEWER, Role.DPO),
            names=names_of(catalogue, visit.words.language),
            figures=figures,
        )

    def _standings(self, catalogue: Catalogue, release: Release) -> list[Standing]:
        people = self.office.replica.memory.view.people
        now = time.monotonic()
        found = []
        for purpose in catalogue.purposes.values():
            for channel in (None, *purpose.channels):
                asked = purpose.id if channel is None else f"{purpose.id}/{channel}"
                many = self.office.replica.count(asked, now)
                # Whoever was recorded this very moment may be counted before the count of people has seen them.
                share = None if many is None else Shown.of(Share(many, max(many, people)), release)
                found.append(Standing(purpose.id, channel, asked, share))
        return found

    def _open_drafts(self, connection: Connection, session: StaffSession) -> int:
        """How many drafts wait for somebody; only those who may act are told."""
        if not session.member.has(*OFFICE):
            return 0
        return sum(draft.is_open for draft in approvals.drafts(connection))


def names_of(catalogue: Catalogue, language: str) -> Mapping[str, str]:
    """The title of each purpose, and of each channel of it (`offers/email`) and by itself (`channel.email`)."""
    titles = {str(id): purpose.notice(_in(catalogue, language)).title for id, purpose in catalogue.purposes.items()}
    channels = {str(id): channel.titles[_in(catalogue, language)] for id, channel in catalogue.channels.items()}
    both = {
        f"{purpose.id}/{channel}": f"{titles[purpose.id]}, {channels[channel]}"
        for purpose in catalogue.purposes.values()
        for channel in purpose.channels
    }
    return {**titles, **both, **{f"channel.{id}": title for id, title in channels.items()}}


def _in(catalogue: Catalogue, language: str) -> str:
    return language if language in catalogue.languages else catalogue.languages[0]


def _most_open(standings: Sequence[Standing]) -> Standing | None:
    """The channel that most customers have opened: the finding of the page."""
    told = [each for each in standings if each.channel and each.open is not None and each.open.value is not None]
    return max(told, key=_share, default=None)


def _share(standing: Standing) -> float:
    """What is not told stands behind what is."""
    return -1.0 if standing.open is None or standing.open.value is None else standing.open.value


def _group_of(rows: Sequence[counts.Said], standing: Standing | None, release: Release) -> Group | None:
    if standing is None:
        return None
    return figures.whole(figures.about(rows, standing.purpose, standing.channel), release)
