"""
The files of a release. What is counted lies in three (`stored`); all others follow from them, here.

`SHA256SUMS` names every file, in the form that `sha256sum -c` reads; its own hash is what the log commits to.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from placet.kernel.errors import Tampered
from placet.purposes.mobility.releasing import describing, figures, report, stored
from placet.purposes.mobility.releasing.hierarchy import Places
from placet.purposes.mobility.releasing.model import REPORTS, TableName
from placet.purposes.mobility.releasing.stored import About, Counts

SUMS = "SHA256SUMS"


def write(folder: Path, about: About, counts: Counts, places: Places) -> str:
    """Everything, durably, into an empty *folder*; returns the SHA-256 of `SHA256SUMS`."""
    stored.write(folder, about, counts, places)
    # From what was written, so that whoever reads it gets the same to the last digit.
    write_derived(folder, *stored.read(folder))
    digest = _sum(folder)
    _sync(folder)
    return digest


def write_derived(folder: Path, about: About, counts: Counts, places: Places) -> None:
    """All that follows from the three files."""
    tables = figures.tables(counts, places)
    for name, table in tables.items():
        pa.parquet.write_table(table, folder / f"{name}.parquet", compression="zstd")
        pa.csv.write_csv(table, folder / f"{name}.csv")
    population = figures.population(counts)
    stored.write_json(folder / "dictionary.json", describing.dictionary(about, tables, population))
    stored.write_json(folder / "sdmx.json", describing.structures(about, tables))
    for language, file in REPORTS.items():
        page = report.page(about, tables, places, population, language)
        (folder / file).write_text(page, encoding="utf-8")


def report_of(source: Path, language: str) -> str:
    """The report of the release in *source* made anew, in *language*: also of one that was made before it had it."""
    about, counts, places = stored.read(source)
    return report.page(about, figures.tables(counts, places), places, figures.population(counts), language)


def derive(source: Path, folder: Path) -> str:
    """The release in *source* computed again into the empty *folder*; returns the SHA-256 of its `SHA256SUMS`."""
    return write(folder, *stored.read(source))


def table(folder: Path, name: TableName) -> pa.Table:
    return pa.parquet.read_table(folder / f"{name}.parquet")


def sums(folder: Path) -> Mapping[str, str]:
    """The hash of each file, as `SHA256SUMS` has it."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
        return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except (OSError, ValueError):
        raise _broken([SUMS]) from None


def demand_whole(folder: Path, sha256: str) -> None:
    """Every file is the one that was released; else `release-broken`."""
    told = sums(folder)
    if _hash(folder / SUMS) != sha256:
        raise _broken([SUMS])
    wrong = [name for name, digest in told.items() if not (folder / name).exists() or _hash(folder / name) != digest]
    if wrong:
        raise _broken(wrong)


def _sum(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    text = "".join(f"{_hash(folder / name)}  {name}\n" for name in names)
    (folder / SUMS).write_text(text, encoding="utf-8")
    return _hash(folder / SUMS)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _broken(names: Sequence[str]) -> Tampered:
    return Tampered(
        f"{', '.join(names)} of this release is not what was released; restore it from a copy", code="release-broken"
    )


def _sync(folder: Path) -> None:
    """On the disk before anybody is told that it is there."""
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
