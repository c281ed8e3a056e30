"""The persons of an installation: record, find, reach, represent, merge, forget."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection

from placet.kernel.errors import BadInput, Conflict, Misconfigured, NotFound
from placet.kernel.ids import LineId, MandateId, Number, PurposeId, SubjectId, new_subject_id, parse_uuid
from placet.kernel.periods import Period
from placet.kernel.seal import MasterKey
from placet.store.copying import array
from placet.store.database import Database
from placet.subjects import lines, mandates, merging, postal, rules, search, store
from placet.subjects.model import (
    Alias,
    AliasKind,
    Contact,
    EventKind,
    Identity,
    LineRole,
    Mandate,
    MandateKind,
    Newcomer,
    Profile,
    Role,
    Subject,
)
from placet.subjects.postal import PostalAddress, Residence
from placet.subjects.vault import Vault, open_field, seal_field

UNKNOWN = "no subject is known by this; nothing was changed"


class Subjects:
    """Every method takes the connection whose transaction it joins; nothing is committed here. Thread-safe."""

    def __init__(self, database: Database, master: MasterKey, *, zone: ZoneInfo = rules.RIGA) -> None:
        self.database = database
        self.vault = Vault(master)
        self.zone = zone

    def check_master(self, connection: Connection) -> None:
        """Refuse to start under another master key than the one this database was filled under."""
        fingerprint = self.vault.fingerprint()
        connection.execute(store.SQL["set_master_check"], {"hash": fingerprint})
        if store.one(connection, "master_check") != (fingerprint,):
            raise Misconfigured(
                "this database was filled under another master key; restore that key (PLACET_MASTER_KEY_FILE)",
                code="other-master-key",
            )

    # Recording

    def add(
        self,
        connection: Connection,
        *,
        aliases: Sequence[Alias],
        language: str = "lv",
        birth_date: date | None = None,
        name: str | None = None,
        now: datetime,
    ) -> Subject:
        """Record a person. An alias that belongs to another living person raises `Conflict`."""
        newcomer = Newcomer(aliases, language, name, birth_date)
        _plausible(birth_date, now)
        (number,) = store.take_numbers(connection, 1)
        subject = Subject(new_subject_id(), number, newcomer.language, now)
        key, wrapped = self.vault.new_key(subject.id)
        values = {"number": number, "id": subject.id, "language": language, "wrapped_key": wrapped, "now": now}
        connection.execute(
            store.SQL["add_person"], values | _sealed_profile(key, subject.id, Profile(name, birth_date))
        )
        search.write_name(connection, self.vault, number, name)
        for alias in aliases:
            store.add_contact(connection, self.vault, subject, key, alias, now)
        return subject

    def add_many(self, connection: Connection, newcomers: Sequence[Newcomer], *, now: datetime) -> list[Subject]:
        """Record many persons at once, in their order; one taken alias raises `Conflict` and none is recorded."""
        for newcomer in newcomers:
            _plausible(newcomer.birth_date, now)
        added = store.copy_many(connection, self.vault, newcomers, now)
        names = [(person.number, newcomer.name) for person, newcomer in zip(added, newcomers, strict=True)]
        search.copy_names(connection, self.vault, names)
        return added

    # Finding

    def find(self, connection: Connection, named: Alias | str) -> Subject | None:
        """Who is meant by an id or alias. An erased person is found by id only; a merged identity leads onward."""
        if isinstance(named, str) and ":" not in named:
            row = store.one(connection, "by_id", id=parse_uuid(named, what="a subject"))
        else:
            alias = Alias.parse(named) if isinstance(named, str) else named
            row = store.one(connection, "by_alias", hash=self.vault.alias_hash(alias))
        return None if row is None else store.subject(row)

    def find_many(self, connection: Connection, aliases: Sequence[Alias]) -> Mapping[Alias, Subject]:
        """Those of *aliases* that belong to somebody, in one query."""
        by_hash = {self.vault.alias_hash(alias): alias for alias in aliases}
        rows = store.every(connection, "by_aliases", hashes=array("\\\\x" + hashed.hex() for hashed in by_hash))
        return {by_hash[hashed]: store.subject(row) for hashed, *row in rows}

    def search(self, connection: Connection, text: str) -> search.Search:
        """Who fits what was typed at the desk; nothing that could be searched for raises `BadInput`."""
        if len(text) > search.LONGEST:
            raise BadInput("search for something shorter; nothing was searched", code="bad-search")
        aliases = search.aliases_in(text)
        people = list(self.find_many(connection, aliases).values()) if aliases else []
        if not aliases:
            people = search.named(connection, self.vault, text)
        once = list(dict.fromkeys(people))
        shown = tuple(
            search.found(person, self.profile(connection, person.id).name, self.contacts(connection, person.id))
            for person in once[: search.MOST]
        )
        return search.Search("alias" if aliases else "name", shown, more=len(once) > search.MOST)

    def get(self, connection: Connection, id: SubjectId) -> Subject:
        """The person with this id, erased or not; nobody raises `NotFound`."""
        row = store.one(connection, "by_id", id=id)
        if row is None:
            raise NotFound(UNKNOWN, code="unknown-subject")
        return store.subject(row)

    # Keys

    def key_of(self, wrapped_key: bytes, id: SubjectId) -> bytes:
        """The key of a person from `subjects.current.wrapped_key`; the wrong id or master key raises `Tampered`."""
        return self.vault.unwrap(wrapped_key, id)

    def key(self, connection: Connection, id: SubjectId) -> bytes:
        """The key of a living person; an erased one has none, which raises `NotFound`."""
        row = store.one(connection, "key", id=id)
        if row is None:
            raise NotFound(UNKNOWN, code="unknown-subject")
        if row[0] is None:
            raise NotFound("this subject was erased; what was sealed for them cannot be read", code="erased")
        return self.vault.unwrap(row[0], id)

    def keys(self, ids: Sequence[UUID]) -> dict[UUID, bytes | None]:
        """The keys of many persons, for verification; None for an erased one, nothing for an unknown one."""
        with self.database.transaction() as connection:
            rows = store.every(connection, "keys", ids=list(ids))
        return {id: None if wrapped is None else self.vault.unwrap(wrapped, id) for id, wrapped in rows}

    def identities(self, connection: Connection, id: SubjectId) -> list[Identity]:
        """This person and whoever was merged into it: records and uses stay under the id they were made for."""
        return [
            Identity(id, number, None if wrapped is None else self.vault.unwrap(bytes(wrapped), id))
            for id, number, wrapped in store.every(connection, "identities", id=id)
        ]

    def erase_key(self, connection: Connection, id: SubjectId, now: datetime) -> list[SubjectId]:
        """
        Forget a person for good (GDPR 17) and return the ids that were forgotten: theirs, and those of every
        identity merged into it. Their keys are destroyed, their contacts, roles and mandates deleted; the tombstone
        keeps id and number from being given again. Erasing the erased changes nothing and returns an empty list.
        """
        person = self.get(connection, id)
        rows = store.every(connection, "merged_with", id=person.id)
        numbers = [number for _, number in rows]
        values = {"numbers": numbers, "now": now}
        connection.execute(store.SQL["forget_contacts"], values)
        lines = [line for (line,) in store.every(connection, "forget_roles", numbers=numbers)]
        connection.execute(store.SQL["forget_lines"], {"lines": lines})
        connection.execute(store.SQL["forget_mandates"], values)
        search.forget_names(connection, numbers)
        postal.forget(connection, numbers)
        connection.execute(store.SQL["forget_persons"], values)
        return [SubjectId(erased) for erased, _ in rows]

    # Contacts, language, profile

    def contacts(self, connection: Connection, id: SubjectId) -> list[Contact]:
        """The aliases of a person, present ones first; an erased person has none."""
        rows = store.every(connection, "contacts", id=id)
        if not rows:
            return []
        key = self.key(connection, id)
        return [
            Contact(Alias(kind, open_field(key, id, kind, sealed)), Period(valid_from, valid_to))
            for kind, sealed, valid_from, valid_to in rows
        ]

    def newest(self, connection: Connection, ids: Sequence[SubjectId], kind: AliasKind) -> dict[SubjectId, Alias]:
        """Where each of *ids* is reached now: the newest present alias of *kind*, of those who have one."""
        return {
            SubjectId(id): Alias(kind, open_field(self.key_of(wrapped, SubjectId(id)), SubjectId(id), kind, sealed))
            for id, wrapped, sealed in store.every(connection, "newest", ids=list(ids), kind=kind)
        }

    def add_contact(self, connection: Connection, id: SubjectId, alias: Alias, *, now: datetime) -> None:
        """Give a person one more alias; somebody else's raises `Conflict`."""
        person, key = self._living(connection, id)
        store.add_contact(connection, self.vault, person, key, alias, now)

    def end_contact(self, connection: Connection, id: SubjectId, alias: Alias, *, now: datetime) -> None:
        """An alias is no longer this person's; from now on it may be somebody else's."""
        person, _ = self._living(connection, id)
        hashed = self.vault.alias_hash(alias)
        if store.one(connection, "end_contact", hash=hashed, number=person.number, now=now) is None:
            raise NotFound(f"this {alias.kind} is not one of the subject's; nothing was changed", code="unknown-alias")

    def residences(self, connection: Connection, ids: Sequence[SubjectId]) -> dict[SubjectId, Residence]:
        """Where the post of *ids* goes, of those whose address is known."""
        return postal.residences(connection, self.vault, ids)

    def move(self, connection: Connection, id: SubjectId, to: PostalAddress | None, *, now: datetime) -> None:
        """Post goes *to* this address from now on; None: to none that is known."""
        person, key = self._living(connection, id)
        if to is None:
            postal.forget(connection, [person.number])
        else:
            postal.write(connection, person.number, person.id, key, to, now)

    def speak(self, connection: Connection, id: SubjectId, language: str) -> None:
        """The person wants to be spoken to in *language* from now on."""
        Newcomer((), language)
        person, _ = self._living(connection, id)
        connection.execute(store.SQL["set_language"], {"id": person.id, "language": language})

    def profile(self, connection: Connection, id: SubjectId) -> Profile:
        """Name and birth date as far as known; an erased person has neither."""
        row = store.one(connection, "profile", id=id)
        if row is None:
            raise NotFound(UNKNOWN, code="unknown-subject")
        wrapped, name, birth_date = row
        return Profile() if wrapped is None else _opened_profile(self.vault.unwrap(wrapped, id), id, name, birth_date)

    def profiles(self, connection: Connection, numbers: Sequence[Number]) -> list[tuple[Subject, Profile]]:
        """The persons with these numbers and their profiles, in order; neither the erased nor the merged."""
        found = []
        for *row, wrapped, name, birth_date in store.every(connection, "profiles", numbers=list(numbers)):
            person = store.subject(row)
            key = self.vault.unwrap(wrapped, person.id)
            found.append((person, _opened_profile(key, person.id, name, birth_date)))
        return found

    def rectify(self, connection: Connection, id: SubjectId, profile: Profile, *, now: datetime) -> None:
        """Write down name and birth date as they are (GDPR 16)."""
        Newcomer((), "lv", profile.name)
        _plausible(profile.birth_date, now)
        person, key = self._living(connection, id)
        connection.execute(store.SQL["set_profile"], {"id": person.id} | _sealed_profile(key, person.id, profile))
        search.write_name(connection, self.vault, person.number, profile.name)

    def merge(self, connection: Connection, survivor: SubjectId, merged: SubjectId) -> None:
        """One person was recorded twice: *merged* leads to *survivor* from now on. Their states: `rules.merge`."""
        merging.merge(connection, self.vault, survivor, merged)

    # Lines

    def add_line(self, connection: Connection, number: Alias, *, since: datetime) -> LineId:
        """Open a line; one that is open already raises `Conflict`."""
        return lines.add_line(connection, self.vault, number, since=since)

    def add_role(
        self, connection: Connection, number: Alias, id: SubjectId, role: Role, *, since: datetime
    ) -> LineRole:
        """Let a person stand to the open line of *number* as *role*."""
        person, key = self._living(connection, id)
        return lines.add_role(connection, self.vault, number, person, key, role, since=since)

    def end_role(self, connection: Connection, number: Alias, id: SubjectId, role: Role, *, at: datetime) -> None:
        """A person stands to the line as *role* no longer."""
        person, _ = self._living(connection, id)
        lines.end_role(connection, self.vault, number, person, role, at=at)

    def lines(self, connection: Connection, id: SubjectId) -> list[tuple[Alias, LineRole]]:
        """Every role of a person on any line, with the line's number, present ones first."""
        erased = self.get(connection, id).erased_at is not None
        return lines.roles_of(connection, id, None if erased else self.key(connection, id))

    def line_event(
        self,
        connection: Connection,
        number: Alias,
        kind: EventKind,
        tied: Sequence[rules.Key],
        *,
        occurred_at: datetime,
        now: datetime,
    ) -> list[rules.Suspend]:
        """
        Note what happened to the open line of *number* and return what it suspends of *tied* (`Catalogue.tied`).

        The caller records the suspensions in the same transaction (`consents.actions.suspend`).
        """
        return lines.happened(connection, self.vault, number, kind, tied, occurred_at=occurred_at, now=now)

    # Mandates

    def add_mandate(
        self,
        connection: Connection,
        *,
        representative: SubjectId,
        subject: SubjectId,
        kind: MandateKind,
        purposes: Collection[PurposeId],
        proof: str,
        since: datetime,
        until: datetime | None = None,
    ) -> Mandate:
        """Record that one person may decide for another on *purposes*; *proof* names the document that was seen."""
        holder, _ = self._living(connection, representative)
        person, key = self._living(connection, subject)
        return mandates.add_mandate(
            connection,
            representative=holder,
            subject=person,
            key=key,
            born=self.profile(connection, person.id).birth_date,
            kind=kind,
            purposes=purposes,
            proof=proof,
            since=since,
            until=until,
            zone=self.zone,
        )

    def end_mandate(self, connection: Connection, id: MandateId, *, at: datetime) -> None:
        """The mandate ends at *at*."""
        mandates.end_mandate(connection, id, at=at)

    def mandates(self, connection: Connection, id: SubjectId) -> list[Mandate]:
        """Every mandate over or held by a person, past ones too; a parent's ends when the child comes of age."""
        found = [store.mandate(row) for row in store.every(connection, "mandates_of", id=id)]
        return [
            rules.in_force(one, born=self.profile(connection, one.subject).birth_date, zone=self.zone) for one in found
        ]

    def proofs(self, connection: Connection, id: SubjectId) -> dict[MandateId, str]:
        """Which document was seen for each mandate over a person; for that person's own eyes (GDPR 15)."""
        person, key = self._living(connection, id)
        return mandates.proofs(connection, person, key)

    def mandate_for(
        self, connection: Connection, representative: SubjectId, subject: SubjectId, purpose: PurposeId, at: datetime
    ) -> Mandate | None:
        """The mandate by which *representative* may decide for *subject* on *purpose* at *at*, if there is one."""
        row = store.one(connection, "profile", id=subject)
        if row is None or row[0] is None:
            return None
        born = self.profile(connection, subject).birth_date
        return mandates.covering(connection, representative, subject, purpose, at, born=born, zone=self.zone)

    def _living(self, connection: Connection, id: SubjectId) -> tuple[Subject, bytes]:
        """The person under this id, or whom it was merged into, with their key; an erased one raises `Conflict`."""
        subject = self.get(connection, id)
        if subject.erased_at is not None:
            raise Conflict("this subject was erased; record the person anew. Nothing was changed", code="erased")
        return subject, self.key(connection, subject.id)


def _plausible(birth_date: date | None, now: datetime) -> None:
    if birth_date is not None and not date(1890, 1, 1) <= birth_date <= now.date():
        raise BadInput("a birth date lies between 1890 and today; nothing was changed", code="bad-birth-date")


def _opened_profile(key: bytes, id: SubjectId, name: bytes | None, birth_date: bytes | None) -> Profile:
    return Profile(
        None if name is None else open_field(key, id, "name", name),
        None if birth_date is None else date.fromisoformat(open_field(key, id, "birth_date", birth_date)),
    )


def _sealed_profile(key: bytes, id: SubjectId, profile: Profile) -> dict[str, bytes | None]:
    birth_date = profile.birth_date
    return {
        "name": None if profile.name is None else seal_field(key, id, "name", profile.name),
        "birth_date": None if birth_date is None else seal_field(key, id, "birth_date", birth_date.isoformat()),
    }
