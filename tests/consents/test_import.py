"""What an import records, refuses and returns; and that it does so once."""

from __future__ import annotations

import csv
import multiprocessing
import os
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import pytest
from consents_support import PlainRulebook
from import_office import Office, office, row, table

from placet.consents.import_answers import Desk
from placet.consents.import_model import Options
from placet.consents.import_rows import COLUMNS, Defaults
from placet.consents.imports import import_file
from placet.kernel.errors import Conflict
from placet.kernel.ids import new_subject_id
from placet.kernel.seal import MasterKey
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias


@pytest.fixture
def desk(database: Database, subjects: Subjects, tmp_path: Path, now: datetime) -> Office:
    return office(database, subjects, tmp_path, now)


def test_imported_decisions_stand_in_state_ledger_and_feed_with_their_provenance(desk: Office) -> None:
    report = desk.run(table([row(), row(channel="sms"), row(subject="msisdn:20000002", decision="refused")]))
    assert (report.recorded, report.refused, report.ignored) == (3, 0, 0)
    assert desk.states() == [
        (1, "offers", "", "given"),
        (1, "offers", "sms", "given"),
        (2, "offers", "", "refused"),
    ]
    assert desk.rows("SELECT position, number, decision FROM consents.change ORDER BY 1") == [
        (1, 1, "given"), (2, 1, "given"), (3, 2, "refused"),
    ]  # fmt: skip
    (body,) = desk.rows("SELECT convert_from(body, 'UTF8')::json ->> 'provenance' FROM ledger.entered LIMIT 1")[0]
    assert body == '{"collected_at":"2026-02-01T00:00:00.000000Z","grade":"B","source":"crm-2019"}'
    assert not desk.refused.exists()


REFUSED = {
    "unknown-purpose": {"purpose": "everything"},
    "unknown-channel": {"channel": "fax"},
    "unknown-decision": {"decision": "maybe"},
    "unknown-language": {"language": "de"},
    "unknown-grade": {"grade": "D"},
    "unknown-subject": {"subject": "crm:C-404"},
    "bad-alias": {"subject": "tel:20000001"},
    "bad-id": {"subject": "20000001"},
    "bad-time": {"occurred_at": "10.01.2026"},
    "naive-time": {"occurred_at": "2026-01-10T09:00:00"},
    "in-the-future": {"occurred_at": "2026-03-12T12:06:00Z"},
    "implausible-time": {"occurred_at": "1970-01-01T00:00:00Z"},
    "bad-version": {"notice_version": "first"},
    "old-notice": {"notice_version": "0.9"},
    "no-provenance": {"source": ""},
    "too-long": {"source": "s" * 101},
}
MORE = [
    ("bad-time", {"occurred_at": ""}),
    ("bad-time", {"occurred_at": "2026-02-30T00:00:00Z"}),
    ("bad-time", {"collected_at": "yesterday"}),
    ("implausible-time", {"occurred_at": "0001-01-01T00:00:00Z"}),
    ("implausible-time", {"collected_at": "2036-01-01T00:00:00Z"}),
    ("no-provenance", {"notice_version": ""}),
    ("no-provenance", {"collected_at": ""}),
    ("unknown-subject", {"subject": str(new_subject_id())}),
    ("bad-alias", {"subject": "msisdn:12"}),
    ("too-long", {"evidence": "e" * 2_001}),
    ("old-notice", {"notice_version": "2.0"}),
]


def test_every_bad_row_is_refused_with_its_reason_and_the_good_ones_are_recorded(desk: Office) -> None:
    cases = [*REFUSED.items(), *MORE]
    rows = [row(subject="crm:C-1"), *(row(**change) for _, change in cases), row(subject="crm:C-2")]
    report = desk.run(table(rows))
    assert report.recorded == 2
    assert desk.codes() == {line: code for line, (code, _) in enumerate(cases, 3)}
    assert report.codes == {code: sum(code == each for each, _ in cases) for code, _ in cases}
    returned = [{name: each[name] for name in COLUMNS[:-1]} for each in desk.refusals()]
    assert returned == rows[1:-1]
    assert all(each["refused_reason"] for each in desk.refusals())


@pytest.mark.parametrize(
    "spelled",
    ["msisdn:+37120000001", "msisdn:20000001", "MSISDN: 00371 2000-0001", "msisdn:371 20 000 001", "crm:C-1 "],
)
def test_any_spelling_of_a_name_finds_the_person(desk: Office, spelled: str) -> None:
    assert desk.run(table([row(subject=spelled)])).recorded == 1
    assert desk.states() == [(1, "offers", "", "given")]


