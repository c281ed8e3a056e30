"""
The replica's answers as bytes, for those who only pass them on (`POST /v1/check`).

Most of an answer is the same for everybody until the replica hears from the database again. It is worded once for each
answer of a view, and kept no longer than that view: facts are kept, answers never are.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs
import msgspec

from placet.gate.view import Told
from placet.kernel.periods import format_instant

F = TypeVar("F")
"""The form of the permits, which only the gate's actions make."""


@attrs.frozen(eq=False)
class Wording(Generic[F]):
    """One answer of one view (`actions.answer_json`): all but its age, and the permit of a yes."""

    told: Told
    start: bytes
    end: bytes
    form: F

    @classmethod
    def of(cls, told: Told, form: F) -> Wording[F]:
        said = {"allowed": told.allowed, "reason": told.reason, "as_of": format_instant(told.view.as_of)}
        end = b',"token":' + msgspec.json.encode(str(told.token)) + b',"permit":'
        return cls(told, msgspec.json.encode(said)[:-1] + b',"age_ms":', end, form)

    def text(self, now: float, permit: bytes | None) -> bytes:
        """The answer at *now* (monotonic seconds)."""
        age = b"%d" % self.told.age_ms(now)
        if permit is None:
            return b"".join((self.start, age, self.end, b"null}"))
        return b"".join((self.start, age, self.end, b'"', permit, b'"}'))
