"""`placet receipt` makes a receipt; `placet receipt verify` judges one, without a database and without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import click
from psycopg import Connection

from placet import config as settings
from placet.bootstrap import Application
from placet.catalogue import store as catalogue_store
from placet.consents import actions as consents
from placet.consents import receipt_words, receipts, store
from placet.consents.model import as_json
from placet.consents.receipt_check import Genuine, NotGenuine, Verdict, read_keys, verify
from placet.consents.receipts import Receipt
from placet.interfaces.cli.context import err, find_subject, json_option, open_application, out, print_json, reported
from placet.kernel.errors import BadInput, NotFound
from placet.kernel.ids import RecordId
from placet.kernel.periods import format_instant
from placet.ledger.notes import VerifierKey

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


class _WithDefault(click.Group):
    """`placet receipt X` means `placet receipt make X`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group("receipt", cls=_WithDefault)
def receipt_command() -> None:
    """Make the receipt of a decision (placet receipt SUBJECT|RECORD), or verify one."""


@receipt_command.command("make")
@click.argument("whose", metavar="SUBJECT|RECORD")
@click.option("--out", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write the file here.")
@click.option(
    "--text-out", "text_target", type=click.Path(dir_okay=False, path_type=Path), help="Write the text shown here."
)
@json_option
@reported
def make_command(whose: str, target: Path | None, text_target: Path | None, as_json: bool) -> None:
    """The receipt of RECORD, or of the newest record of SUBJECT."""
    with open_application() as application, application.database.transaction() as connection:
        receipt = receipts.make(
            connection,
            _record_of(application, connection, whose),
            catalogue_at=application.in_force.at,
            keys=application.keys,
            subject_key=application.subjects.key_of,
            config=application.config,
        )
        if text_target is not None:
            _write(text_target, _text_of(connection, receipt))
    if target is None:
        click.echo(receipt.data, nl=False)
    else:
        _write(target, receipt.data)
    if receipt.proof_pending:
        err.print("its place in the log is not proved yet; ask for it again in a second", style="dim")
    if target is not None:
        _say_made(receipt, target, as_json=as_json)


@receipt_command.command("verify")
@click.argument("file", type=_FILE)
@click.option("--keys", "key_files", type=_FILE, required=True, multiple=True, help="Published keys; may be repeated.")
@click.option("--text", "text_file", type=_FILE, help="The text that was shown: is it the one the decision names?")
@click.option("--lang", default="en", show_default=True, type=click.Choice(receipt_words.LANGUAGES))
@json_option
@reported
def verify_command(file: Path, key_files: tuple[Path, ...], text_file: Path | None, lang: str, as_json: bool) -> None:
    """Is the receipt in FILE genuine? Exit code 1 when it is not.

    The keys are what the log serves at /log/keys; add the keys of witnesses you trust with a second --keys.
    """
    text = None if text_file is None else text_file.read_bytes()
    verdict = verify(file.read_bytes(), _keys(key_files), text=text)
    if as_json:
        print_json(_as_json(verdict))
    else:
        _say(verdict, lang)
    if isinstance(verdict, NotGenuine):
        raise SystemExit(1)


def _record_of(application: Application, connection: Connection, whose: str) -> RecordId:
    """The record that *whose* names, or the newest one of the subject that it names."""
    id = _uuid(whose)
    if id is not None and store.record(connection, RecordId(id)) is not None:
        return RecordId(id)
    subject = find_subject(application, connection, whose)
    newest = consents.history(connection, subject.id, limit=1)
    if not newest:
        raise NotFound("nothing has been recorded for this subject yet", code="unknown-record")
    return newest[0].id


def _text_of(connection: Connection, receipt: Receipt) -> bytes:
    """The document that the decision was said on; imported decisions name a text that was never shown here."""
    notice = receipt.record.notice
    digest = None if notice is None or notice.sha256 is None else bytes.fromhex(notice.sha256)
    shown = None if digest is None else catalogue_store.shown(connection, digest)
    if shown is None:
        raise NotFound("the text of this decision is not kept here; leave --text-out away", code="unknown-text")
    return shown.document


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _write(target: Path, data: bytes) -> None:
    try:
        target.write_bytes(data)
    except OSError as error:
        raise BadInput(f"cannot write {target}: {error.strerror}", code="cannot-write") from None


def _say_made(receipt: Receipt, target: Path, *, as_json: bool) -> None:
    if not as_json:
        out.print(f"receipt of record {receipt.record.id} written to {target}", markup=False)
        return
    place, pending = receipt.place, receipt.proof_pending
    record = str(receipt.record.id)
    print_json(
        {
            "record": record,
            "position": place.position,
            "log": place.origin,
            "proof_pending": pending,
            "out": str(target),
        }
    )


def _keys(files: tuple[Path, ...]) -> tuple[VerifierKey, ...]:
    keys: tuple[VerifierKey, ...] = ()
    for file in files:
        try:
            keys += read_keys(file.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise BadInput(f"{file} is not a file of keys", code="bad-verifier-key") from None
    return keys


def _as_json(verdict: Verdict) -> dict[str, Any]:
    if isinstance(verdict, NotGenuine):
        return {"genuine": False, "fault": verdict.fault.value, "message": verdict.message}
    proved = verdict.inclusion
    return {
        "genuine": True,
        "fault": None,
        "message": None,
        "record": as_json(verdict.record),
        "log": verdict.place.origin,
        "position": verdict.place.position,
        "proof_pending": proved is None,
        "tree_size": None if proved is None else proved.size,
        "witnesses": []
        if proved is None
        else [{"name": name, "at": None if at is None else format_instant(at)} for name, at in proved.witnesses],
        "text_checked": verdict.text_checked,
    }


def _say(verdict: Verdict, language: str) -> None:
    if isinstance(verdict, NotGenuine):
        err.print(f"not genuine: {verdict.message} ({verdict.fault})", markup=False)
        return
    zone = ZoneInfo(settings.Config().time_zone)
    for name, value in attrs.asdict(receipt_words.summary(verdict, language=language, zone=zone)).items():
        if name != "language" and value != "":
            out.print(f"{name.replace('_', ' '):<15}{value}", markup=False)
    out.print(_proved(verdict), markup=False)


def _proved(verdict: Genuine) -> str:
    """The last lines: what exactly has been shown."""
    text = "; the text is the one the decision was said on" if verdict.text_checked else ""
    if (found := verdict.inclusion) is None:
        return f"genuine: signed by the operator{text}; its place in the log is not proved yet, ask for it again"
    seen = "".join(f"; seen by {name}" + (f" at {format_instant(at)}" if at else "") for name, at in found.witnesses)
    return f"genuine: signed by the operator, and in the log of {found.size} records{text}{seen}"
