"""
E-mail end to end: from offers that are planned until the relay has taken each and it is written down; beside a loop
that asks nobody, with dkimpy and smtplib.

Sender, signing processes, relay and PostgreSQL share the machine. Both sign with the same key; the first mail of each
run is verified by dkimpy.
"""

from __future__ import annotations

import smtplib
import time
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from unittest import mock

import attrs
import dkim
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.borrowed import addressees, mail_crash, mail_sink
from bench.carried import Carried
from bench.ground import Ground
from bench.harness import QUICK, Report, Sample, timed
from placet.config import Config
from placet.delivery.dkim import signer

WHAT = "e-mail end to end, signed (RSA-2048), to a relay on this machine"
PEER = "a loop with dkimpy and smtplib, nobody asked"
MESSAGES = 300 if QUICK else 5_000
OF_PEER = 30 if QUICK else 300
CONNECTIONS = 64


def run(report: Report, here: Ground) -> None:
    place = here.place("mailing")
    folder = place.config.data_dir
    key = folder / "dkim.pem"
    key.write_bytes(_key())
    with place.application() as application, mail_sink.mail_sink(folder) as sink:
        config = _signing(mail_crash.to_sink(place.config, sink, connections=CONNECTIONS), key)
        offers = Carried(application, config, "email", addressees.email, "sent")

        def ours() -> Sample:
            sample = offers.measured(MESSAGES)
            _verify(sink.first(), key)
            return sample

        def peer() -> Sample:
            """One connection, one mail after the other."""
            with smtplib.SMTP("127.0.0.1", sink.port) as relay:
                return timed(lambda: [_by_hand(relay, key.read_bytes(), n) for n in range(OF_PEER)], OF_PEER)

        report.compare(WHAT, ours, {PEER: peer}, unit="/s", n=MESSAGES, must=">= 500/s and >= 8x")
    here.drop(place)


def _signing(config: Config, key: Path) -> Config:
    return attrs.evolve(config, dkim_domain="amigo.lv", dkim_selector="bench", dkim_key_file=key)


def _verify(mail: bytes, key: Path) -> None:
    """By another implementation than ours, which believes in no signature of tomorrow: the sender's clock is ahead."""
    record = signer("amigo.lv", "bench", key.read_bytes()).record().encode()
    tomorrow = time.time() + timedelta(days=7).total_seconds()
    with mock.patch.object(dkim.time, "time", return_value=tomorrow):
        verified = dkim.verify(mail, dnsfunc=lambda name, timeout=0: record)
    if not verified:
        raise RuntimeError("the signature of a mail does not verify")


def _by_hand(relay: smtplib.SMTP, key: bytes, place: int) -> None:
    """A mail of the size of ours, as a script makes one."""
    message = EmailMessage()
    message["From"] = "Amigo <jaunumi@amigo.lv>"
    message["To"] = f"p{place}@example.lv"
    message["Subject"] = "Pavasara piedāvājums"
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="r.amigo.lv")
    message["List-Unsubscribe"] = f"<https://amigo.lv/u/{place:048d}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content("Pavasara piedāvājums: 20 gigabaiti mēnesī par to pašu cenu.\n\nAtteikties: https://amigo.lv\n")
    message.add_alternative(_PAGE, subtype="html")
    raw = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
    signature = dkim.sign(
        raw, b"bench", b"amigo.lv", key, canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[b"from", b"to", b"subject", b"date", b"message-id", b"list-unsubscribe",
                         b"list-unsubscribe-post"],
    )  # fmt: skip
    relay.sendmail(f"b+{place}@r.amigo.lv", [message["To"]], signature + raw)


_PAGE = "<html><body>" + "<p>Pavasara piedāvājums: 20 gigabaiti mēnesī par to pašu cenu.</p>" * 100 + "</body></html>"


def _key() -> bytes:
    made = generate_private_key(65537, 2048)
    return made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
