"""`placet ledger …`: the log for operators and auditors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import click
from rich.progress import Progress as Bar

from placet import config as settings
from placet.bootstrap import Application, build
from placet.consents import counts
from placet.consents.in_force import editions
from placet.consents.rebuild import Rebuilt, check_states, rebuild_feed, rebuild_states
from placet.interfaces.cli.context import (
    err,
    json_option,
    named_position,
    open_application,
    out,
    print_json,
    reported,
)
from placet.interfaces.cli.witness import witness_command
from placet.kernel import clock
from placet.kernel.errors import NotFound
from placet.kernel.periods import format_instant
from placet.ledger import keeper, proof, store
from placet.ledger.export import export
from placet.ledger.keys import LogSigner
from placet.ledger.notes import VerifierKey
from placet.ledger.outside import Outside
from placet.ledger.proof import TextProof
from placet.ledger.rebuild import rebuild_tiles
from placet.ledger.rows import Finding
from placet.ledger.slices import Sources
from placet.ledger.store import Verification
from placet.ledger.verify import Report, verify
from placet.store.database import Database

__all__ = ["ledger_group", "witness_command"]


@click.group("ledger")
def ledger_group() -> None:
    """The log: its checkpoint, proofs, verification, export."""


@ledger_group.command("checkpoint")
@json_option
@reported
def checkpoint_command(as_json: bool) -> None:
    """Show the newest checkpoint with its cosignatures."""
    with _open_unsigned() as application, application.database.transaction() as connection:
        found = proof.latest_checkpoint(connection)
    if found is None:
        raise NotFound("nothing was signed yet; `placet serve` or `placet work` signs within a second of a record")
    if not as_json:
        click.echo(found.note, nl=False)
        return
    print_json(
        {
            "epoch": found.epoch,
            "size": found.size,
            "root": found.root.hex(),
            "signed_at": format_instant(found.signed_at),
            "cosignatures": len(found.cosignatures),
            "note": found.note,
        }
    )


@ledger_group.command("proof")
@click.argument("record")
@click.option("--out", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
@json_option
@reported
def proof_command(record: str, target: Path | None, as_json: bool) -> None:
    """Prove that RECORD (its id or position) is in the log, as a C2SP tlog-proof that verifies offline."""
    with _open_unsigned() as application, application.database.transaction() as connection:
        position = named_position(connection, record)
        found = proof.prove(connection, position)
    if found is None:
        raise NotFound("the tree has not reached this record yet; try again in a second", code="proof-pending")
    inclusion, checkpoint = found
    text = str(TextProof(inclusion.index, inclusion.path, checkpoint.note))
    if target is not None:
        target.write_text(text, encoding="utf-8")
    if as_json:
        print_json(
            {
                "index": inclusion.index,
                "size": inclusion.size,
                "leaf_hash": inclusion.leaf.hex(),
                "path": [hash.hex() for hash in inclusion.path],
                "root": inclusion.root.hex(),
                "checkpoint": checkpoint.note,
            }
        )
    elif target is None:
        click.echo(text, nl=False)


@ledger_group.command("verify")
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True, help="For ledgers over 65,536.")
@json_option
@reported
def verify_command(processes: int, as_json: bool) -> None:
    """Recompute the whole ledger, and the states that follow from it. Exit code 1 when something is not so."""
    with _bar("verifying", hidden=as_json) as progress:
        report = verify(open_sources, processes=processes, progress=progress)
    # States can only be held against a ledger that is itself as it was signed.
    states = _states(processes, hidden=as_json) if report.is_intact else None
    _remember(report, states)
    if as_json:
        print_json(_report_as_json(report) | {"states": None if states is None else attrs.asdict(states)})
    else:
        _say(report)
        _say_states(states)
    if states is None or states.mended:
        raise SystemExit(1)


def _remember(report: Report, states: Rebuilt | None) -> None:
    """For the console: when this was last done, and with which outcome."""
    findings = len(report.findings) + report.more
    done = Verification(clock.now(), report.size, report.root, findings, None if states is None else states.mended)
    with _open_unsigned() as application, application.database.transaction() as connection:
        store.keep_verification(connection, done)


def _states(processes: int, *, hidden: bool) -> Rebuilt:
    with _open_unsigned() as application, application.database.transaction() as connection:
        known = editions(connection)
    with _bar("states", hidden=hidden) as progress:
        return check_states(open_database, known, processes=processes, progress=progress)


def _say_states(states: Rebuilt | None) -> None:
    if states is None:
        out.print("the states were not looked at: the ledger they follow from is not intact")
    elif states.mended:
        out.print(f"[bold]{states.mended} states[/] are not what the ledger leads to: `placet ledger rebuild --states`")
    else:
        out.print(f"all {states.right} states are what the ledger leads to")


@ledger_group.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@json_option
@reported
def export_command(folder: Path, as_json: bool) -> None:
    """Write checkpoint, vkey and leaves.jsonl into DIR, for checking with other tools."""
    with _open_unsigned() as application, _bar("exporting", hidden=as_json) as progress:
        checkpoint = export(application.database, _log(application), folder, progress=progress)
    if as_json:
        print_json({"folder": str(folder), "size": checkpoint.size, "root": checkpoint.root.hex()})
    else:
        out.print(f"{checkpoint.size} leaves are in {folder}")


@ledger_group.command("restored")
@click.option("--reason", required=True, help="Why the database was restored; it goes into the log.")
@json_option
@reported
def restored_command(reason: str, as_json: bool) -> None:
    """Say that the database was restored from a backup: begin a new epoch, so that nothing old passes as new."""
    with open_application() as application:
        memory = Outside.of(application.config)
        begun = keeper.start_epoch(application.database, memory, reason=reason, now=clock.now())
    if as_json:
        orphans = [{"origin": head.origin, "size": head.size, "root": head.root.hex()} for head in begun.orphans]
        print_json({"epoch": begun.epoch, "previous": begun.previous, "size": begun.size, "orphans": orphans})
        return
    out.print(f"epoch {begun.epoch} goes on after position {begun.size} of epoch {begun.previous}")
    for head in begun.orphans:
        lost = f"positions {begun.size + 1} to {head.size}"
        out.print(
            f"orphaned: the checkpoint of {head.size} of {head.origin}; receipts for {lost} have no record any more"
        )


@ledger_group.command("rebuild")
@click.option("--states", "what", flag_value="states", help="Derive everyone's states, and the feed of changes.")
@click.option("--tiles", "what", flag_value="tiles", default="tiles", help="Derive the tree's tiles (the default).")
@click.option("--counts", "what", flag_value="counts", help="Count again how many said what.")
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True, help="For --states.")
@json_option
@reported
def rebuild_command(what: str, processes: int, as_json: bool) -> None:
    """Derive again what follows from the records, and put right what is missing or different."""
    if what == "states":
        _rebuild_states(processes, as_json)
        return
    if what == "counts":
        _rebuild_counts(as_json)
        return
    with _open_unsigned() as application, _bar("rebuilding", hidden=as_json) as progress:
        rebuilt = rebuild_tiles(application.database, progress=progress)
    if as_json:
        print_json({"checked": rebuilt.checked, "added": rebuilt.added})
    else:
        out.print(f"{rebuilt.checked} tiles are right, {rebuilt.added} of them were added")


def _rebuild_states(processes: int, as_json: bool) -> None:
    with _open_unsigned() as application, application.database.transaction() as connection:
        known = editions(connection)
    with _bar("states", hidden=as_json) as progress:
        states = rebuild_states(open_database, known, processes=processes, progress=progress)
    with _bar("feed", hidden=as_json) as progress:
        feed = rebuild_feed(open_database, known, processes=processes, progress=progress)
    if as_json:
        print_json({name: attrs.asdict(found) for name, found in (("states", states), ("feed", feed))})
    else:
        out.print(f"{states.right} states are right, {states.mended} of them were mended")
        out.print(f"{feed.right} changes are right, {feed.mended} positions of them were mended")


def _rebuild_counts(as_json: bool) -> None:
    with (
        _open_unsigned() as application,
        _bar("counting", hidden=as_json) as progress,
        application.database.transaction() as connection,
    ):
        found = counts.rebuild(connection, zone=application.config.time_zone, progress=progress)
    if as_json:
        print_json({"counts": attrs.asdict(found)})
    else:
        out.print(f"{found.right} counts are right, {found.mended} of them were mended")


@ledger_group.command("trust")
@click.argument("vkey")
@json_option
@reported
def trust_command(vkey: str, as_json: bool) -> None:
    """Keep the cosignatures of the witness whose verifier key is VKEY (`placet witness` prints it)."""
    key = VerifierKey.parse(vkey)
    with _open_unsigned() as application:
        memory = Outside.of(application.config)
        memory.trust(key)
        names = [witness.name for witness in memory.witnesses()]
    if as_json:
        print_json({"witnesses": names})
    else:
        out.print(f"trusted witnesses: {', '.join(names)}")


@contextlib.contextmanager
def _open_unsigned() -> Iterator[Application]:
    """The application without its keeper: whoever looks signs nothing, and sees also what the keeper would refuse."""
    application = build(settings.load())
    try:
        yield application
    finally:
        application.close()


@contextlib.contextmanager
def open_sources() -> Iterator[Sources]:
    """What verification reads; each of its processes opens them for itself."""
    with _open_unsigned() as application:
        memory = Outside.of(application.config)
        yield Sources(application.database, application.subjects.keys, _log(application), memory)


@contextlib.contextmanager
def open_database() -> Iterator[Database]:
    """What a rebuild reads and writes; each of its processes opens it for itself."""
    with _open_unsigned() as application:
        yield application.database


def _log(application: Application) -> LogSigner:
    return LogSigner(application.config.log_origin, application.keys.checkpoint)


@contextlib.contextmanager
def _bar(what: str, *, hidden: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on stderr, unless a program reads."""
    if hidden or not err.is_terminal:
        yield None
        return
    with Bar(console=err, transient=True) as bar:
        task = bar.add_task(what)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _report_as_json(report: Report) -> dict[str, Any]:
    return {
        "intact": report.is_intact,
        "size": report.size,
        "root": report.root.hex(),
        "checkpoints": report.checkpoints,
        "cosignatures": report.cosignatures,
        "erased_rows": report.erased_rows,
        "erased_subjects": report.erased_subjects,
        "findings": [
            {"kind": each.kind, "position": each.position, "last": each.last, "detail": each.detail}
            for each in report.findings
        ],
        "more": report.more,
    }


def _say(report: Report) -> None:
    out.print(f"{report.size} positions, {report.checkpoints} checkpoints, {report.cosignatures} cosignatures")
    if report.erased_rows:
        erased = f"{report.erased_rows} records of {report.erased_subjects} erased subjects"
        out.print(f"{erased}: their place is proved, their columns no longer are")
    for finding in report.findings:
        out.print(f"[bold]{finding.kind}[/] {_place(finding)}: {finding.detail}")
    if report.more:
        out.print(f"… and {report.more} more")
    if report.is_intact:
        out.print("every row is as it was signed")


def _place(finding: Finding) -> str:
    return f"at {finding.position}" if finding.last is None else f"between {finding.position} and {finding.last}"
