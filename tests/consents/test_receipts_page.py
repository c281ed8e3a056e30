"""docs/how-to/verify-a-receipt.md keeps its word: its script agrees with the program, its table is complete."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from receipt_desk import BASE, EPOCH, NOW, Desk, desk, private, record

from placet.consents import receipt_form
from placet.consents.model import Decision
from placet.consents.receipt_check import Fault, Genuine, read_keys, verify
from placet.consents.receipt_file import ReceiptFile, format_file
from placet.ledger.notes import Note, Signer, TreeHead, sign_checkpoint

PAGE = (Path(__file__).parents[2] / "docs/how-to/verify-a-receipt.md").read_text(encoding="utf-8")
SCRIPT = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0]
OURS = desk()
AT = 5

ByHand = Callable[[bytes, str], subprocess.CompletedProcess[str]]


@pytest.fixture
def by_hand(tmp_path: Path) -> ByHand:
    """Run the page's script on a receipt and a file of keys, with nothing of ours to import."""

    def run(receipt: bytes, keys: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "by_hand.py").write_text(SCRIPT, encoding="utf-8")
        (tmp_path / "receipt.json").write_bytes(receipt)
        (tmp_path / "keys").write_text(keys, encoding="utf-8")
        command = [sys.executable, "-I", "by_hand.py", "receipt.json", "keys"]
        return subprocess.run(
            command, cwd=tmp_path, env={}, capture_output=True, text=True, encoding="utf-8", check=False
        )

    return run


def forgeries() -> dict[str, bytes]:
    """One forged receipt for each thing that the script must notice."""
    file = OURS.file(AT)
    assert file.proof is not None
    payload = OURS.payload(AT)
    swapped = json.dumps(json.loads(payload["evidence"]["record"]) | {"decision": "refused"}, separators=(",", ":"))
    resigned = {**payload, "evidence": {**payload["evidence"], "record": swapped}}
    moved = {**payload, "evidence": {**payload["evidence"], "position": AT + 1}}
    other = Desk(OURS.records, base="log.other.example")
    head = TreeHead.parse(Note.parse(file.proof.checkpoint).text)
    stranger = sign_checkpoint(head, Signer(f"{BASE}/{EPOCH}", private(9)), NOW)
    changed = file.signed.payload[:900] + ("A" if file.signed.payload[900] != "A" else "B") + file.signed.payload[901:]
    files = {
        "a changed payload": attrs.evolve(file, signed=attrs.evolve(file.signed, payload=changed)),
        "a stranger's receipt": Desk(OURS.records, receipt_key=private(9)).file(AT),
        "signed by the checkpoint key": attrs.evolve(
            file, signed=receipt_form.sign(payload, BASE, OURS.checkpoint_key)
        ),
        "another record under the signature": OURS.file(AT, resigned),
        "another position under the signature": OURS.file(AT, moved),
        "another record's proof": attrs.evolve(file, proof=OURS.proof(AT + 1)),
        "a path that is too short": attrs.evolve(file, proof=attrs.evolve(file.proof, path=file.proof.path[:-1])),
        "a path that is too long": attrs.evolve(
            file, proof=attrs.evolve(file.proof, path=(*file.proof.path, file.proof.path[0]))
        ),
        "a smaller tree": attrs.evolve(file, proof=attrs.evolve(file.proof, checkpoint=OURS.checkpoint(AT - 1))),
        "another log's checkpoint": attrs.evolve(file, proof=other.proof(AT)),
        "a stranger's checkpoint": attrs.evolve(file, proof=attrs.evolve(file.proof, checkpoint=stranger)),
    }
    return {name: format_file(forged) for name, forged in files.items()}


def test_the_script_is_forty_lines_and_needs_nothing_of_ours() -> None:
    assert len(SCRIPT.splitlines()) <= 40
    assert "placet." not in SCRIPT
    assert set(re.findall(r"^(?:import|from) (.*?)(?: import.*)?$", SCRIPT, re.MULTILINE)) == {
        "base64, hashlib, hmac, json, sys",
        "cryptography.hazmat.primitives.asymmetric.ed25519",
    }


@pytest.mark.parametrize("decision", [Decision.GIVEN, Decision.WITHDRAWN])
def test_the_script_finds_a_genuine_receipt_genuine(by_hand: ByHand, decision: Decision) -> None:
    log = desk(decision=decision)
    done = by_hand(log.receipt(AT), log.published)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"genuine: entry {AT} of 11 in {BASE}/{EPOCH}\n")
    assert json.loads(done.stdout.splitlines()[1])["decision"] == decision


@pytest.mark.parametrize("size", [1, 2, 7, 8])
def test_the_script_climbs_trees_of_any_size(by_hand: ByHand, size: int) -> None:
    log = desk(size)
    assert [by_hand(log.receipt(at), log.published).returncode for at in range(1, size + 1)] == [0] * size


@pytest.mark.parametrize(("name", "forged"), forgeries().items(), ids=forgeries())
def test_the_script_refuses_what_the_program_refuses(by_hand: ByHand, name: str, forged: bytes) -> None:
    assert not isinstance(verify(forged, OURS.keys), Genuine)
    done = by_hand(forged, OURS.published)
    assert done.returncode == 1
    assert done.stderr.startswith("not genuine") or "InvalidSignature" in done.stderr


KEPT = Path(__file__).parent / "receipts"


@pytest.mark.parametrize("kept", sorted(KEPT.glob("*.json")), ids=lambda path: path.stem)
def test_receipts_of_every_version_stay_genuine(by_hand: ByHand, kept: Path) -> None:
    keys, text = kept.with_suffix(".keys").read_text(encoding="utf-8"), kept.with_suffix(".text").read_bytes()
    verdict = verify(kept.read_bytes(), read_keys(keys), text=text)
    assert isinstance(verdict, Genuine), verdict
    assert by_hand(kept.read_bytes(), keys).returncode == 0


def test_every_fault_is_explained() -> None:
    assert set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)) == {fault.value for fault in Fault}


def test_the_file_has_the_members_that_the_page_shows() -> None:
    shown = json.loads(re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0])
    real = json.loads(OURS.receipt(AT))
    assert (set(shown), set(shown["proof"])) == (set(real), set(real["proof"]))


def test_a_pending_receipt_shows_no_proof_at_all() -> None:
    log = Desk([record()])
    pending = ReceiptFile(log.file(1).signed, None, proof_pending=True)
    assert set(json.loads(format_file(pending))) == {"payload", "protected", "signature", "proof_pending"}
