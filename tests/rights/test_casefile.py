"""The case file verifies without us, and every change of it is found and named (mission B13)."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from holdings_life import Life, lived

from placet.bootstrap import Application, erase, merge
from placet.consents import jws
from placet.gate import stops, uses
from placet.gate.stops import Stop, StopId
from placet.interfaces.cli.main import main
from placet.kernel import jcs
from placet.kernel.errors import Unavailable
from placet.kernel.ids import PurposeId
from placet.ledger import cosigning, proof
from placet.ledger.notes import COSIGNATURE, Signer
from placet.ledger.outside import Outside
from placet.rights import casefile
from placet.subjects.model import Subject

WITNESS = Signer("witness.example", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
Files = dict[str, bytes]


@attrs.frozen
class Said:
    """What the verifier printed, and how it ended."""

    code: int
    lines: list[str]

    @property
    def wrong(self) -> list[str]:
        return [line.removeprefix("WRONG").strip() for line in self.lines if line.startswith("WRONG")]


@attrs.frozen
class Reader:
    """Somebody with Python and `cryptography`; the interpreter finds nothing else: no venv, no site, no Placet."""

    folder: Path

    def __attrs_post_init__(self) -> None:
        packages = self.folder / "packages"
        packages.mkdir()
        site = Path(sysconfig.get_paths()["platlib"])
        for name in ("cryptography", "cffi", "pycparser"):
            if (site / name).exists():
                (packages / name).symlink_to(site / name)
        for backend in site.glob("_cffi_backend*"):
            (packages / backend.name).symlink_to(backend)

    def verify(self, files: Files, *arguments: str) -> Said:
        """Run the verifier that lies in *files* over them."""
        case = self.folder / "case"
        shutil.rmtree(case, ignore_errors=True)
        for name, data in files.items():
            (case / name).parent.mkdir(parents=True, exist_ok=True)
            (case / name).write_bytes(data)
        program = (
            f"import sys, runpy; sys.path.append({str(self.folder / 'packages')!r});"
            f" sys.argv[1:] = {list(arguments)!r}; runpy.run_path({str(case / 'verify.py')!r}, run_name='__main__')"
        )
        interpreter = getattr(sys, "_base_executable", sys.executable)
        done = subprocess.run(
            [interpreter, "-I", "-S", "-c", program], cwd=case, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stderr == "", done.stderr
        return Said(done.returncode, done.stdout.splitlines())


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    folder = tmp_path / "authority"
    folder.mkdir()
    return Reader(folder)


@pytest.fixture
def anna(placet: Application) -> tuple[Life, Subject]:
    """A life that a witness has seen, with a place that stops after a withdrawal."""
    life, person = lived(placet)
    with placet.database.transaction() as connection:
        stop = Stop(StopId("purpose/usage"), "purpose", {PurposeId("usage")}, limit=stops.timedelta(minutes=1),
                    registered_at=life.now)  # fmt: skip
        stops.register(connection, stop, now=life.now)
    life.say(person, "usage", "given")
    life.use(person, outcome="looked at the minutes")
    last = life.say(person, "usage", "withdrawn")
    with placet.database.transaction() as connection:
        stops.acknowledge(connection, stop.id, upto=last.position, at=life.now)
    life.sign_log()
    witnessed(life)
    return life, person


def witnessed(life: Life) -> None:
    with life.placet.database.transaction() as connection:
        checkpoint = proof.latest_checkpoint(connection)
        assert checkpoint is not None
        text = checkpoint.own_note.rpartition("\n\n")[0] + "\n"
        message = cosigning.message(WITNESS.verifier(COSIGNATURE), checkpoint.own_note + WITNESS.cosign(text, life.now))
        memory = Outside.of(life.placet.config)
        cosigning.accept(connection, memory, message, base=life.placet.config.log_origin, places=1, now=life.now)


def files(life: Life, person: Subject) -> Files:
    bundle = casefile.make(life.placet, person.id, language="en", now=life.now)
    data = bundle.read()
    bundle.close()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def resigned(life: Life, case: Files) -> Files:
    """The case as an operator would sign it who lies."""
    manifest = json.loads(case["manifest.json"])
    manifest["files"] = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        for name, data in case.items()
        if not name.startswith("manifest.")
    }
    data = jcs.canonical(manifest)
    header = jws.read_header(jws.Flattened(json.loads(case["manifest.signature.json"])["protected"], "", ""))
    signed = jws.sign(data, header, life.placet.keys.receipt.sign)
    signature = jcs.canonical({"protected": signed.protected, "signature": signed.signature})
    return case | {"manifest.json": data, "manifest.signature.json": signature}


def published(case: Files, folder: Path) -> str:
    keys = folder / "published-keys"
    keys.write_bytes(case["keys"])
    return str(keys)


def test_a_case_file_holds_and_says_what_was_checked(anna: tuple[Life, Subject], reader: Reader) -> None:
    case = files(*anna)
    said = reader.verify(case, "--keys", published(case, reader.folder))
    assert (said.code, said.wrong) == (0, []), said.lines
    text = "\n".join(said.lines)
    for sentence in (
        "The manifest is signed by",
        f"All {len(case) - 2} files are as the manifest lists them.",
        "entries is signed by the log",
        "The witness witness.example saw this checkpoint at",
        "5 of 5 records are proved",
        "The catalogue 1.0, published at",
        "The texts of 2 records are here",
        "3 of 3 uses fit their permits",
        "Record 6: stopped everywhere after",
        "This case file holds.",
    ):
        assert sentence in text, said.lines


def test_the_archive_itself_can_be_verified_too(anna: tuple[Life, Subject], reader: Reader, tmp_path: Path) -> None:
    life, person = anna
    bundle = casefile.make(life.placet, person.id, now=life.now)
    bundle.save(tmp_path / "case.zip")
    bundle.close()
    said = reader.verify(files(life, person), str(tmp_path / "case.zip"))
    assert said.code == 0
    assert any("The keys are those inside the file" in line for line in said.lines)


def test_an_archive_that_is_torn_is_said_to_be(anna: tuple[Life, Subject], reader: Reader, tmp_path: Path) -> None:
    case = files(*anna)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", case["manifest.json"])
    data = bytearray(packed.getvalue())
    data[30 + len("manifest.json")] = 0xFF
    (tmp_path / "torn.zip").write_bytes(data)
    said = reader.verify(case, str(tmp_path / "torn.zip"))
    assert said.code == 1
    assert any("The case file cannot be opened" in line for line in said.wrong)


def text_name(case: Files) -> str:
    return next(name for name in case if name.startswith("texts/") and name.endswith(".json"))


def replaced(case: Files, name: str, old: bytes, new: bytes) -> Files:
    assert old in case[name]
    return case | {name: case[name].replace(old, new, 1)}


def other_path(case: Files) -> Files:
    """One digit of the first hash of the first record's path."""
    first, *rest = case["records.jsonl"].splitlines(keepends=True)
    row = json.loads(first)
    digit = "0" if row["path"][0][0] != "0" else "1"
    row["path"][0] = digit + row["path"][0][1:]
    return case | {"records.jsonl": b"".join([jcs.canonical(row) + b"\n", *rest])}


