"""
One-time codes as service messages: planned in the transaction that makes the code, sent by the next free lane.

Whoever asks by an unknown contact waits as long as by a known one: the same is done, and nothing of it is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import uuid4

import attrs
import yaml
from psycopg import Connection

from placet.access import codes as access
from placet.delivery import letters, sms, wishes
from placet.delivery.actions import Delivery
from placet.delivery.letters import Letter, Source
from placet.delivery.model import Kind, Message
from placet.delivery.sms import Text
from placet.delivery.wording import LANGUAGES
from placet.kernel.ids import ActivityId, ChannelId, SubjectId
from placet.subjects.model import AliasKind

ACTIVITY = ActivityId("contract.service-message")
"""What it stands on: the contract. A catalogue without it refuses every code as `unknown-activity`."""

_CHANNELS: Mapping[AliasKind, ChannelId] = {"email": ChannelId("email"), "msisdn": ChannelId("sms")}
_DECLARED = frozenset({"code"})
_MJML = (
    '<mjml lang="{language}" dir="ltr"><mj-body><mj-section><mj-column>'
    '<mj-text font-family="sans-serif" font-size="18px" line-height="1.5">{words}</mj-text>'
    "</mj-column></mj-section></mj-body></mjml>"
)


@attrs.frozen
class CodeMessages:
    """Fulfils `access.codes.CodeSender` by *channels*, the ids of those that are set up."""

    delivery: Delivery
    channels: Set[ChannelId]

    def send(self, connection: Connection, message: access.Message, *, now: datetime) -> None:
        channel = _CHANNELS[message.contact.kind]
        if channel not in self.channels:
            access.NoChannel().send(connection, message, now=now)
            return
        planned = Message(
            # A decoy is nobody's; none of it stays.
            subject=message.subject or SubjectId(uuid4()),
            key=f"code/{message.challenge}",
            kind=Kind.SERVICE,
            activity=ACTIVITY,
            channel=channel,
            template=f"code/{message.use}",
            language=message.language if message.language in LANGUAGES else LANGUAGES[0],
            values={"code": message.code or "000000"},
            to=message.contact,
            not_before=now,
            not_after=now + access.VALID,
        )
        if message.subject is None:
            self.delivery.rehearse(connection, planned, now=now)
        else:
            if message.use == "contact":
                # Whoever says that it is theirs may have a new mailbox there.
                wishes.unsuppress(connection, self.delivery.subjects.vault, message.contact, channel=channel)
            with connection.transaction():
                self.delivery.plan(connection, [planned], now=now)


def letter(template: str, language: str) -> Letter | None:
    """The letter of a code (`smtp.Letters`)."""
    return _letters().get((template, language))


def text(template: str, language: str) -> Text | None:
    """The SMS of a code (`sms.Texts`)."""
    return _texts().get((template, language))


@cache
def _letters() -> Mapping[tuple[str, str], Letter]:
    return {
        (f"code/{use}", language): found
        for use, said in _said().items()
        for language, found in letters.publish(_sources(said), kind=Kind.SERVICE, declared=_DECLARED).items()
    }


@cache
def _texts() -> Mapping[tuple[str, str], Text]:
    return {
        (f"code/{use}", language): found
        for use, said in _said().items()
        for language, found in sms.publish_folded(said["words"], declared=_DECLARED).items()
    }


def _sources(said: Mapping[str, Any]) -> Mapping[str, Source]:
    return {
        language: Source(said["subject"][language], words + "\n", _MJML.format(words=words, language=language))
        for language, words in said["words"].items()
    }


@cache
def _said() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(files("placet.delivery").joinpath("codes.yaml").read_text("utf-8"))
    return found
