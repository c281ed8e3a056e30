"""Where messages may go, and how they are signed."""

from __future__ import annotations

import base64
import hmac
from uuid import UUID

import pytest

from placet.kernel.errors import BadInput
from placet.subscribers import rules
from placet.subscribers.model import SubscriberId, Target

PRIVATE = [
    "127.0.0.1", "10.0.0.8", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.8", "2002:0a00:0008::1", "64:ff9b::7f00:1", "ff02::1",
]  # fmt: skip
PUBLIC = ["193.105.24.1", "2a00:1450:4010:c0e::65", "64:ff9b::c169:1801"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_called_outside_production_only(address: str) -> None:
    assert not rules.may_be_called(address, production=True)
    assert rules.may_be_called(address, production=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called(address: str) -> None:
    assert rules.may_be_called(address, production=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.lv/in", "https://10.0.0.8/", "https://[::1]/", "https://", "ftp://hooks.example.lv",
        "https://me:secret@hooks.example.lv/", "https://hooks.example.lv/#part", "https://hooks.example.lv:99999/",
        "https://hooks.example.lv/a b", "https://hooks.example.lv/\r\nhost: other", "https://žurka.lv/", "https://[::1",
        "//hooks.example.lv", "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_a_url_that_must_not_be_called_in_production_is_refused(url: str) -> None:
    with pytest.raises(BadInput) as refused:
        rules.target(url, production=True)
    assert refused.value.code == "bad-url"


def test_a_url_is_taken_apart() -> None:
    assert rules.target("https://hooks.example.lv/in?a=1", production=True) == Target(
        "hooks.example.lv", 443, "/in?a=1", secure=True
    )
    assert rules.target("http://127.0.0.1:8080", production=False).authority == "127.0.0.1:8080"
    assert rules.target("http://[::1]:8080/x", production=False).authority == "[::1]:8080"


def test_a_message_is_signed_as_standard_webhooks_says() -> None:
    """The example of the specification, computed here by hand: HMAC-SHA256 over `id.timestamp.body`."""
    secret, body = bytes(range(32)), b'{"type":"consents.changed"}'
    id = SubscriberId(UUID("3f8a1c2e-0000-4000-8000-000000000001"))
    headers = dict(rules.headers(secret, id, epoch="1a2b3c4d", first=5, last=9, sent_at=1767225600, body=body))
    signed = b"3f8a1c2e-0000-4000-8000-000000000001.1a2b3c4d.5-9.1767225600." + body
    expected = base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == "3f8a1c2e-0000-4000-8000-000000000001.1a2b3c4d.5-9"
    assert rules.secret_text(secret) == "whsec_" + base64.b64encode(secret).decode()
