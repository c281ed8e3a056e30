"""The words of the record of processing (GDPR 30), in the languages of the interface."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from babel import Locale


@attrs.frozen
class Words:
    """One language. `spans` has, for each moment a time limit counts from, a phrase for each plural form of days."""

    title: str
    headings: tuple[str, ...]
    bases: Mapping[str, str]
    spans: Mapping[str, Mapping[str, str]]
    at_once: Mapping[str, str]
    missing: str
    locale: str

    def days(self, count: int, after: str) -> str:
        """How long data is kept: so many days after a moment, or until it is there."""
        if count == 0:
            return self.at_once[after]
        form = Locale.parse(self.locale).plural_form(count)
        phrases = self.spans[after]
        return phrases.get(form, phrases["other"]).format(count)


def of(language: str) -> Words:
    """The words of *language*; English where there are none."""
    return _WORDS.get(language, _WORDS["en"])


def _spans(days: Mapping[str, str], moments: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {after: {form: f"{{}} {day} {moment}" for form, day in days.items()} for after, moment in moments.items()}


_WORDS: Mapping[str, Words] = {
    "lv": Words(
        title="Apstrādes darbību reģistrs",
        headings=(
            "Darbība",
            "Nosaukums",
            "Nolūki",
            "Tiesiskais pamats",
            "Datu kategorijas",
            "Datu subjekti",
            "Saņēmēji",
            "Nodošana ārpus EEZ",
            "Glabāšanas laiks",
            "Pārzinis un datu aizsardzības speciālists",
            "Drošības pasākumi",
        ),
        bases={
            "consent": "Piekrišana (VDAR 6. panta 1. punkta a) apakšpunkts)",
            "contract": "Līgums (VDAR 6. panta 1. punkta b) apakšpunkts)",
            "legal-obligation": "Juridisks pienākums (VDAR 6. panta 1. punkta c) apakšpunkts)",
            "legitimate-interest": "Leģitīmas intereses (VDAR 6. panta 1. punkta f) apakšpunkts)",
        },
        spans=_spans(
            {"zero": "dienu", "one": "dienu", "other": "dienas"},
            {
                "collection": "pēc iegūšanas",
                "withdrawal": "pēc piekrišanas atsaukšanas",
                "contract-end": "pēc līguma beigām",
                "use": "pēc izmantošanas",
            },
        ),
        at_once={
            "collection": "Dzēš uzreiz pēc iegūšanas",
            "withdrawal": "Dzēš uzreiz pēc piekrišanas atsaukšanas",
            "contract-end": "Dzēš uzreiz pēc līguma beigām",
            "use": "Dzēš uzreiz pēc izmantošanas",
        },
        missing="Nav norādīts",
        locale="lv_LV",
    ),
    "ru": Words(
        title="Реестр действий по обработке",
        headings=(
            "Действие",
            "Название",
            "Цели",
            "Правовое основание",
            "Категории данных",
            "Субъекты данных",
            "Получатели",
            "Передача за пределы ЕЭЗ",
            "Срок хранения",
            "Контролёр и специалист по защите данных",
            "Меры безопасности",
        ),
        bases={
            "consent": "Согласие (GDPR, статья 6(1)(a))",
            "contract": "Договор (GDPR, статья 6(1)(b))",
            "legal-obligation": "Обязанность по закону (GDPR, статья 6(1)(c))",
            "legitimate-interest": "Законный интерес (GDPR, статья 6(1)(f))",
        },
        spans=_spans(
            {"one": "день", "few": "дня", "other": "дней"},
            {
                "collection": "после получения",
                "withdrawal": "после отзыва согласия",
                "contract-end": "после окончания договора",
                "use": "после использования",
            },
        ),
        at_once={
            "collection": "Удаляются сразу после получения",
            "withdrawal": "Удаляются сразу после отзыва согласия",
            "contract-end": "Удаляются сразу после окончания договора",
            "use": "Удаляются сразу после использования",
        },
        missing="Не указано",
        locale="ru_RU",
    ),
    "en": Words(
        title="Record of processing activities",
        headings=(
            "Activity",
            "Title",
            "Purposes",
            "Legal basis",
            "Categories of data",
            "Categories of persons",
            "Recipients",
            "Transfers outside the EEA",
            "Kept for",
            "Controller and data-protection officer",
            "Security measures",
        ),
        bases={
            "consent": "Consent (GDPR 6(1)(a))",
            "contract": "Contract (GDPR 6(1)(b))",
            "legal-obligation": "Legal obligation (GDPR 6(1)(c))",
            "legitimate-interest": "Legitimate interest (GDPR 6(1)(f))",
        },
        spans=_spans(
            {"one": "day", "other": "days"},
            {
                "collection": "after collection",
                "withdrawal": "after the consent was withdrawn",
                "contract-end": "after the contract has ended",
                "use": "after use",
            },
        ),
        at_once={
            "collection": "Deleted as soon as collected",
            "withdrawal": "Deleted as soon as the consent was withdrawn",
            "contract-end": "Deleted as soon as the contract has ended",
            "use": "Deleted as soon as used",
        },
        missing="Not stated",
        locale="en_GB",
    ),
}
