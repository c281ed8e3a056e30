"""Where a person stood at many moments: the same as folding all records for each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from placet.consents.folds import Folds
from placet.consents.model import Actor, Decision, Notice, Record
from placet.consents.rules import Terms, fold
from placet.kernel.ids import ChannelId, Position, PurposeId, RecordId, SubjectId

START = datetime(2026, 3, 12, 12, tzinfo=UTC)
USAGE, EMAIL = PurposeId("usage"), ChannelId("email")
TERMS = {USAGE: Terms(USAGE, 1, 0, (EMAIL,), frozenset({"lv"}), valid_for=timedelta(hours=20))}
PEOPLE = [SubjectId(UUID(int=number, version=4)) for number in (1, 2)]

said = st.tuples(
    st.sampled_from(PEOPLE),
    st.sampled_from(list(Decision)),
    st.sampled_from([None, EMAIL]),
    st.integers(-5, 0),
)


def records(sayings: list[tuple[SubjectId, Decision, ChannelId | None, int]]) -> list[Record]:
    """One an hour; what was said some hours before it was recorded."""
    return [
        Record(
            RecordId(UUID(int=hour + 1)),
            subject,
            USAGE,
            channel,
            decision,
            "post",
            Actor("subject", str(subject)),
            START + timedelta(hours=hour + earlier),
            START + timedelta(hours=hour),
            notice=Notice("1.0", None) if decision is Decision.GIVEN else None,
            position=Position(hour + 1),
        )
        for hour, (subject, decision, channel, earlier) in enumerate(sayings)
    ]


@settings(max_examples=150, deadline=None)
@given(sayings=st.lists(said, max_size=8), at=st.integers(-6, 12), known=st.integers(-1, 9))
def test_it_answers_as_the_fold_does(
    sayings: list[tuple[SubjectId, Decision, ChannelId | None, int]], at: int, known: int
) -> None:
    found = records(sayings)
    folds = Folds(found)
    moment, known_at = START + timedelta(hours=at), START + timedelta(hours=known)
    for subject in PEOPLE:
        mine = [record for record in found if record.subject == subject]
        expected = fold(mine, TERMS, at=moment, known_at=known_at)
        for _ in range(2):
            assert folds.states(subject, terms=TERMS, at=moment, known_at=known_at) == expected
