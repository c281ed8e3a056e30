"""
The composition root: the only module that knows all rooms. It wires them and starts and stops what runs.

`prepare` changes the database (migrations, roles, the first catalogue); `build` only connects.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
from psycopg import Connection

from placet.access import passkeys, sessions
from placet.access.accounts import Accounts
from placet.access.ceremonies import Ceremonies
from placet.access.codes import Codes, sender_for
from placet.access.federation import customer_provider, staff_provider
from placet.access.keys import Keys as ApiKeys
from placet.access.oidc import Provider
from placet.catalogue import approvals
from placet.catalogue import store as catalogue_store
from placet.catalogue.files import load as load_catalogue
from placet.catalogue.model import Catalogue
from placet.catalogue.publishing import publish
from placet.config import Config
from placet.consents import actions as consents
from placet.consents import identity
from placet.consents.assisted import Assisted
from placet.consents.in_force import CatalogueInForce, Rulebook
from placet.consents.model import Outcome
from placet.consents.sequencer import Sequencer
from placet.delivery import codes
from placet.delivery import merging as delivery_merging
from placet.delivery.actions import Delivery
from placet.delivery.answers import Answers
from placet.delivery.app import APP, App
from placet.delivery.calls import Calls
from placet.delivery.channels import email as email_channel
from placet.delivery.channels import lmtp as returns_lmtp
from placet.delivery.channels import maildir as returns_maildir
from placet.delivery.channels import sms as sms_channel
from placet.delivery.codes import CodeMessages
from placet.delivery.inbox import Inbox
from placet.delivery.letters import Letter
from placet.delivery.lmtp_server import Lmtp, Place
from placet.delivery.mailbox import Maildir
from placet.delivery.model import Channel
from placet.delivery.notes import Note, Notes
from placet.delivery.post import Letters
from placet.delivery.receipting import Receipting
from placet.delivery.renewing import Renewing
from placet.delivery.returns import Returns
from placet.delivery.service import ServiceMessages, ServiceTexts
from placet.delivery.sms import Text
from placet.delivery.tokens import tokens
from placet.delivery.trials import Trials
from placet.delivery.unsubscribing import Unsubscribing
from placet.duties import Duties
from placet.gate import restrictions
from placet.gate.actions import Gate
from placet.kernel import clock
from placet.kernel.ids import ChannelId, StaffId, SubjectId
from placet.kernel.seal import MasterKey
from placet.ledger.append import lock_head
from placet.ledger.keeper import Keeper
from placet.ledger.keys import Keys
from placet.ledger.keys import load as load_keys
from placet.ledger.outside import Outside
from placet.preparing import demand_data_dir, migrated
from placet.purposes.mobility.purpose import Mobility
from placet.purposes.offers import topics
from placet.purposes.offers.ground import Ground
from placet.purposes.offers.purpose import Offers
from placet.rights import erasure
from placet.rights.journal import Entry, Journal
from placet.rights.requests import Requests
from placet.store.database import Database
from placet.store.migrations import Roles
from placet.subjects.actions import Subjects
from placet.subjects.master import load as load_master
from placet.subjects.model import Alias, EventKind
from placet.subjects.vault import Vault


@attrs.frozen
class Application:
    """Everything that interfaces may use."""

    config: Config
    roles: Roles
    database: Database
    master: MasterKey
    vault: Vault
    subjects: Subjects
    in_force: CatalogueInForce
    rulebook: Rulebook
    keys: Keys
    keeper: Keeper
    gate: Gate
    sequencer: Sequencer
    api_keys: ApiKeys
    codes: Codes
    accounts: Accounts
    ceremonies: Ceremonies
    staff_provider: Provider | None
    customer_provider: Provider | None
    requests: Requests
    journal: Journal
    delivery: Delivery
    service: ServiceMessages
    trials: Trials
    offers: Offers
    mobility: Mobility
    duties: tuple[Duties, ...] = ()
    """The purposes that are installed, each by what it owes a person."""
    channels: tuple[Channel, ...] = ()
    """The ways to reach people that are set up, and the inbox of the app, which always is."""
    maildir: Maildir | None = None
    """Where mail comes back to, if that is set up, and what of it nobody understood."""
    lmtp_place: Place | None = None
    """Where the mail server hands over what comes back, if that is set up."""

    def catalogue(self, connection: Connection) -> Catalogue:
        return self.in_force.read(connection)

    @property
    def calls(self) -> Calls:
        """The calls that members make."""
        return Calls(self.delivery, self.rulebook, self.offers.note)

    @property
    def letters(self) -> Letters:
        """What goes by post."""
        return Letters(self.delivery, self.offers.note, tokens(self.master), self.config.url)

    @property
    def inbox(self) -> Inbox:
        """What the app shows its customers."""
        return Inbox(self.subjects, tokens(self.master))

    @property
    def assisted(self) -> Assisted:
        """Grants that a member of staff writes down, and somebody else completes."""
        return Assisted(self.database, self.subjects, self.rulebook, self.codes)

    @property
    def unsubscribing(self) -> Unsubscribing:
        """What the links in messages stop."""
        return Unsubscribing(self.delivery, self.in_force, tokens(self.master))

    @property
    def returns(self) -> Returns | None:
        """What acts on mail that comes back."""
        if self.maildir is None:
            return None
        return Returns(self.database, self.unsubscribing, self.rulebook, self.maildir)

    @property
    def lmtp(self) -> Lmtp | None:
        """What takes mail that comes back from the mail server."""
        if self.lmtp_place is None or self.returns is None:
            return None
        return Lmtp(self.lmtp_place, self.returns)

    @property
    def receipting(self) -> Receipting:
        """What tells people of the decisions that others wrote down."""
        return Receipting(self.database, self.in_force, self.service)

    @property
    def renewing(self) -> Renewing:
        """What tells people that a text they agreed to has changed."""
        return Renewing(self.database, self.in_force, self.service)

    def subject_keys(self, subjects: Sequence[UUID]) -> dict[UUID, bytes | None]:
        """The keys of *subjects* for a verification; None for the erased."""
        return self.subjects.keys(subjects)

    @property
    def outside(self) -> Outside:
        """What the log remembers outside its database."""
        return self.keeper.outside

    def close(self) -> None:
        self.sequencer.stop()
        self.api_keys.close()
        self.database.close()


def prepare(config: Config) -> tuple[str, Roles, MasterKey]:
    """
    Make the database ready and return the application's own URL, its roles and the master key.

    Idempotent: starts the embedded server if no URL is set, migrates, ensures the purpose roles, and publishes the
    configured catalogue when none was ever published.
    """
    demand_data_dir(config)
    master = load_master(config)
    url, roles = migrated(config, master)
    database = Database(url, size=1)
    try:
        with database.transaction() as connection:
            Subjects(database, master).check_master(connection)
            if catalogue_store.latest_position(connection) is None:
                publish_catalogue(connection, load_catalogue(config.catalogue), now=clock.now())
    finally:
        database.close()
    return url, roles, master


def build(config: Config) -> Application:
    """
    Prepare and connect. The caller starts what it needs (`sequencer`, `keeper`) and closes the application.

    Whom an older backup brought back is erased again before anything can be asked of it.
    """
    application = composed(config, *prepare(config))
    try:
        with application.database.transaction() as connection:
            erasure.again(application, connection, now=clock.now())
    except BaseException:
        application.close()
        raise
    return application


def rebuild_erasures(config: Config, also: Sequence[SubjectId], *, now: datetime) -> list[Entry]:
    """Make the journal of erasures anew (`placet erasures rebuild`): without it nothing is built."""
    url, _, master = prepare(config)
    database = Database(url, size=1)
    try:
        with database.transaction() as connection:
            return erasure.rebuild(connection, Journal.of(config, master), also=also, now=now)
    finally:
        database.close()


def composed(config: Config, url: str, roles: Roles, master: MasterKey) -> Application:
    """Connect to a database that `prepare` has made ready."""
    database = Database(url, size=config.database_pool)
    vault = Vault(master)
    subjects = Subjects(database, master)
    in_force = CatalogueInForce()
    rulebook = Rulebook(in_force, subjects, vault, timedelta(days=config.rest_days_after_no))
    keys = load_keys(config.data_dir)
    keeper = Keeper(database, keys, config)
    gate = Gate.of(config, master)
    delivery = Delivery.of(config, master, subjects, gate)
    offers = Offers.of(Ground(config, master, database, subjects, in_force, rulebook, gate, delivery))
    mobility = Mobility.of(config, database, subjects, in_force, gate)
    with database.transaction() as connection:
        told = ServiceTexts(in_force.read(connection).controller)
    answers = Answers(database, delivery, rulebook, clock.now, topics.meant)
    wires = _channels(config, master, (codes, told, offers), answers)
    reached = {channel.id for channel in wires}
    # Whoever has no address that we can write to finds it in the app.
    service = ServiceMessages(delivery, reached | {APP}, config.url)
    delivery.fillers["notice"] = Renewing(database, in_force, service).fill
    by_channel = CodeMessages(delivery, reached) if reached else None
    app = App(database, Inbox(subjects, tokens(master)), _notes((told, offers)), clock=clock.now)
    return Application(
        config=config,
        roles=roles,
        database=database,
        master=master,
        vault=vault,
        subjects=subjects,
        in_force=in_force,
        rulebook=rulebook,
        keys=keys,
        keeper=keeper,
        gate=gate,
        sequencer=Sequencer(database, rulebook, clock.now, demand=keeper.demand_agreement),
        api_keys=ApiKeys(database),
        codes=Codes(database, subjects, master, sender_for(config, by_channel)),
        accounts=Accounts(database, master),
        ceremonies=Ceremonies(master),
        staff_provider=staff_provider(config),
        customer_provider=customer_provider(config),
        requests=Requests(subjects, ZoneInfo(config.time_zone), service),
        journal=Journal.of(config, master),
        delivery=delivery,
        service=service,
        trials=Trials.of(config, master),
        offers=offers,
        mobility=mobility,
        duties=(offers.duties, mobility.duties),
        channels=(*wires, app),
        maildir=returns_maildir(config),
        lmtp_place=returns_lmtp(config),
    )


class _Noted(Protocol):
    """A room that has texts for the app, None where the template is another's."""

    def note(self, channel: ChannelId, template: str, language: str) -> Note | None: ...


