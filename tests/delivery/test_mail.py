"""What is written into an e-mail, read back by the standard library and checked by another DKIM implementation."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from uuid import uuid4

import attrs
import dkim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_office import NOW, SOURCE, TOKENS, key, letter, message, our_house, our_signer

from placet.delivery.dkim import signer
from placet.delivery.letters import Source, publish, quoted
from placet.delivery.mail import compose, house
from placet.delivery.model import Kind, MessageId
from placet.delivery.tokens import Tokens
from placet.kernel.errors import BadInput, Misconfigured


def read(content: bytes) -> EmailMessage:
    made = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(made, EmailMessage)
    return made


def verifies(content: bytes) -> bool:
    return bool(dkim.verify(content, dnsfunc=lambda name, timeout=0: our_signer().record().encode()))


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def published(**changed: str) -> None:
    publish(dict.fromkeys(("lv", "ru", "en"), attrs.evolve(SOURCE, **changed)), kind=Kind.OFFER, declared={"name"})


def test_a_mail_says_in_both_parts_what_was_written_with_the_values_filled_in() -> None:
    sent = message(name="Jānis <b>Ozols</b> & Co.")
    mail = read(compose(our_house(), letter(), sent, at=NOW).content)
    link = f"https://amigo.lv/u/{TOKENS.make(sent.id)}"
    assert mail.defects == []
    assert mail["Subject"] == "Labdien, Jānis <b>Ozols</b> & Co.!"
    assert part(mail, "plain") == (f"Jānis <b>Ozols</b> & Co., šis ir piedāvājums = prieks.\n.\n\nAtteikties: {link}\n")
    assert "Jānis &lt;b&gt;Ozols&lt;/b&gt; &amp; Co., šis ir" in part(mail, "html")
    assert f'href="{link}"' in part(mail, "html")
    assert mail["Message-ID"] == f"<{sent.reference}@r.amigo.lv>"
    assert mail["Content-Language"] == "lv"


def test_every_line_is_short_ascii_and_ends_in_crlf() -> None:
    content = compose(
        our_house("Amīgo — " + "ļoti garš nosaukums " * 4), letter(), message(name="ā" * 300), at=NOW
    ).content
    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    header, _, body = content.partition(b"\r\n\r\n")
    assert max(len(line) for line in body.split(b"\r\n")) <= 76
    assert max(len(line) for line in header.split(b"\r\n") if b"=?" in line) <= 76
    # One-click unsubscription stays on one line on purpose; nothing may exceed RFC 5322 §2.1.1.
    assert max(len(line) for line in header.split(b"\r\n")) <= 998


def test_another_implementation_verifies_the_signature() -> None:
    assert verifies(compose(our_house(), letter(), message(), at=NOW).content)


@settings(max_examples=40, deadline=None)
@given(name=st.text(max_size=80))
def test_whatever_a_customer_is_called_the_mail_stays_whole_and_its_signature_good(name: str) -> None:
    content = compose(our_house(), letter(), message(name=name), at=NOW).content
    assert verifies(content)
    mail = read(content)
    assert mail.defects == []
    assert [found for found in mail if found in {"Bcc", "X-Evil"}] == []
    assert len(mail.get_all("Subject") or []) == 1


def test_a_line_break_in_a_name_adds_no_header() -> None:
    mail = read(compose(our_house(), letter(), message(name="A\r\nBcc: all@example.lv\r\n\r\nB"), at=NOW).content)
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Labdien, A  Bcc: all@example.lv    B!"


@pytest.mark.parametrize(
    ("written", "tampered"),
    [
        (b"List-Unsubscribe: <https://amigo.lv", b"List-Unsubscribe: <https://evil.lv"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click", b"List-Unsubscribe-Post: List-Unsubscribe=Two-Click"),
        (b"To: <anna@", b"To: <berta@"),
        (b"prieks", b"priekz"),
        (b"From: ", b"From: evil@amigo.lv\r\nFrom: "),
    ],
)
def test_a_changed_mail_does_not_verify(written: bytes, tampered: bytes) -> None:
    content = compose(our_house(), letter(), message(), at=NOW).content
    assert content.count(written) >= 1
    assert not verifies(content.replace(written, tampered))


def test_what_relays_do_to_blanks_leaves_the_signature_good() -> None:
    content = compose(our_house(), letter(), message(), at=NOW).content
    assert verifies(content.replace(b"Date: ", b"date:   ").replace(b"\r\n boundary", b" \r\n\t boundary"))
    assert verifies(content + b"\r\n\r\n")


def test_every_mail_but_a_service_mail_can_be_stopped_by_one_click() -> None:
    offer = message()
    mail = read(compose(our_house(), letter(), offer, at=NOW).content)
    token = TOKENS.make(offer.id)
    assert mail["List-Unsubscribe"] == f"<https://amigo.lv/u/{token}>, <mailto:u+{token}@r.amigo.lv>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    service = read(compose(our_house(), letter(), message(kind=Kind.SERVICE), at=NOW).content)
    assert service["List-Unsubscribe"] is None


def test_a_token_is_read_back_and_a_guessed_one_is_not() -> None:
    made = MessageId(uuid4())
    token = TOKENS.make(made)
    assert Tokens(bytes(31) + b"x").read(token) is None
    assert TOKENS.read(token) == made
    assert TOKENS.read(token.upper()) == made
    for wrong in ("", "a" * 48, "ā" * 48, "1" * 48, token[:-1], token[:-1] + ("a" if token[-1] != "a" else "b")):
        assert TOKENS.read(wrong) is None


def test_mail_returns_to_an_address_of_its_own() -> None:
    sent = message()
    local, _, domain = compose(our_house(), letter(), sent, at=NOW).sender.partition("@")
    assert domain == "r.amigo.lv"
    assert len(local) <= 64
    assert local == f"b+{sent.reference}"


def test_a_domain_with_national_letters_goes_out_in_ascii() -> None:
    mail = compose(our_house(), letter(), message("anna@piemērs.lv"), at=NOW)
    assert mail.recipient.address == "anna@xn--piemrs-s3a.lv"
    assert not mail.recipient.international
    assert compose(our_house(), letter(), message("jānis@piemērs.lv"), at=NOW).recipient.international


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"subject": "Sveiki\r\nBcc: all@example.lv"}, "broken-text"),
        ({"subject": "Sveiki\u2028x"}, "broken-text"),
        ({"subject": " "}, "broken-text"),
        ({"text": "{{ surname }} {{ stop_link }}"}, "broken-text"),
        ({"text": "{{ name | upper }} {{ stop_link }}"}, "broken-text"),
        ({"text": "{% if name %} {{ stop_link }}"}, "broken-text"),
        ({"text": "{{ name }"}, "broken-text"),
        ({"text": "no way out"}, "no-stop-link"),
        ({"mjml": "<mjml><mj-body></mj-body></mjml>"}, "no-stop-link"),
        ({"mjml": "<mjml><mj-body><mj-nonsense></mj-body></mjml>"}, "broken-text"),
        ({"mjml": SOURCE.mjml.replace("{{ name }}", '<img src="https://x.lv/{{ name }}.png">')}, "open-pixel"),
        ({"mjml": SOURCE.mjml.replace("{{ name }}", "<script>1</script>")}, "broken-text"),
        ({"mjml": SOURCE.mjml.replace("{{ name }}", "{{ nobody }}")}, "broken-text"),
    ],
)
def test_a_broken_letter_is_refused_when_it_is_published(changed: dict[str, str], code: str) -> None:
    with pytest.raises(BadInput) as refused:
        published(**changed)
    assert refused.value.code == code


def test_a_letter_in_two_languages_is_refused() -> None:
    with pytest.raises(BadInput, match="missing in en"):
        publish({"lv": SOURCE, "ru": SOURCE}, kind=Kind.OFFER, declared={"name"})


def test_a_service_letter_needs_no_link_to_stop() -> None:
    plain = Source("Kods", "{{ code }}", "<mjml><mj-body></mj-body></mjml>")
    made = publish(dict.fromkeys(("lv", "ru", "en"), plain), kind=Kind.SERVICE, declared={"code"})
    assert made["lv"].names == {"code"}


def test_html_loads_nothing_from_elsewhere() -> None:
    page = "".join(letter().html.pieces)
    assert "googleapis" not in page
    assert "<link" not in page


@given(text=st.text(st.sampled_from("a =ā\t.") | st.characters(exclude_categories=("Cc", "Cs")), max_size=200))
def test_quoted_printable_reads_back_and_leaves_room_for_a_soft_break(text: str) -> None:
    assert max(len(line) for line in quoted(text).split(b"\r\n")[-1:]) <= 75
    mail = email.message_from_bytes(
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + quoted(text)
    )
    payload = mail.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode() == text


@pytest.mark.parametrize(
    ("domain", "selector", "pem"),
    [
        ("Amigo.LV", "k", key()),
        ("amigo", "k", key()),
        ("amigo.lv", "k;x", key()),
        ("amigo.lv", "k", b"no key"),
        ("amigo.lv", "k", key(1024)),
    ],
)
def test_a_signer_that_nobody_would_believe_is_refused(domain: str, selector: str, pem: bytes) -> None:
    with pytest.raises(Misconfigured):
        signer(domain, selector, pem)


@pytest.mark.parametrize(
    ("name", "sender", "returns"),
    [
        ("Amigo\r\nBcc: all@example.lv", "a@amigo.lv", "r.amigo.lv"),
        ("", "a@amigo.lv", "r.amigo.lv"),
        ("Amigo", "a@amigo.lv\r\nBcc: x@example.lv", "r.amigo.lv"),
        ("Amigo", "a@amigo.lv", "r amigo.lv"),
        ("Amigo", "a@notamigo.lv", "r.amigo.lv"),
        ("Amigo", "jānis@amigo.lv", "r.amigo.lv"),
    ],
)
def test_a_sender_that_breaks_headers_or_is_not_aligned_is_refused(name: str, sender: str, returns: str) -> None:
    with pytest.raises(Misconfigured):
        house(name, sender, returns=returns, url="https://amigo.lv", tokens=TOKENS, signer=our_signer())
