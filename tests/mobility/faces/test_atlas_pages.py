"""The atlas as it is served: only what is public, only what was published, in the same words page by page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from html import unescape
from itertools import product

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from mobility.faces.atlas_town import released
from placet.access.staff import Member
from placet.bootstrap import Application
from placet.kernel import clock
from placet.purposes.mobility.releasing.actions import Releases
from placet.purposes.mobility.releasing.model import REPORTS, Release

VIEWS = ("people", "change", "load", "flows", "commuting", "times")

NOWHERE = (
    "2026-09/people/weekday-08",
    "2026-10/people/weekday-24",
    "2026-10/people/morning",
    "2026-10/flows/weekday-08",
    "2026-10/bogus/weekday-08",
    "2026-10/people/weekday-08/z77",
    "2026-10/people?day=weekday&hour=99",
    "2026-10/people/hours.weekday.xx.json",
    "2026-10/flows/hours.weekday.en.json",
    "2026-10/files/..%2F..%2Fplacet.toml",
    "2026-10/files/noise.npz",
)


def rows_of(page: str) -> list[list[str]]:
    """The cells of the table beside the map."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    ]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def shelf(application: Application) -> Releases:
    return Releases(application.config.data_dir / "mobility" / "releases")


def test_before_the_first_release_the_atlas_says_so(reader: TestClient) -> None:
    page = reader.get("/atlas")
    assert page.status_code == 200
    assert "No map has been published yet" in page.text
    assert reader.get("/atlas/method").status_code == 200


def test_a_release_that_nobody_has_published_is_not_there(placet: Application, reader: TestClient) -> None:
    released(placet)
    assert "No map has been published yet" in reader.get("/atlas").text
    for address in ("2026-10", "2026-10/people/weekday-08", "2026-10/data", "2026-10/files/zone-profile.csv"):
        assert reader.get(f"/atlas/{address}").status_code == 404


def test_the_atlas_opens_at_the_newest_month(placet: Application, october: Release, reader: TestClient) -> None:
    page = reader.get("/atlas")
    assert page.url.path == "/atlas/2026-10/people/weekday-08"
    assert "Weekday, 08:00" in page.text
    assert "October 2026" in page.text
    assert "Town" in page.text


def test_every_view_opens_in_every_language_alone_and_around_a_zone(october: Release, reader: TestClient) -> None:
    for view, language in product(VIEWS, ("lv", "ru", "en")):
        page = reader.get(f"/atlas/2026-10/{view}", headers={"accept-language": language})
        assert page.status_code == 200
        assert len(rows_of(page.text)) > 1
        around = reader.get(f"{page.url.path}/z6", headers={"accept-language": language})
        assert around.status_code == 200
        assert "Centrs" in around.text


def test_the_table_says_what_the_published_file_says(placet: Application, october: Release, reader: TestClient) -> None:
    rows = pq.read_table(shelf(placet).file(october, "zone-profile.parquet")).to_pylist()
    told = {
        row["zone"]: row
        for row in rows
        if (row["level"], row["day_type"], row["hour"], row["hidden"]) == ("zone", "weekend", 14, False)
    }
    found = rows_of(reader.get("/atlas/2026-10/people/weekend-14").text)
    shown = {name: (value, between) for name, value, between, _ in found}
    assert shown["Centrs"][0] != "–"
    for zone, name in (("z0", "Kalns"), ("z6", "Centrs"), ("z9", "Šķūņi")):
        assert number(shown[name][0]) == pytest.approx(told[zone]["estimate"], rel=0.01)
        low, high = shown[name][1].split("–")
        assert number(low) == pytest.approx(told[zone]["estimate_low"], rel=0.01)
        assert number(high) == pytest.approx(told[zone]["estimate_high"], rel=0.01)
    # Where forty people live, twelve of them counted, noise leaves nothing to tell.
    assert "z5" not in told
    assert shown["Tilts"] == ("–", "")


