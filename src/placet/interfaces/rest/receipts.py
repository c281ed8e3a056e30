"""Receipts: the signed record that its subject keeps, with the proof of its place in the log."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from placet.consents import receipts
from placet.interfaces.rest.context import Here, needs
from placet.kernel.ids import RecordId

router = APIRouter(prefix="/v1/receipts", tags=["receipts"])

_CONTENT = {receipts.Receipt.media_type: {"schema": {"type": "object"}}}


@router.get(
    "/{record}",
    dependencies=[needs("receipts:read")],
    response_class=Response,
    responses={200: {"description": "The file; `placet receipt verify` checks it offline", "content": _CONTENT}},
)
def read_receipt(here: Here, record: UUID) -> Response:
    """The receipt of a record; its proof follows within a second of the decision (`proof_pending` until then)."""
    application = here.application
    with application.database.transaction() as connection:
        receipt = receipts.make(
            connection,
            RecordId(record),
            catalogue_at=application.in_force.at,
            keys=application.keys,
            subject_key=application.vault.unwrap,
            config=application.config,
        )
    headers = {"content-disposition": f'attachment; filename="{receipt.filename}"'}
    return Response(receipt.data, media_type=receipt.media_type, headers=headers)
