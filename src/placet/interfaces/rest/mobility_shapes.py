"""The bodies of `/v1/mobility`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class EstimateOut(_Out):
    """A figure after noise with its 95 % interval."""

    value: float
    low: float
    high: float


class ProductOut(_Out):
    """What one product cost each person (zCDP), and the standard deviation of its noise in published units."""

    product: str
    rho: str
    sigma: float
    mechanism: str


class FileOut(_Out):
    name: str
    sha256: str
    path: str


class ReleaseOut(_Out):
    """A release. `sha256` is that of `SHA256SUMS`, as the event at `position` of the log says."""

    id: str
    first: date
    until: date = Field(description="The first day that is not in it")
    made_at: datetime
    public_at: datetime
    population: EstimateOut | None = Field(description="How many took part, from noisy counts")
    rho: str
    epsilon: float
    delta: float
    products: list[ProductOut]
    atlas: str
    sha256: str
    position: int
    files: list[FileOut]


class ReleasesOut(_Out):
    releases: list[ReleaseOut]
    next: str | None


class HomeOut(_Out):
    """Where some of those live who work in a zone: how many, and their share, with 95 % intervals."""

    home: str
    people: int
    low: int
    high: int
    share: float
    share_low: float
    share_high: float


class CatchmentOut(_Out):
    release: str
    zone: str
    homes: list[HomeOut]


class ChangesOut(_Out):
    """Rows hold the keys of the table, `before`, `after`, `difference` and `ratio` with intervals, and `changed`."""

    release: str
    baseline: str
    table: str
    rows: list[dict[str, Any]]
