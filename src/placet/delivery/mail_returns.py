"""
What comes back by mail: bounces (RFC 3464), complaints (RFC 5965), and people who write to stop (RFC 8058 §3.1). Pure.

Every mail leaves with a return address of its own, `b+REFERENCE@…`, and every bounce is found again by it, whatever the
server that bounced has kept of the mail. Anything may be sent to these addresses by anyone: what is not understood is
`Unread`, and a reference that nobody gave out finds no message.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import Message

import attrs

from placet.delivery.model import Delivered, Failed, Outcome, Sent
from placet.delivery.replies import Blame, blame, status_of

LARGEST = 1_000_000
"""Bytes of a mail that are read; the reports stand at its beginning."""
_OURS = re.compile(r"[bu](\+.*)?", re.DOTALL | re.IGNORECASE)
_RETURN = re.compile(r"\b([bu])\+([a-z0-9-]{8,100})@", re.ASCII | re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<([a-z0-9-]{8,100})@([a-z0-9.-]+)>", re.ASCII | re.IGNORECASE)


@attrs.frozen
class Bounce:
    """A server says what became of a mail; *outcome* is None where its report says nothing of that."""

    reference: str
    outcome: Outcome | None


@attrs.frozen
class Complaint:
    """Its reader called a mail unwanted: an objection to everything of its kind (GDPR 21(3))."""

    reference: str


@attrs.frozen
class StopAsked:
    """A mail to the address of `List-Unsubscribe`; *token* is read by `tokens.Tokens`."""

    token: str


@attrs.frozen
class Unread:
    """It is nothing of these, for instance an automatic answer; a person may look."""


Returned = Bounce | Complaint | StopAsked | Unread


def is_ours(address: str, *, domain: str) -> bool:
    """Whether *address* is a return address at *domain*: `b`, `u`, or one of these with what stands behind a `+`."""
    local, _, at = address.rpartition("@")
    return at.lower() == domain.lower() and _OURS.fullmatch(local) is not None


def returned(content: bytes, *, domain: str, to: str = "") -> Returned:
    """
    What *content*, a mail delivered to a return address at *domain*, says; *to* is the address on its envelope, if that
    is known, and counts before those in its header.

    The part `message/feedback-report` makes it a complaint, `message/delivery-status` a bounce; else its own address
    decides.
    """
    mail = email.message_from_bytes(content[:LARGEST], policy=email.policy.compat32)
    tokens = dict(_tokens(to)) or dict(_addressed(mail))
    parts = {part.get_content_type(): part for part in mail.walk()}
    original = _original(parts, domain)
    if "message/feedback-report" in parts:
        return _complaint(parts["message/feedback-report"], original)
    if "message/delivery-status" in parts:
        reference = tokens.get("b") or original
        return Unread() if reference is None else Bounce(reference, _outcome(parts["message/delivery-status"]))
    if "u" in tokens and not _automatic(mail):
        return StopAsked(tokens["u"])
    return Unread()


def _outcome(report: Message) -> Outcome | None:
    """The fields of the recipient (RFC 3464 §2.3); our mails have one each."""
    for block in _inside(report):
        action = str(block.get("Action", "")).strip().lower()
        if action == "delivered":
            return Delivered()
        if action in {"delayed", "relayed", "expanded"}:
            # Late or handed on, it was taken: news of a message whose answer was lost.
            return Sent()
        if action == "failed":
            # Gave up after days of 4yz: it has not arrived, and nobody is to blame for good.
            status = status_of(str(block.get("Status", ""))) or "5.0.0"
            why = blame(status)
            return Failed("not-reached-in-time") if why is Blame.PASSING else Failed(why, suppress=why is Blame.ADDRESS)
    return None


def _complaint(report: Message, original: str | None) -> Returned:
    """RFC 5965 §3.1: `not-spam` takes a complaint back, and is none; other types are not about consent."""
    kind = "".join(str(block.get("Feedback-Type", "")) for block in _inside(report)).strip().lower()
    if original is None or kind not in {"abuse", "opt-out", "opt-out-list", "fraud", "other"}:
        return Unread()
    return Complaint(original)


def _inside(part: Message) -> list[Message]:
    """The blocks of fields, or the mail, that a part of type `message/…` holds."""
    payload = part.get_payload()
    return [block for block in payload if isinstance(block, Message)] if isinstance(payload, list) else []


def _addressed(mail: Message) -> Iterator[tuple[str, str]]:
    """Which of our return addresses the mail was delivered to, and its token or reference."""
    for name in ("To", "Delivered-To", "X-Original-To"):
        for value in mail.get_all(name, []):
            yield from _tokens(str(value))


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for kind, token in _RETURN.findall(text):
        yield kind.lower(), token.lower()


def _original(parts: dict[str, Message], domain: str) -> str | None:
    """The reference in the Message-ID of the mail that came back, whole or its header alone."""
    whole, header = parts.get("message/rfc822"), parts.get("text/rfc822-headers")
    mails = _inside(whole) if whole is not None else []
    if header is not None:
        mails.append(email.message_from_string(str(header.get_payload())))
    for mail in mails:
        found = _MESSAGE_ID.search(str(mail.get("Message-ID", "")))
        if found and found[2].lower() == domain:
            return found[1].lower()
    return None


def _automatic(mail: Message) -> bool:
    """RFC 3834 §5: a vacation responder wants nothing."""
    return str(mail.get("Auto-Submitted", "no")).strip().lower() != "no"
