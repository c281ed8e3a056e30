"""`placet receipt` and `placet receipt verify`, the latter in a process that could not reach a database if it tried."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner, Result
from receipt_desk import TEXT, WITNESS, desk
from starlette.testclient import TestClient

from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Recorded, Wish
from placet.consents.receipt_check import Genuine, read_keys, verify
from placet.consents.receipt_file import format_file
from placet.interfaces.cli.receipt import receipt_command
from placet.interfaces.log.routes import routes
from placet.kernel import clock
from placet.kernel.ids import ChannelId, PurposeId
from placet.ledger.notes import VerifierKey
from placet.subjects.model import Alias, Subject

OURS = desk()
AT = 5
Verify = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def verified(tmp_path: Path) -> Verify:
    """Run `placet receipt verify` in a process of its own with an empty environment."""
    (tmp_path / "keys").write_text(OURS.published, encoding="utf-8")
    (tmp_path / "text").write_bytes(TEXT)

    def run(receipt: bytes, *options: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "receipt.json").write_bytes(receipt)
        program = (
            "from placet.interfaces.cli.receipt import receipt_command; receipt_command(prog_name='placet receipt')"
        )
        command = [sys.executable, "-c", program, "verify", "receipt.json", *options]
        environment = {"PATH": "/nowhere", "PYTHONUTF8": "1"}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False
        )

    return run


def test_the_verifier_imports_no_database(tmp_path: Path) -> None:
    program = (
        "import sys; from placet.consents.receipt_check import verify, read_keys;"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('psycopg', 'psycopg_pool', 'socket')"
        " or name.startswith('placet.store')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={}, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_genuine_receipt_exits_0_and_says_what_it_shows(verified: Verify) -> None:
    done = verified(OURS.receipt(AT), "--keys", "keys", "--text", "text")
    assert (done.returncode, done.stderr) == (0, "")
    lines = dict(
        line.split(maxsplit=1) for line in done.stdout.splitlines() if line.split()[0] in {"decision", "purpose"}
    )
    assert lines == {"decision": "Given", "purpose": "Offers"}
    assert done.stdout.splitlines()[-1] == (
        "genuine: signed by the operator, and in the log of 11 records; the text is the one the decision was said on;"
        f" seen by {WITNESS.name} at 2026-03-12T12:00:01.000000Z"
    )


def test_a_genuine_receipt_is_told_in_json(verified: Verify) -> None:
    done = verified(OURS.receipt(AT), "--keys", "keys", "--json")
    said = json.loads(done.stdout)
    assert said["record"] == json.loads(OURS.records[AT - 1].body)
    assert {
        name: said[name] for name in ("genuine", "fault", "position", "proof_pending", "tree_size", "text_checked")
    } == {
        "genuine": True,
        "fault": None,
        "position": AT,
        "proof_pending": False,
        "tree_size": 11,
        "text_checked": False,
    }


def test_a_forged_receipt_exits_1_and_says_what_is_wrong(verified: Verify) -> None:
    forged = format_file(attrs.evolve(OURS.file(AT), proof=OURS.proof(AT + 1)))
    told, machine = verified(forged, "--keys", "keys"), verified(forged, "--keys", "keys", "--json")
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("not genuine: the proof is for leaf 5; record 5 is leaf 4 (wrong-index)")
    assert (machine.returncode, json.loads(machine.stdout)["fault"]) == (1, "wrong-index")


@pytest.mark.parametrize("end", [0, 1, 50, 4000])
def test_a_truncated_receipt_is_no_traceback(verified: Verify, end: int) -> None:
    done = verified(OURS.receipt(AT)[:end], "--keys", "keys")
    assert done.returncode == 1
    assert done.stderr.startswith("not genuine: the file")
    assert "(truncated)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 2),
        (("--keys", "no-such-file"), 2),
        (("--keys", "text"), 1),
        (("--keys", "keys", "--lang", "de"), 2),
    ],
)
def test_a_wrong_command_line_is_no_traceback(verified: Verify, options: tuple[str, ...], code: int) -> None:
    done = verified(OURS.receipt(AT), *options)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_keys_come_from_several_files(verified: Verify, tmp_path: Path) -> None:
    *own, witness = OURS.published.splitlines()
    (tmp_path / "own").write_text("\n".join(own), encoding="utf-8")
    (tmp_path / "witness").write_text(witness, encoding="utf-8")
    alone = verified(OURS.receipt(AT), "--keys", "own", "--json")
    both = verified(OURS.receipt(AT), "--keys", "own", "--keys", "witness", "--json")
    assert [len(json.loads(done.stdout)["witnesses"]) for done in (alone, both)] == [0, 1]


# Making one, from a ledger with the real catalogue.


@pytest.fixture
def customer(placet: Application) -> Subject:
    with placet.database.transaction() as connection:
        alias = Alias.parse("msisdn:+37120000009")
        return placet.subjects.add(connection, aliases=[alias], language="ru", now=clock.now())


def say(placet: Application, person: Subject, purpose: str, decision: str, now: datetime) -> Recorded:
    with placet.database.transaction() as connection:
        shown = render(placet.catalogue(connection), purpose=purpose, language="ru", route="portal")
        catalogue_store.remember_shown(connection, shown, now)
        actor = Actor("subject", str(person.id))
        wish = Wish(person.id, PurposeId(purpose), decision, "portal", actor, language="ru", shown=shown.sha256)
        (outcome,) = consents.record(connection, [wish], rulebook=placet.rulebook, now=now)
    assert isinstance(outcome, Recorded)
    return outcome


@pytest.fixture
def run(placet: Application, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    settings: Mapping[str, str] = {
        "PLACET_DATABASE_URL": str(placet.config.database_url),
        "PLACET_DATA_DIR": str(placet.config.data_dir),
        "PLACET_MASTER_KEY": str(placet.config.master_key),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(receipt_command, arguments)

    return invoke


def published(placet: Application) -> tuple[VerifierKey, ...]:
    """The keys as anybody gets them."""
    return read_keys(TestClient(routes(placet)).get("/log/keys").text)


def test_every_purpose_of_the_real_catalogue_has_a_genuine_receipt(
    placet: Application, customer: Subject, run: Callable[..., Result]
) -> None:
    with placet.database.transaction() as connection:
        purposes = list(placet.catalogue(connection).purposes)
    said = [say(placet, customer, purpose, "given", clock.now()) for purpose in purposes]
    placet.keeper.run_once(clock.now())
    for purpose, outcome in zip(purposes, said, strict=True):
        made = run(str(outcome.record))
        assert made.exit_code == 0, made.output
        verdict = verify(made.stdout_bytes, published(placet))
        assert isinstance(verdict, Genuine)
        assert (verdict.record.purpose, verdict.inclusion is not None) == (purpose, True)


def test_a_subject_gets_the_newest_receipt_into_a_file(
    placet: Application, customer: Subject, run: Callable[..., Result], tmp_path: Path
) -> None:
    say(placet, customer, "usage", "given", clock.now())
    newest = say(placet, customer, "usage", "withdrawn", clock.now())
    placet.keeper.run_once(clock.now())
    target = tmp_path / "receipt.json"
    made = run("msisdn:+37120000009", "--out", str(target), "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["record"] == str(newest.record)
    verdict = verify(target.read_bytes(), published(placet))
    assert isinstance(verdict, Genuine)
    assert verdict.record.decision == "withdrawn"


def test_the_proof_follows_the_command_that_had_none(
    placet: Application, customer: Subject, run: Callable[..., Result]
) -> None:
    outcome = say(placet, customer, "usage", "refused", clock.now())
    first, second = run(str(outcome.record)), run(str(outcome.record))
    assert [json.loads(made.stdout)["proof_pending"] for made in (first, second)] == [True, False]


def test_the_text_is_handed_out_with_the_receipt(
    placet: Application, customer: Subject, run: Callable[..., Result], tmp_path: Path
) -> None:
    outcome = say(placet, customer, "usage", "given", clock.now())
    receipt, text = tmp_path / "receipt.json", tmp_path / "text.json"
    made = run(str(outcome.record), "--out", str(receipt), "--text-out", str(text))
    assert made.exit_code == 0, made.output
    verdict = verify(receipt.read_bytes(), published(placet), text=text.read_bytes())
    assert isinstance(verdict, Genuine)
    assert verdict.text_checked


@pytest.mark.parametrize("whose", ["7f9a51c0-3c1d-4a68-9a53-0d4a4a6c8b11", "msisdn:+37129999999", "nonsense"])
def test_nobody_has_no_receipt(run: Callable[..., Result], whose: str) -> None:
    made = run(whose)
    assert (made.exit_code, made.stdout) == (1, "")


def test_a_channel_is_named_in_the_readers_words(
    placet: Application, customer: Subject, run: Callable[..., Result]
) -> None:
    say(placet, customer, "offers", "given", clock.now())
    with placet.database.transaction() as connection:
        actor = Actor("subject", str(customer.id))
        wish = Wish(
            customer.id, PurposeId("offers"), "refused", "portal", actor, channel=ChannelId("post"), language="ru"
        )
        (outcome,) = consents.record(connection, [wish], rulebook=placet.rulebook, now=clock.now())
    assert isinstance(outcome, Recorded)
    made = run(str(outcome.record))
    verdict = verify(made.stdout_bytes, published(placet))
    assert isinstance(verdict, Genuine)
    process = verdict.payload["dpv:hasRecordOfActivity"]["dpv:hasProcess"]
    assert {"@language": "ru", "@value": "Письмо по почте"} in process["placet:overChannel"]["dct:title"]
