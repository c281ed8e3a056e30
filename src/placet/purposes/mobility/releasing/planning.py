"""What a release is asked to be, and by which program it is made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from zoneinfo import ZoneInfo

import attrs

from placet.kernel import jcs
from placet.kernel.errors import BadInput
from placet.purposes.mobility.counting.model import Engine
from placet.purposes.mobility.model import Product, Window
from placet.purposes.mobility.places.model import Atlas
from placet.purposes.mobility.privacy.debit import Population
from placet.sources.model import Scan


@attrs.frozen
class Plan:
    """What is asked for: a window, products with their share of the budget, the public map, the engine."""

    window: Window
    products: Sequence[Product]
    atlas: Atlas
    engine: Engine = attrs.field(repr=False)
    zone: ZoneInfo
    some_days: bool = False
    """Days of the window may be missing."""

    def digest(self, population: Population) -> str:
        """What tells plans of one window apart. The engine does not: all engines come to the same."""
        told = {
            "window": [self.window.name, str(self.window.first), str(self.window.until), self.zone.key],
            "products": [[product.name, str(product.rho)] for product in self.products],
            "atlas": self.atlas.sha256,
            "population": population,
        }
        return hashlib.sha256(jcs.canonical(told)).hexdigest()

    def demand_over(self, now: datetime) -> None:
        """A window is counted when it is over: what comes later could not be added."""
        if now < self.window.instants(self.zone)[1]:
            raise BadInput(f"{self.window.name} is not over yet; release it when it is", code="window-open")

    def demand_days(self, scan: Scan) -> None:
        """Nothing is paid for a window that has no events, or, unless that is meant, not all of them."""
        if len(scan.missing) == len(scan.days):
            raise BadInput(
                "nothing was delivered for this window; `placet mobility ingest` takes it in", code="no-events"
            )
        if scan.missing and not self.some_days:
            more = " …" if len(scan.missing) > 3 else ""
            first = ", ".join(str(day) for day in scan.missing[:3])
            raise BadInput(
                f"{len(scan.missing)} of {len(scan.days)} days were not delivered ({first}{more}); take them in, "
                "or let some be missing (--some-days)",
                code="days-missing",
            )


@cache
def program() -> str:
    """SHA-256 over the files of this purpose, by their names: what counted and drew."""
    root = files("placet.purposes.mobility")
    digest = hashlib.sha256()
    for name, path in sorted(_sources(root, "")):
        digest.update(f"{name}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources(folder: Traversable, above: str) -> Iterator[tuple[str, Traversable]]:
    for path in folder.iterdir():
        if path.is_dir():
            yield from _sources(path, f"{above}{path.name}/")
        elif path.name.endswith((".py", ".sql")):
            yield above + path.name, path
