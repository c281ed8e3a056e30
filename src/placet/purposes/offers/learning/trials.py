"""
What was picked, with which probability, and what became of it: what a model is judged on.

As a file (CSV or Parquet) each row is one pick: `person` (anything that is the same for the same person), `at`
(RFC 3339), `segment`, `eligible` and `wished` (topics, parted by `|`), `chosen` (a topic, or `nothing`), `propensity`,
and the weights `wanted` and `unwanted` of what the person told of it (both 0 for nothing).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import compress
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from placet.kernel.errors import BadInput
from placet.kernel.periods import format_instant, parse_instant
from placet.purposes.offers.learning.model import NOTHING, Flags, Floats, Policy, Whole

COLUMNS = ("person", "at", "segment", "eligible", "wished", "chosen", "propensity", "wanted", "unwanted")
_DAY = timedelta(days=1)


@attrs.frozen(kw_only=True)
class Trials:
    """Picks as arrays, a row each; in order of person and time."""

    topics: tuple[str, ...]
    segments: tuple[str, ...]
    person: Whole
    at: Floats
    """In days."""
    segment: Whole
    eligible: Flags
    """A column for each topic, as in the next."""
    wished: Flags
    chosen: Whole
    """The column; the number of topics stands for nothing."""
    propensity: Floats
    wanted: Floats
    unwanted: Floats

    def __len__(self) -> int:
        return len(self.person)

    @property
    def sent(self) -> Flags:
        return np.asarray(self.chosen < len(self.topics))

    def of(self, rows: Flags | Whole) -> Trials:
        """The *rows* of them."""
        arrays = {
            name: getattr(self, name)[rows]
            for name in ("person", "at", "segment", "eligible", "wished", "chosen", "propensity", "wanted", "unwanted")
        }
        return attrs.evolve(self, **arrays)


@attrs.frozen
class Told:
    """What each pick's person had told of each topic before it: a row each, a column for each topic."""

    wanted: Floats
    unwanted: Floats
    sends: Whole


def before(trials: Trials, policy: Policy) -> Told:
    """
    What was known at each pick, and no more: of what was sent within the time of silence nothing is known yet.

    Goes back pick by pick: the one before, the one before that.
    """
    shape = trials.eligible.shape
    wanted, unwanted, sends = np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64)
    rows = np.arange(len(trials))
    for back in range(1, _most_of_one(trials.person)):
        later = rows[back:][trials.person[back:] == trials.person[:-back]]
        earlier = later - back
        age = trials.at[later] - trials.at[earlier]
        known = trials.sent[earlier] & (age >= policy.silence / _DAY)
        later, earlier, age = later[known], earlier[known], age[known]
        kept, column = 0.5 ** (age / (policy.half_life / _DAY)), trials.chosen[earlier]
        wanted[later, column] += kept * trials.wanted[earlier]
        unwanted[later, column] += kept * trials.unwanted[earlier]
        sends[later, column] += 1
    return Told(wanted, unwanted, sends)


def read(path: Path) -> Trials:
    """The picks in a CSV or Parquet file; raises `BadInput` that says what is wrong with it."""
    try:
        table = pa.parquet.read_table(path) if path.suffix == ".parquet" else pa.csv.read_csv(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(
            f"the file cannot be read as CSV or Parquet ({type(error).__name__})", code="bad-trials"
        ) from error
    if missing := [name for name in COLUMNS if name not in table.column_names]:
        raise BadInput(f"the file lacks the columns {', '.join(missing)}", code="bad-trials")
    return of_rows(table.select(COLUMNS).to_pylist())


def of_rows(rows: Sequence[Mapping[str, Any]]) -> Trials:
    """Picks told as mappings of `COLUMNS`."""
    parted = [(_parts(row["eligible"]), _parts(row["wished"])) for row in rows]
    topics = tuple(sorted({topic for eligible, _ in parted for topic in eligible}))
    segments = tuple(sorted({str(row["segment"]) for row in rows}))
    column = {topic: at for at, topic in enumerate(topics)} | {NOTHING: len(topics)}
    people = {person: at for at, person in enumerate(sorted({str(row["person"]) for row in rows}))}
    for line, (row, (eligible, _)) in enumerate(zip(rows, parted, strict=True), 1):
        _demand_sense(row, eligible, line)
    trials = Trials(
        topics=topics,
        segments=segments,
        person=np.array([people[str(row["person"])] for row in rows], np.int64),
        at=np.array([_days(row["at"]) for row in rows]),
        segment=np.array([segments.index(str(row["segment"])) for row in rows], np.int64),
        eligible=_flags([eligible for eligible, _ in parted], topics),
        wished=_flags([wished for _, wished in parted], topics),
        chosen=np.array([column[row["chosen"]] for row in rows], np.int64),
        propensity=np.array([float(row["propensity"]) for row in rows]),
        wanted=np.array([float(row["wanted"]) for row in rows]),
        unwanted=np.array([float(row["unwanted"]) for row in rows]),
    )
    return ordered(trials)


def rows(trials: Trials) -> list[dict[str, Any]]:
    """*trials* as mappings of `COLUMNS`: what `of_rows` reads."""
    choices = (*trials.topics, NOTHING)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        {
            "person": str(trials.person[at]),
            "at": format_instant(start + trials.at[at] * _DAY),
            "segment": trials.segments[trials.segment[at]],
            "eligible": "|".join(compress(trials.topics, trials.eligible[at])),
            "wished": "|".join(compress(trials.topics, trials.wished[at])),
            "chosen": choices[trials.chosen[at]],
            "propensity": float(trials.propensity[at]),
            "wanted": float(trials.wanted[at]),
            "unwanted": float(trials.unwanted[at]),
        }
        for at in range(len(trials))
    ]


def ordered(trials: Trials) -> Trials:
    """By person and time."""
    order = np.lexsort((trials.at, trials.person))
    return trials.of(order)


def _demand_sense(row: Mapping[str, Any], eligible: frozenset[str], line: int) -> None:
    if row["chosen"] != NOTHING and row["chosen"] not in eligible:
        raise BadInput(f"row {line}: what was chosen is not among what was eligible", code="bad-trials")
    if not 0 < float(row["propensity"]) <= 1:
        raise BadInput(f"row {line}: a propensity lies above 0 and is at most 1", code="bad-trials")
    if min(float(row["wanted"]), float(row["unwanted"])) < 0:
        raise BadInput(f"row {line}: a weight is never below 0", code="bad-trials")


def _most_of_one(person: Whole) -> int:
    return int(np.bincount(person).max()) if len(person) else 0


def _parts(said: str | None) -> frozenset[str]:
    return frozenset(filter(None, (said or "").split("|")))


def _days(said: str | datetime) -> float:
    at = parse_instant(said) if isinstance(said, str) else said
    return at.timestamp() / _DAY.total_seconds()


def _flags(sets: Sequence[frozenset[str]], topics: Sequence[str]) -> Flags:
    return np.array([[topic in one for topic in topics] for one in sets], bool).reshape(len(sets), len(topics))
