"""From what the rooms below know to what the desk's pages show; nothing here decides or writes a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import attrs
from markupsafe import Markup
from psycopg import Connection

from placet.catalogue import store as catalogue_store
from placet.catalogue.model import Catalogue
from placet.catalogue.render import Rendered, answers_html_of, html_of, render
from placet.consents.halves import Half, HalfRoute
from placet.consents.model import Decision, Record, Standing
from placet.consents.rules import ask_again_from
from placet.interfaces.desk import views
from placet.interfaces.web.choices import UNKNOWN, Switch
from placet.kernel.ids import ChannelId, PurposeId

LIVE_ROUTES: tuple[HalfRoute, ...] = ("desk", "phone", "post")
"""How a customer comes to the desk."""


def route_of(text: str | None, *, usual: HalfRoute = "desk") -> HalfRoute:
    """*text* as one of the desk's routes, else the *usual* one."""
    return next((route for route in LIVE_ROUTES if route == text), usual)


@attrs.frozen
class Reader:
    """One customer's states at one moment, in the member's language."""

    catalogue: Catalogue
    standings: Mapping[PurposeId, Standing]
    language: str
    now: datetime
    rest: timedelta

    def rows(self, waiting: Sequence[Half]) -> tuple[views.Row, ...]:
        """Every purpose, in the catalogue's order."""
        waits = {half.first.purpose for half in waiting}
        return tuple(self._row(purpose, waits=purpose in waits) for purpose in self.catalogue.purposes)

    def script(self, purpose: PurposeId, *, route: HalfRoute, language: str) -> tuple[Rendered, views.Script]:
        """The text of *route* in the customer's *language*, and its answers."""
        rendered = render(self.catalogue, purpose=purpose, language=language, route=route)
        give, refuse = rendered.form.options
        switches = tuple(
            Switch(
                channel.id,
                channel.label,
                channel.options[0].label,
                channel.options[1].label,
                self.decision(purpose, ChannelId(channel.id)),
            )
            for channel in rendered.form.channels
        )
        return rendered, views.Script(
            purpose=purpose,
            title=self.title(purpose),
            language=language,
            route=route,
            html=as_rendered(rendered.html),
            offered=as_rendered(answers_html_of(rendered.document)),
            version=str(rendered.version),
            shown=rendered.sha256.hex(),
            question=rendered.form.question,
            give=give.label,
            refuse=refuse.label,
            channels_question=rendered.form.channels_question,
            switches=switches,
            is_given=self.decision(purpose) == Decision.GIVEN,
            rests_until=self._rests_until(purpose),
        )

    def decision(self, purpose: PurposeId, channel: ChannelId | None = None) -> str:
        """Where the customer stands now, expiry and new versions applied."""
        state = self.standings.get(purpose, {}).get(channel)
        if state is None:
            return UNKNOWN
        known = self.catalogue.purposes.get(purpose)
        return state.seen_at(self.now, major_in_force=None if known is None else known.version.major).value

    def title(self, purpose: PurposeId) -> str:
        known = self.catalogue.purposes.get(purpose)
        return str(purpose) if known is None else known.notice(self.language).title

    def channel(self, channel: ChannelId) -> str:
        known = self.catalogue.channels.get(channel)
        return str(channel) if known is None else known.titles[self.language]

    def line(self, record: Record) -> views.Line:
        """One record, without its text."""
        assert record.position is not None
        return views.Line(
            record=str(record.id),
            position=record.position,
            title=self.title(record.purpose),
            channel=None if record.channel is None else self.channel(record.channel),
            decision=record.decision.value,
            occurred_at=record.occurred_at,
            recorded_at=record.recorded_at,
            route=record.route,
            actor=record.actor.kind,
            version=None if record.notice is None else record.notice.version,
            sha256=None if record.notice is None else record.notice.sha256,
        )

    def waiting(self, half: Half, first_by: str) -> views.Waiting:
        """What a first half is about."""
        first = half.first
        return views.Waiting(
            half=half,
            title=self.title(first.purpose),
            channels=tuple(self.channel(channel) for channel in first.grants if channel is not None),
            with_purpose=None in first.grants,
            first_by=first_by,
        )

    def _row(self, purpose: PurposeId, *, waits: bool) -> views.Row:
        standing = self.standings.get(purpose, {})
        state = standing.get(None)
        return views.Row(
            purpose=purpose,
            title=self.title(purpose),
            decision=self.decision(purpose),
            since=None if state is None else state.occurred_at,
            switches=tuple(
                Switch(channel, self.channel(channel), decision=self.decision(purpose, channel))
                for channel in self.catalogue.purposes[purpose].channels
            ),
            waits=waits,
            rests_until=self._rests_until(purpose),
        )

    def _rests_until(self, purpose: PurposeId) -> datetime | None:
        until = ask_again_from(self.standings.get(purpose, {}), self.rest)
        return until if until is not None and until > self.now else None


def text_of(connection: Connection, sha256: bytes) -> Markup | None:
    """The text that was shown, with its answers as they were offered."""
    shown = catalogue_store.shown(connection, sha256)
    return None if shown is None else as_rendered(html_of(shown.document) + answers_html_of(shown.document))


def as_rendered(html: str) -> Markup:
    """HTML of the catalogue's own renderer, which escapes every word it sets."""
    return Markup(html)  # noqa: S704 - nothing else is ever passed
