"""Geohashes (G. Niemeyer 2008): cells of a public grid, each a word of base 32; pure."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

_LETTERS = "0123456789bcdefghjkmnpqrstuvwxyz"


@attrs.frozen
class Box:
    """A cell, in degrees."""

    south: float
    west: float
    north: float
    east: float

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude."""
        return (self.west + self.east) / 2, (self.south + self.north) / 2


def box(geohash: str) -> Box:
    """The cell of a word; `ValueError` where it is none."""
    south, west, north, east = -90.0, -180.0, 90.0, 180.0
    is_lon = True
    for letter in geohash:
        bits = _LETTERS.index(letter)
        for shift in range(4, -1, -1):
            upper = bits >> shift & 1
            if is_lon:
                middle = (west + east) / 2
                west, east = (middle, east) if upper else (west, middle)
            else:
                middle = (south + north) / 2
                south, north = (middle, north) if upper else (south, middle)
            is_lon = not is_lon
    return Box(south, west, north, east)


def encode(lon: float, lat: float, precision: int) -> str:
    """The word of the cell that holds a point."""
    ranges = [[-180.0, 180.0], [-90.0, 90.0]]
    word, bits = "", 0
    for at in range(5 * precision):
        span, value = ranges[at % 2], (lon, lat)[at % 2]
        middle = (span[0] + span[1]) / 2
        upper = value >= middle
        span[0 if upper else 1] = middle
        bits = bits << 1 | upper
        if at % 5 == 4:
            word, bits = word + _LETTERS[bits], 0
    return word


def sizes(precision: int) -> tuple[float, float]:
    """Degrees of longitude and of latitude of a cell."""
    bits = 5 * precision
    return 360.0 / 2 ** ((bits + 1) // 2), 180.0 / 2 ** (bits // 2)


def within(west: float, south: float, east: float, north: float, precision: int) -> Iterator[str]:
    """The cells that touch a box, from the south-west on."""
    width, height = sizes(precision)
    first = box(encode(west, south, precision))
    lat = first.centre[1]
    while lat - height / 2 <= north:
        lon = first.centre[0]
        while lon - width / 2 <= east:
            yield encode(lon, lat, precision)
            lon += width
        lat += height
