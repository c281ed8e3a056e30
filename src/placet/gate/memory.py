"""
The gate's memory: every consent as a bit, fed from the ledger, answering without the database (W1, W2).

It answers only what it knows to be fresh. Past the published bound, behind the caller's token, or when it has no plan
for the question it says `stale`, and the caller asks the database or takes it as a no: it never says yes by default.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

from placet.gate.bits import Bits, Key
from placet.gate.layout import HELD
from placet.gate.model import Reason, Token
from placet.gate.view import CODES, NEVER, Answers, Held, Plan, Shut, Told, View

_STALE = CODES.index(Reason.STALE)
_NO_DECISION = CODES.index(Reason.NO_DECISION)
_NO_CHANNEL = CODES.index(Reason.NO_CHANNEL)
_STOP_SILENT = CODES.index(Reason.STOP_SILENT)


@attrs.frozen
class Heard:
    """What the feed heard from the database, in one snapshot, at *heard* (monotonic seconds) or later."""

    token: Token
    as_of: datetime
    heard: float
    plans: Mapping[str, Plan]
    edition: int
    people: int
    merges: int = 0


class Memory:
    """
    Thread-safe. `self._view` is replaced, never changed; the arrays behind it belong to whoever holds `self._lock`.

    A writer takes the view away, writes, and puts a new one in place; a reader that finds another view than it began
    with reads again. So an answer never mixes two positions, and 10 million persons are not copied for one change.
    """

    def __init__(self, *, bound: float) -> None:
        self._bound = bound
        self._lock = threading.Lock()
        self._bits = Bits.empty(0, {})
        self._view = self._away = _nothing()
        self.merges = 0
        """How many identities were merged into others; what was remembered under another count is forgotten."""

    def check(self, number: int, asked: str, token: Token | None, now: float) -> Told:
        """
        May *asked* (`activity`, `purpose`, or either with `/channel`) happen for the person *number*?

        *now* is monotonic seconds. A `stale` answer is no answer: ask the database.
        """
        view = self._view
        if (
            number > 0
            and now < view.until
            and (token is None or (token.position <= view.position and token.epoch == view.epoch))
        ):
            try:
                see, answers = view.questions[asked]
                told = answers[view.mask[number] & see]
                if told.__class__ is not Told:
                    told = told.tell(view, number)  # type: ignore[union-attr]
            except KeyError:
                return view.stale
            except IndexError:
                # Newer than anything the feed has told: a person who has said nothing yet.
                told = answers[0].silent if answers[0].__class__ is Shut else answers[0]
            if view is self._view:
                return told  # type: ignore[return-value]
        elif view is not self._away:
            return view.stale
        return self._again(number, asked, token, now)

    def check_many(self, numbers: Numbers, asked: str, token: Token | None, now: float) -> Codes:
        """The same for many: one code each (`view.CODES`; 0 is yes). A number that is nobody's is a no."""
        while True:
            view = self._view
            if view is self._away and (view := self.view) is self._away:
                return np.full(len(numbers), _STALE, np.uint8)
            plan = view.plans.get(asked)
            if plan is None or not view.answers(token, now):
                return np.full(len(numbers), _STALE, np.uint8)
            codes = _codes(view, plan, numbers)
            if view is self._view:
                return codes

    @property
    def view(self) -> View:
        """The view of this moment; waits while a change is being written."""
        with self._lock:
            return self._view

    def columns(self, asked: str, keys: Callable[[Plan], list[Key]]) -> tuple[View, Plan, list[BitMap]] | None:
        """The plan of *asked* with its bitmaps, all of one view; the first time a key is asked for takes a moment."""
        with self._lock:
            plan = self._view.plans.get(asked)
            return None if plan is None else (self._view, plan, [self._bits.column(key) for key in keys(plan)])

    def end_of(self, number: int, plan: Plan) -> datetime | None:
        """When the first of a person's consents that *plan* needs ends, if that is in the near future."""
        with self._lock:
            ending = self._bits.ending
            ends = [ending.get((number, bit)) for bit in plan.purposes + plan.channels] if ending else ()
        return min((end for end in ends if end is not None), default=None) if ends else None

    def renew(self, heard: Heard, write: Callable[[Bits], None] | None = None) -> None:
        """
        For the feed: let *write* change the arrays, then show what was heard. Without *write* nothing has changed.

        When *write* fails there is no view any more, and every answer is `stale` until `begin`.
        """
        with self._lock:
            if write is not None:
                self._view = self._away
                write(self._bits)
            self.merges = heard.merges
            self._view = self._made(heard)

    def note_ends(self, ends: Iterable[tuple[int, int, datetime]]) -> None:
        """For the feed: remember when these given bits end (number, bit, instant)."""
        with self._lock:
            for number, bit, end in ends:
                self._bits.note_end(number, bit, end)

    def next_end(self) -> datetime | None:
        """For the feed: the next instant at which something ends."""
        with self._lock:
            return self._bits.next_end()

    def copy(self) -> Bits:
        """For the snapshot: the arrays as they are. Only the feed writes them, so it may copy at any time."""
        with self._lock:
            return self._bits.copy()

    def begin(self, bits: Bits) -> None:
        """For the feed: start anew from *bits*; nothing is answered before the next `renew`."""
        with self._lock:
            self._view = self._away
            self._bits = bits

    def _made(self, heard: Heard) -> View:
        end = self._bits.next_end()
        # What ends soon ends on our clock: the distance is measured again with every heartbeat.
        ends_in = self._bound if end is None else (end - heard.as_of).total_seconds()
        return View(
            token=heard.token,
            as_of=heard.as_of,
            heard=heard.heard,
            until=heard.heard + min(self._bound, ends_in),
            mask=self._bits.mask.data,
            closed=self._bits.closed.data,
            lapsed=self._bits.lapsed.data,
            plans=heard.plans,
            majors=self._bits.majors,
            edition=heard.edition,
            people=heard.people,
            restricted=self._bits.restricted,
        )

    def _again(self, number: int, asked: str, token: Token | None, now: float) -> Told:
        view = self.view
        return view.stale if view is self._away else self.check(number, asked, token, now)


