"""
A witness remembers the last tree it saw of a log, and cosigns only what grew from it (C2SP tlog-witness).

It knows the log by its public key alone and shares nothing with it: own process, own key, own folder, best another
owner. `add_checkpoint` judges in these steps, with these statuses:

1. the origin is known, or a new epoch of a known log under the same key (404);
2. the checkpoint is signed by the log's key (403);
3. the old size is not above the new one (400);
4. the old size is the one last cosigned (409 with that size);
5. trees of one size have one root (409);
6. the consistency proof leads from the one to the other (422);
7. the new state is on the disk before the cosignature leaves.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import msgspec

from placet.kernel.errors import BadInput, Tampered
from placet.ledger import merkle
from placet.ledger.files import write_durably
from placet.ledger.keys import read_or_make
from placet.ledger.merkle import BadProof, Hash
from placet.ledger.notes import (
    COSIGNATURE,
    NOTE,
    Note,
    Signer,
    TreeHead,
    VerifierKey,
    decode_hash,
    encode_hash,
    is_decimal,
)

_MOST_HASHES = 63


@attrs.frozen
class Request:
    """An `add-checkpoint` request: the size it grows from, the proof, and the log's note."""

    old: int
    proof: tuple[Hash, ...]
    note: str

    def __str__(self) -> str:
        return "\n".join([f"old {self.old}", *map(encode_hash, self.proof)]) + "\n\n" + self.note

    @classmethod
    def parse(cls, text: str) -> Request:
        """Read a request's body; anything else raises `BadInput`."""
        head, blank, note = text.partition("\n\n")
        first, *hashes = head.split("\n")
        size = first.removeprefix("old ")
        if not blank or size == first or not is_decimal(size):
            raise BadInput("the first line is `old` and a size", code="bad-request")
        if len(hashes) > _MOST_HASHES:
            raise BadInput(f"a consistency proof has at most {_MOST_HASHES} hashes", code="bad-request")
        return cls(int(size), tuple(decode_hash(line) for line in hashes), note)


@attrs.frozen
class Cosigned:
    """
    The tree was accepted; `line` is the cosignature.

    `ended` names the epochs of the log that this one ends, when it is new: a restore, or a rollback that is called one.
    Their last checkpoints stay in the witness's memory.
    """

    head: TreeHead
    line: str
    ended: tuple[str, ...] = ()


@attrs.frozen
class Refused:
    """Why not, with the status of tlog-witness; `body` is what the response carries."""

    status: int
    code: str
    reason: str
    body: str = ""


@attrs.frozen
class Seen:
    """The last tree of one origin: the log's note and the cosignature given on it."""

    note: str
    line: str
    seconds: float

    @property
    def head(self) -> TreeHead:
        return TreeHead.parse(Note.parse(self.note).text)


