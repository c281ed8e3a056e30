"""Everything that is held about a person, to take away (GDPR 15 access, 20 portability); `rights.export` makes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from placet.interfaces.rest.context import Here, needs
from placet.kernel import clock
from placet.kernel.ids import SubjectId
from placet.rights import export
from placet.rights.bundle import Bundle

router = APIRouter(prefix="/v1/subjects", tags=["subjects"])

_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The document, or the archive with it; the archive holds its JSON Schema",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.get(
    "/{subject}/export", dependencies=[needs("subjects:read")], response_class=StreamingResponse, responses=_ANSWER
)
def export_subject(
    here: Here,
    subject: UUID,
    format: Annotated[Literal["json", "zip"], Query(description="The document alone, or the archive")] = "json",
    language: Annotated[Literal["lv", "ru", "en"] | None, Query(description="Left out: the person's own")] = None,
) -> StreamingResponse:
    """Everything that is known of the person: JSON, or a ZIP with JSON, CSV, a readable page and the receipts."""
    make = export.archive if format == "zip" else export.document
    return _sent(make(here.application, SubjectId(subject), language=language, now=clock.now()))


def _sent(bundle: Bundle) -> StreamingResponse:
    headers = {
        "content-disposition": f'attachment; filename="{bundle.filename}"',
        "content-length": str(bundle.size),
    }
    return StreamingResponse(bundle.chunks(), media_type=bundle.media_type, headers=headers)
