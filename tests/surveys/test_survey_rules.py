"""What may be published, which question comes next, what counts as an answer, and what is told of the answers."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placet.consents.shares import rounded
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import ChannelId, Number
from placet.kernel.seal import MasterKey
from placet.purposes.offers.surveys import results, rules
from placet.purposes.offers.surveys.links import Links
from placet.purposes.offers.surveys.model import Answers, Choice, Form, Plan, Question, Scale, ShowIf
from surveys.survey_forms import FORM, HAPPY, MORE, USED, WHY, choices, plan, words


def asked(form: Form, answers: Answers) -> list[str]:
    return [question.id for question in rules.path(form, answers)]


def said(answers: Answers, id: str, *values: str, text: str = "") -> Answers:
    question = FORM.question(id)
    assert question is not None
    return rules.answered(answers, question, values, text)


def test_a_question_is_asked_only_after_the_answer_that_it_depends_on() -> None:
    assert asked(FORM, Answers()) == [USED, HAPPY, MORE]
    assert asked(FORM, said(Answers(), USED, "a")) == [USED, HAPPY, MORE]
    assert asked(FORM, said(Answers(), USED, "b")) == [USED, WHY, HAPPY, MORE]


def test_what_was_answered_to_a_question_that_is_asked_no_more_is_not_kept_and_meets_no_condition() -> None:
    chained = attrs.evolve(
        FORM,
        questions=(*FORM.questions, attrs.evolve(FORM.questions[3], id="q5", show_if=ShowIf(WHY, frozenset({"c"})))),
    )
    answers = said(said(Answers(), USED, "b"), WHY, "c")
    assert asked(chained, answers) == [USED, WHY, HAPPY, MORE, "q5"]
    changed = said(answers, USED, "a")
    assert asked(chained, changed) == [USED, HAPPY, MORE]
    assert rules.settled(chained, changed) == Answers({USED: ("a",)})


def test_every_question_can_be_passed_over_and_the_survey_goes_on() -> None:
    answers, order = Answers(), []
    while (question := rules.next_of(FORM, answers)) is not None:
        order.append(question.id)
        answers = rules.passed(answers, question)
    assert order == [USED, HAPPY, MORE]
    assert answers == Answers({USED: (), HAPPY: (), MORE: ()})
    assert [rules.before(FORM, answers, id) and rules.before(FORM, answers, id).id for id in order] == [
        None, USED, HAPPY,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "values"),
    [(USED, ("c",)), (USED, ("a", "b")), (HAPPY, ("6",)), (HAPPY, ("0",)), (MORE, ("a",))],
    ids=lambda value: str(value),
)
def test_an_answer_that_is_not_offered_is_refused(question: str, values: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="does not offer") as refused:
        said(Answers(), question, *values)
    assert refused.value.code == "bad-answer"


def test_a_text_keeps_its_lines_and_no_control_characters_and_has_a_longest_length() -> None:
    answers = said(Answers(), MORE, text="  cheaper,\r\nplease\x00\u202e ")
    assert answers.written == {MORE: "cheaper,\nplease"}
    assert said(answers, MORE, text=" \n ") == Answers({MORE: ()})
    with pytest.raises(BadInput, match="at most 2000"):
        said(Answers(), MORE, text="ā" * 2_001)
    assert "cheaper" not in repr(answers)


def test_a_whole_survey_has_no_faults(now: datetime) -> None:
    assert rules.faults(FORM, plan(now), now) == ()


FIRST, SCALED = FORM.questions[0], FORM.questions[2]
LATER = attrs.evolve(FIRST, show_if=ShowIf(HAPPY, frozenset({"1"})))
FAULTY = {
    "an introduction lacks Russian": (attrs.evolve(FORM, intro={"lv": "a", "en": "b"}), ("no-intro", None, "ru")),
    "a heading is only spaces": (attrs.evolve(FORM, titles={**FORM.titles, "lv": " "}), ("no-title", None, "lv")),
    "nothing is asked": (attrs.evolve(FORM, questions=()), ("no-questions", None, None)),
    "a question has no words": (
        rules.with_question(FORM, attrs.evolve(FIRST, titles={"lv": "a", "ru": "b"})), ("no-words", USED, "en"),
    ),
    "there is nothing to choose": (
        rules.with_question(FORM, attrs.evolve(FIRST, choices=FIRST.choices[1:])), ("bad-choices", USED, None),
    ),
    "two answers read alike": (
        rules.with_question(FORM, attrs.evolve(FIRST, choices=(*FIRST.choices, Choice("c", FIRST.choices[1].titles)))),
        ("same-choices", USED, "lv"),
    ),
    "an answer has no words": (
        rules.with_question(FORM, attrs.evolve(FIRST, choices=(*FIRST.choices, Choice("c", {"lv": "c", "en": "c"})))),
        ("no-choices", USED, "ru"),
    ),
    "a scale is too long": (
        rules.with_question(FORM, attrs.evolve(SCALED, scale=Scale(0, 11, words("a"), words("b")))),
        ("bad-scale", HAPPY, None),
    ),
    "a condition looks ahead": (rules.with_question(FORM, LATER), ("bad-condition", USED, None)),
    "a condition asks for an answer that is not offered": (
        rules.with_question(FORM, attrs.evolve(SCALED, show_if=ShowIf(USED, frozenset({"z"})))),
        ("bad-condition", HAPPY, None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTY)
def test_a_survey_with_a_fault_says_which(what: str, now: datetime) -> None:
    form, expected = FAULTY[what]
    found = rules.faults(form, plan(now), now)
    assert expected in [(fault.code, fault.question, fault.language) for fault in found]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"channels": ()}, "no-channel"),
        ({"channels": (ChannelId("pigeon"),)}, "no-channel"),
        ({"channels": (ChannelId("email"), ChannelId("call")), "anonymous": True}, "anonymous-call"),
        ({"closes_at": None}, "no-end"),
        ({"closes_at": "now"}, "no-end"),
        ({"closes_at": "far"}, "no-end"),
        ({"most": 0}, "bad-most"),
    ],
    ids=["nobody", "pigeon", "known caller", "endless", "over", "too long", "none"],
)
def test_a_plan_with_a_fault_says_which(change: dict[str, object], code: str, now: datetime) -> None:
    instants = {"now": now, "far": now + timedelta(days=200)}
    values = {name: instants.get(value, value) if isinstance(value, str) else value for name, value in change.items()}
    broken: Plan = attrs.evolve(plan(now), **values)
    assert [fault.code for fault in rules.faults(FORM, broken, now)] == [code]


def test_questions_are_put_in_taken_out_and_moved_and_conditions_stay_sound(now: datetime) -> None:
    id = rules.new_question_id(FORM)
    more = rules.with_question(FORM, Question(id, FIRST.kind, words("And?"), choices(a="Yes", b="No")))
    assert asked(more, Answers()) == [USED, HAPPY, MORE, "q5"]
    assert [question.id for question in rules.moved(more, id, by=-2).questions] == [USED, WHY, "q5", HAPPY, MORE]
    assert rules.moved(more, USED, by=-1) == more
    without = rules.without_question(more, USED)
    assert [(question.id, question.show_if) for question in without.questions][:1] == [(WHY, None)]
    assert rules.faults(without, plan(now), now) == ()
    assert rules.new_question_id(rules.without_question(more, HAPPY)) == "q6"
    full = more
    for _ in range(rules.MOST_QUESTIONS - len(more.questions)):
        full = rules.with_question(full, attrs.evolve(FIRST, id=rules.new_question_id(full)))
    with pytest.raises(BadInput, match="at most 40"):
        rules.with_question(full, attrs.evolve(FIRST, id=rules.new_question_id(full)))


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "a", "b", "c", "1", "5", "text"])), max_size=12))
@settings(max_examples=200, deadline=None)
def test_whatever_is_answered_in_whatever_order_only_asked_questions_are_kept(acts: list[tuple[int, str]]) -> None:
    answers = Answers()
    for place, value in acts:
        question = FORM.questions[place]
        if value in (*question.values, ""):
            answers = rules.answered(answers, question, (value,) if value else (), "")
        elif question.id == MORE:
            answers = rules.answered(answers, question, (), value)
    kept = rules.settled(FORM, answers)
    assert {*kept.chosen, *kept.written} <= set(asked(FORM, kept))
    assert rules.settled(FORM, kept) == kept


def test_results_have_shares_intervals_and_a_mean_that_stays_on_its_scale() -> None:
    found = results.counted(
        FORM,
        [
            ({USED: ["a"], HAPPY: ["5"]}, 11),
            ({USED: ["a"], HAPPY: ["4"]}, 1),
            ({USED: ["a"], HAPPY: []}, 2),
            ({USED: ["b"], WHY: ["a", "b"], HAPPY: []}, 3),
            ({USED: ["b"], WHY: ["a"], HAPPY: []}, 1),
            ({USED: [], HAPPY: []}, 2),
        ],
    )
    used, happy = found.of(USED), found.of(HAPPY)
    assert (used.answered, used.share("a").value, used.skipped.value) == (18, 14 / 18, 0.1)
    assert happy.mean == pytest.approx(59 / 12)
    assert happy.interval is not None
    assert happy.interval.high == 5.0
    assert 4.7 < happy.interval.low < happy.mean
    assert found.of(MORE).mean is None
    assert found.of(MORE).share("x").value is None
    assert results.restored(FORM, results.kept(found)) == found


def test_an_anonymous_survey_tells_nothing_of_fewer_than_ten_to_anybody() -> None:
    nine = results.counted(FORM, [({}, 9)])
    ten = results.counted(FORM, [({MORE: []}, 1), ({MORE: [results.WRITTEN]}, 9)])
    apart, named = Plan(anonymous=True), Plan()
    assert [results.is_told(apart, nine), results.is_told(apart, ten), results.is_told(named, nine)] == [
        False, True, True,
    ]  # fmt: skip
    assert results.release_of(apart, lambda _count: pytest.fail("exact counts of an anonymous survey")) is rounded
    assert results.texts_are_told(named, ten.of(MORE))
    assert not results.texts_are_told(apart, ten.of(MORE))


def test_a_link_is_new_each_time_opens_under_its_key_alone_and_holds_nothing_readable() -> None:
    links, number = Links(MasterKey(bytes(32))), Number(4711)
    one, two = links.make(7, number), links.make(7, number)
    assert one != two
    assert {len(one), len(two)} == {58}
    first, second = links.read(one), links.read(two.upper())
    assert (first.serial, first.number, second.number) == (7, number, number)
    assert first.ticket != second.ticket
    assert one not in repr(first)
    forged = one[:40] + ("a" if one[40] != "a" else "b") + one[41:]
    for wrong in (
        forged,
        one[:-1],
        "",
        "ī" * 58,
        one.replace(one[0], "1", 1),
        Links(MasterKey(bytes(31) + b"1")).make(7, number),
    ):
        with pytest.raises(NotFound):
            links.read(wrong)
