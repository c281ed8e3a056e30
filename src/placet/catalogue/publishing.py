"""
Publishing: plan what would change, then write it to the ledger and to the store in one transaction.

The event in the log names the catalogue's digest and the hash of every notice, so that nobody can later say that
another text was in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs
from psycopg import Connection

from placet.catalogue import store
from placet.catalogue.lint import Finding, lint
from placet.catalogue.model import Catalogue
from placet.catalogue.render import render
from placet.catalogue.rules import Change, classify, lapsed
from placet.kernel.errors import BadInput
from placet.kernel.ids import Position, PurposeId
from placet.ledger.append import append_event


class Unpublishable(BadInput):
    """The lint found errors; `findings` has them."""

    code = "unpublishable"

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        lines = "\n".join(f"{finding.where}: {finding.message} ({finding.code})" for finding in findings)
        super().__init__(f"the catalogue cannot be published; nothing was changed:\n{lines}")
        self.findings = findings


@attrs.frozen
class Plan:
    """What publishing would do: `findings` in the way, `changes` for people, `lapsed` consents."""

    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    lapsed: tuple[tuple[PurposeId, int], ...]
    unchanged: bool

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.level == "error")


@attrs.frozen
class Published:
    """Where the event stands, and each purpose with the major version below which its consents have lapsed."""

    position: Position
    changes: tuple[Change, ...]
    lapsed: tuple[tuple[PurposeId, int], ...]


def plan(
    catalogue: Catalogue, *, published: Catalogue | None, last_majors: Mapping[PurposeId, int] | None = None
) -> Plan:
    """What publishing *catalogue* over *published* would change. Pure."""
    findings = tuple(lint(catalogue, published=published, last_majors=last_majors))
    if published is None or any(finding.level == "error" for finding in findings):
        return Plan(findings, (), (), unchanged=False)
    changes = classify(published, catalogue)
    return Plan(findings, tuple(changes), lapsed(changes), unchanged=catalogue == published)


def planned(connection: Connection, catalogue: Catalogue) -> Plan:
    """What publishing *catalogue* over the one in force would change."""
    return plan(catalogue, published=store.in_force(connection), last_majors=store.last_majors(connection))


def publish(connection: Connection, catalogue: Catalogue, *, now: datetime) -> Published | None:
    """
    Put *catalogue* in force; None when it is in force already.

    Raises `Unpublishable` when the lint finds an error. The caller tells followers about `Published.lapsed`.
    """
    store.lock_publishing(connection)
    found = planned(connection, catalogue)
    if found.errors:
        raise Unpublishable(found.errors)
    if found.unchanged:
        return None
    position = append_event(connection, event(catalogue, found.changes), now)
    store.keep(connection, catalogue, position, now)
    return Published(position, found.changes, found.lapsed)


def event(catalogue: Catalogue, changes: tuple[Change, ...] = ()) -> dict[str, Any]:
    """The publication as it stands in the log, in clear; `retired` names purposes that are gone."""
    notices = [
        {
            "purpose": purpose.id,
            "version": str(purpose.version),
            "language": language,
            "sha256": render(catalogue, purpose=purpose.id, language=language, route="portal").sha256.hex(),
        }
        for purpose in catalogue.purposes.values()
        for language in catalogue.languages
    ]
    written: dict[str, Any] = {
        "type": "catalogue",
        "catalogue": catalogue.id,
        "version": str(catalogue.version),
        "digest": catalogue.digest.hex(),
        "notices": notices,
    }
    retired = [change.purpose for change in changes if change.new is None]
    return {**written, "retired": retired} if retired else written
