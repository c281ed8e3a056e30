"""The signature of a receipt, held to RFC 8037 and to what makes other JWS readers accept too much."""

from __future__ import annotations

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from placet.consents import jws
from placet.consents.jws import Flattened, Header, Malformed

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HEADER = Header(kid="log.example/receipts+00000000", typ="example")


def signed(payload: bytes = b'{"a":1}') -> Flattened:
    return jws.sign(payload, HEADER, KEY.sign)


def test_rfc_8037_appendix_a_example_verifies() -> None:
    key = Ed25519PublicKey.from_public_bytes(jws.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
    example = Flattened(
        protected="eyJhbGciOiJFZERTQSJ9",
        payload="RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        signature="hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    )
    assert jws.verified(example, key) == b"Example of Ed25519 signing"


def test_what_was_signed_is_read_back() -> None:
    assert (jws.read_header(signed()), jws.verified(signed(), KEY.public_key())) == (HEADER, b'{"a":1}')


def test_another_key_does_not_verify() -> None:
    assert jws.verified(signed(), Ed25519PrivateKey.generate().public_key()) is None


@given(place=st.integers(min_value=0), character=st.sampled_from("ABCdef019-_=+ .é"))
def test_no_changed_character_verifies(place: int, character: str) -> None:
    whole = signed()
    for part in ("protected", "payload", "signature"):
        text = getattr(whole, part)
        at = place % len(text)
        changed = text[:at] + character + text[at + 1 :]
        if changed == text:
            continue
        try:
            assert jws.verified(attrs.evolve(whole, **{part: changed}), KEY.public_key()) is None
        except Malformed:
            continue


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none","kid":"k","typ":"example"}',
        b'{"alg":"HS256","kid":"k","typ":"example"}',
        b'{"alg":"EdDSA","crit":["b64"],"b64":false,"kid":"k","typ":"example"}',
        b'{"alg":"EdDSA","jwk":{},"kid":"k","typ":"example"}',
        b'{"alg":"EdDSA","kid":1,"typ":"example"}',
        b'{"alg":"EdDSA"}',
        b"[]",
        b"\xff",
        b"",
    ],
)
def test_any_other_header_is_refused(header: bytes) -> None:
    with pytest.raises(Malformed):
        jws.read_header(attrs.evolve(signed(), protected=jws.encode(header)))


@given(data=st.binary(max_size=100))
def test_base64url_has_one_spelling(data: bytes) -> None:
    assert jws.decode(jws.encode(data)) == data


@pytest.mark.parametrize("text", ["AB", "A", "QQ==", "Q Q", "Q\nQ", "+/8", "ŠŠ"])
def test_another_spelling_of_base64url_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        jws.decode(text)
