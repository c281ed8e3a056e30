"""
Which language a page speaks, and how it writes dates and numbers.

The reader's choice (`?lang=`, remembered in a cookie) wins over the browser's Accept-Language (RFC 9110 §12.5.4).
The interface's words are gettext catalogues in `locale/`, read as text when the program starts: the English words
stand in the templates, so English needs no catalogue.
"""

from __future__ import annotations

import io
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import attrs
from babel import Locale, dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

Language = Literal["lv", "ru", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
OWN_NAMES = {"lv": "Latviešu", "ru": "Русский", "en": "English"}
_SHORT_DAYS = {"lv": "dd.MM.yyyy.", "ru": "dd.MM.yyyy", "en": "d MMM yyyy"}
_LOCALES = {"lv": "lv_LV", "ru": "ru_RU", "en": "en_GB"}


def language_of(text: str | None) -> Language | None:
    """*text* as one of our languages, or None."""
    return next((language for language in LANGUAGES if language == text), None)


def choose(*, asked: str | None, remembered: str | None, accepted: str) -> Language:
    """The language of a page: what was *asked* for, else *remembered*, else the best of *accepted*, else Latvian."""
    return language_of(asked) or language_of(remembered) or _best_of(accepted) or "lv"


@attrs.frozen
class Words:
    """One language's words, dates and numbers, as templates use them."""

    language: Language
    zone: ZoneInfo

    @property
    def translations(self) -> NullTranslations:
        return catalogue(self.language)

    @property
    def locale(self) -> Locale:
        return Locale.parse(_LOCALES[self.language])

    def day(self, instant: datetime | date) -> str:
        """The day of *instant* in the reader's zone: `12 March 2026`."""
        local = instant.astimezone(self.zone).date() if isinstance(instant, datetime) else instant
        return _day(local, "long", self.language)

    def short_day(self, instant: datetime) -> str:
        """As `day`, for narrow places: `12.03.2026`, `12 Mar 2026`."""
        return _day(instant.astimezone(self.zone).date(), _SHORT_DAYS[self.language], self.language)

    def narrow_day(self, day: date) -> str:
        """As `short_day`, for a day that is no instant."""
        return _day(day, _SHORT_DAYS[self.language], self.language)

    def day_of_year(self, day: date) -> str:
        """A day of every year: `12 March`."""
        return dates.format_skeleton("MMMMd", day, locale=self.locale)

    @property
    def months(self) -> list[str]:
        """The names of the months, January first."""
        return list(dates.get_month_names("wide", context="stand-alone", locale=self.locale).values())

    def moment(self, instant: datetime) -> str:
        """Day and time to the second, in the reader's zone."""
        return f"{self.day(instant)}, {self.clock(instant)}"

    def clock(self, instant: datetime) -> str:
        return dates.format_time(instant, "HH:mm:ss", tzinfo=self.zone, locale=self.locale)

    def number(self, value: int) -> str:
        return _number(value, self.language)

    def decimal(self, value: float) -> str:
        """A number with one decimal."""
        return numbers.format_decimal(value, "#,##0.0", locale=self.locale)

    def decimals(self, value: float | Decimal) -> str:
        """A number with up to three decimals, as many as it has."""
        return numbers.format_decimal(value, "#,##0.0##", locale=self.locale)

    def percent(self, share: float) -> str:
        """A share in whole percents; what is not nothing is never shown as 0 %, nor what is short of all as 100 %."""
        shown = min(max(share, 0.001), 0.999) if 0 < share < 1 else share
        digits = "0.0" if 0 < shown < 0.01 or 0.99 < shown < 1 else "0"
        return numbers.format_percent(shown, f"{digits}\N{NO-BREAK SPACE}%", locale=self.locale)

    def euros(self, cents: int) -> str:
        """An amount of money: `€12.30`, `12,30 €`."""
        return numbers.format_currency(Decimal(cents) / 100, "EUR", locale=self.locale)

    def seconds(self, milliseconds: float) -> str:
        """A length of time in seconds, with as many decimals as it deserves."""
        value = milliseconds / 1000
        return numbers.format_decimal(value, "0.00" if value < 1 else "#,##0.0", locale=self.locale)


@lru_cache(4096)
def _day(day: date, form: str, language: Language) -> str:
    """Written anew each time, the few days of a page took a tenth of it."""
    return dates.format_date(day, form, locale=Locale.parse(_LOCALES[language]))


@lru_cache(4096)
def _number(value: int, language: Language) -> str:
    return numbers.format_decimal(value, locale=Locale.parse(_LOCALES[language]))


@cache
def catalogue(language: Language) -> NullTranslations:
    """The gettext catalogue of *language*; English is what the templates say."""
    if language == "en":
        return NullTranslations()
    text = files("placet.interfaces.web").joinpath(f"locale/{language}.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(text), locale=language))
    compiled.seek(0)
    return Translations(compiled)


def _best_of(accepted: str) -> Language | None:
    """The one of our languages with the highest weight in an Accept-Language header; the earlier wins a tie."""
    best: tuple[float, Language] | None = None
    for part in accepted.split(",")[:20]:
        tag, _, weight = part.strip().partition(";")
        language = language_of(tag.split("-")[0].strip().lower())
        quality = _quality(weight)
        if language is not None and quality > 0 and (best is None or quality > best[0]):
            best = (quality, language)
    return best[1] if best else None


def _quality(weight: str) -> float:
    """The `q` of an Accept-Language item, 1 when absent, 0 when it cannot be read."""
    text = weight.strip().removeprefix("q=") if weight.strip() else "1"
    try:
        return float(text)
    except ValueError:
        return 0.0
