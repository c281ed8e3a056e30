"""A marketer builds a campaign, a second person approves it, it is sent by real mail, and what came of it is seen."""

from __future__ import annotations

import email
import email.policy
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import pytest
from playwright.sync_api import Browser, expect

from console.campaign_desk import WORDS, begin, keep, press, write
from console.console_crowd import NAME, AtConsole, crowd
from delivery.sink_thread import sink_beside
from delivery.smtp_sink import Sink
from offers.campaign_house import EMAIL, Agency, brief
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.delivery import channels
from placet.delivery.mail_returns import Complaint
from placet.delivery.mailbox import Maildir
from placet.delivery.model import Kind, Sent
from placet.delivery.policy import standard
from placet.delivery.returns import Returns
from placet.delivery.rules import window as allowed_hours
from placet.delivery.sending import Sender
from placet.delivery.trials import Trials
from placet.gate.replica import Replica
from placet.interfaces.console.app import console
from placet.interfaces.staff.door import SESSION
from placet.kernel import clock
from placet.purposes.offers.campaigns.braking import EVERY, Braking
from placet.purposes.offers.campaigns.model import CampaignId, Limits
from portal.portal_browser import Guest, axe_source, served
from staff.staff_people import hired, signed_in

pytestmark = pytest.mark.browser
COLLEAGUE = "marketing@amigo.lv"
AXE = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.map(
    each => [each.impact, each.id, each.nodes[0].target.join(' '), each.nodes[0].failureSummary]);
}"""


@attrs.frozen
class Firm:
    """The application with a mail server of its own, and its console at a real browser."""

    placet: Application
    sink: Sink
    site: str
    browser: Browser

    def sit(self, member: Member, language: str = "en") -> Guest:
        context = self.browser.new_context(
            viewport={"width": 1280, "height": 900}, extra_http_headers={"Accept-Language": language}
        )
        token = signed_in(self.placet, member).token
        context.add_cookies([{"name": SESSION, "value": token, "url": self.site}])
        return Guest(context.new_page(), self.site)

    def work(self, campaign: CampaignId, at: datetime) -> None:
        """What the worker does at that hour: a round, and sending until nothing of *campaign* waits any more."""
        self.placet.offers.round(at)
        end = threading.Event()
        sender = Sender(self.placet.database, self.placet.delivery, self.placet.channels)
        thread = threading.Thread(target=sender.follow, args=(end, lambda: at))
        thread.start()
        until = time.monotonic() + 120
        try:
            while self.waiting(campaign):
                assert time.monotonic() < until, "the sender does not send"
                time.sleep(0.1)
        finally:
            end.set()
            thread.join(timeout=30)

    def waiting(self, campaign: CampaignId) -> int:
        with self.placet.database.transaction() as connection:
            found = self.placet.offers.campaigns.progress(connection, campaign)
        return sum(each.states.get(state, 0) for each in found for state in ("planned", "deferred", "sending"))


@pytest.fixture
def firm(placet: Application, replica: Replica, browser: Browser) -> Iterator[Firm]:
    with sink_beside() as sink:
        config = attrs.evolve(
            placet.config, smtp_host="127.0.0.1", smtp_port=sink.port, smtp_security="none",
            smtp_from="jaunumi@amigo.lv", trial_addresses=COLLEAGUE,
        )  # fmt: skip
        mail = channels.email(config, placet.master, placet.offers.letter, clock=clock.now)
        assert mail is not None
        campaigns = attrs.evolve(placet.offers.campaigns, braking=Braking(Limits(0.1, 0.3, 10)))
        made = attrs.evolve(
            placet, config=config, channels=(mail,), trials=Trials.of(config, placet.master),
            offers=attrs.evolve(placet.offers, campaigns=campaigns),
        )  # fmt: skip
        with served(console(made, replica)) as site:
            yield Firm(made, sink, site, browser)


@pytest.fixture
def marta(placet: Application) -> Member:
    return hired(placet, "marta", Role.MARKETER)


def an_allowed_hour(placet: Application) -> datetime:
    """The next hour but today's at which offers may be sent: never now, so that the time of the test run is nothing."""
    zone = ZoneInfo(placet.config.time_zone)
    found = allowed_hours(standard().calendars[Kind.OFFER], zone, clock.now() + timedelta(days=1))
    assert found is not None
    assert found.end is not None
    return found.end - timedelta(hours=1)


