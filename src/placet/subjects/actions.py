"""The persons of an installation: record, find, reach, represent, merge, forget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from psycopg import Connection

from placet.kernel.errors import BadInput, Conflict, Misconfigured, NotFound
from placet.kernel.ids import SubjectId, new_subject_id, parse_uuid
from placet.kernel.periods import Period
from placet.kernel.seal import MasterKey
from placet.store.database import Database
from placet.subjects import store
from placet.subjects.model import ERASED_LANGUAGE, Alias, Contact, Newcomer, Profile, Subject
from placet.subjects.vault import Vault, open_field, seal_field

UNKNOWN = "no subject is known by this; nothing was changed"


class Subjects:
    """Every method takes the connection whose transaction it joins; nothing is committed here. Thread-safe."""

    def __init__(self, database: Database, master: MasterKey) -> None:
        self.database = database
        self.vault = Vault(master)

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
        for alias in aliases:
            store.add_contact(connection, self.vault, subject, key, alias, now)
        return subject

    def add_many(self, connection: Connection, newcomers: Sequence[Newcomer], *, now: datetime) -> list[Subject]:
        """Record many persons at once, in their order; one taken alias raises `Conflict` and none is recorded."""
        for newcomer in newcomers:
            _plausible(newcomer.birth_date, now)
        return store.copy_many(connection, self.vault, newcomers, now)

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
        rows = store.every(connection, "by_aliases", hashes=list(by_hash))
        return {by_hash[hashed]: store.subject(row) for hashed, *row in rows}

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

    def add_contact(self, connection: Connection, id: SubjectId, alias: Alias, *, now: datetime) -> None:
        """Give a person one more alias; somebody else's raises `Conflict`."""
        store.add_contact(connection, self.vault, self._living(connection, id), self.key(connection, id), alias, now)

    def end_contact(self, connection: Connection, id: SubjectId, alias: Alias, *, now: datetime) -> None:
        """An alias is no longer this person's; from now on it may be somebody else's."""
        person = self._living(connection, id)
        if (
            store.one(connection, "end_contact", hash=self.vault.alias_hash(alias), number=person.number, now=now)
            is None
        ):
            raise NotFound(f"this {alias.kind} is not one of the subject's; nothing was changed", code="unknown-alias")

    def speak(self, connection: Connection, id: SubjectId, language: str) -> None:
        """The person wants to be spoken to in *language* from now on."""
        Newcomer((), language)
        if store.one(connection, "set_language", id=id, language=language) is None:
            raise NotFound(UNKNOWN, code="unknown-subject")

    def profile(self, connection: Connection, id: SubjectId) -> Profile:
        """Name and birth date as far as known; an erased person has neither."""
        row = store.one(connection, "profile", id=id)
        if row is None:
            raise NotFound(UNKNOWN, code="unknown-subject")
        wrapped, name, birth_date = row
        if wrapped is None:
            return Profile()
        key = self.vault.unwrap(wrapped, id)
        return Profile(
            None if name is None else open_field(key, id, "name", name),
            None if birth_date is None else date.fromisoformat(open_field(key, id, "birth_date", birth_date)),
        )

    def rectify(self, connection: Connection, id: SubjectId, profile: Profile, *, now: datetime) -> None:
        """Write down name and birth date as they are (GDPR 16)."""
        Newcomer((), "lv", profile.name)
        _plausible(profile.birth_date, now)
        key = self.key(connection, id)
        connection.execute(store.SQL["set_profile"], {"id": id} | _sealed_profile(key, id, profile))

    def _living(self, connection: Connection, id: SubjectId) -> Subject:
        subject = self.get(connection, id)
        if subject.language == ERASED_LANGUAGE or subject.erased_at is not None:
            raise Conflict("this subject was erased; record the person anew", code="erased")
        return subject


def _plausible(birth_date: date | None, now: datetime) -> None:
    if birth_date is not None and not date(1890, 1, 1) <= birth_date <= now.date():
        raise BadInput("a birth date lies between 1890 and today; nothing was changed", code="bad-birth-date")


def _sealed_profile(key: bytes, id: SubjectId, profile: Profile) -> dict[str, bytes | None]:
    birth_date = profile.birth_date
    return {
        "name": None if profile.name is None else seal_field(key, id, "name", profile.name),
        "birth_date": None if birth_date is None else seal_field(key, id, "birth_date", birth_date.isoformat()),
    }
