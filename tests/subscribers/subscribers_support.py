"""A receiver that remembers what it was told, and people who change their minds."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import attrs

from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Recorded, Wish
from placet.kernel import clock
from placet.kernel.ids import PurposeId
from placet.subjects.model import Subject

PHONE = "+37120000009"


@attrs.define
class Receiver:
    """Answers with the next of *answers*, then with 204."""

    url: str
    answers: list[int] = attrs.field(factory=list)
    told: list[tuple[dict[str, str], bytes]] = attrs.field(factory=list)

    def positions(self) -> list[int]:
        return [change["position"] for _, body in self.told for change in json.loads(body)["changes"]]

    def changes(self) -> list[dict[str, Any]]:
        return [change for _, body in self.told for change in json.loads(body)["changes"]]


def say(placet: Application, person: Subject, *decisions: str, purpose: str = "usage") -> list[int]:
    """Record the decisions one after the other; their positions."""
    positions = []
    for decision in decisions:
        with placet.database.transaction() as connection:
            shown = render(placet.catalogue(connection), purpose=purpose, language="lv", route="api")
            catalogue_store.remember_shown(connection, shown, clock.now())
            wish = Wish(
                person.id,
                PurposeId(purpose),
                decision,
                "api",
                Actor("client", "tests"),
                language="lv",
                shown=shown.sha256,
            )
            (outcome,) = consents.record(connection, [wish], rulebook=placet.rulebook, now=clock.now())
        assert isinstance(outcome, Recorded)
        positions.append(int(outcome.position))
    return positions


def until(condition: Callable[[], bool], *, patience: float = 20) -> None:
    """Wait for what happens in another thread; how long it takes is not asserted."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def signature_fits(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What a receiver does with a Standard Webhooks library."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return f"v1,{expected}" in headers["webhook-signature"].split(" ")