def test_a_no_needs_no_provenance_and_a_yes_takes_the_files(desk: Office) -> None:
    bare = {"source": "", "grade": "", "collected_at": "", "notice_version": ""}
    lacking = row(subject="crm:C-2", source="", grade="")
    content = table([row(decision="objected", **bare), lacking])
    assert desk.rehearse(content).codes == {"no-provenance": 1}
    report = desk.run(content, defaults=Defaults("legacy", "C"))
    assert (report.recorded, report.refused) == (2, 0)
    assert desk.states() == [(1, "offers", "", "objected"), (2, "offers", "", "given")]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_decisions_at_the_same_instant_the_restrictive_one_stands(desk: Office, order: tuple[int, int]) -> None:
    said = [row(), row(decision="withdrawn", occurred_at="2026-01-10T07:00:00Z")]
    assert desk.run(table([said[index] for index in order])).recorded == 2
    assert desk.states() == [(1, "offers", "", "withdrawn")]


def test_an_older_yes_is_kept_and_overrides_no_newer_no(desk: Office) -> None:
    desk.run(table([row(decision="refused", occurred_at="2026-02-01T00:00:00Z")]))
    report = desk.run(table([row(), row(subject="crm:C-2")]))
    assert (report.recorded, report.ignored) == (2, 1)
    assert desk.states() == [(1, "offers", "", "refused"), (2, "offers", "", "given")]
    assert desk.count() == 3


def test_what_a_spreadsheet_would_run_comes_back_as_text_and_can_be_imported_again(desk: Office) -> None:
    formulas = ["=cmd|' /C calc'!A0", "+1", "-2", "@SUM(A1)", "'=quoted"]
    report = desk.run(table([row(subject="crm:C-404", evidence=each) for each in formulas]))
    assert report.refused == len(formulas)
    assert [each["evidence"] for each in desk.refusals()] == ["'" + each for each in formulas[:-1]] + ["'=quoted"]
    with desk.refused.open(encoding="utf-8", newline="") as stream:
        cells = [cell for cells in csv.reader(stream) for cell in cells]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    again = desk.refused.rename(desk.folder / "mended.csv")
    report = desk.run(again, create_subjects=True)
    assert (report.recorded, report.created, report.refused) == (5, 1, 0)


def test_evidence_is_sealed_and_only_its_hash_is_in_the_record(desk: Office) -> None:
    desk.run(table([row(evidence="call recording 4711")]))
    ((body,),) = desk.rows("SELECT convert_from(body, 'UTF8') FROM ledger.entered")
    ((hashed, sealed),) = desk.rows("SELECT encode(hash, 'hex'), sealed FROM consents.evidence")
    assert f'"evidence":"{hashed}"' in body
    assert "4711" not in body
    assert b"4711" not in bytes(sealed)


def test_unknown_subjects_are_added_on_request_and_never_for_a_refused_row(desk: Office) -> None:
    content = table(
        [
            row(subject="msisdn:29990001", language="ru"),
            row(subject="msisdn:+37129990001", channel="sms"),
            row(subject="msisdn:29990002", purpose="everything"),
        ]
    )
    rehearsed = desk.rehearse(content, create_subjects=True)
    report = desk.run(content, create_subjects=True)
    assert (report.recorded, report.created, report.refused) == (2, 1, 1)
    assert rehearsed == report
    with desk.desk.database.transaction() as connection:
        added = desk.desk.subjects.find(connection, "msisdn:29990001")
        assert added is not None
        assert added.language == "ru"
        assert desk.desk.subjects.find(connection, "msisdn:29990002") is None


def test_merged_and_erased_persons_are_met_as_everywhere(desk: Office, now: datetime) -> None:
    subjects, database = desk.desk.subjects, desk.desk.database
    with database.transaction() as connection:
        first, second, third = (subjects.find(connection, f"crm:C-{n}") for n in (1, 2, 3))
        assert first
        assert second
        assert third
        subjects.merge(connection, first.id, second.id)
        subjects.erase_key(connection, third.id, now)
    report = desk.run(table([row(subject=str(second.id)), row(subject=str(third.id), channel="sms")]))
    assert desk.codes() == {3: "erased-subject"}
    assert report.recorded == 1
    assert desk.states() == [(1, "offers", "", "given")]


# Once


def test_the_same_file_again_changes_nothing_and_reports_the_same(desk: Office) -> None:
    content = table([row(), row(purpose="everything"), row(subject="crm:C-2")])
    first = desk.run(content)
    returned = desk.refused.read_text()
    desk.refused.unlink()
    again = desk.run(content)
    assert again == attrs.evolve(first, resumed_after=4)
    assert desk.refused.read_text() == returned
    assert desk.count() == 2


def test_a_file_goes_on_only_as_it_was_begun(desk: Office) -> None:
    content = table([row()])
    desk.run(content)
    with pytest.raises(Conflict, match="other options"):
        desk.run(content, create_subjects=True)