def _notes(rooms: Sequence[_Noted]) -> Notes:
    """The texts of all *rooms*."""

    def note(channel: ChannelId, template: str, language: str) -> Note | None:
        found = (room.note(channel, template, language) for room in rooms)
        return next((one for one in found if one is not None), None)

    return note


class _Texts(Protocol):
    """A room that sends: its letters and texts, each None where the template is another's."""

    def letter(self, template: str, language: str) -> Letter | None: ...
    def text(self, template: str, language: str) -> Text | None: ...


def _channels(config: Config, master: MasterKey, rooms: Sequence[_Texts], answers: Answers) -> tuple[Channel, ...]:
    """The ways to reach people that the settings describe, each with the words of all *rooms* that send."""

    def letter(template: str, language: str) -> Letter | None:
        return next((found for room in rooms if (found := room.letter(template, language)) is not None), None)

    def text(template: str, language: str) -> Text | None:
        return next((found for room in rooms if (found := room.text(template, language)) is not None), None)

    email = email_channel(config, master, letter, clock=clock.now)
    sms = sms_channel(
        config, text, clock=clock.now, on_receipt=answers.receipt, on_reply=answers.reply,
        stop_link=partial(tokens(master).link, config.url),
    )  # fmt: skip
    return tuple(channel for channel in (email, sms) if channel is not None)


