"""
Signing in by an identity provider: OpenID Connect Core 1.0, authorization code flow with PKCE (RFC 7636), state, nonce.

1. discovery: the provider's own addresses and keys, from its issuer (OpenID Connect Discovery 1.0);
2. `begin`: to the provider, with state, nonce and the hash of a verifier that stay here;
3. `finish`: back, with a code that is exchanged for an ID token, which is checked as Core §3.1.3.7 numbers it.

A provider that is away, slow or broken raises `Unavailable` and is left alone for some seconds, so that it does not
hold up the other ways to sign in; one that answers wrongly raises `Denied`. Neither says what was wrong: the log does.
"""

from __future__ import annotations

import hmac
import json
import math
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import attrs
import httpx
import structlog
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from placet.kernel.errors import Denied, Unavailable

VALID = timedelta(minutes=10)
"""How long a person may take at the provider."""

LEEWAY = 60
"""Seconds by which the provider's clock may differ from ours."""

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a key pair only: `none`, and a secret that both sides know, prove nothing here."""

_SECONDS = 5.0
_LARGEST = 512 * 1024
_FRESH = 3600.0
_PAUSE = 10.0
_AT_ONCE = 4

log = structlog.get_logger()

Claims = Mapping[str, Any]


@attrs.frozen
class Client:
    """Who we are to a provider. *back* is the address that it sends people back to; *acr* what it must warrant."""

    issuer: str
    client_id: str
    client_secret: str | None = attrs.field(repr=False)
    back: str
    scope: str = "openid profile email"
    acr: str | None = None


@attrs.frozen(repr=False)
class Begun:
    """A sign-in on its way: the provider's page, and what stays here until it comes back."""

    url: str
    state: str
    nonce: str
    verifier: str


@attrs.frozen
class _Known:
    """What discovery told, and when it is asked again."""

    told: Mapping[str, Any]
    keys: KeySet
    until: float


