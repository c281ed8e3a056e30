"""The page of components: each in all its states, in the reader's language, with invented values."""

from __future__ import annotations

from datetime import date, timedelta

import attrs
from starlette.responses import Response

from placet.access.staff_sessions import StaffSession
from placet.interfaces.console.office import Office
from placet.interfaces.web.charts import Bar, Column
from placet.interfaces.web.shell import Visit

_SHARES = ((0.62, 0.58, 0.66, "n = 610"), (0.31, 0.24, 0.39, "n = 160"), (None, None, None, "n < 10"))
_WEEKS = (0.4, 0.42, 0.38, None, 0.45, 0.51, 0.48, 0.55, 0.53, 0.6)
_ROWS = (("Anna", 12), ("Jānis", 7), ("Мария", 31))


@attrs.frozen
class Samples:
    """The page `/console/components`."""

    office: Office

    def page(self, visit: Visit, session: StaffSession) -> Response:
        order = visit.request.query_params.get("order", "name")
        return self.office.render(
            visit,
            session,
            "components",
            order=order if order in _ORDERS else "name",
            rows=sorted(_ROWS, key=_ORDERS.get(order, _ORDERS["name"]), reverse=order.startswith("-")),
            shares=_SHARES,
            bar=Bar,
            weeks=_weeks(visit),
        )


_ORDERS = {
    "name": lambda row: (row[0], 0),
    "-name": lambda row: (row[0], 0),
    "number": lambda row: ("", row[1]),
    "-number": lambda row: ("", row[1]),
}


def _weeks(visit: Visit) -> list[Column]:
    first, words = date(2026, 1, 5), visit.words
    return [
        Column(words.narrow_day(first + timedelta(weeks=week)), share, "–" if share is None else words.percent(share))
        for week, share in enumerate(_WEEKS)
    ]