Numbers = npt.NDArray[np.integer[Any]]
Codes = npt.NDArray[np.uint8]


def _codes(view: View, plan: Plan, numbers: Numbers) -> Codes:
    """Out-of-range numbers are clipped to the first and last place, which are nobody's."""
    bits = np.asarray(view.mask).take(numbers, mode="clip") & np.uint32(plan.see)
    codes = np.zeros(len(numbers), np.uint8)
    shut = np.flatnonzero(bits != np.uint32(plan.wanted))
    if shut.size:
        codes[shut] = _why(view, plan, numbers[shut], bits[shut])
    if plan.closed:
        codes[codes == 0] = _STOP_SILENT
    return codes


def _why(view: View, plan: Plan, numbers: Numbers, bits: npt.NDArray[np.uint32]) -> Codes:
    """The reasons of a no: the first purpose that is not open decides, then the channels."""
    codes = np.full(len(numbers), _NO_CHANNEL, np.uint8)
    for bit in reversed(plan.purposes):
        missing = np.flatnonzero((bits & np.uint32(1 << bit)) == 0)
        whose = numbers[missing]
        closed = np.asarray(view.closed).take(whose, mode="clip") >> bit & 1
        lapsed = np.asarray(view.lapsed).take(whose, mode="clip") >> bit & 1
        # Neither is silence, and they exclude each other: the codes stand in this order.
        codes[missing] = _NO_DECISION + closed + 2 * lapsed
    for place in np.flatnonzero(bits & np.uint32(1 << HELD)):
        codes[place] = _held(view, plan, int(numbers[place]), int(bits[place]))
    return codes


def _held(view: View, plan: Plan, number: int, bits: int) -> int:
    """The code of one of the few for whom something is restricted."""
    told = Held(Answers(view, plan), bits).tell(view, number)
    return 0 if told.allowed else CODES.index(Reason(told.reason))


def _nothing() -> View:
    """The view of one who has heard nothing yet."""
    empty = memoryview(b"")
    return View(Token("00000000", 0), datetime.min.replace(tzinfo=UTC), 0.0, NEVER, empty, empty, empty, {}, {}, 0, 0)
