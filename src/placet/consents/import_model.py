"""What an import works with: how a file is to be understood, some of its lines, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import attrs

from placet.consents.import_files import Sheet
from placet.consents.import_rows import Defaults, Rows
from placet.consents.model import Outcome, Recorded, Refused
from placet.kernel import jcs
from placet.kernel.ids import SubjectId


@attrs.frozen
class Options:
    """How a file is to be understood. Its rows are answered once, so a file goes on as it was begun."""

    defaults: Defaults = attrs.field(factory=Defaults)
    create_subjects: bool = False

    @property
    def words(self) -> str:
        said = {"source": self.defaults.source, "grade": self.defaults.grade, "create_subjects": self.create_subjects}
        return jcs.canonical(said).decode()


@attrs.frozen
class Report:
    """What became of the rows so far, over all runs of this file."""

    recorded: int = 0
    ignored: int = 0
    """Of the recorded: kept as evidence, but a newer no stands."""
    repeated: int = 0
    """Their `row_key` had been answered before."""
    refused: int = 0
    created: int = 0
    """Subjects that were added."""
    done: int = 0
    """The last line that was answered."""
    resumed_after: int = 0
    """The last line that an earlier run had answered."""
    codes: Mapping[str, int] = attrs.field(factory=dict)
    """Refused rows by code."""
    read: float = 0.0
    """How much of the file was read, from 0 to 1."""

    @property
    def rows(self) -> int:
        return self.recorded + self.repeated + self.refused

    def counted(self, answers: Answers, done: int) -> Report:
        """With the lines up to *done* answered."""
        return attrs.evolve(
            self.refusing(answers.refused.values()),
            recorded=self.recorded + answers.recorded,
            ignored=self.ignored + answers.ignored,
            repeated=self.repeated + answers.repeated,
            refused=self.refused + len(answers.refused),
            created=self.created + answers.created,
            done=done,
        )

    def refusing(self, refusals: Iterable[Refused]) -> Report:
        """With the codes of *refusals* counted."""
        codes = Counter(self.codes) + Counter(refused.code for refused in refusals)
        return attrs.evolve(self, codes=dict(sorted(codes.items())))


class Unit(NamedTuple):
    """Some rows that are answered together: what they say, whom they mean, and which cannot be understood."""

    past: Sheet
    """Rows that an earlier run has answered."""
    new: Sheet
    rows: Rows
    refused: Mapping[int, Refused]
    """By their number."""
    meant: Sequence[SubjectId | None] = ()
    """Whom each of `rows.names` means; None: nobody who is known."""


@attrs.frozen
class Answers:
    """What became of some rows. `refused` by their number; `ignored` are some of the recorded."""

    recorded: int = 0
    ignored: int = 0
    repeated: int = 0
    refused: Mapping[int, Refused] = attrs.field(factory=dict)
    created: int = 0
    """Subjects that were added."""

    @classmethod
    def of(cls, numbers: Sequence[int], outcomes: Sequence[Outcome]) -> Answers:
        """Of the rows with these numbers, one outcome each."""
        recorded = [outcome for outcome in outcomes if isinstance(outcome, Recorded)]
        repeated = sum(outcome.replayed for outcome in recorded)
        answered = zip(numbers, outcomes, strict=True)
        return cls(
            recorded=len(recorded) - repeated,
            ignored=sum(outcome.ignored for outcome in recorded),
            repeated=repeated,
            refused={number: outcome for number, outcome in answered if isinstance(outcome, Refused)},
        )
