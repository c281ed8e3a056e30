"""Everything to take away: one file, made whole or not at all, handed out as it is read."""

from __future__ import annotations

import threading

import attrs
from starlette.responses import Response, StreamingResponse

from placet.bootstrap import Application
from placet.interfaces.portal.whom import Whom, show
from placet.interfaces.web.shell import Shell, Visit
from placet.kernel.errors import TooMany
from placet.kernel.ids import SubjectId
from placet.ledger.reader import TileReader
from placet.rights import export


@attrs.frozen
class Exporting:
    """The page of the download, about the one who is signed in."""

    application: Application
    shell: Shell
    tiles: TileReader = attrs.field(factory=TileReader)
    _making: set[SubjectId] = attrs.field(factory=set, init=False)
    """Whose file is being made in this process; guarded by `_turn`."""
    _turn: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def ask(self, visit: Visit, whom: Whom) -> Response:
        return show(self.shell, visit, whom, "export")

    def make(self, visit: Visit, whom: Whom) -> Response:
        """The archive; one at a time for each person, since it reads everything there is about them."""
        self._begin(whom.subject)
        try:
            bundle = export.archive(
                self.application, whom.subject, language=visit.words.language, now=visit.now, tiles=self.tiles
            )
        finally:
            with self._turn:
                self._making.discard(whom.subject)
        headers = {
            "content-disposition": f'attachment; filename="{bundle.filename}"',
            "content-length": str(bundle.size),
        }
        return StreamingResponse(bundle.chunks(), media_type=bundle.media_type, headers=headers)

    def _begin(self, subject: SubjectId) -> None:
        with self._turn:
            if subject in self._making:
                raise TooMany("your file is being made already; wait for it", code="too-many", retry_after=5)
            self._making.add(subject)
