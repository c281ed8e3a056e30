"""Rows of surveys, of what was done with them, and of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import msgspec
from psycopg import Connection
from psycopg.types.json import Jsonb

from placet.kernel.errors import NotFound
from placet.kernel.ids import ChannelId, Number, StaffId, SubjectId
from placet.purposes.offers.surveys.model import Answers, Form, Plan, QuestionId, State, Step, Survey, SurveyId, What
from placet.purposes.offers.surveys.results import WRITTEN
from placet.store.queries import queries

SQL = queries("placet.purposes.offers.surveys")


@attrs.frozen
class Kept:
    """Answers as they lie in a row: *said* tells which questions were reached, *sealed* holds what was written."""

    said: Mapping[str, Sequence[str]]
    sealed: bytes | None = attrs.field(repr=False)
    is_sent: bool = False

    @classmethod
    def of(cls, answers: Answers, sealed: bytes | None, *, is_sent: bool) -> Kept:
        said = {**answers.chosen, **dict.fromkeys(answers.written, (WRITTEN,))}
        return cls({id: list(values) for id, values in said.items()}, sealed, is_sent)

    def answers(self, written: Mapping[str, str]) -> Answers:
        """With what was *written*, opened."""
        chosen = {QuestionId(id): tuple(values) for id, values in self.said.items() if id not in written}
        return Answers(chosen, {QuestionId(id): text for id, text in written.items()})


@attrs.frozen
class HeldReply:
    """A person's own answers, as they are shown to that person in *language*."""

    survey: Survey
    kept: Kept
    started_at: datetime
    sent_at: datetime | None
    is_written_down: bool
    """By a member of staff, on the telephone."""
    subject: SubjectId
    """Under which identity, and so under which key, it was written."""
    wrapped_key: bytes = attrs.field(repr=False)
    language: str


def add(connection: Connection, survey: Survey) -> None:
    values = _columns(survey.form, survey.plan)
    connection.execute(SQL["add"], {**values, "id": survey.id, "by": survey.created_by, "now": survey.created_at})


def get(connection: Connection, id: SurveyId) -> Survey:
    """The survey with this id; none raises `NotFound`."""
    return _one(connection, "get", {"id": id})


def lock(connection: Connection, id: SurveyId) -> Survey:
    """As `get`; nobody else changes it until the transaction ends."""
    return _one(connection, "lock", {"id": id})


def by_serial(connection: Connection, serial: int) -> Survey:
    """As `get`, by what names it in links."""
    return _one(connection, "by_serial", {"serial": serial})


def hold(connection: Connection, serial: int) -> Survey:
    """As `by_serial`; it does not close until the transaction ends."""
    return _one(connection, "hold", {"serial": serial})


def newest(
    connection: Connection, *, state: State | None = None, after: SurveyId | None = None, limit: int = 50
) -> list[Survey]:
    values = {"state": state, "after": after, "limit": limit}
    return [_survey(*row) for row in connection.execute(SQL["newest"], values)]


def running(connection: Connection) -> list[Survey]:
    return [_survey(*row) for row in connection.execute(SQL["running"])]


def write(connection: Connection, survey: Survey) -> None:
    """Keep what a draft says now."""
    connection.execute(SQL["write"], {**_columns(survey.form, survey.plan), "id": survey.id})


def step(connection: Connection, survey: Survey, step: Step) -> None:
    """Keep where *survey* went, and who took the step."""
    connection.execute(
        SQL["step"],
        {"id": survey.id, "state": survey.state, "submitted_by": survey.submitted_by,
         "opened_at": survey.opened_at, "closed_at": survey.closed_at},
    )  # fmt: skip
    add_step(connection, survey.id, step)


def add_step(connection: Connection, id: SurveyId, step: Step) -> None:
    values = {"survey": id, "what": step.what, "by": step.by, "now": step.at, "reason": step.reason}
    connection.execute(SQL["add_step"], values)


def steps(connection: Connection, id: SurveyId) -> list[Step]:
    return [
        Step(What(what), by, at, reason) for what, by, at, reason in connection.execute(SQL["steps"], {"survey": id})
    ]


# Answers


def reply(connection: Connection, survey: SurveyId, number: Number) -> tuple[Kept, SubjectId, bytes] | None:
    """What a person has answered, under which identity, and its wrapped key."""
    row = connection.execute(SQL["reply"], {"survey": survey, "number": number}).fetchone()
    return None if row is None else (Kept(row[0], row[1], row[2] is not None), SubjectId(row[3]), row[4])


