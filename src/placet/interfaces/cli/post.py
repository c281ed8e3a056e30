"""`placet delivery post`: print the letters that are due, hand a mailing over to the post, or throw it away."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import click

from placet.bootstrap import Application
from placet.delivery.post import MOST, HandedOver, Mailing, Printed
from placet.interfaces.cli.context import json_option, open_application, out, print_json, reported
from placet.kernel import clock
from placet.kernel.errors import BadInput
from placet.kernel.ids import parse_uuid
from placet.kernel.periods import format_instant

BY = "cli"


@click.command("post")
@click.option("--out", "target", type=click.Path(dir_okay=False, path_type=Path), help="Print what is due as this PDF.")
@click.option("--most", type=click.IntRange(1, MOST), default=MOST, show_default=True, help="Letters of one mailing.")
@click.option("--hand-over", "handed", metavar="MAILING", help="This mailing leaves the house now.")
@click.option("--discard", "discarded", metavar="MAILING", help="Throw this mailing away; its letters are due again.")
@json_option
@reported
def post_command(target: Path | None, most: int, handed: str | None, discarded: str | None, as_json: bool) -> None:
    """Letters: list the mailings, print what is due, hand one over, or throw one away.

    Consent is asked when a letter is printed and again when its mailing is handed over. Then the numbers of letters
    that must be pulled out are told: only the others are sent. The file holds addresses; delete it when it is printed.
    """
    if sum(option is not None for option in (target, handed, discarded)) > 1:
        raise BadInput("choose one of --out, --hand-over and --discard; nothing was changed")
    with open_application() as application:
        if target is not None:
            _print(application, target, most, as_json)
        elif handed is not None:
            _hand_over(application, parse_uuid(handed, what="a mailing"), as_json)
        elif discarded is not None:
            _discard(application, parse_uuid(discarded, what="a mailing"), as_json)
        else:
            _list(application, as_json)


def _print(application: Application, target: Path, most: int, as_json: bool) -> None:
    now = clock.now()
    with application.database.transaction() as connection:
        printed = application.letters.make(connection, by=BY, most=most, now=now)
        controller = application.catalogue(connection).controller
    if printed.id is not None:
        # What makes PDF takes as long to load as a third of everything else: only whoever prints waits for it.
        from placet.delivery.paper import Sheet, pdf

        day = now.astimezone(ZoneInfo(application.config.time_zone)).date()
        target.touch(mode=0o600)
        target.write_bytes(pdf(printed.pages, Sheet(controller, day, str(printed.id))))
    _tell_printed(printed, target, as_json)


def _tell_printed(printed: Printed, target: Path, as_json: bool) -> None:
    id = None if printed.id is None else str(printed.id)
    if as_json:
        print_json({"mailing": id, "letters": len(printed.pages), "refused": printed.refused})
    elif id is None:
        out.print(f"nothing to print; {printed.refused} are not sent, each with its reason")
    else:
        out.print(f"{target}: {len(printed.pages)} letters of mailing [bold]{id}[/]", markup=True)
        out.print(f"when they leave the house: placet delivery post --hand-over {id}")


def _hand_over(application: Application, mailing: UUID, as_json: bool) -> None:
    with application.database.transaction() as connection:
        over = application.letters.hand_over(connection, mailing, now=clock.now())
    if as_json:
        print_json({"sent": over.sent, "pulled": over.pulled, "open": over.open})
    else:
        _tell_over(over)


def _tell_over(over: HandedOver) -> None:
    out.print(f"{over.sent} letters are sent")
    if over.pulled:
        out.print(f"[bold]pull out[/] letters {', '.join(map(str, over.pulled))}: they may not be sent", markup=True)
    if over.open:
        numbers = ", ".join(map(str, over.open))
        out.print(f"[bold]keep[/] letters {numbers}: somebody decides about them just now; ask again", markup=True)


def _discard(application: Application, mailing: UUID, as_json: bool) -> None:
    with application.database.transaction() as connection:
        application.letters.discard(connection, mailing, now=clock.now())
    if as_json:
        print_json({"discarded": str(mailing)})
    else:
        out.print("the mailing is thrown away; its letters are due again")


def _list(application: Application, as_json: bool) -> None:
    with application.database.transaction() as connection:
        due = application.letters.due(connection, now=clock.now())
        found = application.letters.mailings(connection)
    if as_json:
        print_json({"due": due, "mailings": [_shape(each) for each in found]})
        return
    out.print(f"{due} letters are due")
    for each in found:
        state = "in the house" if each.is_here else ("thrown away" if each.discarded_at else "handed over")
        out.print(f"{each.id}  {format_instant(each.made_at)}  {each.letters} letters, {each.sent} sent, {state}")


def _shape(each: Mailing) -> dict[str, object]:
    return {
        "mailing": str(each.id),
        "made_at": format_instant(each.made_at),
        "letters": each.letters,
        "sent": each.sent,
        "handed_over_at": None if each.handed_over_at is None else format_instant(each.handed_over_at),
        "discarded_at": None if each.discarded_at is None else format_instant(each.discarded_at),
    }
