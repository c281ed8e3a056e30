"""
The conversation of LMTP (RFC 2033), our half of it: what each command is answered. Pure, but for what it remembers.

A mail server that holds a mail hands it over and lets go of it when we say so, for each recipient by itself (§4.2).
Every answer carries its enhanced status (RFC 2034, RFC 3463), and many commands may come at once (PIPELINING, §5).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto

import attrs

from placet.delivery.mail_returns import is_ours

LARGEST = 10_485_760
"""Bytes of a mail that is taken: more than Postfix hands over unless it is told to."""
LONGEST = 2_000
"""Bytes of a command, extensions included (RFC 5321 §4.5.3.1.4)."""
_MOST_RECIPIENTS = 100
"""As many as a server must take at least (RFC 5321 §4.5.3.1.8)."""
_PATH = re.compile(r"\s*<([^<>]*)>(?:\s+(\S.*))?", re.DOTALL)
_BODIES = frozenset({"BODY=7BIT", "BODY=8BITMIME", "SMTPUTF8"})


@attrs.frozen
class Reply:
    """One answer: its code (RFC 5321 §4.2.3), its status (RFC 3463), words for a person; lines *before* it."""

    code: int
    status: str
    text: str
    before: Sequence[str] = ()

    @property
    def line(self) -> bytes:
        first = "".join(f"{self.code}-{text}\r\n" for text in self.before)
        return (first + " ".join(filter(None, (str(self.code), self.status, self.text))) + "\r\n").encode("ascii")


class Then(Enum):
    """What comes after an answer."""

    LISTEN = auto()
    MAIL = auto()
    """The mail itself, up to a line with a dot."""
    HANG_UP = auto()


TAKEN = Reply(250, "2.0.0", "taken")
NOT_NOW = Reply(451, "4.3.0", "not now; keep it and come again")
TOO_LARGE = Reply(552, "5.3.4", f"a mail has at most {LARGEST} bytes")
TOO_MANY = Reply(421, "4.3.2", "too many connections; come again")
SILENT = Reply(421, "4.4.2", "nothing was said for a long time")
_OK = Reply(250, "2.0.0", "ok")
_WRONG = Reply(501, "5.5.4", "this command is said in another way")
_OPTION = Reply(555, "5.5.4", "this option is not known here")
_OUT_OF_TURN = Reply(503, "5.5.1", "this command has its turn later")
_UNKNOWN = Reply(500, "5.5.1", "this command is not known here")
_NOBODY = Reply(550, "5.1.1", "no such mailbox here")
_FULL = Reply(452, "4.5.3", "hand the others over in another mail")

_Answer = tuple[Reply, Then]


class Conversation:
    """One connection, after which it is forgotten. *domain* is that of our return addresses."""

    def __init__(self, domain: str) -> None:
        self._domain = domain
        self._greeted = False
        self._begun = False
        self._recipients: list[str] = []

    @property
    def greeting(self) -> bytes:
        return Reply(220, "", f"{self._domain} LMTP").line

    def hear(self, line: bytes) -> tuple[bytes, Then]:
        """What is answered to *line*, and what comes then."""
        word, _, rest = line.decode("utf-8", "replace").partition(" ")
        heard = self._COMMANDS.get(word.upper())
        reply, then = _said(_UNKNOWN) if heard is None else heard(self, rest.strip())
        return reply.line, then

    def recipients(self) -> Sequence[str]:
        """For whom the mail is that has just come, in their order; each is answered by itself. The next may begin."""
        found = self._recipients
        self._forget()
        return found

    def _lhlo(self, name: str) -> _Answer:
        if not name:
            return _said(_WRONG)
        self._greeted = True
        self._forget()
        able = (self._domain, "PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8")
        return _said(Reply(250, "", f"SIZE {LARGEST}", before=able))

    def _mail(self, rest: str) -> _Answer:
        if not self._greeted or self._begun:
            return _said(_OUT_OF_TURN)
        found = _path("FROM:", rest)
        if found is None:
            return _said(_WRONG)
        for option in found[1].upper().split():
            name, _, value = option.partition("=")
            if name == "SIZE" and value.isascii() and value.isdigit():
                if int(value) > LARGEST:
                    return _said(TOO_LARGE)
            elif option not in _BODIES:
                return _said(_OPTION)
        self._begun = True
        return _said(Reply(250, "2.1.0", "ok"))

    def _rcpt(self, rest: str) -> _Answer:
        if not self._begun:
            return _said(_OUT_OF_TURN)
        found = _path("TO:", rest)
        if found is None:
            return _said(_WRONG)
        address, options = found
        if options:
            return _said(_OPTION)
        if not is_ours(address, domain=self._domain):
            return _said(_NOBODY)
        if len(self._recipients) >= _MOST_RECIPIENTS:
            return _said(_FULL)
        self._recipients.append(address)
        return _said(Reply(250, "2.1.5", "ok"))

    def _data(self, rest: str) -> _Answer:
        if rest:
            return _said(_WRONG)
        # §4.2: without a recipient there is nobody to answer for.
        if not self._recipients:
            return _said(_OUT_OF_TURN)
        return Reply(354, "", "go on, and end with a line that is a dot"), Then.MAIL

    def _rset(self, rest: str) -> _Answer:
        if rest:
            return _said(_WRONG)
        self._forget()
        return _said(_OK)

    def _noop(self, _rest: str) -> _Answer:
        return _said(_OK)

    def _vrfy(self, _rest: str) -> _Answer:
        return _said(Reply(252, "2.0.0", "hand the mail over, and see"))

    def _quit(self, _rest: str) -> _Answer:
        return Reply(221, "2.0.0", "bye"), Then.HANG_UP

    def _smtp(self, _rest: str) -> _Answer:
        """§4.1: there are no other greetings than LHLO."""
        return _said(Reply(500, "5.5.1", "this is LMTP; say LHLO"))

    def _forget(self) -> None:
        self._begun, self._recipients = False, []

    _COMMANDS: Mapping[str, Callable[[Conversation, str], _Answer]] = {
        "LHLO": _lhlo, "HELO": _smtp, "EHLO": _smtp, "MAIL": _mail, "RCPT": _rcpt, "DATA": _data, "RSET": _rset,
        "NOOP": _noop, "VRFY": _vrfy, "QUIT": _quit,
    }  # fmt: skip


def _said(reply: Reply) -> _Answer:
    return reply, Then.LISTEN


def _path(word: str, rest: str) -> tuple[str, str] | None:
    """The address and the options behind *word* (`FROM:`, `TO:`); None where the words are others."""
    found = _PATH.fullmatch(rest[len(word) :]) if rest[: len(word)].upper() == word else None
    return None if found is None else (found[1], found[2] or "")
