"""Reading and writing tiles, checkpoints and cosignatures. No decision is made here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import attrs
from psycopg import Connection

from placet.kernel.errors import NotFound
from placet.kernel.ids import Position
from placet.ledger.merkle import Hash
from placet.ledger.tiles import Tile
from placet.store.queries import queries

_SQL = queries("placet.ledger")


@attrs.frozen
class Checkpoint:
    """A signed tree head as it was published, and what witnesses added."""

    epoch: str
    size: int
    root: Hash
    own_note: str = attrs.field(repr=False)
    signed_at: datetime
    cosignatures: tuple[str, ...] = attrs.field(default=(), converter=tuple)

    @property
    def note(self) -> str:
        """The signed note with every cosignature: what `/log/checkpoint` serves and a receipt carries."""
        return self.own_note + "".join(self.cosignatures)


def entries(connection: Connection, first: int, last: int) -> list[bytes]:
    """The logged bytes of positions *first* to *last*, both inside."""
    with connection.cursor(binary=True) as cursor:
        cursor.execute(_SQL["entries"], {"first": first, "last": last})
        return [entry for (entry,) in cursor]


def logged(connection: Connection, first: int, last: int) -> list[tuple[int, bytes, bytes]]:
    """Position, body and logged bytes of *first* to *last*, both inside."""
    with connection.cursor(binary=True) as cursor:
        return cursor.execute(_SQL["logged"], {"first": first, "last": last}).fetchall()


def recorded_at(connection: Connection, position: int) -> datetime:
    row = connection.execute(_SQL["recorded_at"], {"position": position}).fetchone()
    if row is None:
        raise NotFound(f"the ledger has no position {position}")
    moment: datetime = row[0]
    return moment


def position_of(connection: Connection, id: UUID) -> Position:
    """Where the record with this id stands; an unknown one raises `NotFound`."""
    row = connection.execute(_SQL["position_of"], {"id": id}).fetchone()
    if row is None:
        raise NotFound(f"no record has the id {id}")
    return Position(row[0])


def try_keeper_lock(connection: Connection) -> bool:
    return connection.execute(_SQL["try_keeper_lock"]).fetchone() == (True,)


def wait_keeper_lock(connection: Connection) -> None:
    connection.execute(_SQL["wait_keeper_lock"])


def tile(connection: Connection, level: int, n: int) -> bytes | None:
    """The full tile *n* of *level*, if it is stored."""
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["tile"], {"level": level, "n": n}).fetchone()
    return None if row is None else row[0]


def neighbours(connection: Connection, level: int, first: int, last: int) -> dict[int, bytes]:
    """The stored full tiles *first* to *last* of *level* by their number."""
    with connection.cursor(binary=True) as cursor:
        return dict(cursor.execute(_SQL["tiles"], {"level": level, "first": first, "last": last}).fetchall())


def tile_count(connection: Connection) -> dict[int, int]:
    """How many full tiles each level has."""
    return dict(connection.execute(_SQL["tile_count"]).fetchall())


def add_tiles(connection: Connection, full: Iterable[Tile]) -> None:
    """Write *full* by COPY."""
    with connection.cursor() as cursor, cursor.copy(_SQL["add_tiles"]) as copy:
        copy.set_types(["int2", "int8", "bytea"])
        for each in full:
            copy.write_row((each.level, each.n, each.hashes))


def add_checkpoint(connection: Connection, checkpoint: Checkpoint) -> None:
    connection.execute(
        _SQL["add_checkpoint"],
        {
            "size": checkpoint.size,
            "epoch": checkpoint.epoch,
            "root": checkpoint.root,
            "note": checkpoint.own_note,
            "signed_at": checkpoint.signed_at,
        },
    )


def latest_checkpoint(connection: Connection, epoch: str) -> Checkpoint | None:
    return _checkpoint(connection, "latest_checkpoint", epoch=epoch)


def checkpoint(connection: Connection, epoch: str, size: int) -> Checkpoint | None:
    return _checkpoint(connection, "checkpoint", epoch=epoch, size=size)


def latest_cosigned_checkpoint(connection: Connection, epoch: str) -> Checkpoint | None:
    return _checkpoint(connection, "latest_cosigned_checkpoint", epoch=epoch)


def largest_checkpoint(connection: Connection) -> Checkpoint | None:
    """The largest tree that was ever signed, in whichever epoch; without its cosignatures."""
    return _checkpoint(connection, "largest_checkpoint")


def checkpoints(connection: Connection, first: int, last: int) -> list[Checkpoint]:
    """Every checkpoint of sizes *first* to *last*, of all epochs, by size."""
    rows = connection.execute(_SQL["checkpoints"], {"first": first, "last": last}).fetchall()
    return [Checkpoint(*row) for row in rows]


def epochs(connection: Connection) -> list[str]:
    """Every epoch, in order; the last is the present one."""
    return [epoch for (epoch,) in connection.execute(_SQL["epochs"])]


def add_cosignature(connection: Connection, head: Checkpoint, *, witness: str, line: str, signed_at: datetime) -> None:
    values = {"epoch": head.epoch, "size": head.size, "witness": witness, "line": line, "signed_at": signed_at}
    connection.execute(_SQL["add_cosignature"], values)


def begin_epoch(connection: Connection, epoch: str) -> None:
    connection.execute(_SQL["begin_epoch"], {"epoch": epoch})


@attrs.frozen
class Verification:
    """When the whole ledger was recomputed, and how many places were not as signed (*states*: None, not looked at)."""

    at: datetime
    size: int
    root: Hash
    findings: int
    states: int | None

    @property
    def is_intact(self) -> bool:
        """Records and the states that follow from them; what was not looked at is not said to be intact."""
        return self.findings == 0 and self.states == 0


def keep_verification(connection: Connection, done: Verification) -> None:
    connection.execute(_SQL["keep_verification"], attrs.asdict(done))


def latest_verification(connection: Connection) -> Verification | None:
    row = connection.execute(_SQL["latest_verification"]).fetchone()
    return None if row is None else Verification(*row)


def extent(connection: Connection) -> tuple[int, int]:
    """The first and the last position that are really there; (0, 0) when none is."""
    row = connection.execute(_SQL["extent"]).fetchone()
    assert row is not None
    return row


def _checkpoint(connection: Connection, statement: str, **parameters: Any) -> Checkpoint | None:
    row = connection.execute(_SQL[statement], parameters).fetchone()
    return None if row is None else Checkpoint(*row)
