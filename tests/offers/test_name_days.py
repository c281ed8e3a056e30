"""The calendar of name days, and the days of those whom it does not list."""

from __future__ import annotations

from datetime import date

import pytest

from placet.kernel.errors import BadInput
from placet.purposes.offers.greetings.calendar import NOT_LISTED, Listed, YearDay, is_listed, listed, name_day
from placet.purposes.offers.greetings.vocative import in_calendar


def test_traditional_and_extended_names_have_their_day() -> None:
    assert name_day("Jānis") == YearDay(6, 24)
    assert name_day("Līga") == YearDay(6, 23)
    assert name_day("Radomirs") == YearDay(7, 23)
    assert name_day("Fatima") == NOT_LISTED


def test_marks_may_be_left_out_unless_that_makes_it_two_names() -> None:
    assert name_day("Liga") == YearDay(6, 23)
    assert name_day("Marija") == name_day("marija")
    assert name_day("Krišs") == YearDay(1, 24)
    assert [one.name for one in listed("Janis")] == ["Janis", "Jānis"]
    assert [one.name for one in listed("Jānis")] == ["Jānis", "Janis"]
    assert [str(one.day) for one in listed("Sellija")] == ["07-19", "09-26"]
    assert listed("Anna") == (Listed("Anna", YearDay(7, 26)),)
    assert name_day("Thomas") is None


def test_the_sentence_and_the_dash_of_the_lists_are_no_names() -> None:
    assert not is_listed("-")
    assert name_day("Visu neparasto un kalendāros neierakstīto vārdu diena") is None
    assert name_day("") is None


def test_each_first_name_has_its_day_and_the_surname_has_none() -> None:
    both = ((Listed("Anna", YearDay(7, 26)),), (Listed("Marija", YearDay(7, 22)),))
    assert in_calendar("Anna Marija Kārlis") == both
    assert in_calendar("Anna-Marija Ozola") == both
    assert in_calendar("Иван Соколов") == ((Listed("Ivans", YearDay(8, 27)),),)
    assert in_calendar("Thomas Becker") == ()
    assert in_calendar(None) == ()


def test_the_twenty_ninth_of_february_is_kept_on_the_first_of_march() -> None:
    leap_day = YearDay(2, 29)
    assert leap_day.in_year(2028) == date(2028, 2, 29)
    assert leap_day.in_year(2027) == date(2027, 3, 1)
    assert leap_day.in_year(2100) == date(2100, 3, 1)


@pytest.mark.parametrize("text", ["", "22 May", "02-30", "13-01", "5", "00-00", "٠٥-٢٢", "-1-5"])
def test_a_day_that_is_in_no_year_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        YearDay.parse(text)


def test_a_day_is_written_as_it_is_read() -> None:
    assert str(YearDay.parse("5-22")) == "05-22"
    assert YearDay.of(date(2026, 5, 22)) == NOT_LISTED