def save_reply(
    connection: Connection, survey: SurveyId, number: Number, kept: Kept, *, by: StaffId | None, now: datetime
) -> bool:
    """False: it was sent before, and stays. *by*: who wrote it down for the person."""
    values = {"survey": survey, "number": number, "by": by, "now": now, "sent_at": now if kept.is_sent else None}
    return connection.execute(SQL["save_reply"], {**values, **_said(kept)}).rowcount == 1


def ballot(connection: Connection, ticket: bytes) -> Kept | None:
    row = connection.execute(SQL["ballot"], {"ticket": ticket}).fetchone()
    return None if row is None else Kept(row[0] or {}, row[1], row[2])


def save_ballot(connection: Connection, survey: SurveyId, ticket: bytes, kept: Kept) -> bool:
    """False: it was cast before, and stays."""
    values = {"survey": survey, "ticket": ticket, "is_cast": kept.is_sent}
    return connection.execute(SQL["save_ballot"], {**values, **_said(kept)}).rowcount == 1


def said(connection: Connection, survey: SurveyId) -> list[tuple[Mapping[str, Sequence[str]], int]]:
    """The answers that were sent, each with how often it was given just so."""
    return list(connection.execute(SQL["said"], {"survey": survey}))


def sent_replies(
    connection: Connection, survey: SurveyId, *, offset: int, limit: int
) -> list[tuple[Kept, SubjectId, bytes]]:
    """Answers that stand with their persons, whose, and the wrapped key of what is sealed."""
    rows = connection.execute(SQL["sent_replies"], {"survey": survey, "offset": offset, "limit": limit})
    return [(Kept(said, sealed, is_sent=True), SubjectId(subject), wrapped) for said, sealed, subject, wrapped in rows]


def written_in_answers(connection: Connection, survey: SurveyId, *, offset: int, limit: int) -> list[bytes]:
    rows = connection.execute(SQL["written_in_answers"], {"survey": survey, "offset": offset, "limit": limit})
    return [sealed for (sealed,) in rows]


def forget_later(connection: Connection, number: Number, at: datetime) -> None:
    """What a person has begun goes now, what they have sent at *at*."""
    mine = _identities(connection, number)
    connection.execute(SQL["drop_begun_of"], {"numbers": mine})
    connection.execute(SQL["forget_later"], {"numbers": mine, "at": at})


def forget_due(connection: Connection, now: datetime) -> int:
    return connection.execute(SQL["forget_due"], {"now": now}).rowcount


def forget(connection: Connection, number: Number) -> int:
    """Delete what is held of a person; returns how many answers went."""
    connection.execute(SQL["untake"], {"number": number})
    return connection.execute(SQL["forget"], {"number": number}).rowcount


def of_person(connection: Connection, number: Number) -> list[HeldReply]:
    """Everything that a person has answered, newest first, with the language that they read."""
    rows = connection.execute(SQL["of_person"], {"numbers": _identities(connection, number)})
    return [
        HeldReply(
            _survey(*survey), Kept(said, sealed, sent_at is not None), started_at, sent_at, by_staff,
            SubjectId(subject), wrapped, language,
        )
        for said, sealed, started_at, sent_at, by_staff, subject, wrapped, language, *survey in rows
    ]  # fmt: skip


def over(connection: Connection, before: datetime) -> list[Survey]:
    """Surveys that closed before an instant, whose answers are still there; locked."""
    return [_survey(*row) for row in connection.execute(SQL["over"], {"before": before})]


def keep_counts(connection: Connection, survey: SurveyId, counts: Mapping[str, Any]) -> None:
    """Delete the answers of a survey; only *counts* stay."""
    connection.execute(SQL["keep_counts"], {"survey": survey, "counts": Jsonb(dict(counts))})
    for statement in ("drop_replies", "drop_ballots", "drop_answers"):
        connection.execute(SQL[statement], {"survey": survey})


def counts(connection: Connection, survey: SurveyId) -> Mapping[str, Any] | None:
    """What was kept of answers that are deleted; None while they are there."""
    row = connection.execute(SQL["counts"], {"survey": survey}).fetchone()
    return None if row is None else row[0]


def invited(connection: Connection, survey: SurveyId, *, now: datetime) -> None:
    """The people were chosen, and their messages planned."""
    connection.execute(SQL["invited"], {"id": survey, "now": now})