def late_cosignature(note: bytes) -> bytes:
    """The time of the witness is one that no calendar has."""
    before, name, line = note.partition("— witness.example ".encode())
    data = bytearray(base64.b64decode(line.split(b"\n")[0]))
    data[4:12] = b"\xff" * 8
    return before + name + base64.b64encode(data) + b"\n"


TAMPERINGS: dict[str, tuple[Callable[[Files], Files], str]] = {
    "a byte of a text": (
        lambda case: replaced(case, text_name(case), b"Usage", b"usage") if b"Usage" in case[text_name(case)] else
        replaced(case, text_name(case), b'"blocks"', b'"Blocks"'),
        "is not the text that was shown",
    ),
    "a decision in a record": (
        lambda case: replaced(case, "records.jsonl", rb'\"decision\":\"refused\"', rb'\"decision\":\"objected\"'),
        "record and salt do not give the entry of the log",
    ),
    "a hash of a proof": (other_path, "its path does not lead to the checkpoint"),
    "the outcome of a use": (
        lambda case: replaced(case, "uses.jsonl", b"a cheaper tariff found", b"a dearer tariff found"),
        "uses.jsonl is not the file that the operator signed",
    ),
    "the activity of a use": (
        lambda case: replaced(case, "uses.jsonl", b"usage.tariff-advice", b"usage.device-advice"),
        "its permit is for another activity or channel",
    ),
    "the manifest": (
        lambda case: replaced(case, "manifest.json", b'"made_at":"20', b'"made_at":"19'),
        "The manifest is not what the operator signed",
    ),
    "the checkpoint": (
        lambda case: case | {"checkpoint": case["checkpoint"].replace(b"\n\n", b"\nmore\n\n", 1)},
        "on the checkpoint is wrong",
    ),
    "the time of a cosignature": (
        lambda case: case | {"checkpoint": late_cosignature(case["checkpoint"])},
        "Checkpoint: not of the form of a case file",
    ),
    "the keys": (
        lambda case: case | {"keys": b"no key"},
        "The keys cannot be read",
    ),
    "a catalogue": (
        lambda case: replaced(case, "catalogues/1.json", b"ZetCOM", b"ZetCON"),
        "is not the catalogue whose publication the log names",
    ),
    "the stop clock": (
        lambda case: case | {"propagation.json": b"[]"},
        "The stop clocks of records",
    ),
    "a file that is gone": (
        lambda case: {name: data for name, data in case.items() if name != "staff.json"},
        "staff.json is missing",
    ),
    "a file that was put in": (
        lambda case: case | {"texts/more.txt": b"more"},
        "texts/more.txt is in the case file and not in the manifest",
    ),
    "a file that is torn": (
        lambda case: case | {"records.jsonl": case["records.jsonl"][:-40]},
        "records.jsonl cannot be read",
    ),
}  # fmt: skip


