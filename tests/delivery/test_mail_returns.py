"""Runs mail_returns.yaml: bounces, complaints and requests to stop, as servers and people send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from mail_office import NOW, TOKENS, letter, message, our_house

from placet.delivery.mail import compose
from placet.delivery.mail_returns import Bounce, Complaint, Returned, StopAsked, Unread, returned
from placet.delivery.mailbox import Maildir
from placet.delivery.model import Delivered, Failed, Outcome, Sent
from placet.kernel.errors import Misconfigured

TABLE = yaml.safe_load(Path(__file__).with_name("mail_returns.yaml").read_text(encoding="utf-8"))
SENT = message()
MAIL = compose(our_house(), letter(), SENT, at=NOW)


def cases(section: str, name: str) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case[name]) for case in TABLE[section]])


def report(
    kind: str, fields: str, *, to: str, original: bytes = MAIL.content, original_type: str = "message/rfc822"
) -> bytes:
    """A multipart/report (RFC 6522) as servers write them."""
    return (
        (
            f"From: MAILER-DAEMON@mx.example.lv\r\nTo: {to}\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
            f'Content-Type: multipart/report; report-type={kind}; boundary="outer"\r\n\r\n'
            "--outer\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
            f"--outer\r\nContent-Type: message/{kind}\r\n\r\n{fields}\r\n"
            f"--outer\r\nContent-Type: {original_type}\r\n\r\n"
        ).encode()
        + original
        + b"\r\n--outer--\r\n"
    )


def bounce(action: str, status: str, **options: Any) -> bytes:
    fields = (
        "Reporting-MTA: dns; mx.example.lv\r\n\r\n"
        f"Final-Recipient: rfc822; anna@example.lv\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 5.9.9 what the server said\r\n"
    )
    options.setdefault("to", f"<{MAIL.sender}>")
    return report("delivery-status", fields, **options)


def read(content: bytes) -> Returned:
    return returned(content, domain="r.amigo.lv")


@cases("bounces", "title")
def test_bounces(case: dict[str, Any]) -> None:
    expected: Outcome | None = Delivered() if case.get("delivered") else None
    if case.get("taken"):
        expected = Sent()
    if "why" in case:
        expected = Failed(case["why"], suppress=case["suppress"])
    assert read(bounce(case["action"], case["status"])) == Bounce(SENT.reference, expected)


@cases("complaints", "type")
def test_complaints(case: dict[str, Any]) -> None:
    fields = f"Feedback-Type: {case['type']}\r\nUser-Agent: x/1\r\nVersion: 1\r\n"
    found = read(report("feedback-report", fields, to="abuse@amigo.lv"))
    assert found == (Complaint(SENT.reference) if case["counts"] else Unread())


def test_a_bounce_to_another_address_is_known_by_the_mail_that_came_back() -> None:
    header = MAIL.content.partition(b"\r\n\r\n")[0]
    assert read(bounce("failed", "5.1.1", to="bounces@amigo.lv")) == Bounce(
        SENT.reference, Failed("no-such-mailbox", suppress=True)
    )
    by_header = bounce("failed", "5.1.1", to="bounces@amigo.lv", original=header, original_type="text/rfc822-headers")
    assert read(by_header) == Bounce(SENT.reference, Failed("no-such-mailbox", suppress=True))


def test_a_mail_that_another_house_sent_is_not_ours() -> None:
    original = MAIL.content.replace(b"@r.amigo.lv>", b"@r.other.lv>")
    assert read(bounce("failed", "5.1.1", to="bounces@amigo.lv", original=original)) == Unread()


def test_a_person_who_writes_to_the_address_of_the_header_wants_to_stop() -> None:
    token = TOKENS.make(SENT.id)
    written = f"From: anna@example.lv\r\nTo: u+{token.upper()}@r.amigo.lv\r\nSubject: \r\n\r\n"
    assert read(written.encode()) == StopAsked(token)
    assert TOKENS.read(token) == SENT.id


def test_an_automatic_answer_stops_nothing() -> None:
    token = TOKENS.make(SENT.id)
    written = f"From: anna@example.lv\r\nTo: u+{token}@r.amigo.lv\r\nAuto-Submitted: auto-replied\r\n\r\nAway."
    assert read(written.encode()) == Unread()
    assert read(f"To: {MAIL.sender}\r\nSubject: I am away\r\n\r\n".encode()) == Unread()


@given(junk=st.binary(max_size=300), place=st.integers(0, 2000))
def test_nothing_that_anyone_sends_breaks_the_reader(junk: bytes, place: int) -> None:
    content = bounce("failed", "5.1.1")
    assert read(content[:place] + junk + content[place:]) is not None
    assert read(junk) == Unread()


@pytest.fixture
def maildir(tmp_path: Path) -> Maildir:
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    for number in range(3):
        (tmp_path / "new" / f"17{number}.mx").write_bytes(bounce("failed", "5.1.1"))
    return Maildir.opened(tmp_path, "r.amigo.lv")


def test_a_maildir_is_read_once_and_what_could_not_be_kept_again(maildir: Maildir) -> None:
    seen: list[Returned] = []

    def second_fails(found: Returned) -> None:
        seen.append(found)
        if len(seen) == 2:
            raise ConnectionError("the database is away")

    with pytest.raises(ConnectionError):
        maildir.collect(second_fails)
    assert maildir.collect(seen.append) == 2
    assert maildir.collect(seen.append) == 0
    assert len(seen) == 4
    assert sorted(file.name for file in (maildir.folder / "cur").iterdir()) == [f"17{n}.mx:2,S" for n in range(3)]


def test_what_is_not_understood_waits_for_a_person_and_goes_after_a_time(maildir: Maildir) -> None:
    (maildir.folder / "new" / "199.mx").write_bytes(f"To: {MAIL.sender}\r\nSubject: I am away\r\n\r\n".encode())
    assert maildir.collect(lambda found: None) == 4
    assert maildir.unread() == 1
    written = [datetime.fromtimestamp(file.stat().st_mtime, UTC) for file in (maildir.folder / "cur").iterdir()]
    assert maildir.sweep(before=min(written) - timedelta(minutes=1)) == 0
    assert maildir.sweep(before=max(written) + timedelta(minutes=1)) == 4
    assert maildir.unread() == 0


def test_a_folder_that_is_no_maildir_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        Maildir.opened(tmp_path / "none", "r.amigo.lv")
