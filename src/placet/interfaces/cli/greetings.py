"""`placet offers greetings`: who would be greeted on a day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import click
from rich.table import Table

from placet.interfaces.cli.context import json_option, open_agreed, out, print_json, reported
from placet.kernel import clock
from placet.purposes.offers.greetings.model import Rehearsal

_WHY = {
    "switched-off": "have switched it off",
    "greeted-this-year": "were greeted this year already",
}


@click.command("greetings")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day, as 2026-06-24.")
@json_option
@reported
def greetings_command(day: datetime, as_json: bool) -> None:
    """Rehearse the greetings of a day: how many would get one, and none is planned.

    The gate is asked as things stand now; it is asked again on the day, and at the moment of sending.
    """
    with open_agreed() as application:
        found = application.offers.greetings.rehearse(date(day.year, day.month, day.day), now=clock.now())
    if as_json:
        print_json(_as_json(found))
    else:
        _show(found)


def _as_json(found: Rehearsal) -> dict[str, Any]:
    greeted = [
        {"occasion": occasion, "channel": channel, "language": language, "count": count}
        for (occasion, channel, language), count in sorted(found.greeted.items())
    ]
    return {
        "date": found.day.isoformat(),
        "asked": found.asked,
        "greeted": greeted,
        "left_out": dict(sorted(found.left_out.items())),
    }


def _show(found: Rehearsal) -> None:
    out.print(f"{found.day.isoformat()}: {found.asked} may be greeted, {sum(found.greeted.values())} would be")
    if found.greeted:
        table = Table("occasion", "channel", "language", "count")
        for (occasion, channel, language), count in sorted(found.greeted.items()):
            table.add_row(occasion, channel, language, str(count))
        out.print(table)
    for why, count in sorted(found.left_out.items()):
        out.print(f"{count} celebrate and {_WHY[why]}")
