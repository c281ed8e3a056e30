"""The sender killed again and again over many mails, while people withdraw (tests/survival/mail_crash.py, for long)."""

from __future__ import annotations

from bench.borrowed import mail_crash
from bench.ground import Ground
from bench.harness import QUICK, Report

PLAN = (
    mail_crash.Plan(messages=300, kills=1, withdrawals=60, connections=16)
    if QUICK
    else mail_crash.Plan(messages=20_000, kills=60, withdrawals=3_000, connections=16)
)


def run(report: Report, here: Ground) -> None:
    place = here.place("crashing")
    with place.application() as application:
        verdict = mail_crash.crash(application, place.config.data_dir, PLAN)
    here.drop(place)
    most = PLAN.kills * PLAN.connections
    what, n = f"{PLAN.kills} kills of the sender: ", PLAN.messages
    report.add(f"{what}sent twice", verdict.twice, "messages", n=n, must="= 0", taken=verdict.taken)
    report.add(f"{what}sent after their withdrawal", verdict.late, "messages", n=n, must="= 0",
               withdrawals=PLAN.withdrawals)  # fmt: skip
    report.add(f"{what}nobody can know whether they were sent", verdict.unknown, "messages", n=n, must=f"<= {most}",
               reconciled=verdict.reconciled, closed=verdict.closed)  # fmt: skip
    report.add(f"{what}neither ended nor closed", verdict.open, "messages", n=n, must="= 0")
    report.add(f"{what}rows that say another thing than the relay", verdict.wrong, "messages", n=n, must="= 0")
    if verdict.twice or verdict.late or verdict.open or verdict.wrong or verdict.unknown > most:
        report.fail("crashing", f"a promise was broken: {verdict}")
