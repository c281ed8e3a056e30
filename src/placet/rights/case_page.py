"""The index of a case file: what is in it, to be read, in one language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import yaml

from placet.catalogue.render import text_of
from placet.config import Config
from placet.duties import Json
from placet.kernel.periods import format_instant
from placet.ledger.store import Checkpoint
from placet.rights.export import controller
from placet.rights.holdings import Holdings
from placet.rights.readable import Readable, page

_SHOWN = 500


@attrs.frozen
class Listed:
    """One table of the page: headings, rows as words, and the file with all of them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    count: int
    file: str


def index(
    held: Holdings,
    language: str,
    config: Config,
    *,
    checkpoint: Checkpoint,
    uses: Sequence[Json],
    propagation: Sequence[Json],
    events: Sequence[Json],
) -> bytes:
    """The page in *language*."""
    words = {name: said.get(language) for name, said in _words().items() if name != "columns"}
    read = Readable(language, ZoneInfo(config.time_zone), held.catalogue)
    names = {name: said[language] for name, said in _words()["columns"].items()}
    tables = [
        _listed(words["decisions"], _decisions(held, words), read, names, "records.jsonl"),
        _listed(words["uses"], _uses(uses, read, words), read, names, "uses.jsonl"),
        _listed(words["propagation"], _propagation(propagation), read, names, "propagation.json"),
        _held(held, "requests", words["requests"], read, names, "requests.json"),
        _held(held, "openings", words["openings"], read, names, "staff.json"),
        _held(held, "staff_access", words["staff"], read, names, "staff.json"),
        _listed(words["events"], _events(events), read, names, "events.jsonl"),
    ]
    return page(
        "casefile.html",
        read=read,
        words=words,
        controller=controller(held.catalogue, language),
        subject=str(held.subject.id),
        made_at=format_instant(held.made_at),
        erased=held.subject.erased_at is not None,
        log=f"{config.log_origin}/{checkpoint.epoch}",
        size=checkpoint.size,
        signed_at=format_instant(checkpoint.signed_at),
        witnesses=len(checkpoint.cosignatures),
        tables=tables,
        texts={sha256: text_of(document) for sha256, document in held.texts.items()},
    )


def _held(held: Holdings, name: str, title: str, read: Readable, names: Mapping[str, str], file: str) -> Listed:
    """A table of the holdings; its headings speak of the person, not to them."""
    table = held.table(name)
    columns = [column for column in table.columns if column not in table.quiet]
    rows = list(table.rows())
    return Listed(
        title,
        [names.get(column, table.columns[column][read.language]) for column in columns],
        [[read.value(column, row[column]) for column in columns] for row in rows[-_SHOWN:]],
        len(rows),
        file,
    )


def _listed(title: str, rows: Sequence[Json], read: Readable, names: Mapping[str, str], file: str) -> Listed:
    columns = list(rows[0]) if rows else []
    return Listed(
        title,
        [names.get(column, column) for column in columns],
        [[read.value(column, value) for column, value in row.items()] for row in rows[-_SHOWN:]],
        len(rows),
        file,
    )


def _decisions(held: Holdings, words: Mapping[str, str]) -> list[Json]:
    actors = {"subject": "person", "representative": "representative", "agent": "agent"}
    return [
        {
            "position": record.position,
            "decision": record.decision.value,
            "purpose": record.purpose,
            "channel": record.channel,
            "occurred_at": format_instant(record.occurred_at),
            "recorded_at": format_instant(record.recorded_at),
            "route": record.route,
            "actor": words.get(actors.get(record.actor.kind, ""), record.actor.kind),
            "notice_version": None if record.notice is None else record.notice.version,
        }
        for record in held.records
    ]


def _uses(uses: Sequence[Json], read: Readable, words: Mapping[str, str]) -> list[Json]:
    known = read.catalogue.activities
    return [
        {
            "at": use["at"],
            "activity": known[use["activity"]].titles[read.language] if use["activity"] in known else use["activity"],
            "channel": use["channel"],
            "outcome": use["outcome"],
            "judgement": words["valid"] if use["judgement"] == "valid" else use["judgement"],
        }
        for use in uses
    ]


def _propagation(clocks: Sequence[Json]) -> list[Json]:
    return [
        {
            "position": clock["position"],
            "recorded_at": clock["recorded_at"],
            "stopped_everywhere_at": clock["stopped_everywhere_at"],
            "places": [place["stop"] for place in clock["places"]],
        }
        for clock in clocks
    ]


def _events(events: Sequence[Json]) -> list[Json]:
    return [
        {"recorded_at": event["recorded_at"], "type": event["type"], "version": event.get("version")}
        for event in events
    ]


@cache
def _words() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(files("placet.rights").joinpath("casefile.yaml").read_text(encoding="utf-8"))
    return found
