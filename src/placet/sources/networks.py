"""A delivered table of cells, into the table that is kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import attrs

from placet.sources import cells
from placet.sources.cells import Changed
from placet.sources.lake import Lake, full
from placet.sources.reporting import RefusedRows


@attrs.frozen
class Known:
    """What became of a delivery; *report* lists the *refused* rows, if there are any."""

    changed: Changed
    refused: int
    report: Path


def cells_known(lake: Lake, path: Path, *, since: datetime, report: Path) -> Known:
    """Take in a table of cells: how they stand from *since* on, unless a row says since when."""
    with lake.taking_in(), RefusedRows(report) as refused:
        stations, wrong = cells.delivered(path)
        refused.write_wrong(wrong)
        table, changed = cells.merged(cells.read(lake.folder), stations, since=int(since.timestamp()))
        try:
            cells.write(lake.folder, table)
        except OSError as error:
            raise full(error) from error
        return Known(changed, refused.count, report)