def test_every_tampering_is_found_and_named(anna: tuple[Life, Subject], reader: Reader) -> None:
    case = files(*anna)
    unnamed = {}
    for what, (tamper, sentence) in TAMPERINGS.items():
        said = reader.verify(tamper(case))
        if said.code != 1 or not any(sentence in line for line in said.wrong):
            unnamed[what] = said
    assert unnamed == {}


def test_an_operator_who_signs_a_changed_record_is_found(anna: tuple[Life, Subject], reader: Reader) -> None:
    life, person = anna
    old, new = rb"\"decision\":\"withdrawn\"", rb"\"decision\":\"expired\""
    said = reader.verify(resigned(life, replaced(files(life, person), "records.jsonl", old, new)))
    assert said.code == 1
    assert all("record and salt do not give the entry" in line or "stop clock" in line for line in said.wrong)


def test_an_operator_who_calls_a_use_valid_that_had_no_consent_is_found(
    anna: tuple[Life, Subject], reader: Reader
) -> None:
    life, person = anna
    case = files(life, person)
    rows = [json.loads(line) for line in case["uses.jsonl"].splitlines()]
    claims = json.loads(jws.decode(rows[0]["permit"].split(".")[1]))
    last = json.loads(case["records.jsonl"].splitlines()[-1])
    claims["position"] = last["position"]
    claims["issued_at"] = json.loads(last["body"])["recorded_at"]
    claims["expires_at"] = claims["issued_at"].replace("20", "21", 1)
    rows[0]["permit"] = f"p1.{jws.encode(jcs.canonical(claims))}.{rows[0]['permit'].split('.')[2]}"
    rows[0]["at"] = claims["issued_at"]
    said = reader.verify(resigned(life, case | {"uses.jsonl": b"".join(jcs.canonical(row) + b"\n" for row in rows)}))
    (sentence,) = said.wrong
    assert sentence.endswith("but the consent usage was withdrawn when its permit was judged.")


def test_a_use_without_a_permit_is_told_and_does_not_make_the_file_wrong(
    anna: tuple[Life, Subject], reader: Reader
) -> None:
    life, person = anna
    with life.placet.database.transaction() as connection:
        told = uses.Told("usage.tariff-advice", life.tick(), "sold to a friend", subject=person.id)  # type: ignore[arg-type]
        uses.record_use(connection, told)
    said = reader.verify(files(life, person))
    assert said.code == 0
    assert any("had no valid permit, says the operator's audit: no-permit" in line for line in said.lines)


