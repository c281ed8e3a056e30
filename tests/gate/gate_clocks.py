"""Both clocks of a test, moved by hand."""

from __future__ import annotations

from datetime import datetime, timedelta


class Clocks:
    def __init__(self, now: datetime) -> None:
        self.now = now
        self.seconds = 1000.0

    def wall(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds
        self.now += timedelta(seconds=seconds)
