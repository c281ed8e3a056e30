"""`placet offers topics` and `placet offers wishes`: what offers are about, and what a person wants to hear of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import click

from placet.interfaces.cli.context import find_subject, json_option, open_application, out, print_json, reported
from placet.kernel import clock
from placet.kernel.periods import format_instant
from placet.purposes.offers import topics
from placet.purposes.offers.clicks.model import Answer
from placet.purposes.offers.topics import TopicId
from placet.purposes.offers.wishes import STATES, Pace, State, Wish


@click.command("topics")
@json_option
@reported
def topics_command(as_json: bool) -> None:
    """List the topics that offers are about."""
    if as_json:
        print_json([{"id": topic.id, "titles": dict(topic.titles)} for topic in topics.all()])
        return
    for topic in topics.all():
        out.print(f"{topic.id:<16}{topic.titles['en']}")


@click.command("wishes")
@click.argument("subject")
@click.argument("topic", required=False)
@click.argument("state", required=False, type=click.Choice(STATES))
@json_option
@reported
def wishes_command(subject: str, topic: str | None, state: str | None, as_json: bool) -> None:
    """Show which topics SUBJECT wants or never wants; with TOPIC and STATE, write down what they said."""
    if (topic is None) != (state is None):
        raise click.UsageError("name a topic and want, neutral or never, or neither")
    now = clock.now()
    with open_application() as application, application.database.transaction() as connection:
        person = find_subject(application, connection, subject).id
        wishes = application.offers.wishes
        if topic is not None:
            wishes.set(connection, person, TopicId(topic), cast(State, state), by="person", now=now)
        said, pace = wishes.of(connection, person), wishes.pace(connection, person, now=now)
        links = application.offers.clicks.answer(connection, person)
    if as_json:
        print_json(_as_json(said, pace, links))
        return
    for topic_id, wish in said.items():
        stopped = " (we stopped it; they can turn it on again)" if wish.stopped else ""
        out.print(f"{topic_id:<16}{wish.state:<9}by the {wish.by} since {format_instant(wish.since)}{stopped}")
    if not said:
        out.print("They have said nothing about any topic.")
    if pace.paused_until is not None:
        out.print(f"no offers before {format_instant(pace.paused_until)}")
    if pace.frequency == "less":
        out.print("fewer offers than usual")
    if links is not None:
        counted = "counted" if links.allows else "not counted"
        out.print(f"links in offers are {counted}: {links.decision} {format_instant(links.at)}")


def _as_json(said: Mapping[TopicId, Wish], pace: Pace, links: Answer | None) -> dict[str, Any]:
    return {
        "wishes": {
            topic: {
                "state": wish.state,
                "by": wish.by,
                "since": format_instant(wish.since),
                "reason": wish.reason,
                "stopped": wish.stopped,
            }
            for topic, wish in said.items()
        },
        "frequency": pace.frequency,
        "paused_until": None if pace.paused_until is None else format_instant(pace.paused_until),
        "counted_links": None if links is None else {"decision": links.decision, "since": format_instant(links.at)},
    }
