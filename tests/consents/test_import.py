from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from import_office import Office, office, row, table

from placet.store.database import Database
from placet.subjects.actions import Subjects


@pytest.fixture
def desk(database: Database, subjects: Subjects, tmp_path: Path, now: datetime) -> Office:
    return office(database, subjects, tmp_path, now)


def test_imported_decisions_stand_in_state_ledger_and_feed_with_their_provenance(desk: Office) -> None:
    report = desk.run(table([row(), row(channel="sms"), row(subject="msisdn:20000002", decision="refused")]))
    assert (report.recorded, report.refused, report.ignored) == (3, 0, 0)
    assert desk.states() == [
        (1, "offers", "", "given"),
        (1, "offers", "sms", "given"),
        (2, "offers", "", "refused"),
    ]
    assert desk.rows("SELECT position, number, decision FROM consents.change ORDER BY 1") == [
        (1, 1, "given"), (2, 1, "given"), (3, 2, "refused"),
    ]  # fmt: skip
    (body,) = desk.rows("SELECT convert_from(body, 'UTF8')::json ->> 'provenance' FROM ledger.entered LIMIT 1")[0]
    assert body == '{"collected_at":"2026-02-01T00:00:00.000000Z","grade":"B","source":"crm-2019"}'
    assert not desk.refused.exists()
