"""Thousands at once are decided and written as one by one: the same records, states, feed, answers and evidence."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from consents_support import CHANNELS, OFFERS, USAGE, PlainRulebook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from placet.consents import actions, bulk
from placet.consents.admission import UNKNOWN
from placet.consents.import_model import Answers
from placet.consents.import_rows import COLUMNS, Defaults, Layout, Reader, Rows
from placet.consents.model import Actor, Decision, Notice, Provenance, Record
from placet.kernel.columns import lines, stacked
from placet.kernel.ids import ChannelId, MandateId, PurposeId, RecordId, SubjectId
from placet.kernel.periods import format_instant
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, Subject

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
NOBODY = SubjectId(UUID(int=7))
MANDATE = MandateId(UUID(int=9))

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
MINUTES = (-180, -120, -119, -60, 1, 60)
instants = st.sampled_from(MINUTES).map(lambda minutes: NOON + timedelta(minutes=minutes, microseconds=minutes))
provenances = st.builds(Provenance, words, st.sampled_from("ABC"), instants)
actors = st.sampled_from([Actor("subject"), Actor("agent", "7"), Actor("system"), Actor("client", "%(id)b")])


def mostly(usual: str, *odd: str) -> st.SearchStrategy[str]:
    """Most rows of a file are sound: else few of them would meet each other."""
    return st.integers(0, 7).flatmap(lambda luck: st.just(usual) if luck else st.sampled_from(odd))


rows = st.fixed_dictionaries(
    {
        "subject": st.sampled_from([0, 0, 1, 2, 3, 4, 5, 6]),
        "purpose": mostly(OFFERS, USAGE, "everything"),
        "channel": st.sampled_from(["", "", *CHANNELS[:2], "fax"]),
        "decision": st.sampled_from(["given", "given", "given", "refused", "withdrawn", "objected"]),
        "occurred_at": instants.map(str),
        "notice_version": mostly("1.0", "1.7", "2.0", ""),
        "language": mostly("lv", "", "ru", "xx"),
        "source": mostly("crm", '%s"\\u0000', ""),
        "grade": mostly("B", "A", ""),
        "collected_at": mostly("2026-02-01T00:00:00Z", "2026-02-02T10:00:00.5+02:00", ""),
        "evidence": mostly("", "call 7"),
        "row_key": mostly("", "a", "b"),
    }
)


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


def read(batch: Sequence[dict[str, Any]], names: Sequence[str], run: int) -> tuple[Rows, dict[int, Any]]:
    """The rows of a file; keys and sources are this run's own."""
    cells = [
        {**row, "subject": names[row["subject"]], "row_key": row["row_key"] and f"{run} {row['row_key']}"}
        for row in batch
    ]
    reader = Reader(Layout.of(COLUMNS), Defaults(), NOON)
    return reader.read(range(1, len(batch) + 1), [[row[name] for row in cells] for name in COLUMNS])


def one_by_one(
    connection: Connection, rows: Rows, meant: Sequence[SubjectId | None], *, rulebook: PlainRulebook, now: datetime
) -> Answers:
    """What `bulk.record_rows` must equal."""
    outcomes = []
    for row, name in enumerate(rows.who):
        if (subject := meant[name]) is None:
            outcomes.append(UNKNOWN)
        else:
            outcomes += actions.record(connection, [rows.said(row).wish(subject)], rulebook=rulebook, now=now)
    return Answers.of(rows.numbers.tolist(), outcomes)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(rows, max_size=16), min_size=1, max_size=3), st.booleans())
def test_bulk_and_record_lead_to_the_same(
    database: Database, subjects: Subjects, batches: list[list[dict[str, Any]]], limited: bool
) -> None:
    rulebook = PlainRulebook(subjects, valid_for=timedelta(days=365, microseconds=1) if limited else None)
    left = []
    for record in (one_by_one, bulk.record_rows):
        run = next(_serial)
        with database.transaction() as connection:
            people = [
                subjects.add(connection, aliases=[Alias.crm(f"{run}-{each}")], language="lv", now=NOON)
                for each in range(4)
            ]
            number = Alias.msisdn(f"2{run:07}")
            subjects.add_line(connection, number, since=NOON - timedelta(hours=2))
            subjects.add_role(connection, number, people[1].id, "holder", since=NOON - timedelta(hours=2))
            subjects.erase_key(connection, people[3].id, NOON)
        names = [*(str(person.id) for person in people), str(NOBODY), f"crm:{run}-0", f"crm:{run}-1"]
        meant = {SubjectId(person.id): person.id for person in people}
        meant |= {Alias.crm(f"{run}-{each}"): people[each].id for each in (0, 1)}  # type: ignore[dict-item]
        answers = []
        for batch in batches:
            said, refused = read(batch, names, run)
            whom = [meant.get(name) for name in said.names]  # type: ignore[arg-type]
            with database.transaction() as connection:
                answers.append((refused, record(connection, said, whom, rulebook=rulebook, now=NOON)))
        left.append([answers, *renumbered(written(database, people), people)])
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
    columns = [stacked([value.encode()], len(value)) for value in own if value is not None]
    return lines(bulk.form_of(record).fill(1, *columns))[0]


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
