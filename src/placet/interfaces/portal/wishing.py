"""What the customer wants to hear about, within what they allowed: topics, how often, greetings, surveys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.bootstrap import Application
from placet.catalogue.render import render
from placet.consents.model import Decision
from placet.delivery import wishes as queue
from placet.delivery.model import Kind
from placet.delivery.rules import Mute, Policy
from placet.interfaces.portal import wished as views
from placet.interfaces.portal.clicking import Clicking
from placet.interfaces.portal.reading import Reader
from placet.interfaces.portal.signing_in import see_other
from placet.interfaces.portal.whom import Whom, show
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import BadInput
from placet.kernel.ids import PurposeId, SubjectId
from placet.purposes.offers import topics
from placet.purposes.offers.greetings.calendar import NOT_LISTED, YearDay
from placet.purposes.offers.greetings.model import NameDay, Occasion
from placet.purposes.offers.learning.model import Source
from placet.purposes.offers.learning.telling import because
from placet.purposes.offers.purpose import Offers
from placet.purposes.offers.topics import Topic, TopicId
from placet.purposes.offers.wishes import STATES, Frequency, State, Wish

OFFERS = PurposeId("offers")
SAVED = frozenset({"topics", "pace", "greetings", "surveys", "clicks"})
_ANOTHER = "another"
_LEAP_YEAR = 2024
"""Days of every year are shown as of one that has them all."""
_NEUTRAL: State = "neutral"


@attrs.frozen
class Wishing:
    """Each page is about the one who is signed in. Nothing is asked, and nothing kept, while offers are not allowed."""

    application: Application
    shell: Shell
    clicking: Clicking

    def overview(self, visit: Visit, whom: Whom) -> Response:
        return self._page(visit, whom)

    def topics(self, visit: Visit, whom: Whom) -> Response:
        """Each topic as it was ticked; `again` names one that had been stopped."""
        with self.application.database.transaction() as connection:
            if not self._allowed(connection, visit, whom):
                return see_other("/offers")
            known = self._offers.wishes.of(connection, whom.subject)
            for topic in topics.all():
                wanted = _wanted(visit.form, topic.id, known.get(topic.id))
                if wanted is not None:
                    self._want(connection, whom.subject, topic.id, wanted, now=visit.now)
        return see_other("/offers?saved=topics#topics")

    def pace(self, visit: Visit, whom: Whom) -> Response:
        """How often, and from when on again."""
        wishes = self._offers.wishes
        try:
            with self.application.database.transaction() as connection:
                if not self._allowed(connection, visit, whom):
                    return see_other("/offers")
                often: Frequency = "less" if visit.form.get("often") == "less" else "usual"
                wishes.frequency(connection, whom.subject, often, now=visit.now)
                if visit.form.get("do") == "resume":
                    wishes.resume(connection, whom.subject)
                elif until := visit.form.get("until", "").strip():
                    wishes.pause(connection, whom.subject, self._midnight(until), now=visit.now)
        except BadInput:
            return self._page(visit, whom, wrong="until")
        return see_other("/offers?saved=pace#pace")

    def greetings(self, visit: Visit, whom: Whom) -> Response:
        """A switch for each occasion, and the name day."""
        greetings = self._offers.greetings
        try:
            with self.application.database.transaction() as connection:
                if not self._allowed(connection, visit, whom):
                    return see_other("/offers")
                for occasion in Occasion:
                    if visit.form.get(occasion) == "yes":
                        greetings.switch_on(connection, whom.subject, occasion, now=visit.now)
                    elif visit.form.get(occasion) == "no":
                        greetings.switch_off(connection, whom.subject, occasion, now=visit.now)
                self._keep_name_day(connection, visit, whom.subject)
        except BadInput:
            return self._page(visit, whom, wrong="name-day-choice")
        return see_other("/offers?saved=greetings#greetings")

    def surveys(self, visit: Visit, whom: Whom) -> Response:
        """Whether we may ask for their view."""
        with self.application.database.transaction() as connection:
            if not self._allowed(connection, visit, whom):
                return see_other("/offers")
            if visit.form.get("surveys") == "no":
                queue.mute(connection, whom.subject, Mute(Kind.SURVEY), now=visit.now)
            elif visit.form.get("surveys") == "yes":
                for mute in _of_kind(queue.muted(connection, whom.subject), Kind.SURVEY):
                    queue.unmute(connection, whom.subject, mute)
        return see_other("/offers?saved=surveys#surveys")

    # Inside

    @property
    def _offers(self) -> Offers:
        return self.application.offers

    def _page(self, visit: Visit, whom: Whom, *, wrong: str | None = None) -> Response:
        with self.application.database.transaction() as connection:
            reader = self._reader(connection, visit, whom)
            wishes = self._wishes(connection, visit, whom, reader) if _is_given(reader) else None
        saved = visit.request.query_params.get("saved")
        return show(
            self.shell,
            visit,
            whom,
            "offers",
            status=200 if wrong is None else 400,
            wishes=wishes,
            wrong=wrong,
            form=visit.form if wrong else {},
            saved=saved if saved in SAVED else None,
        )

    def _wishes(self, connection: Connection, visit: Visit, whom: Whom, reader: Reader) -> views.Wishes:
        known, mutes = self._offers.wishes.of(connection, whom.subject), queue.muted(connection, whom.subject)
        pace = self._offers.wishes.pace(connection, whom.subject, now=visit.now)
        ended = self._offers.learning.ended_by(connection, whom.subject)
        greetings = self._offers.greetings.wished(connection, whom.subject, now=visit.now)
        rendered = render(reader.catalogue, purpose=OFFERS, language=visit.words.language, route="portal")
        return views.Wishes(
            switches=reader.switches(rendered, reader.standings.get(OFFERS, {})),
            topics=tuple(
                _line(one, known.get(one.id), mutes, ended.get(one.id, ()), visit.words.language)
                for one in topics.all()
            ),
            limits=_limits(self.application.delivery.policy),
            frequency=pace.frequency,
            paused_until=pace.paused_until,
            birthday=Occasion.BIRTHDAY in greetings.on,
            birthday_known=greetings.born,
            name_day=Occasion.NAME_DAY in greetings.on,
            days=_days(greetings.name_day),
            kept_on=None if greetings.name_day.day is None else greetings.name_day.day.in_year(_LEAP_YEAR),
            surveys=not _of_kind(mutes, Kind.SURVEY),
            clicks=self.clicking.asked(connection, visit, whom, reader),
        )

    def _allowed(self, connection: Connection, visit: Visit, whom: Whom) -> bool:
        return _is_given(self._reader(connection, visit, whom))

    def _reader(self, connection: Connection, visit: Visit, whom: Whom) -> Reader:
        return Reader.of(self.application, connection, visit, whom)

    def _want(self, connection: Connection, subject: SubjectId, topic: TopicId, state: State, *, now: datetime) -> None:
        """Whoever wants a topic wants it by every channel: what was stopped by a single one goes on, too."""
        self._offers.wishes.set(connection, subject, topic, state, by="person", now=now)
        if state != "never":
            for mute in _of_topic(queue.muted(connection, subject), topic):
                queue.unmute(connection, subject, mute)

    def _keep_name_day(self, connection: Connection, visit: Visit, subject: SubjectId) -> None:
        greetings, said = self._offers.greetings, visit.form.get("day", "")
        if not said:
            return
        if said == _ANOTHER:
            said = f"{visit.form.get('month', '')}-{visit.form.get('mday', '')}"
        day = YearDay.parse(said)
        greetings.unpick(connection, subject)
        if greetings.wished(connection, subject, now=visit.now).name_day.day != day:
            greetings.pick(connection, subject, day, now=visit.now)

    def _midnight(self, text: str) -> datetime:
        try:
            return datetime.combine(date.fromisoformat(text), time(), self.application.delivery.zone)
        except ValueError:
            raise BadInput("a day looks like 2026-03-12; nothing was changed", code="bad-date") from None


def _is_given(reader: Reader) -> bool:
    return reader.decision(OFFERS) == Decision.GIVEN


def _wanted(form: Mapping[str, str], topic: TopicId, known: Wish | None) -> State | None:
    """What the form says about a topic that is not what holds; None: nothing new."""
    if form.get("again") == topic:
        return _NEUTRAL
    said = next((state for state in STATES if form.get(f"topic.{topic}") == state), None)
    return None if said == (_NEUTRAL if known is None else known.state) else said


def _line(
    topic: Topic, wish: Wish | None, mutes: Sequence[Mute], ended_by: Sequence[Source], language: str
) -> views.TopicLine:
    return views.TopicLine(
        topic.id,
        topic.titles[language],
        _NEUTRAL if wish is None else wish.state,
        wish.since if wish is not None and wish.stopped else None,
        because(ended_by, language),
        tuple(mute.channel for mute in _of_topic(mutes, topic.id) if mute.channel is not None),
    )


def _of_topic(mutes: Sequence[Mute], topic: TopicId) -> list[Mute]:
    """What was stopped of a topic by a single channel, from a message."""
    return [mute for mute in mutes if mute.topic == topic and mute.channel is not None]


def _of_kind(mutes: Sequence[Mute], kind: Kind) -> list[Mute]:
    return [mute for mute in mutes if mute.kind is kind and mute.topic is None]


def _limits(policy: Policy) -> views.Limits:
    """The most offers of all channels together, and for whom wants fewer."""
    together = [
        cap for cap in policy.caps if cap.kind is Kind.OFFER and cap.channel is None and not cap.per_topic
    ]  # fmt: skip
    slower = policy.slower.get(Kind.OFFER)
    return views.Limits(
        min(((cap.most, cap.period.days) for cap in together), default=None), None if slower is None else slower.days
    )


def _days(name_day: NameDay) -> tuple[views.DayLine, ...]:
    """The days to choose from: those of the first names in the calendar, or that of the names it does not list."""
    found = {one.day: one.name for one in reversed(name_day.listed)}
    lines = [views.DayLine(str(day), day.in_year(_LEAP_YEAR), name) for day, name in reversed(found.items())]
    return tuple(lines) or (views.DayLine(str(NOT_LISTED), NOT_LISTED.in_year(_LEAP_YEAR), None),)
