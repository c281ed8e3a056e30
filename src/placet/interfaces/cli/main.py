"""`placet`: the command line."""

from __future__ import annotations

import sys

import click
import structlog

from placet import __version__
from placet.interfaces.cli.catalogue import catalogue_group
from placet.interfaces.cli.decisions import history_command, record_command
from placet.interfaces.cli.delivery import delivery_group
from placet.interfaces.cli.erasures import erase_command, erasures_group
from placet.interfaces.cli.gate import audience_command, audit_command, check_command
from placet.interfaces.cli.imports import import_command
from placet.interfaces.cli.ledger import ledger_group, witness_command
from placet.interfaces.cli.mobility import mobility_group
from placet.interfaces.cli.offers import offers_group
from placet.interfaces.cli.receipt import receipt_command
from placet.interfaces.cli.requests import requests_group
from placet.interfaces.cli.restrictions import restrictions_group
from placet.interfaces.cli.rights import casefile_command, export_command
from placet.interfaces.cli.serve import serve_command, work_command
from placet.interfaces.cli.staff import staff_group
from placet.interfaces.cli.stops import stops_group
from placet.interfaces.cli.subjects import keys_group, subjects_group


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="placet")
def main() -> None:
    """Placet: what each customer agreed to, proved and obeyed.

    A SUBJECT is an id, or msisdn:+371…, email:…, crm:…. Settings come from PLACET_… variables or placet.toml.
    """
    # What a command prints is for whoever called it, often a program; what is logged stands beside it.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


for command in (
    serve_command,
    work_command,
    catalogue_group,
    subjects_group,
    requests_group,
    restrictions_group,
    erase_command,
    erasures_group,
    record_command,
    import_command,
    history_command,
    check_command,
    audience_command,
    audit_command,
    stops_group,
    delivery_group,
    receipt_command,
    export_command,
    casefile_command,
    ledger_group,
    witness_command,
    offers_group,
    mobility_group,
    keys_group,
    staff_group,
):
    main.add_command(command)