class Provider:
    """One identity provider. Thread-safe; *ticks* is a monotonic clock in seconds."""

    def __init__(self, client: Client, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self.client = client
        self._ticks = ticks
        self._http = httpx.Client(timeout=_SECONDS, follow_redirects=False)
        self._turns = threading.Semaphore(_AT_ONCE)
        # Swapped whole; read without a lock. _learning: one thread asks the provider for its keys.
        self._known: _Known | None = None
        self._learning = threading.Lock()
        self._learnt_at = -math.inf
        self._away_until = -math.inf

    def begin(self) -> Begun:
        """Where to send a person (Core §3.1.2.1)."""
        told = self._provider().told
        begun = Begun("", secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
        query = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.back,
            "scope": self.client.scope,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": create_s256_code_challenge(begun.verifier),
            "code_challenge_method": "S256",
        }
        if self.client.acr is not None:
            query["acr_values"] = self.client.acr
        page = str(told["authorization_endpoint"])
        return attrs.evolve(begun, url=f"{page}{'&' if '?' in page else '?'}{urlencode(query)}")

    def finish(self, begun: Begun, answer: Mapping[str, str], *, now: datetime) -> Claims:
        """
        Who came back with *answer* (the query of the redirect): the claims of a token that was checked.

        Denied when it was refused, forged, late or meant for somebody else.
        """
        known = self._provider()
        # RFC 6749 §10.12: only the browser that began may finish.
        if not hmac.compare_digest(begun.state.encode(), answer.get("state", "").encode()):
            raise _refused("state")
        # RFC 9207 §2.4: another provider's answer must not be taken for this one's.
        if (issuer := answer.get("iss")) is not None and issuer != self.client.issuer:
            raise _refused("iss of the answer")
        if issuer is None and known.told.get("authorization_response_iss_parameter_supported") is True:
            raise _refused("no iss in the answer")
        if "error" in answer or not answer.get("code"):
            raise _refused("the provider's error")
        tokens = self._exchange(known, answer["code"], begun.verifier)
        claims = self._checked(known, tokens, begun, now)
        return self._completed(known, claims, tokens)

    def _exchange(self, known: _Known, code: str, verifier: str) -> Mapping[str, Any]:
        """The code for tokens (Core §3.1.3.1)."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.client.back}
        form["code_verifier"] = verifier
        identity, secret = self.client.client_id, self.client.client_secret
        methods = known.told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = secret is not None and "client_secret_basic" in methods
        if not basic:
            form["client_id"] = identity
            if secret is not None:
                form["client_secret"] = secret
        login = httpx.BasicAuth(identity, secret) if basic and secret is not None else None
        return self._fetch("POST", str(known.told["token_endpoint"]), data=form, auth=login)

    def _checked(self, known: _Known, tokens: Mapping[str, Any], begun: Begun, now: datetime) -> Claims:
        """Core §3.1.3.7, steps 2 to 12, and §3.1.3.8."""
        try:
            token = self._decoded(known, str(tokens.get("id_token", "")))
            must = {"essential": True}
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={name: dict(must) for name in ("iss", "sub", "aud", "exp", "iat", "nonce")},
                params={"client_id": self.client.client_id, "access_token": tokens.get("access_token")},
            )
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _refused(type(error).__name__) from None
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        checks = {
            "iss": claims["iss"] == self.client.issuer,
            "aud": self.client.client_id in audiences,
            "nonce": hmac.compare_digest(begun.nonce.encode(), str(claims["nonce"]).encode()),
            "sub": isinstance(claims["sub"], str) and 0 < len(claims["sub"]) <= 255,
            "acr": self.client.acr is None or claims.get("acr") == self.client.acr,
        }
        if wrong := [name for name, holds in checks.items() if not holds]:
            raise _refused(wrong[0])
        return dict(claims)

    def _decoded(self, known: _Known, text: str) -> jwt.Token:
        """The token under one of the provider's keys; a key that is new is looked for once (Core §10.1.1)."""
        try:
            return jwt.decode(text, known.keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            fresh = self._learn(older_than=self._ticks() - _PAUSE)
            if fresh is known:
                raise
            return jwt.decode(text, fresh.keys, algorithms=ALGORITHMS)

    def _completed(self, known: _Known, claims: Claims, tokens: Mapping[str, Any]) -> Claims:
        """With what the UserInfo endpoint adds, if there is one and it speaks of the same person (Core §5.3.2)."""
        endpoint, access = known.told.get("userinfo_endpoint"), tokens.get("access_token")
        if not isinstance(endpoint, str) or not isinstance(access, str):
            return claims
        more = self._fetch("GET", endpoint, headers={"authorization": f"Bearer {access}"})
        if more.get("sub") != claims["sub"]:
            raise _refused("sub of userinfo")
        return {**more, **claims}

    def _provider(self) -> _Known:
        known = self._known
        if known is not None and self._ticks() < known.until:
            return known
        return self._learn(older_than=self._ticks() - _FRESH)

    def _learn(self, *, older_than: float) -> _Known:
        """Discovery and keys, unless they were read after *older_than*."""
        with self._learning:
            if self._known is not None and self._learnt_at > older_than:
                return self._known
            issuer = self.client.issuer
            told = self._fetch("GET", issuer.rstrip("/") + "/.well-known/openid-configuration")
            # Discovery §4.3: the issuer must be the one that was asked, to the letter.
            if told.get("issuer") != issuer:
                raise _refused("issuer of discovery")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                _demand_secure(told.get(name), issuer)
            try:
                keys = KeySet.import_key_set(self._fetch("GET", str(told["jwks_uri"])))  # type: ignore[arg-type]
            except (JoseError, ValueError, KeyError, TypeError):
                raise _refused("keys") from None
            self._learnt_at = self._ticks()
            self._known = _Known(told, keys, self._learnt_at + _FRESH)
            return self._known

    def _fetch(self, method: str, url: str, **values: Any) -> Mapping[str, Any]:
        """A JSON object from the provider; within a time, a size and a number at once."""
        if self._ticks() < self._away_until or not self._turns.acquire(blocking=False):
            raise _away("paused")
        try:
            return self._read(method, url, values)
        except httpx.HTTPError as error:
            self._away_until = self._ticks() + _PAUSE
            raise _away(type(error).__name__) from None
        finally:
            self._turns.release()

    def _read(self, method: str, url: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        until, body = self._ticks() + _SECONDS, bytearray()
        with self._http.stream(method, url, **values) as answer:
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > _LARGEST or self._ticks() > until:
                    raise httpx.ReadTimeout("too much or too slow")
        if answer.status_code >= 500:
            raise httpx.RemoteProtocolError(str(answer.status_code))
        try:
            found = json.loads(body)
        except ValueError:
            raise _refused("no JSON") from None
        if answer.status_code != 200 or not isinstance(found, dict):
            raise _refused(f"status {answer.status_code}")
        return found


def _demand_secure(endpoint: object, issuer: str) -> None:
    """A provider that is reached by https sends nobody, and no code, over anything less."""
    allowed = {"https"} if issuer.startswith("https://") else {"https", "http"}
    if not isinstance(endpoint, str) or urlsplit(endpoint).scheme not in allowed:
        raise _refused("endpoint")


def _refused(why: str) -> Denied:
    log.warning("identity provider: answer refused", why=why)
    return Denied("the identity provider's answer was not accepted; start the sign-in again", code="idp-refused")


def _away(why: str) -> Unavailable:
    log.warning("identity provider: away", why=why)
    return Unavailable("the identity provider does not answer; sign in another way or later", code="idp-away")