@attrs.frozen
class Witness:
    """Its key and its memory, both in *folder*; the memory is changed under a lock on the folder."""

    name: str
    folder: Path

    @property
    def signer(self) -> Signer:
        return Signer(self.name, read_or_make(self.folder / "witness.key"))

    @property
    def verifier(self) -> VerifierKey:
        return self.signer.verifier(COSIGNATURE)

    def pin(self, log: VerifierKey) -> None:
        """Trust *log*'s key from now on; another key for the same log is refused for ever."""
        base = _base(log.name)
        with self._locked() as memory:
            if memory["logs"].setdefault(base, log.public.hex()) != log.public.hex():
                raise Tampered(f"{base} shows another key than the one that was pinned", code="other-log-key")
            self._write(memory)

    def knows(self, origin: str) -> bool:
        """Is the log of this origin pinned?"""
        return _base(origin) in self._read()["logs"]

    def seen(self, origin: str) -> Seen | None:
        """What was last cosigned of *origin*."""
        entry = self._read()["seen"].get(origin)
        return None if entry is None else Seen(**entry)

    def epochs(self, origin: str) -> list[str]:
        """The origins of the same log that were cosigned, in order."""
        return _epochs(self._read(), origin)

    def add_checkpoint(self, request: Request, now: datetime) -> Cosigned | Refused:
        """Judge *request* by the steps above and remember what was cosigned."""
        with self._locked() as memory:
            verdict = self._judge(memory, request)
            if isinstance(verdict, Refused):
                self._keep_evidence(verdict, request, memory, now)
                return verdict
            before = memory["seen"].get(verdict.origin)
            ended = tuple(_epochs(memory, verdict.origin)) if before is None else ()
            # A jump back of the clock must not make an older tree look newer.
            moment = now if before is None else max(now, datetime.fromtimestamp(before["seconds"], now.tzinfo))
            line = self.signer.cosign(verdict.text, moment)
            memory["seen"][verdict.origin] = {"note": request.note, "line": line, "seconds": moment.timestamp()}
            self._write(memory)  # Step 7.
            return Cosigned(verdict, line, ended)

    def _judge(self, memory: dict[str, Any], request: Request) -> TreeHead | Refused:
        note = Note.parse(request.note)
        head = TreeHead.parse(note.text)
        # Step 1.
        public = memory["logs"].get(_base(head.origin))
        if public is None:
            return Refused(404, "unknown-log", f"{head.origin} is not a log that this witness knows")
        # Step 2.
        key = VerifierKey(head.origin, NOTE, bytes.fromhex(public))
        if not _is_signed(note, key):
            return Refused(403, "bad-signature", f"the checkpoint is not signed by the pinned key of {head.origin}")
        if refusal := _epoch_went_back(memory, head.origin):
            return refusal
        return _judge_growth(memory["seen"].get(head.origin), request, head)

    def _keep_evidence(self, refused: Refused, request: Request, memory: dict[str, Any], now: datetime) -> None:
        """Two signed checkpoints that contradict each other convict the log: keep both."""
        if refused.code not in ("rolled-back", "forked", "epoch-went-back"):
            return
        origin = TreeHead.parse(Note.parse(request.note).text).origin
        before = memory["seen"].get(origin, {"note": "(nothing)\n"})["note"]
        name = f"{now:%Y%m%dT%H%M%S}-{refused.code}.txt"
        text = f"cosigned before:\n\n{before}\nshown now:\n\n{request.note}"
        write_durably(self.folder / "evidence" / name, text.encode())

    def _read(self) -> dict[str, Any]:
        file = self.folder / "memory.json"
        if not file.exists():
            return {"logs": {}, "seen": {}}
        memory: dict[str, Any] = msgspec.json.decode(file.read_bytes())
        return memory

    def _write(self, memory: dict[str, Any]) -> None:
        write_durably(self.folder / "memory.json", msgspec.json.encode(memory))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[dict[str, Any]]:
        """The memory, for one judgement at a time: a slower one must not bring an older size back."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self._read()


def _judge_growth(before: dict[str, Any] | None, request: Request, head: TreeHead) -> TreeHead | Refused:
    seen = None if before is None else Seen(**before).head
    size = 0 if seen is None else seen.size
    # Step 3.
    if request.old > head.size:
        return Refused(400, "rolled-back", f"the log shows {head.size} entries; {request.old} were cosigned")
    # Step 4.
    if request.old != size:
        return Refused(409, "other-size", f"this witness cosigned {size}, not {request.old}", f"{size}\n")
    if seen is None:
        return head if not request.proof else Refused(422, "bad-proof", "a proof from nothing is empty")
    # Step 5.
    if head.size == seen.size and head.root != seen.root:
        return Refused(409, "forked", f"two different trees of {head.size} entries", f"{size}\n")
    if size == 0:
        return head
    # Step 6.
    try:
        merkle.verify_consistency(size, head.size, request.proof, seen.root, head.root)
    except BadProof as error:
        return Refused(422, "forked", f"the tree of {head.size} did not grow from the one of {size}: {error}")
    return head


def _epoch_went_back(memory: dict[str, Any], origin: str) -> Refused | None:
    """A log that began a new epoch never returns to an old one."""
    epochs = _epochs(memory, origin)
    if origin in epochs and origin != epochs[-1]:
        return Refused(409, "epoch-went-back", f"{origin} was ended by {epochs[-1]}")
    return None


def _epochs(memory: dict[str, Any], origin: str) -> list[str]:
    return [seen for seen in memory["seen"] if _base(seen) == _base(origin)]


def _is_signed(note: Note, key: VerifierKey) -> bool:
    try:
        return key in note.verified_by([key])
    except Tampered:
        return False


def _base(origin: str) -> str:
    """A log's name without its epoch."""
    return origin.rpartition("/")[0]
