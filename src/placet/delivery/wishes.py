"""
What people do not want to be sent, and addresses that are not written to.

A mute is a wish within a consent ("no travel offers", "no more surveys"); who wants nothing at all withdraws, and that
is a record. Only the person unmutes: nothing restarts by itself. Service messages still come.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from psycopg import Connection

from placet.delivery import store
from placet.delivery.model import Kind
from placet.delivery.rules import Mute
from placet.kernel.ids import ChannelId, SubjectId
from placet.subjects.model import Alias, AliasKind
from placet.subjects.vault import Vault

_BLOCKED: Mapping[AliasKind, tuple[ChannelId, ...]] = {
    "email": (ChannelId("email"),),
    "msisdn": (ChannelId("sms"), ChannelId("call")),
}

Why = Literal["bounce", "complaint", "do-not-contact"]


def mute(connection: Connection, subject: SubjectId, what: Mute, *, now: datetime) -> None:
    """Do not send them this any more, or not before `until`; it binds what is planned already."""
    values = _words(subject, what.kind, what.topic, what.channel) | {"until": what.until, "now": now}
    connection.execute(store.SQL["mute"], values)


def unmute(connection: Connection, subject: SubjectId, what: Mute) -> None:
    """They want exactly that again."""
    connection.execute(store.SQL["unmute"], _words(subject, what.kind, what.topic, what.channel))


def muted(connection: Connection, subject: SubjectId) -> list[Mute]:
    """What they do not want."""
    people = store.persons(connection, [subject])
    if subject not in people:
        return []
    number = people[subject][0].number
    return store.mutes(connection, [number]).get(number, [])


def slow(connection: Connection, subject: SubjectId, kind: Kind, *, now: datetime) -> None:
    """They want fewer messages of this kind (`policy.yaml`: `slower`)."""
    connection.execute(store.SQL["slow"], {"subject": subject, "kind": kind, "now": now})


def unslow(connection: Connection, subject: SubjectId, kind: Kind) -> None:
    """They want as many as usual again."""
    connection.execute(store.SQL["unslow"], {"subject": subject, "kind": kind})


def slowed(connection: Connection, subject: SubjectId) -> frozenset[Kind]:
    """Of which kinds they want fewer."""
    people = store.persons(connection, [subject])
    if subject not in people:
        return frozenset()
    return frozenset(kind for _, kind in store.slowed(connection, [people[subject][0].number]))


def suppress(
    connection: Connection, vault: Vault, address: Alias, why: Why, *, channel: ChannelId, now: datetime
) -> None:
    """Do not write there any more. An outside list is taken in so, one address at a time."""
    store.suppress(connection, channel, vault.alias_hash(address), why, now=now)


def blocked_by(alias: Alias) -> tuple[ChannelId, ...]:
    """The channels that a "don't contact me" of an address or number is about."""
    return _BLOCKED.get(alias.kind, ())


def block(connection: Connection, vault: Vault, alias: Alias, *, now: datetime) -> None:
    """No marketing to this address or number, by any channel that reaches it; whosever it is, now and later."""
    for channel in blocked_by(alias):
        suppress(connection, vault, alias, "do-not-contact", channel=channel, now=now)


def unblock(connection: Connection, vault: Vault, alias: Alias) -> int:
    """Whoever it is no longer objects; returns on how many channels that was news."""
    values = {"channels": list(blocked_by(alias)), "address": vault.alias_hash(alias)}
    return connection.execute(store.SQL["unblock"], values).rowcount


def unsuppress(connection: Connection, vault: Vault, address: Alias, *, channel: ChannelId) -> None:
    """The person says that the address is good: what bounced is tried again, a complaint is not."""
    values = {"channel": channel, "address": vault.alias_hash(address)}
    connection.execute(store.SQL["unsuppress"], values)


def _words(subject: SubjectId, kind: Kind | None, topic: str | None, channel: ChannelId | None) -> dict[str, object]:
    return {"subject": subject, "kind": kind or "", "topic": topic or "", "channel": channel or ""}
