"""A catalogue goes into a ZIP and out of it, and no archive breaks more than itself."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import zipfile
import zlib

import pytest

from placet.catalogue import archive
from placet.catalogue.files import BadCatalogue
from placet.catalogue.model import Catalogue

NAME = "catalogue.yaml"
DIRECTORY, END = b"PK\1\2", b"PK\5\6"


def zipped(method: int = zipfile.ZIP_DEFLATED, name: str = NAME) -> bytearray:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as target:
        target.writestr(zipfile.ZipInfo(name), bytes(range(256)) * 4, method)
    return bytearray(packed.getvalue())


def changed(
    offset: int, form: str, *values: int, record: bytes = DIRECTORY, method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """An archive with fields of its directory, or of its end, written over (APPNOTE 4.3.12, 4.3.16)."""
    data = zipped(method)
    struct.pack_into(form, data, data.index(record) + offset, *values)
    return bytes(data)


def beyond_all_files() -> bytes:
    """An entry whose offset is in a ZIP64 field and larger than any file."""
    data, extra = zipped(), struct.pack("<HHQ", 1, 8, 2**63)
    start = data.index(DIRECTORY)
    struct.pack_into("<H", data, start + 30, len(extra))
    struct.pack_into("<L", data, start + 42, 0xFFFFFFFF)
    data[start + 46 + len(NAME) : start + 46 + len(NAME)] = extra
    end = data.index(END)
    struct.pack_into("<L", data, end + 12, end - start)
    return bytes(data)


def not_deflated() -> bytes:
    data = zipped()
    data[30 + len(NAME)] = 0xFF
    return bytes(data)


def not_unicode() -> bytes:
    return bytes(zipped(name="ā.yaml").replace("ā".encode(), b"\xff\xff"))


BROKEN: dict[str, tuple[bytes, type[Exception]]] = {
    "no archive": (b"this is no archive", zipfile.BadZipFile),
    "a wrong checksum": (changed(16, "<L", 1), zipfile.BadZipFile),
    "bytes that nothing deflates to": (not_deflated(), zlib.error),
    "an entry beyond the end": (changed(20, "<LL", 9_000, 9_000, method=zipfile.ZIP_STORED), EOFError),
    "an offset before the beginning": (changed(16, "<L", 90_000, record=END), ValueError),
    "a name that is not UTF-8": (not_unicode(), UnicodeDecodeError),
    "an offset of 64 bits": (beyond_all_files(), OverflowError),
    "a password": (changed(8, "<H", 1), RuntimeError),
    "patched data": (changed(8, "<H", 0x20), NotImplementedError),
    "a version to come": (changed(6, "<H", 255), NotImplementedError),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_archive_is_told_to_whoever_sent_it(what: str) -> None:
    data, raised = BROKEN[what]
    # Later releases of Python name some of these faults more precisely.
    with pytest.raises((raised, zipfile.BadZipFile)), zipfile.ZipFile(io.BytesIO(data)) as opened:
        opened.read(opened.namelist()[0])
    with pytest.raises(BadCatalogue, match="cannot be read"):
        archive.unpack(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_the_usual_way_of_packing_is_unpacked(method: int) -> None:
    with pytest.raises(BadCatalogue, match="unusual way"):
        archive.unpack(bytes(zipped(method)))


def test_an_entry_without_a_name_is_no_file_of_a_catalogue() -> None:
    with pytest.raises(BadCatalogue, match="not a file of a catalogue"):
        archive.assemble(archive.unpack(bytes(zipped(name=""))), onto=None)


def test_whatever_is_done_to_an_archive_it_is_read_or_refused(amigo: Catalogue) -> None:
    chance, packed = random.Random(7), archive.pack(amigo)
    for _ in range(1_000):
        data = bytearray(packed)
        for _ in range(chance.choice((1, 1, 2, 6))):
            # The directory at the end is the smaller part, and the more interesting.
            first = chance.choice((0, len(data) - 900))
            data[chance.randrange(first, len(data))] = chance.choice((0, 1, 127, 255))
        with contextlib.suppress(BadCatalogue):
            archive.unpack(bytes(data))
