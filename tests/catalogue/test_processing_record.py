"""The record of processing says what GDPR 30(1) asks, in each language, and never more than the catalogue states."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
import zipfile

import pytest

from placet.catalogue.document import frozen
from placet.catalogue.model import Catalogue
from placet.catalogue.processing_record import as_csv, as_ods, processing_record, table
from placet.catalogue.spreadsheet import MEDIA_TYPE, Sheet, ods
from placet.kernel import jcs

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


def stated(catalogue: Catalogue) -> Catalogue:
    """*catalogue* with everything stated that the record asks for."""
    document = json.loads(catalogue.document)
    languages = catalogue.languages
    document["catalogue"]["processing"] = {
        "officer": {"name": "A. Officer", "email": "dpo@example.lv"},
        **{name: dict.fromkeys(languages, f"{name}, stated") for name in ("subjects", "transfers", "security")},
    }
    return frozen(jcs.canonical(document))


def cells(data: bytes) -> list[list[str]]:
    """The rows of a spreadsheet's first table, as a program reads them."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        content = ET.fromstring(packed.read("content.xml"))
    first = next(content.iter(f"{TABLE}table"))
    return [
        ["\n".join("".join(line.itertext()) for line in cell.iter(f"{TEXT}p")) for cell in row]
        for row in first.iter(f"{TABLE}table-row")
    ]


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_every_activity_has_a_row_with_every_point_of_the_article(amigo: Catalogue, language: str) -> None:
    record = processing_record(stated(amigo), language)
    sheet = table(record)
    assert [row[0] for row in sheet.rows] == list(amigo.activities)
    assert record.missing == ()
    assert all(cell.strip() for row in sheet.rows for cell in row)
    assert {len(row) for row in sheet.rows} == {len(sheet.headings)} == {len(sheet.widths)} == {11}


def test_what_the_catalogue_does_not_state_is_named_as_missing(amigo: Catalogue, acme: Catalogue) -> None:
    assert processing_record(amigo, "en").missing == ("officer", "transfers")
    row = table(processing_record(amigo, "en")).rows[0]
    assert row[7] == "Not stated"
    assert "officer" in processing_record(acme, acme.languages[0]).missing


def test_recipients_are_those_of_the_purposes_and_the_activity_s_own(amigo: Catalogue) -> None:
    entries = {entry.id: entry for entry in processing_record(amigo, "en").entries}
    assert entries["offers.email-campaign"].recipients == (  # type: ignore[index]
        "Amigo staff who need it for their work",
        "those who deliver messages, calls and post for us",
    )
    review = entries["profiling.review"]  # type: ignore[index]
    assert (review.purposes, review.law) == ((), "GDPR 22(3)")
    assert review.recipients == ("Amigo staff who need it for their work",)


def test_the_files_hold_the_same_table_and_the_same_bytes_each_time(amigo: Catalogue) -> None:
    record = processing_record(amigo, "lv")
    sheet = table(record)
    rows = [list(sheet.headings), *(list(row) for row in sheet.rows)]
    assert list(csv.reader(io.StringIO(as_csv(record).decode("utf-8-sig")))) == rows
    assert cells(as_ods(record)) == rows
    assert as_ods(record) == as_ods(record)


def test_no_cell_is_run_by_a_spreadsheet(amigo: Catalogue) -> None:
    document = json.loads(amigo.document)
    title = '=HYPERLINK("https://example.lv")'
    document["activities"][0]["titles"] = dict.fromkeys(amigo.languages, title)
    record = processing_record(frozen(jcs.canonical(document)), "en")
    rows = list(csv.reader(io.StringIO(as_csv(record).decode("utf-8-sig"))))
    assert rows[1][1] == f"'{title}"
    assert cells(as_ods(record))[1][1] == title
    assert b"table:formula" not in zipfile.ZipFile(io.BytesIO(as_ods(record))).read("content.xml")


def test_a_spreadsheet_names_its_type_first_and_takes_any_text() -> None:
    data = ods([Sheet('A & "B"', ("<one>", "two"), [("a\nb", "\x00\x1f\ud800 ]]> ﷽")], (3, 4))])
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.infolist()[0].filename == "mimetype"
        assert packed.infolist()[0].compress_type == zipfile.ZIP_STORED
        assert packed.read("mimetype").decode() == MEDIA_TYPE
        manifest = packed.read("META-INF/manifest.xml").decode()
        assert all(name in manifest for name in ("content.xml", "settings.xml"))
    assert cells(data) == [["<one>", "two"], ["a\nb", "��� ]]> ﷽"]]
