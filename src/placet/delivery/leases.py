"""How long a channel may wait for a carrier. Pure."""

from __future__ import annotations

from datetime import datetime

from placet.delivery.model import Outgoing

_MARGIN = 8.0


def seconds_left(message: Outgoing, now: datetime) -> float:
    """
    Seconds until *message* is given up: some before its lease ends, so that the answer for the whole batch is still
    written down. Zero or less when it is too late to begin.
    """
    left = (message.lease_until - now).total_seconds()
    return left - min(_MARGIN, left / 2) if left > 0 else 0.0
