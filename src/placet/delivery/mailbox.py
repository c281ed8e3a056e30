"""
A Maildir into which the mail server puts what comes back: each mail is acted on once, then put away. What is handed
over by LMTP instead comes here only if nobody understands it.

A file is moved only after its content was acted on. Whoever dies in between acts on it again, which changes nothing:
a message has one end, and stopping twice is stopping. What was understood lies in `cur`, what was not in the folder
`.Unread` (Maildir++), where a person may look at it with any mail program; both go after a time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import attrs

from placet.delivery.mail_returns import LARGEST, Returned, Unread, returned
from placet.kernel.errors import Misconfigured

MOST = 1000
"""Mails of one round."""


@attrs.frozen
class Maildir:
    """The folder, and the domain of our return addresses."""

    folder: Path
    domain: str

    @classmethod
    def opened(cls, folder: Path, domain: str) -> Maildir:
        """The Maildir *folder*; one that is none is told now, not when the first bounce is lost."""
        if not (folder / "new").is_dir():
            raise Misconfigured("PLACET_RETURNS_MAILDIR must name a Maildir: a folder with new, cur and tmp in it")
        return cls(folder, domain)

    def collect(self, act: Callable[[Returned], None]) -> int:
        """Give what is new to *act*, the oldest first, at most `MOST`; returns how many there were."""
        new = sorted((self.folder / "new").iterdir())[:MOST]
        return sum(self._collected(file, act) for file in new)

    def keep(self, content: bytes) -> None:
        """Put a mail that nobody understood aside, on the disk before this returns; the same mail again is one file."""
        folders = self._made_aside()
        name = sha256(content).hexdigest()[:32]
        draft = folders["tmp"] / f"{name}.{os.getpid()}.{threading.get_ident()}"
        draft.touch(mode=0o600)
        with draft.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(folders["new"] / name)
        _flushed(folders["new"])

    def unread(self) -> int:
        """How many mails wait for a person to look at them."""
        return sum(1 for _ in _files(self.aside / "new", self.aside / "cur"))

    def sweep(self, *, before: datetime) -> int:
        """Delete what was put away and came before an instant; returns how many."""
        old = [
            file
            for file in _files(self.folder / "cur", *(self.aside / name for name in ("new", "cur", "tmp")))
            if datetime.fromtimestamp(file.stat().st_mtime, UTC) < before
        ]
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)

    @property
    def aside(self) -> Path:
        """Where what was not understood waits for a person, a Maildir by itself."""
        return self.folder / ".Unread"

    def _collected(self, file: Path, act: Callable[[Returned], None]) -> bool:
        """False for a mail that another process has put away meanwhile."""
        try:
            with file.open("rb") as stream:
                found = returned(stream.read(LARGEST), domain=self.domain)
            act(found)
            self._put_away(file, aside=isinstance(found, Unread))
        except FileNotFoundError:
            return False
        return True

    def _put_away(self, file: Path, *, aside: bool) -> None:
        if aside:
            file.rename(self._made_aside()["new"] / file.name)
        else:
            file.rename(self.folder / "cur" / f"{file.name}:2,S")

    def _made_aside(self) -> dict[str, Path]:
        folders = {name: self.aside / name for name in ("new", "cur", "tmp")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        return folders


def _flushed(folder: Path) -> None:
    """A new name in *folder* is on the disk as well."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from folder.iterdir()
