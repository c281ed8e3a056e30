"""
Reading a posted form with files in it (multipart/form-data, RFC 7578), within bounds.

The body is counted while it arrives, and nothing of it is written to a disk. What a file says of itself, its name and
type, is no more than a word of whoever sent it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

import attrs
from starlette.requests import Request

from placet.interfaces.web.forms import FormTooLarge
from placet.kernel.errors import BadInput

_BOUNDARY = re.compile(r"""multipart/form-data\s*;(?:.*;)?\s*boundary="?([A-Za-z0-9'()+_,./:=?-]{1,70})"?""", re.I)
_FIELD = re.compile(r'form-data;\s*name="([^"]{1,100})"(?:;\s*filename="([^"]*)")?', re.I)
_MOST_PARTS = 200
_LONGEST_FIELD = 64 * 1024


@attrs.frozen
class Upload:
    """A file that was sent; *name* is its name without any folder."""

    name: str
    data: bytes = attrs.field(repr=False)


@attrs.frozen
class Sent:
    """What a form with files held: its fields (of a repeated one the last), and its files by their field."""

    fields: Mapping[str, str]
    files: Mapping[str, tuple[Upload, ...]]


async def read_upload(request: Request, *, most_bytes: int) -> Sent:
    """Read a posted form of at most *most_bytes*; files that were left empty are not there."""
    match = _BOUNDARY.fullmatch(request.headers.get("content-type", ""))
    if match is None:
        raise BadInput("a form of this site was expected; nothing was changed", code="bad-form")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise FormTooLarge("the file is too large; nothing was changed")
    return parse(bytes(body), match[1].encode())


def parse(body: bytes, boundary: bytes) -> Sent:
    """The parts of a multipart body (RFC 2046 §5.1.1). Raises `BadInput` for one that is cut off or not a form."""
    fields: dict[str, str] = {}
    files: dict[str, tuple[Upload, ...]] = {}
    for name, filename, data in _parts(body, boundary):
        if filename is None:
            fields[name] = _text(data)
        elif filename or data:
            files[name] = (*files.get(name, ()), Upload(_base(filename), data))
    return Sent(fields, files)


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, str | None, bytes]]:
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if not parts or not parts.pop().startswith(b"--") or len(parts) > _MOST_PARTS:
        raise _unreadable()
    for part in parts:
        head, found, data = part.partition(b"\r\n\r\n")
        match = _FIELD.search(head.decode("utf-8", errors="replace"))
        if not found or match is None:
            raise _unreadable()
        yield _unquoted(match[1]), None if match[2] is None else _unquoted(match[2]), data


def _text(data: bytes) -> str:
    if len(data) > _LONGEST_FIELD:
        raise FormTooLarge("the form is too large; nothing was changed")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable() from None
    if "\0" in text:
        raise BadInput("the form holds characters that no text has; nothing was changed", code="bad-form")
    return text


def _unquoted(name: str) -> str:
    """Browsers write a quote or a line's end in a name as `%22`, `%0D%0A` (HTML, multipart/form-data encoding)."""
    return unquote(name, errors="replace")


def _base(filename: str) -> str:
    """The name alone: some browsers sent the folder with it."""
    return re.split(r"[/\\]", filename)[-1]


def _unreadable() -> BadInput:
    return BadInput("the form cannot be read; nothing was changed", code="bad-form")
