"""Thousands at once are decided and written as one by one: the same records, states, feed, answers and evidence."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from consents_support import CHANNELS, OFFERS, TEXT, USAGE, PlainRulebook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placet.consents import actions, bulk
from placet.consents.model import Actor, Decision, Notice, Provenance, Record, Wish
from placet.kernel.ids import ChannelId, MandateId, PurposeId, RecordId, SubjectId
from placet.kernel.periods import format_instant
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Subject

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
NOBODY = SubjectId(UUID(int=7))
MANDATE = MandateId(UUID(int=9))

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
instants = st.integers(-3, 1).map(lambda hours: NOON + timedelta(hours=hours, microseconds=hours))
provenances = st.builds(Provenance, words, st.sampled_from("ABC"), instants)
actors = st.sampled_from(
    [
        Actor("subject"),
        Actor("agent", "7"),
        Actor("representative", str(NOBODY)),
        Actor("system"),
        Actor("client", "%(id)b"),
    ]
)


@st.composite
def wished(draw: st.DrawFn) -> dict[str, Any]:
    route = draw(st.sampled_from(["import", "import", "portal", "desk", "fax"]))
    actor = draw(actors)
    return {
        "who": draw(st.integers(0, 3)),
        "purpose": draw(st.sampled_from([OFFERS, OFFERS, USAGE, PurposeId("everything")])),
        "decision": draw(st.sampled_from([*Decision, "given", "given", "withdrawn", "maybe"])),
        "route": route,
        "actor": actor,
        "channel": draw(st.sampled_from([None, None, *CHANNELS[:2], ChannelId("fax")])),
        "language": draw(st.sampled_from([None, "lv", "ru", "xx"])),
        "shown": draw(st.sampled_from([None, TEXT])) if route != "import" else None,
        "notice_version": draw(st.sampled_from([None, "1.0", "1.7", "2.0"])),
        "occurred_at": draw(st.none() | instants),
        "mandate": MANDATE if actor.kind == "representative" else None,
        "evidence": draw(st.none() | st.binary(max_size=8)),
        "provenance": draw(st.none() | provenances),
        "reason": draw(st.none() | words) if actor.kind == "system" else None,
        "idempotency_key": draw(st.none() | st.sampled_from([b"a", b"b", b"c"])),
    }


def written(database: Database, subjects: Sequence[Subject]) -> list[Any]:
    """All that decisions of *subjects* left, without what is random (ids) or differs by place (positions, instants)."""
    numbers = [subject.number for subject in subjects]
    with database.transaction() as connection:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return connection.execute(query.encode(), {"numbers": numbers}).fetchall()

        return [
            rows(
                "SELECT row_number() OVER (ORDER BY position), number, r.purpose, r.channel, r.decision,"
                " CASE WHEN r.occurred_at < r.recorded_at THEN r.occurred_at END,"
                " convert_from(body, 'UTF8')::jsonb - '{id,subject,recorded_at,occurred_at,evidence}'::text[],"
                " convert_from(body, 'UTF8')::jsonb -> 'evidence' = 'null'"
                " FROM ledger.record r JOIN subjects.current s ON s.id = r.subject"
                " WHERE number = ANY(%(numbers)s) ORDER BY position"
            ),
            rows(
                "SELECT number, purpose, channel, decision, closed_at IS NULL, closed_by_self, notice_major,"
                " date_trunc('second', expires_at)"
                " FROM consents.state WHERE number = ANY(%(numbers)s) ORDER BY 1, 2, 3"
            ),
            rows(
                "SELECT number, purpose, channel, decision, notice_major, date_trunc('second', expires_at), item"
                " FROM consents.outbox"
                " WHERE number = ANY(%(numbers)s) ORDER BY position, item"
            ),
            rows(
                "SELECT number, count(*) FROM consents.evidence WHERE number = ANY(%(numbers)s) GROUP BY 1 ORDER BY 1"
            ),
        ]


def renumbered(found: list[Any], subjects: Sequence[Subject]) -> list[Any]:
    names = {subject.number: place for place, subject in enumerate(subjects)}
    columns = (1, 0, 0, 0)
    return [
        [tuple(names[cell] if at == column else cell for at, cell in enumerate(row)) for row in rows]
        for rows, column in zip(found, columns, strict=True)
    ]


_serial = itertools.count()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(wished(), max_size=12), min_size=1, max_size=3), st.booleans())
def test_bulk_and_record_lead_to_the_same(
    database: Database, subjects: Subjects, batches: list[list[dict[str, Any]]], mandates: bool
) -> None:
    rulebook = PlainRulebook(subjects, valid_for=timedelta(days=365), mandates=mandates)
    left = []
    for record in (actions.record, bulk.record_bulk):
        with database.transaction() as connection:
            people = [subjects.add(connection, aliases=[], language="lv", now=NOON) for _ in range(3)]
        ids, run = [*(person.id for person in people), NOBODY], next(_serial)
        outcomes = []
        for batch in batches:
            wishes = [
                Wish(
                    subject=ids[said["who"]],
                    **{name: value for name, value in said.items() if name not in {"who", "idempotency_key"}},
                    idempotency_key=said["idempotency_key"] and b"%d " % run + said["idempotency_key"],
                )
                for said in batch
            ]
            with database.transaction() as connection:
                outcomes += record(connection, wishes, rulebook=rulebook, now=NOON)
        told = [[getattr(each, name, None) for name in ("code", "replayed", "ignored")] for each in outcomes]
        left.append([told, *renumbered(written(database, people), people)])
    assert left[0] == left[1]
    with database.transaction() as connection:
        assert connection.execute(
            b"SELECT (SELECT count(*) FROM ledger.record) = position, position FROM ledger.head"
        ).fetchone()[:1] == (True,)  # type: ignore[index]


records = st.builds(
    Record,
    id=st.uuids().map(RecordId),
    subject=st.uuids().map(SubjectId),
    purpose=words.map(PurposeId),
    channel=st.none() | words.map(ChannelId),
    decision=st.sampled_from(Decision),
    route=words,
    actor=actors,
    occurred_at=instants,
    recorded_at=instants,
    language=st.none() | words,
    notice=st.none() | st.builds(Notice, st.just("1.0"), st.none() | words),
    mandate=st.none() | st.uuids().map(MandateId),
    evidence=st.none() | st.just("ab" * 32),
    provenance=st.none() | provenances,
    reason=st.none() | words,
)


def filled(record: Record) -> bytes:
    """The body of *record* by its form."""
    collected = None if record.provenance is None else format_instant(record.provenance.collected_at)
    said, recorded = format_instant(record.occurred_at), format_instant(record.recorded_at)
    own = (record.evidence, str(record.id), said, collected, recorded, str(record.subject))
    return (bulk.form_of(record) % tuple(value for value in own if value is not None)).encode()


@given(records)
def test_bodies_written_by_form_are_the_canonical_ones(record: Record) -> None:
    assert filled(record) == record.body


@pytest.mark.parametrize("text", ["%", "%(id)b", "\\u0000id\\u0000", '"', "\\", "ā", "\u2028", "\x01"])
def test_no_word_is_taken_for_a_place_in_a_form(text: str, now: datetime) -> None:
    said = Record(
        RecordId(UUID(int=1)), SubjectId(UUID(int=2)), PurposeId(text), ChannelId(text), Decision.GIVEN, text,
        Actor("client", text), now, now, text, Notice("1.0", text), None, None, Provenance(text, "A", now), text,
    )  # fmt: skip
    assert filled(said) == said.body
