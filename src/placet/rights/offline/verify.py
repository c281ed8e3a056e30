#!/usr/bin/env python3
"""
Is this case file what the operator signed, and does the public log bear it out?

    python verify.py [CASEFILE.zip | FOLDER] [--keys KEYS] [--witness-keys KEYS]

It needs Python 3.11 and the package `cryptography`, no network and nothing of the operator's. KEYS are the operator's
published verifier keys, one a line, which you fetched yourself; without them the keys inside the file are used, and
then the file only shows that it agrees with itself. One sentence is printed for each check:

    ok      it holds
    note    what you should know; nothing is wrong with the file
    WRONG   it does not hold; the exit code is 1

1. the operator's receipts key signed the manifest (RFC 7515, RFC 8037);
2. every file is the one that the manifest lists, and there is no other;
3. the log's key signed the checkpoint, and so did the witnesses whose keys are known (C2SP signed-note);
4. each record and its salt give the entry of the log, and its path leads to the checkpoint (RFC 6962);
5. so does each event, which stands in the log in clear; a catalogue is the one whose publication the log names;
6. each text is the one that its records were said on;
7. each permit is for this use, and the consents it stands on held where the ledger ended when it was judged;
8. each withdrawal has its stop clock.

What it cannot show: that the operator tells every use and every place that had to stop, and that a permit was made by
the gate: permits are sealed with a key that only the operator has. For these the signed manifest is its word.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import sys
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MANIFEST, SIGNATURE = "manifest.json", "manifest.signature.json"
NOTE, COSIGNATURE = 1, 4
CLOSING = {"refused", "withdrawn", "objected"}
LAPSED = {"expired", "invalidated", "suspended"}
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError, RuntimeError)
"""What `zipfile` raises for an archive that is broken or made to be."""
MALFORMED = (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)
"""What reading raises where the form of a case file was left: a field is missing, or no number, time or base64."""

Json = dict[str, Any]
Key = tuple[str, int, bytes]
"""A verifier key: name, type and public key."""
Keys = dict[str, Key]
Standing = dict[str | None, Json]
"""Where one purpose and its channels stand; None is the purpose itself."""


class Wrong(Exception):
    """A check that failed; its message is the sentence that is printed."""


class Report:
    """The sentences, and whether one of them was bad."""

    def __init__(self) -> None:
        self.is_whole = True

    def ok(self, sentence: str) -> None:
        print(f"ok      {sentence}")

    def note(self, sentence: str) -> None:
        print(f"note    {sentence}")

    def wrong(self, sentence: str) -> None:
        self.is_whole = False
        print(f"WRONG   {sentence}")


class Case:
    """The files by their names; what stands in them is read when it is asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    @classmethod
    def open(cls, path: Path) -> Case:
        if path.is_dir():
            found = (file for file in sorted(path.rglob("*")) if file.is_file() and "__pycache__" not in file.parts)
            return cls({file.relative_to(path).as_posix(): file.read_bytes() for file in found})
        with zipfile.ZipFile(path) as archive:
            return cls({name: archive.read(name) for name in archive.namelist() if not name.endswith("/")})

    def data(self, name: str) -> bytes:
        if name not in self.files:
            raise Wrong(f"{name} is missing.")
        return self.files[name]

    def text(self, name: str) -> str:
        try:
            return self.data(name).decode()
        except UnicodeDecodeError:
            raise Wrong(f"{name} cannot be read: it is not text.") from None

    def json(self, name: str) -> Any:
        try:
            return json.loads(self.text(name))
        except ValueError:
            raise Wrong(f"{name} cannot be read: it is not JSON.") from None

    def lines(self, name: str) -> list[Json]:
        try:
            return [json.loads(line) for line in self.text(name).splitlines()]
        except ValueError:
            raise Wrong(f"{name} cannot be read: a line of it is not JSON.") from None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verify a case file without the operator.")
    parser.add_argument("case", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--keys", type=Path, help="the operator's published keys, as /log/keys serves them")
    parser.add_argument("--witness-keys", type=Path, help="keys of witnesses that you trust")
    asked = parser.parse_args(arguments)
    report = Report()
    try:
        verify(Case.open(asked.case), report, asked.keys, asked.witness_keys)
    except Wrong as wrong:
        report.wrong(str(wrong))
    except (OSError, *BROKEN) as error:
        report.wrong(f"The case file cannot be opened: {error}.")
    print()
    print("This case file holds." if report.is_whole else "This case file does NOT hold: see what is WRONG above.")
    return 0 if report.is_whole else 1


def verify(case: Case, report: Report, keys_file: Path | None, witness_file: Path | None) -> None:
    keys = read_keys(case.text("keys") if keys_file is None else keys_file.read_text(encoding="utf-8"))
    if keys_file is None:
        report.note("The keys are those inside the file. Fetch them from the operator's /log/keys and pass --keys.")
    told = "" if witness_file is None and "witness-keys" not in case.files else case.text("witness-keys")
    witnesses = read_keys(told if witness_file is None else witness_file.read_text(encoding="utf-8"))
    # Step 1.
    manifest = attempt(report, check_manifest, case, keys, report)
    # Step 2.
    attempt(report, check_files, case, report)
    if manifest is None:
        manifest = case.json(MANIFEST)
    # Step 3.
    head = attempt(report, check_checkpoint, case, manifest, keys, witnesses, report)
    # Steps 4 and 5.
    records = attempt(report, check_records, case, manifest, head, report) or []
    events = attempt(report, check_events, case, manifest, head, report) or []
    # Step 6.
    attempt(report, check_texts, case, records, report)
    # Step 7.
    attempt(report, check_uses, case, manifest, records, events, report)
    # Step 8.
    attempt(report, check_propagation, case, records, report)


def attempt(report: Report, check: Callable[..., Any], *arguments: Any) -> Any:
    """One check; what it cannot get over becomes a sentence, and the next check goes on."""
    try:
        return check(*arguments)
    except Wrong as wrong:
        report.wrong(str(wrong))
    except MALFORMED as error:
        what = check.__name__.removeprefix("check_").capitalize()
        report.wrong(f"{what}: not of the form of a case file ({error!r}).")
    return None


# Steps 1 and 2: what was signed


def check_manifest(case: Case, keys: Keys, report: Report) -> Json:
    data, signature = case.data(MANIFEST), case.json(SIGNATURE)
    header = json.loads(base64url(signature["protected"]))
    if header.get("alg") != "EdDSA" or header.get("typ") != "vnd.placet.casefile.v1+json":
        raise Wrong("The manifest is signed as something else than a case file.")
    key = keys.get(header["kid"])
    if key is None:
        raise Wrong(f"The manifest names the key {header['kid']}, which is not among the published keys.")
    name, type, public = key
    manifest: Json = json.loads(data)
    if type != NOTE or name != f"{manifest['log']}/receipts":
        raise Wrong(f"{name} is not the key by which this operator signs receipts and case files.")
    payload = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    if not signed(public, base64url(signature["signature"]), f"{signature['protected']}.{payload}".encode()):
        raise Wrong("The manifest is not what the operator signed: it was changed or made up.")
    report.ok(f"The manifest is signed by {header['kid']}, at {manifest['made_at']} by its own clock.")
    return manifest


def check_files(case: Case, report: Report) -> None:
    listed = case.json(MANIFEST)["files"]
    good = True
    for name, stated in listed.items():
        if name not in case.files:
            report.wrong(f"{name} is missing.")
        elif hashlib.sha256(case.files[name]).hexdigest() != stated["sha256"]:
            report.wrong(f"{name} is not the file that the operator signed.")
        else:
            continue
        good = False
    for name in sorted(set(case.files) - set(listed) - {MANIFEST, SIGNATURE}):
        good = False
        report.wrong(f"{name} is in the case file and not in the manifest.")
    if good:
        report.ok(f"All {len(listed)} files are as the manifest lists them.")


# Step 3: the checkpoint


def check_checkpoint(case: Case, manifest: Json, keys: Keys, witnesses: Keys, report: Report) -> Json:
    """Returns size, root and the latest time at which the log signed."""
    text, _, lines = case.text("checkpoint").rpartition("\n\n")
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    if origin != f"{manifest['log']}/{manifest['epoch']}" or int(size) != manifest["size"]:
        raise Wrong("The checkpoint is of another log or of another size than the manifest says.")
    signers = dict(signatures(text, lines, keys | witnesses))
    own = [moment for (name, _), moment in signers.items() if name == origin]
    if not own:
        raise Wrong(f"No published key of {origin} signed the checkpoint.")
    report.ok(f"The checkpoint of {size} entries is signed by the log {origin}.")
    others = [(name, moment) for (name, _), moment in signers.items() if name != origin]
    for name, moment in others:
        report.ok(f"The witness {name} saw this checkpoint at {moment}.")
    if not others:
        report.note("No known witness has signed this checkpoint: that the log is the same for everybody is not shown.")
    head = {"size": int(size), "root": base64.b64decode(root)}
    return head | {"at": max((moment for moment in own if moment), default=None)}


def signatures(text: str, lines: str, keys: Keys) -> Iterator[tuple[tuple[str, int], str | None]]:
    """The known keys that signed *text*, each with the time of its cosignature."""
    for line in lines.splitlines():
        _, name, encoded = line.split(" ")
        data = base64.b64decode(encoded)
        known = keys.get(f"{name}+{data[:4].hex()}")
        if known is None:
            continue
        _, type, public = known
        message, moment, signature = text.encode(), None, data[4:]
        if type == COSIGNATURE:
            at = int.from_bytes(signature[:8], "big")
            moment = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
            message, signature = f"cosignature/v1\ntime {at}\n{text}".encode(), signature[8:]
        if not signed(public, signature, message):
            raise Wrong(f"The signature of {name} on the checkpoint is wrong.")
        yield (name, type), moment


# Steps 4 and 5: the log


def check_records(case: Case, manifest: Json, head: Json | None, report: Report) -> list[Json]:
    rows, shown = case.lines("records.jsonl"), 0
    for row in rows:
        sentence = _record_fault(row, manifest, head)
        if sentence is None:
            shown += row["salt"] is not None
        else:
            report.wrong(f"Record {row['position']}: {sentence}")
    if manifest["erased_at"] is not None:
        report.note(
            f"The person was erased at {manifest['erased_at']}: of {len(rows)} records the place is proved,"
            " and what they say no longer is."
        )
    report.ok(f"{shown} of {len(rows)} records are proved, in what they say and in their place in the log.")
    return [json.loads(row["body"]) | {"position": row["position"]} for row in rows]


def _record_fault(row: Json, manifest: Json, head: Json | None) -> str | None:
    """Why the record is not what was logged, or not in the log; None when it is."""
    body, entry = row["body"].encode(), bytes.fromhex(row["entry"])
    said = json.loads(body)
    if said["subject"] not in manifest["identities"]:
        return "it is of another person than this case file."
    if row["salt"] is None:
        if manifest["erased_at"] is None:
            return "its salt is missing."
    elif b"\1" + hmac.digest(bytes.fromhex(row["salt"]), b"placet/record/v1\0" + body, "sha256") != entry:
        return "record and salt do not give the entry of the log: it is not what was logged."
    if head is not None and head["at"] is not None and head["at"] < said["recorded_at"][:19] + "Z":
        return "it dates itself after the log had signed a tree with it."
    return _path_fault(row, head)


def check_events(case: Case, manifest: Json, head: Json | None, report: Report) -> list[Json]:
    events = []
    for row in case.lines("events.jsonl"):
        event = json.loads(row["body"]) | {"position": row["position"]}
        events.append(event)
        if b"\2" + row["body"].encode() != bytes.fromhex(row["entry"]):
            report.wrong(f"Event {row['position']}: it is not what stands in the log.")
        elif (sentence := _path_fault(row, head)) is not None:
            report.wrong(f"Event {row['position']}: {sentence}")
        elif event["type"] == "erased":
            report.ok(f"The erasure of {event['subject']} at {event['recorded_at']} stands in the log.")
        elif event["type"] == "catalogue":
            _check_catalogue(case, event, report)
    erased = {event["subject"] for event in events if event["type"] == "erased"}
    if manifest["erased_at"] is not None and not erased & set(manifest["identities"]):
        report.wrong("The person is said to be erased, and no event of the log says so.")
    return events


def _check_catalogue(case: Case, event: Json, report: Report) -> None:
    name = f"catalogues/{event['position']}.json"
    if hashlib.sha256(case.data(name)).hexdigest() != event["digest"]:
        report.wrong(f"{name} is not the catalogue whose publication the log names.")
    else:
        report.ok(f"The catalogue {event['version']}, published at {event['recorded_at']}, is the one the log names.")


def _path_fault(row: Json, head: Json | None) -> str | None:
    """Why the row is not in the tree (RFC 9162 §2.1.3.2); None when it is."""
    if head is None:
        return "there is no checkpoint to prove it by."
    index, last = row["position"] - 1, head["size"] - 1
    node = hashlib.sha256(b"\0" + bytes.fromhex(row["entry"])).digest()
    if not 0 <= index <= last:
        return "the checkpoint's tree does not reach it."
    for sibling in map(bytes.fromhex, row["path"]):
        if last == 0:
            return "its path does not lead to the checkpoint."
        if index % 2 or index == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        index, last = index >> 1, last >> 1
    return None if last == 0 and node == head["root"] else "its path does not lead to the checkpoint."


# Step 6: the texts


def check_texts(case: Case, records: list[Json], report: Report) -> None:
    good = True
    for name in sorted(case.files):
        if not name.startswith("texts/") or not name.endswith(".json"):
            continue
        if f"texts/{hashlib.sha256(case.files[name]).hexdigest()}.json" != name:
            good = False
            report.wrong(f"{name} is not the text that was shown: its SHA-256 is not its name.")
    for record in records:
        sha256 = (record["notice"] or {}).get("sha256")
        if sha256 is not None and f"texts/{sha256}.json" not in case.files:
            good = False
            report.wrong(f"Record {record['position']}: the text it was said on is missing.")
    said = sum((record["notice"] or {}).get("sha256") is not None for record in records)
    unseen = [record["position"] for record in records if record["decision"] == "given" and not has_text(record)]
    if unseen:
        report.note(f"Records {numbers(unseen)} are imported: the text they were said on was never shown here.")
    if good:
        report.ok(f"The texts of {said} records are here, byte for byte as they were shown.")


def has_text(record: Json) -> bool:
    return (record["notice"] or {}).get("sha256") is not None


# Step 7: the uses


def check_uses(case: Case, manifest: Json, records: list[Json], events: list[Json], report: Report) -> None:
    uses = case.lines("uses.jsonl")
    replay = Replay(case, manifest, records, events)
    counted = {"valid": 0, "replayed": 0, "audience": 0}
    for use in uses:
        if use["judgement"] != "valid":
            what = f"Use {use['id']} ({use['activity']}) had no valid permit"
            report.note(f"{what}, says the operator's audit: {use['judgement']}.")
            continue
        counted["valid"] += 1
        if use["audience"] is not None:
            counted["audience"] += 1
        elif (sentence := replay.fault(use)) is not None:
            report.wrong(f"Use {use['id']}: the operator calls it valid, but {sentence}")
        else:
            counted["replayed"] += 1
    report.ok(f"{counted['replayed']} of {len(uses)} uses fit their permits, and the consents they stand on held then.")
    if counted["audience"]:
        report.note(
            f"{counted['audience']} uses were of a list of many people: that it was valid is the operator's word."
        )
    if uses:
        report.note("That a permit was made by the gate is the operator's word: only the operator has the key to it.")


class Replay:
    """The consents as the records give them, up to any position of the log."""

    def __init__(self, case: Case, manifest: Json, records: list[Json], events: list[Json]) -> None:
        self.epoch, self.identities = manifest["epoch"], manifest["identities"]
        self.records = {id: [record for record in records if record["subject"] == id] for id in self.identities}
        self.folded: dict[tuple[str, int, int], dict[str, Standing]] = {}
        published = sorted((event for event in events if event["type"] == "catalogue"), key=lambda e: e["position"])
        self.editions = [(event, case.json(f"catalogues/{event['position']}.json")) for event in published]

    def fault(self, use: Json) -> str | None:
        """Why the use does not fit its permit; None when it does."""
        if use["permit"] is None:
            return "it has no permit."
        version, payload, _ = use["permit"].split(".")
        permit = json.loads(base64url(payload))
        if version != "p1" or permit["subject"] not in self.identities or permit["subject"] != use["subject"]:
            return "its permit is for another person."
        if (permit["activity"], permit["channel"]) != (use["activity"], use["channel"]):
            return "its permit is for another activity or channel."
        if not permit["issued_at"] <= use["at"] < permit["expires_at"]:
            return "its permit did not hold at that time."
        if permit["epoch"] != self.epoch:
            return None
        if not permit["needs"] and permit["basis"] == "consent":
            return "its permit stands on no consent at all."
        states = self._states(permit)
        for need in permit["needs"]:
            if (why := self._closed(need, states, permit)) is not None:
                return f"the consent {need} {why} when its permit was judged."
        return None

    def _states(self, permit: Json) -> dict[str, Standing]:
        """The fold of the records up to the permit; thousands of permits were judged at the same place."""
        known = [record for record in self._before(permit) if record["occurred_at"] <= permit["issued_at"]]
        place = (permit["subject"], len(known), known[-1]["position"] if known else 0)
        if place not in self.folded:
            states: dict[str, Standing] = {}
            for record in known:
                step(states.setdefault(record["purpose"], {}), record)
            self.folded[place] = states
        return self.folded[place]

    def _before(self, permit: Json) -> list[Json]:
        mine = self.records.get(permit["subject"], [])
        return mine[: bisect_right(mine, permit["position"], key=itemgetter("position"))]

    def _closed(self, need: str, states: dict[str, Standing], permit: Json) -> str | None:
        purpose, _, channel = need.partition("/")
        state = states.get(purpose, {}).get(channel or None)
        if state is None or state["decision"] != "given":
            return "had not been given" if state is None else f"was {state['decision']}"
        major = self._major(purpose, permit["position"])
        if major is None or state["major"] is None or state["major"] < major:
            return "was for an older text"
        days = self._valid_for(purpose, state["position"])
        given_at, issued_at = map(datetime.fromisoformat, (state["occurred_at"], permit["issued_at"]))
        return "had expired" if days is not None and issued_at >= given_at + timedelta(days=days) else None

    def _edition(self, position: int) -> tuple[Json, Json]:
        earlier = [edition for edition in self.editions if edition[0]["position"] <= position]
        return earlier[-1] if earlier else ({"notices": []}, {"purposes": []})

    def _major(self, purpose: str, position: int) -> int | None:
        notices = self._edition(position)[0]["notices"]
        return next((int(notice["version"].split(".")[0]) for notice in notices if notice["purpose"] == purpose), None)

    def _valid_for(self, purpose: str, position: int) -> int | None:
        purposes = self._edition(position)[1]["purposes"]
        return next((each.get("valid_for_days") for each in purposes if each["id"] == purpose), None)


def step(standing: Standing, record: Json) -> None:
    """What *record* changes: a no covers everything said before it, a yes opens its own channel or the purpose."""
    channel, decision, at = record["channel"], record["decision"], record["occurred_at"]
    mine = standing.get(channel)
    said = {"decision": decision, "occurred_at": at, "position": record["position"], "major": None}
    if decision == "given":
        barred = [state["closed"] for state in (standing.get(None), mine) if state is not None and state["closed"]]
        if any(at <= closed for closed in barred):
            return
        major = None if record["notice"] is None else int(record["notice"]["version"].split(".")[0])
        standing[channel] = said | {"major": major, "closed": mine["closed"] if mine else None}
        return
    reached = [channel] if channel is not None else [None, *(key for key in standing if key is not None)]
    for key in reached:
        before = standing.get(key)
        if decision in LAPSED and (before is None or before["decision"] != "given"):
            continue
        if decision not in CLOSING | LAPSED and not (before is None or before["decision"] in LAPSED):
            continue
        earlier = before["closed"] if before else None
        bars = decision in CLOSING or decision == "suspended"
        standing[key] = said | {"closed": max(filter(None, (earlier, at))) if bars else earlier}


# Step 8: what had to stop


def check_propagation(case: Case, records: list[Json], report: Report) -> None:
    clocks = {clock["position"]: clock for clock in case.json("propagation.json")}
    ended = [record for record in records if record["decision"] in CLOSING]
    missing = [record["position"] for record in ended if record["position"] not in clocks]
    if missing:
        raise Wrong(f"The stop clocks of records {numbers(missing)} are missing.")
    for position, clock in clocks.items():
        if clock["stopped_everywhere_at"] is not None:
            took = seconds(clock["recorded_at"], clock["stopped_everywhere_at"])
            report.ok(f"Record {position}: stopped everywhere after {took:.3f} s; places: {len(clock['places'])}.")
        elif clock["places"]:
            open_places = ", ".join(place["stop"] for place in clock["places"] if place["ended_at"] is None)
            report.note(f"Record {position}: not stopped when the case file was made: {open_places}.")
        else:
            report.ok(f"Record {position}: there was no place that had to stop.")


# Reading


def read_keys(text: str) -> Keys:
    """Verifier keys by `name+hash`: their name, type and public key."""
    keys: Keys = {}
    for line in text.split():
        try:
            name, digest, encoded = line.split("+", 2)
            data = base64.b64decode(encoded)
        except ValueError:
            raise Wrong("The keys cannot be read: a line is not a verifier key.") from None
        if hashlib.sha256(name.encode() + b"\n" + data).digest()[:4].hex() != digest or len(data) != 33:
            raise Wrong(f"The key of {name} is damaged: its hash does not fit.")
        keys[f"{name}+{digest}"] = (name, data[0], data[1:])
    return keys


def signed(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def numbers(positions: list[int]) -> str:
    shown = ", ".join(map(str, positions[:20]))
    return shown if len(positions) <= 20 else f"{shown} and {len(positions) - 20} more"


if __name__ == "__main__":
    sys.exit(main())
