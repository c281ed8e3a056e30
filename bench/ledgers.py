"""The ledger at its sizes: `inclusion proof` and `append`, `verify`, and the rebuild of all states."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256

import pymerkle

from bench.archive import EACH, Archive, states_expected
from bench.ground import Ground, Place
from bench.harness import QUICK, ROUNDS, Report, Sample, timed
from placet.bootstrap import Application, build
from placet.config import Config
from placet.consents.in_force import editions
from placet.consents.rebuild import check_states, rebuild_states
from placet.ledger import proof
from placet.ledger.entries import commit, leaf_hash
from placet.ledger.keys import LogSigner
from placet.ledger.outside import Outside
from placet.ledger.reader import TileReader
from placet.ledger.slices import Sources
from placet.ledger.tiles import Growth
from placet.ledger.verify import verify
from placet.store.database import Database

PROOF = "inclusion proof, of any leaf from the tiles in the database"
PROOF_MEMORY = "inclusion proof, of leaves whose tiles are in memory"
APPEND = "append, leaves hashed into tree and tiles"
KEEPER = "append, by the keeper from records to tiles and checkpoints in the database"
VERIFY = "verify, the whole ledger in two processes"
REBUILD = "verify: rebuild of all states from the ledger, when none is left"
CHECKED = "verify: all states held against the ledger, when all are right"
PROOFS = 200 if QUICK else 2_000
PEER_LEAVES = 10_000 if QUICK else 100_000
"""pymerkle gets slower and larger with each leaf, so its own size favours it."""


def run(report: Report, ground: Ground, sizes: tuple[int, ...]) -> None:
    place = ground.place("archive")
    peer = _peer()
    with place.application() as application:
        archive = Archive(place, application)
        for size in sizes:
            start, kept, before = time.perf_counter(), archive.keeping, archive.size
            archive.grow(size, time.perf_counter)
            print(f"# a ledger of {size:,} after {time.perf_counter() - start:.0f} s", flush=True)
            report.add(KEEPER, (size - before) / (archive.keeping - kept), "leaves/s", n=size)
            _append(report, size)
            _proofs(report, application, peer, size)
            _verify(report, place.config, size)
            _rebuild(report, place, application, size)
    ground.drop(place)


def _append(report: Report, size: int) -> None:
    """In memory on both sides: hash the entry, and all the nodes that it completes."""
    entries = [commit(bytes(32), at.to_bytes(8, "big")) for at in range(200_000 if QUICK else 1_000_000)]
    growth = Growth.resumed(size, [sha256(b"edge").digest() * width for width in _widths(size)])

    def ours() -> None:
        for first in range(0, len(entries), 65_536):
            growth.append(b"".join([leaf_hash(entry) for entry in entries[first : first + 65_536]]))

    def theirs() -> None:
        tree = pymerkle.InmemoryTree(algorithm="sha256")
        for entry in entries[:PEER_LEAVES]:
            tree.append_entry(entry)

    report.compare(
        APPEND,
        lambda: timed(ours, len(entries)),
        {f"pymerkle in memory, up to {PEER_LEAVES:,} leaves": lambda: timed(theirs, PEER_LEAVES)},
        unit="leaves/s",
        n=size,
        must=">= 250,000/s and >= 5x",
    )


def _widths(size: int) -> Iterator[int]:
    while size:
        yield size % 256
        size //= 256


def _peer() -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for at in range(PEER_LEAVES):
        tree.append_entry(commit(bytes(32), at.to_bytes(8, "big")))
    return tree


def _proofs(report: Report, application: Application, peer: pymerkle.InmemoryTree, size: int) -> None:
    draw, reader = random.Random(9), TileReader()
    with application.database.transaction() as connection:
        checkpoint = proof.latest_checkpoint(connection)
        assert checkpoint is not None
        assert checkpoint.size == size

        def one(position: int) -> None:
            found = proof.inclusion(connection, position, size, reader=reader)
            assert found.root == checkpoint.root

        for _ in range(PROOFS):  # What is warm in a server that runs: the upper tiles.
            one(draw.randint(1, size))
        neighbours = range(size // 3, size // 3 + 256)
        root = peer.get_root()

        def theirs(at: int) -> None:
            pymerkle.verify_inclusion(peer.get_leaf(at), root, peer.prove_inclusion(at))

        report.compare(
            PROOF,
            lambda: _median([draw.randint(1, size) for _ in range(PROOFS)], one),
            {},
            shown={
                f"pymerkle in memory, {PEER_LEAVES:,} leaves": lambda: _median(
                    [draw.randint(1, PEER_LEAVES) for _ in range(PROOFS)], theirs
                )
            },
            unit="ms",
            n=size,
            must="<= 1 ms",
        )

        def in_memory(position: int) -> None:
            reader.inclusion_proof(connection, position - 1, size)

        for neighbour in neighbours:
            in_memory(neighbour)
        report.compare(
            PROOF_MEMORY,
            lambda: _median([draw.choice(neighbours) for _ in range(PROOFS)], in_memory),
            {
                f"pymerkle in memory, {PEER_LEAVES:,} leaves": lambda: _median(
                    [draw.randint(1, PEER_LEAVES) for _ in range(PROOFS)], peer.prove_inclusion
                )
            },
            unit="ms",
            n=size,
            must="<= 1 ms and >= 5x",
        )


def _median(positions: list[int], prove: Callable[[int], object]) -> Sample:
    """The median of many single proofs."""
    samples = [timed(partial(prove, position)) for position in positions]
    middle = statistics.median(sample.seconds for sample in samples)
    return Sample(1, middle, statistics.mean(sample.cpu for sample in samples))


@contextmanager
def sources(config: Config) -> Iterator[Sources]:
    """What verification reads; each of its processes opens them for itself."""
    application = build(config)
    try:
        log = LogSigner(config.log_origin, application.keys.checkpoint)
        yield Sources(application.database, application.subjects.keys, log, Outside.of(config))
    finally:
        application.close()


def _verify(report: Report, config: Config, size: int) -> None:
    def whole() -> None:
        found = verify(partial(sources, config), processes=2)
        if not found.is_intact or found.size != size:
            raise AssertionError(f"{found.size} positions, findings: {found.findings[:3]}")

    report.compare(VERIFY, lambda: timed(whole), {}, unit="s", n=size, must="<= 120 s", rounds=_rounds(size))


@contextmanager
def database(config: Config) -> Iterator[Database]:
    """What a rebuild reads and writes; each of its processes opens it for itself."""
    application = build(config)
    try:
        yield application.database
    finally:
        application.close()


def _rebuild(report: Report, place: Place, application: Application, size: int) -> None:
    """From nothing, so that every state is derived and written; then all are only held against the ledger."""
    with application.database.transaction() as connection:
        known, expected = editions(connection), states_expected(connection)
    opener = partial(database, application.config)

    def rebuilt() -> None:
        found = rebuild_states(opener, known, processes=2)
        # The last person may have been cut off in the middle of what they said.
        assert found.right == found.mended
        assert abs(found.right - expected) <= EACH, (found, expected)

    def lost() -> Sample:
        with place.owner() as connection:
            connection.execute("TRUNCATE consents.state")
        return timed(rebuilt)

    def checked() -> None:
        assert check_states(opener, known, processes=2).mended == 0

    report.compare(REBUILD, lost, {}, unit="s", n=size, must="<= 180 s", rounds=_rounds(size))
    report.compare(CHECKED, lambda: timed(checked), {}, unit="s", n=size, rounds=_rounds(size))


def _rounds(size: int) -> int:
    """Up to minutes each, with nothing beside them to take turns with: there once must do."""
    return ROUNDS if size < 1_000_000 else 1
