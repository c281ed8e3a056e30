"""
What the log remembers outside its database: a restored or rolled-back database must not be able to forget it.

    checkpoint           the last checkpoint that was signed, as its signed note
    epoch                the epoch that this installation agreed to
    orphaned/<epoch>     the last checkpoint of an epoch that a restore ended
    witnesses            the verifier keys of the witnesses whose cosignatures are kept, one a line
"""

from __future__ import annotations

from pathlib import Path

import attrs

from placet.config import Config
from placet.kernel.errors import BadInput, Tampered, Unavailable
from placet.ledger.files import write_durably
from placet.ledger.notes import COSIGNATURE, Note, TreeHead, VerifierKey


@attrs.frozen
class Outside:
    """The folder `data_dir/ledger`. Whoever holds the keeper's lock writes here."""

    folder: Path

    @classmethod
    def of(cls, config: Config) -> Outside:
        return cls(config.data_dir / "ledger")

    def epoch(self) -> str | None:
        """The epoch agreed to; None before the first start."""
        return _read(self.folder / "epoch")

    def note(self) -> Note | None:
        """The last checkpoint that was signed here; a damaged file raises `Tampered`."""
        text = _read(self.folder / "checkpoint", strip=False)
        return None if text is None else _note(text, self.folder / "checkpoint")

    def write_epoch(self, epoch: str) -> None:
        write_durably(self.folder / "epoch", f"{epoch}\n".encode())

    def write_note(self, note: str) -> None:
        """On the disk before anyone sees it: what was published can never be forgotten."""
        write_durably(self.folder / "checkpoint", note.encode())

    def begin_epoch(self, epoch: str) -> None:
        """Agree to *epoch*; the last checkpoint of the one before is kept as an orphan."""
        if (note := self.note()) is not None:
            name = TreeHead.parse(note.text).origin.rpartition("/")[2]
            write_durably(self.folder / "orphaned" / name, str(note).encode())
        self.write_epoch(epoch)
        (self.folder / "checkpoint").unlink(missing_ok=True)

    def orphans(self) -> list[TreeHead]:
        """The last tree of each epoch that a restore ended, by size."""
        files = sorted((self.folder / "orphaned").glob("*"))
        heads = [TreeHead.parse(_note(file.read_text(encoding="utf-8"), file).text) for file in files]
        return sorted(heads, key=lambda head: head.size)

    def witnesses(self) -> list[VerifierKey]:
        """The witnesses that are trusted."""
        text = _read(self.folder / "witnesses") or ""
        return [VerifierKey.parse(line) for line in text.splitlines() if line and not line.startswith("#")]

    def trust(self, witness: VerifierKey) -> None:
        """Keep *witness*'s cosignatures from now on."""
        if witness.type != COSIGNATURE:
            raise BadInput("a witness has a cosignature key (type 4)", code="bad-verifier-key")
        known = self.witnesses()
        if witness not in known:
            lines = "".join(f"{key}\n" for key in [*known, witness])
            write_durably(self.folder / "witnesses", lines.encode())


def _read(path: Path, *, strip: bool = True) -> str | None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise Tampered(f"{path} is damaged; restore it from its backup", code="log-rolled-back") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read ({error.strerror})", code="disk") from error
    return text.strip() if strip else text


def _note(text: str, path: Path) -> Note:
    try:
        note = Note.parse(text)
        TreeHead.parse(note.text)
    except BadInput as error:
        advice = f"{path} is damaged ({error.message}); restore it from its backup"
        raise Tampered(advice, code="log-rolled-back") from None
    return note
