"""From what the rooms below know to what the pages show (`views`); nothing here decides or writes a decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
from markupsafe import Markup
from psycopg import Connection

from placet.access.sessions import Session
from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.model import Catalogue, Purpose
from placet.catalogue.render import Rendered, answers_html_of, html_of, render
from placet.consents import store
from placet.consents.model import Decision, Record, Standing, State
from placet.consents.rules import ask_again_from
from placet.duties import Brought, Person
from placet.gate.uses import Total, Use
from placet.interfaces.portal import views
from placet.interfaces.portal.whom import Whom
from placet.interfaces.web.choices import UNKNOWN, Switch
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import Unavailable
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
from placet.ledger.append import ending
from placet.ledger.proof import covering_checkpoint

Standings = Mapping[PurposeId, Standing]


@attrs.frozen
class Told:
    """What the purposes did with somebody's data, and what they brought."""

    totals: Mapping[PurposeId | None, Sequence[Total]]
    brought: Mapping[PurposeId, Sequence[Brought]]


@attrs.frozen
class Reader:
    """One customer's view of one moment: the catalogue in force, their states, their language."""

    catalogue: Catalogue
    person: Person
    standings: Standings
    language: str
    now: datetime
    rest: timedelta
    sees: Callable[[PurposeId], bool] = lambda _purpose: True
    """A representative sees the purposes of their mandate."""

    @classmethod
    def of(cls, application: Application, connection: Connection, visit: Visit, whom: Whom) -> Reader:
        """Never older than what the customer was shown before (design: invariant 4)."""
        _demand_not_older(connection, whom.session)
        person = application.subjects.get(connection, whom.subject)
        return cls(
            catalogue=application.catalogue(connection),
            person=Person(person.id, person.number),
            standings=store.standing_of(connection, person.number),
            language=visit.words.language,
            now=visit.now,
            rest=application.rulebook.rest,
            sees=whom.sees,
        )

    @property
    def purposes(self) -> list[PurposeId]:
        return [purpose for purpose in self.catalogue.purposes if self.sees(purpose)]

    def cards(self, told: Told) -> tuple[views.Card, ...]:
        return tuple(self._card(self.catalogue.purposes[purpose], told) for purpose in self.purposes)

    def question(self, purpose: PurposeId) -> views.Question:
        """The purpose as it is asked: nothing selected, whatever was said before."""
        following = self.next_question(after=purpose)
        later = "/" if following is None else f"/choices/{following}"
        return views.Question(**self._asked(self.catalogue.purpose(purpose), known={}), later=later)

    def next_question(self, *, after: PurposeId | None = None) -> PurposeId | None:
        """The first purpose behind *after* that may be asked; a no is left in peace for `rest` (mission B11)."""
        purposes = self.purposes
        rest = purposes if after is None else purposes[purposes.index(after) + 1 :]
        return next((purpose for purpose in rest if self.may_ask(purpose)), None)

    def may_ask(self, purpose: PurposeId) -> bool:
        standing = self.standings.get(purpose, {})
        until = ask_again_from(standing, self.rest)
        return self.decision(purpose) != Decision.GIVEN and (until is None or self.now >= until)

    def decision(self, purpose: PurposeId, channel: ChannelId | None = None) -> str:
        state = self.standings.get(purpose, {}).get(channel)
        return UNKNOWN if state is None else self._seen(purpose, state)

    def switches(self, rendered: Rendered, known: Mapping[ChannelId | None, State]) -> tuple[Switch, ...]:
        found = []
        for channel in rendered.form.channels:
            yes, no = channel.options
            state = known.get(ChannelId(channel.id))
            decision = UNKNOWN if state is None else self._seen(rendered.purpose, state)
            found.append(Switch(channel.id, channel.label, yes.label, no.label, decision))
        return tuple(found)

    def rendered(self, purpose: PurposeId) -> Rendered:
        return render(self.catalogue, purpose=purpose, language=self.language, route="portal")

    def _card(self, purpose: Purpose, told: Told) -> views.Card:
        standing = self.standings.get(purpose.id, {})
        state = standing.get(None)
        decision = self.decision(purpose.id)
        # Where it may be given the form is as rendered, nothing selected; where it is given, it shows what holds.
        asked = self._asked(purpose, known=standing if decision == Decision.GIVEN else {})
        return views.Card(
            **asked,
            decision=decision,
            since=None if state is None else _since(state, decision),
            until=state.expires_at if state is not None and decision == Decision.GIVEN else None,
            brought=tuple(
                views.Benefit(each.at, each.text[self.language]) for each in told.brought.get(purpose.id, ())
            ),
            used=_used(told.totals.get(purpose.id, ())),
        )

    def _asked(self, purpose: Purpose, *, known: Standing) -> dict[str, Any]:
        rendered = self.rendered(purpose.id)
        notice = purpose.notice(self.language)
        return {
            "purpose": purpose.id,
            "title": notice.title,
            "summary": notice.summary,
            "html": as_rendered(rendered.html),
            "shown": rendered.sha256.hex(),
            "question": rendered.form.question,
            "answers": tuple(views.Answer(option.value, option.label) for option in rendered.form.options),
            "channels_question": rendered.form.channels_question,
            "switches": self.switches(rendered, known),
        }

    def _seen(self, purpose: PurposeId, state: State) -> str:
        known = self.catalogue.purposes.get(purpose)
        return state.seen_at(self.now, major_in_force=None if known is None else known.version.major).value


def controller(catalogue: Catalogue, language: str) -> views.Controller:
    """Who asks, in *language* (mission G7)."""
    who = catalogue.controller
    return views.Controller(
        name=who.name,
        brand=who.brand,
        registration=who.registration,
        address=who.address[language],
        email=who.email,
        phone=who.phone,
        website=who.website,
        privacy_policy=who.privacy_policy[language],
        authority=who.authority[language],
        authority_website=who.authority_website,
    )


