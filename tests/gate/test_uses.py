from __future__ import annotations

import json
from datetime import datetime, timedelta

import attrs
import psycopg
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from pyroaring import BitMap

from placet.bootstrap import Application, erase
from placet.catalogue import store as catalogue_store
from placet.catalogue.render import render
from placet.consents import actions as consents
from placet.consents.model import Actor, Recorded, Wish
from placet.gate import past, uses
from placet.gate.actions import Allowed, Gate
from placet.gate.audit import audit
from placet.gate.model import Reason
from placet.gate.replica import Replica
from placet.gate.uses import Told
from placet.interfaces.cli.main import main
from placet.kernel import clock, errors
from placet.kernel.ids import ChannelId, PurposeId
from placet.subjects.model import Subject

EMAIL = ChannelId("email")
CAMPAIGN = "offers.email-campaign"


@pytest.fixture
def start() -> datetime:
    return clock.now()


@attrs.define
class Office:
    """The application, and the few things that a clerk does with it."""

    placet: Application
    now: datetime

    def add(self) -> Subject:
        with self.placet.database.transaction() as connection:
            return self.placet.subjects.add(connection, aliases=[], language="lv", now=self.now)

    def say(self, person: Subject, decision: str, channel: str | None = None, **more) -> Recorded:
        self.now += timedelta(seconds=1)
        with self.placet.database.transaction() as connection:
            shown = render(self.placet.catalogue(connection), purpose="offers", language="lv", route="portal")
            catalogue_store.remember_shown(connection, shown, self.now)
            wish = Wish(
                person.id,
                PurposeId("offers"),
                decision,
                more.pop("route", "portal"),
                Actor("subject", str(person.id)),
                channel=channel,
                language="lv",
                shown=shown.sha256,
                **more,
            )
            (outcome,) = consents.record(connection, [wish], rulebook=self.placet.rulebook, now=self.now)
        assert isinstance(outcome, Recorded), outcome
        return outcome

    def open(self) -> Subject:
        person = self.add()
        self.say(person, "given")
        self.say(person, "given", "email")
        return person

    def permit(self, person: Subject):
        with self.placet.database.transaction() as connection:
            answer = self.placet.gate.check(connection, person.id, CAMPAIGN, now=self.now)
        assert isinstance(answer, Allowed)
        return answer.permit

    def record(self, *told: Told) -> None:
        with self.placet.database.transaction() as connection:
            uses.record_uses(connection, told)

    def findings(self) -> list[str]:
        with self.placet.database.transaction() as connection:
            report = audit(connection, self.placet.gate, purposes=self.placet.in_force.terms(connection))
        return [finding.why for finding in report.findings]

    def replica(self) -> Replica:
        replica = Replica.of(self.placet.database, self.placet.config)
        replica.catch_up()
        return replica

    def audience(self, replica: Replica):
        with self.placet.database.transaction() as connection:
            return self.placet.gate.audience(connection, replica, CAMPAIGN, now=self.now)


@pytest.fixture
def office(placet: Application, start) -> Office:
    return Office(placet, start)


def test_permit_names_the_consents_it_stands_on(office) -> None:
    assert office.permit(office.open()).needs == ("offers", "offers/email")


def test_use_under_a_permit_passes_the_audit_also_after_a_withdrawal(office) -> None:
    anna = office.open()
    office.record(uses.under_permit(office.permit(anna), outcome="sent", at=office.now))
    office.say(anna, "withdrawn")
    assert office.findings() == []


def test_audit_finds_every_use_without_a_valid_permit(office) -> None:
    anna, bert = office.open(), office.open()
    permit = office.permit(anna)
    told = uses.under_permit(permit, outcome="sent", at=office.now)
    forged = permit.text[:-1] + ("A" if permit.text[-1] != "A" else "B")
    office.record(
        told,
        attrs.evolve(told, permit=None),
        attrs.evolve(told, permit=forged),
        attrs.evolve(told, subject=bert.id),
        attrs.evolve(told, activity="offers.sms-campaign"),
        attrs.evolve(told, channel=ChannelId("sms")),
        attrs.evolve(told, at=permit.expires_at),
        attrs.evolve(told, at=permit.issued_at - timedelta(microseconds=1)),
    )
    assert office.findings() == [
        "no-permit",
        "permit-forged",
        "permit-for-another",
        "permit-for-another",
        "permit-for-another",
        "permit-out-of-time",
        "permit-out-of-time",
    ]


