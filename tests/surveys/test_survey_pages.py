"""The pages behind an invitation's link: without signing in, in three languages, one press from being asked no more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from placet.bootstrap import Application
from placet.interfaces.portal.app import portal
from placet.purposes.offers.surveys.model import Survey
from placet.subjects.model import Subject
from portal.portal_visitor import Visitor
from surveys.conftest import Office
from surveys.survey_forms import HAPPY, MORE, USED, WHY


@pytest.fixture
def visitor(placet: Application, now) -> Iterator[Visitor]:
    with TestClient(
        portal(placet, now=lambda: now), base_url="http://127.0.0.1:8000", headers={"accept-language": "en"}
    ) as client:
        yield Visitor(client)


@pytest.fixture
def opened(office: Office, anna: Subject) -> Callable[..., tuple[Survey, str]]:
    def open_one(*, anonymous: bool = False) -> tuple[Survey, str]:
        survey = office.opened(anonymous=anonymous)
        return survey, f"/s/{office.link(survey, anna)}"

    return open_one


def test_a_survey_is_answered_question_by_question_and_looked_over_before_it_is_sent(visitor, opened, office) -> None:
    _, link = opened()
    page = visitor.go(f"{link}?lang=en")
    assert page.status_code == 200
    assert "How was your summer?" in visitor.text
    assert "“My data”" in visitor.text
    assert f'href="{link}/questions/{USED}"' in visitor.text
    visitor.go(f"{link}/questions/{USED}")
    visitor.send(f"{link}/questions/{USED}", answer="b", step="next")
    assert visitor.path == f"{link}/questions/{WHY}"
    visitor.send(f"{link}/questions/{WHY}", **{"pick.a": "1", "pick.c": "1"}, step="next")
    visitor.send(f"{link}/questions/{HAPPY}", answer="5", step="skip")
    visitor.go(link)
    assert "Go on answering" in visitor.text
    visitor.go(f"{link}/questions/{MORE}")
    visitor.send(f"{link}/questions/{MORE}", text="<b>More</b>\ntrains", step="next")
    assert visitor.path == f"{link}/send"
    shown = re.findall(r'<p class="words">(.*?)</p>', visitor.text, re.DOTALL)
    assert shown == ["No", "The price, No signal", "<i>skipped</i>", "&lt;b&gt;More&lt;/b&gt;\ntrains"]
    visitor.go(f"{link}/questions/{USED}")
    assert 'value="b" checked' in visitor.text
    visitor.send(f"{link}/questions/{USED}", answer="a", step="next")
    assert len(re.findall(r'<p class="words">', visitor.text)) == 3
    visitor.send(f"{link}/send")
    assert visitor.path == link
    assert "Your answers have been sent" in visitor.text
    for address in (f"{link}/questions/{USED}", f"{link}/send"):
        visitor.go(address)
        assert visitor.path == link


def test_what_cannot_be_kept_is_asked_again_with_what_was_wrong(visitor, opened) -> None:
    _, link = opened(anonymous=True)
    visitor.go(f"{link}/questions/{USED}")
    assert visitor.send(f"{link}/questions/{USED}", answer="z", step="next").status_code == 400
    assert "does not offer that answer" in visitor.text
    visitor.go(f"{link}/questions/{MORE}")
    assert "recognised" in visitor.text
    assert visitor.send(f"{link}/questions/{MORE}", text="ā" * 2001, step="next").status_code == 400
    assert "too long" in visitor.text
    assert "ā" * 2001 in visitor.text
    visitor.go(f"{link}/questions/{WHY}")
    assert visitor.path == link
    visitor.go(f"{link}/send")
    assert visitor.path == f"{link}/questions/{USED}"


def test_one_press_ends_being_asked_from_the_first_page_and_after_sending(visitor, opened, placet) -> None:
    _, link = opened(anonymous=True)

    def muted() -> bool:
        with placet.database.transaction() as connection:
            return connection.execute("SELECT FROM delivery.muted WHERE kind = 'survey'").fetchone() is not None

    visitor.go(link)
    assert not muted()
    visitor.send(f"{link}/asking", wish="stop")
    assert muted()
    assert "We do not ask you any more" in visitor.text
    visitor.send(f"{link}/asking", wish="again")
    assert not muted()
    visitor.go(f"{link}/questions/{USED}")
    visitor.send(f"{link}/questions/{USED}", step="skip")
    visitor.send(f"{link}/questions/{HAPPY}", step="skip")
    visitor.send(f"{link}/questions/{MORE}", step="skip")
    visitor.send(f"{link}/send")
    visitor.send(f"{link}/asking", wish="stop")
    assert muted()
    assert visitor.send(f"{link}/asking", wish="maybe").status_code == 400


def test_a_link_of_a_closed_survey_or_of_a_consent_taken_back_or_of_nobody_says_so(
    visitor, opened, office, anna
) -> None:
    survey, link = opened()
    visitor.go(f"{link}/questions/{USED}")
    office.house.say(anna, "withdrawn")
    visitor.send(f"{link}/questions/{USED}", answer="a", step="next")
    assert visitor.path == link
    assert "You took back the consent" in visitor.text
    office.close(survey)
    visitor.go(link)
    assert "has ended" in visitor.text
    # The last letter carries bits that nobody reads: what must hold is the seal before it.
    sealed = len(link) - 12
    other = "b" if link[sealed] == "a" else "a"
    assert visitor.go(f"{link[:sealed]}{other}{link[sealed + 1 :]}").status_code == 404
    assert visitor.go("/s/nothing").status_code == 404


@pytest.mark.parametrize("language", ["lv", "ru", "en"])
def test_every_page_speaks_the_language_of_the_invitation_and_no_other(visitor, opened, office, language: str) -> None:
    survey, link = opened(anonymous=True)
    mine = survey.form.titles[language]
    others = {text for text in survey.form.titles.values() if text != mine and text not in mine}
    for address in (link, f"{link}/questions/{USED}", f"{link}/questions/{HAPPY}", f"{link}/questions/{MORE}"):
        visitor.go(f"{address}?lang={language}")
        assert mine in visitor.text
        assert [text for text in others if f"{text}<" in visitor.text and text not in mine] == []
    assert f'<html lang="{language}"' in visitor.text
