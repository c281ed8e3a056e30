"""What every command shares: opening the application, printing for people or for programs, errors as one line."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar
from uuid import UUID

import click
import msgspec
from psycopg import Connection
from rich.console import Console
from rich.markup import escape

from placet import config as settings
from placet.bootstrap import Application, build
from placet.config import Config
from placet.kernel import clock
from placet.kernel.errors import Misconfigured, NotFound, PlacetError, Tampered
from placet.kernel.ids import Position
from placet.ledger import store as ledger
from placet.subjects.model import Subject

P = ParamSpec("P")
R = TypeVar("R")

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@contextlib.contextmanager
def open_application(config: Config | None = None) -> Iterator[Application]:
    """
    The application as the settings say; its background work is not started.

    What the command recorded is taken into the tree before it ends, unless a running server's keeper does so.
    """
    application = build(settings.load() if config is None else config)
    try:
        yield application
        _take_in(application)
    finally:
        application.close()


@contextlib.contextmanager
def open_agreed(config: Config | None = None) -> Iterator[Application]:
    """As `open_application`, for what records or allows: refused while the log contradicts what was signed before."""
    with open_application(config) as application:
        application.keeper.begin(clock.now())
        application.keeper.demand_agreement()
        yield application


def _take_in(application: Application) -> None:
    """A tree that contradicts what was signed stops no command; whoever reads the log is told."""
    try:
        application.keeper.run_once(clock.now())
    except Tampered as error:
        err.print(f"[bold]the log is not signed:[/] {escape(error.message)} [dim]({error.code})[/]", markup=True)


def print_json(value: Any) -> None:
    """One JSON value on one line, for programs."""
    click.echo(msgspec.json.encode(value).decode())


def find_subject(application: Application, connection: Connection, text: str) -> Subject:
    """The subject that *text* (id, msisdn:, email:, crm:) names; raises `NotFound` without repeating the text."""
    subject = application.subjects.find(connection, text)
    if subject is None:
        raise NotFound("no such subject; `placet subjects add` makes one", code="unknown-subject")
    return subject


def named_position(connection: Connection, record: str) -> Position:
    """The position of the record that *record* (its id or position) names."""
    if record.isdecimal():
        return Position(int(record))
    try:
        return Position(ledger.position_of(connection, UUID(record)))
    except ValueError:
        raise NotFound("a record is named by its id or by its position") from None


def reported(command: Callable[P, R]) -> Callable[P, R]:
    """Run a command; an error of ours becomes one line on stderr and exit code 1 (2 for settings)."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except PlacetError as error:
            fail(error)

    return run


def fail(error: PlacetError) -> NoReturn:
    err.print(f"[bold]placet:[/] {escape(error.message)} [dim]({error.code})[/]", markup=True)
    raise SystemExit(2 if isinstance(error, Misconfigured) else 1)
