"""Rows of messages, lists and wishes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import attrs
import msgspec
from psycopg import Connection

from placet.delivery.model import Addressee, Kind, MessageId, Shown, Started, State
from placet.delivery.rules import Earlier, Halt, Mute
from placet.kernel.ids import ActivityId, ChannelId, Number, PurposeId, SubjectId
from placet.store.copying import array
from placet.store.queries import queries

SQL = queries("placet.delivery")

Held = Mapping[Number, frozenset[tuple[PurposeId, ChannelId | None]]]
"""Whose rows of consent are locked: for each person the purposes, and channels of them, that were given."""


@attrs.frozen(kw_only=True)
class Taken:
    """A message in our hands, as it lies in its row; *sealed* is what its template is filled with."""

    id: MessageId
    addressed: bool
    """Whether what is sealed names where it goes."""
    planned_for: SubjectId
    """Who was meant; *addressee* is who that is today."""
    kind: Kind
    activity: ActivityId
    channel: ChannelId
    topic: str | None
    template: str
    language: str
    sealed: bytes | None = attrs.field(repr=False)
    not_before: datetime
    not_after: datetime
    zone: str | None
    attempt: int
    addressee: Addressee


@attrs.frozen
class Row:
    """A message that was started, as settling sees it."""

    id: MessageId
    state: State
    attempt: int
    not_after: datetime
    channel: ChannelId
    address: bytes | None
    permit: str | None
    started_at: datetime | None


@attrs.frozen
class Live:
    """A message that is planned or under way, and whose it is."""

    id: MessageId
    number: Number
    subject: SubjectId
    activity: ActivityId
    channel: ChannelId
    state: State


def persons(connection: Connection, ids: Collection[SubjectId]) -> dict[SubjectId, tuple[Addressee, bytes]]:
    """Who of *ids* is known, today's identity of each, and its wrapped key; the erased are left out."""
    rows = connection.execute(SQL["persons"], {"ids": list(ids)})
    return {
        SubjectId(named): (Addressee(SubjectId(id), Number(number)), wrapped) for named, id, number, wrapped in rows
    }


def plan(connection: Connection, rows: Sequence[Mapping[str, object]], *, now: datetime) -> set[MessageId]:
    return {
        MessageId(id) for (id,) in connection.execute(SQL["plan"], {"messages": _encode(rows), "now": now}).fetchall()
    }


def take(connection: Connection, channel: ChannelId, *, limit: int, now: datetime) -> list[Taken]:
    """Messages whose time has come, one a person, in the order of the persons' numbers; nobody else has them."""
    return _first_of_each(connection.execute(SQL["take"], {"channel": channel, "limit": limit, "now": now}))


def take_these(connection: Connection, channel: ChannelId, ids: Sequence[MessageId]) -> list[Taken]:
    """As `take`, of messages that somebody has in hand; the first of each person."""
    return _first_of_each(connection.execute(SQL["take_these"], {"channel": channel, "ids": list(ids)}))


def hold(connection: Connection, numbers: Sequence[Number]) -> Held:
    """Lock what these persons have given until the transaction ends; waits for nobody."""
    held: defaultdict[Number, set[tuple[PurposeId, ChannelId | None]]] = defaultdict(set)
    for number, purpose, channel in connection.execute(SQL["hold"], {"numbers": array(map(str, numbers))}):
        held[Number(number)].add((PurposeId(purpose), ChannelId(channel) if channel else None))
    return {number: frozenset(given) for number, given in held.items()}


def before(connection: Connection, numbers: Sequence[Number], since: datetime) -> Mapping[Number, list[Earlier]]:
    found: defaultdict[Number, list[Earlier]] = defaultdict(list)
    for number, kind, channel, topic, at in connection.execute(
        SQL["before"], {"numbers": array(map(str, numbers)), "since": since}
    ):
        found[Number(number)].append(Earlier(Kind(kind), ChannelId(channel), topic, at))
    return found


def mutes(connection: Connection, numbers: Sequence[Number]) -> Mapping[Number, list[Mute]]:
    found: defaultdict[Number, list[Mute]] = defaultdict(list)
    for number, kind, topic, channel, until in connection.execute(SQL["mutes"], {"numbers": array(map(str, numbers))}):
        mute = Mute(Kind(kind) if kind else None, topic or None, ChannelId(channel) if channel else None, until)
        found[Number(number)].append(mute)
    return found


def slowed(connection: Connection, numbers: Sequence[Number]) -> set[tuple[Number, Kind]]:
    """Who of *numbers* wants fewer messages, of which kinds."""
    found = connection.execute(SQL["slowed"], {"numbers": array(map(str, numbers))})
    return {(Number(number), Kind(kind)) for number, kind in found}


