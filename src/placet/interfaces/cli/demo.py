"""The sample customers of `--demo`: made once, found again afterwards."""

from __future__ import annotations

import contextlib

import attrs

from placet.access import keys
from placet.bootstrap import Application
from placet.kernel import clock
from placet.kernel.errors import Denied
from placet.subjects.model import Alias


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
    """Add the sample customers that are missing, and find or make the API key."""
    now = clock.now()
    with application.database.transaction() as connection:
        for customer in CUSTOMERS:
            if application.subjects.find(connection, f"msisdn:{customer.msisdn}") is None:
                aliases = (Alias.msisdn(customer.msisdn), Alias.email(customer.email))
                application.subjects.add(
                    connection, aliases=aliases, language=customer.language, name=customer.name, now=now
                )
    return Welcome(CUSTOMERS, _api_key(application))


def _api_key(application: Application) -> str:
    """The key of earlier runs while it is good; the file is readable by its owner only."""
    file, now = application.config.data_dir / "secrets" / "demo-api.key", clock.now()
    if file.exists():
        with contextlib.suppress(Denied):
            application.api_keys.authenticate(file.read_text().strip(), now=now)
            return file.read_text().strip()
    with application.database.transaction() as connection:
        issued = keys.add(connection, "demo", keys.SCOPES, now=now)
    file.touch(mode=0o600)
    file.write_text(issued.text)
    return issued.text
