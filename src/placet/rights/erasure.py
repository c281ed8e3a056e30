"""
Erasure (GDPR Art. 17), everywhere at once, and for good.

One transaction under the ledger's head row:

1. every purpose deletes what no law demands to keep; what is left on consent afterwards stops the erasure, loudly;
2. what was asked, typed, signed in with, or opened at the desk goes;
3. the key is destroyed, with contacts, lines and mandates, of every identity that was merged into the person;
4. the ledger says `erased`, in clear and with the id only;
5. the journal outside the database says so too, on the disk before the commit.

`again` runs at every start: whom the journal names and the database still holds (it was restored from an older backup)
is erased anew before anything is served. While the log contradicts its past, step 4 waits (`settle`): the positions
of an epoch that is over belong to other records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

import attrs
import structlog
import yaml
from psycopg import Connection

from placet.access import codes, openings, passkeys, reads, sessions
from placet.consents import actions as consents
from placet.delivery.actions import Delivery
from placet.duties import Duties, Holding, Person
from placet.gate import restrictions
from placet.kernel.errors import Tampered
from placet.kernel.ids import Position, PurposeId, SubjectId
from placet.ledger.append import ending, lock_head
from placet.ledger.notes import TreeHead
from placet.ledger.outside import Outside
from placet.rights import restriction, store
from placet.rights.journal import Entry, Journal
from placet.rights.requests import Requests
from placet.subjects.actions import Subjects
from placet.subjects.model import Identity

log = structlog.get_logger()


class Rooms(Protocol):
    """What an erasure reaches: `bootstrap.Application` is one."""

    @property
    def subjects(self) -> Subjects: ...
    @property
    def delivery(self) -> Delivery: ...
    @property
    def requests(self) -> Requests: ...
    @property
    def duties(self) -> Sequence[Duties]: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def outside(self) -> Outside: ...


@attrs.frozen
class Kept:
    """What stays, with its law and its end, in words for each language. `rows` None: not counted."""

    name: str
    basis: str
    law: str | None
    why: Mapping[str, str]
    until: Mapping[str, str]
    rows: int | None = None


@attrs.frozen
class Erased:
    """What an erasure did. Nobody was `forgotten` when it had happened before."""

    subject: SubjectId
    at: datetime
    forgotten: tuple[SubjectId, ...]
    """The person, and every identity that was merged into it."""
    gone: Mapping[PurposeId, int]
    """Rows that each purpose deleted."""
    kept: tuple[Kept, ...]


def erase(rooms: Rooms, connection: Connection, subject: SubjectId, *, now: datetime) -> Erased:
    """
    Forget *subject* for good. The caller commits next: the journal holds the line already.

    A purpose that keeps what rests on consent raises `Tampered` (`erasure-incomplete`); then nothing was erased.
    """
    lock_head(connection)  # first, as every decision does: two orders would deadlock
    person = rooms.subjects.get(connection, subject)
    gone, held, forgotten = _forget(rooms, connection, person.id, now)
    positions = _say(rooms, connection, forgotten, now)
    for id in forgotten:
        entry = rooms.journal.append(id, now, after=store.last_erasure(connection))
        store.add_erasure(connection, entry, positions.get(id))
    kept = (*(_kept(holding) for holding in held), *always_kept()) if forgotten else ()
    return Erased(person.id, now, tuple(forgotten), gone, kept)


def outlook(rooms: Rooms, connection: Connection, subject: SubjectId) -> tuple[Kept, ...]:
    """What would stay if *subject* were erased now: told before anybody decides."""
    held = [
        holding
        for identity in _living(rooms, connection, subject)
        for holding in _exported(rooms, connection, identity)
        if holding.basis != "consent"
    ]
    return (*(_kept(holding) for holding in held), *always_kept())


def again(rooms: Rooms, connection: Connection, *, now: datetime) -> list[SubjectId]:
    """
    Erase anew whom the journal names and this database still holds; returns them.

    A journal that is missing, cut off or forged raises `Tampered` (`erasure-journal`): nothing may be served then.
    """
    entries = rooms.journal.entries(known=store.last_erasure(connection))
    if not store.back_again(connection, entries):
        settle(rooms, connection, now=now)
        return []
    lock_head(connection)
    forgotten: list[SubjectId] = []
    for id in store.back_again(connection, entries):  # anew: another process may have done it meanwhile
        forgotten += _forget(rooms, connection, id, now)[2]
    positions = _say(rooms, connection, forgotten, now)
    lines = {entry.subject: entry for entry in entries}
    for id in forgotten:
        line = lines.get(id) or rooms.journal.append(id, now, after=store.last_erasure(connection))
        store.add_erasure(connection, line, positions.get(id))
    log.warning("erasure.again", count=len(forgotten))
    return forgotten


def settle(rooms: Rooms, connection: Connection, *, now: datetime) -> int:
    """Say in the ledger what could not be said while it contradicted its past; returns how many."""
    if not store.unsaid(connection):
        return 0
    lock_head(connection)
    said = _say(rooms, connection, store.unsaid(connection), now)
    for subject, position in said.items():
        store.say(connection, subject, position)
    return len(said)


def rebuild(connection: Connection, journal: Journal, *, also: Sequence[SubjectId] = (), now: datetime) -> list[Entry]:
    """
    Make a journal anew that was lost or broken: from its sound lines, the tombstones and events of this database, and
    the ids that somebody kept elsewhere. The old files are set aside.
    """
    lock_head(connection)
    known = {entry.subject: entry.at for entry in journal.sound()}
    for subject, at in (*store.erased_persons(connection), *store.erased_events(connection)):
        known.setdefault(subject, at)
    for subject in also:
        known.setdefault(subject, now)
    entries = journal.rebuild(list(known.items()), set_aside=f"journal.{now:%Y%m%dT%H%M%SZ}")
    erased = {subject for subject, _ in store.erased_persons(connection)}
    for entry in entries:
        if entry.subject in erased:
            store.renumber(connection, entry)
    return entries


def always_kept() -> tuple[Kept, ...]:
    """What every erasure leaves (`kept.yaml`)."""
    return tuple(Kept(row["name"], row["basis"], row["law"], row["why"], row["until"]) for row in kept_table())


@cache
def kept_table() -> list[dict[str, Any]]:
    """`kept.yaml`, read once."""
    found: list[dict[str, Any]] = yaml.safe_load(
        files("placet.rights").joinpath("kept.yaml").read_text(encoding="utf-8")
    )
    return found


def _forget(
    rooms: Rooms, connection: Connection, subject: SubjectId, now: datetime
) -> tuple[Mapping[PurposeId, int], list[Holding], list[SubjectId]]:
    """Steps 1 to 3: what each purpose deleted, what stays with them, and who was forgotten."""
    gone: Counter[PurposeId] = Counter()
    held: list[Holding] = []
    for identity in _living(rooms, connection, subject):
        for duties in rooms.duties:
            gone[duties.purpose] += duties.erase(connection, Person(identity.id, identity.number), now=now)
        held += _left(rooms, connection, identity)
        _forget_around(rooms, connection, identity, now)
    return gone, held, rooms.subjects.erase_key(connection, subject, now)


def _left(rooms: Rooms, connection: Connection, identity: Identity) -> list[Holding]:
    """What the purposes still hold; anything that only a consent allowed to hold is a fault of theirs."""
    held = list(_exported(rooms, connection, identity))
    if faults := sorted({holding.name for holding in held if holding.basis == "consent"}):
        raise Tampered(
            f"{', '.join(faults)} was not erased although it rests on consent; nothing was erased",
            code="erasure-incomplete",
        )
    return held


def _forget_around(rooms: Rooms, connection: Connection, identity: Identity, now: datetime) -> None:
    """Step 2."""
    vault = rooms.subjects.vault
    aliases = [contact.alias for contact in rooms.subjects.contacts(connection, identity.id)]
    codes.forget(connection, [vault.alias_hash(alias) for alias in aliases])
    rooms.delivery.forget(connection, identity.number, aliases)
    for forget in (sessions.forget, passkeys.forget, reads.forget, openings.forget):
        forget(connection, identity.id)
    rooms.requests.forget(connection, identity.id, now=now)
    restriction.forget(connection, identity.id, now=now)
    for one in restrictions.of(connection, identity.number):
        restrictions.lift(connection, identity.number, one.purpose, now=now)


def _say(
    rooms: Rooms, connection: Connection, forgotten: Sequence[SubjectId], now: datetime
) -> dict[SubjectId, Position]:
    """Step 4. While the log contradicts its past only the states go; `settle` says the rest."""
    whole = bool(forgotten) and _is_whole(connection, rooms.outside)
    positions: dict[SubjectId, Position] = {}
    for id in forgotten:
        number = rooms.subjects.get(connection, id).number
        if whole:
            positions[id] = consents.erased(connection, id, number, now=now)
        else:
            consents.forget(connection, number)
    return positions


def _is_whole(connection: Connection, outside: Outside) -> bool:
    """Whether the ledger reaches what was signed, in the epoch that was agreed to."""
    head = ending(connection)
    try:
        agreed, note = outside.epoch(), outside.note()
    except Tampered:
        return False
    if agreed not in {None, head.epoch}:
        return False
    return note is None or TreeHead.parse(note.text).size <= head.position


def _living(rooms: Rooms, connection: Connection, subject: SubjectId) -> list[Identity]:
    person = rooms.subjects.get(connection, subject)
    return [one for one in rooms.subjects.identities(connection, person.id) if one.key is not None]


def _exported(rooms: Rooms, connection: Connection, identity: Identity) -> Iterator[Holding]:
    for duties in rooms.duties:
        yield from (
            holding for holding in duties.export(connection, Person(identity.id, identity.number)) if holding.rows
        )


def _kept(holding: Holding) -> Kept:
    return Kept(holding.name, holding.basis, None, holding.why, holding.until, len(holding.rows))
