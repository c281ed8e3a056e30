"""Releases of mobility that are public: figures after noise, served again byte for byte."""

from __future__ import annotations

from typing import Annotated

import pyarrow.compute as pc
from fastapi import APIRouter, Path, Query
from fastapi.responses import FileResponse

from placet.interfaces.rest.context import Here, needs
from placet.interfaces.rest.mobility_shapes import (
    CatchmentOut,
    ChangesOut,
    EstimateOut,
    FileOut,
    ProductOut,
    ReleaseOut,
    ReleasesOut,
)
from placet.interfaces.rest.shapes import Limit, Text
from placet.purposes.mobility.model import ReleaseId
from placet.purposes.mobility.privacy.accounting import DELTA, Loss
from placet.purposes.mobility.releasing.model import CATCHMENT, Release, TableName

router = APIRouter(prefix="/v1/mobility/releases", tags=["mobility"], dependencies=[needs("mobility:read")])

_NAME = r"^[0-9a-z][0-9a-z-]{0,40}$"
Named = Annotated[str, Path(pattern=_NAME, examples=["2026-10"])]
File = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,60}$", examples=["flows.csv"])]
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.get("")
def list_releases(
    here: Here,
    before: Annotated[str | None, Query(pattern=_NAME, description="Only releases older than this one")] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> ReleasesOut:
    """The releases that are public, the newest first."""
    shelf = here.application.mobility.releases
    with here.application.database.transaction() as connection:
        after = None if before is None else ReleaseId(before)
        found = shelf.public(connection, before=after, limit=limit + 1)
    shown = found[:limit]
    more = f"/v1/mobility/releases?before={shown[-1].id}&limit={limit}" if len(found) > limit else None
    return ReleasesOut(releases=[_shape(here, release) for release in shown], next=more)


@router.get("/{release}")
def read_release(here: Here, release: Named) -> ReleaseOut:
    """One release: what it cost in privacy, its place in the log, and its files."""
    return _shape(here, _public(here, release))


@router.get(
    "/{release}/files/{file}",
    response_class=FileResponse,
    responses={200: {"description": "The file, as it was released", "content": _BYTES}},
)
def read_file(here: Here, release: Named, file: File) -> FileResponse:
    """A file of a release; `SHA256SUMS` holds the hash of each, and the log the hash of that."""
    found = _public(here, release)
    shelf = here.application.mobility.releases
    path, digest = shelf.file(found, file), shelf.files(found)[file]
    return FileResponse(
        path, media_type="application/octet-stream", filename=f"{found.id}-{file}", headers={"etag": f'"{digest}"'}
    )


@router.get("/{release}/catchment")
def read_catchment(
    here: Here, release: Named, zone: Annotated[Text, Query(description="Where they work", examples=["riga-centrs"])]
) -> CatchmentOut:
    """Where those who work in a zone live: the largest first, those that are hidden left out."""
    found = here.application.mobility.releases.table(_public(here, release), CATCHMENT.name)
    rows = found.filter(pc.equal(found["work"], zone)).sort_by([("people", "descending"), ("home", "ascending")])
    return CatchmentOut(release=release, zone=zone, homes=rows.drop_columns(["work", "hidden"]).to_pylist())


@router.get("/{release}/changes")
def read_changes(
    here: Here,
    release: Named,
    baseline: Annotated[str, Query(pattern=_NAME, description="The release to compare with", examples=["2026-09"])],
    table: Annotated[Text, Query(description="Which table", examples=["flows"])],
    limit: Annotated[Limit, Query()] = 50,
) -> ChangesOut:
    """What changed since another release, the largest changes first, each with its interval."""
    after, before = _public(here, release), _public(here, baseline)
    found = here.application.mobility.releases.changes(after, before, TableName(table))
    return ChangesOut(release=release, baseline=baseline, table=table, rows=found.slice(0, limit).to_pylist())


def _public(here: Here, release: str) -> Release:
    with here.application.database.transaction() as connection:
        return here.application.mobility.releases.get_public(connection, ReleaseId(release))


def _shape(here: Here, release: Release) -> ReleaseOut:
    assert release.public_at is not None
    shelf, told, loss = here.application.mobility.releases, release.population, Loss(release.rho)
    return ReleaseOut(
        id=release.id,
        first=release.window.first,
        until=release.window.until,
        made_at=release.made_at,
        public_at=release.public_at,
        population=None if told is None else EstimateOut(value=told.value, low=told.low, high=told.high),
        rho=str(release.rho),
        epsilon=loss.epsilon,
        delta=DELTA,
        products=[
            ProductOut(product=name, rho=str(spent.rho), sigma=spent.sigma, mechanism=spent.mechanism)
            for name, spent in sorted(release.products.items())
        ],
        atlas=release.atlas,
        sha256=release.sha256,
        position=release.position,
        files=[
            FileOut(name=name, sha256=digest, path=f"/v1/mobility/releases/{release.id}/files/{name}")
            for name, digest in shelf.files(release).items()
        ],
    )
