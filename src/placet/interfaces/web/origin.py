"""Where a visit comes from: in full for the limits on guessing, coarsely for the list of sessions."""

from __future__ import annotations

from placet.access.places import Place, place_of
from placet.interfaces.web.shell import Visit


def address(visit: Visit) -> str | None:
    """The caller's address; None when the server does not know it."""
    client = visit.request.client
    return None if client is None else client.host


def place(visit: Visit) -> Place:
    return place_of(address(visit), visit.request.headers.get("user-agent", ""))
