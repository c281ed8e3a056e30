"""`placet serve` and `placet work`."""

from __future__ import annotations

import os
import signal
import threading

import click

from placet import config as settings
from placet.bootstrap import prepare
from placet.config import Config
from placet.interfaces.cli import sample_month
from placet.interfaces.cli.context import open_application, out, reported
from placet.interfaces.cli.demo import Welcome, fill


@click.command("serve")
@click.option("--demo", is_flag=True, help="Fill sample customers once, show one-time codes on the page.")
@click.option("--no-month", is_flag=True, help="Of the demonstration: leave out the sample month of the atlas.")
@reported
def serve_command(demo: bool, no_month: bool) -> None:
    """Serve portal, REST and log on one port."""
    if demo:
        os.environ["PLACET_MODE"] = "demo"
    config = settings.load()
    if config.mode != "demo":
        prepare(config)
        _serve(config)
        return
    with open_application(config) as application:
        _greet(config, fill(application))
        month = None if no_month else sample_month.begin(application)
    try:
        _serve(config)
    finally:
        if month is not None:
            sample_month.end(month)


@click.command("work")
@reported
def work_command() -> None:
    """Do the background work: expiries, the tree and its checkpoints, forgetting old idempotency keys."""
    from placet.interfaces.worker import Worker

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # In a thread of its own: the signal may have come while this one holds the lock of the event.
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    with open_application() as application:
        out.print("working; stop with Ctrl-C")
        Worker(application).run(stop)


def _serve(config: Config) -> None:
    from granian.constants import Interfaces
    from granian.server import Server

    Server(
        "placet.interfaces.http:application",
        address=config.host,
        port=config.port,
        interface=Interfaces.RSGI,
        workers=config.workers,
        factory=True,
        respawn_failed_workers=True,
        log_access=False,
        backlog=2048,
    ).serve()


def _greet(config: Config, welcome: Welcome) -> None:
    out.print(f"\n[bold]Placet[/] is at [link]{config.url}[/]\n")
    out.print("Sign in as a customer with one of these numbers; the code appears on the page:")
    for customer in welcome.customers:
        out.print(f"  {customer.msisdn}   {customer.about}")
    out.print(f"\nSign in as staff at {config.url}/staff/sign-in; one press there is enough in the demonstration:")
    for account in welcome.accounts:
        out.print(f"  {account.login:<9} {account.role.value:<9} {account.about}")
    out.print(f"\nA survey, as a customer opens it from an invitation:\n  {welcome.survey}", soft_wrap=True)
    out.print(f"\nAPI key (all scopes): {welcome.api_key}")
    out.print(f"API description:      {config.url}/v1/openapi.json")
    out.print(f"Log:                  {config.url}/log/checkpoint\n")
