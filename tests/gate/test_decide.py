"""Runs decide.yaml: the table of what the gate answers. Add a case there; nothing here needs to change."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from placet.gate.model import Facts, Need, No, Person, Question, Reason, Standing, Terms, Token, Verdict, Yes
from placet.gate.rules import decide

# The base loader reads words only: in YAML proper `yes` and `no` would be booleans.
TABLE = yaml.load(Path(__file__).with_name("decide.yaml").read_text(encoding="utf-8"), yaml.BaseLoader)
PERSONS = {
    "known": Person(1),
    "erased": Person(1, erased=True),
    "restricted": Person(1, restricted=True),
    "unknown": None,
}


def standing(words: str) -> Standing:
    """`given 2 until 2026-03-12T12:00:00Z` is a decision, the major of its notice, and its end."""
    decision, *rest = words.split()
    end = datetime.fromisoformat(rest[rest.index("until") + 1]) if "until" in rest else None
    return Standing(decision, int(rest[0]) if rest and rest[0].isdecimal() else None, end)


def terms(asked: str) -> Terms | None:
    if (found := TABLE["activities"].get(asked)) is not None:
        basis = None if found["basis"] == "null" else found["basis"]
        needs = tuple(Need(*need.split("/")) for need in found["needs"])
        return Terms(basis, needs, found.get("channel"))
    return Terms("consent", (Need(asked),)) if asked in TABLE["majors"] else None


def answer(case: dict[str, Any]) -> Verdict:
    asked, _, channel = case["ask"].partition("/")
    at = datetime.fromisoformat(case.get("at", "2026-03-12T12:00:00Z"))
    token = Token.parse(case["token"]) if "token" in case else None
    said = {}
    for key, words in case.get("said", {}).items():
        purpose, _, of_channel = key.partition("/")
        said[purpose, of_channel or None] = standing(words)
    in_force = {**TABLE["majors"], **case.get("majors", {})}
    majors = {purpose: int(major) for purpose, major in in_force.items() if major != "null"}
    person = PERSONS[case.get("person", "known")]
    hindered = {name: frozenset(case.get(name, [])) for name in ("restricted", "closed")}
    facts = Facts(Token("0a0a0a0a", 100), terms(asked), person, said, majors, **hindered)
    return decide(Question(UUID(int=1), asked, at, channel or None, token), facts)


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["name"].replace(" ", "_"))
def test_gate_decides_as_the_table_says(case: dict[str, Any]) -> None:
    verdict = answer(case)
    if "yes" in case:
        end = case.get("until")
        assert isinstance(verdict, Yes)
        assert (verdict.basis, verdict.until) == (case["yes"], datetime.fromisoformat(end) if end else None)
    else:
        assert verdict == No(Reason(case["no"]))


def test_table_has_a_case_for_every_reason_that_decide_may_give() -> None:
    told = {case["no"] for case in TABLE["cases"] if "no" in case}
    assert told == {reason.value for reason in Reason} - {"closed", "lapsed"}
