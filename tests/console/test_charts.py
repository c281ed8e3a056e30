"""Charts are text made from values: escaped, within their frame, and the same for the same values."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet.consents.counts import Spell
from placet.consents.model import Decision
from placet.consents.shares import Share, exact, rounded
from placet.interfaces.console.figures import Period, Shown, course, reach, scale
from placet.interfaces.web.charts import Bar, Column, bars, columns

SVG = "{http://www.w3.org/2000/svg}"
SHARES = st.one_of(st.none(), st.floats(-1, 2))
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=80)


@given(st.lists(st.builds(Bar, WORDS, SHARES, WORDS, SHARES, SHARES), max_size=5), WORDS, WORDS)
def test_bars_are_well_formed_and_stay_within_their_frame(rows: list[Bar], title: str, description: str) -> None:
    chart = ET.fromstring(bars(rows, id="x", title=title, description=description))
    assert chart.find(f"{SVG}title").text in (title, None)  # type: ignore[union-attr]
    widths = [rect.attrib["width"] for rect in chart.iter(f"{SVG}rect")]
    assert all(0 <= float(width.rstrip("%")) <= 100 for width in widths)
    assert "style" not in {name for element in chart.iter() for name in element.attrib}


def test_what_people_wrote_is_never_markup() -> None:
    text = str(bars([Bar("<script>", 0.5, "&", 0.4, 0.6)], id="x", title='"><img>'))
    assert "<script>" not in text
    assert "<img>" not in text
    assert "&lt;script&gt;" in text


def test_a_long_label_breaks_into_lines_and_moves_what_stands_below() -> None:
    short, long = (str(bars([Bar(label, 0.5, "1")], id="x", title="t")) for label in ("a", "words " * 12))
    assert short.count('class="label"') == 1
    assert long.count('class="label"') == 3
    assert ET.fromstring(long).attrib["height"] > ET.fromstring(short).attrib["height"]


def test_the_same_values_make_the_same_chart() -> None:
    points = [Column("5 Jan", 0.2, "20 %"), Column("12 Jan", None, "–"), Column("19 Jan", 1.0, "100 %")]
    assert columns(points, id="x", title="t") == columns(points, id="x", title="t")
    assert columns([], id="x", title="t") == ""
    assert ET.fromstring(columns(points[:1], id="x", title="t")).tag == f"{SVG}svg"


@pytest.mark.parametrize(
    ("name", "since", "step"),
    [("30", date(2026, 2, 11), "week"), ("365", date(2025, 3, 13), "month"), ("?", None, "week")],
)
def test_a_period_ends_with_today_in_the_operators_zone(name: str, since: date | None, step: str) -> None:
    period = Period.parse(name, datetime(2026, 3, 11, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Riga"))
    assert period.until == date(2026, 3, 13)
    assert since in (None, period.since)
    assert period.step == step


def test_a_course_has_no_gaps() -> None:
    spells = [
        Spell(first, "offers", None, Decision.GIVEN, 1, 0)  # type: ignore[arg-type]
        for first in (date(2025, 11, 1), date(2026, 2, 1))
    ]
    period = Period("365", date(2025, 3, 13), date(2026, 3, 13))
    found = course(spells, period, exact)
    assert [spot.first for spot in found] == [
        date(2025, 11, 1),
        date(2025, 12, 1),
        *(date(2026, m, 1) for m in (1, 2, 3)),
    ]
    assert [spot.group.yes.shown for spot in found] == [1, 0, 0, 1, 0]


def test_the_scale_is_round_and_holds_what_it_shows() -> None:
    shown = [Shown.of(Share(3, 100), exact), Shown.of(Share(9, 100), exact)]
    assert reach(shown) == 0.1
    assert scale(shown) == 0.2
    assert scale([Shown.of(Share(3, 100), rounded)]) == 1.0
