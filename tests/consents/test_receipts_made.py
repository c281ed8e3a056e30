"""Receipts made from the ledger itself: signed at once, proved when the tree has come, refused for the erased."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

import attrs
import psycopg
import pytest
from receipt_desk import TEXT_SHA256, private, purposes

from placet.config import Config
from placet.consents import receipts
from placet.consents.model import Actor, Decision, Notice, Record
from placet.consents.receipt_check import Genuine, NotGenuine, verify
from placet.consents.receipts import Receipt
from placet.kernel.errors import NotFound, Tampered
from placet.kernel.ids import ChannelId, Position, PurposeId, RecordId, new_record_id
from placet.kernel.seal import MasterKey
from placet.ledger import append, entries
from placet.ledger.keeper import Keeper
from placet.ledger.keys import Keys, LogSigner, receipt_verifier
from placet.ledger.model import Row
from placet.ledger.notes import VerifierKey
from placet.store.database import Database
from placet.subjects.actions import Subjects
from placet.subjects.model import Alias, Subject

KEYS = Keys(private(1), private(2))
PHONE, EMAIL, NAME = "+37120000001", "anna.ozola@example.com", "Anna Ozola"


@attrs.frozen
class Office:
    """One customer, the ledger, and the keeper of its tree."""

    database: Database
    config: Config
    subjects: Subjects
    customer: Subject
    keeper: Keeper
    now: datetime

    def write(self, decision: Decision = Decision.GIVEN) -> Record:
        """Put a decision of the customer into the ledger."""
        with self.database.transaction() as connection:
            head = append.lock_head(connection)
            recorded_at = append.next_instant(head, self.now)
            record = Record(
                id=new_record_id(recorded_at),
                subject=self.customer.id,
                purpose=PurposeId("offers"),
                channel=ChannelId("sms"),
                decision=decision,
                route="portal",
                actor=Actor("subject", str(self.customer.id)),
                occurred_at=recorded_at,
                recorded_at=recorded_at,
                language="lv",
                notice=Notice("1.0", TEXT_SHA256),
                position=Position(head.position + 1),
            )
            key = self.subjects.key(connection, self.customer.id)
            entry = entries.commitment(key, record.id, record.body)
            said = (record.subject, record.purpose, record.channel, record.decision, record.occurred_at)
            append.append(connection, [Row(record.position, record.id, record.recorded_at, record.body, entry, *said)])
        return record

    def receipt(self, record: RecordId) -> Receipt:
        with self.database.transaction() as connection:
            return receipts.make(
                connection,
                record,
                catalogue_at=lambda _connection, _position: purposes(),
                keys=KEYS,
                subject_key=self.subjects.key_of,
                config=self.config,
            )

    def published(self) -> list[VerifierKey]:
        with self.database.transaction() as connection:
            epoch = append.ending(connection).epoch
        log = LogSigner(self.config.log_origin, KEYS.checkpoint)
        return [*log.verifiers(epoch), receipt_verifier(self.config.log_origin, KEYS.receipt)]


@pytest.fixture
def office(database: Database, config: Config, now: datetime) -> Office:
    subjects = Subjects(database, MasterKey(bytes(32)))
    with database.transaction() as connection:
        aliases = [Alias.parse(f"msisdn:{PHONE}"), Alias.parse(f"email:{EMAIL}")]
        customer = subjects.add(connection, aliases=aliases, language="lv", name=NAME, now=now)
    keeper = Keeper(database, KEYS, config)
    return Office(database, config, subjects, customer, keeper, now)


@pytest.mark.parametrize("decision", list(Decision))
def test_a_receipt_is_signed_at_once_and_gains_its_proof(office: Office, decision: Decision) -> None:
    record = office.write(decision)
    early = office.receipt(record.id)
    office.keeper.run_once(office.now)
    late = office.receipt(record.id)

    first, second = verify(early.data, office.published()), verify(late.data, office.published())
    assert isinstance(first, Genuine)
    assert isinstance(second, Genuine)
    assert (early.proof_pending, first.inclusion) == (True, None)
    assert second.inclusion is not None
    assert (late.proof_pending, second.inclusion.size, second.record) == (False, 1, record)


def test_a_copy_made_later_is_the_same_receipt_with_a_newer_proof(office: Office) -> None:
    record = office.write()
    office.keeper.run_once(office.now)
    first = office.receipt(record.id)
    office.write()
    office.keeper.run_once(office.now)
    second = office.receipt(record.id)
    assert first.file.signed == second.file.signed
    assert first.file.proof is not None
    assert second.file.proof is not None
    assert (first.file.proof.size, second.file.proof.size) == (1, 2)


def test_every_record_of_a_tree_with_several_tiles_is_proved(office: Office) -> None:
    written = [office.write() for _ in range(260)]
    office.keeper.run_once(office.now)
    keys = office.published()
    for record in (written[0], written[255], written[256], written[259]):
        verdict = verify(office.receipt(record.id).data, keys)
        assert isinstance(verdict, Genuine)
        assert verdict.inclusion is not None


def test_no_contact_and_no_name_is_in_a_receipt(office: Office) -> None:
    receipt = office.receipt(office.write().id)
    said = str(receipt.payload) + receipt.data.decode() + receipt.filename
    digits = re.sub(r"\D", "", PHONE)
    assert [secret for secret in (PHONE, digits, EMAIL, *NAME.split(), '"number"') if secret in said] == []
    assert str(office.customer.id) in said


def test_an_erased_person_has_no_receipt_but_the_one_in_hand_stays_genuine(office: Office) -> None:
    record = office.write()
    office.keeper.run_once(office.now)
    in_hand = office.receipt(record.id).data
    with office.database.transaction() as connection:
        office.subjects.erase_key(connection, office.customer.id, office.now)
    with pytest.raises(NotFound, match="erased") as refused:
        office.receipt(record.id)
    assert refused.value.code == "erased"
    assert isinstance(verify(in_hand, office.published()), Genuine)


def test_an_unknown_record_has_no_receipt(office: Office) -> None:
    with pytest.raises(NotFound) as refused:
        office.receipt(RecordId(uuid4()))
    assert refused.value.code == "unknown-record"


def test_an_event_has_no_receipt(office: Office) -> None:
    with office.database.transaction() as connection:
        append.append_event(connection, {"type": "test"}, office.now)
        id = connection.execute("SELECT id FROM ledger.entered").fetchone()
    assert id is not None
    with pytest.raises(NotFound):
        office.receipt(id[0])


@pytest.fixture
def as_superuser(admin_url: str) -> Callable[[str], None]:
    def run(statement: str) -> None:
        with psycopg.connect(admin_url, autocommit=True) as connection:
            connection.execute("ALTER TABLE ledger.record DISABLE TRIGGER append_only")
            connection.execute(statement.encode())

    return run


CHANGE = "UPDATE ledger.record SET body = convert_to(replace(convert_from(body, 'UTF8'), 'refused', 'given'), 'UTF8')"


def test_a_record_that_a_superuser_changed_is_not_signed(office: Office, as_superuser: Callable[[str], None]) -> None:
    record = office.write(Decision.REFUSED)
    as_superuser(CHANGE)
    with pytest.raises(Tampered) as refused:
        office.receipt(record.id)
    assert refused.value.code == "record-changed"


def test_a_superuser_who_also_recomputes_the_entry_contradicts_the_receipt_in_hand(
    office: Office, as_superuser: Callable[[str], None]
) -> None:
    record = office.write(Decision.REFUSED)
    office.write()
    office.keeper.run_once(office.now)
    in_hand = office.receipt(record.id).data
    with office.database.transaction() as connection:
        key = office.subjects.key(connection, office.customer.id)
    body = attrs.evolve(record, decision=Decision.GIVEN).body
    entry = entries.commitment(key, record.id, body)
    as_superuser(f"{CHANGE}, entry = decode('{entry.hex()}', 'hex') WHERE position = 1")
    with pytest.raises(Tampered):
        office.receipt(record.id)
    assert isinstance(verify(in_hand, office.published()), Genuine)


def test_the_keys_of_another_installation_do_not_verify(office: Office) -> None:
    receipt = office.receipt(office.write().id)
    others = [receipt_verifier(office.config.log_origin, private(7))]
    assert isinstance(verify(receipt.data, others), NotGenuine)
