"""`placet delivery`: how the queue stands, and what came back."""

from __future__ import annotations

import click

from placet.delivery import status
from placet.delivery.status import CameBack, Standing
from placet.interfaces.cli.context import json_option, open_application, out, print_json, reported
from placet.kernel import clock


@click.group("delivery")
def delivery_group() -> None:
    """What people are sent: how it stands, and what came back."""


@delivery_group.command("status")
@json_option
@reported
def status_command(as_json: bool) -> None:
    """Count messages by channel and state, and addresses that are not written to."""
    with open_application() as application, application.database.transaction() as connection:
        found = status.standing(connection)
    if as_json:
        print_json({"messages": found.messages, "suppressed": found.suppressed, "sought": found.sought})
    else:
        _show_standing(found)


@delivery_group.command("returns")
@json_option
@reported
def returns_command(as_json: bool) -> None:
    """Count the mail that came back in the last 30 days, and what waits for a person to read it."""
    with open_application() as application:
        with application.database.transaction() as connection:
            found = status.came_back(connection, now=clock.now())
        unread = None if application.maildir is None else application.maildir.unread()
    if as_json:
        print_json(
            {"returned": found.counts, "sent": found.sent, "complaint_rate": found.complaint_rate, "unread": unread}
        )
    else:
        _show_returns(found, unread)


def _show_standing(found: Standing) -> None:
    if not found.messages:
        out.print("No message was planned yet.")
    for channel, states in found.messages.items():
        sought = f"   ({found.sought[channel]} unknown are looked for)" if channel in found.sought else ""
        out.print(f"{channel}   " + "   ".join(f"{state} {count}" for state, count in states.items()) + sought)
    for channel, reasons in found.suppressed.items():
        said = "   ".join(f"{why} {count}" for why, count in reasons.items())
        out.print(f"{channel}   not written to:   {said}")


def _show_returns(found: CameBack, unread: int | None) -> None:
    if found.counts:
        out.print("   ".join(f"{what} {count}" for what, count in found.counts.items()))
    else:
        out.print("No mail came back in the last 30 days.")
    if found.complaint_rate is not None:
        out.print(f"complaints: {found.complaint_rate:.4%} of {found.sent} mails")
    if unread is None:
        out.print("No Maildir is set up (PLACET_RETURNS_MAILDIR).")
    elif unread:
        out.print(f"{unread} mails wait for a person, in the folder .Unread of the Maildir")
