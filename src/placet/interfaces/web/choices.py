"""Where a choice stands, as the customer's own pages and the desk show it alike."""

from __future__ import annotations

import attrs

UNKNOWN = "unknown"
NOES = frozenset({"refused", "withdrawn", "objected"})


@attrs.frozen
class Switch:
    """One channel of a purpose, with its two answers. Nothing is ticked while the person has not said anything."""

    id: str
    title: str
    yes: str = ""
    no: str = ""
    decision: str = UNKNOWN

    @property
    def is_no(self) -> bool:
        return self.decision in NOES
