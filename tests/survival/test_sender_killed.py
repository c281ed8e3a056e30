"""kill -9 of the sender while people withdraw: a short run; `make bench NAME=offers` has the long one."""

from __future__ import annotations

from pathlib import Path

from mail_crash import Plan, crash

from placet.bootstrap import Application


def test_a_sender_that_is_killed_sends_nothing_twice_and_nothing_after_a_withdrawal(
    placet: Application, tmp_path: Path
) -> None:
    planned = Plan(messages=300, kills=3, withdrawals=60, connections=8)
    verdict = crash(placet, tmp_path, planned)
    assert verdict.taken >= planned.messages - planned.withdrawals - planned.kills * planned.connections
    assert (verdict.twice, verdict.late, verdict.wrong, verdict.open) == (0, 0, 0, 0)
    assert verdict.unknown == verdict.reconciled + verdict.closed
    assert verdict.unknown <= planned.kills * planned.connections