def test_the_hours_that_a_script_turns_are_those_of_the_pages(october: Release, reader: TestClient) -> None:
    for view in ("people", "change", "load"):
        frames = reader.get(f"/atlas/2026-10/{view}/hours.weekday.en.json").json()
        for hour in (0, 8, 15):
            page = reader.get(f"/atlas/2026-10/{view}/weekday-{hour:02d}").text
            frame = frames["hours"][hour]
            at = {zone: index for index, zone in enumerate(frames["zones"])}
            expected = [[frame[key][at[zone]] for key in ("values", "betweens", "beside")] for zone in frame["order"]]
            assert [row[1:] for row in rows_of(page)] == expected
            assert frame["first"] in unescape(page)
            tones = re.findall(r'data-zone="(z\d)"[^>]*>.*?<path class="(t\d|untold)"', page)
            assert {zone: frame["tones"][at[zone]] for zone, _ in tones} == {
                zone: None if tone == "untold" else int(tone[1]) for zone, tone in tones
            }


def test_the_form_without_scripts_leads_to_the_address_of_what_it_asks_for(
    october: Release, reader: TestClient
) -> None:
    page = reader.get("/atlas/2026-10/load?day=weekend&hour=21&zone=z2")
    assert page.url.path == "/atlas/2026-10/load/weekend-21/z2"
    assert reader.get("/atlas/2026-10/flows?slot=evening&zone=").url.path == "/atlas/2026-10/flows/evening"


def test_what_does_not_exist_is_told_kindly(october: Release, reader: TestClient) -> None:
    for address in NOWHERE:
        page = reader.get(f"/atlas/{address}")
        assert page.status_code == 404, address
        assert "This page does not exist" in page.text


def test_every_file_is_served_byte_for_byte(placet: Application, october: Release, reader: TestClient) -> None:
    page = reader.get("/atlas/2026-10/data").text
    for name, sha256 in shelf(placet).files(october).items():
        assert sha256 in page
        answer = reader.get(f"/atlas/2026-10/files/{name}")
        assert hashlib.sha256(answer.content).hexdigest() == sha256
        assert answer.headers["content-disposition"] == f'attachment; filename="2026-10-{name}"'
    assert october.sha256 in page


def test_the_report_for_planners_is_offered_in_each_language(october: Release, reader: TestClient) -> None:
    page = reader.get("/atlas/2026-10/data").text
    for language, file in REPORTS.items():
        assert f'<a href="/atlas/2026-10/files/{file}" lang="{language}"' in page
        assert f'<html lang="{language}">' in reader.get(f"/atlas/2026-10/files/{file}").text


def test_a_withdrawn_release_leaves_its_notice_and_nothing_else(
    placet: Application, october: Release, andris: Member, reader: TestClient
) -> None:
    assert reader.get("/atlas/2026-10/people/weekday-08").status_code == 200
    with placet.database.transaction() as connection:
        shelf(placet).withdraw(connection, october.id, by=andris.id, notice="A day was counted twice", now=clock.now())
    for address in ("people/weekday-08", "files/zone-profile.csv"):
        assert reader.get(f"/atlas/2026-10/{address}").status_code == 404
    assert "A day was counted twice" in reader.get("/atlas/releases").text
    assert "A day was counted twice" in reader.get("/atlas/2026-10/data").text
    assert "No map has been published yet" in reader.get("/atlas").text


def test_a_change_that_noise_could_make_has_no_colour(october: Release, reader: TestClient) -> None:
    """At three at night nearly everything is as it is at night."""
    frames = reader.get("/atlas/2026-10/change/hours.weekday.en.json").json()["hours"]
    tones: Sequence[int | None] = frames[3]["tones"]
    assert tones.count(3) >= 8
    assert any(tone not in (3, None) for tone in frames[12]["tones"])


def test_around_a_place_of_work_the_colours_are_where_those_who_work_there_live(
    placet: Application, october: Release, reader: TestClient
) -> None:
    page = reader.get("/atlas/2026-10/commuting/month/z6").text
    rows = pq.read_table(shelf(placet).file(october, "catchment.parquet")).to_pylist()
    told = {row["home"]: row["share"] for row in rows if row["work"] == "z6" and not row["hidden"]}
    shown = dict(re.findall(r'data-zone="(z\d)"[^>]*><title>[^<]*: ([\d.]+)', page))
    assert {zone: float(percent) for zone, percent in shown.items()} == pytest.approx(
        {zone: 100 * share for zone, share in told.items()}, abs=0.51
    )
    assert len(told) > 2


def test_the_page_on_method_states_the_noise_of_the_newest_release(october: Release, reader: TestClient) -> None:
    page = reader.get("/atlas/method").text
    assert "ρ = 0.11," in page
    assert "7.1 people" in page
    assert 'class="bells"' in page