def build(guest: Guest, *, name: str = "Phones in spring") -> str:
    """Topic, channel, words in three languages, audience and time, as a marketer does it; returns the address."""
    page = guest.page
    guest.go("/console/campaigns")
    guest.press("a.button.primary")
    page.fill("#name", name)
    page.check("input[name=topic][value=phones]")
    guest.press("button.primary")
    here = guest.path
    guest.press("a[href$='/channels']")
    page.select_option("[id='channel.1']", "email")
    guest.press("button.primary")
    for language, words in WORDS.items():
        guest.go(f"{here}/email?text={language}")
        for field, text in words.items():
            page.fill(f"#{field}", text)
        guest.press("button.primary")
    guest.go(f"{here}/audience")
    page.check("[name='is.language.ru']")
    expect(page.locator("#count .tiles b").first).to_have_text("0", timeout=30_000)
    page.uncheck("[name='is.language.ru']")
    page.check("[name='is.language.lv']")
    guest.press("button.primary")
    guest.press("a[href$='/schedule']")
    page.fill("#starts_day", clock.now().date().isoformat())
    page.fill("#holdout", "20")
    guest.press("button.primary")
    return here


def test_a_campaign_is_built_approved_tried_sent_and_its_results_are_read(
    firm: Firm, marta: Member, dace: Member, tmp_path: Path
) -> None:
    crowd(firm.placet)
    guest = firm.sit(marta)
    here = build(guest)
    page = guest.page
    assert "The checks found nothing wrong" in page.inner_text("#checks")

    guest.go(f"{here}/email?text=lv")
    frame = page.frame_locator("iframe[width='320']")
    assert frame.locator("h1, div").first.inner_text() != ""
    page.fill("#subject", "RE: Jūsu tarifs")
    page.wait_for_selector("#checks .state.closed")
    guest.go(here)
    page.select_option("#language", "lv")
    guest.press("form[action$='/trial'] button")
    assert "handed over" in page.inner_text(".message")
    (trial,) = firm.sink.taken
    assert trial.recipient == COLLEAGUE
    guest.press("button[value=submit]")
    assert page.locator("button[value=approve]").count() == 0

    other = firm.sit(dace)
    other.go(here)
    other.press("button[value=approve]")
    assert "Approved, not started" in other.page.inner_text(".head .state")
    firm.work(CampaignId(UUID(here.rpartition("/")[2])), an_allowed_hour(firm.placet))
    other.go(here)
    expect(other.page.locator("#progress .tally").first).to_contain_text("Waiting: 0", timeout=30_000)
    told = other.page.inner_text("#progress")
    assert "Sent: " in told
    letters = [email.message_from_bytes(one.content, policy=email.policy.default) for one in firm.sink.taken[1:]]
    assert {mail["Subject"] for mail in letters} == {WORDS["lv"]["subject"]}
    assert [mail.defects for mail in letters if mail.defects or "/u/" not in mail["List-Unsubscribe"]] == []
    assert NAME not in other.page.content()

    other.press("button[value=pause]")
    assert "Paused" in other.page.inner_text(".head .state")
    other.open("details:has(button[value=stop]) > summary")
    other.page.fill("#why-stop", "Sold out")
    other.press("button[value=stop]")
    assert "Sold out" in other.page.inner_text(".quoted")
    with other.page.expect_download() as waiting:
        other.page.click("a[href$='results.csv']")
    waiting.value.save_as(tmp_path / "results.csv")
    assert "email,messages,sent," in (tmp_path / "results.csv").read_text("utf-8-sig")


