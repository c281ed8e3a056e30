"""
What was answered, counted; and what of it may be shown. Pure.

Counts of a survey whose answers stand with their persons are released as the reader may see them. Of an anonymous one
everybody sees tens, and nothing at all while fewer than ten have answered; nobody's office is above that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any

import attrs

from placet.consents.shares import LEAST, Interval, Release, Share, rounded
from placet.purposes.offers.surveys.model import Form, Kind, Plan, Question, QuestionId, Value

WRITTEN: Value = "written"
"""Stands for a free text, whose words lie elsewhere."""
_Z = 1.959963984540054


@attrs.frozen
class Result:
    """One question: how many were asked it, how many passed it over, how many chose each answer."""

    question: Question
    asked: int = 0
    passed: int = 0
    counts: Mapping[Value, int] = attrs.field(factory=dict)

    @property
    def answered(self) -> int:
        return self.asked - self.passed

    def share(self, value: Value) -> Share:
        """Of those who answered, how many chose *value*."""
        return Share(self.counts.get(value, 0), self.answered)

    @property
    def skipped(self) -> Share:
        return Share(self.passed, self.asked)

    @property
    def mean(self) -> float | None:
        """Of a scale, when ten have answered: fewer tell too much of each."""
        if self.question.kind is not Kind.SCALE or self.answered < LEAST:
            return None
        return sum(int(value) * count for value, count in self.counts.items()) / self.answered

    @property
    def interval(self) -> Interval | None:
        """Where the mean lies, with 95 % confidence (normal approximation), within the scale."""
        mean, scale = self.mean, self.question.scale
        if mean is None or scale is None:
            return None
        spread = sum(count * (int(value) - mean) ** 2 for value, count in self.counts.items()) / (self.answered - 1)
        half = _Z * sqrt(spread / self.answered)
        return Interval(max(scale.low, mean - half), min(scale.high, mean + half))


@attrs.frozen
class Results:
    """All questions of a survey, from *sent* answers."""

    sent: int
    results: tuple[Result, ...]

    def of(self, id: QuestionId) -> Result:
        return next(result for result in self.results if result.question.id == id)


def counted(form: Form, said: Iterable[tuple[Mapping[str, Sequence[Value]], int]]) -> Results:
    """Results from answers that were sent, each with how often it was given; no value: the question was passed over."""
    sent = 0
    asked: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    chosen: Counter[tuple[str, Value]] = Counter()
    for answers, count in said:
        sent += count
        for id, values in answers.items():
            asked[id] += count
            passed[id] += 0 if values else count
            for value in values:
                chosen[id, value] += count
    found = (
        Result(each, asked[each.id], passed[each.id], {value: chosen[each.id, value] for value in each.values})
        for each in form.questions
    )
    return Results(sent, tuple(found))


def kept(results: Results) -> dict[str, Any]:
    """*results* as they are kept when the answers themselves are deleted."""
    return {
        "sent": results.sent,
        "questions": {
            each.question.id: {"asked": each.asked, "passed": each.passed, "counts": dict(each.counts)}
            for each in results.results
        },
    }


def restored(form: Form, kept: Mapping[str, Any]) -> Results:
    """Results from what was kept of them."""
    there = kept["questions"]
    return Results(
        kept["sent"],
        tuple(Result(question, **there[question.id]) for question in form.questions if question.id in there),
    )


def release_of(plan: Plan, release: Release) -> Release:
    """How counts are shown to a reader who otherwise sees them by *release*."""
    return rounded if plan.anonymous else release


def is_told(plan: Plan, results: Results) -> bool:
    """May anything be shown yet?"""
    return not plan.anonymous or results.sent >= LEAST


def texts_are_told(plan: Plan, result: Result) -> bool:
    """May what was written be read? In an anonymous survey not before ten have written something."""
    return result.question.kind is Kind.TEXT and (not plan.anonymous or result.answered >= LEAST)
