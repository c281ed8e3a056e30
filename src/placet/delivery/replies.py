"""What mail servers say when they refuse, in the words of RFC 5321 §4.2 and RFC 3463. Pure."""

from __future__ import annotations

import re
from enum import StrEnum

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_NO_SUCH_MAILBOX = frozenset({550, 551, 553})


class Blame(StrEnum):
    """Whose fault a refusal is; the strings are stable, they stand beside messages."""

    ADDRESS = "no-such-mailbox"
    """Nobody is there (5.1.x, 5.2.1): the address is suppressed."""
    FULL = "mailbox-full"
    US = "policy"
    """Our reputation, signature or settings (5.7.x): the address is not to blame."""
    OTHER = "refused"
    PASSING = "not-now"
    """4yz: it may be tried again."""


def status_of(text: str) -> str | None:
    """The enhanced status code in *text*, for instance `5.1.1`."""
    found = _STATUS.search(text)
    return found[0] if found else None


def blame(status: str) -> Blame:
    """What *status* (RFC 3463 §3) means for the address."""
    kind, subject, detail = (int(part) for part in status.split("."))
    if kind != 5:
        return Blame.PASSING
    if subject == 7:
        return Blame.US
    if subject == 2 and detail == 2:
        return Blame.FULL
    # 5.1.7 and 5.1.8 speak of the sender's address.
    if (subject == 1 and detail not in {7, 8}) or (subject == 2 and detail == 1):
        return Blame.ADDRESS
    return Blame.OTHER


def blame_at_recipient(code: int, text: str) -> Blame:
    """What the answer to RCPT means: without an enhanced status, 550, 551 and 553 say that nobody is there."""
    if code < 500:
        return Blame.PASSING
    status = status_of(text)
    if status is not None and status.startswith("5"):
        return blame(status)
    return Blame.ADDRESS if code in _NO_SUCH_MAILBOX else Blame.OTHER


def blame_at_data(code: int, text: str) -> Blame:
    """What the answer to the message itself means."""
    if code < 500:
        return Blame.PASSING
    status = status_of(text)
    return blame(status) if status is not None and status.startswith("5") else Blame.OTHER
