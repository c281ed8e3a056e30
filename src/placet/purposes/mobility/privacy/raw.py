"""
Exact counts, before noise. They exist between the counting and the mechanism, in memory, and nowhere else.

Whoever publishes must not be able to see them: `lint-imports` lets only the counting make them and only
`privacy.mechanism` take them (contract "Raw counts reach the mechanism and nothing else").
"""

from __future__ import annotations

from typing import Never

import attrs
import numpy as np
import numpy.typing as npt

from placet.purposes.mobility.model import Domain, Product


@attrs.frozen(eq=False, repr=False)
class RawCounts:
    """The exact values of *product* over all of *domain*: int64, of its shape, in the product's units."""

    product: Product
    domain: Domain
    values: npt.NDArray[np.int64]

    def __attrs_post_init__(self) -> None:
        if self.values.dtype != np.int64 or self.values.shape != self.domain.shape:
            raise AssertionError("raw counts are whole numbers over the whole domain")

    def __repr__(self) -> str:
        return f"RawCounts({self.product.name}, {self.domain.shape})"

    def __reduce__(self) -> Never:
        raise TypeError("raw counts are not written anywhere")
