"""The operator's limits, read from `policy.yaml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from placet.delivery.model import Kind
from placet.delivery.rules import Calendar, Cap, Hours, Policy
from placet.kernel.ids import ChannelId

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@cache
def standard() -> Policy:
    """The limits that come with the program."""
    return parse(yaml.safe_load(files("placet.delivery").joinpath("policy.yaml").read_text(encoding="utf-8")))


def parse(said: Mapping[str, Any]) -> Policy:
    """Read a policy; a word that it does not know raises `KeyError` or `ValueError`."""
    return Policy(
        caps=tuple(_cap(row) for row in said["caps"]),
        calendars={Kind(kind): _calendar(days) for kind, days in said["hours"].items()},
        attempts=int(said["attempts"]),
        lease=timedelta(seconds=said["lease_seconds"]),
        reconcile=timedelta(hours=said["reconcile_hours"]),
        silent=frozenset(ChannelId(channel) for channel in said.get("silent", ())),
        slower={Kind(kind): timedelta(days=days) for kind, days in said.get("slower", {}).items()},
    )


def _cap(row: Mapping[str, Any]) -> Cap:
    if unknown := set(row) - {"kind", "channel", "each", "most", "days"}:
        raise ValueError(f"a cap does not know {sorted(unknown)}")
    channel = row.get("channel")
    return Cap(
        Kind(row["kind"]),
        int(row["most"]),
        timedelta(days=row["days"]),
        None if channel is None else ChannelId(channel),
        per_topic=row.get("each") == "topic",
    )


def _calendar(days: Mapping[str, Sequence[str]]) -> Calendar:
    if unknown := set(days) - {*_DAYS, "holiday"}:
        raise ValueError(f"hours do not know {sorted(unknown)}")
    return Calendar(tuple(_hours(days.get(day)) for day in _DAYS), _hours(days.get("holiday")))


def _hours(said: Sequence[str] | None) -> Hours | None:
    return None if said is None else (time.fromisoformat(said[0]), time.fromisoformat(said[1]))
