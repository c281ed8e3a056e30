"""`placet witness`: a process of its own, best under another owner; it needs the address of the log only."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from placet.interfaces.cli.context import err, json_option, out, print_json, reported
from placet.interfaces.log.witness_server import witness_server
from placet.kernel import clock
from placet.kernel.errors import BadInput, PlacetError, Unavailable
from placet.ledger.keys import read_or_make
from placet.ledger.notes import VerifierKey
from placet.ledger.watching import RemoteLog, first_contact, go_round
from placet.ledger.witness import Cosigned, Refused, Witness


@click.command("witness")
@click.option("--log", "url", required=True, help="The log's address, for instance https://consent.example.")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="Its key and memory; lose neither.")
@click.option("--name", help="The name under which it signs; default: from its key.")
@click.option("--vkey", help="The log's verifier key; default: the one that it shows at first.")
@click.option(
    "--interval", type=click.FloatRange(0.1, 3600), default=5.0, show_default=True, help="Seconds between rounds."
)
@click.option("--listen", metavar="HOST:PORT", help="Also answer C2SP add-checkpoint requests here.")
@click.option("--once", is_flag=True, help="One round; exit code 1 when the log is refused.")
@json_option
@reported
def witness_command(
    url: str,
    state: Path | None,
    name: str | None,
    vkey: str | None,
    interval: float,
    listen: str | None,
    once: bool,
    as_json: bool,
) -> None:
    """Watch a log: cosign what grew, refuse what was rolled back or forked."""
    folder = state or _default_folder()
    witness = Witness(name or _name(folder), folder)
    log = RemoteLog.at(url)
    if vkey is not None:
        witness.pin(VerifierKey.parse(vkey))
    if not as_json:
        out.print(f"witness key: {witness.verifier}", markup=False)
    if once:
        raise SystemExit(0 if isinstance(_round(witness, log, as_json=as_json), Cosigned) else 1)
    with _listening(witness, listen):
        _watch(witness, log, interval, as_json=as_json)


def _watch(witness: Witness, log: RemoteLog, interval: float, *, as_json: bool) -> None:
    stop = threading.Event()
    with contextlib.suppress(KeyboardInterrupt):
        while not stop.wait(interval):
            try:
                _round(witness, log, as_json=as_json)
            except PlacetError as error:
                # A witness outlives every answer of its log; only the operator ends it.
                err.print(f"{error.message} ({error.code})", markup=False)


def _round(witness: Witness, log: RemoteLog, *, as_json: bool) -> Cosigned | Refused:
    if (pinned := first_contact(witness, log)) is not None and not as_json:
        out.print(f"trusting from now on: {pinned}", markup=False)
    verdict = go_round(witness, log, clock.now())
    if as_json:
        print_json(_as_json(verdict))
    elif isinstance(verdict, Refused):
        err.print(f"REFUSED ({verdict.code}): {verdict.reason}", markup=False)
        err.print(f"both checkpoints are kept in {witness.folder / 'evidence'}", markup=False)
    else:
        for origin in verdict.ended:
            seen = witness.seen(origin)
            size = 0 if seen is None else seen.head.size
            err.print(f"NEW EPOCH: {origin} ended at {size}; ask its operator why", markup=False)
        out.print(f"cosigned {verdict.head.origin} at {verdict.head.size}", markup=False)
    return verdict


def _as_json(verdict: Cosigned | Refused) -> dict[str, Any]:
    if isinstance(verdict, Refused):
        return {"cosigned": False, "code": verdict.code, "status": verdict.status, "reason": verdict.reason}
    head = verdict.head
    return {
        "cosigned": True,
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "line": verdict.line,
        "ended": list(verdict.ended),
    }


@contextlib.contextmanager
def _listening(witness: Witness, address: str | None) -> Iterator[None]:
    if address is None:
        yield
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise BadInput("--listen looks like 127.0.0.1:8091", code="bad-address")
    try:
        server = witness_server(witness, host, int(port))
    except OSError as error:
        raise Unavailable(f"cannot listen on {address}: {error.strerror}") from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()


def _name(folder: Path) -> str:
    """A name that follows from the key, so that it need not be remembered."""
    public = read_or_make(folder / "witness.key").public_key().public_bytes_raw()
    return f"witness.local/{public[:4].hex()}"


def _default_folder() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/placet-witness")
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "placet-witness"
