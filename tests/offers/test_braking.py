"""A campaign of which too much comes back is paused by itself; nothing of it is lost, and a person lets it go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import pytest
from structlog.testing import capture_logs

from offers.campaign_house import ANNA, EMAIL, SMS, Agency, brief
from placet.bootstrap import Application, erase
from placet.config import load
from placet.delivery import reception
from placet.delivery.mail_returns import Bounce, Complaint
from placet.delivery.mailbox import Maildir
from placet.delivery.model import Failed, Outgoing, Sent
from placet.delivery.reception import Against
from placet.delivery.returns import Returns
from placet.kernel.errors import Misconfigured
from placet.purposes.offers.campaigns.braking import EVERY, Braking
from placet.purposes.offers.campaigns.model import Campaign, Limits, State, TooMany

NOBODY = Failed("no-such-mailbox", suppress=True)


@pytest.fixture
def agency(placet: Application, now: datetime) -> Agency:
    """One in ten may complain and three in ten may be nobody, judged from five messages on."""
    campaigns = attrs.evolve(placet.offers.campaigns, braking=Braking(Limits(0.1, 0.3, 5)))
    return Agency(attrs.evolve(placet, offers=attrs.evolve(placet.offers, campaigns=campaigns)), now)


@pytest.fixture
def returns(placet: Application, tmp_path: Path) -> Returns:
    return Returns(placet.database, placet.unsubscribing, placet.rulebook, Maildir(tmp_path, "r.amigo.lv"))


def running(agency: Agency, customers: int, *channels) -> Campaign:
    for _ in range(customers):
        agency.customer(*(channels or (EMAIL,)))
    return agency.running(brief(agency.now, *channels))


def sent(agency: Agency, many: int) -> Sequence[Outgoing]:
    started = agency.house.claim(limit=many).started
    agency.house.settle({one.id: Sent("q1") for one in started})
    return started


def look(agency: Agency) -> None:
    """The worker's next look."""
    agency.now += EVERY
    agency.campaigns.round(agency.now)


def done(agency: Agency, campaign: Campaign) -> list[tuple[str, str, str | None]]:
    with agency.placet.database.transaction() as connection:
        return [(one.what, one.by, one.reason) for one in agency.campaigns.changes(connection, campaign.id)]


def test_complaints_pause_it_what_is_planned_waits_and_only_a_person_lets_it_go_on(
    agency: Agency, returns: Returns
) -> None:
    campaign = running(agency, 16)
    first = sent(agency, 8)
    for one in first[:7]:
        for _ in range(2):
            returns.act(Complaint(one.reference), agency.now)
    with capture_logs() as told:
        look(agency)
    paused = agency.get(campaign)
    assert (paused.state, paused.reason, paused.is_braked) == (State.PAUSED, "complaints", True)
    assert done(agency, campaign)[0] == ("paused", "worker", "complaints")
    with agency.placet.database.transaction() as connection:
        assert agency.campaigns.brake(connection, campaign.id) == TooMany("complaints", 7, 8, 0.1)
    (notice,) = (one for one in told if one["event"] == "campaign.braked")
    assert notice | {"log_level": "warning", "campaign": str(campaign.id), "part": 7, "whole": 8} == notice

    look(agency)
    assert sent(agency, 8) == ()
    assert states(agency, campaign) == {"delivered": 7, "sent": 1, "planned": 8}
    assert agency.get(campaign).state is State.PAUSED

    with agency.placet.database.transaction() as connection:
        resumed = agency.campaigns.resume(connection, campaign.id, by=ANNA, now=agency.now)
    assert (resumed.state, resumed.reason) == (State.RUNNING, None)
    assert len(sent(agency, 4)) == 4
    look(agency)
    assert agency.get(campaign).state is State.RUNNING, "it is judged by what started since"
    for one in sent(agency, 8):
        returns.act(Complaint(one.reference), agency.now)
    look(agency)
    assert agency.get(campaign).state is State.RUNNING, "four of eight are not enough to tell"


def states(agency: Agency, campaign: Campaign) -> dict[str, int]:
    with agency.placet.database.transaction() as connection:
        (found,) = agency.campaigns.progress(connection, campaign.id)
    return {state: many for state, many in found.states.items() if many}


@pytest.mark.parametrize("told", ["at once", "later"])
def test_addresses_of_nobody_pause_it_whether_the_server_says_so_at_once_or_later(
    agency: Agency, returns: Returns, told: str
) -> None:
    campaign = running(agency, 14)
    if told == "at once":
        started = agency.house.claim(limit=12).started
        agency.house.settle(dict.fromkeys((one.id for one in started), NOBODY))
    else:
        for one in sent(agency, 12):
            returns.act(Bounce(one.reference, NOBODY), agency.now)
    look(agency)
    assert agency.get(campaign).reason == "no-such-mailbox"
    assert states(agency, campaign) == {"failed": 12, "planned": 2}


def test_what_keeps_its_limits_is_let_alone_and_so_is_what_fails_for_another_reason(agency: Agency) -> None:
    campaign = running(agency, 12)
    started = agency.house.claim(limit=12).started
    agency.house.settle({one.id: Failed("mailbox-full") for one in started})
    look(agency)
    assert agency.get(campaign).state is State.RUNNING
    assert done(agency, campaign)[0][0] == "started"


def test_one_look_is_enough_for_some_seconds_and_until_something_new_comes_back(
    agency: Agency, returns: Returns
) -> None:
    campaign = running(agency, 8)
    started = sent(agency, 8)
    look(agency)
    for one in started:
        returns.act(Complaint(one.reference), agency.now)
    agency.now += EVERY / 2
    agency.campaigns.round(agency.now)
    assert agency.get(campaign).state is State.RUNNING
    look(agency)
    assert agency.get(campaign).state is State.PAUSED


def test_a_campaign_without_mail_has_nothing_to_come_back(agency: Agency) -> None:
    campaign = running(agency, 6, SMS)
    look(agency)
    assert agency.get(campaign).state is State.RUNNING


def test_who_is_erased_is_counted_no_more(agency: Agency, returns: Returns) -> None:
    campaign = running(agency, 2)
    started = sent(agency, 2)
    for one in started:
        returns.act(Complaint(one.reference), agency.now)

    def against(act: Callable[..., object] | None = None) -> Against:
        with agency.placet.database.transaction() as connection:
            if act is not None:
                act(agency.placet, connection, started[0].subject, now=agency.now)
            return reception.against(connection, [campaign.key(EMAIL)], since=agency.now - timedelta(days=1))

    assert against() == Against(nobody=0, complained=2)
    assert against(erase) == Against(nobody=0, complained=1)


def test_the_limits_are_what_the_settings_say(placet: Application) -> None:
    assert placet.offers.campaigns.braking.limits == Limits(complaints=0.001, bounces=0.02, judged_from=500)


@pytest.mark.parametrize(
    ("name", "value"),
    [("COMPLAINTS", "0"), ("COMPLAINTS", "0.1%"), ("BOUNCES", "2"), ("BOUNCES", "nan"), ("JUDGED_FROM", "0")],
)
def test_a_limit_that_is_no_share_is_refused_at_the_start(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="wrong value"):
        load({f"PLACET_CAMPAIGN_{name}": value}, file=tmp_path / "none.toml")
