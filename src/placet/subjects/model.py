"""Persons, the aliases they are found by, the lines they stand to, and the mandates to decide for another."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, cast, get_args

import attrs

from placet.kernel.errors import BadInput
from placet.kernel.ids import LineId, MandateId, Number, PurposeId, SubjectId
from placet.kernel.periods import Period
from placet.subjects import personal_code

AliasKind = Literal["msisdn", "email", "crm", "personal-code"]
Role = Literal["holder", "user", "child", "company-contact"]
EventKind = Literal["recycled", "sim-swap", "holder-changed", "user-changed", "contract-ended", "ported-out"]
MandateKind = Literal["parent", "guardian", "power-of-attorney"]

LANGUAGES = ("lv", "ru", "en")
HOME = "371"
"""Country code of numbers written without one: the operator's own network (Latvia)."""


@attrs.frozen
class Subject:
    """
    A person as the rest of the program sees one: nothing here identifies anybody.

    Of an erased person the language is forgotten too: `und` (ISO 639-2, undetermined).
    """

    id: SubjectId
    number: Number
    language: str
    created_at: datetime
    erased_at: datetime | None = None


@attrs.frozen
class Identity:
    """One id that a person is or was recorded under, with its own key; *key* None once it was erased."""

    id: SubjectId
    number: Number
    key: bytes | None = attrs.field(repr=False)


@attrs.frozen(repr=False, cache_hash=True)
class Alias:
    """What a person is found by: a phone number, an e-mail address, a customer number, a personal code; normalised."""

    kind: AliasKind
    value: str

    @classmethod
    def parse(cls, text: str) -> Alias:
        """Read `msisdn:…`, `email:…`, `crm:…` or `personal-code:…`. The text is personal data: no error repeats it."""
        kind, colon, value = text.partition(":")
        normalise = _NORMALISE.get(kind.strip().lower())
        if not colon or normalise is None:
            raise BadInput(
                "a subject is named by its id, or by msisdn:+371…, email:… or crm:…; nothing was changed",
                code="bad-alias",
            )
        return normalise(value)

    @classmethod
    def msisdn(cls, value: str) -> Alias:
        """A phone number in any usual spelling, to E.164 (ITU-T E.164 §6)."""
        digits = re.sub(r"[\s().\-\u00a0/]", "", value)
        digits = re.sub(r"^00", "+", digits)
        if re.fullmatch(r"[2689]\d{7}", digits, re.ASCII):
            digits = f"+{HOME}{digits}"
        elif re.fullmatch(rf"{HOME}\d{{8}}", digits, re.ASCII):
            digits = f"+{digits}"
        if not re.fullmatch(r"\+[1-9]\d{6,14}", digits, re.ASCII):
            raise BadInput("a phone number must look like +371 2000 0000; nothing was changed", code="bad-alias")
        return cls("msisdn", digits)

    @classmethod
    def email(cls, value: str) -> Alias:
        """An e-mail address, case-folded: mailboxes that differ by case only do not occur in practice."""
        folded = unicodedata.normalize("NFC", value.strip()).casefold()
        if len(folded) > 254 or not re.fullmatch(
            r"[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+\.[^\s@.\x00-\x1f\x7f]+", folded
        ):
            raise BadInput("an e-mail address must look like name@example.lv; nothing was changed", code="bad-alias")
        return cls("email", folded)

    @classmethod
    def crm(cls, value: str) -> Alias:
        """The customer's number in the operator's own system."""
        stripped = value.strip()
        if not re.fullmatch(r"[\x21-\x7e]{1,64}", stripped):
            raise BadInput(
                "a CRM id has 1 to 64 printable ASCII characters without spaces; nothing was changed", code="bad-alias"
            )
        return cls("crm", stripped)

    @classmethod
    def personal_code(cls, value: str) -> Alias:
        """Latvia's national identification number, in either of its forms."""
        if (digits := personal_code.normalised(value)) is None:
            raise BadInput(
                "a personal code looks like 161175-19997 or 32xxxx-xxxxx; check its digits. Nothing was changed",
                code="bad-personal-code",
            )
        return cls("personal-code", digits)

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    def __repr__(self) -> str:
        """The kind only: what is printed by accident, in a log or a traceback, must not name a person."""
        return f"Alias({self.kind!r}, …)"


_NORMALISE = {
    "msisdn": Alias.msisdn,
    "email": Alias.email,
    "crm": Alias.crm,
    "personal-code": Alias.personal_code,
}


@attrs.frozen(repr=False)
class Contact:
    """An alias of a person with the period in which it was theirs."""

    alias: Alias
    period: Period


@attrs.frozen(repr=False)
class Profile:
    """What a person is called and when they were born, as far as it is known."""

    name: str | None = None
    birth_date: date | None = None


def _spoken(_instance: object, _attribute: object, language: str) -> None:
    if language not in LANGUAGES:
        raise BadInput(f"a language is one of {', '.join(LANGUAGES)}; nothing was changed", code="bad-language")


def _named(_instance: object, _attribute: object, name: str | None) -> None:
    if name is not None and (not 0 < len(name) <= 200 or any(unicodedata.category(sign) == "Cc" for sign in name)):
        raise BadInput("a name has 1 to 200 characters and no control characters; nothing was changed", code="bad-name")


@attrs.frozen(repr=False)
class Newcomer:
    """A person about to be recorded."""

    aliases: Sequence[Alias]
    language: str = attrs.field(validator=_spoken)
    name: str | None = attrs.field(default=None, validator=_named)
    birth_date: date | None = None


@attrs.frozen
class LineRole:
    """That a person stands to a line as something, for a time."""

    line: LineId
    subject: SubjectId
    role: Role
    period: Period


@attrs.frozen
class LineEvent:
    """Something that happened to a line."""

    line: LineId
    kind: EventKind
    occurred_at: datetime


@attrs.frozen
class Mandate:
    """The right of *representative* to decide for *subject* on *purposes*, during *period*."""

    id: MandateId
    representative: SubjectId
    subject: SubjectId
    kind: MandateKind
    purposes: frozenset[PurposeId] = attrs.field()
    period: Period

    @purposes.validator
    def _bounded(self, _attribute: object, purposes: frozenset[PurposeId]) -> None:
        if not purposes:
            raise BadInput("a mandate must name the purposes it covers; nothing was changed", code="bad-mandate")


def parse_role(text: str) -> Role:
    """Read the word for a role on a line."""
    if text not in get_args(Role):
        raise BadInput(f"a role is one of {', '.join(get_args(Role))}; nothing was changed", code="bad-role")
    return cast(Role, text)


def parse_event(text: str) -> EventKind:
    """Read the word for what happened to a line."""
    if text not in get_args(EventKind):
        raise BadInput(
            f"a line event is one of {', '.join(get_args(EventKind))}; nothing was changed", code="bad-event"
        )
    return cast(EventKind, text)


def parse_mandate(text: str) -> MandateKind:
    """Read the word for a kind of mandate."""
    if text not in get_args(MandateKind):
        raise BadInput(
            f"a mandate is one of {', '.join(get_args(MandateKind))}; nothing was changed", code="bad-mandate"
        )
    return cast(MandateKind, text)
