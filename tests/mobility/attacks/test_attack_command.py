"""`placet mobility attack --small`: everything is tried once, and each claim of the report is held against it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any

import pytest
from click.testing import CliRunner

from placet.interfaces.cli.attack_words import ATTACKS, WAYS
from placet.interfaces.cli.main import main
from placet.purposes.mobility.attacks import suite
from placet.purposes.mobility.attacks.model import Against

THEIRS = [one for one in Against if not one.ours]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[Mapping[str, Any], str]:
    page = tmp_path_factory.mktemp("attack") / "report.html"
    ran = CliRunner().invoke(main, ["mobility", "attack", "--small", "--json", "--out", str(page)])
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout), page.read_text(encoding="utf-8")


def found(tried: tuple[Mapping[str, Any], str], name: str, against: Against) -> Mapping[str, Any]:
    return next(one for one in tried[0]["findings"] if (one["name"], one["against"]) == (name, against))


def test_none_of_ours_gets_above_its_bound(tried: tuple[Mapping[str, Any], str]) -> None:
    ours = [one for one in tried[0]["findings"] if one["ours"]]
    assert {one["name"] for one in ours} == set(suite.ATTACKS)
    assert all(one["held"] for one in ours)
    assert all(curve["held"] for curve in tried[0]["curves"])
    assert tried[0]["held"]


@pytest.mark.parametrize("against", THEIRS)
def test_every_other_way_to_release_is_broken(tried: tuple[Mapping[str, Any], str], against: Against) -> None:
    assert any(one["beaten"] for one in tried[0]["findings"] if one["against"] == against)


BROKEN: Sequence[tuple[str, Against]] = [
    ("membership", Against.EXACT),
    ("membership", Against.FIVE),
    ("membership", Against.MULTIPLIED),
    ("canary", Against.FIFTEEN),
    ("one resident", Against.MULTIPLIED),
    ("withdrawal", Against.FIVE),
    ("withdrawal", Against.FIFTEEN),
    ("withdrawal", Against.EVENTS),
    ("two areas", Against.FIVE),
    ("two areas", Against.FIFTEEN),
    ("recovery", Against.EXACT),
    ("repetition", Against.ANEW),
    ("ten thousand events", Against.EVENTS),
    ("exhaustion", Against.UNLOCKED),
]


@pytest.mark.parametrize(("name", "against"), BROKEN)
def test_an_attack_succeeds_where_it_should(tried: tuple[Mapping[str, Any], str], name: str, against: Against) -> None:
    """What others release was drawn with a fixed seed, so these figures are the same each time."""
    assert found(tried, name, against)["beaten"]


def test_a_zone_of_one_and_a_zone_of_none_look_alike_below_a_threshold(tried: tuple[Mapping[str, Any], str]) -> None:
    """Said as it is: against this attack alone a threshold helps."""
    assert found(tried, "one resident", Against.FIVE)["measured"] == 0.5


def test_many_at_once_spend_the_budget_to_its_end_and_no_further(tried: tuple[Mapping[str, Any], str]) -> None:
    assert found(tried, "exhaustion", Against.PLACET)["measured"] == 1.0
    assert found(tried, "exhaustion", Against.UNLOCKED)["measured"] > 1.0


def test_ten_thousand_events_move_no_product_beyond_its_bound(tried: tuple[Mapping[str, Any], str]) -> None:
    """The one moves every product to its bound in some measure, so a bound that were kept too loosely would show."""
    one = found(tried, "ten thousand events", Against.PLACET)
    assert one["measured"] == 1.0
    assert "zone-profile 1.00, zone-load 1.00" in one["note"]
    looked_for = [other for other in tried[0]["findings"] if other["name"] == one["name"] and other["figure"] == "auc"]
    assert [other["held"] for other in looked_for] == [True]


def test_a_whole_year_of_releases_is_told_with_its_own_bound(tried: tuple[Mapping[str, Any], str]) -> None:
    year, month = (found(tried, "canary", one)["bound"] for one in (Against.PLACET_YEAR, Against.PLACET))
    assert year > 0.88 > 0.64 > month


def test_the_report_names_every_attack_and_every_way(tried: tuple[Mapping[str, Any], str]) -> None:
    page = unescape(tried[1])
    assert set(ATTACKS) == set(suite.ATTACKS)
    assert set(WAYS) == set(Against)
    assert all(words.title in page for words in ATTACKS.values())
    assert all(way.name in page for way in WAYS.values())
    assert page.count("<svg") >= 13
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert page.index("Of our releases no attack got further")
