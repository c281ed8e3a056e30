"""
Who may decide for whom, and what a phone number's fate does to what was said. Nothing here reads a clock or a table.

The words of states are those of design.md; this folder knows them as text, so that it stands below consents.
tests/subjects/rules.yaml holds every rule as a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import attrs

from placet.kernel.ids import ChannelId, PurposeId, SubjectId
from placet.kernel.periods import MICROSECOND, Period
from placet.subjects.model import EventKind, LineEvent, LineRole, Mandate, Role

Key: TypeAlias = tuple[PurposeId, ChannelId | None]
"""A purpose, or one of its channels."""

AGE_OF_MAJORITY = 18
"""Civil Law of Latvia, s. 219."""

RIGA = ZoneInfo("Europe/Riga")

RESTRICTIVENESS = (
    "given",
    "requested",
    "expired",
    "suspended",
    "invalidated",
    "refused",
    "objected",
    "withdrawn",
)
"""From yes to the firmest no."""

EVERYONE: frozenset[Role] = frozenset({"holder", "user", "child", "company-contact"})

TOUCHED: Mapping[EventKind, frozenset[Role]] = {
    # The number is another person's now: what was tied to it is nobody's until each confirms it on a line of theirs.
    "recycled": EVERYONE,
    "contract-ended": EVERYONE,
    "ported-out": EVERYONE,
    # The new holder may have taken over the telephones too: none of the old answers may be read as theirs.
    "holder-changed": EVERYONE,
    # Whoever answers the telephone may not be who answered before. The company contact carries another telephone.
    "sim-swap": frozenset({"holder", "user", "child"}),
    # The line of a company or a family goes to another person; its holder is the same.
    "user-changed": frozenset({"user", "child"}),
}
"""Whose tied consents each event suspends."""

ENDS_LINE: frozenset[EventKind] = frozenset({"recycled", "contract-ended", "ported-out"})

ENDED_ROLES: Mapping[EventKind, frozenset[Role]] = {
    "recycled": EVERYONE,
    "contract-ended": EVERYONE,
    "ported-out": EVERYONE,
    "holder-changed": frozenset({"holder"}),
    "sim-swap": frozenset(),
    "user-changed": frozenset({"user", "child"}),
}
"""Who stands to the line no longer."""


@attrs.frozen
class Suspend:
    """What is tied to a line is suspended for one person until that person confirms it by a new yes."""

    subject: SubjectId
    purpose: PurposeId
    channel: ChannelId | None
    reason: EventKind


def on_line_event(event: LineEvent, roles: Iterable[LineRole], tied: Sequence[Key]) -> list[Suspend]:
    """
    What *event* suspends of *tied* (what the catalogue ties to a line) for those who stand to the line at its instant.

    Each person once, even in two roles. Nothing is reinstated by an event: only the person's next yes does that.
    """
    touched = TOUCHED[event.kind]
    people = [role.subject for role in roles if role.role in touched and event.occurred_at in role.period]
    return [
        Suspend(subject, purpose, channel, event.kind)
        for subject in dict.fromkeys(people)
        for purpose, channel in dict.fromkeys(tied)
    ]


@attrs.frozen
class MayDecide:
    """The mandate covers this purpose at this time."""

    mandate: Mandate


@attrs.frozen
class MayNot:
    """The mandate does not cover it; *why* is stable and documented."""

    why: Literal["no-mandate", "outside-scope", "not-yet", "ended", "of-age"]


def may_decide(
    mandate: Mandate | None, *, born: date | None, purpose: PurposeId, at: datetime, zone: ZoneInfo = RIGA
) -> MayDecide | MayNot:
    """
    Whether *mandate* lets its holder decide on *purpose* at the instant *at*; refuses in this order:

    1. there is a mandate;
    2. it has begun and has not ended;
    3. a parent decides for a minor only: the mandate ends by itself when the child comes of age;
    4. the purpose is in its scope.
    """
    if mandate is None:
        return MayNot("no-mandate")
    if at < mandate.period.start:
        return MayNot("not-yet")
    if at not in mandate.period:
        return MayNot("ended")
    # A parent of somebody whose birth date is unknown cannot show that they are a minor: empty never means yes.
    if mandate.kind == "parent" and (born is None or at >= comes_of_age(born, zone)):
        return MayNot("of-age")
    if purpose not in mandate.purposes:
        return MayNot("outside-scope")
    return MayDecide(mandate)


def comes_of_age(born: date, zone: ZoneInfo = RIGA) -> datetime:
    """The instant at which somebody is of age: the birthday's first, in local time; of 29 February, that of 1 March."""
    year = born.year + AGE_OF_MAJORITY
    try:
        birthday = born.replace(year=year)
    except ValueError:
        birthday = date(year, 3, 1)
    return datetime.combine(birthday, time.min, zone)


def in_force(mandate: Mandate, *, born: date | None, zone: ZoneInfo = RIGA) -> Mandate:
    """
    *mandate* with the end that the law gives it: a parent's ends when the child comes of age, whatever was written.

    One that `may_decide` never allowed (the child was of age, or nobody knows when it was born) ends as it begins.
    """
    if mandate.kind != "parent":
        return mandate
    start, end = mandate.period.start, mandate.period.end
    lawful = start if born is None else comes_of_age(born, zone)
    lawful = max(lawful, start + MICROSECOND)
    return attrs.evolve(mandate, period=Period(start, lawful if end is None else min(end, lawful)))


def may_decide_on_line(roles: Iterable[Role]) -> bool:
    """
    Whether somebody with these roles decides on what concerns a line's own data: its holder and its user do.

    A company contact answers for the contract and never for what an employee's telephone tells; a child decides
    through a mandate.
    """
    return not {"holder", "user"}.isdisjoint(roles)


def merge(first: Mapping[Key, str], second: Mapping[Key, str]) -> dict[Key, str]:
    """
    The states of one person who was recorded twice: of each two, the more restrictive.

    Where one identity has no state, the other's yes was never said for this one: it is suspended until confirmed.
    """
    return {key: _stricter(first.get(key), second.get(key)) for key in first.keys() | second.keys()}


def _stricter(one: str | None, other: str | None) -> str:
    spoken = [state for state in (one, other) if state is not None and state != "unknown"]
    if len(spoken) == 2:
        return max(spoken, key=RESTRICTIVENESS.index)
    alone = spoken[0] if spoken else "unknown"
    return "suspended" if alone == "given" else alone
