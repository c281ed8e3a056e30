"""Lists of decisions and checks: each item is answered by itself; and checks about another time."""

from __future__ import annotations

from datetime import timedelta

from rest_support import Api

from placet.kernel import clock
from placet.kernel.periods import format_instant

NOBODY = {"subject": "msisdn:+37129999997"}


def test_one_unknown_person_in_a_list_does_not_refuse_the_others(api: Api, phone: str) -> None:
    anna = {"subject": api.person(phone)}
    no = {"purpose": "usage", "decision": "withdrawn"}
    results = api.post("/v1/decisions", [anna | no, NOBODY | no, anna | no]).json()["results"]
    assert [result.get("code", "recorded") for result in results] == ["recorded", "unknown-subject", "recorded"]
    token = results[-1]["token"]
    asked = {"activity": "usage", "token": token}
    answers = api.post("/v1/check", [anna | asked, NOBODY | asked]).json()["results"]
    assert answers[0]["reason"] in {"withdrawn", "closed"}
    assert answers[1]["reason"] == "unknown-subject"


def test_a_check_can_ask_what_was_valid_and_what_was_known_then(api: Api, phone: str) -> None:
    anna = {"subject": api.person(phone)}
    given = api.decide(anna["subject"], "usage", "given", shown=api.shown("usage")).json()
    between = clock.now()
    api.decide(anna["subject"], "usage", "withdrawn")
    asked = anna | {"activity": "usage"}
    then = api.post("/v1/check", asked | {"at": format_instant(between)}).json()
    assert (then["allowed"], then["permit"]) == (True, None)
    known = api.post("/v1/check", asked | {"known_at": format_instant(between)}).json()
    assert known["allowed"] is True
    before = api.post("/v1/check", asked | {"at": format_instant(between - timedelta(days=1))}).json()
    assert before["reason"] == "no-decision"
    assert given["token"].partition(".")[0] == then["token"].partition(".")[0]
