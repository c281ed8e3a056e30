"""
One round of a witness: fetch the checkpoint, build a consistency proof from public tiles, judge, hand back.

Nothing that the log sends is believed: tiles only serve to build a proof, and the proof must lead to signed roots.
"""

from __future__ import annotations

import http.client
from datetime import datetime
from urllib.parse import urlsplit

import attrs

from placet.kernel.errors import BadInput, Unavailable
from placet.ledger import cosigning, merkle, tiles
from placet.ledger.merkle import Hash
from placet.ledger.notes import NOTE, Note, TreeHead, VerifierKey, join
from placet.ledger.tiles import HASH, HEIGHT, WIDTH, TilePath
from placet.ledger.witness import Cosigned, Refused, Request, Witness

_TIMEOUT = 10.0
_MOST_BYTES = 1 << 20


@attrs.frozen
class RemoteLog:
    """A log by its public HTTP alone; *url* is the prefix of C2SP tlog-tiles, for instance https://host/log."""

    url: str

    @classmethod
    def at(cls, url: str) -> RemoteLog:
        """The log of a server's address, with or without `/log`."""
        url = url.rstrip("/")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise BadInput("the log's address looks like https://consent.example", code="bad-url")
        return cls(url if url.endswith("/log") else f"{url}/log")

    def checkpoint(self) -> str:
        return self._get("checkpoint").decode()

    def verifier_keys(self) -> list[VerifierKey]:
        """What the log publishes at /log/keys."""
        return [VerifierKey.parse(line) for line in self._get("keys").decode().splitlines() if line]

    def tile(self, path: TilePath) -> bytes:
        """A tile; a partial one that was dropped is cut from the full one (tlog-tiles)."""
        found = self._get(f"tile/{tiles.format_path(path)}")
        if path.level is not None and len(found) != path.width * HASH:
            raise Unavailable(f"{self.url} sent a tile of a wrong length")
        return found

    def consistency_proof(self, old: int, new: int) -> tuple[Hash, ...]:
        """PROOF(old, D[new]) from tiles; each is fetched once."""
        layers: dict[tuple[int, int], list[bytes]] = {}

        def node(height: int, index: int) -> Hash:
            level, inner = divmod(height, HEIGHT)
            n, first = divmod(index << inner, WIDTH)
            if (level, n) not in layers:
                layers[level, n] = tiles.expand(self.tile(TilePath(level, n, tiles.tile_width(level, n, new))))
            at = (first >> inner) * HASH
            return layers[level, n][inner][at : at + HASH]

        return tuple(merkle.consistency_proof(node, old, new))

    def hand_back(self, message: str) -> None:
        """Post a cosignature; the log keeps it beside its checkpoint."""
        status, body = self._request("POST", "cosignatures", message.encode())
        if status >= 300:
            answer = body[:300].decode(errors="replace")
            raise Unavailable(f"{self.url} did not take the cosignature ({status}): {answer}")

    def _get(self, path: str) -> bytes:
        status, body = self._request("GET", path, None)
        if status != 200:
            raise Unavailable(f"{self.url}/{path} answered {status}")
        return body

    def _request(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        parts = urlsplit(f"{self.url}/{path}")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        try:
            connection.request(method, parts.path, body, {"Content-Type": "text/plain; charset=utf-8"} if body else {})
            response = connection.getresponse()
            return response.status, response.read(_MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{self.url} does not answer: {error}") from error
        finally:
            connection.close()


def first_contact(witness: Witness, log: RemoteLog) -> VerifierKey | None:
    """Pin the key that the log shows for its checkpoint (trust on first use); None when the log is pinned already."""
    origin = TreeHead.parse(Note.parse(log.checkpoint()).text).origin
    if witness.knows(origin):
        return None
    for key in log.verifier_keys():
        if key.name == origin and key.type == NOTE:
            witness.pin(key)
            return key
    raise BadInput(f"{log.url}/keys shows no key for {origin}; give it with --vkey", code="unknown-log")


def go_round(witness: Witness, log: RemoteLog, now: datetime) -> Cosigned | Refused:
    """Judge the log's present checkpoint; a cosignature is handed back to it."""
    text = log.checkpoint()
    note = Note.parse(text)
    head = TreeHead.parse(note.text)
    verdict = _judged(witness, log, text, head, now)
    if isinstance(verdict, Cosigned) and verdict.line not in text:
        log.hand_back(cosigning.message(witness.verifier, join(note.text, [verdict.line])))
    return verdict


def _judged(witness: Witness, log: RemoteLog, text: str, head: TreeHead, now: datetime) -> Cosigned | Refused:
    seen = witness.seen(head.origin)
    old = 0 if seen is None else seen.head.size
    if seen is not None and seen.head == head:
        return Cosigned(head, seen.line)
    proof = log.consistency_proof(old, head.size) if 0 < old < head.size else ()
    return witness.add_checkpoint(Request(old, proof, text), now)
