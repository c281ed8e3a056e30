"""Which names a map carries, so that none lies on another: the most populous first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from placet.interfaces.atlas.panels import Panel

WIDE, NARROW = 19, 38
"""Units of type on a wide screen and on a narrow one, where the same map is a third as wide."""
_LETTER = 0.56
"""How wide a letter is, as a share of its height."""
_LINE = 1.15


@attrs.frozen
class Place:
    """What may be named: where, and how many live there."""

    name: str
    x: int
    y: int
    population: int


@attrs.frozen
class Label:
    """A name on the map, its middle at *x*, its foot at *y*; *is_major* if there is room for it on a narrow screen."""

    text: str
    x: int
    y: int
    is_major: bool


@attrs.frozen
class _Room:
    """A rectangle that a name takes."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def of(cls, place: Place, size: int) -> _Room:
        half = len(place.name) * size * _LETTER / 2
        return cls(place.x - half, place.y - size, place.x + half, place.y + size * (_LINE - 1))

    def meets(self, other: _Room) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def is_in(self, panel: Panel) -> bool:
        return self.left >= 0 and self.right <= 1000 and self.top >= 0 and self.bottom <= panel.height


def labels(panel: Panel, places: Iterable[Place]) -> tuple[Label, ...]:
    """The names that have room on *panel*."""
    ordered = sorted(places, key=lambda place: (-place.population, place.name))
    major = list(_fitting(panel, ordered, NARROW, []))
    if panel.name:
        return tuple(Label(place.name, place.x, place.y, is_major=True) for place in major)
    taken = [_Room.of(place, WIDE) for place in major]
    minor = _fitting(panel, [place for place in ordered if place not in major], WIDE, taken)
    return (
        *(Label(place.name, place.x, place.y, is_major=True) for place in major),
        *(Label(place.name, place.x, place.y, is_major=False) for place in minor),
    )


def _fitting(panel: Panel, places: Iterable[Place], size: int, taken: list[_Room]) -> Iterator[Place]:
    for place in places:
        room = _Room.of(place, size)
        if room.is_in(panel) and not any(room.meets(other) for other in taken):
            taken.append(room)
            yield place
