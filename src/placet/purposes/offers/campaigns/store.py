"""Rows of campaigns, their changes and selections, and sets of persons as bitmaps of their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import attrs
import msgspec
import numpy as np
from psycopg import Connection
from psycopg.types.json import Jsonb
from pyroaring import BitMap

from placet.kernel.errors import NotFound
from placet.kernel.ids import ChannelId
from placet.purposes.offers.campaigns.model import Brief, Campaign, CampaignId, Change, Selection, State, TooMany
from placet.store.queries import queries

SQL = queries("placet.purposes.offers.campaigns")


def add(connection: Connection, id: CampaignId, brief: Brief, *, by: str, now: datetime) -> None:
    connection.execute(SQL["add"], _columns(id, brief) | {"by": by, "now": now})


def rewrite(connection: Connection, id: CampaignId, brief: Brief, *, by: str) -> None:
    connection.execute(SQL["rewrite"], _columns(id, brief) | {"by": by})


def get(connection: Connection, id: CampaignId) -> Campaign:
    return _found(connection.execute(SQL["one"], {"id": id}).fetchone())


def lock(connection: Connection, id: CampaignId) -> Campaign:
    return _found(connection.execute(SQL["locked"], {"id": id}).fetchone())


def listing(connection: Connection, *, state: State | None, before: CampaignId | None, limit: int) -> list[Campaign]:
    values = {"state": state, "before": before, "limit": limit}
    return [_campaign(row) for row in connection.execute(SQL["listing"], values)]


def due(connection: Connection) -> list[Campaign]:
    """Those that may have to start, to end or to stop."""
    return [_campaign(row) for row in connection.execute(SQL["due"])]


def hold(connection: Connection, id: CampaignId) -> Campaign | None:
    """A campaign, locked; None while another worker has it."""
    row = connection.execute(SQL["hold"], {"id": id}).fetchone()
    return None if row is None else _campaign(row)


def running_smart(connection: Connection) -> list[Campaign]:
    """The smart campaigns that run, locked."""
    return [_campaign(row) for row in connection.execute(SQL["running_smart"])]


def write(connection: Connection, campaign: Campaign, what: str, *, by: str, now: datetime) -> Campaign:
    """Keep where *campaign* stands now, and the change that brought it there."""
    values = {
        "id": campaign.id, "state": campaign.state, "reason": campaign.reason, "now": now, "what": what, "by": by,
        "submitted_by": campaign.submitted_by, "approved_by": campaign.approved_by, "version": campaign.version + 1,
    }  # fmt: skip
    connection.execute(SQL["step"], values)
    connection.execute(SQL["note"], values)
    return attrs.evolve(campaign, version=campaign.version + 1, changed_at=now)


def note_created(connection: Connection, id: CampaignId, *, by: str, now: datetime) -> None:
    values = {"id": id, "version": 1, "what": "created", "by": by, "now": now, "reason": None}
    connection.execute(SQL["note"], values)


def changes(connection: Connection, id: CampaignId) -> list[Change]:
    return [Change(*row) for row in connection.execute(SQL["changes"], {"id": id})]


def let_go_at(connection: Connection, campaign: Campaign) -> datetime:
    """When a person last let *campaign* go on after a pause; if nobody has, when it was made."""
    row = connection.execute(SQL["resumed_at"], {"id": campaign.id}).fetchone()
    return campaign.created_at if row is None or row[0] is None else row[0]


def note_brake(connection: Connection, campaign: Campaign, why: TooMany) -> None:
    """Keep why *campaign* was paused by itself, beside the change that it was."""
    connection.execute(SQL["brake"], attrs.asdict(why) | {"id": campaign.id, "version": campaign.version})


def brake(connection: Connection, id: CampaignId) -> TooMany | None:
    """Why a campaign was last paused by itself."""
    row = connection.execute(SQL["last_brake"], {"id": id}).fetchone()
    return None if row is None else TooMany(*row)


def select(connection: Connection, campaign: CampaignId, selection: Selection) -> None:
    values = attrs.asdict(selection) | {"campaign": campaign, "now": selection.at}
    connection.execute(SQL["select"], values | {"excluded": Jsonb(dict(selection.excluded))})


def selections(connection: Connection, id: CampaignId) -> Mapping[ChannelId, Selection]:
    rows = connection.execute(SQL["selections"], {"id": id})
    return {ChannelId(row[0]): Selection(ChannelId(row[0]), *row[1:]) for row in rows}


def numbers(connection: Connection, name: str, **values: object) -> BitMap:
    """The persons that the statement *name* finds."""
    row = connection.execute(SQL[name], values, binary=True).fetchone()
    assert row is not None
    return BitMap(np.frombuffer(row[0], ">i4").astype(np.uint32))


def _columns(id: UUID, brief: Brief) -> dict[str, object]:
    return {
        "id": id, "name": brief.name.strip(), "kind": brief.kind, "topic": brief.topic,
        "body": Jsonb(msgspec.to_builtins(brief)), "holdout": brief.holdout, "starts_at": brief.starts_at,
        "ends_at": brief.ends_at,
    }  # fmt: skip


def _found(row: Sequence[Any] | None) -> Campaign:
    if row is None:
        raise NotFound("there is no such campaign", code="unknown-campaign")
    return _campaign(row)


def _campaign(row: Sequence[Any]) -> Campaign:
    id, body, state, version, reason, written_by, submitted_by, approved_by, created_at, changed_at = row
    return Campaign(
        id=CampaignId(id), brief=msgspec.convert(body, Brief), state=State(state), version=version, reason=reason,
        written_by=written_by, submitted_by=submitted_by, approved_by=approved_by, created_at=created_at,
        changed_at=changed_at,
    )  # fmt: skip