def test_keys_of_another_operator_prove_nothing(anna: tuple[Life, Subject], reader: Reader) -> None:
    case = files(*anna)
    stranger = Signer("log.other.example/receipts", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
    keys = reader.folder / "others"
    keys.write_text(f"{stranger.verifier(1)}\n")
    said = reader.verify(case, "--keys", str(keys))
    assert said.code == 1
    assert any("is not among the published keys" in line for line in said.wrong)


def test_of_an_erased_person_the_places_are_proved_and_the_contents_no_longer(
    anna: tuple[Life, Subject], reader: Reader
) -> None:
    life, person = anna
    with life.placet.database.transaction() as connection:
        erase(life.placet, connection, person.id, now=life.tick())
    life.sign_log()
    case = files(life, person)
    for word in ("Анна", "20000301", "letter 17"):
        assert word.encode() not in b"".join(case.values())
    said = reader.verify(case)
    text = "\n".join(said.lines)
    assert (said.code, said.wrong) == (0, [])
    assert "of 5 records the place is proved, and what they say no longer is" in text
    assert "The erasure of" in text
    assert "0 of 5 records are proved, in what they say" in text


def test_an_erasure_that_the_log_does_not_know_is_found(anna: tuple[Life, Subject], reader: Reader) -> None:
    life, person = anna
    with life.placet.database.transaction() as connection:
        erase(life.placet, connection, person.id, now=life.tick())
    life.sign_log()
    case = files(life, person)
    events = b"".join(line for line in case["events.jsonl"].splitlines(keepends=True) if b"erased" not in line)
    said = reader.verify(resigned(life, case | {"events.jsonl": events}))
    assert any("no event of the log says so" in line for line in said.wrong)


def test_what_was_said_under_a_merged_identity_is_proved_too(anna: tuple[Life, Subject], reader: Reader) -> None:
    life, person = anna
    survivor = life.person("+37120000305")
    with life.placet.database.transaction() as connection:
        merge(life.placet, connection, survivor.id, person.id, now=life.tick())
    life.sign_log()
    case = files(life, survivor)
    assert set(json.loads(case["manifest.json"])["identities"]) == {str(survivor.id), str(person.id)}
    said = reader.verify(case)
    assert (said.code, said.wrong) == (0, [])
    assert "3 of 3 uses fit their permits" in "\n".join(said.lines)


def test_nothing_is_made_before_the_newest_record_is_signed(anna: tuple[Life, Subject]) -> None:
    life, person = anna
    life.say(person, "usage", "given")
    with pytest.raises(Unavailable) as caught:
        casefile.make(life.placet, person.id, now=life.now)
    assert caught.value.code == "unsigned"


def test_the_index_reads_in_three_languages_and_runs_nothing(anna: tuple[Life, Subject]) -> None:
    case = files(*anna)
    for language, title in {"lv": "Lietas materiāli", "ru": "Материалы дела", "en": "Case file"}.items():
        page = case[f"index.{language}.html"].decode()
        assert title in page
        assert "<script" not in page
        assert "a cheaper tariff found" in page


def test_the_command_signs_what_was_recorded_a_moment_ago(
    anna: tuple[Life, Subject], reader: Reader, tmp_path: Path
) -> None:
    life, person = anna
    life.say(person, "usage", "given")
    config, target = life.placet.config, tmp_path / "case.zip"
    settings = {"PLACET_DATABASE_URL": config.database_url or "", "PLACET_DATA_DIR": str(config.data_dir),
                "PLACET_MASTER_KEY": "00" * 32}  # fmt: skip
    said = CliRunner().invoke(main, ["casefile", str(person.id), "--out", str(target), "--json"], env=settings)
    assert said.exit_code == 0, said.output
    with zipfile.ZipFile(target) as archive:
        verified = reader.verify({name: archive.read(name) for name in archive.namelist()})
    assert "6 of 6 records" in "\n".join(verified.lines)
