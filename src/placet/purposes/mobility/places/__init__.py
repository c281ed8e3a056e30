"""Places: the public grid, the public zones, and what each cell of the network serves of them."""

from placet.purposes.mobility.places.model import OUTSIDE, Atlas, Tiles, Zone, atlas_folder

__all__ = ["OUTSIDE", "Atlas", "Tiles", "Zone", "atlas_folder"]
