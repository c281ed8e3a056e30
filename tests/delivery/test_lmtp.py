"""Mail that comes back over LMTP (RFC 2033): a real conversation on a real socket, down to the ledger."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml
from delivery_house import House
from hypothesis import given
from hypothesis import strategies as st
from mail_back import DOMAIN, complaint, report, said, sent, stop_mail

from faults import proxied
from placet.config import Config
from placet.delivery import lmtp_server
from placet.delivery.channels import lmtp as lmtp_place
from placet.delivery.channels import maildir
from placet.delivery.lmtp import LARGEST, Conversation, Then
from placet.delivery.lmtp_server import Inet, Lmtp, Place, Unix, place
from placet.delivery.mailbox import Maildir
from placet.delivery.returns import Returns
from placet.delivery.status import came_back
from placet.interfaces.worker import Worker
from placet.kernel.errors import Misconfigured
from placet.store.database import Database

TALKS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("lmtp_talk.yaml").read_text(encoding="utf-8"))
TAKEN, NOT_NOW, TOO_LARGE = (250, "2.0.0"), (451, "4.3.0"), (552, "5.3.4")


class MailServer(smtplib.LMTP):
    """A mail server that hands over; it reads an answer for each recipient, as `smtplib` by itself does not."""

    def begin(self, *recipients: str) -> list[tuple[int, str]]:
        """How each recipient is answered."""
        self.ehlo_or_helo_if_needed()
        assert self.mail("")[0] == 250
        return [answer(*self.rcpt(to)) for to in recipients]

    def hand_over(self, mail: str, *recipients: str) -> list[tuple[int, str]]:
        """How the mail is answered for each of *recipients* that was taken."""
        taken = [code for code, _ in self.begin(*recipients) if code == 250]
        assert self.docmd("DATA")[0] == 354
        self.send(smtplib._quote_periods(smtplib._fix_eols(mail).encode()) + b"\r\n.\r\n")
        return [answer(*self.getreply()) for _ in taken]


def answer(code: int, said: bytes) -> tuple[int, str]:
    """The code, and the enhanced status at the beginning of the words."""
    return code, said.decode("ascii").partition(" ")[0]


@pytest.fixture
def returns(house: House, tmp_path: Path) -> Returns:
    return house_returns(house, house.placet.database, tmp_path)


def house_returns(house: House, database: Database, folder: Path) -> Returns:
    return Returns(database, house.placet.unsubscribing, house.placet.rulebook, Maildir(folder / "returns", DOMAIN))


@contextlib.contextmanager
def followed(follow: Callable[[threading.Event, Callable[[], Any]], None], house: House) -> Iterator[None]:
    end = threading.Event()
    thread = threading.Thread(target=follow, args=(end, lambda: house.now))
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join(timeout=30)
    assert not thread.is_alive()


def connected(where: Place) -> MailServer:
    """A connection, as soon as anybody listens."""
    until = time.monotonic() + 60
    while True:
        try:
            if isinstance(where, Unix):
                return MailServer(str(where.path), timeout=60)
            return MailServer(where.host, where.port, timeout=60)
        except (ConnectionError, FileNotFoundError):
            assert time.monotonic() < until, "nobody listens"
            time.sleep(0.02)


@pytest.fixture
def server(house: House, returns: Returns, tmp_path: Path) -> Iterator[Callable[[], MailServer]]:
    """Lets a mail server connect; every connection is closed in the end."""
    where, made = Unix(tmp_path / "lmtp"), contextlib.ExitStack()
    with followed(Lmtp(where, returns).follow, house), made:
        yield lambda: made.enter_context(contextlib.closing(connected(where)))


@pytest.mark.parametrize("talk", [pytest.param(each["talk"], id=each["title"]) for each in TALKS])
def test_every_command_is_answered_with_its_code(talk: Sequence[dict[str, str]]) -> None:
    conversation = Conversation(DOMAIN)
    for line in talk:
        heard, then = conversation.hear(line["say"].encode())
        assert heard.decode().splitlines()[-1].startswith(line["hear"]), (line, heard)
        assert (then is Then.MAIL) == (line["hear"] == "354")


@given(lines=st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"LHLO x", b"MAIL FROM:<>", b"RCPT TO:<b@"]))))
def test_nothing_that_is_said_breaks_a_conversation(lines: list[bytes]) -> None:
    conversation = Conversation(DOMAIN)
    for line in lines:
        heard, _ = conversation.hear(line)
        assert heard.endswith(b"\r\n")


def test_what_is_able_is_said_at_the_beginning(server: Callable[[], MailServer]) -> None:
    at = server()
    at.ehlo()
    assert set(at.esmtp_features) == {"pipelining", "enhancedstatuscodes", "8bitmime", "smtputf8", "size"}
    assert at.esmtp_features["size"] == str(LARGEST)


def test_a_mail_is_taken_when_what_it_does_is_committed(house: House, server: Callable[[], MailServer]) -> None:
    anna, berta, clara = (house.person(name) for name in ("anna", "berta", "clara"))
    bounced, complained, stopped = sent(house, anna), sent(house, berta), sent(house, clara)
    at = server()
    assert at.hand_over(report(bounced.reference, "failed", "5.1.1"), f"b+{bounced.reference}@{DOMAIN}") == [TAKEN]
    assert house.states(anna) == [("failed", "no-such-mailbox")]
    assert at.hand_over(complaint(complained.reference), f"b@{DOMAIN}") == [TAKEN]
    assert said(house, berta)[0] == ("objected", "email", "api")
    mail = stop_mail(house, stopped.id).replace("To: u+", "To: x+")
    assert at.hand_over(mail, f"u+{house.placet.unsubscribing.tokens.make(stopped.id)}@{DOMAIN}") == [TAKEN]
    assert said(house, clara)[0] == ("withdrawn", "email", "portal"), "the envelope says it, whatever the header says"


def test_the_same_mail_again_changes_nothing(house: House, server: Callable[[], MailServer], returns: Returns) -> None:
    anna = house.person("anna")
    message, away = sent(house, anna), f"To: b@{DOMAIN}\nSubject: Away\n\nI am on holiday.\n.\n..and back\n"
    for _ in range(2):
        at = server()
        assert at.hand_over(complaint(message.reference), f"b@{DOMAIN}", f"b@{DOMAIN}") == [TAKEN, TAKEN]
        assert at.hand_over(away, f"b@{DOMAIN}") == [TAKEN]
        at.close()
    assert [one for one in said(house, anna) if one[0] != "given"] == [("objected", "email", "api")]
    assert returns.maildir.unread() == 1
    (kept,) = (returns.maildir.aside / "new").iterdir()
    assert kept.read_bytes().rstrip() == away.replace("\n", "\r\n").encode().rstrip()
    assert kept.stat().st_mode & 0o077 == 0


def test_each_recipient_is_answered_by_itself_and_one_that_fails_harms_no_other(
    house: House, returns: Returns, tmp_path: Path
) -> None:
    anna, berta = house.person("anna"), house.person("berta")
    held, free = sent(house, anna), sent(house, berta)
    url = house.placet.database.url
    impatient = Database(url + ("&" if "?" in url else "?") + "options=-c%20lock_timeout%3D200ms", size=2)
    mail = report("0" * 32, "failed", "5.1.1")
    to = [f"b+{held.reference}@{DOMAIN}", f"none@{DOMAIN}", f"b+{free.reference}@{DOMAIN}"]
    where = Unix(tmp_path / "lmtp")
    lmtp = Lmtp(where, house_returns(house, impatient, tmp_path))
    with contextlib.closing(impatient), followed(lmtp.follow, house), contextlib.closing(connected(where)) as at:
        with house.placet.database.transaction() as connection:
            connection.execute("SELECT FROM delivery.message WHERE id = %s FOR UPDATE", [held.id])
            assert at.hand_over(mail, *to) == [NOT_NOW, TAKEN]
            assert house.states(berta) == [("failed", "no-such-mailbox")]
        assert house.states(anna) == [("sent", None)]
        assert at.hand_over(mail, to[0]) == [TAKEN]
    assert house.states(anna) == [("failed", "no-such-mailbox")]


def test_while_the_database_is_away_the_mail_server_keeps_the_mail(house: House, tmp_path: Path) -> None:
    anna = house.person("anna")
    message, to = sent(house, anna), f"b@{DOMAIN}"
    where = Inet("127.0.0.1", free_port())
    with proxied(house.placet.database.url, tmp_path / "proxy") as (url, proxy):
        database = Database(url, size=2, timeout=1.0)
        lmtp = Lmtp(where, house_returns(house, database, tmp_path))
        with contextlib.closing(database), followed(lmtp.follow, house), contextlib.closing(connected(where)) as at:
            mails = (complaint(message.reference), "Subject: Away\n\nHello.")
            proxy.refuse()
            assert [at.hand_over(mail, to) for mail in mails] == [[NOT_NOW], [NOT_NOW]]
            proxy.heal()
            for mail in mails:
                # The pool comes back by and by, as a mail server does.
                until = time.monotonic() + 60
                while at.hand_over(mail, to) != [TAKEN]:
                    assert time.monotonic() < until, "the database has been back for a minute"
    assert said(house, anna)[0] == ("objected", "email", "api")
    with house.placet.database.transaction() as connection:
        assert came_back(connection, now=house.now).counts == {"complaint": 1, "unread": 1}
    assert Maildir(tmp_path / "returns", DOMAIN).unread() == 1


def test_what_cannot_be_kept_is_not_taken(server: Callable[[], MailServer], returns: Returns, house: House) -> None:
    returns.maildir.folder.write_text("a file is in the way")
    assert server().hand_over("Subject: Away\n\nHello.", f"b@{DOMAIN}") == [NOT_NOW]
    with house.placet.database.transaction() as connection:
        assert came_back(connection, now=house.now).counts == {}


def test_a_mail_that_breaks_off_has_never_come(house: House, server: Callable[[], MailServer]) -> None:
    anna, berta = house.person("anna"), house.person("berta")
    broken, whole = sent(house, anna), sent(house, berta)
    at = server()
    assert at.begin(f"b+{broken.reference}@{DOMAIN}") == [(250, "2.1.5")]
    assert at.docmd("DATA")[0] == 354
    # Without a CR there is no end: whatever another server took for one (SMTP smuggling).
    at.send(report(broken.reference, "failed", "5.1.1").replace("\n", "\r\n").encode() + b"\n.\nQUIT\r\n")
    at.close()
    assert server().hand_over(report(whole.reference, "failed", "5.1.1"), f"b+{whole.reference}@{DOMAIN}") == [TAKEN]
    assert house.states(berta) == [("failed", "no-such-mailbox")]
    assert house.states(anna) == [("sent", None)]


def test_a_mail_that_is_too_large_is_refused_for_each_recipient_and_the_connection_stays(
    house: House, server: Callable[[], MailServer]
) -> None:
    anna = house.person("anna")
    message, at = sent(house, anna), server()
    to = f"b+{message.reference}@{DOMAIN}"
    mail = report(message.reference, "failed", "5.1.1")
    assert at.hand_over(mail + "x" * LARGEST, to, to) == [TOO_LARGE, TOO_LARGE]
    assert house.states(anna) == [("sent", None)]
    assert at.hand_over(mail + "x" * 200_000 + "\n" + "." * 200_000, to) == [TAKEN]
    assert house.states(anna) == [("failed", "no-such-mailbox")]


def test_commands_may_come_all_at_once(house: House, server: Callable[[], MailServer]) -> None:
    anna = house.person("anna")
    message, at = sent(house, anna), server()
    mail = complaint(message.reference).replace("\n", "\r\n")
    long = "NOOP " + "x" * 100_000
    at.send(
        f"{long}\r\nLHLO mx\r\nMAIL FROM:<>\r\nRCPT TO:<b@{DOMAIN}>\r\nRCPT TO:<x@{DOMAIN}>\r\nDATA\r\n"
        f"{mail}\r\n.\r\nMAIL FROM:<>\r\nQUIT\r\n"
    )
    assert [at.getreply()[0] for _ in range(9)] == [500, 250, 250, 250, 550, 354, 250, 250, 221]
    assert said(house, anna)[0] == ("objected", "email", "api")


def test_at_most_so_many_are_connected(server: Callable[[], MailServer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lmtp_server, "MOST", 2)
    first, second = server(), server()
    assert first.noop()[0] == second.noop()[0] == 250
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        server()
    assert refused.value.smtp_code == 421
    first.quit()
    until = time.monotonic() + 60
    while True:
        try:
            assert server().noop()[0] == 250
            break
        except smtplib.SMTPConnectError:
            assert time.monotonic() < until, "whoever left is still counted"


def test_who_says_nothing_is_let_go(server: Callable[[], MailServer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lmtp_server, "SILENCE", 0.2)
    assert answer(*server().getreply()) == (421, "4.4.2")


def test_another_process_takes_over_when_the_first_is_gone_and_clears_away_what_it_left(
    house: House, returns: Returns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lmtp_server, "AGAIN", 0.05)
    where = Unix(tmp_path / "lmtp")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(where.path))
    with contextlib.ExitStack() as later:
        with followed(Lmtp(where, returns).follow, house):
            first = connected(where)
            with pytest.raises(OSError):
                where.bound()
            later.enter_context(followed(Lmtp(where, returns).follow, house))
            assert first.noop()[0] == 250
            assert where.path.stat().st_mode & 0o777 == 0o660
        with contextlib.closing(connected(where)) as second:
            assert second.noop()[0] == 250
    assert not where.path.exists()


def test_the_worker_listens_where_the_settings_say(house: House, tmp_path: Path) -> None:
    anna = house.person("anna")
    message = sent(house, anna)
    config = attrs.evolve(
        house.placet.config, returns_lmtp=f"unix:{tmp_path}/lmtp", smtp_from="a@amigo.lv", smtp_return_domain=DOMAIN
    )
    placet = attrs.evolve(house.placet, config=config, maildir=maildir(config), lmtp_place=lmtp_place(config))
    work, where = (lambda end, _clock: Worker(placet).run(end)), Unix(tmp_path / "lmtp")
    with followed(work, house), contextlib.closing(connected(where)) as at:
        assert at.hand_over(complaint(message.reference), f"b@{DOMAIN}") == [TAKEN]
        assert at.hand_over("Subject: Away\n\nHello.", f"b@{DOMAIN}") == [TAKEN]
    assert said(house, anna)[0] == ("objected", "email", "api")
    assert placet.maildir is not None
    assert placet.maildir.aside == config.data_dir / "returns" / ".Unread"
    assert placet.maildir.unread() == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("inet:127.0.0.1:8024", Inet("127.0.0.1", 8024)),
        ("inet:[::1]:8024", Inet("::1", 8024)),
        ("unix:/run/placet/lmtp", Unix(Path("/run/placet/lmtp"))),
    ],
)
def test_a_place_is_written_as_mail_servers_write_it(text: str, found: Place) -> None:
    assert place(text) == found


@pytest.mark.parametrize(
    "text",
    ["inet:0.0.0.0:8024", "inet:10.0.0.5:8024", "inet:127.0.0.1:25", "inet:127.0.0.1", "inet:localhost:8024", "8024",
     "inet:127.0.0.1:99999", "unix:run/lmtp", "unix:/" + "x" * 200],
)  # fmt: skip
def test_a_place_that_others_reach_or_nobody_understands_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(Misconfigured):
        lmtp_place(Config(returns_lmtp=text, smtp_from="jaunumi@amigo.lv"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
