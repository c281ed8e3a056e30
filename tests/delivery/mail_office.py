"""A house that sends mail, and messages to send."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from placet.delivery.dkim import Signer, signer
from placet.delivery.letters import Letter, Source, publish
from placet.delivery.mail import House, house
from placet.delivery.model import Kind, MessageId, Outgoing
from placet.delivery.tokens import Tokens
from placet.kernel.ids import ActivityId, ChannelId, SubjectId

NOW = datetime(2026, 3, 12, 14, 3, 7, tzinfo=UTC)
MJML = (
    "<mjml><mj-body><mj-section><mj-column>"
    '<mj-text>{{ name }}, šis ir piedāvājums. <a href="{{ stop_link }}">Atteikties</a></mj-text>'
    "</mj-column></mj-section></mj-body></mjml>"
)
SOURCE = Source(
    "Labdien, {{ name }}!", "{{ name }}, šis ir piedāvājums = prieks.\n.\n\nAtteikties: {{ stop_link }}\n", MJML
)
TOKENS = Tokens(bytes(32))


@cache
def key(bits: int = 2048) -> bytes:
    made = generate_private_key(65537, bits)
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def our_signer() -> Signer:
    return signer("amigo.lv", "k2026", key())


def our_house(name: str = "Amigo") -> House:
    return house(
        name, "jaunumi@amigo.lv", returns="r.amigo.lv", url="https://amigo.lv", tokens=TOKENS, signer=our_signer()
    )


@cache
def letter(language: str = "lv") -> Letter:
    sources = dict.fromkeys(("lv", "ru", "en"), SOURCE)
    return publish(sources, kind=Kind.OFFER, declared={"name"})[language]


def letters(template: str, language: str) -> Letter | None:
    return letter(language) if template == "spring" else None


def message(
    address: str = "anna@example.lv",
    *,
    channel: str = "email",
    kind: Kind = Kind.OFFER,
    template: str = "spring",
    language: str = "lv",
    at: datetime = NOW,
    lease: timedelta = timedelta(minutes=2),
    **values: str,
) -> Outgoing:
    made = MessageId(uuid4())
    return Outgoing(
        id=made,
        attempt=1,
        reference=made.hex,
        subject=SubjectId(uuid4()),
        kind=kind,
        activity=ActivityId(f"offers.{channel}-campaign"),
        channel=ChannelId(channel),
        topic=None,
        template=template,
        language=language,
        values={"name": "Anna", **values},
        address=address,
        until=at + timedelta(hours=6),
        lease_until=at + lease,
    )