def test_a_row_key_is_answered_once_in_whichever_file_it_comes(desk: Office) -> None:
    rows = [
        row(row_key="7"),
        row(row_key="7"),
        row(row_key="8", channel="sms"),
        row(row_key="7", source="other-system"),
    ]
    content = table(rows, columns=COLUMNS)
    assert desk.rehearse(content) == desk.run(content)
    report = desk.run(table([*rows, row(row_key="7", decision="withdrawn")], columns=COLUMNS))
    assert (report.recorded, report.repeated, report.codes) == (0, 4, {"key-reused": 1})
    assert desk.count() == 3


def test_a_rehearsal_reports_what_the_import_reports_and_leaves_nothing(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("placet.consents.imports.UNIT", 3)
    rows = [
        row(occurred_at=f"2026-01-{10 + (n * 7) % 13:02}T00:00:00Z", decision=decision, subject=f"crm:C-{n % 7}")
        for n, decision in enumerate(["given", "withdrawn", "given", "refused", "given", "given"] * 5)
    ]
    rows += [row(purpose="everything"), row(subject="crm:C-99")]
    rows = [{**each, "row_key": str(n % 31)} for n, each in enumerate(rows)]
    content = table([*rows, rows[3], rows[20]], columns=COLUMNS)
    rehearsed = desk.rehearse(content, create_subjects=True)
    rehearsed_file = desk.refused.read_text()
    assert desk.count() == 0
    assert desk.states() == []
    assert desk.rows("SELECT count(*) FROM subjects.current") == [(5,)]
    assert desk.rows("SELECT count(*) FROM consents.import") == [(0,)]
    report = desk.run(content, create_subjects=True)
    assert rehearsed == report
    assert report.ignored
    assert report.repeated
    assert report.refused
    assert report.created
    assert desk.refused.read_text() == rehearsed_file


def test_two_imports_of_one_file_at_once_answer_each_row_once(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placet.consents.imports.UNIT", 2)
    content = table([row(channel=channel) for channel in ("", "sms", "email", "call", "post")])
    other = desk.file(content)
    seen = 0

    def meanwhile(_report: object) -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            desk.run(other)

    with pytest.raises(Conflict, match="another process"):
        import_file(desk.desk, other, Options(), refused=desk.refused, progress=meanwhile)
    assert desk.count() == 5
    assert desk.run(other).recorded == 5
    assert desk.count() == 5


MANY = 2_000


def _import_until_killed(url: str, path: Path, refused: Path, now: datetime) -> None:
    """In a process of its own: small units, so that the kill falls between or into some."""
    import placet.consents.imports as imports

    imports.UNIT = 50
    database = Database(url, size=2)
    subjects = Subjects(database, MasterKey(bytes(32)))
    desk = Desk(database, subjects, PlainRulebook(subjects), lambda: now)
    import_file(desk, path, Options(create_subjects=True), refused=refused)


def test_after_kill_9_the_next_run_goes_on_and_nothing_is_lost_or_twice(
    desk: Office, app_url: str, now: datetime
) -> None:
    rows = [row(subject=f"crm:K-{n}", purpose="everything" if n % 10 == 0 else "offers") for n in range(MANY)]
    path = desk.file(table(rows))
    kills, spawn = 0, multiprocessing.get_context("spawn")
    while kills < 4:
        child = spawn.Process(target=_import_until_killed, args=(app_url, path, desk.refused, now))
        child.start()
        before = desk.count()
        while child.is_alive() and desk.count() < before + 150:
            time.sleep(0.001)
        if child.is_alive():
            os.kill(child.pid or 0, signal.SIGKILL)
            kills += 1
        child.join()
        if child.exitcode == 0:
            break
    assert kills
    assert desk.count() > 0
    report = desk.run(path, create_subjects=True)
    assert (report.recorded, report.refused, report.created) == (MANY * 9 // 10, MANY // 10, MANY * 9 // 10)
    assert report.resumed_after
    assert desk.count() == MANY * 9 // 10
    assert desk.rows("SELECT count(*), count(DISTINCT number) FROM consents.state") == [(MANY * 9 // 10,) * 2]
    assert desk.rows("SELECT count(*), max(position) FROM ledger.entered") == [(MANY * 9 // 10,) * 2]
    assert list(desk.codes()) == [n + 2 for n in range(0, MANY, 10)]


def test_an_import_waits_for_nobody_and_a_decision_in_between_is_respected(desk: Office, now: datetime) -> None:
    """A no said between two units stands against the older yes of the second."""
    from consents_support import wish

    from placet.consents.actions import record

    path = desk.file(table([row(), row(subject="crm:C-2")]))

    def meanwhile(_report: object) -> None:
        with desk.desk.database.transaction() as connection:
            anna = desk.desk.subjects.find(connection, Alias.crm("C-2"))
            assert anna
            record(connection, [wish(anna, "refused")], rulebook=desk.desk.rulebook, now=now + timedelta(seconds=1))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("placet.consents.imports.UNIT", 1)
        report = import_file(desk.desk, path, Options(), refused=desk.refused, progress=meanwhile)
    assert report.ignored == 1
    assert (2, "offers", "", "refused") in desk.states()
