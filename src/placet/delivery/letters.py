"""
E-mail templates: compiled once when they are published, filled for each recipient as bytes. Pure.

1. subject, plain text and MJML are read, and refused if a place has no value, a link to stop is missing, or an image
   would tell that the mail was opened (GDPR and ePrivacy 5(3): no pixel without its own consent);
2. MJML becomes HTML (mrml), which loads nothing from elsewhere;
3. both parts are encoded as quoted-printable (RFC 2045 §6.7) with a soft line break around each place, so that filling
   in a value encodes that value and nothing else.
"""

from __future__ import annotations

import binascii
import hashlib
import html
import re
from collections.abc import Callable, Mapping, Set

import attrs
import mrml

from placet.delivery.model import Kind
from placet.delivery.wording import Wording, cleaned, in_all_languages, read, read_line
from placet.kernel.errors import BadInput

STOP_LINK = "stop_link"
"""The place that every letter but a service letter has, in both parts: where the person ends it."""

_SOFT_BREAK = b"=\r\n"
_LONGEST_LINE = 76
_SPYING = re.compile(r"(?:src|srcset|background|background-url|poster)\s*=\s*[\"'][^\"']*\{\{", re.IGNORECASE)
_FOREIGN = re.compile(r"<(?:script|iframe|object|embed|form|link)\b|@import", re.IGNORECASE)


@attrs.frozen
class Source:
    """What a marketer writes, in one language."""

    subject: str
    text: str
    mjml: str
    links: Mapping[str, str] = attrs.field(factory=dict)
    """Places of both parts that have an address already: it stands there, unless a message brings another."""


@attrs.frozen
class Letter:
    """A compiled letter in one language: fixed bytes at the even places of *body*, how to fill in at the odd ones."""

    subject: Wording
    body: tuple[bytes | tuple[str, Callable[[str], str]], ...] = attrs.field(repr=False)
    boundary: str
    language: str
    names: frozenset[str]
    html: Wording = attrs.field(repr=False)
    """For a preview, with the addresses of *links*."""
    links: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    """As in `Source`; none of them is among *names*."""

    def fill(self, values: Mapping[str, str]) -> bytes:
        """The body for one recipient; `KeyError` if a value is missing."""
        known = {**self.links, **values} if self.links else values
        encoded = (
            piece if isinstance(piece, bytes) else quoted(piece[1](cleaned(known[piece[0]]))) for piece in self.body
        )
        return b"".join(encoded)


def publish(sources: Mapping[str, Source], *, kind: Kind, declared: Set[str]) -> Mapping[str, Letter]:
    """The letters of *sources* by language, all or none; *declared* are the values that will be there."""
    in_all_languages(sources, what="the letter")
    names = declared | {STOP_LINK}
    return {language: _letter(source, language, kind, names) for language, source in sources.items()}


def quoted(text: str) -> bytes:
    """*text* as quoted-printable; line breaks of the text stay line breaks."""
    lines = text.replace("\r\n", "\n").split("\n")
    return b"\r\n".join(_quoted_line(line) for line in lines)


def _letter(source: Source, language: str, kind: Kind, declared: Set[str]) -> Letter:
    subject = read_line(source.subject, declared=declared - {STOP_LINK}, what=f"the subject ({language})")
    placed = declared | source.links.keys()
    text = read(source.text, declared=placed, what=f"the text ({language})")
    read(source.mjml, declared=placed, what=f"the MJML ({language})")
    page = read(_html(source.mjml, language), declared=placed, what=f"the HTML ({language})")
    for part, what in ((text, "text"), (page, "HTML")):
        if kind is not Kind.SERVICE and STOP_LINK not in part.names:
            raise BadInput(
                f"the {what} ({language}) has no {{{{ {STOP_LINK} }}}}: everyone must be able to stop it from the mail",
                code="no-stop-link",
            )
    boundary = "=_" + hashlib.sha256(f"{text.pieces}{page.pieces}".encode()).hexdigest()[:32]
    names = (subject.names | text.names | page.names) - source.links.keys()
    shown = page.filled(source.links, html.escape)
    return Letter(subject, _body(text, page, boundary), boundary, language, names, shown, source.links)


def _html(mjml: str, language: str) -> str:
    if _SPYING.search(mjml):
        raise BadInput(f"an image ({language}) has an address of its own for each person: a pixel", code="open-pixel")
    try:
        found = mrml.to_html(mjml, None, mrml.RenderOptions(fonts={}))
    except OSError as error:
        raise BadInput(
            f"the MJML ({language}) cannot be read: {error}; nothing was published", code="broken-text"
        ) from None
    if _FOREIGN.search(found.content):
        raise BadInput(f"the MJML ({language}) loads or runs something; mail must not", code="broken-text")
    return found.content


def _body(text: Wording, page: Wording, boundary: str) -> tuple[bytes | tuple[str, Callable[[str], str]], ...]:
    """RFC 2046 §5.1.4: the plainest part first."""
    opening = "--{}\r\nContent-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    pieces: list[bytes | tuple[str, Callable[[str], str]]] = [opening.format(boundary, "plain").encode()]
    pieces += _encoded(text, str)
    pieces.append(("\r\n" + opening.format(boundary, "html")).encode())
    pieces += _encoded(page, html.escape)
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    return tuple(pieces)


def _encoded(wording: Wording, form: Callable[[str], str]) -> list[bytes | tuple[str, Callable[[str], str]]]:
    found: list[bytes | tuple[str, Callable[[str], str]]] = []
    for place, piece in enumerate(wording.pieces):
        found += [_SOFT_BREAK, (piece, form), _SOFT_BREAK] if place % 2 else [quoted(piece)]
    return found


def _quoted_line(line: str) -> bytes:
    if line.isascii() and len(line) <= 75 and line.isprintable() and "=" not in line and not line.endswith(" "):
        return line.encode() if line != "." else b"=2E"
    found = binascii.b2a_qp(line.encode(), istext=False).replace(b"=\n", _SOFT_BREAK)
    last = found.rpartition(b"\r\n")[2]
    return found if len(last) < _LONGEST_LINE else _with_room(found)


def _with_room(encoded: bytes) -> bytes:
    """*encoded* with its last line broken in two, outside an escape, so that a soft break still fits behind it."""
    cut = len(encoded) - 3
    while b"=" in encoded[cut - 2 : cut]:
        cut -= 1
    return encoded[:cut] + _SOFT_BREAK + encoded[cut:]
