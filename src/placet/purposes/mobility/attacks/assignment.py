"""The cheapest way to give each row a column of its own (Kuhn 1955), by shortest augmenting paths. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def cheapest(cost: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The column of each row of the square *cost* whose sum is least; n³ steps at most, n² of them in numpy."""
    size = len(cost)
    row_price, column_price = np.zeros(size + 1), np.zeros(size + 1)
    owner = np.full(size + 1, -1)  # the row of each column; the last column stands for "none yet"
    for row in range(size):
        owner[size] = row
        _augment(cost, row_price, column_price, owner)
    chosen = np.empty(size, np.int64)
    chosen[owner[:size]] = np.arange(size)
    return chosen


def _augment(
    cost: npt.NDArray[np.float64],
    row_price: npt.NDArray[np.float64],
    column_price: npt.NDArray[np.float64],
    owner: npt.NDArray[np.int64],
) -> None:
    """Find the row that waits in the last column a place, moving others along the cheapest path."""
    size = len(cost)
    least, came_from = np.full(size, np.inf), np.full(size, size)
    seen = np.zeros(size + 1, bool)
    column = size
    while owner[column] >= 0:
        seen[column] = True
        row = owner[column]
        reduced = cost[row] - row_price[row] - column_price[:size]
        nearer = ~seen[:size] & (reduced < least)
        least[nearer], came_from[nearer] = reduced[nearer], column
        following = int(np.argmin(np.where(seen[:size], np.inf, least)))
        step = least[following]
        row_price[owner[seen]] += step
        column_price[seen] -= step
        least[~seen[:size]] -= step
        column = following
    while column != size:
        before = int(came_from[column])
        owner[column] = owner[before]
        column = before
    owner[size] = -1
