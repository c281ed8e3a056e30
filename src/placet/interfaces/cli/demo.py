"""The sample customers and sample accounts of `--demo`: made once, found again afterwards."""

from __future__ import annotations

import contextlib
from datetime import datetime

import attrs
from psycopg import Connection

from placet.access import keys, staff
from placet.access.staff import Role
from placet.bootstrap import Application
from placet.interfaces.cli import sample_campaigns, sample_life, sample_messages, sample_surveys
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
class SampleAccount:
    login: str
    name: str
    role: Role
    shop: str | None
    about: str


@attrs.frozen
class Welcome:
    """What `make run` tells whoever started it."""

    customers: tuple[SampleCustomer, ...]
    accounts: tuple[SampleAccount, ...]
    api_key: str
    survey: str
    """A link to a survey, as it stands in an invitation."""


# Numbers of a range that is not in use in Latvia; nobody is called.
CUSTOMERS = (
    SampleCustomer("+37120000001", "anna@example.com", "Anna Bērziņa", "lv", "Anna, reads Latvian"),
    SampleCustomer("+37120000002", "ivan@example.com", "Иван Соколов", "ru", "Ivan, reads Russian"),
    SampleCustomer("+37120000003", "emma@example.com", "Emma Clarke", "en", "Emma, reads English"),
)

# Nobody can sign in to these but by the button that only demo mode has: they have no password.
ACCOUNTS = (
    SampleAccount("agnese", "Agnese Kalniņa", Role.AGENT, "Rīga, Brīvības 100", "agent at the service desk"),
    SampleAccount("martins", "Mārtiņš Ozols", Role.AGENT, "Liepāja, Lielā 8", "agent in another shop"),
    SampleAccount("ruta", "Rūta Liepa", Role.REVIEWER, "Rīga, Brīvības 100", "reviewer of decisions that need a human"),
    SampleAccount("marta", "Marta Zariņa", Role.MARKETER, None, "marketing"),
    SampleAccount("andris", "Andris Vītols", Role.ANALYST, None, "analyst"),
    SampleAccount("dace", "Dace Balode", Role.DPO, None, "data-protection officer"),
    SampleAccount("oskars", "Oskars Krūmiņš", Role.ADMIN, None, "administrator"),
)


def fill(application: Application) -> Welcome:
    """Add the sample customers and accounts that are missing, and find or make the API key."""
    now = clock.now()
    with application.database.transaction() as connection:
        for customer in CUSTOMERS:
            if application.subjects.find(connection, f"msisdn:{customer.msisdn}") is None:
                aliases = (Alias.msisdn(customer.msisdn), Alias.email(customer.email))
                application.subjects.add(
                    connection, aliases=aliases, language=customer.language, name=customer.name, now=now
                )
        _add_accounts(connection, now)
        sample_life.live(application, connection, Alias.msisdn(CUSTOMERS[1].msisdn), now=now)
        survey = _survey(application, connection, now)
        writer, approver = staff.by_login(connection, "marta"), staff.by_login(connection, "dace")
    sample_campaigns.run(application, writer, approver, now=now)
    sample_messages.send(application, Alias.msisdn(CUSTOMERS[0].msisdn), writer, approver, now=now)
    return Welcome(CUSTOMERS, ACCOUNTS, _api_key(application), survey)


def _add_accounts(connection: Connection, now: datetime) -> None:
    there = {member.login for member in staff.listing(connection)}
    for account in ACCOUNTS:
        if account.login not in there:
            staff.add(
                connection,
                account.login,
                name=account.name,
                roles={account.role},
                shop=account.shop,
                source="demo",
                by=None,
                now=now,
            )


def _survey(application: Application, connection: Connection, now: datetime) -> str:
    reader = application.subjects.find(connection, Alias.msisdn(CUSTOMERS[1].msisdn))
    assert reader is not None
    writer, opener = staff.by_login(connection, "marta"), staff.by_login(connection, "andris")
    return sample_surveys.ask(application, connection, writer, opener, reader, now=now)


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
