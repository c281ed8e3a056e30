"""
What every purpose that tells facts must keep (placet/facts.py), as an examination; `test_facts.py` runs it over all
that are registered, and over one that keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from psycopg import Connection

from placet.catalogue.model import Catalogue
from placet.facts import Provider
from placet.subjects.model import Subject

LANGUAGES = {"lv", "ru", "en"}


class Telling(Protocol):
    """A provider under examination, and a way to give it something to tell."""

    @property
    def provider(self) -> Provider: ...

    def plant(self, connection: Connection, person: Subject) -> None:
        """Let every fact be known of *person*."""
        ...


Check = Callable[[Connection, Telling, Catalogue, Subject, Subject], None]


def what_is_told_is_described(_c: Connection, telling: Telling, catalogue: Catalogue, *_: Subject) -> None:
    """Each fact is named after its purpose, is data that this purpose's notice names, and has titles and values."""
    for one in telling.provider.described:
        purpose = catalogue.purpose(one.purpose)
        assert one.name.startswith(f"{one.purpose}."), one.name
        assert one.data in purpose.data, one.name
        assert one.values, one.name
        assert set(one.titles) == LANGUAGES, one.name


def every_fact_says_where_it_comes_from(
    c: Connection, telling: Telling, _: Catalogue, anna: Subject, berta: Subject
) -> None:
    """It carries the consent it rests on, is of that person, and has a value that was described; of others: nothing."""
    telling.plant(c, anna)
    known = {one.name: one for one in telling.provider.described}
    told = telling.provider.of(c, anna.id, list(known))
    assert {fact.name for fact in told} == set(known)
    for fact in told:
        assert (fact.subject, fact.purpose) == (anna.id, known[fact.name].purpose)
        assert fact.value in known[fact.name].values
    assert telling.provider.of(c, berta.id, list(known)) == []


def one_person_and_many_are_told_alike(
    c: Connection, telling: Telling, _: Catalogue, anna: Subject, berta: Subject
) -> None:
    """Whoever is found by a value has that value."""
    telling.plant(c, anna)
    for fact in telling.provider.of(c, anna.id, [one.name for one in telling.provider.described]):
        found = telling.provider.among(c, fact.name, [fact.value])
        assert anna.number in found
        assert berta.number not in found
        assert not telling.provider.among(c, fact.name, [])


CHECKS: Sequence[Check] = (
    what_is_told_is_described,
    every_fact_says_where_it_comes_from,
    one_person_and_many_are_told_alike,
)