def publish_catalogue(connection: Connection, catalogue: Catalogue, *, now: datetime) -> None:
    """Publish and tell the followers which earlier consents lapse."""
    published = publish(connection, catalogue, now=now)
    if published is not None:
        consents.published(connection, published.position, published.lapsed)


def publish_draft(connection: Connection, draft: UUID, *, by: StaffId, now: datetime) -> approvals.Draft:
    """Publish what two persons agreed on; *by* is whoever pressed the button."""
    publish_catalogue(connection, approvals.release(connection, draft), now=now)
    return approvals.published(connection, draft, by=by, now=now)


def erase(application: Application, connection: Connection, subject: SubjectId, *, now: datetime) -> list[SubjectId]:
    """
    Destroy the subject's key and what hangs on it, and write the `erased` event (GDPR Art. 17).

    Returns who was forgotten: the subject, and every identity merged into it; nobody when it had happened before.
    """
    return list(erasure.erase(application, connection, subject, now=now).forgotten)


def line_event(
    application: Application,
    connection: Connection,
    line: Alias,
    kind: EventKind,
    *,
    occurred_at: datetime,
    now: datetime,
) -> list[Outcome]:
    """Note what happened to a line, and suspend what was tied to it until each person confirms it again."""
    tied = application.catalogue(connection).tied
    lock_head(connection)
    found = application.subjects.line_event(connection, line, kind, tied, occurred_at=occurred_at, now=now)
    for subject in {suspension.subject for suspension in found}:
        # Whoever holds the number now must not go on in the session of who held it before, nor by what they added.
        sessions.revoke_all(connection, subject, now=now)
        passkeys.forget(connection, subject)
    return identity.suspend(connection, found, occurred_at=occurred_at, rulebook=application.rulebook, now=now)


def merge(
    application: Application, connection: Connection, survivor: SubjectId, merged: SubjectId, *, now: datetime
) -> list[Outcome]:
    """Two identities were one person: keep the most restrictive of each two states, and what either had restricted."""
    outcomes = identity.merge(connection, survivor, merged, rulebook=application.rulebook, now=now)
    gone = application.subjects.get(connection, merged).number
    stays = application.subjects.get(connection, survivor).number
    restrictions.inherit(connection, stays, gone, now=now)
    application.offers.inherit(connection, stays, gone, now=now)
    application.mobility.inherit(connection, gone, now=now)
    application.assisted.void(connection, gone)
    delivery_merging.inherit(connection, application.subjects.get(connection, survivor).number, gone, now=now)
    application.subjects.merge(connection, survivor, merged)
    sessions.revoke_all(connection, merged, now=now)
    passkeys.forget(connection, merged)
    return outcomes
