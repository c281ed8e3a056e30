"""`placet offers campaigns`: what is offered to whom, and what came of it. Two people approve one in the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click
import msgspec
from rich.table import Table

from placet.interfaces.cli.context import json_option, open_agreed, open_application, out, print_json, reported
from placet.kernel import clock
from placet.kernel.errors import BadInput
from placet.kernel.ids import parse_uuid
from placet.kernel.periods import format_instant
from placet.purposes.offers.campaigns.model import Brief, Campaign, CampaignId, Counted, Effect, Results, State

CLI = "cli"


@click.group("campaigns", invoke_without_command=True)
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only those that stand there.")
@json_option
@click.pass_context
@reported
def campaigns_group(context: click.Context, state: str | None, as_json: bool) -> None:
    """List campaigns, the newest first."""
    if context.invoked_subcommand is not None:
        return
    with open_application() as application, application.database.transaction() as connection:
        found = application.offers.campaigns.listing(connection, state=None if state is None else State(state))
    if as_json:
        print_json([_campaign_json(campaign) for campaign in found])
        return
    for campaign in found:
        brief = campaign.brief
        out.print(
            f"{campaign.id}  {campaign.state:<9}  {brief.topic:<14}  {' '.join(brief.channels):<20}  {brief.name}"
        )


@campaigns_group.command("show")
@click.argument("campaign")
@json_option
@reported
def show_command(campaign: str, as_json: bool) -> None:
    """Show a campaign: how it came about, where its messages are, and what came of it."""
    id = _id(campaign)
    with open_application() as application, application.database.transaction() as connection:
        campaigns = application.offers.campaigns
        found, changes = campaigns.get(connection, id), campaigns.changes(connection, id)
        results, why = campaigns.results(connection, id), campaigns.brake(connection, id) if found.is_braked else None
    shown = _campaign_json(found) | {
        "changes": [
            {"what": one.what, "by": one.by, "at": format_instant(one.at), "reason": one.reason} for one in changes
        ],
        "brake": None if why is None else msgspec.to_builtins(why),
        "results": [_results_json(one) for one in results],
    }
    if as_json:
        print_json(shown)
        return
    out.print(f"{found.brief.name}: {found.state}" + (f" ({found.reason})" if found.reason else ""))
    if why is not None:
        out.print(f"  paused by itself: {why.part} of {why.whole}, and at most {why.at_most:.1%} may come back so")
    for one in changes:
        out.print(f"  {format_instant(one.at)}  {one.what:<10} {one.by}")
    for result in results:
        _show_results(result)


@campaigns_group.command("create")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@reported
def create_command(file: Path, as_json: bool) -> None:
    """Make a draft of the brief in FILE (JSON, as `show --json` prints it under `brief`)."""
    brief, now = _brief(file), clock.now()
    with open_application() as application, application.database.transaction() as connection:
        made = application.offers.campaigns.create(connection, brief, by=CLI, now=now)
        wrong = application.offers.campaigns.problems(connection, brief, now=now)
    if as_json:
        print_json({"id": str(made.id), "problems": [msgspec.to_builtins(problem) for problem in wrong]})
        return
    out.print(f"{made.id} is a draft")
    for problem in wrong:
        out.print(f"  {problem.message} [dim]({problem.code})[/]")


@campaigns_group.command("count")
@click.argument("campaign")
@json_option
@reported
def count_command(campaign: str, as_json: bool) -> None:
    """Count whom a campaign (its id, or a file with a brief) would reach now, and why it would not reach the others."""
    with open_agreed() as application, application.database.transaction() as connection:
        campaigns = application.offers.campaigns
        file = Path(campaign)
        brief = _brief(file) if file.is_file() else campaigns.get(connection, _id(campaign)).brief
        counted = campaigns.count(connection, brief, now=clock.now())
    if as_json:
        print_json([_counted_json(one) for one in counted])
        return
    for one in counted:
        out.print(f"{one.channel}: {one.count} would be sent it, {one.held_out} held out")
        for reason, many in one.excluded.items():
            if many:
                out.print(f"  {many:>9}  {reason}")


@campaigns_group.command("pause")
@click.argument("campaign")
@reported
def pause_command(campaign: str) -> None:
    """Let nothing of a campaign start from now on."""
    with open_application() as application, application.database.transaction() as connection:
        application.offers.campaigns.pause(connection, _id(campaign), by=CLI, now=clock.now())
    out.print("paused; `placet offers campaigns resume` lets it go on")


@campaigns_group.command("resume")
@click.argument("campaign")
@reported
def resume_command(campaign: str) -> None:
    """Let a paused campaign go on."""
    with open_application() as application, application.database.transaction() as connection:
        application.offers.campaigns.resume(connection, _id(campaign), by=CLI, now=clock.now())
    out.print("running again")


@campaigns_group.command("stop")
@click.argument("campaign")
@click.option("--reason", required=True, help="Why; it stays with the campaign.")
@reported
def stop_command(campaign: str, reason: str) -> None:
    """End a campaign for good: what has not started never does."""
    with open_application() as application, application.database.transaction() as connection:
        application.offers.campaigns.stop(connection, _id(campaign), by=CLI, reason=reason, now=clock.now())
    out.print("stopped")


def _id(text: str) -> CampaignId:
    return CampaignId(parse_uuid(text, what="a campaign's id"))


def _brief(file: Path) -> Brief:
    try:
        # Made anew, so that it is held to what a brief must be.
        return attrs.evolve(msgspec.json.decode(file.read_bytes(), type=Brief))
    except msgspec.DecodeError as error:
        raise BadInput(f"the file holds no brief of a campaign: {error}", code="bad-campaign") from None


def _campaign_json(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": str(campaign.id),
        "state": campaign.state.value,
        "reason": campaign.reason,
        "version": campaign.version,
        "written_by": campaign.written_by,
        "submitted_by": campaign.submitted_by,
        "approved_by": campaign.approved_by,
        "created_at": format_instant(campaign.created_at),
        "brief": msgspec.to_builtins(campaign.brief),
    }


def _counted_json(one: Counted) -> dict[str, Any]:
    return {"channel": one.channel, "count": one.count, "held_out": one.held_out, "excluded": dict(one.excluded)}


def _results_json(one: Results) -> dict[str, Any]:
    return {
        "channel": one.channel,
        "states": dict(one.progress.states),
        "reasons": dict(one.progress.reasons),
        "effects": [msgspec.to_builtins(effect) for effect in one.effects],
    }


def _show_results(result: Results) -> None:
    states = ", ".join(f"{many} {state}" for state, many in result.progress.states.items())
    out.print(f"{result.channel}: {states or 'nothing planned'}")
    for reason, many in result.progress.reasons.items():
        out.print(f"  {many:>9}  {reason}")
    table = Table("what", "sent", "held out", "difference, 95 %")
    for effect in result.effects:
        table.add_row(*_row(effect))
    out.print(table)


def _row(effect: Effect) -> tuple[str, str, str, str]:
    sent, held = effect.sent, effect.held_out
    return (
        effect.what,
        f"{sent.part} of {sent.whole}",
        f"{held.part} of {held.whole}",
        f"{effect.difference:+.1%} ({effect.low:+.1%} to {effect.high:+.1%})",
    )