def test_audit_finds_a_permit_that_the_ledger_does_not_bear_out(office) -> None:
    anna = office.open()
    permit = office.permit(anna)
    # Whoever holds the key, or a database whose states were edited, may sign what the ledger never said.
    office.say(anna, "withdrawn")
    with office.placet.database.transaction() as connection:
        connection.execute("UPDATE consents.state SET decision = 'given', notice_major = 1")
    wrong = office.permit(anna)
    office.record(
        uses.under_permit(permit, outcome="sent", at=permit.issued_at),
        uses.under_permit(wrong, outcome="sent", at=office.now),
    )
    assert office.findings() == ["not-allowed:withdrawn"]


def test_uses_of_an_erased_person_are_still_judged_by_what_was_known(office) -> None:
    anna = office.open()
    office.record(uses.under_permit(office.permit(anna), outcome="sent", at=office.now))
    with office.placet.database.transaction() as connection:
        erase(office.placet, connection, anna.id, now=office.now + timedelta(seconds=1))
    assert office.findings() == []


def test_use_on_a_contract_needs_no_consent_and_passes(office) -> None:
    anna = office.add()
    with office.placet.database.transaction() as connection:
        activities = office.placet.catalogue(connection).activities.values()
        contract = next(activity.id for activity in activities if not activity.needs)
        answer = office.placet.gate.check(connection, anna.id, contract, now=office.now)
    office.say(office.add(), "refused")
    office.record(uses.under_permit(answer.permit, outcome="done", at=office.now - timedelta(seconds=1)))
    assert office.findings() == []


def test_audience_use_is_replayed_member_by_member(office) -> None:
    _, bert = office.open(), office.open()
    replica = office.replica()
    audience = office.audience(replica)
    confirmed = office.placet.gate.confirm(replica, audience, now=office.now)
    office.record(uses.under_audience(confirmed, outcome="sent", at=office.now))
    office.say(bert, "withdrawn")
    assert office.findings() == []
    with office.placet.database.transaction() as connection:
        connection.execute("UPDATE consents.state SET decision = 'given', notice_major = 1")
    replica = office.replica()
    wrong = office.audience(replica)
    confirmed = office.placet.gate.confirm(replica, wrong, now=office.now)
    told = uses.under_audience(confirmed, outcome="sent", at=office.now)
    office.record(told, attrs.evolve(told, at=wrong.expires_at), attrs.evolve(told, activity="offers.sms-campaign"))
    assert office.findings() == ["members-without-consent:1", "audience-out-of-time", "audience-for-another"]


def test_person_sees_own_uses_newest_first_and_no_others(office) -> None:
    anna, bert = office.open(), office.open()
    replica = office.replica()
    audience = office.audience(replica)
    office.say(bert, "withdrawn", "email")
    replica.catch_up()
    confirmed = office.placet.gate.confirm(replica, audience, now=office.now)
    for person in (anna, anna):
        office.record(uses.under_permit(office.permit(person), outcome="one", at=office.now))
    office.record(uses.under_audience(confirmed, outcome="campaign", at=office.now))
    with office.placet.database.transaction() as connection:
        of_anna = uses.uses_of(connection, anna.id)
        assert [use.outcome for use in of_anna] == ["campaign", "one", "one"]
        assert [use.outcome for use in uses.uses_of(connection, anna.id, limit=1)] == ["campaign"]
        assert len(uses.uses_of(connection, anna.id, before=of_anna[0].id)) == 2
        assert uses.uses_of(connection, bert.id) == []


def test_uses_are_never_changed_or_deleted(office) -> None:
    office.record(uses.under_permit(office.permit(office.open()), outcome="sent", at=office.now))
    for statement in ("UPDATE gate.use SET outcome = 'x'", "DELETE FROM gate.use", "DELETE FROM gate.audience"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), office.placet.database.transaction() as connection:
            connection.execute(statement.encode())


@pytest.mark.parametrize("wrong", [{"outcome": ""}, {"outcome": "x" * 201}, {"subject": None}])
def test_use_that_says_nothing_is_bad_input(office, wrong) -> None:
    told = uses.under_permit(office.permit(office.open()), outcome="sent", at=office.now)
    with pytest.raises(errors.BadInput):
        attrs.evolve(told, **wrong)


def test_answers_about_another_time_carry_no_permit(office) -> None:
    anna = office.open()
    given_at = office.now
    office.say(anna, "withdrawn")
    with office.placet.database.transaction() as connection:
        about = {"purposes": office.placet.in_force.terms(connection), "channel": EMAIL}
        gate: Gate = office.placet.gate
        then = gate.check_as_of(connection, anna.id, CAMPAIGN, at=given_at, known_at=None, **about)
        before = gate.check_as_of(
            connection, anna.id, CAMPAIGN, at=given_at - timedelta(hours=1), known_at=None, **about
        )
        late = gate.check_as_of(connection, anna.id, CAMPAIGN, at=office.now, known_at=given_at, **about)
        now = gate.check_as_of(connection, anna.id, CAMPAIGN, at=office.now, known_at=None, **about)
    assert isinstance(then, Allowed)
    assert then.permit is None
    assert isinstance(late, Allowed)
    assert (before.reason, now.reason) == (Reason.NO_DECISION, Reason.WITHDRAWN)


