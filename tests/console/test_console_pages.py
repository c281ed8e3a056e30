"""Who may open which page, and what each tells: figures that add up, and nothing of single persons."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import datetime

import attrs
import pytest

from console.console_crowd import NAME, AtConsole, changed_catalogue, crowd, zipped
from placet.access import reads
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.catalogue.spreadsheet import MEDIA_TYPE
from placet.gate import audited
from placet.gate.replica import Replica
from placet.interfaces.console.office import Health
from placet.kernel import clock
from placet.ledger import store as ledger_store
from placet.ledger.store import Checkpoint, Verification
from staff.staff_people import hired

Sit = Callable[..., AtConsole]
FOR_FIGURES = (
    "/console",
    "/console/decisions",
    "/console/decisions/answers.csv",
    "/console/decisions/over-time.json",
    "/console/regret",
    "/console/stops",
    "/console/ledger",
    "/console/catalogue",
    "/console/catalogue/compare",
    "/console/catalogue/1.zip",
    "/console/processing",
    "/console/processing.csv",
    "/console/processing.ods",
    "/console/components",
)
FOR_OFFICE = ("/console/catalogue/propose",)
FOR_OFFICER = ("/console/case-files", "/console/reads")


@pytest.mark.parametrize("role", list(Role))
def test_each_page_opens_for_its_roles_and_for_no_other(sit: Sit, placet: Application, role: Role) -> None:
    at = sit(hired(placet, "somebody", role))
    opened = {address for address in (*FOR_FIGURES, *FOR_OFFICE, *FOR_OFFICER) if at.go(address).status_code == 200}
    expected: set[str] = set()
    if role in {Role.MARKETER, Role.ANALYST, Role.DPO, Role.ADMIN}:
        expected |= set(FOR_FIGURES)
    if role in {Role.DPO, Role.ADMIN}:
        expected |= set(FOR_OFFICE)
    if role is Role.DPO:
        expected |= set(FOR_OFFICER)
    assert opened == expected
    assert {at.go(address).status_code for address in set(FOR_FIGURES) - opened} <= {403}


def test_nobody_enters_without_signing_in(sit: Sit, dace: Member) -> None:
    at = sit(dace)
    at.client.cookies.clear()
    for address in (*FOR_FIGURES, *FOR_OFFICE, *FOR_OFFICER):
        answer = at.client.get(address, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/staff/sign-in"), address


def test_the_overview_says_what_customers_decided_and_took_back(
    sit: Sit, placet: Application, replica: Replica, dace: Member
) -> None:
    crowd(placet)
    with placet.database.transaction() as connection:
        replica.feed.look(connection)
    at = sit(dace)
    # 20 of 30 said yes to both, and 2 of these took it back: their channel is closed with the purpose.
    assert "60 % of customers have opened News and offers from Amigo, E-mail" in at.words.replace("\xa0", " ")
    assert "10 % took it back within a week" in at.words.replace("\xa0", " ")
    assert NAME not in at.page.text


def test_shares_come_with_their_interval_and_count(sit: Sit, placet: Application, dace: Member) -> None:
    crowd(placet)
    at = sit(dace)
    at.go("/console/decisions?purpose=offers")
    # Wilson, 20 of 30: 0.488 to 0.808.
    assert "67 % of the answers to News and offers from Amigo were a yes (95 % interval: 49 %–81 %, n = 30)." in (
        at.words.replace("\xa0", " ")
    )
    at.go("/console/regret?purpose=offers&channel=email")
    assert "10 % of those who said yes to News and offers from Amigo, E-mail took it back" in at.words.replace(
        "\xa0", " "
    )


def test_whoever_sees_no_persons_is_told_no_small_count(
    sit: Sit, placet: Application, andris: Member, dace: Member
) -> None:
    crowd(placet)
    at = sit(andris)
    at.go("/console/decisions/answers.json?purpose=offers")
    rows = json.loads(at.page.text)["rows"]
    assert {(row["decision"], row["count"], row["taken_back_within_7_days"]) for row in rows} == {
        ("given", 20, None),
        ("refused", 10, None),
        ("withdrawn", None, None),
    }
    at.go("/console/regret?purpose=offers")
    assert "Too few answered" in at.words
    exact = sit(dace)
    exact.go("/console/decisions/answers.json?purpose=offers")
    assert {row["decision"]: row["count"] for row in json.loads(exact.page.text)["rows"]} == {
        "given": 20,
        "refused": 10,
        "withdrawn": 3,
    }


def test_the_downloads_hold_what_the_charts_show(sit: Sit, placet: Application, dace: Member) -> None:
    crowd(placet)
    at = sit(dace)
    answer = at.go("/console/decisions/answers.csv?purpose=offers&channel=email")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {(row["channel"], row["decision"], row["count"]) for row in rows} == {
        ("email", "given", "20"),
        ("email", "refused", "10"),
    }
    assert "attachment" in answer.headers["content-disposition"]
    over_time = json.loads(at.go("/console/decisions/over-time.json?purpose=offers").text)["rows"]
    assert sum(row["count"] for row in over_time if row["decision"] == "given") == 20
    for address in ("/console/decisions/else.csv", "/console/decisions/answers.xls"):
        assert at.go(address).status_code == 404


@pytest.mark.parametrize("address", ["?purpose=nothing&channel=pigeon&period=ever", "?purpose=usage&period=all", "?"])
def test_a_filter_that_names_nothing_known_shows_everything(sit: Sit, dace: Member, address: str) -> None:
    assert sit(dace).go(f"/console/decisions{address}").status_code == 200


def test_the_ledger_page_says_what_the_last_verification_and_the_audit_found(
    sit: Sit, placet: Application, dace: Member
) -> None:
    at = sit(dace)
    at.go("/console/ledger")
    assert "Never yet: run placet ledger verify" in at.words
    assert "never fully verified" in at.words
    assert "All is well" not in at.words
    done = Verification(clock.now(), 1, b"\x07" * 32, 2, None)
    with placet.database.transaction() as connection:
        ledger_store.keep_verification(connection, done)
        connection.execute(
            "INSERT INTO gate.audit_finding VALUES (7, 'offers.email-campaign', %s, 'no-permit')", [clock.now()]
        )
        assert audited.audited(connection).without_permit == 1
    at.go("/console/ledger")
    assert "Places that are not as signed: 2" in at.words
    assert "offers.email-campaign" in at.words
    assert "! Look here" in at.words


def test_the_record_of_processing_is_a_page_and_two_files(sit: Sit, dace: Member) -> None:
    at = sit(dace, "lv")
    at.go("/console/processing")
    assert "Katalogā vēl nav norādīts" in at.words
    assert "offers.email-campaign" in at.words
    text = at.go("/console/processing.csv").content.decode("utf-8-sig")
    assert text.startswith("Darbība,Nosaukums,")
    answer = at.go("/console/processing.ods")
    assert answer.headers["content-type"] == MEDIA_TYPE
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.namelist()[0] == "mimetype"
    assert at.go("/console/processing.exe").status_code == 404


def test_a_draft_is_proposed_by_one_approved_by_another_and_published(
    sit: Sit, placet: Application, replica: Replica, dace: Member, oskars: Member
) -> None:
    crowd(placet)
    with placet.database.transaction() as connection:
        replica.feed.look(connection)
    files = changed_catalogue(placet, words={"days: 30": "days: 31", "version: '1.0'": "version: '2.0'"})
    one, other = sit(dace), sit(oskars)
    one.propose({"new.zip": zipped(files)})
    address = one.page.url.path
    assert re.fullmatch(r"/console/catalogue/drafts/[0-9a-f-]{36}", address)
    # 20 said yes, 2 of them took it back.
    assert re.search(
        r"Consents that lapse News and offers from Amigo ! Major: everybody who said yes is asked again 18 ", one.words
    )
    assert one.post(address, step="approve").status_code == 400
    assert "Nobody approves or refuses their own draft" in one.words
    other.go(address)
    other.post(address, step="publish")
    assert "no longer where it was" in other.words
    other.post(address, step="approve")
    assert "Approved by Oskars" in other.words
    one.go(address)
    one.post(address, step="publish")
    assert "Published by Dace" in one.words
    with placet.database.transaction() as connection:
        assert str(placet.catalogue(connection).purposes["offers"].version) == "2.0"  # type: ignore[index]
    compared = one.go("/console/catalogue/compare?text=en").text
    assert "<del>" in compared
    assert "<ins>" in compared


def test_a_single_file_is_put_onto_the_catalogue_in_force(sit: Sit, placet: Application, dace: Member) -> None:
    files = changed_catalogue(placet, words={"channels that you choose": "channels that you pick"})
    offers = files["purposes/offers.yaml"].decode().replace("version: '1.0'", "version: '1.1'")
    at = sit(dace)
    at.propose({"catalogue.yaml": files["catalogue.yaml"], "offers.yaml": offers.encode()})
    assert "Waits for a second person" in at.words
    assert "Minor: the same agreement in other words" in at.words
    at.go(f"{at.page.url.path}?text=en")
    assert "<del>choose</del>" in at.page.text


def test_what_is_uploaded_is_bounded_and_what_cannot_be_read_is_said(
    sit: Sit, placet: Application, dace: Member
) -> None:
    at = sit(dace)
    bomb = zipped({"catalogue.yaml": b"0" * 50_000_000})
    assert len(bomb) < 100_000
    wrong: list[tuple[dict[str, bytes], str]] = [
        ({"bomb.zip": bomb}, "unpacks to more than"),
        ({"many.zip": zipped({f"purposes/p{each}.yaml": b"" for each in range(101)})}, "more than 100 files"),
        ({"up.zip": zipped({"../../etc/passwd": b"x"})}, "not a file of a catalogue"),
        ({"no.zip": b"this is no archive"}, "cannot be read"),
        ({"one.zip": bomb, "offers.yaml": b"x"}, "not both"),
        ({"offers.yaml": b"id: offers\nversion: [1"}, "not valid YAML"),
        ({"offers.yaml": b"a: &a [x]\nb: *a"}, "an alias"),
        ({"notes.txt": b"hello"}, "not a file of a catalogue"),
        ({"": b""}, "there is no file"),
    ]
    for files, said in wrong:
        assert at.propose(files).status_code == 400, said
        assert said in at.words
        assert "Nothing was kept" in at.words
    assert at.propose({"large.zip": bytes(1_200_000)}).status_code == 413
    assert at.propose(changed_catalogue(placet, version="1.0")).status_code == 400
    assert "in force already" in at.words
    assert at.propose(changed_catalogue(placet), why=" ").status_code == 400
    at.go("/console/catalogue")
    assert "Nobody has proposed anything yet" in at.words


def test_a_refused_draft_keeps_the_reason_and_a_withdrawn_one_is_gone(
    sit: Sit, placet: Application, dace: Member, oskars: Member
) -> None:
    one, other = sit(dace), sit(oskars)
    one.propose(changed_catalogue(placet))
    first = one.page.url.path
    other.go(first)
    other.post(first, step="refuse", reason="  ")
    assert "Say why" in other.words
    other.post(first, step="refuse", reason="The <b>words</b> are not ours")
    assert "Refused by Oskars" in other.words
    assert "The &lt;b&gt;words&lt;/b&gt; are not ours" in other.page.text
    one.propose(changed_catalogue(placet, version="1.2"))
    second = one.page.url.path
    other.go(second)
    assert other.post(second, step="withdraw").status_code == 400
    one.post(second, step="withdraw")
    assert "Taken back by Dace" in one.words
    assert one.post(second, step="dance").status_code == 400
    assert one.go("/console/catalogue/drafts/nothing").status_code == 404


def test_the_case_file_is_handed_out_after_the_reason_is_written_down(
    sit: Sit, placet: Application, dace: Member
) -> None:
    anna = crowd(placet, people=1)[0]
    placet.keeper.run_once(clock.now())
    at = sit(dace)
    at.go("/console/case-files")
    assert at.post("/console/case-files", subject=str(anna.id), reason="").status_code == 400
    at.go("/console/case-files")
    assert at.post("/console/case-files", subject="email:nobody@example.lv", reason="DVI 12/2026").status_code == 400
    assert "Nobody is known by this" in at.words
    with placet.database.transaction() as connection:
        assert reads.of_subject(connection, anna.id) == []
    at.go("/console/case-files")
    answer = at.post("/console/case-files", subject="email:person0@example.lv", reason="DVI 12/2026")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert any(name.endswith("manifest.json") for name in packed.namelist())
    with placet.database.transaction() as connection:
        (read,) = reads.of_subject(connection, anna.id)
    assert (read.what, read.reason, read.role) == ("case-file", "DVI 12/2026", "dpo")
    at.go("/console/reads")
    assert "DVI 12/2026" in at.words
    assert NAME not in at.page.text
    assert at.go("/console/reads?before=x").status_code == 400


def test_every_chart_has_a_title_and_no_page_an_inline_style(sit: Sit, placet: Application, dace: Member) -> None:
    crowd(placet)
    at = sit(dace)
    for address in ("/console/decisions", "/console/regret", "/console/components"):
        text = at.go(address).text
        charts = re.findall(r"<svg class=\"chart\".*?</svg>", text, re.DOTALL)
        assert charts
        assert all("<title id=" in chart for chart in charts)
        assert " style=" not in text
        ids = re.findall(r' id="([^"]+)"', text)
        assert len(ids) == len(set(ids)), address


def test_all_is_well_only_once_somebody_has_looked(now: datetime) -> None:
    tree = Checkpoint(1, 7, b"\x07" * 32, "note", now, ("\u2014 witness.example/w1 AAAA",))
    verified, replayed = Verification(now, 7, b"\x07" * 32, 0, 0), audited.Audited(0, 0, now)
    health = Health(7, tree, tree, verified, replayed, frozenset(), 0.0, 7)
    assert health.is_proved
    never = audited.Audited(0, 0, None)
    for unknown in ({"cosigned": None}, {"verified": None}, {"audited": never}):
        known = attrs.evolve(health, **unknown)
        assert known.is_well
        assert not known.is_proved
    wrong = attrs.evolve(health, verified=Verification(now, 7, b"\x07" * 32, 0, 1))
    assert not wrong.is_well
    assert not wrong.is_proved
