"""`placet offers evaluate` and `placet offers why`: is the learner better than a rule, and why did this offer come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from placet.delivery.model import MessageId
from placet.interfaces.cli.context import json_option, open_application, out, print_json, reported
from placet.interfaces.cli.evaluation_page import page
from placet.kernel import clock
from placet.kernel.errors import NotFound
from placet.kernel.ids import parse_uuid
from placet.kernel.periods import format_instant
from placet.purposes.offers.learning import trials
from placet.purposes.offers.learning.evaluation import Estimate, Evaluation, evaluate
from placet.purposes.offers.learning.model import Why
from placet.purposes.offers.learning.policy import standard

_OWN, _FILE = "What this system picked", "What the file tells"


@click.command("evaluate")
@click.option("--data", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Judge the picks of FILE.")
@click.option("--out", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write the report, as HTML.")
@json_option
@reported
def evaluate_command(data: Path | None, target: Path | None, as_json: bool) -> None:
    """Would the learner have done better than the plain rule? Judged on earlier picks; nothing is sent.

    Without FILE the picks of this system are judged, and the verdict is kept: the learner sorts offers only while its
    newest verdict is a yes. FILE (CSV or Parquet) is judged only. Exits 0 for a yes, 3 for a no.
    """
    now = clock.now()
    if data is None:
        with open_application() as application, application.database.transaction() as connection:
            made = application.offers.learning.evaluate(connection, now=now)
    else:
        made = evaluate(trials.read(data), standard())
    if target is not None:
        target.write_text(page(made, source=_OWN if data is None else _FILE, now=now), encoding="utf-8")
    if as_json:
        print_json(attrs.asdict(made) | {"passed": made.passed})
    else:
        _show(made, target)
    raise SystemExit(0 if made.passed else 3)


@click.command("why")
@click.argument("message")
@click.option(
    "--lang", "language", type=click.Choice(["lv", "ru", "en"]), default="en", help="The language of the answer."
)
@json_option
@reported
def why_command(message: str, language: str, as_json: bool) -> None:
    """Why the offer MESSAGE (its id) came: the reason that was fixed when it was picked."""
    id = MessageId(parse_uuid(message, what="a message"))
    with open_application() as application, application.database.transaction() as connection:
        found = application.offers.why(connection, id)
    if found is None:
        raise NotFound(
            "no offer is held under this id; `placet delivery status` counts what is", code="unknown-message"
        )
    if as_json:
        print_json(_why_json(found, language))
        return
    for sentence in (*found.sentences[language], found.basis[language]):
        out.print(sentence)


def _show(made: Evaluation, target: Path | None) -> None:
    out.print(f"{made.picks} picks for {made.people} people, model {made.model}")
    for name, one in (("learner", made.learner), ("plain rule", made.rule), ("gain", made.gain)):
        out.print(f"{name:>10}   {_told(one)}")
    out.print(f"carried by {made.effective:.0f} picks; heaviest weight {made.heaviest:.1f}")
    stopping = made.stopping
    out.print(f"stopping: {stopping.stopped} topics; saves {_told(stopping.saved)}; keeps {_told(stopping.kept)}")
    out.print("[bold]passed[/]" if made.passed else f"[bold]not passed[/]: {', '.join(made.failed)}")
    if target is not None:
        out.print(f"The report is in {target}")


def _told(one: Estimate) -> str:
    return f"{one.value * 100:.2f} % ({one.low * 100:.2f} to {one.high * 100:.2f})"


def _why_json(found: Why, language: str) -> dict[str, Any]:
    return {
        "topic": found.topic,
        "reasons": list(found.reasons),
        "model": found.model,
        "propensity": found.propensity,
        "eligible": list(found.eligible),
        "needs": list(found.needs),
        "at": format_instant(found.at),
        "sentences": [*found.sentences[language], found.basis[language]],
    }
