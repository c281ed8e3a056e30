"""What maps are drawn by: areas stay true, borders stay shared, names stay apart, noise is no change."""

from __future__ import annotations

from math import cos, radians, sin

import pytest

from mobility.faces.atlas_town import country, square
from placet.interfaces.atlas import plates, scale
from placet.interfaces.atlas.arcs import arc
from placet.interfaces.atlas.labels import Place, labels
from placet.interfaces.atlas.outlines import Box, shapes
from placet.interfaces.atlas.panels import Panel, graticule, panels
from placet.interfaces.atlas.projection import EARTH_KM, Projection
from placet.interfaces.atlas.volume import Figure


@pytest.mark.parametrize("south", [0.0, 40.0, 57.0, 70.0])
def test_areas_on_the_map_are_those_on_the_globe(south: float) -> None:
    ring = [(20 + step / 50, south) for step in range(51)] + [(21 - step / 50, south + 0.5) for step in range(51)]
    _, drawn = shapes(
        {"near": {"type": "Polygon", "coordinates": [ring]}, "far": square(23.0, south + 2, 0.1)},
    )
    exact = EARTH_KM**2 * radians(1.0) * (sin(radians(south + 0.5)) - sin(radians(south)))
    assert drawn["near"].area == pytest.approx(exact, rel=1e-4)


def test_a_degree_of_latitude_is_111_km_in_the_middle_of_the_map() -> None:
    x, y = Projection(24.0, 57.0).plane((24.0, 58.0))
    assert x == pytest.approx(0.0, abs=1e-9)
    assert y == pytest.approx(EARTH_KM * radians(1.0), rel=1e-4)
    x, y = Projection(24.0, 57.0).plane((25.0, 57.0))
    assert x == pytest.approx(EARTH_KM * radians(1.0) * cos(radians(57.0)), rel=1e-4)


def test_a_hole_is_no_area_and_the_largest_part_holds_the_middle() -> None:
    (ring,) = square(24.0, 57.0, 0.4)["coordinates"]  # type: ignore[misc]
    (hole,) = square(24.1, 57.05, 0.2)["coordinates"]  # type: ignore[misc]
    (island,) = square(26.0, 57.0, 0.1)["coordinates"]  # type: ignore[misc]
    _, drawn = shapes(
        {
            "whole": {"type": "Polygon", "coordinates": [ring]},
            "holed": {"type": "MultiPolygon", "coordinates": [[island], [ring, hole]]},
        }
    )
    whole, holed = drawn["whole"], drawn["holed"]
    assert holed.area == pytest.approx(whole.area * (1 - 1 / 4 + 1 / 16), rel=0.01)
    assert holed.middle == pytest.approx(whole.middle)


def test_a_town_too_small_to_see_is_enlarged_beside_the_whole_with_its_neighbours() -> None:
    places = country()
    projection, drawn = shapes({zone.id: zone.outline for zone in places.zones})
    whole, town = panels(drawn, {zone.id: zone.parent for zone in places.zones})
    assert whole.zones == tuple(f"z{at}" for at in range(10))
    assert town.name == "pilsēta"
    assert set(town.zones) >= {"z6", "z7", "z8", "z9"}
    x, y, width, height = whole.frame_of(town)
    assert 0 < x < 1000 - width
    assert 0 < y < whole.height - height
    assert all(line.startswith("M") for panel in (whole, town) for line in graticule(panel, projection))


def test_neighbours_share_their_border_to_the_unit() -> None:
    _, drawn = shapes({"west": square(22.0, 56.0, 0.5), "east": square(22.5, 56.0, 0.5)})
    panel = Panel("", Box.around([shape.box for shape in drawn.values()]), ("west", "east"))
    corners = {zone: {panel.at(point) for ring in shape.rings for point in ring} for zone, shape in drawn.items()}
    assert len(corners["west"] & corners["east"]) == 2
    assert panel.path(drawn["west"]).endswith("z")


def test_borders_of_classes_are_round_few_and_the_same_for_any_order() -> None:
    values = [3.0 * 1.12**step for step in range(80)]
    found = scale.borders(values)
    assert found == scale.borders(reversed(values))
    assert 3 <= len(found) <= scale.CLASSES - 1
    assert list(found) == sorted(set(found))
    assert [scale.rounded(edge) for edge in found] == list(found)
    assert {scale.class_of(value, found) for value in values} == set(range(len(found) + 1))
    assert scale.borders([0.0, -4.0]) == ()


@pytest.mark.parametrize(
    ("value", "told"), [(0.43, 0.4), (0.143, 0.14), (1260.0, 1300.0), (78.0, 80.0), (2.0, 2.0), (0.0, 0.0)]
)
def test_a_border_has_one_figure_and_two_where_it_begins_with_one(value: float, told: float) -> None:
    assert scale.rounded(value) == told


def test_no_name_lies_on_another_and_the_larger_place_wins() -> None:
    panel = Panel("", Box(0.0, 0.0, 100.0, 60.0), ())
    near = [Place("Lielpilsēta", 500, 300, 90_000), Place("Mazciems", 510, 305, 900), Place("Tālciems", 200, 100, 50)]
    found = labels(panel, near)
    assert [label.text for label in found if label.is_major] == ["Lielpilsēta", "Tālciems"]
    assert "Mazciems" not in {label.text for label in found}
    assert labels(panel, [Place("Aiz malas", 2, 300, 5)]) == ()


def test_an_arc_begins_wide_ends_narrow_and_leaves_room_for_the_way_back() -> None:
    there, back = arc((0, 0), (100, 0), 10), arc((100, 0), (0, 0), 10)
    assert there.startswith("M0.0 5.0Q")
    # To the right of who heads east is down, as SVG counts.
    assert "Q50.0 20.9" in there
    assert "Q50.0 -20.9" in back


def test_a_change_is_measured_against_the_whole_night_and_carries_the_noise_of_both() -> None:
    night = {("z", "weekday", hour): Figure(100, 90, 110) for hour in plates.NIGHT}
    table = {**night, ("z", "weekday", 12): Figure(130, 125, 135)}
    found = plates.changed(table, "z", "weekday", 12)
    assert found is not None
    share, by = found
    # Four hours of night are twice as sure as one.
    assert by == Figure(30, pytest.approx(30 - 50**0.5), pytest.approx(30 + 50**0.5))
    half = 1.3 * ((5 / 130) ** 2 + (5 / 100) ** 2) ** 0.5
    assert share == Figure(pytest.approx(0.3), pytest.approx(0.3 - half), pytest.approx(0.3 + half))
    assert plates.changed(table, "z", "weekday", 13) is None


def test_a_night_that_noise_could_have_made_measures_nothing() -> None:
    night = {("z", "weekday", hour): Figure(20, -20, 60) for hour in plates.NIGHT}
    assert plates.changed({**night, ("z", "weekday", 12): Figure(130, 125, 135)}, "z", "weekday", 12) is None
    fewer = {key: figure for key, figure in night.items() if key[2] != 3}
    assert plates.mean(fewer, "z", "weekday", plates.NIGHT) is None
