"""`placet ledger …` on a database of its own, read as a program reads it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ledger_book import START, Book

from placet.config import Config
from placet.interfaces.cli.ledger import ledger_group
from placet.ledger import keys, merkle
from placet.ledger.entries import leaf_hash
from placet.ledger.notes import Note, TreeHead, VerifierKey
from placet.ledger.proof import TextProof, verify_text
from placet.ledger.witness import Witness
from placet.store.database import Database


@pytest.fixture
def shelf(database: Database, config: Config, monkeypatch: pytest.MonkeyPatch) -> Book:
    """A ledger where the settings of the environment point."""
    monkeypatch.delenv("PLACET_TEST_DATABASE_URL", raising=False)
    monkeypatch.setenv("PLACET_DATABASE_URL", str(config.database_url))
    monkeypatch.setenv("PLACET_DATA_DIR", str(config.data_dir))
    monkeypatch.setenv("PLACET_MASTER_KEY", str(config.master_key))
    book = Book(database, config, keys.load(config.data_dir))
    run("checkpoint", expect=1)  # Opening the application publishes the catalogue.
    for n in range(300):
        book.event(number=str(n))
    book.keeper().run_once(START)
    return book


def run(*arguments: str, expect: int = 0) -> Result:
    result = CliRunner().invoke(ledger_group, arguments)
    assert result.exit_code == expect, (result.output, result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def read(*arguments: str, expect: int = 0) -> Any:
    result = run(*arguments, "--json", expect=expect)
    assert result.stdout, result.output
    return json.loads(result.stdout)


def test_checkpoint_is_printed_as_its_note(shelf: Book) -> None:
    note = run("checkpoint").stdout
    head = TreeHead.parse(Note.parse(note).text)
    shown = read("checkpoint")
    assert (shown["size"], shown["root"], shown["note"]) == (head.size, head.root.hex(), note)


def test_proof_verifies_offline(shelf: Book, tmp_path: Path) -> None:
    run("proof", "301", "--out", str(tmp_path / "p.tlog-proof"))
    shown = read("proof", "301")
    proof = TextProof.parse((tmp_path / "p.tlog-proof").read_text())
    epoch = read("checkpoint")["epoch"]
    assert verify_text(proof, bytes.fromhex(shown["leaf_hash"]), log=shelf.signer.verifiers(epoch)).head.size >= 301
    run("proof", "99999", expect=1)
    run("proof", "neither", expect=1)


def test_verify_says_intact_and_exits_with_1_when_it_is_not(shelf: Book, as_superuser: Any) -> None:
    assert read("verify")["intact"]
    as_superuser("UPDATE ledger.record SET recorded_at = recorded_at - interval '1 day' WHERE position = 200")
    report = read("verify", expect=1)
    assert (report["findings"][0]["kind"], report["findings"][0]["position"]) == ("back-dated", 200)
    assert "back-dated at 200" in run("verify", expect=1).stdout


def test_export_rebuilds_the_root_of_its_checkpoint(shelf: Book, tmp_path: Path) -> None:
    run("export", str(tmp_path / "log"))
    folder = tmp_path / "log"
    key = VerifierKey.parse((folder / "vkey").read_text().strip())
    note = Note.parse((folder / "checkpoint").read_text())
    assert key in note.verified_by([key])
    lines = [json.loads(line) for line in (folder / "leaves.jsonl").read_text().splitlines()]
    leaves = [leaf_hash(base64.b64decode(line["entry"])) for line in lines]
    assert [line["index"] for line in lines] == list(range(len(lines)))
    assert [line["leaf_hash"] for line in lines] == [leaf.hex() for leaf in leaves]
    assert TreeHead.parse(note.text) == TreeHead(key.name, len(leaves), merkle.root(leaves))
    assert lines[-1]["record"]["number"] == "299"


def test_rebuild_adds_tiles_that_are_missing(shelf: Book, as_superuser: Any) -> None:
    as_superuser("DELETE FROM ledger.tile")
    assert not read("verify", expect=1)["intact"]
    assert read("rebuild") == {"checked": 1, "added": 1}
    assert read("verify")["intact"]
    as_superuser("UPDATE ledger.tile SET hashes = overlay(hashes PLACING sha256('x') FROM 1)")
    run("rebuild", expect=1)


def test_restored_begins_an_epoch(shelf: Book) -> None:
    before = read("checkpoint")["epoch"]
    begun = read("restored", "--reason", "a drill")
    assert (begun["previous"], begun["orphans"]) == (before, [])
    shelf.keeper().run_once(START)
    assert read("checkpoint")["epoch"] == begun["epoch"] != before
    assert read("verify")["intact"]


def test_trust_names_the_witnesses(shelf: Book) -> None:
    vkey = "witness.example/w1+f6b6efcd+nonsense"
    run("trust", vkey, expect=1)
    witness = Witness("witness.example/w1", shelf.outside / "w1")
    assert read("trust", str(witness.verifier)) == {"witnesses": ["witness.example/w1"]}
