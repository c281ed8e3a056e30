"""What an import works with: how a file is to be understood, some of its lines, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import attrs

from placet.consents.import_files import Line
from placet.consents.import_rows import Defaults, Named, Said
from placet.consents.model import Outcome, Recorded, Refused
from placet.kernel import jcs
from placet.kernel.ids import SubjectId
from placet.subjects.model import Alias


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

    def counted(self, unit: Unit, outcomes: Sequence[Outcome], created: int) -> Report:
        """With the lines of *unit* answered."""
        now = tally(outcomes)
        return attrs.evolve(
            self.refusing(outcome for outcome in outcomes if isinstance(outcome, Refused)),
            recorded=self.recorded + now["recorded"],
            ignored=self.ignored + now["ignored"],
            repeated=self.repeated + now["repeated"],
            refused=self.refused + now["refused"],
            created=self.created + created,
            done=unit.lines[-1].number,
        )

    def refusing(self, refusals: Iterable[Refused]) -> Report:
        """With the codes of *refusals* counted."""
        codes = Counter(self.codes) + Counter(refused.code for refused in refusals)
        return attrs.evolve(self, codes=dict(sorted(codes.items())))


class Names(NamedTuple):
    """Who is meant by each name, and the names that nobody has, each with what was said first under it."""

    meant: dict[Named, SubjectId]
    unknown: dict[Alias, Said]


class Unit(NamedTuple):
    """Some lines that are answered together, with what they say and whom they mean."""

    lines: Sequence[Line]
    said: Sequence[Said | Refused]
    read: float
    names: Names = Names({}, {})

    def split(self, line: int) -> tuple[Unit, Unit]:
        """The lines up to the one with number *line*, and those behind it."""
        if not self.lines or self.lines[0].number > line:
            return self._replace(lines=(), said=()), self
        at = sum(each.number <= line for each in self.lines)
        past, new = (self.lines[:at], self.said[:at]), (self.lines[at:], self.said[at:])
        return self._replace(lines=past[0], said=past[1]), self._replace(lines=new[0], said=new[1])


class Answers(NamedTuple):
    """One outcome a line, and how many subjects were added."""

    outcomes: Sequence[Outcome]
    created: int


def tally(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many of each; every outcome counts once, and `ignored` are some of the recorded."""
    recorded = [outcome for outcome in outcomes if isinstance(outcome, Recorded)]
    repeated = sum(outcome.replayed for outcome in recorded)
    return {
        "recorded": len(recorded) - repeated,
        "ignored": sum(outcome.ignored for outcome in recorded),
        "repeated": repeated,
        "refused": len(outcomes) - len(recorded),
    }
