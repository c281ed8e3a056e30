"""docs/reference/rest.md runs: every `curl` on the page, in its order, answers 2xx; and it shows every route."""

from __future__ import annotations

import re
import shlex
import string
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from rest_support import Api, put_in_inbox

import placet
from mobility.faces.atlas_town import released
from placet.bootstrap import Application
from placet.kernel import clock
from placet.kernel.ids import ChannelId, StaffId
from placet.purposes.offers.surveys import authoring, handing
from surveys.survey_forms import FORM, plan

PAGE = Path(placet.__file__).parents[2] / "docs" / "reference" / "rest.md"
LEARNT = {
    "/v1/subjects": {"SUBJECT": "id"},
    "/v1/notices/offers": {"SHOWN": "sha256"},
    "/v1/decisions": {"RECORD": "record", "TOKEN": "token"},
    "/v1/check": {"PERMIT": "permit"},
    "/v1/audiences": {"AUDIENCE": "id"},
    "/v1/webhooks": {"WEBHOOK": "id"},
}
"""What a reader takes from one answer into the next request."""


def commands() -> Iterator[str]:
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        yield from re.findall(r"^curl .*?(?<!\\)(?=\n(?:curl|\Z)|\Z)", block.strip(), re.DOTALL | re.MULTILINE)


def request(command: str, known: dict[str, str]) -> dict[str, Any]:
    """The request that the command line makes."""
    words = shlex.split(string.Template(command.replace("\\\n", " ")).substitute(known))
    found: dict[str, Any] = {"method": "GET", "headers": {}}
    words = words[1:]
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _, value = words.pop(0).partition(": ")
            found["headers"][name] = value
        elif word == "-d":
            found |= {"method": "POST", "content": words.pop(0).encode()}
        elif word == "-X":
            found["method"] = words.pop(0)
        elif word != "-s":
            found["url"] = word
    return found


def answered(api: Api, sent: dict[str, Any]) -> httpx.Response:
    """The answer; a replica that has just started gets the time to catch up."""
    end = time.monotonic() + 20
    while True:
        answer: httpx.Response = api.http.request(**sent)
        if answer.status_code != 503 or time.monotonic() > end:
            return answer
        time.sleep(0.05)


def test_every_command_of_the_page_runs_and_every_route_is_shown(api: Api, placet: Application) -> None:
    known = {"PLACET": "", "KEY": api.key}
    for month in ("2026-09", "2026-10"):
        released(placet, month, public_by=StaffId(uuid4()))
    shown = set()
    for command in commands():
        if "$MESSAGE" in command:
            asked = survey_template(placet) if "/survey" in command else "spring"
            known["MESSAGE"] = put_in_inbox(placet, known["SUBJECT"], asked, template=asked)
        sent = request(command, known)
        answer = answered(api, sent)
        assert 200 <= answer.status_code < 300, (command, answer.text)
        path = sent["url"].partition("?")[0]
        shown.add((sent["method"], template(path, known)))
        learnt = LEARNT.get(path, {}) if sent["method"] == "POST" or "notices" in path else {}
        found = answer.json() if learnt else {}
        known |= {name: str(found[field]) for name, field in learnt.items() if field in found}
    document = api.get("/v1/openapi.json").json()
    routes = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    assert shown == routes


def survey_template(placet: Application) -> str:
    """What the queue calls the invitation to a survey that is open."""
    now = clock.now()
    with placet.database.transaction() as connection:
        survey = authoring.create(connection, FORM, plan(now, channels=("app",)), by=StaffId(uuid4()), now=now)
        authoring.submit(connection, survey.id, by=StaffId(uuid4()), now=now)
        authoring.open_survey(connection, survey.id, by=StaffId(uuid4()), now=now)
    return handing.template(survey.id, ChannelId("app"))


def template(path: str, known: dict[str, str]) -> str:
    for name in ("SUBJECT", "RECORD", "AUDIENCE", "WEBHOOK", "MESSAGE"):
        if name in known:
            path = path.replace(known[name], f"{{{name.lower()}}}")
    path = path.replace("/2026-10", "/{release}").replace("/flows.csv", "/{file}")
    return path.replace("/offers", "/{purpose}")
