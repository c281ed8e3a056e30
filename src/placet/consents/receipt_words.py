"""A receipt in the reader's words: what the printable page and the command line show of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import attrs
from babel.dates import format_date

from placet.consents.model import Decision, Record
from placet.consents.receipt_form import Place

_LOCALES = {"lv": "lv_LV", "ru": "ru_RU", "en": "en_GB"}
_DECISIONS: Mapping[str, Mapping[Decision, str]] = {
    "lv": {
        Decision.GIVEN: "Dota",
        Decision.REFUSED: "Atteikta",
        Decision.WITHDRAWN: "Atsaukta",
        Decision.OBJECTED: "Iebilsts",
        Decision.REQUESTED: "Pajautāta, atbildes vēl nav",
        Decision.EXPIRED: "Beidzies termiņš",
        Decision.INVALIDATED: "Vairs nav spēkā: teksts ir mainīts",
        Decision.SUSPENDED: "Apturēta, līdz to apstiprināsiet",
    },
    "ru": {
        Decision.GIVEN: "Дано",
        Decision.REFUSED: "Отказано",
        Decision.WITHDRAWN: "Отозвано",
        Decision.OBJECTED: "Заявлено возражение",
        Decision.REQUESTED: "Запрошено, ответа ещё нет",
        Decision.EXPIRED: "Срок истёк",
        Decision.INVALIDATED: "Больше не действует: текст изменился",
        Decision.SUSPENDED: "Приостановлено до вашего подтверждения",
    },
    "en": {
        Decision.GIVEN: "Given",
        Decision.REFUSED: "Refused",
        Decision.WITHDRAWN: "Withdrawn",
        Decision.OBJECTED: "Objected to",
        Decision.REQUESTED: "Asked, not answered yet",
        Decision.EXPIRED: "Expired",
        Decision.INVALIDATED: "No longer valid: the text has changed",
        Decision.SUSPENDED: "Suspended until you confirm it",
    },
}
_ROUTES: Mapping[str, Mapping[str, str]] = {
    "lv": {
        "portal": "tīmekļa vietnē",
        "desk": "klientu centrā",
        "phone": "pa tālruni",
        "sms": "ar SMS",
        "post": "ar vēstuli",
        "api": "caur pieslēgtu sistēmu",
        "import": "pārņemts no iepriekšējas sistēmas",
    },
    "ru": {
        "portal": "на сайте",
        "desk": "в центре обслуживания клиентов",
        "phone": "по телефону",
        "sms": "по SMS",
        "post": "письмом",
        "api": "через подключённую систему",
        "import": "перенесено из прежней системы",
    },
    "en": {
        "portal": "on the website",
        "desk": "at a service centre",
        "phone": "by phone",
        "sms": "by SMS",
        "post": "by letter",
        "api": "through a connected system",
        "import": "taken over from an earlier system",
    },
}
LANGUAGES = tuple(_DECISIONS)


class Readable(Protocol):
    """A receipt that was just made, or one that was found genuine."""

    @property
    def record(self) -> Record: ...
    @property
    def place(self) -> Place: ...
    @property
    def payload(self) -> dict[str, Any]: ...


@attrs.frozen
class ReceiptSummary:
    """What one receipt says, ready to print in *language*; *channel* is empty where the decision names none."""

    language: str
    decision: str
    purpose: str
    channel: str
    occurred_at: str
    recorded_at: str
    route: str
    controller: str
    notice_version: str
    notice_sha256: str
    record_id: str
    receipt_id: str
    position: int
    log: str


def summary(receipt: Readable, *, language: str, zone: ZoneInfo) -> ReceiptSummary:
    """The words of *receipt* for a reader of *language* in *zone*; an unknown language reads English."""
    language = language if language in _DECISIONS else "en"
    record, said = receipt.record, receipt.payload
    process = said["dpv:hasRecordOfActivity"].get("dpv:hasProcess", {})
    notice = record.notice
    return ReceiptSummary(
        language=language,
        decision=_DECISIONS[language][record.decision],
        purpose=_title(process.get("dpv:hasPurpose"), language) or record.purpose,
        channel=_title(process.get("placet:overChannel"), language) or record.channel or "",
        occurred_at=_moment(record.occurred_at, language, zone),
        recorded_at=_moment(record.recorded_at, language, zone),
        route=_ROUTES[language].get(record.route, record.route),
        controller=_controller(said),
        notice_version="" if notice is None else notice.version,
        notice_sha256=(notice.sha256 or "") if notice is not None else "",
        record_id=str(record.id),
        receipt_id=said["dpv:hasIdentifier"],
        position=receipt.place.position,
        log=receipt.place.origin,
    )


def _moment(instant: datetime, language: str, zone: ZoneInfo) -> str:
    """Day and time to the second in the reader's zone, with its offset: `12 March 2026, 14:00:01 +0200`."""
    local, locale = instant.astimezone(zone), _LOCALES[language]
    return f"{format_date(local, 'long', locale=locale)}, {local:%H:%M:%S %z}"


def _title(thing: object, language: str) -> str:
    """The title of *thing* in *language*; empty when there is none."""
    titles = thing.get("dct:title") if isinstance(thing, dict) else None
    for title in titles if isinstance(titles, list) else []:
        if isinstance(title, dict) and title.get("@language") == language:
            return str(title.get("@value", ""))
    return ""


def _controller(said: dict[str, Any]) -> str:
    """The name of the party that the receipt names as its creator."""
    parties = said["dpv:hasEntity"] if isinstance(said["dpv:hasEntity"], list) else []
    creators = [party for party in parties if isinstance(party, dict) and party.get("@id") == said.get("dct:creator")]
    return str(creators[0].get("dpv:hasName", "")) if creators else ""
