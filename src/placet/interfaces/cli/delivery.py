"""`placet delivery`: how the queue stands, and what came back."""

from __future__ import annotations

from typing import TextIO

import attrs
import click

from placet.delivery import status, wishes
from placet.delivery.status import CameBack, Standing
from placet.interfaces.cli import post
from placet.interfaces.cli.context import json_option, open_application, out, print_json, reported
from placet.kernel import clock
from placet.kernel.errors import BadInput
from placet.subjects.model import Alias


@click.group("delivery")
def delivery_group() -> None:
    """What people are sent: how it stands, what came back, and letters to print."""


delivery_group.add_command(post.post_command)


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
        maildir = application.maildir
        unread = None if maildir is None else maildir.unread()
    if as_json:
        print_json(
            {"returned": found.counts, "sent": found.sent, "complaint_rate": found.complaint_rate, "unread": unread}
        )
    else:
        _show_returns(found, unread, "" if maildir is None else str(maildir.aside))


@delivery_group.command("block")
@click.argument("file", type=click.File(encoding="utf-8"))
@json_option
@reported
def block_command(file: TextIO, as_json: bool) -> None:
    """No marketing to the e-mail addresses and numbers in FILE (one a line; - reads the input), by any channel.

    Only keyed hashes are kept. Service messages still come. Doing it again changes nothing.
    """
    listed = _listed(file)
    with open_application() as application, application.database.transaction() as connection:
        for alias in listed.found:
            wishes.block(connection, application.vault, alias, now=clock.now())
    _tell_listed(listed, as_json, "blocked")


@delivery_group.command("unblock")
@click.argument("file", type=click.File(encoding="utf-8"))
@json_option
@reported
def unblock_command(file: TextIO, as_json: bool) -> None:
    """Take the addresses and numbers in FILE (one a line; - reads the input) off that list again."""
    listed = _listed(file)
    with open_application() as application, application.database.transaction() as connection:
        for alias in listed.found:
            wishes.unblock(connection, application.vault, alias)
    _tell_listed(listed, as_json, "unblocked")


@attrs.frozen(repr=False)
class _Listed:
    """The addresses of a file, and the lines that hold none: by their number, for what stands there is personal."""

    found: tuple[Alias, ...]
    unreadable: tuple[int, ...]


def _listed(file: TextIO) -> _Listed:
    found, unreadable = [], []
    for number, line in enumerate(file, start=1):
        text = line.strip()
        if not text:
            continue
        try:
            found.append(Alias.email(text) if "@" in text else Alias.msisdn(text))
        except BadInput:
            unreadable.append(number)
    return _Listed(tuple(found), tuple(unreadable))


def _tell_listed(listed: _Listed, as_json: bool, done: str) -> None:
    if as_json:
        print_json({done: len(listed.found), "unreadable": list(listed.unreadable)})
    else:
        out.print(f"{done} {len(listed.found)}")
        if listed.unreadable:
            out.print(f"lines without an address or number: {', '.join(map(str, listed.unreadable))}")
    if listed.unreadable:
        raise SystemExit(1)


def _show_standing(found: Standing) -> None:
    if not found.messages:
        out.print("No message was planned yet.")
    for channel, states in found.messages.items():
        sought = f"   ({found.sought[channel]} unknown are looked for)" if channel in found.sought else ""
        out.print(f"{channel}   " + "   ".join(f"{state} {count}" for state, count in states.items()) + sought)
    for channel, reasons in found.suppressed.items():
        said = "   ".join(f"{why} {count}" for why, count in reasons.items())
        out.print(f"{channel}   not written to:   {said}")


def _show_returns(found: CameBack, unread: int | None, aside: str) -> None:
    if found.counts:
        out.print("   ".join(f"{what} {count}" for what, count in found.counts.items()))
    else:
        out.print("No mail came back in the last 30 days.")
    if found.complaint_rate is not None:
        out.print(f"complaints: {found.complaint_rate:.4%} of {found.sent} mails")
    if unread is None:
        out.print("Nothing takes in what comes back (PLACET_RETURNS_LMTP, PLACET_RETURNS_MAILDIR).")
    elif unread:
        out.print(f"{unread} mails wait for a person, in {aside}")
