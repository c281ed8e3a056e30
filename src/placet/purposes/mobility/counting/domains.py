"""The public axes of each product: what is counted is decided by the atlas and the calendar, never by the events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from placet.kernel.errors import BadInput
from placet.purposes.mobility.model import TILE_HOURS, Axis, DayType, Domain, Product, ProductName, Slot, Window
from placet.purposes.mobility.places.model import Atlas, Whole

NO_WORK = "none"
"""Of `work`: no zone besides home stands out."""


def domains(atlas: Atlas, window: Window, products: Sequence[Product]) -> Mapping[ProductName, Domain]:
    """All members of every axis of *products*, in the order that their arrays have."""
    return {product.name: domain(atlas, window, product) for product in products}


def domain(atlas: Atlas, window: Window, product: Product) -> Domain:
    """The domain of *product*. Tile-hours are those of one day, in the tiles that cells stand for."""
    if product.name == TILE_HOURS.name and len(window.days) != 1:
        raise BadInput("tile-hours are counted for one day at a time; name a window of one day", code="bad-window")
    return Domain(tuple(Axis(name, _members(atlas, product, name)) for name in product.axes))


def served(atlas: Atlas) -> Whole:
    """The tiles that are some cell's strongest, in order: elsewhere no tile-hour can be counted."""
    return np.unique(strongest(atlas)[1])


def strongest(atlas: Atlas) -> tuple[Whole, Whole]:
    """Each cell of the atlas and the tile it serves most; of equal ones the first."""
    cell, tile, share = (atlas.cell_tiles[name].to_numpy() for name in ("cell", "tile", "share"))
    order = np.lexsort((tile, -share, cell))
    _, first = np.unique(cell[order], return_index=True)
    return cell[order][first], tile[order][first]


def _members(atlas: Atlas, product: Product, axis: str) -> tuple[str, ...]:
    zones = tuple(zone.id for zone in atlas.zones)
    if axis in {"zone", "origin", "destination", "home"}:
        return zones
    if axis == "work":
        return (*zones, NO_WORK)
    if axis == "tile":
        ids = atlas.tiles.ids
        return tuple(ids[tile] for tile in served(atlas)) if product.name == TILE_HOURS.name else tuple(ids)
    return {
        "day_type": tuple(DayType),
        "slot": tuple(Slot),
        "hour": tuple(str(hour) for hour in range(24)),
    }[axis]
