"""Mail that comes back, from the Maildir to the ledger: bounces, complaints, people who write to stop, and the rest."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from delivery_house import EMAIL, SERVICE, House, offer
from mail_back import DOMAIN, complaint, report, said, sent, stop_mail

from placet.bootstrap import erase
from placet.delivery.mailbox import Maildir
from placet.delivery.model import Kind
from placet.delivery.returns import Returns
from placet.delivery.status import came_back


@pytest.fixture
def returns(house: House, tmp_path: Path) -> Returns:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "returns" / name).mkdir(parents=True)
    placet = house.placet
    maildir = Maildir.opened(tmp_path / "returns", DOMAIN)
    return Returns(placet.database, placet.unsubscribing, placet.rulebook, maildir)


def brought(returns: Returns, house: House, *mails: str) -> int:
    """The mail server delivers *mails*, and the worker looks."""
    for number, mail in enumerate(mails):
        (returns.maildir.folder / "new" / f"1.{number}.mx").write_bytes(mail.replace("\n", "\r\n").encode())
    return returns.round(house.now)


def test_a_bounce_ends_its_message_and_nothing_goes_to_that_address_any_more(house: House, returns: Returns) -> None:
    anna = house.person("anna")
    message = sent(house, anna)
    assert brought(returns, house, report(message.reference, "failed", "5.1.1")) == 1
    house.plan(offer(anna, "campaign/8", house.now))
    house.claim()
    assert house.states(anna) == [("failed", "no-such-mailbox"), ("refused", "suppressed")]
    assert [decision for decision, *_ in said(house, anna)] == ["given", "given"], "the person said nothing"


@pytest.mark.parametrize(
    ("action", "status", "left"),
    [
        ("delayed", "4.4.1", ("sent", None)),
        ("relayed", "2.0.0", ("sent", None)),
        ("delivered", "2.0.0", ("delivered", None)),
        ("failed", "5.2.2", ("failed", "mailbox-full")),
    ],
)
def test_a_message_whose_answer_was_lost_is_known_by_what_comes_back_for_it(
    house: House, returns: Returns, action: str, status: str, left: tuple[str, str | None]
) -> None:
    anna = house.person("anna")
    message = sent(house, anna, lost=True)
    assert house.states(anna) == [("unknown", "answer-lost")]
    brought(returns, house, report(message.reference, action, status), report("0" * 32, "failed", "5.1.1"))
    assert house.states(anna) == [left]


def test_a_mailbox_that_is_full_on_three_days_of_a_month_is_not_written_to_any_more(
    house: House, returns: Returns
) -> None:
    anna, berta = house.person("anna"), house.person("berta")
    for day in range(3):
        for person in (anna, berta):
            # Berta's comes back three times, on one day.
            message = sent(house, person, f"campaign/{day}", service=True)
            if person is anna or day == 0:
                brought(returns, house, *[report(message.reference, "failed", "5.2.2")] * 3)
        if day < 2:
            assert house.states(anna)[-1] == ("failed", "mailbox-full")
            house.now += timedelta(days=1)
    house.plan(offer(anna, "campaign/9", house.now, kind=Kind.SERVICE, activity=SERVICE))
    house.plan(offer(berta, "campaign/9", house.now, kind=Kind.SERVICE, activity=SERVICE))
    house.claim()
    assert house.states(anna)[-1] == ("refused", "suppressed")
    assert house.states(berta)[-1] == ("sending", None)


def test_a_complaint_is_an_objection_and_ends_marketing_to_that_address(house: House, returns: Returns) -> None:
    anna = house.person("anna")
    message = sent(house, anna, lost=True)
    brought(returns, house, complaint(message.reference), complaint(message.reference, "not-spam"))
    assert said(house, anna)[0] == ("objected", "email", "api")
    assert house.states(anna) == [("delivered", None)], "who complains has it"
    house.say(anna, "given", EMAIL)
    house.plan(offer(anna, "campaign/8", house.now))
    house.claim()
    assert house.states(anna)[1] == ("refused", "suppressed")
    brought(returns, house, complaint(message.reference))
    assert said(house, anna)[0] == ("objected", "email", "api")


def test_a_mail_to_the_stop_address_takes_back_as_the_link_does_and_once(house: House, returns: Returns) -> None:
    anna, berta = house.person("anna"), house.person("berta")
    message, other = sent(house, anna), sent(house, berta)
    mail = stop_mail(house, message.id)
    brought(returns, house, mail)
    brought(returns, house, mail)
    assert [one for one in said(house, anna) if one[0] != "given"] == [("withdrawn", "email", "portal")]
    with house.placet.database.transaction() as connection:
        erase(house.placet, connection, berta.id, now=house.now)
    brought(returns, house, stop_mail(house, other.id), f"To: u+{'a' * 48}@{DOMAIN}\n\nGuessed.")
    assert returns.maildir.unread() == 0


def test_what_came_back_is_counted_and_put_away(house: House, returns: Returns) -> None:
    anna = house.person("anna")
    message = sent(house, anna)
    mails = (report(message.reference, "failed", "4.4.7"), complaint(message.reference), "To: b+x@amigo.lv\n\nHello.")
    assert brought(returns, house, *mails) == 3
    assert returns.maildir.unread() == 1
    with house.placet.database.transaction() as connection:
        found = came_back(connection, now=house.now)
    assert found.counts == {"bounce": 1, "complaint": 1, "unread": 1}
    assert found.complaint_rate == 1.0
    files = list(returns.maildir.folder.rglob("*.mx*"))
    assert len(files) == 3
