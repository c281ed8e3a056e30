"""
What changed from one release to another, with intervals: from published tables alone, so it costs no privacy. Pure.

Estimates are compared where both releases have them, since other people take part each month; else what was counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from placet.kernel.errors import BadInput
from placet.purposes.mobility.releasing.model import Column, Release, Table
from placet.purposes.mobility.releasing.settling import QUANTILE, Floats

COMPARED: Sequence[Column] = (
    Column("before", pa.float64(), "The value of the baseline."),
    Column("after", pa.float64(), "The value of this release."),
    Column("difference", pa.float64(), "After less before."),
    Column("difference_low", pa.float64(), "Lower end of its 95 % interval."),
    Column("difference_high", pa.float64(), "Upper end of the same interval."),
    Column("ratio", pa.float64(), "After for one before."),
    Column("ratio_low", pa.float64(), "Lower end of its 95 % interval."),
    Column("ratio_high", pa.float64(), "Upper end of the same interval."),
    Column("changed", pa.bool_(), "The interval of the difference does not hold 0."),
)
"""Beside the keys of the table that is compared; rows that are hidden in one of the two are left out."""
_PLACES = ("zone", "origin", "destination", "home", "work")
"""The keys that name a zone."""


def demand_comparable(release: Release, baseline: Release) -> None:
    """Only what was counted on one map can be compared."""
    if release.atlas != baseline.atlas:
        raise BadInput("these releases were counted on different maps and cannot be compared", code="other-map")


def changes(shape: Table, after: pa.Table, before: pa.Table) -> pa.Table:
    """The keys of *shape* with `COMPARED`, of rows that are shown in both."""
    names = _names(shape, after, before)
    keys = list(shape.keys)
    joined = _shown(after, keys, names, "after").join(_shown(before, keys, names, "before"), keys, join_type="inner")
    joined = joined.sort_by([(key, "ascending") for key in keys])
    (new, new_error), (old, old_error) = (_with_error(joined, when) for when in ("after", "before"))
    error = np.sqrt(new_error**2 + old_error**2)
    difference = new - old
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = new / old
        ratio_error = ratio * np.sqrt((new_error / new) ** 2 + (old_error / old) ** 2)
    columns = [
        old, new, difference, difference - QUANTILE * error, difference + QUANTILE * error,
        ratio, np.maximum(ratio - QUANTILE * ratio_error, 0), ratio + QUANTILE * ratio_error,
    ]  # fmt: skip
    found = {column.name: pa.array(np.round(values, 3), mask=~np.isfinite(values)) for column, values in
             zip(COMPARED[:-1], columns, strict=True)}  # fmt: skip
    found["changed"] = pa.array(np.abs(difference) > QUANTILE * error)
    return pa.table({**{key: joined[key] for key in keys}, **found})


def of_zone(changes: pa.Table, zone: str) -> pa.Table:
    """Those of *changes* that name *zone*, at either end."""
    named = [pc.equal(changes[column], zone) for column in _PLACES if column in changes.column_names]
    return changes.filter(reduce(pc.or_, named)) if named else changes.slice(0, 0)


def largest_first(changes: pa.Table) -> pa.Table:
    """Those that surely changed before the others, each group by how much."""
    keyed = changes.append_column("size", pc.abs(changes["difference"]))
    return keyed.sort_by([("changed", "descending"), ("size", "descending")]).drop_columns(["size"])


def _names(shape: Table, *tables: pa.Table) -> tuple[str, str, str]:
    """The columns that are compared: a value with its interval."""
    estimated = ("estimate", "estimate_low", "estimate_high")
    for table in tables:
        if "estimate" not in table.column_names or table["estimate"].null_count == table.num_rows:
            return shape.measure, "low", "high"
    return estimated


def _shown(table: pa.Table, keys: Sequence[str], names: tuple[str, str, str], when: str) -> pa.Table:
    shown = table.filter(pc.is_valid(table[names[0]]))
    return shown.select([*keys, *names]).rename_columns([*keys, *(f"{when}-{at}" for at in range(3))])


def _with_error(joined: pa.Table, when: str) -> tuple[Floats, Floats]:
    """A value and its standard error, by the width of its interval above it."""
    value, _, high = (joined[f"{when}-{at}"].to_numpy().astype(np.float64) for at in range(3))
    return value, (high - value) / QUANTILE
