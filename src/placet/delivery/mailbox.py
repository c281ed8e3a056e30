"""
A Maildir into which the mail server puts what comes back: read once, then moved to `cur` as seen.

A file is moved only after its content was acted on. Whoever dies in between acts on it again, which changes nothing:
a message has one end, and stopping twice is stopping.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from placet.delivery.mail_returns import Returned, returned

LARGEST = 1_000_000
"""Bytes of a mail that are read; the reports stand at its beginning."""


def collect(folder: Path, act: Callable[[Returned], None], *, domain: str, limit: int = 1000) -> int:
    """Give what is new in the Maildir *folder* to *act*, the oldest first, at most *limit*; how many there were."""
    new = sorted((folder / "new").iterdir()) if (folder / "new").is_dir() else []
    for file in new[:limit]:
        with file.open("rb") as stream:
            act(returned(stream.read(LARGEST), domain=domain))
        file.rename(folder / "cur" / f"{file.name}:2,S")
    return len(new[:limit])
