"""A small survey to try things with: one of each kind of question, and one that depends on an answer."""

from __future__ import annotations

from datetime import datetime, timedelta

from placet.kernel.ids import ChannelId
from placet.purposes.offers.surveys.model import (
    Choice,
    Form,
    Kind,
    Plan,
    Question,
    QuestionId,
    Scale,
    ShowIf,
    Texts,
)

USED, WHY, HAPPY, MORE = (QuestionId(f"q{number}") for number in range(1, 5))


def words(text: str) -> Texts:
    return {"lv": f"{text} (lv)", "ru": f"{text} (ru)", "en": text}


def choices(**titles: str) -> tuple[Choice, ...]:
    return tuple(Choice(id, words(title)) for id, title in titles.items())


FORM = Form(
    titles=words("How was your summer?"),
    intro=words("Four questions about travelling with your phone."),
    questions=(
        Question(USED, Kind.SINGLE, words("Did you use data abroad?"), choices(a="Yes", b="No")),
        Question(
            WHY,
            Kind.MULTIPLE,
            words("What kept you from it?"),
            choices(a="The price", b="No need", c="No signal"),
            show_if=ShowIf(USED, frozenset({"b"})),
        ),
        Question(HAPPY, Kind.SCALE, words("How happy are you?"), scale=Scale(1, 5, words("not"), words("very"))),
        Question(MORE, Kind.TEXT, words("What should we do better?")),
    ),
)


def plan(now: datetime, *, anonymous: bool = False, channels: tuple[str, ...] = ("email", "sms")) -> Plan:
    return Plan(
        anonymous=anonymous,
        channels=tuple(ChannelId(channel) for channel in channels),
        closes_at=now + timedelta(days=14),
    )
