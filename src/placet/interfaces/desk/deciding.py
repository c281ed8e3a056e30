"""
What the person says, by the route they came: read out, answered, and recorded or kept as a first half.

A no acts at once. A yes is the first half of a grant (`consents.halves`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from urllib.parse import urlencode

import attrs
from psycopg import Connection
from starlette.responses import Response

from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.consents import agents
from placet.consents.agents import Answer
from placet.consents.assisted import closings, reference_of
from placet.consents.halves import FirstHalf, Half
from placet.consents.model import CLOSING, Decision, Outcome, Recorded, Refused
from placet.interfaces.desk import views
from placet.interfaces.desk.reading import Reader, route_of
from placet.interfaces.desk.record import RecordPages
from placet.interfaces.desk.record_door import AtRecord, RecordDoor
from placet.interfaces.staff.signing_in import see_other
from placet.interfaces.web.forms import shown_digest
from placet.interfaces.web.languages import LANGUAGES
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import ChannelId, PurposeId, SubjectId

ANSWERS = frozenset({"given", "refused", "withdrawn", "objected", "later"})
_MINE_TO_CORRECT = frozenset({"no-reference", "bad-date", "in-the-future"})


@attrs.frozen
class Deciding:
    application: Application
    door: RecordDoor
    record: RecordPages

    def script(self, visit: Visit, at: AtRecord) -> Response:
        """The text to read out, and the answers."""
        return self._script(visit, at)

    def answer(self, visit: Visit, at: AtRecord) -> Response:
        """Write down what the person said."""
        answer = visit.form.get("answer", "")
        if answer not in ANSWERS:
            raise BadInput("the answer is none of those on the page; nothing was recorded", code="bad-form")
        try:
            if answer == "given":
                return self._given(visit, at)
            if answer == "later":
                self._count(visit, at, "later")
                return see_other(f"/desk/records/{at.person.id}")
            return self._closed(visit, at, answer)
        except BadInput as error:
            if error.code not in _MINE_TO_CORRECT or visit.form.get("origin") != "script":
                raise
            return self._script(visit, at, wrong=error.code)

    def _given(self, visit: Visit, at: AtRecord) -> Response:
        """Keep the first half; the channels that were refused in the same breath are recorded at once."""
        with self.application.database.transaction() as connection:
            reader, purpose = self._reader(connection, visit, at)
            asked = _channels(visit.form, reader, purpose)
            grants = _granted(reader, purpose, asked)
            first = self._first(connection, visit, at, purpose, grants)
            half = self.application.assisted.begin(connection, first, now=visit.now) if grants else None
        if isinstance(half, Refused):
            return self._script(visit, at, refusal=half.code)
        noes = _noes(reader, purpose, asked)
        outcomes = self._record(first, noes, visit.now) if noes else []
        if half is None:
            recorded = _recorded(outcomes)
            return self._done(at, recorded) if recorded else self._script(visit, at, refusal="nothing-new")
        self._count(visit, at, "given")
        return see_other(f"/desk/records/{at.person.id}/halves/{half.id}")

    def _closed(self, visit: Visit, at: AtRecord, decision: str) -> Response:
        """A no: recorded now, and whatever waited for a yes to the same purpose is void."""
        with self.application.database.transaction() as connection:
            _, purpose = self._reader(connection, visit, at)
            channel = _channel(visit.form, self.application.catalogue(connection).purposes[purpose].channels)
            first = self._first(connection, visit, at, purpose, (channel,), needs_reference=False)
        outcomes = self._record(first, [(channel, decision)], visit.now)
        refused = next((outcome for outcome in outcomes if isinstance(outcome, Refused)), None)
        if refused is not None:
            return self.record.shown(visit, at, refusal=refused.code)
        with self.application.database.transaction() as connection:
            self.application.assisted.cancel(connection, at.person.number, purpose)
        if decision == "refused":
            self._count(visit, at, "refused")
        return self._done(at, _recorded(outcomes))

    def _record(
        self, first: FirstHalf, decisions: Sequence[tuple[ChannelId | None, str]], now: datetime
    ) -> list[Outcome]:
        return self.application.sequencer.record(closings(first, decisions, now=now))

    def _first(
        self,
        connection: Connection,
        visit: Visit,
        at: AtRecord,
        purpose: PurposeId,
        grants: Sequence[ChannelId | None],
        *,
        needs_reference: bool = True,
    ) -> FirstHalf:
        """What the form says, as far as it can be trusted; who came, and by which mandate, the opening says."""
        route = route_of(visit.form.get("route"))
        language = _language(visit.form.get("script"), at.person.language)
        reference = visit.form.get("reference", "")
        unneeded = route == "desk" or (not needs_reference and not reference.strip())
        mandate = at.opening.mandate
        return FirstHalf(
            subject=at.person.id,
            purpose=purpose,
            grants=tuple(grants),
            route=route,
            language=language,
            shown=shown_digest(visit.form.get("shown", "")) if needs_reference else b"",
            by=at.member.id,
            opening=at.opening.id,
            reference=None if unneeded else reference_of(reference),
            said_at=None if route == "desk" else self._said_at(visit, route, needed=needs_reference),
            representative=None if mandate is None else self._representative(connection, at),
            mandate=mandate,
        )

    def _said_at(self, visit: Visit, route: str, *, needed: bool) -> datetime | None:
        """A letter's day begins when it was said: a no of the same day is newer. On the phone it is said now."""
        if route == "phone":
            return visit.now
        written = visit.form.get("written", "").strip()
        if not written and not needed:
            return None
        try:
            day = date.fromisoformat(written)
        except ValueError:
            raise BadInput("write the letter's date as 2026-03-12; nothing was recorded", code="bad-date") from None
        said = datetime.combine(day, time(), visit.words.zone).astimezone(UTC)
        if said > visit.now:
            raise BadInput("the letter's date lies in the future; nothing was recorded", code="in-the-future")
        return said

    def _representative(self, connection: Connection, at: AtRecord) -> SubjectId:
        held = next(
            each
            for each in self.application.subjects.mandates(connection, at.person.id)
            if each.id == at.opening.mandate
        )
        return held.representative

    def _script(self, visit: Visit, at: AtRecord, *, wrong: str | None = None, refusal: str | None = None) -> Response:
        query, form = visit.request.query_params, visit.form
        route = route_of(form.get("route") or query.get("route"))
        language = _language(form.get("script") or query.get("script"), at.person.language)
        with self.application.database.transaction() as connection:
            reader, purpose = self._reader(connection, visit, at)
            rendered, script = reader.script(purpose, route=route, language=language)
            catalogue_store.remember_shown(connection, rendered, visit.now)
            papers = _papers(connection, script, rendered.version.major) if route == "post" else ()
        return self.door.render(
            visit,
            at,
            "script",
            status=200 if wrong is None and refusal is None else 400,
            aloud=attrs.evolve(script, papers=papers),
            scripts=LANGUAGES,
            wrong=wrong,
            refusal=refusal,
            form=form,
        )

    def _reader(self, connection: Connection, visit: Visit, at: AtRecord) -> tuple[Reader, PurposeId]:
        reader = self.record.reader(connection, visit, at)
        purpose = PurposeId(visit.request.path_params["purpose"])
        if purpose not in reader.catalogue.purposes:
            raise NotFound("no such purpose", code="unknown-purpose")
        return reader, purpose

    def _count(self, visit: Visit, at: AtRecord, answer: Answer) -> None:
        purpose, route = PurposeId(visit.request.path_params["purpose"]), route_of(visit.form.get("route"))
        with self.application.database.transaction() as connection:
            agents.note(connection, at.member.id, at.member.shop, purpose, route, answer, now=visit.now)

    def _done(self, at: AtRecord, recorded: Sequence[str]) -> Response:
        return see_other(f"/desk/records/{at.person.id}/done?{urlencode([('r', id) for id in recorded])}")