def numbers(connection: Connection, subjects: Sequence[SubjectId]) -> dict[SubjectId, Number]:
    """The numbers of those who are known."""
    rows = connection.execute(SQL["numbers"], {"subjects": list(subjects)})
    return {SubjectId(subject): Number(number) for subject, number in rows}


def number(connection: Connection, subject: SubjectId) -> Number:
    """The number of somebody who is known."""
    return numbers(connection, [subject])[subject]


def person(connection: Connection, number: Number) -> tuple[SubjectId, Number, bytes] | None:
    """Who has *number* today, and the wrapped key; None for who was erased."""
    row = connection.execute(SQL["person"], {"number": number}).fetchone()
    return None if row is None else (SubjectId(row[0]), Number(row[1]), row[2])


def mix(connection: Connection, survey: SurveyId, *, least: int) -> None:
    """Move the ballots that were cast to the other answers, if they are at least so many."""
    connection.execute(SQL["mix"], {"survey": survey, "least": least})


def mix_rest(connection: Connection, survey: SurveyId) -> None:
    """Move the last ballots too, among a thousand others in a new order."""
    connection.execute(SQL["mix_rest"], {"survey": survey})


def drop_begun(connection: Connection, survey: SurveyId) -> None:
    """Delete what was not sent."""
    connection.execute(SQL["drop_begun_replies"], {"survey": survey})
    connection.execute(SQL["drop_begun_ballots"], {"survey": survey})


# Links


def keep_printed(connection: Connection, survey: SurveyId, code: bytes, sealed: bytes) -> None:
    """A link that is printed: *code* finds it."""
    connection.execute(SQL["keep_printed"], {"survey": survey, "code": code, "sealed": sealed})


def printed(connection: Connection, code: bytes) -> bytes | None:
    """The sealed link that *code* finds."""
    row = connection.execute(SQL["printed"], {"code": code}).fetchone()
    return None if row is None else row[0]


def has_taken(connection: Connection, survey: SurveyId, number: Number) -> bool:
    """Whether a person has taken the link of a survey out of the app, under any identity of theirs."""
    values = {"survey": survey, "numbers": _identities(connection, number)}
    row = connection.execute(SQL["has_taken"], values).fetchone()
    return row is not None and bool(row[0])


def take(connection: Connection, survey: SurveyId, number: Number) -> bool:
    """The person takes the link now; False: they have it already."""
    if has_taken(connection, survey, number):
        return False
    return connection.execute(SQL["take"], {"survey": survey, "number": number}).fetchone() is not None


def drop_links(connection: Connection, survey: SurveyId) -> None:
    """Printed addresses lead nowhere any more, and who took a link is forgotten."""
    connection.execute(SQL["drop_printed"], {"survey": survey})
    connection.execute(SQL["drop_taken"], {"survey": survey})


def _identities(connection: Connection, number: Number) -> list[int]:
    """The numbers of a person, also of whoever was merged into them."""
    return [mine for (mine,) in connection.execute(SQL["identities"], {"number": number})]


def _columns(form: Form, plan: Plan) -> dict[str, Any]:
    document = msgspec.json.decode(msgspec.json.encode(form))
    return {**attrs.asdict(plan), "channels": list(plan.channels), "form": Jsonb(document)}


def _said(kept: Kept) -> dict[str, object]:
    return {"answers": Jsonb(dict(kept.said)), "sealed": kept.sealed}


def _one(connection: Connection, statement: str, values: Mapping[str, object]) -> Survey:
    row = connection.execute(SQL[statement], values).fetchone()
    if row is None:
        raise NotFound("there is no such survey", code="unknown-survey")
    return _survey(*row)


def _survey(*row: Any) -> Survey:
    id, serial, form, anonymous, topic, channels, most, closes_at, state, created_by, created_at, *rest = row
    plan = Plan(
        anonymous=anonymous, topic=topic, channels=tuple(ChannelId(each) for each in channels), most=most,
        closes_at=closes_at,
    )  # fmt: skip
    submitted_by, opened_at, invited_at, closed_at = rest
    return Survey(
        id=SurveyId(id), serial=serial, form=msgspec.convert(form, Form), plan=plan, state=State(state),
        created_by=created_by, created_at=created_at, submitted_by=submitted_by, opened_at=opened_at,
        invited_at=invited_at, closed_at=closed_at,
    )  # fmt: skip
