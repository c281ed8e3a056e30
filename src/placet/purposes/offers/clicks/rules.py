"""
Whether somebody pressed a link. Nothing here reads a clock, a database or a file.

In this order:

1. whoever asks only for the head, says that they fetch ahead, or names themselves as a program is no person;
2. nothing counts before or after its time;
3. two different links of a message within a moment are a program's, and what was noted a moment ago was no press;
4. a press is noted once.
"""

from __future__ import annotations

from datetime import datetime

from placet.purposes.offers.clicks.model import Counted, Opening, Table, Verdict


def judge(opening: Opening, counted: Counted, table: Table) -> Verdict:
    """What *opening* is taken for, of a message of which so much is known."""
    # Step 1.
    if is_program(opening, table):
        return Verdict.PROGRAM
    # Step 2.
    age = opening.at - counted.at
    if age >= table.within:
        return Verdict.TOO_LATE
    # Step 3 goes before "too soon": a program that is seen opening one link after the other is remembered as one.
    if _bursts(opening, counted, table):
        return Verdict.BURST
    if age < table.too_soon:
        return Verdict.TOO_SOON
    # Step 4.
    return Verdict.PRESSED if counted.pressed_at is None else Verdict.AGAIN


def pressed_at(verdict: Verdict, opening: Opening, counted: Counted, table: Table) -> datetime | None:
    """When the link is held to have been pressed, after *opening* was taken for *verdict*."""
    if verdict is Verdict.PRESSED:
        return opening.at
    noted = counted.pressed_at
    # Step 3.
    if verdict is Verdict.BURST and noted is not None and opening.at - noted < table.burst:
        return None
    return noted


def is_program(opening: Opening, table: Table) -> bool:
    """Step 1."""
    if opening.method != "GET":
        return True
    ahead = any(
        word in opening.headers.get(name, "").lower() for name, words in table.prefetch.items() for word in words
    )
    named = opening.headers.get("user-agent", "").lower()
    return ahead or not named or any(word in named for word in table.programs)


def _bursts(opening: Opening, counted: Counted, table: Table) -> bool:
    if counted.hit_at is None or counted.hit_place == opening.place:
        return False
    return opening.at - counted.hit_at < table.burst
