"""The log over HTTP, and a witness that knows nothing else of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ledger_book import START, Book
from starlette.testclient import TestClient

from placet.interfaces.log.routes import routes
from placet.interfaces.log.witness_server import witness_server
from placet.kernel.errors import Denied, Tampered, Unavailable
from placet.ledger import cosigning, keeper, merkle, proof, store, tiles
from placet.ledger.entries import leaf_hash
from placet.ledger.notes import NOTE, Note, Signer, TreeHead, VerifierKey, sign_checkpoint
from placet.ledger.watching import RemoteLog, first_contact, go_round
from placet.ledger.witness import Cosigned, Refused, Request, Witness

Tamper = Callable[[str], None]


@pytest.fixture
def log(book: Book) -> TestClient:
    return TestClient(routes(book))


@pytest.fixture
def remote(log: TestClient) -> Iterator[RemoteLog]:
    """The log behind a real socket."""

    class Forward(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(log.get(self.path))

        def do_POST(self) -> None:
            self._send(log.post(self.path, content=self.rfile.read(int(self.headers["Content-Length"]))))

        def _send(self, response) -> None:  # type: ignore[no-untyped-def]
            self.send_response(response.status_code)
            self.send_header("Content-Length", str(len(response.content)))
            self.end_headers()
            self.wfile.write(response.content)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Forward)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield RemoteLog.at(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness("witness.example/w1", tmp_path / "witness")


def grow(book: Book, count: int, hours: int = 0) -> store.Checkpoint:
    now = START + timedelta(hours=hours)
    book.write(count, now)
    checkpoint = book.keeper().run_once(now)
    assert checkpoint is not None
    return checkpoint


# The log.


def test_log_serves_the_checkpoint_with_its_type_and_brief_caching(book: Book, log: TestClient) -> None:
    assert log.get("/log/checkpoint").status_code == 404
    checkpoint = grow(book, 10)
    answer = log.get("/log/checkpoint")
    assert (answer.status_code, answer.text) == (200, checkpoint.note)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=1"
    again = log.get("/log/checkpoint", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_whole_tree_is_rebuilt_from_public_tiles(book: Book, log: TestClient) -> None:
    book.event()
    checkpoint = grow(book, 699)
    entries = []
    for n in range(3):
        width = tiles.tile_width(0, n, 700)
        path = tiles.format_path(tiles.TilePath(None, n, width))
        bundle = log.get(f"/log/tile/{path}")
        assert bundle.headers["content-type"] == "application/octet-stream"
        assert bundle.headers["cache-control"] == "public, max-age=31536000, immutable"
        entries += tiles.parse_bundle(bundle.content)
        hashes = log.get(f"/log/tile/{tiles.format_path(tiles.TilePath(0, n, width))}").content
        assert hashes == b"".join(leaf_hash(entry) for entry in entries[n * 256 :])
    assert merkle.root([leaf_hash(entry) for entry in entries]) == checkpoint.root
    # Nothing of a person stands in the log: 33 bytes a record, and the event in clear.
    assert {len(entry) for entry in entries[1:]} == {33}
    assert b'"type":"test"' in entries[0]
    assert log.get("/log/tile/1/000.p/2").content == b"".join(
        tiles.tile_root(log.get(f"/log/tile/0/00{n}").content) for n in range(2)
    )


@pytest.mark.parametrize(
    "path", ["0/003", "0/002", "0/002.p/189", "1/000", "2/000.p/1", "entries/002", "0/2", "x", "entries/002.p/189"]
)
def test_log_serves_nothing_beyond_its_checkpoint(book: Book, log: TestClient, path: str) -> None:
    grow(book, 700)
    book.write(100)
    assert log.get(f"/log/tile/{path}").status_code == 404


def test_log_publishes_the_keys_of_all_epochs_and_of_receipts(book: Book, log: TestClient) -> None:
    first = grow(book, 10)
    second = keeper.start_epoch(book.database, book.memory, reason="a restore", now=START)
    grow(book, 1)
    names = [VerifierKey.parse(line).name for line in log.get("/log/keys").text.splitlines()]
    base = book.config.log_origin
    assert names == [f"{base}/{first.epoch}"] * 2 + [f"{base}/{second.epoch}"] * 2 + [f"{base}/receipts"]


def test_proof_of_a_record_verifies_offline_with_the_published_keys(book: Book, log: TestClient) -> None:
    grow(book, 700)
    keys = [VerifierKey.parse(line) for line in log.get("/log/keys").text.splitlines()]
    with book.database.transaction() as connection:
        for position in (1, 256, 257, 699, 700):
            found = proof.prove(connection, position)
            assert found is not None
            inclusion, checkpoint = found
            text = str(proof.TextProof(inclusion.index, inclusion.path, checkpoint.note, b"extra"))
            leaf = leaf_hash(store.entries(connection, position, position)[0])
            parsed = proof.TextProof.parse(text)
            assert proof.verify_text(parsed, leaf, log=keys).head.size == 700
            with pytest.raises(Tampered):
                proof.verify_text(parsed, leaf_hash(b"another"), log=keys)
            with pytest.raises(Tampered):
                proof.verify_text(parsed, leaf, log=keys[-1:])


def test_consistency_is_proved_between_any_two_checkpoints(book: Book) -> None:
    checkpoints = [grow(book, count) for count in (1, 255, 1, 300, 2)]
    with book.database.transaction() as connection:
        for old in checkpoints:
            for new in checkpoints[checkpoints.index(old) :]:
                path = proof.consistency(connection, old.size, new.size).path
                merkle.verify_consistency(old.size, new.size, path, old.root, new.root)


# The witness.


def test_witness_cosigns_what_grows_and_the_log_serves_it(
    book: Book, log: TestClient, remote: RemoteLog, witness: Witness
) -> None:
    grow(book, 300)
    assert first_contact(witness, remote) is not None
    assert first_contact(witness, remote) is None
    for count in (0, 1, 700, 66_000):
        if count:
            grow(book, count)
        verdict = go_round(witness, remote, START + timedelta(minutes=1))
        assert isinstance(verdict, Cosigned)
        note = Note.parse(log.get("/log/checkpoint").text)
        assert note.verified_by([witness.verifier]) == {witness.verifier: START + timedelta(minutes=1)}
        assert log.get("/log/checkpoint/cosigned").text == str(note)


def test_receipts_are_proved_by_the_newest_cosigned_checkpoint(book: Book, remote: RemoteLog, witness: Witness) -> None:
    grow(book, 300)
    first_contact(witness, remote)
    go_round(witness, remote, START)
    grow(book, 300)
    with book.database.transaction() as connection:
        early, late = proof.covering_checkpoint(connection, 300), proof.covering_checkpoint(connection, 301)
        assert proof.covering_checkpoint(connection, 601) is None
    assert early is not None
    assert late is not None
    assert (early.size, len(early.cosignatures), late.size, len(late.cosignatures)) == (300, 1, 600, 0)


def test_witness_refuses_a_rolled_back_log(
    book: Book, remote: RemoteLog, witness: Witness, as_superuser: Tamper
) -> None:
    grow(book, 300)
    old = remote.checkpoint()
    first_contact(witness, remote)
    grow(book, 10)
    assert isinstance(go_round(witness, remote, START), Cosigned)
    as_superuser("DELETE FROM ledger.cosignature; DELETE FROM ledger.checkpoint WHERE size > 300")
    assert remote.checkpoint() == old
    verdict = go_round(witness, remote, START)
    assert isinstance(verdict, Refused)
    assert verdict.code == "rolled-back"
    assert [file.name for file in (witness.folder / "evidence").iterdir()] == [f"{START:%Y%m%dT%H%M%S}-rolled-back.txt"]


def test_witness_refuses_a_history_rewritten_with_the_signing_key(
    book: Book, remote: RemoteLog, witness: Witness
) -> None:
    """What `verify` cannot find from inside: the same key signs another tree."""
    checkpoint = grow(book, 300)
    first_contact(witness, remote)
    go_round(witness, remote, START)
    origin = book.signer.origin(checkpoint.epoch)
    for size, status in [(300, 409), (301, 422)]:
        forged = sign_checkpoint(TreeHead(origin, size, bytes(32)), book.signer.signer(checkpoint.epoch), START)
        proof_ = (bytes(32),) if size > 300 else ()
        verdict = witness.add_checkpoint(Request(300, proof_, forged), START)
        assert isinstance(verdict, Refused)
        assert (verdict.status, verdict.code) == (status, "forked")
    evidence = [file.read_text() for file in (witness.folder / "evidence").iterdir()]
    assert all(checkpoint.own_note in text and "shown now" in text for text in evidence)


def test_witness_answers_as_tlog_witness_demands(book: Book, witness: Witness) -> None:
    checkpoint = grow(book, 300)
    key = book.signer.signer(checkpoint.epoch).verifier(NOTE)
    assert status(witness, Request(0, (), checkpoint.note)) == (404, "")
    witness.pin(key)
    with pytest.raises(Tampered):
        witness.pin(attrs.evolve(key, public=bytes(32)))
    stranger = Signer(key.name, Ed25519PrivateKey.generate())
    head = TreeHead.parse(Note.parse(checkpoint.note).text)
    assert status(witness, Request(0, (), sign_checkpoint(head, stranger, START))) == (403, "")
    assert status(witness, Request(301, (), checkpoint.note)) == (400, "")
    assert status(witness, Request(5, (), checkpoint.note)) == (409, "0\n")
    assert status(witness, Request(0, (bytes(32),), checkpoint.note)) == (422, "")
    assert status(witness, Request(0, (), checkpoint.note)) == (200, "")
    assert status(witness, Request(0, (), checkpoint.note)) == (409, "300\n")
    assert status(witness, Request(300, (), checkpoint.note)) == (200, "")
    larger = grow(book, 10)
    assert status(witness, Request(300, (bytes(32),), larger.note)) == (422, "")
    assert status(witness, Request(310, (), larger.note)) == (409, "300\n")


def test_witness_answers_over_http(book: Book, witness: Witness) -> None:
    checkpoint = grow(book, 300)
    witness.pin(book.signer.signer(checkpoint.epoch).verifier(NOTE))
    server = witness_server(witness, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        at = RemoteLog(f"http://127.0.0.1:{server.server_port}")
        status, body = at._request("POST", "add-checkpoint", str(Request(0, (), checkpoint.note)).encode())
        assert status == 200
        assert Note.parse(checkpoint.note + body.decode()).verified_by([witness.verifier])
        assert at._request("POST", "add-checkpoint", str(Request(7, (), checkpoint.note)).encode()) == (409, b"300\n")
        assert at._request("POST", "add-checkpoint", b"old x\n\n")[0] == 400
        assert at._request("POST", "elsewhere", b"x")[0] == 404
    finally:
        server.shutdown()
        server.server_close()


def status(witness: Witness, request: Request) -> tuple[int, str]:
    verdict = witness.add_checkpoint(request, START)
    return (200, "") if isinstance(verdict, Cosigned) else (verdict.status, verdict.body)


def test_witness_starts_afresh_with_a_new_epoch_and_never_returns_to_the_old(
    book: Book, remote: RemoteLog, witness: Witness
) -> None:
    old = grow(book, 300)
    first_contact(witness, remote)
    go_round(witness, remote, START)
    keeper.start_epoch(book.database, book.memory, reason="a restore", now=START)
    grow(book, 1)
    assert first_contact(witness, remote) is None
    verdict = go_round(witness, remote, START)
    assert isinstance(verdict, Cosigned)
    assert verdict.ended == (book.signer.origin(old.epoch),)
    assert witness.epochs(verdict.head.origin) == [*verdict.ended, verdict.head.origin]
    again = witness.add_checkpoint(Request(300, (), old.note), START)
    assert isinstance(again, Refused)
    assert again.code == "epoch-went-back"


def test_witness_time_never_goes_back(book: Book, witness: Witness) -> None:
    checkpoint = grow(book, 300)
    witness.pin(book.signer.signer(checkpoint.epoch).verifier(NOTE))
    witness.add_checkpoint(Request(0, (), checkpoint.note), START)
    later = witness.add_checkpoint(Request(300, (), checkpoint.note), START - timedelta(days=1))
    assert isinstance(later, Cosigned)
    assert Note.parse(checkpoint.note + later.line).verified_by([witness.verifier]) == {witness.verifier: START}


# Who may hand a cosignature back.


def hand_back(book: Book, witness: Witness, checkpoint: store.Checkpoint, *, places: int) -> None:
    note = Note.parse(checkpoint.own_note)
    text = cosigning.message(witness.verifier, f"{note.text}\n{witness.signer.cosign(note.text, START)}")
    with book.database.transaction() as connection:
        cosigning.accept(connection, book.memory, text, base=book.config.log_origin, places=places, now=START)


def test_log_keeps_cosignatures_of_trusted_witnesses_only(book: Book, witness: Witness, tmp_path: Path) -> None:
    checkpoint = grow(book, 5)
    with pytest.raises(Denied):
        hand_back(book, witness, checkpoint, places=0)
    book.memory.trust(witness.verifier)
    hand_back(book, witness, checkpoint, places=0)
    with pytest.raises(Denied):
        hand_back(book, Witness("witness.example/w2", tmp_path / "second"), checkpoint, places=1)
    with pytest.raises(Denied):
        hand_back(book, Witness(f"{book.config.log_origin}/x", tmp_path / "third"), checkpoint, places=9)
    with book.database.transaction() as connection:
        latest = proof.latest_checkpoint(connection)
    assert latest is not None
    assert len(latest.cosignatures) == 1


@pytest.mark.parametrize(
    "change", [("\n5\n", "\n6\n"), ("witness.example/w1 ", "witness.example/w9 "), ("placet", "placit")]
)
def test_log_refuses_a_forged_cosignature(
    book: Book, log: TestClient, witness: Witness, change: tuple[str, str]
) -> None:
    note = Note.parse(grow(book, 5).own_note)
    text = cosigning.message(witness.verifier, f"{note.text}\n{witness.signer.cosign(note.text, START)}")
    assert log.post("/log/cosignatures", content=text.replace(*change)).status_code in (403, 404)
    assert log.post("/log/cosignatures", content=text[:-30] + "\n").status_code == 400
    assert log.post("/log/cosignatures", content=b"\xff" * 9_000).status_code == 413
    assert log.get("/log/checkpoint/cosigned").status_code == 404


def test_witness_reports_a_log_that_does_not_answer(witness: Witness) -> None:
    with pytest.raises(Unavailable):
        go_round(witness, RemoteLog.at("http://127.0.0.1:1"), START)
