"""`placet stops`: the places that must stop after a withdrawal, and the clock of one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from placet.gate import stops
from placet.gate.stops import Clock, Closure, Following
from placet.interfaces.cli.context import json_option, named_position, open_application, out, print_json, reported
from placet.kernel import clock
from placet.kernel.periods import format_instant


@click.group("stops", invoke_without_command=True)
@json_option
@click.pass_context
@reported
def stops_group(context: click.Context, as_json: bool) -> None:
    """List the places that must stop after a withdrawal, and what they keep closed."""
    if context.invoked_subcommand is not None:
        return
    now = clock.now()
    with open_application() as application, application.database.transaction() as connection:
        following, closed = stops.listing(connection), stops.closures(connection)
    if as_json:
        print_json(
            {"stops": [_stop_json(one, now) for one in following], "closures": [_closure_json(one) for one in closed]}
        )
    else:
        _show_stops(following, closed, now)


@stops_group.command("clock")
@click.argument("record")
@json_option
@reported
def clock_command(record: str, as_json: bool) -> None:
    """Show where RECORD (its id or position) had to stop things, and when it had."""
    now = clock.now()
    with open_application() as application, application.database.transaction() as connection:
        found = stops.clock(connection, named_position(connection, record), now=now)
    if as_json:
        print_json(_clock_json(found))
    else:
        _show_clock(found)


def _show_stops(following: list[Following], closed: list[Closure], now: datetime) -> None:
    if not following:
        out.print("No place is registered: purposes, replicas and webhooks register when a server runs.")
    for one in following:
        heard = "never" if one.acknowledged_at is None else format_instant(one.acknowledged_at)
        owing = "owes nothing" if one.owes is None else f"owes {one.owes} for {_seconds(one.lag(now).total_seconds())}"
        silent = "   [bold]SILENT[/]" if one.silent(now) else ""
        out.print(f"{one.stop.id}   acknowledged {heard}   {owing}{silent}")
    for closure in closed:
        out.print(f"[bold]closed[/] {closure.purpose} since {format_instant(closure.since)}: waits for {closure.stop}")


def _show_clock(found: Clock) -> None:
    out.print(f"recorded {format_instant(found.recorded_at)} at position {found.position}")
    if not found.places:
        out.print("Nothing had to stop: it ended no consent, or no place was there.")
    for place in found.places:
        late = "   [bold]late[/]" if place.late else ""
        if place.stopped_at is not None:
            taken = _seconds((place.stopped_at - found.recorded_at).total_seconds())
            out.print(f"  {place.stop}   stopped {format_instant(place.stopped_at)}   after {taken}{late}")
        elif place.retired_at is not None:
            out.print(f"  {place.stop}   gone {format_instant(place.retired_at)}{late}")
        else:
            out.print(f"  {place.stop}   has not stopped{late}")
    if found.stopped_everywhere_at is not None:
        out.print(f"stopped everywhere {format_instant(found.stopped_everywhere_at)}")


def _stop_json(one: Following, now: datetime) -> dict[str, Any]:
    return {
        "id": one.stop.id,
        "kind": one.stop.kind,
        "purposes": sorted(one.stop.purposes),
        "limit_ms": _ms(one.stop.limit.total_seconds()),
        "registered_at": format_instant(one.stop.registered_at),
        "acknowledged_at": _instant(one.acknowledged_at),
        "owes": one.owes,
        "lag_ms": _ms(one.lag(now).total_seconds()),
        "silent": one.silent(now),
        "closed": sorted(one.closed),
    }


def _closure_json(closure: Closure) -> dict[str, Any]:
    return {"purpose": closure.purpose, "stop": closure.stop, "since": format_instant(closure.since)}


def _clock_json(found: Clock) -> dict[str, Any]:
    return {
        "position": found.position,
        "recorded_at": format_instant(found.recorded_at),
        "places": [
            {
                "stop": place.stop,
                "kind": place.kind,
                "stopped_at": _instant(place.stopped_at),
                "retired_at": _instant(place.retired_at),
                "late": place.late,
            }
            for place in found.places
        ],
        "stopped_everywhere_at": _instant(found.stopped_everywhere_at),
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f} s"
