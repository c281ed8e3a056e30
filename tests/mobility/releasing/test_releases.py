from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from psycopg import errors
from release_town import FEW, ReleaseTown

from placet.duties import Person, Withdrawn
from placet.gate.uses import uses_of
from placet.kernel.errors import BadInput, Conflict, Denied, NotFound, Tampered, Unavailable
from placet.kernel.ids import Position
from placet.purposes.mobility.counting.model import Progress
from placet.purposes.mobility.duties import MOBILITY
from placet.purposes.mobility.model import MONTHLY, Window
from placet.purposes.mobility.privacy import budget
from placet.purposes.mobility.releasing import files
from placet.purposes.mobility.releasing.actions import Releases
from placet.purposes.mobility.releasing.model import TABLES, State
from placet.purposes.mobility.releasing.whom import RELEASE, People
from placet.sources.model import Scan


@pytest.fixture
def shelf(town: ReleaseTown) -> Releases:
    return town.events.placet.mobility.releases


def spent(town: ReleaseTown) -> Decimal:
    with town.events.placet.database.transaction() as connection:
        return sum((account.spent for account in budget.accounts(connection)), Decimal(0))


def test_a_release_is_paid_for_committed_to_in_the_log_and_follows_from_its_noisy_counts_to_the_last_byte(
    town: ReleaseTown, shelf: Releases, tmp_path: Path
) -> None:
    release = town.make(town.plan(MONTHLY))
    shelf.demand_whole(release)
    again = tmp_path / "again"
    again.mkdir()
    assert files.derive(shelf.place(release), again) == release.sha256
    with town.events.placet.database.transaction() as connection:
        assert shelf.get(connection, release.id) == release
        paid = {debit.product: debit.rho for debit in budget.of_release(connection, release.id)}
        row = connection.execute("SELECT body FROM ledger.record WHERE position = %s", [release.position]).fetchone()
    assert paid == {product.name: product.rho for product in MONTHLY}
    journal = (town.events.lake.folder / "debits.jsonl").read_text().splitlines()
    assert [next(iter(json.loads(line))) for line in journal] == ["debit"] * len(MONTHLY) + ["draw"] * len(MONTHLY)
    assert row is not None
    event = json.loads(bytes(row[0]))
    assert (event["type"], event["release"], event["sha256"]) == ("mobility-release", release.id, release.sha256)
    told = shelf.files(release)
    assert {name for name in TABLES if f"{name}.csv" in told} == set(TABLES) - {"tile-hours"}
    for name in set(TABLES) - {"tile-hours"}:
        assert shelf.table(release, name).schema == TABLES[name].schema
    work = town.events.lake.folder / "work"
    assert [path.name for path in work.iterdir() if path.is_dir()] == []


def test_asked_again_it_is_the_same_release_and_costs_nothing_more(town: ReleaseTown) -> None:
    first = town.make()
    assert town.make() == first
    assert spent(town) == sum(product.rho for product in FEW)


def test_a_file_that_was_changed_is_named_and_keeps_the_release_from_the_public(
    town: ReleaseTown, shelf: Releases
) -> None:
    release = town.make()
    path = shelf.place(release) / "zone-profile.csv"
    path.write_bytes(path.read_bytes().replace(b"weekday", b"weekend", 1))
    with pytest.raises(Tampered, match=r"zone-profile\.csv"), town.events.placet.database.transaction() as connection:
        shelf.publish(connection, release.id, by=town.approver, now=town.events.now)


def test_a_second_person_makes_it_public_and_a_notice_takes_its_place(town: ReleaseTown, shelf: Releases) -> None:
    release = town.make()
    database, now = town.events.placet.database, town.events.now
    with pytest.raises(Denied) as refused, database.transaction() as connection:
        shelf.publish(connection, release.id, by=town.asker, now=now)
    assert refused.value.code == "same-person"
    with database.transaction() as connection:
        assert shelf.public(connection) == []
        with pytest.raises(NotFound):
            shelf.get_public(connection, release.id)
        public = shelf.publish(connection, release.id, by=town.approver, now=now)
        assert public == attrs.evolve(release, public_at=now, public_by=town.approver)
        assert shelf.public(connection) == [public] == [shelf.get_public(connection, release.id)]
    with pytest.raises(Conflict, match="public already"), database.transaction() as connection:
        shelf.publish(connection, release.id, by=town.approver, now=now)
    with database.transaction() as connection:
        gone = shelf.withdraw(connection, release.id, by=town.asker, notice="A cell stood elsewhere.", now=now)
        assert (gone.state, gone.notice) == (State.WITHDRAWN, "A cell stood elsewhere.")
        assert shelf.public(connection) == []
    with pytest.raises(Conflict, match="for good"), database.transaction() as connection:
        shelf.publish(connection, release.id, by=town.approver, now=now)
    assert spent(town) == sum(product.rho for product in FEW)


def test_rows_of_releases_are_never_changed(town: ReleaseTown) -> None:
    town.make()
    for statement in (
        "UPDATE mobility.release SET sha256 = atlas",
        "DELETE FROM mobility.release",
        "DELETE FROM mobility.planned",
        "DELETE FROM mobility.release_step",
    ):
        with (
            pytest.raises(errors.InsufficientPrivilege),
            town.events.placet.database.transaction() as connection,
        ):
            connection.execute(statement.encode())


