"""
Where a counted link of an offer leads (`/l/TOKEN`): on to what the campaign says there, and to nothing else.

That it was pressed is noted while its person allows it, and only if it was a person as far as can be told. Nothing is
set in the browser, and the address that it goes on to learns nothing of where it came from.
"""

from __future__ import annotations

import attrs
from starlette.responses import RedirectResponse, Response

from placet.bootstrap import Application
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import NotFound
from placet.purposes.offers.clicks.links import Link
from placet.purposes.offers.clicks.model import Opening


@attrs.frozen
class Pressing:
    application: Application
    shell: Shell

    def lead(self, visit: Visit) -> Response:
        link = Link.read(visit.request.path_params["token"])
        address = None if link is None else self.application.offers.campaigns.address(link)
        if link is None or address is None:
            raise NotFound("no such link", code="not-found")
        opening = Opening(link.place, visit.request.method, dict(visit.request.headers), visit.now)
        with self.application.database.transaction() as connection:
            self.application.offers.clicks.opened(connection, link, opening)
        return RedirectResponse(address, 303, headers={"referrer-policy": "no-referrer"})
