"""Runs tests/subjects/rules.yaml: one test for each row."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from placet.kernel.ids import ChannelId, LineId, MandateId, PurposeId, SubjectId
from placet.kernel.periods import Period
from placet.subjects import rules
from placet.subjects.model import LineEvent, LineRole, Mandate

TABLE = yaml.safe_load(Path(__file__).with_name("rules.yaml").read_text(encoding="utf-8"))
TIED = [(PurposeId("usage"), None), (PurposeId("offers"), ChannelId("sms"))]
LINE = LineId(uuid5(NAMESPACE_DNS, "line"))


def cases(section: str) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["title"]) for case in TABLE[section]])


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=rules.RIGA)


def person(name: str) -> SubjectId:
    return SubjectId(uuid5(NAMESPACE_DNS, name))


def period(row: dict[str, Any]) -> Period:
    return Period(midnight(row.get("from", date(2000, 1, 1))), midnight(row["until"]) if "until" in row else None)


def key(text: str) -> rules.Key:
    purpose, _, channel = text.partition("/")
    return PurposeId(purpose), ChannelId(channel) if channel else None


@cases("line_events")
def test_line_event(case: dict[str, Any]) -> None:
    roles = []
    for name, given_roles in case["roles"].items():
        for row in given_roles if isinstance(given_roles, list) else [given_roles]:
            row = row if isinstance(row, dict) else {"role": row}
            roles.append(LineRole(LINE, person(name), row["role"], period(row)))
    event = LineEvent(LINE, case["event"], midnight(case.get("at", date(2026, 3, 12))))
    expected = [
        rules.Suspend(person(name), purpose, channel, case["event"])
        for name in case["suspended"]
        for purpose, channel in TIED
    ]
    assert rules.on_line_event(event, roles, TIED) == expected


@cases("mandates")
def test_mandate(case: dict[str, Any]) -> None:
    row, mandate = case.get("mandate"), None
    if row is not None:
        scope = frozenset(map(PurposeId, row["purposes"]))
        id = MandateId(uuid5(NAMESPACE_DNS, "mandate"))
        mandate = Mandate(id, person("anna"), person("zane"), row["kind"], scope, period(row))
    at, purpose = midnight(case["at"]), PurposeId(case["purpose"])
    verdict = rules.may_decide(mandate, born=case.get("born"), purpose=purpose, at=at)
    assert (verdict.why if isinstance(verdict, rules.MayNot) else "may") == case["answer"]
    if mandate is not None:
        # What is shown of a mandate is what counts: it lasts as long as it lets its holder decide.
        lasts = at in rules.in_force(mandate, born=case.get("born")).period
        assert lasts is (case["answer"] in {"may", "outside-scope"})


@cases("on_a_line")
def test_who_decides_on_a_line(case: dict[str, Any]) -> None:
    assert rules.may_decide_on_line(case["roles"]) is case["decides"]


@cases("merging")
def test_merging(case: dict[str, Any]) -> None:
    first, second, merged = (
        {key(name): state for name, state in case[side].items()} for side in ("first", "second", "merged")
    )
    assert rules.merge(first, second) == merged
    assert rules.merge(second, first) == merged


states = st.dictionaries(
    st.sampled_from([key("offers"), key("offers/sms"), key("usage")]), st.sampled_from(rules.RESTRICTIVENESS)
)


@given(states, states)
def test_merging_never_opens_what_either_identity_had_not_given(
    first: dict[rules.Key, str], second: dict[rules.Key, str]
) -> None:
    opened = {name for name, state in rules.merge(first, second).items() if state == "given"}
    assert opened == {name for name in first.keys() & second.keys() if first[name] == second[name] == "given"}
