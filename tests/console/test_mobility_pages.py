"""Releases of mobility in the console: made public by a second person, withdrawn with a notice, paid for in sight."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from console.console_crowd import AtConsole
from mobility.faces.atlas_town import released
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.purposes.mobility.model import FLOWS, Rho, Window
from placet.purposes.mobility.privacy.budget import Budget
from placet.purposes.mobility.privacy.debit import CUSTOMERS
from staff.staff_people import hired

Sit = Callable[..., AtConsole]
RELEASE = "/console/mobility/releases/2026-10"


def test_a_second_person_makes_a_release_public_after_a_look_at_its_files(
    placet: Application, sit: Sit, andris: Member, dace: Member
) -> None:
    released(placet, made_by=andris.id)
    own = sit(andris)
    own.go(RELEASE)
    assert "Another analyst or the data-protection officer must make it public" in own.words
    assert 'value="publish"' not in own.page.text
    # The form of another page of his: the rule itself refuses, not the missing button.
    own.post(RELEASE, step="publish")
    assert own.page.status_code == 400
    assert "Whoever made a release does not make it public" in own.words

    second = sit(dace)
    second.go(RELEASE)
    assert "ρ 0.11" in second.words
    assert second.client.get(f"{RELEASE}/files/zone-profile.csv").text.startswith('"zone","level"')
    assert second.client.get(f"{RELEASE}/files/nothing.csv").status_code == 404
    assert f'<a href="{RELEASE}/files/report.lv.html" lang="lv"' in second.page.text
    second.post(RELEASE, step="publish")
    assert "See the map" in second.words
    assert "Dace" in second.words
    second.post(RELEASE, step="publish")
    assert "this release is public already" in second.words


def test_a_release_with_a_broken_file_is_not_made_public(placet: Application, sit: Sit, dace: Member) -> None:
    release = released(placet)
    file = placet.mobility.releases.place(release) / "flows.csv"
    file.write_bytes(file.read_bytes() + b"\n")
    officer = sit(dace)
    officer.go(RELEASE)
    officer.post(RELEASE, step="publish")
    assert "A file is not as it was released" in officer.words
    with placet.database.transaction() as connection:
        assert placet.mobility.releases.public(connection) == []


def test_a_withdrawal_needs_its_reason_and_is_for_good(placet: Application, sit: Sit, dace: Member) -> None:
    released(placet, public_by=dace.id)
    officer = sit(dace)
    officer.go(RELEASE)
    officer.post(RELEASE, step="withdraw", notice="  ")
    assert "Say why" in officer.words
    officer.post(RELEASE, step="withdraw", notice="One day was counted twice")
    assert "One day was counted twice" in officer.words
    assert "Withdrawn" in officer.words
    assert 'value="withdraw"' not in officer.page.text
    officer.go("/console/mobility")
    assert "Withdrawn" in officer.words


def test_an_administrator_reads_and_changes_nothing(placet: Application, sit: Sit, oskars: Member) -> None:
    released(placet)
    reader = sit(oskars)
    reader.go(RELEASE)
    assert reader.page.status_code == 200
    assert 'value="publish"' not in reader.page.text
    reader.go("/console/catalogue/propose")
    assert reader.post(RELEASE, step="publish").status_code == 403


def test_what_each_person_was_charged_is_in_sight(placet: Application, sit: Sit, andris: Member) -> None:
    analyst = sit(andris)
    analyst.go("/console/mobility")
    assert "Nothing was released yet" in analyst.words
    assert "No month has cost anybody anything yet" in analyst.words
    with placet.database.transaction() as connection:
        Budget(Rho(placet.config.mobility_rho)).debit(
            connection, population=CUSTOMERS, window=Window.month("2026-10"), product=FLOWS, release="2026-10",
            grid_sha256="ab" * 32, code_sha256="cd" * 32, now=datetime(2026, 11, 3, tzinfo=UTC),
        )  # fmt: skip
    analyst.go("/console/mobility")
    assert "October 2026" in analyst.words
    assert "ρ 0.01 / 0.12" in analyst.words


def test_the_quality_of_deliveries_says_which_days_are_missing(placet: Application, sit: Sit, andris: Member) -> None:
    analyst = sit(andris)
    analyst.go("/console/mobility/quality?days=7")
    assert "No events were delivered for these days" in analyst.words
    assert analyst.go("/console/mobility/quality?days=bogus").status_code == 200


def test_a_marketer_finds_no_way_there(placet: Application, sit: Sit) -> None:
    marketer = sit(hired(placet, "maija", Role.MARKETER))
    marketer.go("/console")
    assert "/console/mobility" not in marketer.page.text
    assert marketer.go("/console/mobility").status_code == 403
