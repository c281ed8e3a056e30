"""
Writing campaigns, having them approved by a second person, and letting them run.

Every step names the version that its author saw, is decided by `rules.step`, and is a row with who took it. What has
been submitted is not edited any more, so what was approved is exactly what is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid4

import attrs
import structlog
from psycopg import Connection
from pyroaring import BitMap

from placet import facts
from placet.catalogue.model import Catalogue
from placet.consents.in_force import CatalogueInForce
from placet.delivery import batches
from placet.delivery.actions import Delivery
from placet.delivery.letters import Letter
from placet.delivery.model import Filling
from placet.delivery.model import State as Sent
from placet.delivery.notes import Note
from placet.delivery.sms import Text
from placet.gate.actions import Audience, Gate
from placet.gate.replica import Replica
from placet.kernel.errors import BadInput, Conflict, Denied, NotFound
from placet.kernel.ids import ActivityId, ChannelId, SubjectId
from placet.purposes.offers import topics
from placet.purposes.offers.campaigns import results, rules, store, texts
from placet.purposes.offers.campaigns.braking import Braking
from placet.purposes.offers.campaigns.model import (
    ACTIVITIES,
    Brief,
    Campaign,
    CampaignId,
    Change,
    Counted,
    Problem,
    Progress,
    Results,
    Selection,
    State,
    TooMany,
)
from placet.purposes.offers.campaigns.personal import Knows, personal
from placet.purposes.offers.campaigns.selecting import KEY_LABEL, Selected, Selecting, batch_of
from placet.purposes.offers.campaigns.texts import EMAIL, Compiled
from placet.purposes.offers.clicks.actions import Clicks
from placet.purposes.offers.clicks.links import PLACE, Link
from placet.purposes.offers.ground import Ground
from placet.store.database import Database
from placet.subjects.actions import Subjects

SMART = ActivityId("offers.smart-email")
WORKER = "worker"
TOPIC_ENDED = "topic-ended"
"""Why a campaign is stopped whose topic is not offered any more."""
_LONGEST_REASON = 500
_MOST_COMPILED = 100

Competing = Sequence[tuple[UUID, str, BitMap]]
"""Campaigns that compete: id, topic, and whom each may be for."""
Sort = Callable[[Connection, Competing, Audience, datetime], Mapping[UUID, BitMap]]
"""Who gets which of the competing campaigns, at most one each (the learner)."""

log = structlog.get_logger()


@attrs.frozen
class Campaigns:
    """Methods with a connection join its transaction. Thread-safe."""

    database: Database
    subjects: Subjects
    in_force: CatalogueInForce
    gate: Gate
    delivery: Delivery
    selecting: Selecting
    braking: Braking
    sort: Sort | None = None
    """The learner; without one, smart campaigns cannot be submitted."""
    knows: Knows | None = None
    """What the learner has to tell each person in the next letter, and who allows to count links."""
    clicks: Clicks | None = None
    _compiled: dict[str, Compiled] = attrs.field(factory=dict, init=False, eq=False, repr=False)
    """What campaigns say that are sent now, by template; it never changes. Any thread adds to it."""

    @classmethod
    def of(
        cls,
        ground: Ground,
        *,
        told: tuple[facts.Provider, ...] = (),
        sort: Sort | None = None,
        knows: Knows | None = None,
        clicks: Clicks | None = None,
    ) -> Campaigns:
        replica, key = Replica.of(ground.database, ground.config), ground.master.derive(KEY_LABEL)
        selecting = Selecting(ground.gate, ground.delivery, replica, key, told)
        rooms = (ground.database, ground.subjects, ground.in_force, ground.gate, ground.delivery)
        return cls(*rooms, selecting, Braking.of(ground.config), sort, knows, clicks)

    # Writing

    def create(self, connection: Connection, brief: Brief, *, by: str, now: datetime) -> Campaign:
        """A new draft. *by* is a member's id, or `cli`."""
        topics.get(brief.topic)
        id = CampaignId(uuid4())
        store.add(connection, id, brief, by=by, now=now)
        store.note_created(connection, id, by=by, now=now)
        return store.get(connection, id)

    def edit(
        self, connection: Connection, id: CampaignId, brief: Brief, *, version: int, by: str, now: datetime
    ) -> Campaign:
        """Write a draft anew; `Conflict` if somebody else has changed it since *version*."""
        topics.get(brief.topic)
        campaign = self._taken(connection, id, version)
        edited = self._step(connection, attrs.evolve(campaign, reason=None), "edited", by=by, now=now)
        store.rewrite(connection, id, brief, by=by)
        return attrs.evolve(edited, brief=brief, written_by=by)

    def problems(self, connection: Connection, brief: Brief, *, now: datetime) -> list[Problem]:
        """All that keeps *brief* from being submitted; nothing of it is found out only when it is sent."""
        catalogue = self.in_force.read(connection)
        general = rules.general_problems(brief, may_be_smart=self.sort is not None, now=now)
        return [*self._criteria(brief, catalogue), *general, *texts.problems(brief, catalogue.controller)]

    def submit(self, connection: Connection, id: CampaignId, *, version: int, by: str, now: datetime) -> Campaign:
        """Ask a second person. What is broken or missing refuses it (`campaign-not-ready`)."""
        campaign = self._taken(connection, id, version)
        self._demand_ready(connection, campaign.brief, now)
        return self._step(connection, attrs.evolve(campaign, submitted_by=by, reason=None), "submitted", by=by, now=now)

    def send_back(
        self, connection: Connection, id: CampaignId, *, version: int, by: str, reason: str, now: datetime
    ) -> Campaign:
        """It is a draft again, to be changed: said by the second person, or taken back by who submitted it."""
        campaign = self._taken(connection, id, version)
        returned = attrs.evolve(campaign, submitted_by=None, approved_by=None, reason=_said(reason))
        return self._step(connection, returned, "returned", by=by, now=now)

    def approve(self, connection: Connection, id: CampaignId, *, version: int, by: str, now: datetime) -> Campaign:
        """A second person says yes to exactly *version*: neither who submitted it nor who wrote it (`own-campaign`)."""
        campaign = self._taken(connection, id, version)
        if by in {campaign.submitted_by, campaign.written_by}:
            raise Denied("nobody approves their own campaign; ask somebody else", code="own-campaign")
        self._demand_ready(connection, campaign.brief, now)
        return self._step(connection, attrs.evolve(campaign, approved_by=by), "approved", by=by, now=now)

    # Running

    def pause(
        self, connection: Connection, id: CampaignId, *, by: str, reason: str | None = None, now: datetime
    ) -> Campaign:
        """Nothing of it starts from this moment on, until it is resumed; what is planned stays planned."""
        running = attrs.evolve(store.lock(connection, id), reason=reason)
        campaign = self._step(connection, running, "paused", by=by, now=now)
        batches.pause(connection, self._keys(campaign), now=now)
        return campaign

    def resume(self, connection: Connection, id: CampaignId, *, by: str, now: datetime) -> Campaign:
        """A person lets it go on: from now on it is judged by what starts from now on."""
        paused = attrs.evolve(store.lock(connection, id), reason=None)
        campaign = self._step(connection, paused, "resumed", by=by, now=now)
        batches.resume(connection, self._keys(campaign), now=now)
        return campaign

    def stop(self, connection: Connection, id: CampaignId, *, by: str, reason: str, now: datetime) -> Campaign:
        """It is over: what has not started never does."""
        stopped = attrs.evolve(store.lock(connection, id), reason=_said(reason))
        campaign = self._step(connection, stopped, "stopped", by=by, now=now)
        batches.end(connection, self._keys(campaign), now=now)
        return campaign

    def round(self, now: datetime) -> None:
        """What is due: campaigns start, end, and stop with their topic; once a round of the worker."""
        with self.database.transaction() as connection:
            due = store.due(connection)
        for campaign in due:
            self._advance(campaign.id, now)
        with self.database.transaction() as connection:
            self._compete(connection, now)
        with self.database.transaction() as connection:
            batches.sweep(connection, now=now)

    # Looking

    def get(self, connection: Connection, id: CampaignId) -> Campaign:
        return store.get(connection, id)

    def listing(
        self,
        connection: Connection,
        *,
        state: State | None = None,
        before: CampaignId | None = None,
        limit: int = 50,
    ) -> list[Campaign]:
        """Campaigns, the newest first; *before* is the last one of the page before."""
        return store.listing(connection, state=state, before=before, limit=limit)

    def changes(self, connection: Connection, id: CampaignId) -> list[Change]:
        """Every change, the newest first."""
        return store.changes(connection, id)

    def brake(self, connection: Connection, id: CampaignId) -> TooMany | None:
        """Why it was last paused by itself."""
        return store.brake(connection, id)

    def count(self, connection: Connection, brief: Brief, *, now: datetime) -> tuple[Counted, ...]:
        """How many would be reached through each channel now, and why the others would not; it names nobody."""
        catalogue = self.in_force.read(connection)
        if wrong := list(self._criteria(brief, catalogue)):
            raise BadInput(wrong[0].message, code=wrong[0].code)
        return self.selecting.count(connection, brief, now=now)

    def selections(self, connection: Connection, id: CampaignId) -> Mapping[ChannelId, Selection]:
        """Whom it was planned for, by channel."""
        return store.selections(connection, id)

    def progress(self, connection: Connection, id: CampaignId) -> tuple[Progress, ...]:
        """Where its messages are now."""
        return results.progress(connection, store.get(connection, id))

    def results(self, connection: Connection, id: CampaignId) -> tuple[Results, ...]:
        """What came of it, against those who were held out."""
        campaign = store.get(connection, id)
        chosen = list(store.selections(connection, id).values())
        return results.results(connection, campaign, chosen, self.selecting, self.gate)

    # Words

    def compiled(self, connection: Connection, id: CampaignId) -> Compiled:
        """What it says, as it is sent; `BadInput` while something is broken or missing."""
        controller = self.in_force.read(connection).controller
        own = "" if self.clicks is None else self.clicks.url
        return texts.compiled(store.get(connection, id).brief, controller, own=own)

    def letter(self, template: str, language: str) -> Letter | None:
        found = self._worded(template)
        return None if found is None else found.letters.get(language)

    def text(self, template: str, language: str) -> Text | None:
        found = self._worded(template)
        return None if found is None else found.texts.get(language)

    def note(self, channel: ChannelId, template: str, language: str) -> Note | None:
        found = self._worded(template)
        return None if found is None else found.notes.get(channel, {}).get(language)

    def address(self, link: Link) -> str | None:
        """Where a counted link leads: what the campaign says there, and nothing else."""
        found = self._worded(f"campaign/{link.campaign}")
        letter = None if found is None else found.letters.get(link.language)
        return None if letter is None else letter.links.get(PLACE.format(link.place))

    def fill(self, connection: Connection, filling: Filling) -> Mapping[SubjectId, Mapping[str, str]]:
        """What is put into the messages of a campaign when they start (`delivery.model.MessageFiller`)."""
        found = self._worded(filling.template)
        if found is None or not found.asks:
            return {}
        return personal(connection, filling, found, subjects=self.subjects, knows=self.knows, clicks=self.clicks)

    # Inside

    def _worded(self, template: str) -> Compiled | None:
        """What an approved campaign says never changes, so it is read once; None: there is no such campaign."""
        if (found := self._compiled.get(template)) is None:
            try:
                with self.database.transaction() as connection:
                    found = self.compiled(connection, CampaignId(UUID(template.partition("/")[2])))
            except (NotFound, ValueError):
                return None
            if len(self._compiled) >= _MOST_COMPILED:
                self._compiled.clear()
            self._compiled[template] = found
        return found

    def _taken(self, connection: Connection, id: CampaignId, version: int) -> Campaign:
        campaign = store.lock(connection, id)
        if campaign.version != version:
            raise Conflict("somebody else has changed this campaign; look at it again", code="campaign-changed")
        return campaign

    def _step(self, connection: Connection, campaign: Campaign, what: str, *, by: str, now: datetime) -> Campaign:
        state = rules.step(campaign.state, what)
        if state is None:
            raise Conflict(f"this campaign is {campaign.state}; nothing was changed", code="campaign-state")
        return store.write(connection, attrs.evolve(campaign, state=state), what, by=by, now=now)

    def _demand_ready(self, connection: Connection, brief: Brief, now: datetime) -> None:
        if wrong := self.problems(connection, brief, now=now):
            raise BadInput(f"{wrong[0].message}; nothing was changed", code="campaign-not-ready")

    def _criteria(self, brief: Brief, catalogue: Catalogue) -> list[Problem]:
        known = rules.attributes(facts.described(self.selecting.told).values())
        asking = [catalogue.activity(ACTIVITIES[channel]) for channel in brief.channels if channel in ACTIVITIES]
        return list(rules.criteria_problems(brief.criteria, known, asking))

    def _keys(self, campaign: Campaign) -> list[str]:
        return [campaign.key(channel) for channel in campaign.brief.channels]

    def _advance(self, id: CampaignId, now: datetime) -> None:
        """One campaign by itself; what cannot be planned is stopped, so that it holds up no other."""
        try:
            with self.database.transaction() as connection:
                campaign = store.hold(connection, id)
                if campaign is not None:
                    self._due(connection, campaign, now)
        except BadInput as error:
            log.error("campaign.stopped", campaign=str(id), code=error.code)
            with self.database.transaction() as connection:
                self.stop(connection, id, by=WORKER, reason=error.code, now=now)

    def _due(self, connection: Connection, campaign: Campaign, now: datetime) -> None:
        brief = campaign.brief
        if not topics.offered(brief.topic):
            self.stop(connection, campaign.id, by=WORKER, reason=TOPIC_ENDED, now=now)
        elif brief.ends_at <= now:
            self._step(connection, campaign, "finished", by=WORKER, now=now)
            batches.end(connection, self._keys(campaign), now=now)
        elif campaign.state is State.APPROVED and brief.starts_at <= now:
            self._start(connection, campaign, now)
        elif campaign.state is State.RUNNING and (why := self.braking.judge(connection, campaign, now=now)) is not None:
            self._brake(connection, campaign, why, now)

    def _brake(self, connection: Connection, campaign: Campaign, why: TooMany, now: datetime) -> None:
        """It waits for a person: nothing resumes by itself."""
        paused = self.pause(connection, campaign.id, by=WORKER, reason=why.what, now=now)
        store.note_brake(connection, paused, why)
        log.warning("campaign.braked", campaign=str(campaign.id), why=why.what, part=why.part, whole=why.whole)

    def _start(self, connection: Connection, campaign: Campaign, now: datetime) -> None:
        """Plan it for everyone whom it is for, a channel after another; smart ones compete afterwards."""
        running = self._step(connection, campaign, "started", by=WORKER, now=now)
        if campaign.brief.kind == "smart":
            return
        earlier = BitMap()
        for channel in running.brief.channels:
            selected = self.selecting.select(connection, running, channel, earlier, now=now)
            self._plan(connection, running, channel, selected, selected.sent, now)
            earlier |= BitMap(selected.audience.members)

    def _plan(
        self,
        connection: Connection,
        campaign: Campaign,
        channel: ChannelId,
        selected: Selected,
        numbers: BitMap,
        now: datetime,
    ) -> None:
        # The campaign's row is ours until this transaction ends, so nobody else plans it meanwhile.
        batch = batch_of(campaign, channel, now=now)
        planned = self.delivery.plan_widely(self.database, batch, numbers, now=now)
        refused = sum(planned.refused.values())
        selection = Selection(
            channel, selected.audience.id, selected.excluded, planned.planned, refused, len(selected.held_out), now
        )
        store.select(connection, campaign.id, selection)
        log.info("campaign.planned", campaign=str(campaign.id), channel=channel, planned=planned.planned)

    def _compete(self, connection: Connection, now: datetime) -> None:
        """
        When a smart campaign has begun, the learner picks among all that run: at most one for each person, and none for
        who has had one of them.
        """
        running = store.running_smart(connection)
        if self.sort is None or all(store.selections(connection, one.id) for one in running):
            return
        selected = {one.id: self.selecting.select(connection, one, EMAIL, BitMap(), now=now) for one in running}
        had = BitMap().union(*(batches.recipients(connection, one.key(EMAIL), tuple(Sent)) for one in running))
        competing = [(one.id, one.brief.topic, selected[one.id].sent - had) for one in running]
        everyone = BitMap().union(*(numbers for _, _, numbers in competing))
        audience = self.selecting.drawn(connection, SMART, everyone, now=now)
        picked = self.sort(connection, competing, audience, now)
        for one in running:
            self._plan(connection, one, EMAIL, selected[one.id], picked.get(one.id, BitMap()), now)


def _said(reason: str) -> str:
    text = " ".join(reason.split())
    if not 1 <= len(text) <= _LONGEST_REASON:
        raise BadInput(f"say why, in 1 to {_LONGEST_REASON} characters; nothing was changed", code="bad-reason")
    return text
