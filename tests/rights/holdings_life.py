"""A customer with a life: contacts, a line, decisions, evidence, uses, sign-ins, requests, a look of the staff."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import attrs

from placet.access import places, reads, sessions, staff
from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Recorded, Wish
from placet.gate import uses
from placet.gate.actions import Allowed
from placet.kernel.ids import ActivityId, ChannelId, PurposeId
from placet.ledger.append import ending
from placet.subjects.model import Alias, Subject

ADVICE = ActivityId("usage.tariff-advice")


@attrs.define
class Life:
    """What happens to a customer, each thing a second after the one before."""

    placet: Application
    now: datetime

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def person(self, phone: str = "+37120000301", name: str = "Анна Kalniņa", language: str = "en") -> Subject:
        with self.placet.database.transaction() as connection:
            anna = self.placet.subjects.add(
                connection,
                aliases=[Alias.msisdn(phone), Alias.email(f"a{phone[1:]}@example.lv")],
                language=language,
                name=name,
                birth_date=date(1990, 2, 28),
                now=self.now,
            )
            self.placet.subjects.add_line(connection, Alias.msisdn(phone), since=self.now)
            self.placet.subjects.add_role(connection, Alias.msisdn(phone), anna.id, "holder", since=self.now)
        return anna

    def say(
        self, person: Subject, purpose: str, decision: str, *, channel: str | None = None, evidence: bytes | None = None
    ) -> Recorded:
        now = self.tick()
        with self.placet.database.transaction() as connection:
            catalogue = self.placet.catalogue(connection)
            shown = render(catalogue, purpose=purpose, language="en", route="portal")
            catalogue_store.remember_shown(connection, shown, now)
            wish = Wish(
                person.id,
                PurposeId(purpose),
                decision,
                "portal" if evidence is None else "post",
                Actor("subject", str(person.id)),
                channel=None if channel is None else ChannelId(channel),
                language="en",
                shown=shown.sha256 if decision == "given" else None,
                evidence=evidence,
            )
            (outcome,) = consents.record(connection, [wish], rulebook=self.placet.rulebook, now=now)
        assert isinstance(outcome, Recorded), outcome
        return outcome

    def use(self, person: Subject, activity: str = ADVICE, outcome: str = "a cheaper tariff found") -> None:
        now = self.tick()
        with self.placet.database.transaction() as connection:
            answer = self.placet.gate.check(connection, person.id, activity, now=now)
            assert isinstance(answer, Allowed), answer
            uses.record_use(connection, uses.under_permit(answer.permit, outcome=outcome, at=now))

    def many_uses(self, person: Subject, count: int) -> None:
        """Uses under one permit, as a program would tell them."""
        now = self.tick()
        with self.placet.database.transaction() as connection:
            answer = self.placet.gate.check(connection, person.id, ADVICE, now=now)
            assert isinstance(answer, Allowed), answer
            told = uses.under_permit(answer.permit, outcome="looked at the minutes", at=now)
            uses.record_uses(connection, [told] * count)

    def everything_else(self, person: Subject) -> None:
        """A sign-in, a request, and a member of staff who looked."""
        now = self.tick()
        with self.placet.database.transaction() as connection:
            sessions.open_session(
                connection, person.id, "en", place=places.place_of("85.254.1.2", "Firefox/1"), now=now
            )
            self.placet.requests.file(
                connection,
                person.id,
                "access",
                text="=what do you hold?",
                route="portal",
                filed_by=Actor("subject", str(person.id)),
                now=now,
            )
            agent = staff.add(
                connection, "ilze", name="Ilze Agente", roles={staff.Role.AGENT}, shop="riga-1", by=None, now=now
            )
            reads.note(connection, staff=agent.id, what="record", reason="a question", subject=person.id, now=now)

    def sign_log(self) -> None:
        self.placet.keeper.run_once(self.tick())


def begin(placet: Application) -> Life:
    """After the catalogue was published, which the fixtures do by the real clock."""
    with placet.database.transaction() as connection:
        return Life(placet, max(ending(connection).recorded_at, datetime(2026, 3, 12, 12, tzinfo=UTC)))


def lived(placet: Application) -> tuple[Life, Subject]:
    """Anna: three decisions with a withdrawal, a letter as evidence, uses, and everything else."""
    life = begin(placet)
    anna = life.person()
    life.say(anna, "usage", "given")
    life.use(anna)
    life.use(anna)
    life.say(anna, "offers", "refused", evidence=b"letter 17 of 2026")
    life.say(anna, "usage", "withdrawn")
    life.everything_else(anna)
    return life, anna
