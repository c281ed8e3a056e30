"""The record of processing activities (GDPR 30), as a page and as files."""

from __future__ import annotations

import attrs
from starlette.responses import Response

from placet.access.staff_sessions import StaffSession
from placet.catalogue import processing_words, spreadsheet
from placet.catalogue.processing_record import ProcessingRecord, as_csv, as_ods, processing_record
from placet.interfaces.console.office import Office, dated, download
from placet.interfaces.web.shell import Visit
from placet.kernel.errors import NotFound


@attrs.frozen
class Processing:
    """The page `/console/processing` and its downloads."""

    office: Office

    def page(self, visit: Visit, session: StaffSession) -> Response:
        record = self._record(visit)
        headings = processing_words.of(record.language).headings
        return self.office.render(visit, session, "processing", record=record, headings=headings)

    def file(self, visit: Visit, session: StaffSession) -> Response:  # noqa: ARG002 - every role may
        record = self._record(visit)
        match visit.request.path_params["ending"]:
            case "csv":
                data, media_type = as_csv(record), "text/csv; charset=utf-8"
            case "ods":
                data, media_type = as_ods(record), spreadsheet.MEDIA_TYPE
            case _:
                raise NotFound("there is no such file", code="not-found")
        name = dated("processing", visit.now, visit.request.path_params["ending"])
        return download(data, name=name, media_type=media_type)

    def _record(self, visit: Visit) -> ProcessingRecord:
        with self.office.application.database.transaction() as connection:
            return processing_record(self.office.application.catalogue(connection), visit.words.language)
