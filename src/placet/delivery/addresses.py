"""
Which addresses and numbers a message can go to. The text is personal data: no error repeats it.

Whether a mailbox exists only its server knows; what can be said from the outside is said here, before anything is
planned. Checks read no network.
"""

from __future__ import annotations

import re

import attrs
import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberType

from placet.kernel.errors import BadInput

_REACHED_BY_SMS = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


@attrs.frozen(repr=False)
class Mailbox:
    """An address as it goes over the wire; *international* ones need SMTPUTF8 all the way (RFC 6531)."""

    address: str
    international: bool


def mailbox(text: str) -> Mailbox:
    """The mailbox *text* names; a domain with national letters becomes its ASCII form (RFC 5891)."""
    try:
        found = validate_email(text, check_deliverability=False, allow_quoted_local=False, strict=True)
    except EmailNotValidError:
        raise BadInput("this is not an e-mail address that mail can be sent to", code="unreachable-address") from None
    if found.ascii_email is not None:
        return Mailbox(found.ascii_email, international=False)
    return Mailbox(found.normalized, international=True)


def mobile_number(text: str) -> str:
    """*text* in E.164, if an SMS can reach it: premium, toll-free and fixed numbers are refused."""
    try:
        number = phonenumbers.parse(text, "LV")
    except NumberParseException:
        raise BadInput("this is not a telephone number", code="unreachable-address") from None
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in _REACHED_BY_SMS:
        raise BadInput("this is not a number that an SMS can reach", code="unreachable-address")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def sms_sender(text: str) -> str:
    """A sender of SMS: a number, a short code, or up to 11 letters and digits (3GPP TS 23.040 §9.1.2.5)."""
    if not re.fullmatch(r"\+?[0-9]{3,15}|(?=.*[A-Za-z])[A-Za-z0-9 ._-]{1,11}", text, re.ASCII):
        raise BadInput("a sender is a number, a short code, or up to 11 letters and digits", code="unreachable-address")
    return text
