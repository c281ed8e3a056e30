"""From values and intervals to the columns of a table: what is hidden is null, what is estimated comes last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from placet.purposes.mobility.releasing.model import Table
from placet.purposes.mobility.releasing.settling import QUANTILE, Floats, Mask, Whole, interval


@attrs.frozen(eq=False)
class Values:
    """Settled values of one shape with what they were before, the noise of each, and what is hidden of them."""

    noisy: Floats
    settled: Whole
    sigma: Floats
    least: Whole

    @property
    def hidden(self) -> Mask:
        found: Mask = self.settled < self.least
        return found

    def measured(self, name: str) -> dict[str, pa.Array]:
        """The columns of `model._measured`, row by row in C order."""
        low, high = interval(self.noisy, self.settled, self.sigma)
        hidden = self.hidden.ravel()
        return {
            name: _whole(self.settled, hidden),
            "low": _whole(low, hidden),
            "high": _whole(high, hidden),
            "hidden": pa.array(hidden),
        }

    def estimated(self, factor: Floats, factor_sigma: Floats) -> dict[str, pa.Array]:
        """
        The columns of `model._estimated`: the factors are of the shape of the values, NaN where there is none.

        Errors of a product of independent figures: relative variances add up (first order).
        """
        value = self.settled.astype(np.float64)
        middle = value * factor
        spread = np.sqrt((factor * self.sigma) ** 2 + (value * factor_sigma) ** 2)
        hidden = (self.hidden | np.isnan(factor)).ravel()
        return {
            "estimate": _whole(np.rint(middle), hidden),
            "estimate_low": _whole(np.floor(np.maximum(middle - QUANTILE * spread, 0)), hidden),
            "estimate_high": _whole(np.ceil(middle + QUANTILE * spread), hidden),
        }


def table(shape: Table, columns: Mapping[str, pa.Array], keep: Mask | None = None) -> pa.Table:
    """*columns* as *shape* says, in its order; only rows of *keep*."""
    found = pa.table([columns[column.name] for column in shape.columns], schema=shape.schema)
    return found if keep is None else found.filter(pa.array(keep))


def floats(values: Floats, absent: Mask) -> pa.Array:
    """Numbers with three decimals, null where *absent*."""
    return pa.array(np.round(np.where(absent, 0.0, values), 3), pa.float64(), mask=absent)


def words(values: Sequence[str | None], *, each: int = 1, times: int = 1) -> pa.Array:
    """*values*, each repeated so often, and all of that so many times."""
    places = np.tile(np.repeat(np.arange(len(values)), each), times)
    return pa.array(values, pa.string()).take(pa.array(places))


def _whole(values: npt.NDArray[np.generic], hidden: Mask) -> pa.Array:
    flat = np.where(hidden, 0, np.nan_to_num(values.ravel().astype(np.float64))).astype(np.int64)
    return pa.array(flat, pa.int64(), mask=hidden)
