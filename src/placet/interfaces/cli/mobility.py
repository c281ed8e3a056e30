"""`placet mobility`: what a yes to anonymous statistics brings."""

from __future__ import annotations

import click

from placet.interfaces.cli.mobility_attack import attack_command
from placet.interfaces.cli.mobility_budget import budget_command
from placet.interfaces.cli.mobility_compare import compare_command
from placet.interfaces.cli.mobility_events import ingest_command, quality_command
from placet.interfaces.cli.mobility_releases import (
    publish_command,
    release_command,
    releases_command,
    report_command,
    withdraw_command,
)
from placet.interfaces.cli.mobility_world import places_command, world_command
from placet.interfaces.cli.sample_month import demo_command


@click.group("mobility")
def mobility_group() -> None:
    """Anonymous statistics of movement: events in, noisy figures out, nobody in them."""


for command in (
    ingest_command,
    quality_command,
    places_command,
    world_command,
    budget_command,
    attack_command,
    release_command,
    publish_command,
    withdraw_command,
    releases_command,
    report_command,
    compare_command,
    demo_command,
):
    mobility_group.add_command(command)
