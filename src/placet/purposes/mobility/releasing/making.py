"""
Making a release: name it, pay for it, count, ask the gate again, draw the noise once, keep what came of it.

1. The window and plan get a name; a release of that name that was made is the answer (nothing is drawn again).
2. Nothing is paid for a window that is not over or was not delivered. Then every product is debited from the privacy
   budget, all or none, and committed (`budget-exhausted` stops here).
3. Events of those whom the gate allows are counted, day by day; interrupted, it goes on where it ended.
4. The gate is asked again. Whoever has closed meanwhile is counted out, and the gate asked again.
5. Noise is drawn, once. Exact counts are let go; from here on there are noisy ones only.
6. Files, debits' draws, the event in the log, the row and the use are kept together or not at all.
7. What the counting left on the disk is deleted, its key first of all.

This module imports engines and noise: whoever needs a page imports `actions`.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path

import attrs
from psycopg import Connection

from placet.kernel.errors import Conflict, Unavailable
from placet.kernel.ids import StaffId
from placet.ledger.append import append_event
from placet.purposes.mobility import quality
from placet.purposes.mobility.counting import pieces
from placet.purposes.mobility.counting.domains import domains
from placet.purposes.mobility.counting.model import Progress, Told
from placet.purposes.mobility.counting.run import run
from placet.purposes.mobility.model import ProductName, ReleaseId
from placet.purposes.mobility.privacy import budget, mechanism
from placet.purposes.mobility.privacy.budget import Budget
from placet.purposes.mobility.privacy.debit import Debit, Population, Sampler
from placet.purposes.mobility.privacy.noisy import NoisyCounts
from placet.purposes.mobility.quality import Cleaned
from placet.purposes.mobility.releasing import figures, files, store
from placet.purposes.mobility.releasing.hierarchy import Places
from placet.purposes.mobility.releasing.model import Release, Spent
from placet.purposes.mobility.releasing.planning import Plan, program
from placet.purposes.mobility.releasing.stored import About
from placet.purposes.mobility.releasing.whom import People
from placet.sources.model import Scan
from placet.store.database import Database

_WORK = "work"


@attrs.frozen
class Maker:
    """Makes releases into *folder* (`data_dir/mobility`). *clock* says when each step is."""

    database: Database
    folder: Path
    budget: Budget
    controller: str
    clock: Callable[[], datetime]

    def make(self, plan: Plan, people: People, *, by: StaffId | None, progress: Told) -> Release:
        """The release of *plan*, made now or before; *by* asked for it, and cannot make it public alone."""
        plan.demand_over(self.clock())
        with self.database.transaction() as connection:
            id = _named(connection, plan, people.population, by=by, now=self.clock())
        with _alone(self.folder / _WORK, id):
            with self.database.transaction() as connection:
                if (made := store.find(connection, id)) is not None:
                    pieces.clear(self._work(id))
                    return made
            scan = people.scan(plan.window)
            plan.demand_days(scan)
            # An older backup may have been restored: nothing is paid before the journal has told what it forgot.
            self.budget.agree(self.database, now=self.clock())
            debits = self._paid(id, plan, people.population)
            self.budget.agree(self.database, now=self.clock())
            noisy = self._counted(id, plan, people, scan, debits, progress)
            release = self._kept(id, plan, people, scan.missing, debits, noisy, by=by)
            self.budget.agree(self.database, now=self.clock())
            pieces.clear(self._work(id))
            return release

    def _paid(self, id: ReleaseId, plan: Plan, population: Population) -> Mapping[ProductName, Debit]:
        """One transaction: all products are paid for, or none."""
        sizes = {name: domain.size for name, domain in domains(plan.atlas, plan.window, plan.products).items()}
        with self.database.transaction() as connection:
            return {
                product.name: self.budget.debit(
                    connection, population=population, window=plan.window, product=product, release=id,
                    grid_sha256=plan.atlas.sha256, code_sha256=program(), now=self.clock(),
                    sampler=Sampler.for_size(sizes[product.name]),
                )
                for product in plan.products
            }  # fmt: skip

    def _counted(
        self,
        id: ReleaseId,
        plan: Plan,
        people: People,
        scan: Scan,
        debits: Mapping[ProductName, Debit],
        progress: Told,
    ) -> Mapping[ProductName, NoisyCounts]:
        work = self._work(id)
        key = pieces.key_of(work)
        while True:
            # Who withdraws meanwhile has stopped here when a step has left them out, or when the noise is drawn.
            with people.reading(scan) as gone:
                try:
                    raw = run(
                        scan, plan.atlas, plan.window, plan.products, plan.engine, zone=plan.zone, key=key, work=work,
                        progress=partial(_step, progress, gone, partial(quality.note, self.folder, id)),
                    )  # fmt: skip
                except _Gone:
                    scan = people.left(scan) or scan
                    continue
                if (fewer := people.left(scan)) is None:
                    return {name: mechanism.noised(counts, debits[name]) for name, counts in raw.items()}
            scan = fewer

    def _kept(
        self,
        id: ReleaseId,
        plan: Plan,
        people: People,
        missing: Sequence[date],
        debits: Mapping[ProductName, Debit],
        noisy: Mapping[ProductName, NoisyCounts],
        *,
        by: StaffId | None,
    ) -> Release:
        now = self.clock()
        about = self._about(id, plan, missing, debits, now)
        place = self.folder / "releases" / id
        with _draft(place) as draft:
            sha256 = files.write(draft, about, noisy, Places.of(plan.atlas))
            with self.database.transaction() as connection:
                for name, debit in debits.items():
                    budget.kept(connection, debit, noisy[name], now=now)
                audience = people.used(connection, now=now)
                position = append_event(connection, event(about, sha256), now)
                release = Release(
                    id=id, window=plan.window, made_at=now, made_by=by, products=about.products,
                    population=figures.population(noisy), atlas=about.atlas, sha256=sha256, position=position,
                )  # fmt: skip
                store.add(connection, release, audience=audience)
                # Last before the commit: a folder without its row is nothing, and is written anew.
                shutil.rmtree(place, ignore_errors=True)
                draft.rename(place)
        return release

    def _about(
        self,
        id: ReleaseId,
        plan: Plan,
        missing: Sequence[date],
        debits: Mapping[ProductName, Debit],
        now: datetime,
    ) -> About:
        spent = {
            product.name: Spent(
                product.rho, debits[product.name].sigma / product.unit, product.bound, product.unit,
                debits[product.name].sampler.value,
            )
            for product in plan.products
        }  # fmt: skip
        return About(
            id=id, window=plan.window, missing=tuple(missing), time_zone=plan.zone.key, made_at=now,
            controller=self.controller, products=spent,
            measures={product.name: product.measure for product in plan.products},
            atlas=plan.atlas.sha256, code=program(),
        )  # fmt: skip

    def _work(self, id: ReleaseId) -> Path:
        return self.folder / _WORK / id


def event(about: About, sha256: str) -> Mapping[str, object]:
    """What the log says of a release, in clear: what it cost, and the hash of its files."""
    return {
        "type": "mobility-release",
        "release": about.id,
        "first": str(about.window.first),
        "until": str(about.window.until),
        "products": [
            {"product": name, "rho": str(spent.rho), "mechanism": spent.mechanism}
            for name, spent in about.products.items()
        ],
        "atlas": about.atlas,
        "code": about.code,
        "sha256": sha256,
    }


class _Gone(Exception):
    """Somebody of those being counted has withdrawn: what is done already serves, the rest is read without them."""


def _step(progress: Told, gone: Callable[[], bool], note: Callable[[Cleaned], None], done: Progress) -> None:
    progress(done)
    note(attrs.asdict(done.cleaning))
    if gone():
        raise _Gone


def _named(
    connection: Connection, plan: Plan, population: Population, *, by: StaffId | None, now: datetime
) -> ReleaseId:
    """The name that this plan has, or the next that is free: the window's, then `…-2` and so on."""
    digest = plan.digest(population)
    while (found := store.planned(connection, plan.window, digest)) is None:
        taken = len(store.names(connection, plan.window))
        name = plan.window.name if not taken else f"{plan.window.name}-{taken + 1}"
        store.plan(connection, ReleaseId(name), plan.window, digest, by=by, now=now)
    return found.release


@contextmanager
def _alone(folder: Path, id: ReleaseId) -> Iterator[None]:
    """One process makes a release at a time."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / f"{id}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("this release is being made already; wait for that run", code="release-running") from None
        yield


@contextmanager
def _draft(place: Path) -> Iterator[Path]:
    """A folder to write into, which the caller moves to its *place*; nothing of it stays where it was."""
    draft = place.with_name(f".{place.name}")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o755, parents=True)
        yield draft
    except OSError as error:
        raise Unavailable(
            f"the release cannot be written ({error.strerror}); what was paid for it stays good, try again",
            code="disk",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
