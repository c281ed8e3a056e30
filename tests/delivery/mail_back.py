"""Messages that have left, and the mail that comes back of them, for the tests of this folder."""

from __future__ import annotations

from delivery_house import SERVICE, House, offer

from placet.consents.actions import history
from placet.delivery.model import Kind, MessageId, Outgoing, Sent, Unknown
from placet.subjects.model import Subject

DOMAIN = "r.amigo.lv"


def sent(
    house: House, person: Subject, key: str = "campaign/7", *, lost: bool = False, service: bool = False
) -> Outgoing:
    """An offer (or a *service* message) that has left; *lost*: its answer never came."""
    more = {"kind": Kind.SERVICE, "activity": SERVICE} if service else {"topic": key}
    house.plan(offer(person, key, house.now, **more))
    (started,) = house.claim().started
    house.settle({started.id: Unknown("answer-lost") if lost else Sent("q1")})
    return started


def report(reference: str, action: str, status: str) -> str:
    return (
        f'To: b+{reference}@{DOMAIN}\nContent-Type: multipart/report; report-type=delivery-status; boundary="x"\n\n'
        "--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.lv\n\n"
        f"Final-Recipient: rfc822; anna@example.lv\nAction: {action}\nStatus: {status}\n\n--x--\n"
    )


def complaint(reference: str, kind: str = "abuse") -> str:
    return (
        'To: abuse@amigo.lv\nContent-Type: multipart/report; report-type=feedback-report; boundary="x"\n\n'
        f"--x\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\n\n"
        f"--x\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{reference}@{DOMAIN}>\n\n--x--\n"
    )


def said(house: House, person: Subject) -> list[tuple[str, str | None, str]]:
    with house.placet.database.transaction() as connection:
        return [(one.decision, one.channel, one.route) for one in history(connection, person.id)]


def stop_mail(house: House, message: MessageId) -> str:
    return f"From: anna@example.lv\nTo: u+{house.placet.unsubscribing.tokens.make(message)}@{DOMAIN}\n\nStop, please."
