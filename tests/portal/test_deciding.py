"""Giving, refusing, withdrawing and giving again; what is recorded is what was on the page."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from portal_visitor import Clock, Visitor, newcomer

from placet.bootstrap import Application, publish_catalogue
from placet.catalogue import store as catalogue_store
from placet.catalogue.document import frozen
from placet.catalogue.model import Catalogue
from placet.catalogue.render import html_of
from placet.consents.model import Record
from placet.consents.store import records
from placet.kernel import clock, jcs
from placet.subjects.model import Subject

Visit = Callable[..., Visitor]


def said(demo: Application, person: Subject) -> list[tuple[str, str | None, str]]:
    return [(record.purpose, record.channel, record.decision.value) for record in recorded(demo, person)]


def recorded(demo: Application, person: Subject) -> list[Record]:
    with demo.database.transaction() as connection:
        return records(connection, person.id)


def test_first_visit_asks_one_question_a_page_and_lets_each_be_left_open(
    guest: Visitor, demo: Application, anna: Subject
) -> None:
    asked = []
    while guest.path.startswith("/choices/"):
        asked.append(guest.path.removeprefix("/choices/"))
        (later,) = re.findall(r'<p class="later"><a href="([^"]+)"', guest.text)
        guest.go(later)
    assert asked == ["offers", "usage", "profiling", "credit", "location", "loyalty", "loyalty-offers", "mobility"]
    assert guest.path == "/"
    assert said(demo, anna) == []


def test_an_answer_leads_to_the_next_question(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.answer("offers", "given", email="yes", sms="no")
    assert guest.path == "/choices/usage"
    guest.answer("usage", "refused")
    assert guest.path == "/choices/profiling"
    assert said(demo, anna) == [
        ("offers", None, "given"),
        ("offers", "email", "given"),
        ("offers", "sms", "refused"),
        ("usage", None, "refused"),
    ]
    guest.go("/")
    assert (guest.state("offers"), guest.state("usage"), guest.state("credit")) == ("Given", "Refused", "Not decided")


def test_nothing_is_selected_before_the_customer_selects_it(guest: Visitor) -> None:
    form = guest.form("/choices/offers")
    assert set(form.radios) == {f"channel.{channel}" for channel in ("email", "sms", "call", "post", "app")}
    assert not set(form.fields) & set(form.radios)
    guest.go("/")
    for form in (form for purpose in ("offers", "usage", "location") for form in guest.forms(f"/choices/{purpose}")):
        assert not set(form.fields) & set(form.radios)


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_the_record_commits_to_the_text_that_was_on_the_page(
    visit: Visit, demo: Application, anna: Subject, language: str
) -> None:
    visitor = visit(language)
    visitor.sign_in("20000001")
    page = visitor.text
    visitor.answer("offers", "given")
    (record,) = recorded(demo, anna)
    assert record.notice is not None
    assert record.notice.sha256 is not None
    assert (record.language, record.route, record.actor.kind) == (language, "portal", "subject")
    with demo.database.transaction() as connection:
        shown = catalogue_store.shown(connection, bytes.fromhex(record.notice.sha256))
    assert shown is not None
    assert hashlib.sha256(shown.document).hexdigest() == record.notice.sha256
    assert html_of(shown.document) in page


def test_withdrawing_takes_one_step_and_giving_again_one_more(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.answer("offers", "given", email="yes")
    guest.go("/")
    guest.answer("offers", "withdrawn")
    assert guest.path == "/done"
    assert "You took this consent back" in guest.words
    assert guest.form("/choices/offers").buttons == [("answer", "given")]
    guest.answer("offers", "given")
    assert "You gave this consent" in guest.words
    assert said(demo, anna)[2:] == [("offers", None, "withdrawn"), ("offers", None, "given")]
    guest.go("/")
    assert guest.state("offers") == "Given"
    # The withdrawal closed the channels too, and giving the purpose again opens none of them.
    assert guest.forms("/choices/offers")[0].fields["channel.email"] == "no"


def test_each_channel_is_changed_by_itself_with_one_save(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.answer("offers", "given", email="yes", sms="yes")
    before = len(recorded(demo, anna))
    guest.go("/")
    guest.answer("offers", "channels", sms="no", call="no")
    assert said(demo, anna)[before:] == [("offers", "sms", "withdrawn"), ("offers", "call", "refused")]
    assert guest.path == "/done"
    assert "Your channels are saved" in guest.words
    guest.go("/")
    assert guest.state("offers") == "Given"
    chosen = guest.form("/choices/offers").fields
    assert {name: value for name, value in chosen.items() if name.startswith("channel.")} == {
        "channel.email": "yes",
        "channel.sms": "no",
        "channel.call": "no",
    }
    guest.answer("offers", "channels")
    assert len(recorded(demo, anna)) == before + 2


def test_a_button_pressed_twice_says_the_same_twice(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.go("/")
    guest.answer("loyalty", "given")
    guest.go("/")
    form = guest.form("/choices/loyalty").fields | {"answer": "withdrawn"}
    for _ in range(2):
        assert guest.client.post("/choices/loyalty", data=form).status_code == 200
    assert [decision for _, _, decision in said(demo, anna)] == ["given", "withdrawn", "withdrawn"]
    guest.go("/")
    assert guest.state("loyalty") == "Withdrawn"


def test_a_no_is_left_in_peace_for_90_days_and_can_be_changed_at_any_moment(
    guest: Visitor, visit: Visit, time: Clock
) -> None:
    guest.answer("offers", "refused")
    guest.go("/choices")
    assert guest.path == "/choices/usage"
    guest.go("/choices/offers")
    assert guest.path == "/"
    assert ("answer", "given") in guest.form("/choices/offers").buttons
    for ahead, first in (
        (timedelta(days=89, hours=23), "/choices/usage"),
        (timedelta(days=90, minutes=1), "/choices/offers"),
    ):
        time.ahead = ahead
        later = visit()
        later.sign_in("20000001")
        assert later.path == "/"
        later.go("/choices")
        assert later.path == first


def test_the_language_can_be_changed_on_the_page_of_a_result(guest: Visitor) -> None:
    guest.answer("offers", "given", email="yes", sms="yes")
    guest.go("/")
    guest.answer("offers", "channels", email="no", sms="no")
    (russian,) = re.findall(r'href="([^"]+)" lang="ru"', guest.text)
    guest.go(russian.replace("&amp;", "&"))
    assert guest.text.count('href="/receipts/') == 4
    assert "Ваши каналы сохранены" in guest.words


def test_who_answered_before_sees_where_they_stand_first(guest: Visitor, visit: Visit) -> None:
    guest.answer("offers", "refused")
    again = visit()
    again.sign_in("20000001")
    assert again.path == "/"


def test_history_shows_the_exact_text_of_each_answer(guest: Visitor, demo: Application, anna: Subject) -> None:
    shown = re.search(r'<article class="notice.*?</article>', guest.text, re.DOTALL)
    assert shown is not None
    guest.answer("offers", "given", email="yes")
    guest.go("/?lang=lv")
    guest.go("/history")
    entries = re.findall(r'href="(/history/[0-9a-f-]{36})"', guest.text)
    assert len(entries) == 2
    guest.go(entries[-1])
    # Shown in English then, so in English now, whatever the reader reads today.
    assert shown.group() in guest.text
    assert 'data-selected="true"' not in guest.text
    (record, _) = recorded(demo, anna)
    assert record.notice is not None
    assert f'<code class="break">{record.notice.sha256}</code>' in guest.text


def test_history_is_paged_and_complete(guest: Visitor, demo: Application, anna: Subject) -> None:
    guest.go("/")
    for _ in range(15):
        guest.send("/choices/loyalty", answer="given")
        guest.send("/choices/loyalty", answer="withdrawn")
    guest.go("/history")
    seen = re.findall(r'href="/history/([0-9a-f-]{36})"', guest.text)
    assert len(seen) == 25
    (older,) = re.findall(r'href="(/history\?before=\d+)"', guest.text)
    guest.go(older)
    seen += re.findall(r'href="/history/([0-9a-f-]{36})"', guest.text)
    assert seen == [str(record.id) for record in reversed(recorded(demo, anna))]
    assert guest.go("/history?before=ten").status_code == 400


def test_another_customer_s_records_do_not_exist(
    guest: Visitor, visit: Visit, demo: Application, anna: Subject
) -> None:
    guest.answer("offers", "given")
    (record,) = recorded(demo, anna)
    newcomer(demo, "+37120000002")
    stranger = visit()
    stranger.sign_in("20000002")
    for address in (
        f"/history/{record.id}",
        f"/receipts/{record.id}",
        f"/receipts/{record.id}/file",
        f"/done?r={record.id}",
    ):
        assert guest.go(address).status_code == 200
        assert stranger.go(address).status_code == 404
    assert stranger.go("/history/not-an-id").status_code == 404


def test_what_the_session_saw_is_never_followed_by_something_older(
    guest: Visitor, demo: Application, anna: Subject
) -> None:
    guest.answer("offers", "given")
    with demo.database.transaction() as connection:
        connection.execute("UPDATE access.session SET position = position + 1")
    assert guest.go("/").status_code == 503


def test_an_answer_under_a_text_that_has_changed_since_is_asked_again(
    guest: Visitor, demo: Application, anna: Subject
) -> None:
    publish_second_version(demo)
    guest.answer("offers", "given")
    assert guest.page.status_code == 400
    assert "The text has changed since this page was opened" in guest.words
    assert recorded(demo, anna) == []
    guest.answer("offers", "given")
    assert [record.notice and record.notice.version for record in recorded(demo, anna)] == ["2.0"]


def test_a_yes_to_an_earlier_text_is_to_be_confirmed_and_its_text_stays_readable(
    guest: Visitor, demo: Application
) -> None:
    guest.answer("offers", "given")
    publish_second_version(demo)
    guest.go("/")
    assert guest.state("offers") == "To confirm: the text has changed"
    guest.go("/choices")
    assert guest.path == "/choices/offers"
    assert "up to 31 days" in guest.words
    guest.go("/history")
    guest.go(re.findall(r'href="(/history/[0-9a-f-]{36})"', guest.text)[-1])
    assert "up to 30 days" in guest.words
    assert "up to 31 days" not in guest.words


def publish_second_version(demo: Application) -> None:
    """Keep the wishes given to offers a day longer: a material change."""
    with demo.database.transaction() as connection:
        publish_catalogue(connection, second_version(demo.catalogue(connection)), now=clock.now())


def second_version(catalogue: Catalogue) -> Catalogue:
    document = json.loads(catalogue.document)
    document["catalogue"]["version"] = "1.1"
    (offers,) = (purpose for purpose in document["purposes"] if purpose["id"] == "offers")
    offers["version"] = "2.0"
    offers["retention"]["days"] = 31
    for notice in offers["notices"].values():
        notice["retention"] = notice["retention"].replace("30", "31")
    return frozen(jcs.canonical(document))
