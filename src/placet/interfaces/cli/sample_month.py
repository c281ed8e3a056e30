"""
`placet mobility demo`: the month before this one, of people who do not exist, released as any month is.

`serve --demo` has it done beside itself, so that the atlas is full soon after; asked again, it does nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from zoneinfo import ZoneInfo

import click
from rich.progress import Progress

from placet.access import staff
from placet.bootstrap import Application
from placet.interfaces.cli.context import err, open_agreed, out, reported
from placet.kernel import clock
from placet.kernel.errors import Denied
from placet.kernel.ids import StaffId
from placet.purposes.mobility.model import MONTHLY, Window
from placet.purposes.mobility.releasing.model import Release

if TYPE_CHECKING:
    from placet.purposes.mobility.counting.model import Told

PEOPLE = 30_000
MAKER, PUBLISHER = "andris", "dace"
"""The sample accounts that make the month and make it public."""
_MEMORY = "2GB"
_LEAST_PRIORITY = 19
_PATIENCE = 10
"""Seconds that a step may take to end."""
_PROGRAM = "from placet.interfaces.cli.main import main; main()"


@click.command("demo")
@click.option("--people", default=PEOPLE, show_default=True, type=click.IntRange(1), help="How many live in the world.")
@click.option("--region", "regions", multiple=True, help="Only this part of the country, such as riga; again for more.")
@reported
def demo_command(people: int, regions: tuple[str, ...]) -> None:
    """Release the month before this one for a synthetic Latvia, so that the public pages have what to show.

    Nobody in it is a customer. It takes a minute; `serve --demo` does it by itself. When something is public already,
    it does nothing.
    """
    signal.signal(signal.SIGTERM, _ended)
    with open_agreed() as application, _progress() as told:
        made = month(application, people=people, regions=regions, clock=clock.now, told=told)
    out.print(f"{made.id} is public: {made.window.first} to {made.window.until - timedelta(days=1)}")


def month(
    application: Application,
    *,
    people: int,
    regions: tuple[str, ...],
    clock: Callable[[], datetime],
    told: Told = lambda _progress: None,
) -> Release:
    """The sample month, made and made public; or what was made public before."""
    if application.config.mode == "production":
        raise Denied("people who do not exist are shown in a demonstration only: PLACET_MODE=demo", code="only-demo")
    with application.database.transaction() as connection:
        if public := application.mobility.releases.public(connection, limit=1):
            return public[0]
        maker, publisher = (staff.by_login(connection, login).id for login in (MAKER, PUBLISHER))
    made = _made(application, people, regions, maker, clock, told)
    with application.database.transaction() as connection:
        return application.mobility.releases.publish(connection, made.id, by=publisher, now=clock())


def begin(application: Application) -> subprocess.Popen[bytes] | None:
    """Have it done by a process of its own that gives way to every other; None when something is public already."""
    with application.database.transaction() as connection:
        if application.mobility.releases.public(connection, limit=1):
            return None
    child = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "mobility", "demo"], stdout=subprocess.DEVNULL, start_new_session=True
    )
    with contextlib.suppress(ProcessLookupError):  # it is over already
        os.setpriority(os.PRIO_PROCESS, child.pid, _LEAST_PRIORITY)
    threading.Thread(target=child.wait, daemon=True).start()  # so that nothing is left of it when it is done
    out.print(f"The atlas at {application.config.url}/atlas fills itself in a minute or two.\n")
    return child


def end(child: subprocess.Popen[bytes]) -> None:
    """End it, done or not; the next start begins again, and pays for nothing twice."""
    child.terminate()
    try:
        child.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _ended(*_: object) -> NoReturn:
    """An engine that is interrupted complains; whoever ended it need not hear."""
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 -- until the process is over
    sys.exit(1)


def _made(
    application: Application,
    people: int,
    regions: tuple[str, ...],
    by: StaffId,
    clock: Callable[[], datetime],
    told: Told,
) -> Release:
    from placet.purposes.mobility.counting.duck import DuckEngine
    from placet.purposes.mobility.releasing.planning import Plan
    from placet.purposes.mobility.world import plan
    from placet.purposes.mobility.world.sample import Imagined

    zone = ZoneInfo(application.config.time_zone)
    world = plan(people, seed=1, regions=regions, zone=zone)
    wanted = Plan(_before(clock().astimezone(zone)), MONTHLY, world.atlas, DuckEngine(_MEMORY), zone)
    with _emptied(application.config.data_dir / "mobility" / "sample") as folder:
        return application.mobility.maker(clock).make(wanted, Imagined(world, folder), by=by, progress=told)


def _before(now: datetime) -> Window:
    """The last month that is over."""
    last = now.replace(day=1) - timedelta(days=1)
    return Window.month(f"{last:%Y-%m}")


@contextlib.contextmanager
def _emptied(folder: Path) -> Iterator[Path]:
    """A folder that is gone afterwards, whatever happens; one that an interrupted run left is gone before."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _progress() -> Iterator[Told]:
    """A bar on stderr for people; nothing where nobody looks."""
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("making a month", total=None)
        yield lambda done: bar.update(task, completed=done.done, total=done.total)
