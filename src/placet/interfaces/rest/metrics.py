"""Figures for Prometheus, without personal data: routes by their template, subscribers by their random id."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime

import attrs
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from placet.bootstrap import Application
from placet.gate import stops
from placet.gate.replica import Replica
from placet.gate.stops import Closure, Following
from placet.interfaces.rest.answered import Answered
from placet.kernel import clock
from placet.kernel.errors import PlacetError
from placet.ledger import proof
from placet.ledger.append import ending
from placet.subscribers.actions import MOST, Subscribers


class Metrics:
    """Of one process; with several workers a scrape reads whichever answers it, so compare rates, not totals."""

    def __init__(
        self, application: Application, replica: Replica, subscribers: Subscribers, answered: Answered
    ) -> None:
        self.answered = answered
        self.registry = CollectorRegistry()
        self.registry.register(answered)
        self.registry.register(_State(application, replica, subscribers))


@attrs.frozen(eq=False)
class _State(Collector):
    """Read at each scrape. What cannot be read is left out, and `placet_up` says so."""

    application: Application
    replica: Replica
    subscribers: Subscribers

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = 1.0
        try:
            yield from self._from_database()
        except PlacetError:
            up = 0.0
        yield GaugeMetricFamily("placet_up", "Whether the database could be read", value=up)
        yield GaugeMetricFamily(
            "placet_replica_age_seconds",
            "Since the replica heard from the feed",
            value=time.monotonic() - self.replica.memory.view.heard,
        )

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: reading the state at registration would need the database."""
        return iter(())

    def _from_database(self) -> list[GaugeMetricFamily]:
        now = clock.now()
        with self.application.database.transaction() as connection:
            end = ending(connection).position
            checkpoint = proof.latest_checkpoint(connection)
            subscribers = self.subscribers.listing(connection, limit=MOST)
            following, closed = stops.listing(connection), stops.closures(connection)
        behind = GaugeMetricFamily("placet_webhook_behind", "Positions not acknowledged", labels=["webhook"])
        lag = GaugeMetricFamily("placet_webhook_lag_seconds", "Age of the oldest of them", labels=["webhook"])
        for subscriber in subscribers:
            behind.add_metric([str(subscriber.id)], subscriber.behind)
            lag.add_metric([str(subscriber.id)], subscriber.lag(now).total_seconds())
        signed = 0 if checkpoint is None else checkpoint.size
        return [
            GaugeMetricFamily("placet_ledger_position", "Where the ledger ends", value=end),
            GaugeMetricFamily("placet_ledger_signed", "Size of the tree that was last signed", value=signed),
            behind,
            lag,
            *_of_stops(following, closed, now),
        ]


def _of_stops(following: Sequence[Following], closed: Sequence[Closure], now: datetime) -> Iterator[GaugeMetricFamily]:
    """Which place is slowest to stop is a figure; who it is, `placet stops` says."""
    lags = [one.lag(now).total_seconds() for one in following]
    silent = sum(one.silent(now) for one in following)
    purposes = {closure.purpose for closure in closed}
    yield GaugeMetricFamily("placet_stops", "Places that must stop after a withdrawal", value=len(following))
    yield GaugeMetricFamily(
        "placet_stop_slowest_seconds", "For how long the slowest of them owes an answer", value=max(lags, default=0.0)
    )
    yield GaugeMetricFamily("placet_stops_silent", "Those that are past their limit: an alarm", value=silent)
    yield GaugeMetricFamily("placet_gate_closed", "Purposes they keep closed for everyone", value=len(purposes))
