"""
The case file for the supervisory authority (mission B13): one archive that verifies without us and without a network.

    verify.py            checks everything below with Python and its `cryptography` package
    index.*.html         the case to read, in three languages
    records.jsonl        each record: its exact bytes, its salt, its entry in the log, and the path to the checkpoint
    events.jsonl         publications and erasures, which stand in the log in clear, with their paths
    texts/…              the texts shown, byte for byte as hashed; catalogues/… what the operator had published
    uses.jsonl           what was done with the data, each with its permit and the judgement of the audit
    propagation.json     for each withdrawal, when every place had stopped
    person.json requests.json staff.json evidence.json
    checkpoint keys witness-keys
    manifest.json        the SHA-256 of every file; manifest.signature.json, the operator's signature over it (JWS)

Whoever holds the file can recompute the leaves of this person: it carries their salts, and is private.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from typing import Any
from uuid import UUID

import attrs
from psycopg import Connection

from placet.catalogue.render import text_of
from placet.consents import jws
from placet.consents.model import CLOSING
from placet.gate import stops
from placet.gate.audit import judge
from placet.gate.uses import Use, every_use_of
from placet.kernel import jcs
from placet.kernel.errors import Unavailable
from placet.kernel.ids import SubjectId
from placet.kernel.periods import format_instant
from placet.ledger import entries
from placet.ledger import store as ledger
from placet.ledger.keys import receipt_verifier
from placet.ledger.outside import Outside
from placet.ledger.proof import Prover, inclusion
from placet.ledger.reader import TileReader
from placet.ledger.store import Checkpoint
from placet.rights import case_page
from placet.rights.bundle import Bundle, Packing, packing
from placet.rights.export import published_keys
from placet.rights.holdings import Holdings, everything
from placet.rights.rooms import Editions, Rooms
from placet.store.queries import queries
from placet.subjects.model import LANGUAGES, Identity

FORMAT = "placet/casefile/v1"
MEDIA_TYPE = "vnd.placet.casefile.v1+json"
"""What the manifest is signed as: nothing else that the receipts key signs can pass for one."""

_SQL = queries("placet.rights", "casefile.sql")
_PERSON = ("subject", "contacts", "lines", "mandates")


def make(
    rooms: Rooms, subject: SubjectId, *, language: str = "lv", now: datetime, tiles: TileReader | None = None
) -> Bundle:
    """
    The case file of *subject*; the caller closes it. *language* is that of titles inside the data.

    Raises `Unavailable` while the newest record is in no signed tree yet: a second later it is.
    """
    with rooms.database.transaction() as connection, packing(now=now) as pack:
        held = everything(rooms, connection, subject, language=language, now=now)
        case = _Case(rooms, connection, held, rooms.subjects.identities(connection, held.subject.id), tiles)
        parts = _Parts(pack)
        for name, data in _files(case):
            parts.add(name, data)
        manifest = jcs.canonical(_manifest(case, parts))
        pack.add("manifest.json", manifest)
        pack.add("manifest.signature.json", _signature(case, manifest))
        return pack.finish(f"casefile-{held.subject.id}.zip")


@attrs.frozen
class _Row:
    """A row of the log with what shows its place. *salt* None: an event in clear, or a record of an erased person."""

    position: int
    decision: str | None
    body: bytes
    entry: bytes
    salt: bytes | None
    path: tuple[bytes, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "position": self.position,
            "body": self.body.decode(),
            "salt": None if self.salt is None else self.salt.hex(),
            "entry": self.entry.hex(),
            "path": [hash.hex() for hash in self.path],
        }


@attrs.define
class _Parts:
    """Adds files, and remembers what the manifest and the index say of them."""

    pack: Packing
    digests: dict[str, tuple[str, int]] = attrs.field(factory=dict)

    def add(self, name: str, data: bytes) -> None:
        self.pack.add(name, data)
        self.digests[name] = (sha256(data).hexdigest(), len(data))


@attrs.define(slots=False)
class _Case:
    """What all parts are made from, gathered once."""

    rooms: Rooms
    connection: Connection
    held: Holdings
    identities: Sequence[Identity]
    tiles: TileReader | None
    checkpoint: Checkpoint = attrs.field(init=False)
    rows: list[_Row] = attrs.field(init=False)
    events: list[_Row] = attrs.field(init=False)
    editions: Editions = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.editions = Editions(self.connection)
        ids = [identity.id for identity in self.identities]
        found = self.connection.execute(_SQL["rows_of"], {"subjects": ids}).fetchall()
        published = [position for position, _ in self.editions.every]
        prover = Prover.begin(self.connection, reader=self.tiles)
        checkpoint = prover.covering(max([*published, *(row[0] for row in found)], default=0))
        if checkpoint is None:
            raise Unavailable("the log has not signed the newest record yet; ask again", code="unsigned", retry_after=1)
        self.checkpoint = checkpoint
        keys = {identity.id: identity.key for identity in self.identities}
        rows = [self._row(*row, keys=keys, reader=prover.reader) for row in found]
        self.rows = [row for row in rows if row.decision != "erased"]
        clear = [self._event(position, prover.reader) for position in published]
        self.events = sorted([*clear, *(row for row in rows if row.decision == "erased")], key=lambda row: row.position)

    @cached_property
    def uses(self) -> list[dict[str, Any]]:
        """Oldest first, so that the file reads as it happened; each with what the audit says of it."""
        purposes = self.rooms.in_force.terms(self.connection)
        uses = list(every_use_of(self.connection, self.held.subject.id))[::-1]
        findings = judge(self.connection, self.rooms.gate, uses, purposes=purposes, audiences={})
        wrong = {finding.use: finding.why for finding in findings}
        return [_use(use) | {"judgement": wrong.get(use.id, "valid")} for use in uses]

    @cached_property
    def propagation(self) -> list[dict[str, Any]]:
        """The stop clock of each no."""
        ended = [record.position for record in self.held.records if record.decision in CLOSING]
        return [
            _clock(stops.clock(self.connection, position, now=self.held.made_at))
            for position in ended
            if position is not None
        ]

    def _row(
        self,
        position: int,
        decision: str,
        body: bytes,
        entry: bytes | None,
        *,
        keys: Mapping[SubjectId, bytes | None],
        reader: TileReader,
    ) -> _Row:
        proof = inclusion(self.connection, position, self.checkpoint.size, reader=reader)
        said = jcs.parse(bytes(body))
        key = keys.get(SubjectId(UUID(said["subject"])))
        salt = None if key is None or entry is None else entries.salt(key, UUID(said["id"]))
        logged = entries.event_entry(bytes(body)) if entry is None else bytes(entry)
        return _Row(position, decision, bytes(body), logged, salt, proof.path)

    def _event(self, position: int, reader: TileReader) -> _Row:
        ((_, body, logged),) = ledger.logged(self.connection, position, position)
        proof = inclusion(self.connection, position, self.checkpoint.size, reader=reader)
        return _Row(position, None, body, logged, None, proof.path)


def _files(case: _Case) -> Iterator[tuple[str, bytes]]:
    """Every file that is checked by what stands in it, in the order of the description above."""
    yield "verify.py", files("placet.rights").joinpath("offline", "verify.py").read_bytes()
    yield "README.txt", files("placet.rights").joinpath("templates", "casefile.txt").read_bytes()
    for language in LANGUAGES:
        yield f"index.{language}.html", _index(case, language)
    yield "records.jsonl", _lines(row.as_json() for row in case.rows)
    yield "events.jsonl", _lines(row.as_json() for row in case.events)
    for digest, document in case.held.texts.items():
        yield f"texts/{digest}.json", document
        yield f"texts/{digest}.txt", f"{text_of(document)}\n".encode()
    for position, catalogue in case.editions.every:
        yield f"catalogues/{position}.json", catalogue.document
    yield "uses.jsonl", _lines(case.uses)
    yield "propagation.json", jcs.canonical(case.propagation)
    for name, tables in _STATED.items():
        yield name, jcs.canonical({table: list(case.held.table(table).rows()) for table in tables})
    yield "checkpoint", case.checkpoint.note.encode()
    yield "keys", published_keys(case.rooms, case.connection)
    witnesses = Outside.of(case.rooms.config).witnesses()
    yield "witness-keys", "".join(f"{key}\n" for key in witnesses).encode()


_STATED: Mapping[str, tuple[str, ...]] = {
    "person.json": _PERSON,
    "requests.json": ("requests", "restrictions"),
    "staff.json": ("openings", "staff_access"),
    "evidence.json": ("evidence", "pending_grants"),
}
"""What the operator states, and signs by the manifest; nothing in the log could show it."""


def _use(use: Use) -> dict[str, Any]:
    return {
        "id": use.id,
        "at": format_instant(use.at),
        "activity": use.activity,
        "channel": use.channel,
        "outcome": use.outcome,
        "subject": None if use.subject is None else str(use.subject),
        "permit": use.permit,
        "audience": None if use.audience is None else str(use.audience),
        "position": use.position,
    }


def _clock(clock: stops.Clock) -> dict[str, Any]:
    return {
        "position": clock.position,
        "recorded_at": format_instant(clock.recorded_at),
        "stopped_everywhere_at": _instant(clock.stopped_everywhere_at),
        "places": [
            {
                "stop": place.stop,
                "kind": place.kind,
                "limit_ms": round(place.limit.total_seconds() * 1000),
                "ended_at": _instant(place.ended_at),
                "late": place.late,
            }
            for place in clock.places
        ],
    }


def _index(case: _Case, language: str) -> bytes:
    return case_page.index(
        case.held,
        language,
        case.rooms.config,
        checkpoint=case.checkpoint,
        uses=case.uses,
        propagation=case.propagation,
        events=[jcs.parse(row.body) for row in case.events],
    )


def _manifest(case: _Case, parts: _Parts) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "made_at": format_instant(case.held.made_at),
        "subject": str(case.held.subject.id),
        "identities": sorted(str(identity.id) for identity in case.identities),
        "erased_at": _instant(case.held.subject.erased_at),
        "log": case.rooms.config.log_origin,
        "epoch": case.checkpoint.epoch,
        "size": case.checkpoint.size,
        "files": {name: {"sha256": digest, "bytes": size} for name, (digest, size) in parts.digests.items()},
    }


def _signature(case: _Case, manifest: bytes) -> bytes:
    """A detached JWS (RFC 7515 appendix F): the payload is the manifest's bytes, which stand in their own file."""
    key = receipt_verifier(case.rooms.config.log_origin, case.rooms.keys.receipt)
    header = jws.Header(kid=f"{key.name}+{key.id.hex()}", typ=MEDIA_TYPE)
    signed = jws.sign(manifest, header, case.rooms.keys.receipt.sign)
    return jcs.canonical({"protected": signed.protected, "signature": signed.signature}) + b"\n"


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(jcs.canonical(row) + b"\n" for row in rows)


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)
