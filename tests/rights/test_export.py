"""One ZIP with everything: valid against its schema, safe in a spreadsheet, readable, whole or not there at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import attrs
import jsonschema_rs
import pytest
from click.testing import CliRunner
from holdings_life import Life, begin, lived
from rights_people import Shelf

from placet.bootstrap import Application, erase
from placet.consents.receipt_check import Genuine, read_keys, verify
from placet.interfaces.cli.main import main
from placet.kernel.errors import BadInput
from placet.kernel.ids import PurposeId
from placet.rights import export
from placet.rights.bundle import Bundle
from placet.subjects.model import LANGUAGES, Subject

ROOT = Path(__file__).parents[2]
VALIDATOR = jsonschema_rs.validator_for(json.loads(export.schema()))


@pytest.fixture
def anna(placet: Application) -> tuple[Life, Subject]:
    life, person = lived(placet)
    life.sign_log()
    return life, person


def unpacked(bundle: Bundle) -> dict[str, bytes]:
    data = bundle.read()
    bundle.close()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def files(life: Life, person: Subject, **more: Any) -> dict[str, bytes]:
    return unpacked(export.archive(life.placet, person.id, now=life.now, **more))


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def faults(document: bytes) -> list[str]:
    return [f"{error.instance_path}: {error.message}" for error in VALIDATOR.iter_errors(json.loads(document))]


def test_the_archive_holds_every_form_of_everything(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    names = set(files(life, person))
    assert {"README.txt", "data.html", "data.json", "portable.json", "schema.json", "keys", "csv/uses.csv"} <= names
    assert len([name for name in names if name.startswith("receipts/")]) == 3
    assert len([name for name in names if name.startswith("texts/")]) == 2


def test_the_json_is_what_the_schema_says(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    shelf = Shelf(PurposeId("usage"), liked={person.id: [{"name": "phone", "value": "small"}]})
    life.placet = attrs.evolve(life.placet, duties=(shelf,))
    for language in LANGUAGES:
        found = files(life, person, language=language)
        assert faults(found["data.json"]) == []
        assert faults(found["portable.json"]) == []
        assert found["schema.json"] == export.schema()
        assert json.loads(found["data.json"])["holdings"]["usage.liked"] == [{"name": "phone", "value": "small"}]


def test_the_schema_refuses_what_is_not_an_export(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    good = json.loads(files(life, person)["data.json"])
    bad = [
        good | {"contacts": [{"kind": "msisdn"}]},
        good | {"unknown": []},
        good | {"made_at": "yesterday"},
        good | {"uses": [good["uses"][0] | {"permitted": "yes"}]},
        {name: value for name, value in good.items() if name != "decisions"},
    ]
    assert [VALIDATOR.is_valid(document) for document in bad] == [False] * len(bad)


def test_the_schema_in_the_docs_is_the_one_in_the_archive() -> None:
    assert (ROOT / "docs" / "reference" / "export.schema.json").read_bytes() == export.schema()


def test_the_portable_part_holds_what_the_person_gave_and_nothing_that_others_made(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    found = json.loads(files(life, person)["portable.json"])
    assert found["format"] == "placet/portable/v1"
    assert {name for name, said in found["tables"].items() if not said["portable"]} == set()
    assert found["subject"]["name"] == "Анна Kalniņa"
    assert [contact["kind"] for contact in found["contacts"]] == ["email", "msisdn"]
    assert "uses" not in found
    assert "decisions" not in found


def test_every_table_is_a_sheet_with_the_same_rows(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    found = files(life, person)
    document = json.loads(found["data.json"])
    for name in document["tables"]:
        rows = [document[name]] if name == "subject" else {**document, **document["holdings"]}[name]
        assert len(table(found[f"csv/{name}.csv"])) == len(rows), name
    assert found["csv/uses.csv"].startswith(b'\xef\xbb\xbf"id","at"')
    assert found["csv/uses.csv"].endswith(b'"\r\n')


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "＝"])
def test_no_cell_begins_a_formula(placet: Application, sign: str) -> None:
    life = begin(placet)
    attack = f'{sign}HYPERLINK("http://evil.example";"a")'.replace("\t", "")
    person = life.person(name=f"{attack};{sign.strip()}2+5")
    sheet = files(life, person)["csv/subject.csv"]
    (row,) = table(sheet)
    assert row["name"].startswith("'")
    # A program that splits at semicolons must not find a formula either.
    for line in sheet.decode("utf-8-sig").splitlines():
        for part in line.replace('"', "").replace(",", ";").split(";"):
            assert not part.strip().startswith(("=", "+", "-", "@", "＝")), line
    assert json.loads(files(life, person)["data.json"])["subject"]["name"] == f"{attack};{sign.strip()}2+5"


def test_words_of_any_script_survive_in_every_form(placet: Application) -> None:
    life = begin(placet)
    name = 'Ķīļa “Ž” Щербакова 王小明 👩‍🚀 עברית\u200f "quoted", semi;colon'
    person = life.person(name=name)
    found = files(life, person)
    assert json.loads(found["data.json"])["subject"]["name"] == name
    assert table(found["csv/subject.csv"])[0]["name"] == name
    assert "Щербакова 王小明" in found["data.html"].decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_readable_alone_and_runs_nothing(anna: tuple[Life, Subject], language: str) -> None:
    life, person = anna
    page = files(life, person, language=language)["data.html"].decode()
    assert f'<html lang="{language}">' in page
    for foreign in ("<script", "<link", "<img", "url(", "@import", " src="):
        assert foreign not in page
    assert "@media print" in page
    title = {"lv": "Viss, ko par Jums glabājam", "ru": "Всё, что мы о вас храним", "en": "Everything we hold about you"}
    assert title[language] in page


def test_the_page_escapes_what_people_wrote(placet: Application) -> None:
    life = begin(placet)
    page = files(life, life.person(name="<script>alert(1)</script>"))["data.html"].decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_texts_are_byte_for_byte_what_the_records_name(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    found = files(life, person)
    document = json.loads(found["data.json"])
    named = {row["text"] for row in document["decisions"] if row["text"] is not None}
    texts = {name.split("/")[1].removesuffix(".json"): data for name, data in found.items() if name.endswith(".json")
             and name.startswith("texts/")}  # fmt: skip
    assert set(texts) == named == set(document["texts"])
    assert all(hashlib.sha256(data).hexdigest() == name for name, data in texts.items())


def test_every_receipt_is_genuine_by_the_keys_beside_it(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    found = files(life, person)
    keys = read_keys(found["keys"].decode())
    names = [row["receipt"] for row in json.loads(found["data.json"])["decisions"]]
    verdicts = [verify(found[name], keys) for name in names]
    assert all(isinstance(verdict, Genuine) and verdict.inclusion is not None for verdict in verdicts)
    assert len(verdicts) == 3


def test_the_same_content_is_the_same_bytes(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    one, two = (export.archive(life.placet, person.id, now=life.now) for _ in range(2))
    assert one.read() == two.read()
    one.close()
    two.close()


def test_an_interrupted_export_leaves_nothing_and_can_be_asked_again(
    anna: tuple[Life, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life, person = anna
    target = tmp_path / "out" / "anna.zip"
    target.parent.mkdir()
    target.write_bytes(b"the export of last year")
    bundle = export.archive(life.placet, person.id, now=life.now)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(BadInput) as caught:
            bundle.save(target)
    assert caught.value.code == "cannot-write"
    assert [file.name for file in target.parent.iterdir()] == ["anna.zip"]
    assert target.read_bytes() == b"the export of last year"
    bundle.save(target)
    assert zipfile.is_zipfile(target)
    assert target.stat().st_mode & 0o077 == 0
    bundle.close()


def test_a_reader_who_goes_away_leaves_no_open_file(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    bundle = export.archive(life.placet, person.id, now=life.now)
    blocks = bundle.chunks()
    assert next(blocks).startswith(b"PK")
    blocks.close()  # type: ignore[attr-defined]
    assert bundle.file.closed


def test_a_purpose_that_breaks_in_the_middle_breaks_the_export_and_leaves_no_file(
    anna: tuple[Life, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life, person = anna
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    class Broken(Shelf):
        def export(self, connection: Any, person: Any) -> Any:
            raise RuntimeError("the store of this purpose is away")

    life.placet = attrs.evolve(life.placet, duties=(Broken(PurposeId("usage")),))
    with pytest.raises(RuntimeError):
        export.archive(life.placet, person.id, now=life.now)
    assert list(tmp_path.iterdir()) == [] or all(file.suffix != ".zip" for file in tmp_path.rglob("*"))


def test_of_an_erased_person_the_export_is_what_the_ledger_keeps(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    with life.placet.database.transaction() as connection:
        erase(life.placet, connection, person.id, now=life.tick())
    found = files(life, person)
    assert faults(found["data.json"]) == []
    assert not any(name.startswith("receipts/") for name in found)
    everything = b"".join(found.values()).decode()
    for word in ("Анна", "20000301", "letter 17"):
        assert word not in everything


def test_the_command_writes_the_archive(anna: tuple[Life, Subject], tmp_path: Path) -> None:
    life, person = anna
    target = tmp_path / "anna.zip"
    settings = {"PLACET_DATABASE_URL": life.placet.config.database_url or "",
                "PLACET_DATA_DIR": str(life.placet.config.data_dir), "PLACET_MASTER_KEY": "00" * 32}  # fmt: skip
    command = ["export", "msisdn:+37120000301", "--out", str(target), "--lang", "ru", "--json"]
    said = CliRunner().invoke(main, command, env=settings)
    assert said.exit_code == 0, said.output
    assert json.loads(said.output) == {"subject": str(person.id), "out": str(target), "bytes": target.stat().st_size}
    with zipfile.ZipFile(target) as archive:
        assert '<html lang="ru">' in archive.read("data.html").decode()
    nobody = CliRunner().invoke(main, ["export", "msisdn:+37129999999", "--out", str(target)], env=settings)
    assert nobody.exit_code == 1