def notices(catalogue: Catalogue, language: str) -> tuple[views.NoticeView, ...]:
    """All purposes as anyone may read them."""
    found = []
    for purpose in catalogue.purposes.values():
        notice = purpose.notice(language)
        html = render(catalogue, purpose=purpose.id, language=language, route="portal").html
        found.append(views.NoticeView(purpose.id, notice.title, notice.summary, as_rendered(html)))
    return tuple(found)


def by_purpose(catalogue: Catalogue, totals: Sequence[Total]) -> dict[PurposeId | None, list[Total]]:
    """*totals* under each purpose whose yes the activity needs; under None what needs none."""
    found: dict[PurposeId | None, list[Total]] = {}
    for total in sorted(totals, key=lambda total: total.last_at, reverse=True):
        for purpose in needs_of(catalogue, total.activity):
            found.setdefault(purpose, []).append(total)
    return found


def needs_of(catalogue: Catalogue, activity: str) -> tuple[PurposeId | None, ...]:
    if activity in catalogue.purposes:
        return (PurposeId(activity),)
    known = catalogue.activities.get(ActivityId(activity))
    return known.needs if known is not None and known.needs else (None,)


def activities_of(
    catalogue: Catalogue, purpose: PurposeId | None, totals: Sequence[Total]
) -> list[ActivityId | PurposeId]:
    """What of *totals* belongs to *purpose*."""
    return [total.activity for total in totals if purpose in needs_of(catalogue, total.activity)]


def uses_of(catalogue: Catalogue, purpose: PurposeId | None, totals: Sequence[Total], language: str) -> views.UsesOf:
    """What *purpose* did, its activities in plain words."""
    activities = tuple(
        views.ActivityUses(activity_title(catalogue, total.activity, language), total.count, total.last_at)
        for total in totals
    )
    return views.UsesOf(purpose, None if purpose is None else title_of(catalogue, purpose, language), activities)


def use_line(use: Use, catalogue: Catalogue, language: str) -> views.UseLine:
    """One use in plain words; an activity that the catalogue no longer has is told by its id."""
    activity = catalogue.activities.get(ActivityId(use.activity))
    purpose = catalogue.purposes.get(PurposeId(use.activity))
    read = activity.data if activity is not None else purpose.data if purpose is not None else ()
    return views.UseLine(
        at=use.at,
        title=activity_title(catalogue, use.activity, language),
        data=tuple(catalogue.data[kind].titles[language] for kind in read),
        basis="consent" if activity is None else activity.legal_basis or "consent",
        checked=use.permit is not None or use.audience is not None,
        together=use.audience is not None,
        outcome=use.outcome,
    )


def activity_title(catalogue: Catalogue, activity: str, language: str) -> str:
    known = catalogue.activities.get(ActivityId(activity))
    return title_of(catalogue, PurposeId(activity), language) if known is None else known.titles[language]


def _used(totals: Sequence[Total]) -> views.Used | None:
    if not totals:
        return None
    return views.Used(sum(total.count for total in totals), max(total.last_at for total in totals))


def entry(record: Record, catalogue: Catalogue, language: str) -> views.Entry:
    """One line of the history, without its text."""
    assert record.position is not None
    return views.Entry(
        record=str(record.id),
        position=record.position,
        title=title_of(catalogue, record.purpose, language),
        channel=None if record.channel is None else channel_title(catalogue, record.channel, language),
        decision=record.decision.value,
        occurred_at=record.occurred_at,
        recorded_at=record.recorded_at,
        route=record.route,
        actor=record.actor.kind,
        language=record.language,
        notice_version=None if record.notice is None else record.notice.version,
        sha256=None if record.notice is None else record.notice.sha256,
    )


def opened(connection: Connection, record: Record, catalogue: Catalogue, language: str) -> views.Entry:
    """One record with the exact text that was shown then (mission B1), and how far the log has proved it."""
    line = entry(record, catalogue, language)
    covering = covering_checkpoint(connection, line.position)
    return attrs.evolve(
        line, text=_shown_then(connection, line), proof=None if covering is None else views.Proof(covering.size)
    )


def title_of(catalogue: Catalogue, purpose: PurposeId, language: str) -> str:
    """The purpose's title; its id when the catalogue in force no longer has it."""
    known = catalogue.purposes.get(purpose)
    return str(purpose) if known is None else known.notice(language).title


def channel_title(catalogue: Catalogue, channel: ChannelId, language: str) -> str:
    known = catalogue.channels.get(channel)
    return str(channel) if known is None else known.titles[language]


def as_rendered(html: str) -> Markup:
    """HTML of the catalogue's own renderer, which escapes every word it sets."""
    return Markup(html)  # noqa: S704 - nothing else is ever passed


def _shown_then(connection: Connection, line: views.Entry) -> Markup | None:
    if line.sha256 is None:
        return None
    shown = catalogue_store.shown(connection, bytes.fromhex(line.sha256))
    return None if shown is None else as_rendered(html_of(shown.document) + answers_html_of(shown.document))


def _since(state: State, decision: str) -> datetime:
    """When the state began: an expiry that no record tells yet began at its own instant."""
    if decision == Decision.EXPIRED and state.decision is Decision.GIVEN and state.expires_at is not None:
        return state.expires_at
    return state.occurred_at


def _demand_not_older(connection: Connection, session: Session) -> None:
    if session.seen is None:
        return
    epoch, _, position = session.seen.partition(".")
    head = ending(connection)
    if head.epoch == epoch and head.position < int(position):
        raise Unavailable("what you decided last is not here yet; try again in a moment", code="stale", retry_after=1)
