"""From what the rooms below know to what the pages show (`views`); nothing here decides or writes a decision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
from markupsafe import Markup
from psycopg import Connection

from placet.catalogue import store as catalogue_store
from placet.catalogue.model import Catalogue, Purpose
from placet.catalogue.render import Rendered, answers_html_of, html_of, render
from placet.consents.model import Decision, Record, Standing, State
from placet.consents.rules import ask_again_from
from placet.interfaces.portal import views
from placet.kernel.ids import ChannelId, PurposeId
from placet.ledger.proof import covering_checkpoint

Standings = Mapping[PurposeId, Standing]


@attrs.frozen
class Reader:
    """One customer's view of one moment: the catalogue in force, their states, their language."""

    catalogue: Catalogue
    standings: Standings
    language: str
    now: datetime
    rest: timedelta

    def cards(self) -> tuple[views.Card, ...]:
        return tuple(self._card(purpose) for purpose in self.catalogue.purposes.values())

    def question(self, purpose: PurposeId) -> views.Question:
        """The purpose as it is asked: nothing selected, whatever was said before."""
        following = self.next_question(after=purpose)
        later = "/" if following is None else f"/choices/{following}"
        return views.Question(**self._asked(self.catalogue.purpose(purpose), known={}), later=later)

    def next_question(self, *, after: PurposeId | None = None) -> PurposeId | None:
        """The first purpose behind *after* that may be asked; a no is left in peace for `rest` (mission B11)."""
        purposes = list(self.catalogue.purposes)
        rest = purposes if after is None else purposes[purposes.index(after) + 1 :]
        return next((purpose for purpose in rest if self.may_ask(purpose)), None)

    def may_ask(self, purpose: PurposeId) -> bool:
        standing = self.standings.get(purpose, {})
        until = ask_again_from(standing, self.rest)
        return self.decision(purpose) != Decision.GIVEN and (until is None or self.now >= until)

    def decision(self, purpose: PurposeId, channel: ChannelId | None = None) -> str:
        state = self.standings.get(purpose, {}).get(channel)
        return views.UNKNOWN if state is None else self._seen(purpose, state)

    def switches(self, rendered: Rendered, known: Mapping[ChannelId | None, State]) -> tuple[views.Switch, ...]:
        found = []
        for channel in rendered.form.channels:
            yes, no = channel.options
            state = known.get(ChannelId(channel.id))
            decision = views.UNKNOWN if state is None else self._seen(rendered.purpose, state)
            found.append(views.Switch(channel.id, channel.label, yes.label, no.label, decision))
        return tuple(found)

    def rendered(self, purpose: PurposeId) -> Rendered:
        return render(self.catalogue, purpose=purpose, language=self.language, route="portal")

    def _card(self, purpose: Purpose) -> views.Card:
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
