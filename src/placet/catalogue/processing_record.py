"""
The record of processing activities that GDPR 30(1) asks for, made from the catalogue. Pure.

(a) controller and data-protection officer, (b) purposes, (c) categories of subjects and data, (d) recipients,
(e) transfers, (f) time limits for erasure, (g) security measures. What the catalogue does not state is named as missing
and never filled in: a guess in this record would be a false statement to the authority.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

import attrs

from placet.catalogue import processing_words
from placet.catalogue.model import Activity, Catalogue, Officer, Retention
from placet.catalogue.spreadsheet import Sheet, ods
from placet.kernel.ids import ActivityId

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run (OWASP: CSV injection)."""
_WIDTHS = (4.5, 6, 6, 4.5, 6, 5, 6, 6, 4, 5, 9)


@attrs.frozen
class Entry:
    """One activity in the reader's language; an empty text is not stated in the catalogue."""

    id: ActivityId
    title: str
    purposes: tuple[str, ...]
    basis: str
    law: str | None
    data: tuple[str, ...]
    subjects: str
    recipients: tuple[str, ...]
    transfers: str
    retention: str
    security: str
    channel: str | None


@attrs.frozen
class ProcessingRecord:
    """The whole record. *missing* names what GDPR 30(1) asks for and the catalogue does not state."""

    language: str
    version: str
    controller: str
    contact: str
    officer: Officer | None
    entries: tuple[Entry, ...]
    missing: tuple[str, ...]


def processing_record(catalogue: Catalogue, language: str) -> ProcessingRecord:
    """The record of *catalogue* in *language*; in the catalogue's first one where it has no such texts."""
    language = language if language in catalogue.languages else catalogue.languages[0]
    controller = catalogue.controller
    return ProcessingRecord(
        language=language,
        version=str(catalogue.version),
        controller=f"{controller.name}, {controller.registration}, {_in(controller.address, language)}",
        contact=f"{controller.email}, {controller.phone}",
        officer=catalogue.processing.officer,
        entries=tuple(_entry(catalogue, activity, language) for activity in catalogue.activities.values()),
        missing=tuple(_missing(catalogue)),
    )


def table(record: ProcessingRecord) -> Sheet:
    """The record as one table, an activity a row; each row can stand alone."""
    words = processing_words.of(record.language)
    officer = words.missing if record.officer is None else _officer(record.officer)
    rows = [_row(record, entry, officer) for entry in record.entries]
    return Sheet(words.title[:31], words.headings, rows, _WIDTHS)


def as_csv(record: ProcessingRecord) -> bytes:
    """UTF-8 with a byte order mark, by which spreadsheets know it; no cell begins like a formula."""
    sheet, text = table(record), io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(sheet.headings)
    writer.writerows([[_harmless(cell) for cell in row] for row in sheet.rows])
    return text.getvalue().encode("utf-8-sig")


def as_ods(record: ProcessingRecord) -> bytes:
    """The same as an OpenDocument spreadsheet."""
    return ods([table(record)])


def _entry(catalogue: Catalogue, activity: Activity, language: str) -> Entry:
    words = processing_words.of(language)
    processing = catalogue.processing
    return Entry(
        id=activity.id,
        title=_in(activity.titles, language),
        purposes=tuple(catalogue.purposes[id].notice(language).title for id in activity.needs),
        basis=words.bases[activity.legal_basis or "consent"],
        law=activity.law,
        data=tuple(_in(catalogue.data[id].titles, language) for id in activity.data),
        subjects=_in(processing.subjects, language),
        recipients=tuple(_in(catalogue.recipients[id].titles, language) for id in _recipients(catalogue, activity)),
        transfers=_in(processing.transfers, language),
        retention=_retention(activity.retention, words),
        security=_in(processing.security, language),
        channel=None if activity.channel is None else _in(catalogue.channels[activity.channel].titles, language),
    )


def _recipients(catalogue: Catalogue, activity: Activity) -> list[str]:
    """Its own and those of its purposes, each once."""
    of_purposes = [id for need in activity.needs for id in catalogue.purposes[need].recipients]
    return list(dict.fromkeys([*activity.recipients, *of_purposes]))


def _retention(retention: Retention, words: processing_words.Words) -> str:
    return words.days(retention.days, retention.after)


def _missing(catalogue: Catalogue) -> Iterator[str]:
    processing = catalogue.processing
    if processing.officer is None:
        yield "officer"
    for name in ("subjects", "transfers", "security"):
        if not getattr(processing, name):
            yield name
    for activity in catalogue.activities.values():
        if not _recipients(catalogue, activity):
            yield f"recipients:{activity.id}"


def _row(record: ProcessingRecord, entry: Entry, officer: str) -> Sequence[str]:
    missing = processing_words.of(record.language).missing
    cells = (
        str(entry.id),
        entry.title,
        "; ".join(entry.purposes) or entry.title,
        entry.basis if entry.law is None else f"{entry.basis}: {entry.law}",
        "; ".join(entry.data),
        entry.subjects,
        "; ".join(entry.recipients),
        entry.transfers,
        entry.retention,
        f"{record.controller}; {record.contact}; {officer}",
        entry.security,
    )
    return tuple(cell or missing for cell in cells)


def _officer(officer: Officer) -> str:
    return ", ".join(part for part in (officer.name, officer.email, officer.phone) if part)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language, "")
