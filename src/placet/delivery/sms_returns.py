"""What comes back over SMPP: delivery receipts and people's own messages. Pure."""

from __future__ import annotations

import re

import attrs

from placet.delivery.model import Delivered, Failed, Outcome
from placet.delivery.pdu import Short, Tag
from placet.delivery.segments import read

# §5.3.2.35 and appendix B of the specification: the state of a message, as a number and in a receipt's text.
_STATES = {
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    8: "REJECTD",
}
_ENDED = {
    "EXPIRED": "not-reached-in-time",
    "DELETED": "carrier-deleted",
    "UNDELIV": "not-reached",
    "REJECTD": "carrier-refused",
}
_RECEIPT = 0x04
_KIND = 0x3C
_HEADER = 0x40


@attrs.frozen
class Receipt:
    """
    What the carrier says of one part: *outcome* is None while it is still on its way. The same receipt may come many
    times, and before the answer to the submission.
    """

    carrier_id: str
    outcome: Outcome | None
    number: int | None = None
    """Our `user_message_reference`, from carriers that repeat it: `number_of` the message's reference."""


@attrs.frozen
class Reply:
    """An SMS that a person wrote: from a number in E.164, to our number."""

    source: str = attrs.field(repr=False)
    destination: str
    text: str = attrs.field(repr=False)


def number_of(reference: str) -> int:
    """Sixteen bits of a message's reference: what its submission and its receipts carry, also over our own death."""
    return int(reference[:4], 16)


def returned(short: Short) -> Receipt | Reply | None:
    """What a `deliver_sm` is; None for a receipt that names no message."""
    if short.esm_class & _KIND == _RECEIPT:
        return _receipt(short)
    message = short.message
    if short.esm_class & _HEADER and message:
        # Its first byte is the length of the user data header (TS 23.040 §9.2.3.24).
        message = message[message[0] + 1 :]
    source = short.source if short.source.startswith("+") else f"+{short.source}"
    return Reply(source, short.destination, read(message, short.data_coding))


def outcome_of(state: int) -> Outcome | None:
    """What *message_state* means (§5.2.28); None while the message is on its way, or nobody knows."""
    return _outcome(_STATES.get(state, ""))


def _receipt(short: Short) -> Receipt | None:
    """The optional parameters count where the carrier sends them, else the text of appendix B."""
    text = short.message.decode("latin-1")
    carrier_id = short.options.get(Tag.RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0").decode("latin-1") or _value(text, "id")
    if not carrier_id:
        return None
    state = short.options.get(Tag.MESSAGE_STATE)
    number = short.options.get(Tag.USER_MESSAGE_REFERENCE)
    outcome = outcome_of(state[0]) if state else _outcome(_value(text, "stat"))
    return Receipt(carrier_id, outcome, int.from_bytes(number, "big") if number else None)


def _outcome(state: str) -> Outcome | None:
    if state == "DELIVRD":
        return Delivered()
    why = _ENDED.get(state)
    return None if why is None else Failed(why)


def _value(text: str, name: str) -> str:
    found = re.search(rf"(?:^|\s){name}:(\S+)", text, re.IGNORECASE)
    return found[1] if found else ""
