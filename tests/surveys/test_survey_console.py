"""A survey from its heading to its results in the console: two persons, three languages, and nobody named."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from console.console_crowd import AtConsole
from placet.access.staff import Role
from placet.bootstrap import Application
from placet.kernel import clock
from placet.purposes.offers.surveys import store
from placet.purposes.offers.surveys.model import Survey, SurveyId
from staff.staff_people import hired
from surveys.conftest import Office
from surveys.survey_forms import HAPPY, MORE, USED

Sit = Callable[..., AtConsole]
THREE = ("lv", "ru", "en")


def in_three(name: str, text: str) -> dict[str, str]:
    return {f"{name}.{language}": f"{text} ({language})" for language in THREE}


def written(placet: Application, at: AtConsole) -> Survey:
    id = at.page.url.path.rpartition("/")[2]
    with placet.database.transaction() as connection:
        return store.get(connection, SurveyId(UUID(id)))


def write_one(at: AtConsole, **plan: str) -> str:
    """A survey of two questions by its pages; returns its address."""
    at.go("/console/surveys/new")
    at.post("/console/surveys/new", **in_three("title", "Our shops"), **in_three("intro", "Two questions."))
    here = at.page.url.path
    at.go(f"{here}/questions/new?kind=single")
    at.post(
        f"{here}/questions/new", kind="single", step="keep", **in_three("words", "Were you in one?"),
        **{f"choices.{language}": f"Yes {language}\nNo {language}" for language in THREE},
    )  # fmt: skip
    at.go(f"{here}/questions/new?kind=text")
    fields = {"if.q1.a": "1", **in_three("words", "What was it like?")}
    at.post(f"{here}/questions/new", kind="text", step="keep", **fields)
    until = (clock.now() + timedelta(days=20)).date().isoformat()
    at.go(f"{here}/plan")
    at.post(f"{here}/plan", closes=until, **{"channel.email": "1", "anonymous": "no", **plan})
    return here


def test_a_survey_is_written_by_one_and_opened_by_another(placet: Application, sit: Sit) -> None:
    marta, andris = sit(hired(placet, "marta", Role.MARKETER)), sit(hired(placet, "andris", Role.ANALYST))
    here = write_one(marta, most="100", topic="phones")
    survey = written(placet, marta)
    assert [(one.id, one.kind.value) for one in survey.form.questions] == [("q1", "single"), ("q2", "text")]
    assert survey.form.questions[1].show_if is not None
    assert (survey.plan.most, survey.plan.topic, survey.plan.channels) == (100, "phones", ("email",))
    assert "The checks found nothing wrong" in marta.words
    marta.go(f"{here}/preview?text=ru")
    assert "Our shops (ru)" in marta.words
    assert "cents" in marta.words
    marta.go(here)
    marta.post(here, step="submit")
    assert "Waits for a second person" in marta.words
    assert 'value="open"' not in marta.page.text
    assert marta.post(here, step="open").status_code == 400
    assert "Nobody opens a survey that they submitted" in marta.words
    andris.go(here)
    andris.post(here, step="return", reason="Which shops?")
    assert "Which shops?" in andris.words
    marta.go(here)
    marta.post(here, step="submit")
    andris.go(here)
    andris.post(here, step="open")
    assert written(placet, andris).state == "open"
    assert andris.post(f"{here}/heading", **in_three("title", "Other")).status_code == 400
    assert "no longer where it was" in andris.words
    andris.go("/console/surveys?state=open")
    assert "Our shops (en)" in andris.words
    andris.go("/console/surveys?state=closed")
    assert "No survey is in this state" in andris.words


def test_what_is_missing_is_said_and_what_was_written_is_not_lost(placet: Application, sit: Sit) -> None:
    marta = sit(hired(placet, "marta", Role.MARKETER))
    marta.go("/console/surveys/new")
    assert marta.post("/console/surveys/new", **{"intro.lv": "Par ko?"}).status_code == 400
    assert "Par ko?" in marta.page.text
    marta.post("/console/surveys/new", **{"title.lv": "<b>Aptauja</b>", "intro.lv": "Par ko?"})
    here = marta.page.url.path
    assert "<b>Aptauja" not in marta.page.text
    for said in ("The heading is missing. (Russian)", "There is no question yet.", "Choose one channel or more."):
        assert said in marta.words
    marta.go(f"{here}/questions/new?kind=scale")
    assert (
        marta.post(f"{here}/questions/new", kind="scale", low="one", high="5", **{"words.en": "So?"}).status_code == 400
    )
    assert "A whole number was expected." in marta.words
    assert 'value="So?"' in marta.page.text
    marta.post(f"{here}/questions/new", kind="scale", low="1", high="2", **{"words.en": "So?"})
    assert "A scale has three to eleven steps." in marta.words
    marta.post(f"{here}/questions/q1", step="remove")
    assert "There is no question yet." in marta.words
    marta.go(f"{here}/plan")
    assert marta.post(f"{here}/plan", closes="soon").status_code == 400
    assert marta.post(f"{here}/plan", topic="nothing").status_code == 400
    assert marta.go("/console/surveys/nothing").status_code == 404
    assert marta.go(f"{here}/questions/q7").status_code == 404


@pytest.mark.parametrize("anonymous", [True, False], ids=["anonymous", "with the customer"])
def test_results_tell_shares_with_intervals_and_no_single_person(
    placet: Application, sit: Sit, office: Office, anonymous: bool
) -> None:
    office.now = clock.now()
    office.house.now = office.now
    survey = office.opened(anonymous=anonymous)
    here = f"/console/surveys/{survey.id}/results"
    andris, dace = sit(hired(placet, "andris", Role.ANALYST)), sit(hired(placet, "dace", Role.DPO))
    andris.go(here)
    assert ("fewer than ten have answered" in andris.words) == anonymous
    for place in range(40):
        token = office.link(survey, office.house.person(f"person{place}"))
        office.answer(token, USED, "a" if place < 31 else "b")
        office.answer(token, HAPPY, "5")
        if place % 2:
            office.answer(token, MORE, text=f"=HYPERLINK({place})")
        office.send(token)
    andris.go(here)
    assert "Did you use data abroad? — Yes 75 %" in andris.words.replace("\N{NO-BREAK SPACE}", " ")
    assert "5.0 on average" in andris.words
    found = list(csv.DictReader(io.StringIO(andris.go(f"{here}.csv").content.decode("utf-8-sig"))))
    assert found[0] == {
        "question": "Did you use data abroad?", "answer": "Yes", "chosen": "30", "answered": "40", "share": "0.750",
        "low": "0.598", "high": "0.858",
    }  # fmt: skip
    exact = list(csv.DictReader(io.StringIO(dace.go(f"{here}.csv").content.decode("utf-8-sig"))))
    assert exact[0]["chosen"] == ("30" if anonymous else "31")
    assert exact[1]["chosen"] == ("" if anonymous else "9")
    andris.go(f"{here}/{MORE}")
    texts = re.findall(r'<p class="words">(.*?)</p>', andris.page.text)
    assert sorted(texts) == sorted(f"=HYPERLINK({place})" for place in range(1, 40, 2))
    answers = andris.go(f"/console/surveys/{survey.id}/answers.csv")
    assert answers.status_code == (404 if anonymous else 200)
    if not anonymous:
        rows = list(csv.reader(io.StringIO(answers.content.decode("utf-8-sig"))))
        assert len(rows) == 41
        assert {row[-1][:2] for row in rows[1:]} == {"", "'="}
        assert "person" not in answers.text


def test_the_author_chooses_among_all_channels_but_calls_nobody_about_anonymous_answers(
    placet: Application, sit: Sit
) -> None:
    marta = sit(hired(placet, "marta", Role.MARKETER))
    every = {f"channel.{channel}": "1" for channel in ("app", "sms", "post", "call")}
    here = write_one(marta, **every)
    assert written(placet, marta).plan.channels == ("email", "app", "sms", "post", "call")
    assert "The checks found nothing wrong" in marta.words
    marta.go(f"{here}/preview?text=lv")
    for words in ("In the app", "127.0.0.1:8000/q/k7dm-x2pa-9rtw-4hsn", "Es lasīšu jautājumus"):
        assert words in marta.words
    marta.go(f"{here}/plan")
    assert marta.page.text.count('name="channel.') == 5
    until = (clock.now() + timedelta(days=20)).date().isoformat()
    marta.post(f"{here}/plan", closes=until, anonymous="yes", **{"channel.email": "1"}, **every)
    assert "Nobody calls about anonymous answers" in marta.words
    marta.post(here, step="submit")
    assert "Something is missing still" in marta.words
