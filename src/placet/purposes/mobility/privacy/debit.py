"""A debit: that the privacy of a draw of noise has been paid for. `budget` makes it, `mechanism` asks for it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import attrs

from placet.purposes.mobility.model import Bound, ProductName, ReleaseId, Rho, Window

Population = NewType("Population", str)
"""Whom a budget belongs to. A person is in one population: budgets of two that share people would both be spent."""
CUSTOMERS = Population("customers")
"""Everybody who consents to `mobility`."""


class Sampler(StrEnum):
    """Where the noise of a draw comes from; each is stated in the release (docs/explanation/noise.md)."""

    OPENDP = "opendp"
    """OpenDP's exact discrete Gaussian."""
    TABLE = "table"
    """Our table of it: the same law within 2⁻¹⁰⁰, some hundred times faster."""

    @classmethod
    def for_size(cls, size: int) -> Sampler:
        """OpenDP, but for domains so large that it would take minutes."""
        return cls.OPENDP if size <= OPENDP_MOST else cls.TABLE


OPENDP_MOST = 100_000
"""Larger domains take the table, unless the plan says otherwise."""


@attrs.frozen
class Debit:
    """One product of one release, paid for over *window*."""

    id: UUID
    population: Population
    window: Window
    product: ProductName
    release: ReleaseId
    rho: Rho
    sigma: float
    """Standard deviation of the noise that was paid for, in counted units."""
    bound: Bound
    sampler: Sampler
    grid_sha256: str
    """What the values are counted over, when the debit was made."""
    code_sha256: str
    at: datetime
