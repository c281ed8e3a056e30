"""
An OpenID provider on a socket of its own: discovery, authorization, token, keys, userinfo; over real HTTP.

It does what the specification says, unless `misbehave` names something else. People sign in by being `next_person`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import attrs
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "placet", "a secret: with colon"


@attrs.define
class House:
    """The provider's state; `requests` counts what was asked of each path."""

    issuer: str = ""
    next_person: dict[str, Any] = attrs.field(factory=lambda: {"sub": "248289761001"})
    misbehave: str = ""
    clock: Any = time.time
    keys: list[RSAKey | ECKey] = attrs.field(factory=lambda: [RSAKey.generate_key(2048, {"kid": "one"})])
    stranger: RSAKey = attrs.field(factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    codes: dict[str, dict[str, str]] = attrs.field(factory=dict)
    tokens: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    requests: dict[str, int] = attrs.field(factory=dict)
    discovery: dict[str, Any] = attrs.field(factory=dict)
    released: threading.Event = attrs.field(factory=threading.Event)

    def rotate(self) -> None:
        """A new key signs; the old one is published no longer."""
        self.keys = [ECKey.generate_key("P-256", {"kid": secrets.token_hex(4)})]

    # What each path answers: status, headers, body

    def configuration(self) -> dict[str, Any]:
        issuer = "http://elsewhere.example" if self.misbehave == "other issuer" else self.issuer
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            **self.discovery,
        }

    def published(self) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        if query["client_id"] != CLIENT_ID or query["code_challenge_method"] != "S256":
            raise AssertionError("the client does not speak as it should")
        back = {"state": query["state"], "iss": self.issuer}
        match self.misbehave:
            case "declines":
                back |= {"error": "access_denied"}
            case "other iss":
                back |= {"iss": "https://attacker.example"}
            case "no iss":
                del back["iss"]
            case "other state":
                back |= {"state": "another"}
        if "error" not in back:
            code = secrets.token_urlsafe(16)
            self.codes[code] = query | {"person": json.dumps(self.next_person)}
            back["code"] = code
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        begun = self.codes.pop(form.get("code", ""), None)
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if begun is None or begun["code_challenge"] != challenge or authorization != f"Basic {expected}":
            return 400, {"error": "invalid_grant"}
        person, access = json.loads(begun["person"]), secrets.token_urlsafe(16)
        self.tokens[access] = person
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": self.signed(begun, person)}

    def signed(self, begun: dict[str, str], person: dict[str, Any]) -> str:
        """The ID token, or what somebody would like us to take for one."""
        present, key = int(self.clock()), self.keys[0]
        claims = {
            "iss": self.issuer,
            "sub": person["sub"],
            "aud": CLIENT_ID,
            "iat": present,
            "exp": present + 300,
            "nonce": begun["nonce"],
            **{name: value for name, value in person.items() if not name.startswith(("phone", "email"))},
        }
        header = {"alg": "RS256" if isinstance(key, RSAKey) else "ES256", "kid": key.kid}
        wrong = _wrong_claims(present).get(self.misbehave, {})
        claims = {name: value for name, value in (claims | wrong).items() if value is not None}
        match self.misbehave:
            case "alg none":
                return f"{_part({'alg': 'none'})}.{_part(claims)}."
            case "signed with the public key":
                return _signed_with_public_key(claims, key)
            case "wrong key":
                key = self.stranger
            case "no token":
                return "not.a.token"
        return jwt.encode(header, claims, key)


def _wrong_claims(present: int) -> dict[str, dict[str, Any]]:
    """What a token says instead; None: nothing."""
    return {
        "wrong nonce": {"nonce": "another"},
        "no nonce": {"nonce": None},
        "wrong aud": {"aud": "another-client"},
        "many aud without azp": {"aud": [CLIENT_ID, "another-client"]},
        "wrong azp": {"aud": [CLIENT_ID, "another-client"], "azp": "another-client"},
        "wrong iss": {"iss": "https://attacker.example"},
        "expired": {"iat": present - 900, "exp": present - 600},
        "from the future": {"iat": present + 600, "exp": present + 900},
        "no exp": {"exp": None},
        "no sub": {"sub": None},
        "sub is a number": {"sub": 7},
        "wrong at_hash": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    }


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _signed_with_public_key(claims: dict[str, Any], key: Any) -> str:
    """The oldest trick: the public key taken for a shared secret."""
    secret = OctKey.import_key(key.as_pem(private=False).replace(b"PUBLIC KEY", b"PUBLIC  KEY"))
    return jws.serialize_compact({"alg": "HS256", "kid": key.kid}, json.dumps(claims).encode(), secret, ["HS256"])


class _Handler(BaseHTTPRequestHandler):
    house: House

    def do_GET(self) -> None:
        self._answered(self._path())

    def do_POST(self) -> None:
        self._answered(self._path())

    def _path(self) -> str:
        path = urlsplit(self.path).path
        self.house.requests[path] = self.house.requests.get(path, 0) + 1
        return path

    def _answered(self, path: str) -> None:
        house, query = self.house, {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if house.misbehave == "500":
            return self._json(500, {"error": "server_error"})
        if house.misbehave == "hangs":
            house.released.wait(30)
            return None
        if house.misbehave == "drips" and path == "/token":
            return self._drip()
        if house.misbehave == "floods":
            return self._bytes(200, b'{"a": "' + b"x" * 2_000_000 + b'"}')
        if house.misbehave == "not json":
            return self._bytes(200, b"<html>hello</html>")
        match path:
            case "/.well-known/openid-configuration":
                return self._json(200, house.configuration())
            case "/keys":
                return self._json(200, house.published())
            case "/authorize":
                return self._redirect(house.authorize(query))
            case "/token":
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                form = {name: values[-1] for name, values in parse_qs(body).items()}
                return self._json(*house.token(form, self.headers.get("authorization", "")))
            case "/userinfo":
                person = house.tokens[self.headers["authorization"].removeprefix("Bearer ")]
                other = {"sub": "somebody else"} if house.misbehave == "other userinfo" else {}
                return self._json(200, person | other)
            case _:
                return self._json(404, {})

    def _drip(self) -> None:
        """A byte now and then: each arrives in time, all together never do."""
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.house.released.wait(0.4):
                self.wfile.write(b" ")
                self.wfile.flush()

    def _redirect(self, address: str) -> None:
        self.send_response(302)
        self.send_header("location", address)
        self.send_header("content-length", "0")
        self.end_headers()

    def _json(self, status: int, value: dict[str, Any]) -> None:
        self._bytes(status, json.dumps(value).encode())

    def _bytes(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@contextlib.contextmanager
def opened() -> Iterator[House]:
    """A provider at an address of its own."""
    house = House()
    handler = type("Handler", (_Handler,), {"house": house})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    house.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield house
    finally:
        house.released.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
