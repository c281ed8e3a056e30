"""Subscribers, what they are told, and what became of telling them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NewType
from uuid import UUID

import attrs

from placet.kernel.ids import Position

SubscriberId = NewType("SubscriberId", UUID)


@attrs.frozen
class Target:
    """Where a subscriber listens, taken apart once."""

    host: str
    port: int
    path: str
    secure: bool

    @property
    def authority(self) -> str:
        """The `Host` header (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


@attrs.frozen
class Subscriber:
    """A program that is told of changes. `behind` and `waiting_since` say how far it lags."""

    id: SubscriberId
    client: str
    url: str
    position: Position
    created_at: datetime
    answered_at: datetime | None
    failures: int
    failure: str | None
    due_at: datetime
    behind: int
    waiting_since: datetime | None
    limit: timedelta
    """As a stop: silent for longer, it closes the gate (B8)."""

    def lag(self, now: datetime) -> timedelta:
        """How old the oldest record is that it has not acknowledged; nothing if it has everything."""
        return timedelta(0) if self.waiting_since is None else max(timedelta(0), now - self.waiting_since)


@attrs.frozen(repr=False)
class Registered:
    """A new subscriber; `secret` is shown once and can be had again only by registering anew."""

    subscriber: Subscriber
    secret: str


@attrs.frozen
class Delivery:
    """One signed message, ready to be posted: changes up to and with `through`, held for us until `held_until`."""

    subscriber: SubscriberId
    url: str
    through: Position
    held_until: datetime
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Acknowledged:
    """The subscriber answered 2xx: it has the message."""


@attrs.frozen
class Failed:
    """It did not; `why` is a stable word, such as `timeout`, `refused`, `status-503`, `private-target`."""

    why: str


Answer = Acknowledged | Failed
