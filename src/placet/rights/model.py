"""A person's requests, as frozen values. Names are those of the GDPR's articles."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NewType, get_args
from uuid import UUID

import attrs

from placet.consents.model import Actor
from placet.kernel.errors import BadInput
from placet.kernel.ids import StaffId, SubjectId

RequestId = NewType("RequestId", UUID)
"""UUID version 7: requests sort in the order of their filing."""

Kind = Literal[
    "access",  # GDPR 15
    "rectification",  # 16
    "erasure",  # 17
    "restriction",  # 18
    "portability",  # 20
    "objection",  # 21
    "human-review",  # 22(3)
    "complaint",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

State = Literal["received", "in-progress", "extended", "done", "refused", "withdrawn"]
STATES: tuple[State, ...] = get_args(State)
CLOSED: frozenset[State] = frozenset({"done", "refused", "withdrawn"})
OPEN: frozenset[State] = frozenset(STATES) - CLOSED

Route = Literal["portal", "desk", "phone", "post", "email"]
ROUTES: tuple[Route, ...] = get_args(Route)
DATED: frozenset[Route] = frozenset({"desk", "phone", "post", "email"})
"""Written down later than they came in, so they may say when they were received: the clock runs from there."""

StepKind = Literal[
    "filed", "taken", "handed-over", "released", "extended", "done", "refused", "withdrawn", "erased"
]  # fmt: skip

Escalation = Literal["in-time", "soon", "overdue", "closed"]


@attrs.frozen(repr=False)
class Request:
    """
    What a person asked for, and where it stands.

    `text` and `outcome` are the person's and the member's words, sealed under the person's key. They are None where
    there are none, in a queue (nobody has opened the person's record there), and once the person was erased.
    """

    id: RequestId
    subject: SubjectId
    kind: Kind
    state: State
    route: Route
    filed_by: Actor
    opening: UUID | None
    """The opening of the record under which an agent filed it."""
    concerns: str | None
    """The id of the record, use or activity that it is about (GDPR 21, 22(3))."""
    received_at: datetime
    due: datetime
    """The last second of the last day, so that its date in local time is the day that the law names."""
    extended_at: datetime | None
    owner: StaffId | None
    """The member who works on it."""
    closed_at: datetime | None
    text: str | None = None
    outcome: str | None = None
    """What was done, or why it was refused."""

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def __repr__(self) -> str:
        return f"Request({self.id}, {self.kind}, {self.state})"


@attrs.frozen(repr=False)
class Step:
    """One thing that happened to a request. `note` is what was said then: the wish, a reason, the outcome."""

    kind: StepKind
    at: datetime
    actor: Actor
    owner: StaffId | None
    due: datetime
    note: str | None


@attrs.frozen
class Deadlines:
    """How many open requests stand where against their deadline."""

    in_time: int
    soon: int
    overdue: int

    @property
    def open(self) -> int:
        return self.in_time + self.soon + self.overdue


def parse_kind(text: str) -> Kind:
    """Read the word for what is asked."""
    for kind in KINDS:
        if kind == text:
            return kind
    raise BadInput(f"a request is one of {', '.join(KINDS)}; nothing was changed", code="bad-kind")


def parse_route(text: str) -> Route:
    """Read the word for how a request came in."""
    for route in ROUTES:
        if route == text:
            return route
    raise BadInput(f"a request comes by one of {', '.join(ROUTES)}; nothing was changed", code="bad-route")


def parse_state(text: str) -> State:
    """Read the word for where a request stands."""
    for state in STATES:
        if state == text:
            return state
    raise BadInput(f"a request is one of {', '.join(STATES)}; nothing was changed", code="bad-state")
