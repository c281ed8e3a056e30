"""Stays as scikit-mobility detects them: of each person, from a first event on until one is too far from it."""

from __future__ import annotations

import pandas as pd

METRES = 500
SECONDS = 15 * 60


def stays(events: pd.DataFrame) -> pd.DataFrame:
    """Of *events* (number, at, x, y; in order): number, zone, first, last."""
    found = events.groupby("number", sort=False)[["number", "at", "x", "y", "zone"]].apply(_of_one)
    return found.reset_index(drop=True)


def _of_one(events: pd.DataFrame) -> pd.DataFrame:
    rows = events.to_numpy().tolist()
    found = []
    first = 0
    for n in range(1, len(rows) + 1):
        here = rows[first]
        if n == len(rows) or (rows[n][2] - here[2]) ** 2 + (rows[n][3] - here[3]) ** 2 > METRES**2:
            if rows[n - 1][1] - here[1] >= SECONDS:
                found.append((here[0], here[4], here[1], rows[n - 1][1]))
            first = n
    return pd.DataFrame(found, columns=["number", "zone", "first", "last"])
