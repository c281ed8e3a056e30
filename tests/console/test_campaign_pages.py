"""The builder of campaigns, step by step: what is kept, what is refused and why, and who may do what."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from console.campaign_desk import SMS, WORDS, begin, keep, press, write
from console.console_crowd import NAME, AtConsole, crowd
from placet.access.staff import Member, Role
from placet.bootstrap import Application
from placet.consents.shares import exact, rounded
from placet.interfaces.console.campaign_figures import compared, points, table
from placet.interfaces.console.campaign_forms import with_schedule
from placet.interfaces.web.languages import Words
from placet.kernel import clock
from placet.kernel.ids import ChannelId
from placet.purposes.offers.campaigns.model import Brief, Progress, Results
from placet.purposes.offers.campaigns.rules import effect, share
from placet.purposes.offers.topics import TopicId
from staff.staff_people import hired

Sit = Callable[..., AtConsole]


@pytest.fixture
def marta(placet: Application) -> Member:
    return hired(placet, "marta", Role.MARKETER)


def test_a_draft_says_what_is_missing_and_is_submitted_when_nothing_is(sit: Sit, marta: Member) -> None:
    at = sit(marta)
    assert "There is no campaign yet" in (at.go("/console/campaigns") and at.words)
    here = begin(at)
    assert "Choose one channel or more" in at.words
    assert "Submit for approval" not in at.words
    press(at, here, "submit")
    assert (at.page.status_code, "Something is missing still" in at.words) == (400, True)
    keep(at, f"{here}/channels", **{"channel.1": "email", "channel.2": "sms", "channel.3": "email"})
    assert at.words.count("The text is missing") == 6
    write(at, here, "email", "sms")
    at.go(here)
    assert "The checks found nothing wrong" in at.words
    press(at, here, "submit")
    assert "Waits for a second person" in at.words
    # Nobody edits it any more; everybody reads it.
    for part in ("topic", "channels", "audience", "email?text=ru", "sms", "schedule"):
        assert 'name="step"' not in at.go(f"{here}/{part}").text
    keep_again = at.post(f"{here}/topic", name="Other", topic="gaming", version="1", step="keep")
    assert keep_again.status_code == 400
    assert "Phones in spring" in (at.go("/console/campaigns?state=submitted") and at.words)
    assert "No campaign is in this state" in (at.go("/console/campaigns?state=paused") and at.words)


def test_nobody_approves_their_own_and_an_officer_approves_or_sends_back(
    sit: Sit, placet: Application, marta: Member, dace: Member
) -> None:
    at, officer = sit(marta), sit(dace)
    here = begin(at)
    write(at, here, "email")
    press(at, here, "submit")
    assert ">Approve<" not in at.page.text
    press(at, here, "approve")
    assert (at.page.status_code, "Nobody approves what they wrote" in at.words) == (400, True)
    press(officer, here, "return", reason="")
    assert "Say why" in officer.words
    press(officer, here, "return", reason="The price is missing")
    press(at, here, "submit")
    press(at, here, "recall")
    assert "Taken back by its author" in at.words
    assert "The price is missing" in at.words
    press(at, here, "submit")
    press(officer, here, "approve")
    assert "Approved, not started" in officer.words
    press(officer, here, "stop", reason="Sold out")
    assert "Sold out" in officer.words
    # Writing is not the officer's; the page says which role it needs.
    assert officer.post(here, step="submit", version="1").status_code == 403


def test_what_somebody_else_changed_meanwhile_is_not_overwritten_and_nothing_written_is_lost(
    sit: Sit, placet: Application, marta: Member
) -> None:
    at, other = sit(marta), sit(hired(placet, "karlis", Role.MARKETER))
    here = begin(at)
    at.go(f"{here}/email?text=en")
    version = re.findall(r'name="version" value="(\d+)"', at.page.text)[0]
    keep(other, f"{here}/topic", name="Phones in May", topic="phones", kind="plain")
    at.post(f"{here}/email?text=en", version=version, step="keep", **WORDS["en"])
    assert at.page.status_code == 400
    assert "Somebody changed this campaign meanwhile" in at.words
    assert "A new phone by instalments" in at.page.text
    newer = re.findall(r'name="version" value="(\d+)"', at.page.text)[0]
    at.post(f"{here}/email?text=en", version=newer, step="keep", **WORDS["en"])
    assert "Kept." in at.words
    assert "Phones in May" in at.words


@pytest.mark.parametrize(
    ("part", "fields", "told"),
    [
        ("topic", {"name": " ", "topic": "phones"}, "a name has 1 to 120 characters"),
        ("topic", {"name": "A", "topic": "weather"}, "Choose one of the topics"),
        ("schedule", {"starts_day": "soon", "starts_time": "09:00"}, "Name a day and a time"),
        ("schedule", {"starts_day": "2026-05-02", "starts_time": "09:00", "ends_day": "2026-05-01",
                      "ends_time": "09:00", "holdout": "5"}, "an end comes after its start"),
        ("schedule", {"starts_day": "2026-05-01", "starts_time": "09:00", "ends_day": "2026-05-02",
                      "ends_time": "09:00", "holdout": "51"}, "from 0 to 50 percent"),
        ("schedule", {"starts_day": "2026-05-01", "starts_time": "09:00", "ends_day": "2026-05-02",
                      "ends_time": "09:00", "holdout": "all"}, "from 0 to 50 percent"),
    ],
    ids=["no-name", "no-such-topic", "no-day", "ends-first", "half", "no-number"],
)  # fmt: skip
def test_what_cannot_be_kept_says_why_and_keeps_nothing(
    sit: Sit, marta: Member, part: str, fields: dict[str, str], told: str
) -> None:
    at = sit(marta)
    here = begin(at)
    keep(at, f"{here}/{part}", **fields)
    assert (at.page.status_code, told in at.words) == (400, True)
    assert "Phones in spring" in (at.go(here) and at.words)


def test_a_text_that_nobody_fills_is_told_while_it_is_written(sit: Sit, marta: Member) -> None:
    at = sit(marta)
    here = begin(at)
    at.go(f"{here}/email?text=en")
    broken = {**WORDS["en"], "paragraphs": "Hello {{ first_name }}", "subject": "RE: Your tariff"}
    at.post(f"{here}/email?text=en", version="1", step="look", **broken)
    assert "asks for something that nobody fills in" in at.words
    at.post(f"{here}/email?text=en", version="1", step="look", **{**broken, "paragraphs": "Hello"})
    assert "looks like an answer" in at.words
    assert at.go(f"{here}/letters/en").status_code == 404
    assert "A new phone" not in at.go(f"{here}/email?text=en").text


def test_an_sms_shows_its_parts_and_price_as_written_and_folded(sit: Sit, marta: Member) -> None:
    at = sit(marta)
    here = begin(at)
    long = "ā" * 100
    keep(at, f"{here}/sms", fold="1", **{"sms.lv": long, "sms.ru": SMS["ru"], "sms.en": "x" * 2000})
    assert "As written 2 parts, €80.00" in at.words
    assert "Folded 1 part, €40.00" in at.words
    assert "a" * 100 in at.page.text
    assert "UCS-2, 53 characters" in at.words
    assert "English: The text asks for something that nobody fills in, or is empty or too long" in at.words


def test_a_letter_is_framed_by_us_alone_and_runs_and_loads_nothing(sit: Sit, marta: Member, dace: Member) -> None:
    at = sit(marta)
    here = begin(at)
    write(at, here, "email")
    page = at.go(f"{here}/email?text=lv")
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    letter = sit(dace).go(f"{here}/letters/lv")
    policy = letter.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert (letter.headers["x-frame-options"], "frame-ancestors 'self'" in policy) == ("SAMEORIGIN", True)
    assert "Sveiki, Anna!" in letter.text
    assert at.go(f"{here}/letters/xx").status_code == 404
    assert at.go(f"{here}/nothing").status_code == 404


def test_the_live_count_names_each_reason_and_only_an_officer_sees_few(
    sit: Sit, placet: Application, marta: Member, dace: Member
) -> None:
    crowd(placet)
    at = sit(marta)
    here = begin(at)
    keep(at, f"{here}/channels", **{"channel.1": "email"})
    at.go(f"{here}/audience")
    assert "Counts are rounded to tens" in at.words
    at.post(f"{here}/audience", version="2", step="look", **{"is.language.ru": "1", "not.language": "0"})
    assert "E-mail 0 0 held out" in at.words
    assert "Not in the audience that was described 30" in at.words
    at.post(f"{here}/audience", version="2", step="look", **{"is.language.ru": "1", "not.language": "1"})
    assert "E-mail 20 &lt; 10 held out" in at.words
    officer = sit(dace)
    officer.go(f"{here}/audience")
    # 18 of 30 allow it, and a twentieth of them is held out.
    assert "E-mail 17 1 held out" in officer.words
    assert NAME not in at.page.text + officer.page.text


def test_progress_and_results_are_counts_and_come_as_a_file(
    sit: Sit, placet: Application, marta: Member, dace: Member
) -> None:
    crowd(placet)
    at, officer = sit(marta), sit(dace)
    here = begin(at)
    write(at, here, "email")
    today = clock.now().astimezone(ZoneInfo(placet.config.time_zone)).date().isoformat()
    keep(at, f"{here}/schedule", starts_day=today, starts_time="00:00", ends_day="2999-01-01", ends_time="12:00",
         holdout="50")  # fmt: skip
    press(at, here, "submit")
    press(officer, here, "approve")
    placet.offers.round(clock.now())
    officer.go(here)
    waiting = re.findall(r"Waiting: (\d+)", officer.words)[0]
    assert "Sent: 0" in officer.words
    assert int(waiting) > 0
    assert f"Waiting: {'&lt; 10' if int(waiting) < 10 else '10'}" in (at.go(here) and at.words)
    rows = list(csv.DictReader(io.StringIO(officer.go(f"{here}/results.csv").content.decode("utf-8-sig"))))
    assert {(row["group"], row["count"]) for row in rows if row["series"] == "messages"} == {("planned", waiting)}
    assert {row["series"] for row in rows} >= {"messages", "topic-stopped", "withdrawn"}
    press(officer, here, "pause")
    assert "Paused" in officer.words
    press(officer, here, "resume")
    assert "Resumed" in officer.words


def test_a_list_goes_page_by_page(sit: Sit, marta: Member) -> None:
    at = sit(marta)
    for each in range(21):
        begin(at, f"Campaign {each:02}")
    at.go("/console/campaigns")
    assert ("Campaign 20" in at.words, "Campaign 00" in at.words) == (True, False)
    at.go("/console/campaigns" + re.findall(r'href="(\?[^"]*before=[^"]+)"', at.page.text)[0].replace("&amp;", "&"))
    assert ("Campaign 20" in at.words, "Campaign 00" in at.words, "Newest" in at.words) == (False, True, True)
    assert at.go("/console/campaigns?before=x").status_code == 404


def test_the_hour_that_the_clocks_skip_is_the_one_after_it() -> None:
    brief = Brief(name="A", topic=TopicId("phones"), starts_at=datetime(2026, 1, 1, tzinfo=UTC),
                  ends_at=datetime(2026, 1, 2, tzinfo=UTC))  # fmt: skip
    form = {"starts_day": "2026-03-29", "starts_time": "03:30", "ends_day": "2026-10-25", "ends_time": "03:30",
            "holdout": "5"}  # fmt: skip
    changed = with_schedule(brief, form, ZoneInfo("Europe/Riga"))
    assert changed.starts_at.astimezone(UTC) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert changed.ends_at.astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_difference_is_told_in_percentage_points_with_its_sign() -> None:
    words = Words("lv", ZoneInfo("Europe/Riga"))
    assert [points(share, words) for share in (0.37, -0.051, 0.0, 0.0042)] == ["+37", "\N{MINUS SIGN}5", "0", "+0,4"]


def test_what_came_of_a_campaign_is_told_where_it_can_be_and_hidden_where_it_is_of_few() -> None:
    found = [
        effect("topic-wanted", share(370, 1000), share(5, 500)),
        effect("withdrawn", share(3, 1000), share(2, 500)),
    ]
    progress = Progress(ChannelId("email"), {"sent": 1000}, {})
    told = compared(Results(ChannelId("email"), progress, tuple(found)), rounded)
    assert [(each.is_told, each.is_certain) for each in told] == [(False, True), (False, False)]
    told = compared(Results(ChannelId("email"), progress, tuple(found)), exact)
    assert [(each.is_told, each.is_certain) for each in told] == [(True, True), (True, False)]
    assert [row["count"] for row in table([Results(ChannelId("email"), progress, tuple(found))], rounded)] == [
        1000, 370, None, None, None,
    ]  # fmt: skip
