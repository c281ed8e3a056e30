"""`placet offers`: what a yes to news brings."""

from __future__ import annotations

import click

from placet.interfaces.cli.campaigns import campaigns_group
from placet.interfaces.cli.greetings import greetings_command
from placet.interfaces.cli.learning import evaluate_command, why_command
from placet.interfaces.cli.surveys import surveys_group
from placet.interfaces.cli.wishes import topics_command, wishes_command


@click.group("offers")
def offers_group() -> None:
    """News and offers, greetings, surveys: what a yes to `offers` brings."""


for command in (
    campaigns_group,
    topics_command,
    wishes_command,
    greetings_command,
    surveys_group,
    evaluate_command,
    why_command,
):
    offers_group.add_command(command)