@attrs.define
class Watched:
    """People whose last scan before the noise is remembered."""

    people: People
    before_noise: Callable[[], None]
    last: Scan | None = None
    asked: int = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.people, name)

    def scan(self, window: Window) -> Scan:
        self.last = self.people.scan(window)
        return self.last

    def left(self, scan: Scan) -> Scan | None:
        self.asked += 1
        if self.asked == 1:
            self.before_noise()
        fewer = self.people.left(scan)
        self.last = fewer or self.last
        return fewer


def test_whoever_withdraws_before_the_noise_is_counted_out_and_no_use_is_told_to_them(town: ReleaseTown) -> None:
    events = town.events
    anna, berta = events.people["anna"], events.people["berta"]

    def withdraw() -> None:
        events.say("anna", "withdrawn", events.now)

    watched = Watched(town.people, withdraw)
    release = town.make(people=watched)  # type: ignore[arg-type]
    assert watched.last is not None
    counted = set(watched.last.participants["number"].to_pylist())
    assert counted == {person.number for name, person in events.people.items() if name != "anna"}
    assert watched.asked == 2
    with events.placet.database.transaction() as connection:
        assert uses_of(connection, anna.id, activities=[RELEASE]) == []
        (use,) = uses_of(connection, berta.id, activities=[RELEASE])
    assert use.at == release.made_at


def test_a_withdrawal_stops_a_run_at_its_next_step_and_has_stopped_only_then(town: ReleaseTown) -> None:
    events = town.events
    mobility, anna = events.placet.mobility, events.people["anna"]
    watched = Watched(town.people, lambda: None)
    stopped: list[bool] = []

    def stop() -> bool:
        gone = Withdrawn(Person(anna.id, anna.number), MOBILITY, None, Position(1))
        with events.placet.database.transaction() as connection:
            return mobility.duties.stop(connection, gone, now=events.now)

    def withdraw(_: Progress) -> None:
        if not stopped:
            events.say("anna", "withdrawn", events.now)
            stopped.append(stop())

    town.make(people=watched, told=withdraw)  # type: ignore[arg-type]
    stopped.append(stop())
    assert stopped == [False, True]
    assert watched.last is not None
    assert anna.number not in watched.last.participants["number"].to_pylist()
    assert watched.last.participants.num_rows == len(events.people) - 1


def test_an_interrupted_release_goes_on_with_what_it_paid(town: ReleaseTown, shelf: Releases) -> None:
    class Ended(Exception):
        pass

    def end(_: Progress) -> None:
        raise Ended

    with pytest.raises(Ended):
        town.make(told=end)
    paid = spent(town)
    assert paid == sum(product.rho for product in FEW)
    release = town.make()
    assert spent(town) == paid
    shelf.demand_whole(release)


def test_a_disk_that_refuses_leaves_what_was_paid_good(town: ReleaseTown, shelf: Releases) -> None:
    shelf.folder.parent.mkdir(parents=True, exist_ok=True)
    shelf.folder.write_text("no folder")
    with pytest.raises(Unavailable) as refused:
        town.make()
    assert refused.value.code == "disk"
    shelf.folder.unlink()
    shelf.demand_whole(town.make())
    assert spent(town) == sum(product.rho for product in FEW)


def test_a_folder_without_its_row_is_nothing_and_is_written_anew(town: ReleaseTown, shelf: Releases) -> None:
    place = shelf.folder / "2040-06-04"
    place.mkdir(parents=True)
    (place / "SHA256SUMS").write_text("left by a crash")
    shelf.demand_whole(town.make())


def test_the_budget_of_the_month_refuses_before_anything_is_counted(town: ReleaseTown) -> None:
    town.make()
    counted: list[Progress] = []
    with pytest.raises(Denied) as refused:
        town.make(town.plan(MONTHLY), told=counted.append)
    assert (refused.value.code, counted) == ("budget-exhausted", [])
    assert spent(town) == sum(product.rho for product in FEW)


@pytest.mark.parametrize(
    ("window", "some_days", "code"),
    [("2040-06", True, "window-open"), ("2040-06-05", True, "no-events"), ("2040-05", False, "no-events")],
    ids=["not over", "a day without events", "a month without events"],
)
def test_nothing_is_paid_for_a_window_that_cannot_be_counted(
    town: ReleaseTown, window: str, some_days: bool, code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        town.make(town.plan(window=Window.named(window), some_days=some_days))
    assert refused.value.code == code
    assert spent(town) == 0


def test_missing_days_are_meant_or_refused_and_the_release_names_them(town: ReleaseTown, shelf: Releases) -> None:
    two = Window("early-june", Window.named("2040-06-04").first, Window.named("2040-06-05").until)
    with pytest.raises(BadInput) as refused:
        town.make(town.plan(window=two))
    assert refused.value.code == "days-missing"
    release = town.make(town.plan(window=two, some_days=True))
    assert json.loads((shelf.place(release) / "release.json").read_text())["missing"] == ["2040-06-05"]


def test_two_at_once_do_not_make_the_same_release(town: ReleaseTown) -> None:
    seen: list[str] = []

    def meanwhile(_: Progress) -> None:
        if not seen:
            with pytest.raises(Conflict) as refused:
                town.make()
            seen.append(refused.value.code)

    town.make(told=meanwhile)
    assert seen == ["release-running"]
