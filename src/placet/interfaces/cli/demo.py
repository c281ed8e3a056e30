"""The sample customers of `--demo`: made once, found again afterwards."""

from __future__ import annotations

import attrs

from placet.bootstrap import Application
from placet.kernel import clock
from placet.subjects.model import Alias, Newcomer


@attrs.frozen
class SampleCustomer:
    msisdn: str
    email: str
    name: str
    language: str
    about: str


@attrs.frozen
class Welcome:
    """What `make run` tells whoever started it."""

    customers: tuple[SampleCustomer, ...]
    api_key: str


# Numbers of a range that is not in use in Latvia; nobody is called.
CUSTOMERS = (
    SampleCustomer("+37120000001", "anna@example.com", "Anna Bērziņa", "lv", "Anna, reads Latvian"),
    SampleCustomer("+37120000002", "ivan@example.com", "Иван Соколов", "ru", "Ivan, reads Russian"),
    SampleCustomer("+37120000003", "emma@example.com", "Emma Clarke", "en", "Emma, reads English"),
)


def fill(application: Application) -> Welcome:
    """Add the sample customers that are missing and make a fresh API key for this run."""
    now = clock.now()
    with application.database.transaction() as connection:
        for customer in CUSTOMERS:
            if application.subjects.find(connection, f"msisdn:{customer.msisdn}") is None:
                aliases = (Alias.msisdn(customer.msisdn), Alias.email(customer.email))
                application.subjects.add(connection, Newcomer(aliases, customer.language, name=customer.name), now=now)
        api_key = application.access.demo_key(connection, now=now)
    return Welcome(CUSTOMERS, api_key)