def test_a_campaign_that_too_many_call_unwanted_is_paused_by_itself_and_a_person_reads_why_and_lets_it_go_on(
    firm: Firm, marta: Member, tmp_path: Path
) -> None:
    agency = Agency(firm.placet, an_allowed_hour(firm.placet))
    for _ in range(24):
        agency.customer(EMAIL)
    campaign = agency.running(brief(agency.now))
    returns = Returns(firm.placet.database, firm.placet.unsubscribing, firm.placet.rulebook, Maildir(tmp_path, "a.lv"))
    started = agency.house.claim(limit=20).started
    agency.house.settle({one.id: Sent("q1") for one in started})
    for one in started[:12]:
        returns.act(Complaint(one.reference), agency.now)
    agency.campaigns.round(agency.now + EVERY)

    here = f"/console/campaigns/{campaign.id}"
    for language, title in (("lv", "Automātiski apturēta"), ("ru", "Автоматически приостановлена")):
        guest = firm.sit(marta, language)
        guest.go("/console/campaigns")
        assert title in guest.page.inner_text("tbody .state")
        assert looked_at(guest, here) == []
        assert title in guest.page.inner_text(".message.wrong h2")
    guest = firm.sit(marta)
    guest.go(here)
    told = guest.page.inner_text(".message.wrong")
    assert (
        "Too many readers called this mail unwanted: 10 of 20 (50\N{NO-BREAK SPACE}%). Above 10\N{NO-BREAK SPACE}%"
        in told
    )
    assert "what is planned waits" in told
    newest = guest.page.inner_text(".timeline li:first-child").split("\n\n")
    assert newest[1:] == ["Paused", "Worker: Too many readers called it unwanted"]
    assert agency.house.claim(limit=20).started == ()
    guest.press("button[value=resume]")
    assert "Running" in guest.page.inner_text(".head .state")
    assert guest.page.locator(".message.wrong").count() == 0
    assert len(agency.house.claim(after=timedelta(minutes=20), limit=20).started) == 4


def test_axe_finds_nothing_on_pages_of_campaigns_and_none_is_wider_than_the_screen(
    window: Callable[..., Guest], sit: Callable[..., AtConsole], placet: Application, marta: Member, dace: Member
) -> None:
    crowd(placet)
    at = sit(marta)
    draft, live = begin(at, "Draft"), begin(at, "Live")
    write(at, draft, "email", "sms", "call")
    write(at, live, "email")
    today = clock.now().astimezone(ZoneInfo(placet.config.time_zone)).date().isoformat()
    times = {"starts_time": "00:00", "ends_day": "2999-01-01", "ends_time": "12:00", "holdout": "50"}
    keep(at, f"{live}/schedule", starts_day=today, **times)
    press(at, live, "submit")
    press(sit(dace), live, "approve")
    placet.offers.round(clock.now())
    parts = ("topic", "channels", "audience", "email", "sms", "call", "schedule")
    addresses = ("/console/campaigns", "/console/campaigns/new", draft, live, *(f"{draft}/{part}" for part in parts))
    faults = {}
    for language in ("lv", "ru", "en"):
        guest = window(marta, language)
        for address in addresses:
            if found := looked_at(guest, address):
                faults[f"{address} {language}"] = found
    assert faults == {}


def looked_at(guest: Guest, address: str) -> list[object]:
    """What axe finds at *address* on a telephone in the dark and on a screen by day, and what is too wide."""
    guest.go(address)
    guest.page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")
    guest.page.evaluate(axe_source())
    found: list[object] = []
    for width, scheme in ((390, "dark"), (1280, "light")):
        guest.page.set_viewport_size({"width": width, "height": 900})
        guest.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += guest.page.evaluate(AXE)
        if wide := guest.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth"):
            found.append(f"{wide} px too wide at {width}")
    return found