def halts(connection: Connection, ids: Sequence[MessageId]) -> Mapping[MessageId, Halt]:
    """Which of these messages their senders have paused or ended."""
    return {MessageId(id): Halt(halt) for id, halt in connection.execute(SQL["halts"], {"ids": list(ids)})}


def suppressions(
    connection: Connection, channel: ChannelId, addresses: Sequence[bytes]
) -> Mapping[bytes, frozenset[str]]:
    found: defaultdict[bytes, set[str]] = defaultdict(set)
    for address, why in connection.execute(SQL["suppressions"], {"channel": channel, "addresses": list(addresses)}):
        found[address].add(why)
    return {address: frozenset(words) for address, words in found.items()}


def start(
    connection: Connection, rows: Sequence[Mapping[str, object]], *, lease_until: datetime, now: datetime
) -> set[MessageId]:
    values = {"messages": _encode(rows), "lease_until": lease_until, "now": now}
    return {MessageId(id) for (id,) in connection.execute(SQL["start"], values).fetchall()}


def refuse(connection: Connection, reasons: Mapping[MessageId, str], *, now: datetime) -> None:
    rows = [{"id": id, "reason": reason} for id, reason in reasons.items()]
    if rows:
        connection.execute(SQL["refuse"], {"messages": _encode(rows), "now": now})


def wait(connection: Connection, until: Mapping[MessageId, datetime], *, now: datetime) -> None:
    rows = [{"id": id, "until": instant} for id, instant in until.items()]
    if rows:
        connection.execute(SQL["wait"], {"messages": _encode(rows), "now": now})


def rows(connection: Connection, name: str, **values: object) -> list[Row]:
    """The started messages that the statement *name* finds, locked."""
    return [_row(*row) for row in connection.execute(SQL[name], values)]


def carried(connection: Connection, channel: ChannelId, names: Sequence[str]) -> dict[str, Row]:
    """The started messages that a carrier knows by *names*, locked."""
    found = connection.execute(SQL["carried"], {"channel": channel, "names": list(names)})
    return {name: _row(*rest) for name, *rest in found}


def settle(connection: Connection, settled: Sequence[Mapping[str, object]], *, now: datetime) -> None:
    if settled:
        connection.execute(SQL["settle"], {"messages": _encode(settled), "now": now})


def unknown(connection: Connection, channel: ChannelId, *, limit: int) -> list[Started]:
    return [
        Started(MessageId(id), *rest)
        for id, *rest in connection.execute(SQL["unknown"], {"channel": channel, "limit": limit})
    ]


def live(connection: Connection, numbers: Iterable[Number]) -> list[Live]:
    found = connection.execute(SQL["live"], {"numbers": list(numbers)})
    return [
        Live(MessageId(id), Number(number), SubjectId(subject), activity, channel, State(state))
        for id, number, subject, activity, channel, state in found
    ]


def suppress(connection: Connection, channel: ChannelId, address: bytes, why: str, *, now: datetime) -> None:
    connection.execute(SQL["suppress"], {"channel": channel, "address": address, "why": why, "now": now})


def of_subject(
    connection: Connection,
    subject: SubjectId,
    *,
    before: MessageId | None,
    limit: int,
    states: Collection[State] | None = None,
) -> list[Shown]:
    values = {"subject": subject, "before": before, "limit": limit, "states": None if states is None else list(states)}
    return [
        Shown(MessageId(id), Kind(kind), activity, channel, topic, State(state), *rest)
        for id, kind, activity, channel, topic, state, *rest in connection.execute(SQL["of_subject"], values)
    ]


def _first_of_each(rows: Iterable[Sequence[Any]]) -> list[Taken]:
    found: dict[Number, Taken] = {}
    for *columns, subject, number, mine in rows:
        if mine and number not in found:
            found[number] = _taken(columns, Addressee(SubjectId(subject), Number(number)))
    return list(found.values())


def _taken(columns: Sequence[Any], addressee: Addressee) -> Taken:
    id, addressed, subject, kind, activity, channel, topic, template, language, *rest = columns
    sealed, not_before, not_after, zone, attempt = rest
    return Taken(
        id=MessageId(id), addressed=addressed, planned_for=SubjectId(subject), kind=Kind(kind), activity=activity,
        channel=channel, topic=topic, template=template, language=language, sealed=sealed,
        not_before=not_before, not_after=not_after, zone=zone, attempt=attempt, addressee=addressee,
    )  # fmt: skip


def _row(id: UUID, state: str, *rest: Any) -> Row:
    return Row(MessageId(id), State(state), *rest)


def _encode(rows: Sequence[Mapping[str, object]]) -> str:
    return msgspec.json.encode(rows).decode()
