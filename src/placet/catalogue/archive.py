"""
A catalogue as one ZIP of its YAML files: given out to be edited, and taken in with nothing in it trusted.

What is taken in is bounded before it is unpacked and while it is: files, bytes, and names. A ZIP that says it is small
and is not stops being read at the bound.
"""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from placet.catalogue.document import Document
from placet.catalogue.files import MAX_BYTES, BadCatalogue, listed_purposes, load
from placet.catalogue.model import Catalogue

MOST_BYTES = 1_000_000
"""Of an upload, packed."""
MOST_UNPACKED = 1_500_000
MOST_FILES = 100

_ROOT = ("catalogue.yaml", "wording.yaml", "activities.yaml")
_PURPOSE = re.compile(r"(?:purposes/)?([a-z][a-z0-9-]{0,39})\.ya?ml")
_EARLIEST = (1980, 1, 1, 0, 0, 0)

_DAMAGED = (
    zipfile.BadZipFile,  # no directory, an entry that is not where it says, a wrong checksum
    zlib.error,  # bytes that nothing deflates to
    EOFError,  # an entry that goes on beyond the end
    ValueError,  # an offset before the beginning; a name that is not UTF-8 and says so
    OverflowError,  # an offset of 64 bits that no file reaches
    RuntimeError,  # an entry with a password; NotImplementedError, which is one: a kind of entry that is not read
)
"""What `zipfile` raises for archives that are broken or made to be: it documents `BadZipFile` alone."""


def pack(catalogue: Catalogue) -> bytes:
    """The files of *catalogue*; the same catalogue always gives the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in sorted(_files(catalogue).items()):
            member = zipfile.ZipInfo(name, _EARLIEST)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, _yaml(value))
    return packed.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """The YAML files of a ZIP by their names; one folder around them all is taken off. Raises `BadCatalogue`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.filename.endswith("/")]
            if len(members) > MOST_FILES:
                raise BadCatalogue([f"the archive holds more than {MOST_FILES} files"])
            return _unwrapped({member.filename: _read(archive, member) for member in _within(members)})
    except _DAMAGED as error:
        raise BadCatalogue([f"the archive cannot be read ({type(error).__name__}); pack it as a plain ZIP"]) from None


def assemble(files: Mapping[str, bytes], *, onto: Catalogue | None) -> Catalogue:
    """
    The catalogue that *files* make; what is not among them is taken from *onto*, the one in force.

    Names are those of a catalogue's folder; a purpose may be named by its file alone. Raises `BadCatalogue`.
    """
    named = {_placed(name): data for name, data in files.items()}
    if not named:
        raise BadCatalogue(["there is no file; choose a ZIP or the YAML files"])
    kept = {} if onto is None else {name: _yaml(value).encode() for name, value in _files(onto).items()}
    with tempfile.TemporaryDirectory(prefix="placet-") as folder:
        for name, data in _listed({**kept, **named}).items():
            target = Path(folder, name)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
        return load(folder)


def _listed(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without the purposes of the old catalogue that the new catalogue.yaml lists no more; `load` judges the rest."""
    listed = listed_purposes(files.get("catalogue.yaml", b""))
    if listed is None:
        return files
    return {name: data for name, data in files.items() if name in _ROOT or name.split("/")[1][:-5] in listed}


def _files(catalogue: Catalogue) -> dict[str, Any]:
    wire = Document.model_validate_json(catalogue.document).model_dump(mode="json", exclude_defaults=True)
    purposes = {f"purposes/{purpose['id']}.yaml": purpose for purpose in wire["purposes"]}
    return {
        "catalogue.yaml": wire["catalogue"],
        "wording.yaml": wire["wording"],
        "activities.yaml": wire["activities"],
        **purposes,
    }


def _yaml(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)
    return text


class _Dumper(yaml.SafeDumper):
    """Without aliases, which reading refuses."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _within(members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """The same, if they may be unpacked: other methods than the usual one are no need of a few text files."""
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        raise BadCatalogue(["the archive is packed in an unusual way; pack it as a plain ZIP"])
    if sum(member.file_size for member in members) > MOST_UNPACKED:
        raise BadCatalogue([f"the archive unpacks to more than {MOST_UNPACKED} bytes"])
    return members


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """One file, up to the bound of what `load` takes: a ZIP's own word for its size is not believed."""
    with archive.open(member) as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise BadCatalogue([f"{_shown(member.filename)}: larger than {MAX_BYTES} bytes"])
    return data


def _unwrapped(files: dict[str, bytes]) -> dict[str, bytes]:
    tops = {name.partition("/")[0] for name in files}
    if len(tops) == 1 and (top := tops.pop() + "/") != "purposes/":
        return {name.removeprefix(top): data for name, data in files.items()}
    return files


def _placed(name: str) -> str:
    """Where a file of an upload belongs; a name that is none of a catalogue's is refused, so none leads elsewhere."""
    if name in _ROOT:
        return name
    if (match := _PURPOSE.fullmatch(name)) is None:
        raise BadCatalogue([f"{_shown(name)}: not a file of a catalogue"])
    return f"purposes/{match[1]}.yaml"


def _shown(name: str) -> str:
    return name.encode("ascii", "backslashreplace").decode()[:100]