def test_letter_written_before_and_recorded_after_counts_from_when_it_was_known(office) -> None:
    anna = office.open()
    given_at = office.now
    office.now += timedelta(hours=2)
    office.say(anna, "withdrawn", route="post", occurred_at=given_at + timedelta(hours=1))
    with office.placet.database.transaction() as connection:
        about = {"at": given_at + timedelta(hours=1), "purposes": office.placet.in_force.terms(connection)}
        known = office.placet.gate.check_as_of(connection, anna.id, "offers", known_at=None, **about)
        not_yet = office.placet.gate.check_as_of(connection, anna.id, "offers", known_at=given_at, **about)
    assert (known.reason, isinstance(not_yet, Allowed)) == (Reason.WITHDRAWN, True)


def test_audience_of_the_past_is_that_of_its_time(office) -> None:
    anna = office.open()
    bert = office.open()
    given_at = office.now
    office.say(bert, "withdrawn")
    with office.placet.database.transaction() as connection:
        terms = office.placet.in_force.terms(connection)
        about = {"channel": None, "known_at": None, "purposes": terms}
        then = past.draw(connection, CAMPAIGN, at=given_at, **about)
        now = past.draw(connection, CAMPAIGN, at=office.now, **about)
    assert then.members == BitMap([anna.number, bert.number])
    assert now.members == BitMap([anna.number])
    assert now.excluded[Reason.CLOSED] == 1


def test_nothing_was_in_force_before_the_first_publication(office) -> None:
    anna = office.open()
    with office.placet.database.transaction() as connection:
        terms = office.placet.in_force.terms(connection)
        early = office.placet.gate.check_as_of(
            connection, anna.id, "offers", at=office.now - timedelta(days=1), known_at=None, purposes=terms
        )
    assert early.reason is Reason.NO_DECISION


def run(office: Office, monkeypatch, *arguments: str):
    """The command line on the office's own database."""
    monkeypatch.setenv("PLACET_DATABASE_URL", office.placet.config.database_url)
    monkeypatch.setenv("PLACET_DATA_DIR", str(office.placet.config.data_dir))
    monkeypatch.setenv("PLACET_MASTER_KEY", "00" * 32)
    return CliRunner().invoke(main, list(arguments))


def test_command_line_answers_by_exit_code(office, monkeypatch) -> None:
    anna = office.open()
    yes = run(office, monkeypatch, "check", str(anna.id), CAMPAIGN, "--json")
    no = run(office, monkeypatch, "check", str(anna.id), "mobility", "--json")
    assert (yes.exit_code, no.exit_code) == (0, 3), (yes.output, no.output)
    said = json.loads(yes.output)
    assert set(said) == {"allowed", "reason", "as_of", "age_ms", "token", "permit"}
    assert office.placet.gate.verify_permit(said["permit"], now=clock.now()).subject == anna.id
    assert json.loads(no.output)["reason"] == "no-decision"
    past_yes = run(office, monkeypatch, "check", str(anna.id), CAMPAIGN, "--at", "2125-01-01T00:00:00Z", "--json")
    assert json.loads(past_yes.output)["permit"] is None
    assert run(office, monkeypatch, "check", str(anna.id), CAMPAIGN, "--token", "ffffffff.1").exit_code == 3
    assert run(office, monkeypatch, "check", str(anna.id), CAMPAIGN, "--token", "x").exit_code == 1


def test_command_line_draws_audiences_and_audits(office, monkeypatch, tmp_path) -> None:
    anna = office.open()
    file = tmp_path / "members.parquet"
    drawn = run(office, monkeypatch, "audience", CAMPAIGN, "--out", str(file), "--json")
    assert drawn.exit_code == 0, drawn.output
    said = json.loads(drawn.output)
    assert (said["count"], said["excluded"]["no-decision"]) == (1, 0)
    assert pq.read_table(file).column("subject").to_pylist() == [str(anna.id)]
    past_one = json.loads(
        run(office, monkeypatch, "audience", CAMPAIGN, "--at", "2020-01-01T00:00:00Z", "--json").output
    )
    assert (past_one["id"], past_one["count"]) == (None, 0)
    assert run(office, monkeypatch, "audit").exit_code == 0
    office.record(Told(CAMPAIGN, office.now, "sent", EMAIL, subject=anna.id))
    found = run(office, monkeypatch, "audit", "--json")
    assert (found.exit_code, json.loads(found.output)["findings"][0]["why"]) == (1, "no-permit")