def recorded_ids(half: Half) -> str:
    """The query of the page that shows what a grant led to."""
    return urlencode([("r", str(record)) for record in half.records])


def _recorded(outcomes: Sequence[Outcome]) -> list[str]:
    return [str(outcome.record) for outcome in outcomes if isinstance(outcome, Recorded)]


def _channels(form: Mapping[str, str], reader: Reader, purpose: PurposeId) -> dict[ChannelId, str]:
    """The channels that were answered, each yes or no."""
    found = {}
    for channel in reader.catalogue.purposes[purpose].channels:
        answer = form.get(f"channel.{channel}")
        if answer not in {None, "yes", "no"}:
            raise BadInput("a channel takes yes or no; nothing was recorded", code="bad-form")
        if answer is not None:
            found[channel] = answer
    return found


def _granted(reader: Reader, purpose: PurposeId, asked: Mapping[ChannelId, str]) -> list[ChannelId | None]:
    """What is new: the purpose itself first."""
    whole: list[ChannelId | None] = [] if reader.decision(purpose) == Decision.GIVEN else [None]
    yeses = (channel for channel, answer in asked.items() if answer == "yes")
    return whole + [channel for channel in yeses if reader.decision(purpose, channel) != Decision.GIVEN]


def _noes(reader: Reader, purpose: PurposeId, asked: Mapping[ChannelId, str]) -> list[tuple[ChannelId | None, str]]:
    """A no takes back what was given, and refuses what never was."""

    def found() -> Iterator[tuple[ChannelId | None, str]]:
        for channel, answer in asked.items():
            state = reader.decision(purpose, channel)
            if answer == "no" and state == Decision.GIVEN:
                yield channel, Decision.WITHDRAWN
            elif answer == "no" and state not in CLOSING:
                yield channel, Decision.REFUSED

    return list(found())


def _channel(form: Mapping[str, str], known: Sequence[ChannelId]) -> ChannelId | None:
    """Which channel a no is for; none: the whole purpose."""
    text = form.get("channel", "")
    if text and text not in known:
        raise BadInput("this purpose has no such channel; nothing was recorded", code="unknown-channel")
    return ChannelId(text) if text else None


def _papers(connection: Connection, script: views.Script, major: int) -> tuple[views.Paper, ...]:
    texts = catalogue_store.shown_texts(
        connection, PurposeId(script.purpose), route="post", language=script.language, major=major
    )
    return tuple(views.Paper(text.sha256.hex(), str(text.version)) for text in texts)


def _language(text: str | None, usual: str) -> str:
    return next((language for language in LANGUAGES if language == text), usual)
