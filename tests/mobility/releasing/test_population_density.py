"""CAMARA Population Density Data: the standard's words over figures that are public, and nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from counted_town import PLACES, counts, month
from release_town import ReleaseTown

from placet.access import keys
from placet.interfaces.camara import areas, geohash
from placet.interfaces.camara.app import camara
from placet.interfaces.camara.problems import API
from placet.interfaces.camara.shapes import Polygon
from placet.purposes.mobility.model import ZONE_PROFILE
from placet.purposes.mobility.places import grid, laea
from placet.purposes.mobility.releasing import figures, model
from placet.purposes.mobility.releasing.density import Densities, Density, Place, Unknown
from placet.purposes.mobility.releasing.stored import _collection

with warnings.catch_warnings():
    # Starlette's client announces another HTTP library to come; httpx is what we have.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

PATH = "/population-density-data/v0.3/retrieve"
RIGA = geohash.encode(24.105, 56.949, 7)
SEA = geohash.encode(23.0, 57.6, 7)
Send = Callable[..., Any]


@pytest.fixture
def send(town: ReleaseTown) -> Iterator[Send]:
    """Sends a body with a key and a correlator; a release is public. Its clock stands six days after that day."""
    placet, now = town.events.placet, town.events.now
    release = town.make()
    with placet.database.transaction() as connection:
        placet.mobility.releases.publish(connection, release.id, by=town.approver, now=now)
        text = keys.add(connection, "city", ["mobility:read"], now=now).text
    placet.api_keys.refresh(now)
    start = now - timedelta(days=6)
    usual = {
        "area": {"areaType": "GEOHASHLIST", "geohashes": [RIGA]},
        "startTime": start.isoformat(),
        "endTime": (start + timedelta(hours=1)).isoformat(),
    }

    def sent(*, key: str = text, **changes: Any) -> Any:
        headers = {"authorization": f"Bearer {key}", "x-correlator": "b4333c46-49c0"}
        return client.post(PATH, json=usual | changes, headers=headers)

    with TestClient(camara(placet, now=lambda: now)) as client:
        yield sent


def square(lat: float, lon: float, half: float) -> dict[str, Any]:
    corners = [(lat - half, lon - half), (lat - half, lon + half), (lat + half, lon + half), (lat + half, lon - half)]
    return {"areaType": "POLYGON", "boundary": [{"latitude": y, "longitude": x} for y, x in corners]}


def test_cells_are_public_and_told_hour_by_hour_low_where_no_factor_is_sure_and_no_data_outside(
    send: Send, town: ReleaseTown
) -> None:
    answer = send(area={"areaType": "GEOHASHLIST", "geohashes": [RIGA, SEA, RIGA]})
    assert (answer.status_code, answer.headers["x-correlator"]) == (200, "b4333c46-49c0")
    told = answer.json()
    assert told["status"] == "PART_OF_AREA_NOT_SUPPORTED"
    (hour,) = told["timedPopulationDensityData"]
    assert hour["startTime"].startswith("2040-06-04T12:00:00")
    assert hour["cellPopulationDensityData"] == [
        {"geohash": RIGA, "dataType": "LOW_DENSITY"}, {"geohash": SEA, "dataType": "NO_DATA"},
    ]  # fmt: skip
    assert send(area={"areaType": "GEOHASHLIST", "geohashes": [SEA]}).json() == {
        "status": "AREA_NOT_SUPPORTED", "timedPopulationDensityData": [],
    }  # fmt: skip
    start = town.events.now - timedelta(days=6)
    answer = send(area=square(56.949, 24.105, 0.01), precision=6, endTime=(start + timedelta(hours=3)).isoformat())
    assert answer.status_code == 200
    hours = answer.json()["timedPopulationDensityData"]
    assert len(hours) == 3
    cells = [cell["geohash"] for cell in hours[0]["cellPopulationDensityData"]]
    assert cells == [cell["geohash"] for cell in hours[2]["cellPopulationDensityData"]]
    assert {len(cell) for cell in cells} == {6}
    # A house more or less in the polygon changes nothing.
    other = send(area=square(56.949, 24.1051, 0.0101), precision=6).json()["timedPopulationDensityData"][0]
    assert [cell["geohash"] for cell in other["cellPopulationDensityData"]] == cells


def test_what_cannot_be_answered_is_refused_in_the_words_of_the_standard(send: Send, town: ReleaseTown) -> None:
    same = [{"latitude": 56.9, "longitude": 24.1}] * 3
    with town.events.placet.database.transaction() as connection:
        other = keys.add(connection, "other", ["check"], now=town.events.now).text
    town.events.placet.api_keys.refresh(town.events.now)
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"precision": 7}, 400, "INVALID_ARGUMENT"),
        ({"colour": "red"}, 400, "INVALID_ARGUMENT"),
        ({"startTime": "2040-06-04T12:00:00"}, 400, "INVALID_ARGUMENT"),
        ({"sink": "https://example.lv/hook"}, 400, "INVALID_ARGUMENT"),
        ({"area": {"areaType": "GEOHASHLIST", "geohashes": ["aaaa"]}}, 400, "INVALID_ARGUMENT"),
        ({"area": {"areaType": "GEOHASHLIST", "geohashes": ["u9"]}}, 422, f"{API}.UNSUPPORTED_PRECISION"),
        ({"area": square(56.9, 24.1, 2), "precision": 7}, 422, f"{API}.UNSUPPORTED_REQUEST"),
        ({"area": {"areaType": "POLYGON", "boundary": same}}, 400, f"{API}.INVALID_AREA"),
        ({"endTime": "2040-06-01T00:00:00Z"}, 400, f"{API}.INVALID_END_TIME"),
        ({"startTime": "2039-06-01T00:00:00Z"}, 400, f"{API}.MIN_STARTTIME_EXCEEDED"),
        ({"endTime": "2041-06-01T00:00:00Z"}, 400, f"{API}.MAX_STARTTIME_EXCEEDED"),
        ({"startTime": "2040-05-20T00:00:00Z"}, 400, f"{API}.MAX_TIME_PERIOD_EXCEEDED"),
        ({"endTime": "2040-06-10T18:00:00Z"}, 400, f"{API}.INVALID_TIME_PERIOD"),
        ({"key": "pk_no"}, 401, "UNAUTHENTICATED"),
        ({"key": other}, 403, "PERMISSION_DENIED"),
    ]
    for changes, status, code in cases:
        answer = send(**changes)
        told = answer.json()
        assert (answer.status_code, told["status"], told["code"]) == (status, status, code), (changes, told)


def densities() -> Densities:
    counted = dict(month())
    counted[ZONE_PROFILE.name] = counts(ZONE_PROFILE, np.array([400.0, 200, 3])[:, None, None])
    tables = figures.tables(counted, PLACES)
    return Densities.of(_collection(PLACES), tables[model.ZONE_PROFILE.name], tables[model.TILES.name])


def test_density_is_that_of_the_tile_where_it_is_shown_else_of_the_zone_else_low() -> None:
    found = densities()
    place = found.place(24.6, 56.2)
    assert place is not None
    assert (place.zone, place.tile) == ("north", None)
    area = laea.square_kilometres([(24, 56), (25, 56), (25, 57)])
    told = found.at(place, ("weekday", 8))
    assert isinstance(told, Density)
    assert told.value == round(8_000 / area)
    assert told.low <= told.value <= told.high
    in_tile = found.at(Place("north", "1kmN1E1"), ("weekday", 8))
    assert isinstance(in_tile, Density)
    assert in_tile.value == 4800
    assert found.at(Place("west", None), ("weekday", 8)) is Unknown.LOW
    assert found.at(found.place(24.1, 56.9), ("weekday", 8)) is Unknown.OUTSIDE


def test_the_projection_by_formula_is_that_of_the_grid() -> None:
    for lon, lat in ((20.97, 56.5), (24.105, 56.949), (28.24, 55.67), (10.0, 52.0)):
        assert laea.metres(lon, lat) == pytest.approx([float(each) for each in grid.metres(lon, lat)], abs=0.001)
        assert laea.tile_at(lon, lat) == grid.id_at(lon, lat)


def test_geohashes_are_those_of_their_inventor() -> None:
    assert geohash.encode(-5.6, 42.6, 5) == "ezs42"
    assert geohash.encode(10.40744, 57.64911, 11) == "u4pruydqqvj"
    assert geohash.box("ezs42").centre == pytest.approx((-5.603, 42.605), abs=0.001)


def test_a_tiny_area_is_answered_by_the_cell_that_holds_it_and_a_crossed_one_by_none() -> None:
    tiny = Polygon.model_validate(square(56.949, 24.105, 0.00001))
    assert [cell.geohash for cell in areas.cells(areas.ring(tiny), 7)] == [RIGA]
    crossed = [(56.9, 24.1), (57.0, 24.2), (57.0, 24.1), (56.9, 24.2)]
    bow = Polygon.model_validate(
        {"areaType": "POLYGON", "boundary": [{"latitude": y, "longitude": x} for y, x in crossed]}
    )
    with pytest.raises(Exception, match="does not cross itself"):
        areas.ring(bow)
