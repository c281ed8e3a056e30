"""Catalogues and shown texts in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
from psycopg import Connection

from placet.catalogue.document import frozen
from placet.catalogue.model import Catalogue, Route, Version
from placet.catalogue.render import Rendered
from placet.kernel import jcs
from placet.kernel.errors import NotFound
from placet.kernel.ids import Position, PurposeId
from placet.store.queries import queries

_SQL = queries("placet.catalogue")


@attrs.frozen
class Edition:
    """A catalogue that was published, by the position of its event in the ledger."""

    position: Position
    catalogue: str
    version: Version
    digest: bytes
    published_at: datetime


@attrs.frozen
class Shown:
    """A text that was shown to somebody, as it stands in records by its hash."""

    sha256: bytes
    document: bytes = attrs.field(repr=False)
    purpose: PurposeId
    version: Version
    language: str
    route: Route
    first_shown_at: datetime


def latest_position(connection: Connection) -> Position | None:
    """The ledger position of the catalogue in force; None when none was ever published."""
    row = connection.execute(_SQL["latest_position"]).fetchone()
    return None if row is None else Position(row[0])


def current(connection: Connection) -> Catalogue:
    """The catalogue in force; raises `NotFound` when none was ever published."""
    if (found := in_force(connection)) is None:
        raise NotFound("no catalogue is published yet; run `placet catalogue publish amigo`", code="no-catalogue")
    return found


def editions(connection: Connection) -> list[tuple[Position, Catalogue]]:
    """Every catalogue that was ever published, in order, with the position of its event."""
    return [(Position(position), frozen(document)) for position, document in connection.execute(_SQL["editions"])]


def listing(connection: Connection) -> list[Edition]:
    """Every edition, the newest first, without its texts."""
    rows = connection.execute(_SQL["listing"])
    return [Edition(Position(position), name, Version(*version), bytes(digest), at)
            for position, name, *version, digest, at in rows]  # fmt: skip


def edition(connection: Connection, position: int) -> Catalogue | None:
    """The catalogue that was published at exactly this position."""
    row = connection.execute(_SQL["edition"], {"position": position}).fetchone()
    return None if row is None else frozen(row[0])


def by_digest(connection: Connection, digest: bytes) -> Catalogue | None:
    """The newest edition with this digest."""
    row = connection.execute(_SQL["by_digest"], {"digest": digest}).fetchone()
    return None if row is None else frozen(row[0])


def in_force(connection: Connection) -> Catalogue | None:
    row = connection.execute(_SQL["current_document"]).fetchone()
    return None if row is None else frozen(row[0])


def at(connection: Connection, position: Position) -> Catalogue | None:
    """The catalogue that was in force at *position*; None before the first publication."""
    row = connection.execute(_SQL["document_at"], {"position": position}).fetchone()
    return None if row is None else frozen(row[0])


def last_majors(connection: Connection) -> Mapping[PurposeId, int]:
    """The highest major version that each purpose ever had."""
    return {PurposeId(purpose): major for purpose, major in connection.execute(_SQL["last_majors"])}


def lock_publishing(connection: Connection) -> None:
    """Keep every other publication waiting until this transaction ends."""
    connection.execute(_SQL["lock_publishing"])


def keep(connection: Connection, catalogue: Catalogue, position: Position, now: datetime) -> None:
    """Write *catalogue* as the edition of *position*."""
    connection.execute(
        _SQL["insert_edition"],
        {
            "position": position,
            "catalogue": catalogue.id,
            "major": catalogue.version.major,
            "minor": catalogue.version.minor,
            "digest": catalogue.digest,
            "document": catalogue.document,
            "published_at": now,
        },
    )
    for name, rows in _rows(catalogue).items():
        connection.execute(_SQL[f"insert_{name}"], {"position": position, name: jcs.canonical(rows).decode()})


def remember_shown(connection: Connection, rendered: Rendered, now: datetime) -> None:
    """Keep the text, if it was not shown before; a record that commits to it can then be read again."""
    connection.execute(
        _SQL["remember_shown"],
        {
            "sha256": rendered.sha256,
            "document": rendered.document,
            "purpose": rendered.purpose,
            "major": rendered.version.major,
            "minor": rendered.version.minor,
            "language": rendered.language,
            "route": rendered.route,
            "first_shown_at": now,
        },
    )


def shown(connection: Connection, sha256: bytes) -> Shown | None:
    """The text with this hash, if it was ever shown here."""
    row = connection.execute(_SQL["shown"], {"sha256": sha256}).fetchone()
    return None if row is None else _shown(row)


def shown_texts(connection: Connection, purpose: PurposeId, *, route: Route, language: str, major: int) -> list[Shown]:
    """The texts that a paper of this major version may carry, the newest first."""
    values = {"purpose": purpose, "route": route, "language": language, "major": major}
    return [_shown(row) for row in connection.execute(_SQL["shown_texts"], values)]


def _shown(row: Sequence[Any]) -> Shown:
    digest, document, purpose, major, minor, language, route, first_shown_at = row
    return Shown(digest, document, PurposeId(purpose), Version(major, minor), language, route, first_shown_at)


def _rows(catalogue: Catalogue) -> dict[str, list[dict[str, object]]]:
    """What SQL above needs to know: notice versions, activities and their needs."""
    purposes, activities = catalogue.purposes.values(), catalogue.activities.values()
    return {
        "notices": [
            {"purpose": purpose.id, "major": purpose.version.major, "minor": purpose.version.minor}
            for purpose in purposes
        ],
        "activities": [
            {
                "activity": activity.id,
                "channel": activity.channel,
                "legal_basis": activity.legal_basis,
                "needs_none": not activity.needs,
            }
            for activity in activities
        ],
        "needs": [
            {"activity": activity.id, "purpose": purpose, "channel": channel}
            for activity in activities
            for purpose, channel in catalogue.needs_of(activity)
        ],
    }
