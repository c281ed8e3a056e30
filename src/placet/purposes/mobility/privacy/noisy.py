"""Counts after noise: all that is ever published is computed from these and from public figures."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.model import Domain, Product


@attrs.frozen(eq=False, repr=False)
class NoisyCounts:
    """
    The values of *product* over *domain* with the noise that was drawn once: int64, of its shape, in the product's
    units, negative ones included. `mechanism.noised` makes them; a stored release gives back the same.
    """

    product: Product
    domain: Domain
    values: npt.NDArray[np.int64]
    sigma: float
    """Standard deviation of the noise of each value, in the product's units."""

    def __repr__(self) -> str:
        return f"NoisyCounts({self.product.name}, {self.domain.shape}, sigma={self.sigma:.3g})"
