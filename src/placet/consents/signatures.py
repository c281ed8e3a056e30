"""
An image of a signature, judged by its frame alone: nothing here decodes a picture.

1. It is a PNG (ISO/IEC 15948) of at most `LONGEST` bytes, and nothing follows its end.
2. Its header (IHDR) names a size that a signature has, and eight bits a sample at most.
3. It consists of the chunks that a drawing needs, each with a right checksum; text, profiles, animation and whatever
   else could hold or unfold more than a picture are refused.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import attrs

from placet.kernel.errors import BadInput

LONGEST = 256 * 1024
WIDEST, HIGHEST = 2_000, 1_200
LEAST = 24
"""Pixels a side, below which nothing can be a signature."""

_MARK = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")
_KNOWN = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"pHYs", b"sRGB", b"gAMA", b"cHRM", b"bKGD", b"tIME"})
_COLOURS = {0: {1, 2, 4, 8}, 2: {8}, 3: {1, 2, 4, 8}, 4: {8}, 6: {8}}
"""Kinds of colour, with the bits a sample that each may have (ISO/IEC 15948, table 11.1), up to eight."""


@attrs.frozen
class Size:
    width: int
    height: int


def judged(image: bytes) -> Size:
    """The size of the picture; anything but a plain PNG of a signature's size raises `BadInput`."""
    if len(image) > LONGEST:
        raise _refused(f"the image has more than {LONGEST // 1024} KB")
    if not image.startswith(_MARK):
        raise _refused("the file is not a PNG image")
    kinds: list[bytes] = []
    size = None
    for kind, content in _chunks(image):
        if not kinds:
            size = _size(kind, content)
        kinds.append(kind)
    if size is None or b"IDAT" not in kinds or kinds[-1] != b"IEND" or kinds.count(b"IHDR") != 1:
        raise _refused("the image is broken")
    return size


def _chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each chunk of the file, its checksum verified (steps 1 and 3)."""
    at, ended = len(_MARK), False
    while at < len(image):
        head = image[at : at + 8]
        if ended or len(head) < 8:
            raise _refused("the image is broken")
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        content, check = image[at + 8 : at + 8 + length], image[at + 8 + length : at + 12 + length]
        if len(check) != 4 or zlib.crc32(kind + content) != int.from_bytes(check, "big"):
            raise _refused("the image is broken")
        if kind not in _KNOWN:
            raise _refused("the image holds more than a picture: save it as a plain PNG")
        yield kind, content
        at, ended = at + 12 + length, kind == b"IEND"


def _size(kind: bytes, content: bytes) -> Size:
    """Step 2."""
    if kind != b"IHDR" or len(content) != _HEADER.size:
        raise _refused("the image is broken")
    width, height, bits, colour, compression, filtering, interlace = _HEADER.unpack(content)
    if not (LEAST <= width <= WIDEST and LEAST <= height <= HIGHEST):
        raise _refused(f"a signature has {LEAST} to {WIDEST} × {HIGHEST} pixels")
    if bits not in _COLOURS.get(colour, set()) or compression or filtering or interlace not in {0, 1}:
        raise _refused("the image is of a kind that is not taken")
    return Size(width, height)


def _refused(why: str) -> BadInput:
    return BadInput(f"{why}; nothing was recorded", code="bad-image")
