"""
The hot routes: `POST /v1/decisions` and `POST /v1/check`.

Same meaning as the rest of `/v1`, without a framework's cost on each request: strict `msgspec` shapes in and out. They
are answered from headers and a body alone, whichever way the server hands these over (`http.py`, `rsgi.py`).
The OpenAPI document describes them from these shapes (`api.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from datetime import datetime
from functools import lru_cache
from time import perf_counter
from typing import Any, Literal, Protocol
from uuid import UUID

import attrs
import msgspec
import structlog

from placet.access.keys import Client
from placet.bootstrap import Application
from placet.consents.model import Actor, Outcome, Recorded, Refused, Wish
from placet.gate.actions import Answer, answer_json
from placet.gate.model import Question, Token
from placet.gate.replica import Replica
from placet.interfaces.bearer import credentials
from placet.interfaces.rest.answered import Answered
from placet.interfaces.rest.limits import read_body
from placet.interfaces.rest.problems import broken, problem
from placet.kernel import clock
from placet.kernel.errors import BadInput, NotFound, PlacetError, Unavailable
from placet.kernel.ids import ActivityId, ChannelId, MandateId, PurposeId, SubjectId
from placet.kernel.periods import aware

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Headers(Protocol):
    """The headers of a request."""

    def get(self, name: str, /) -> str | None: ...


Answering = Callable[[Headers, bytes], Awaitable[tuple[int, bytes]]]
_HEADERS = [("content-type", "application/json"), ("cache-control", "no-store")]
MOST = 1000
"""Most decisions or checks in one request."""

NOBODY = SubjectId(UUID(int=0))
"""Whom an unknown alias names: rules and gate say no to that one item, and answer the others of the list."""

log = structlog.get_logger()


class DecisionIn(msgspec.Struct, forbid_unknown_fields=True):
    """One decision as an integrator sends it. `subject` is an id, or msisdn:…, email:…, crm:…."""

    subject: str
    purpose: str
    decision: Literal["given", "refused", "withdrawn", "objected"]
    channel: str | None = None
    route: Literal["api", "portal", "desk", "phone", "sms", "post"] = "api"
    language: str | None = None
    shown: str | None = None
    """SHA-256 (hex) of the text that was shown, from `GET /v1/notices/{purpose}`; a yes needs it."""
    occurred_at: datetime | None = None
    agent: str | None = None
    representative: UUID | None = None
    mandate: UUID | None = None
    evidence: str | None = None


class CheckIn(msgspec.Struct, forbid_unknown_fields=True):
    """May `activity` (or a purpose) happen for `subject`, over `channel`? `token`: not from an older state."""

    subject: str
    activity: str
    channel: str | None = None
    token: str | None = None
    at: datetime | None = None
    """What was valid then; such an answer carries no permit."""
    known_at: datetime | None = None
    """… as it was known then."""


class DecisionOut(msgspec.Struct):
    record: UUID
    position: int
    token: str
    ignored: bool
    replayed: bool
    receipt: str


class RefusedOut(msgspec.Struct):
    code: str
    detail: str


_decisions = msgspec.json.Decoder(DecisionIn | list[DecisionIn])
_checks = msgspec.json.Decoder(CheckIn | list[CheckIn])
_encode = msgspec.json.Encoder().encode


@attrs.frozen
class Reply:
    """An answer, ready to be sent."""

    status: int
    pairs: list[tuple[str, str]]
    """Headers."""
    body: bytes


class HotRoutes:
    """The two routes."""

    def __init__(self, application: Application, replica: Replica, answered: Answered) -> None:
        self._application = application
        self._replica = replica
        self._answered = answered
        self._routes: dict[str, Answering] = {"/v1/decisions": self._decisions, "/v1/check": self._check}

    def __contains__(self, path: str) -> bool:
        return path in self._routes

    async def reply(self, path: str, headers: Headers, body: Awaitable[bytes]) -> Reply:
        """The answer to one POST, counted."""
        began = perf_counter()
        reply = await self._reply(path, headers, body)
        self._answered.note(method="POST", route=path, status=reply.status, seconds=perf_counter() - began)
        return reply

    async def _reply(self, path: str, headers: Headers, body: Awaitable[bytes]) -> Reply:
        """The request boundary: whatever goes wrong becomes a problem, with a code and no personal data."""
        try:
            status, answer = await self._routes[path](headers, await body)
        except PlacetError as error:
            return _failed(error)
        except Exception as error:  # noqa: BLE001 - the request boundary
            log.error("request.failed", route=path, error=type(error).__name__)
            return _failed(broken())
        return Reply(status, _HEADERS, answer)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """As an ASGI application."""
        reply = await self.reply(scope["path"], _AsgiHeaders(scope["headers"]), read_body(receive))
        headers = [(name.encode(), value.encode()) for name, value in reply.pairs]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    async def _decisions(self, headers: Headers, body: bytes) -> tuple[int, bytes]:
        client = self._client(headers, "decisions:write", clock.now())
        sent = _read(_decisions, body)
        many = sent if isinstance(sent, list) else [sent]
        self._limited(client, many)
        subjects = await self._subjects([one.subject for one in many])
        key = headers.get("idempotency-key")
        wishes = [
            _wish(one, subject, client, None if key is None else _idempotency(client, key, index))
            for index, (one, subject) in enumerate(zip(many, subjects, strict=True))
        ]
        outcomes = await self._application.sequencer.submit_async(wishes)
        if isinstance(sent, list):
            return 200, _encode({"results": [_result(outcome) for outcome in outcomes]})
        (outcome,) = outcomes
        if isinstance(outcome, Refused):
            raise _as_error(outcome)
        return 201, _encode(_recorded(outcome))

    async def _check(self, headers: Headers, body: bytes) -> tuple[int, bytes]:
        now = clock.now()
        client = self._client(headers, "check", now)
        self._application.keeper.demand_agreement()
        sent = _read(_checks, body)
        if not isinstance(sent, list):
            self._application.api_keys.admit(client)
            subject = _id(sent.subject) or (await self._subjects([sent.subject]))[0]
            return 200, await self._answer(sent, subject, now)
        self._limited(client, sent)
        subjects = await self._subjects([one.subject for one in sent])
        await self._meet([subject for subject in subjects if subject is not None])
        answers = [await self._answer(one, subject, now) for one, subject in zip(sent, subjects, strict=True)]
        return 200, b'{"results":[' + b",".join(answers) + b"]}"

    async def _meet(self, subjects: Sequence[SubjectId]) -> None:
        """Whoever was never asked about is looked up together with the others, not one by one."""
        if any(self._replica.number_of(subject) is None for subject in subjects):
            # Without the database each answers for itself, from memory or `stale`.
            with contextlib.suppress(Unavailable):
                await asyncio.to_thread(self._replica.meet, self._application.database, subjects)

    async def _answer(self, one: CheckIn, subject: SubjectId | None, now: datetime) -> bytes:
        """From memory when the replica may answer, else from the database, off the event loop."""
        subject = NOBODY if subject is None else subject
        asked = ActivityId(one.activity)
        channel = None if one.channel is None else ChannelId(one.channel)
        token = None if one.token is None else Token.parse(one.token)
        gate = self._application.gate
        if one.at is not None or one.known_at is not None:
            return _encode(answer_json(await asyncio.to_thread(self._answer_as_of, one, subject, now)))
        told = gate.tell_quickly(
            self._replica, subject, _canonical(subject), asked, channel=channel, token=token, now=now
        )
        if told is not None:
            return told
        question = Question(subject, asked, at=now, channel=channel, token=token)
        answer = await asyncio.to_thread(gate.check_somehow, self._application.database, self._replica, question)
        return _encode(answer_json(answer))

    def _answer_as_of(self, one: CheckIn, subject: SubjectId, now: datetime) -> Answer:
        with self._application.database.transaction() as connection:
            return self._application.gate.check_as_of(
                connection,
                subject,
                ActivityId(one.activity),
                at=now if one.at is None else _instant(one.at, "at"),
                known_at=None if one.known_at is None else _instant(one.known_at, "known_at"),
                purposes=self._application.in_force.terms(connection),
                channel=None if one.channel is None else ChannelId(one.channel),
                token=None if one.token is None else Token.parse(one.token),
            )

    def _client(self, headers: Headers, needed: str, now: datetime) -> Client:
        key = credentials(headers.get("authorization"))
        client = self._application.api_keys.authenticate(key, now=now)
        client.require(needed)
        return client

    def _limited(self, client: Client, many: Sequence[object]) -> None:
        """Neither nothing nor too much, and within what this key may ask."""
        if not many:
            raise BadInput("the list is empty; send at least one", code="empty-list")
        if len(many) > MOST:
            raise BadInput(
                f"at most {MOST} in one request; send several, or use `placet import`", code="too-many-items"
            )
        self._application.api_keys.admit(client, cost=len(many))

    async def _subjects(self, names: Sequence[str]) -> list[SubjectId | None]:
        """Ids as they are; aliases are looked up in one query, off the event loop."""
        found: list[SubjectId | None] = [_id(name) for name in names]
        if aliases := [name for name, id in zip(names, found, strict=True) if id is None]:
            known = await asyncio.to_thread(self._look_up, aliases)
            found = [known.get(name) if id is None else id for name, id in zip(names, found, strict=True)]
        return found

    def _look_up(self, aliases: Sequence[str]) -> dict[str, SubjectId]:
        with self._application.database.transaction() as connection:
            found = {name: self._application.subjects.find(connection, name) for name in set(aliases)}
        return {name: subject.id for name, subject in found.items() if subject is not None}


def _read(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """Decode strictly; the error names the place, never the value."""
    if b"\\u0000" in body:
        # PostgreSQL stores every character but this one.
        raise BadInput("a text must not hold the character NUL", code="bad-body")
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        said = _ours(str(error))
        raise BadInput(f"the body does not fit the description in /v1/openapi.json: {said}", code="bad-body") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadInput("the body is not valid JSON in UTF-8", code="not-json") from None


def _ours(message: str) -> str:
    """Without the name of a field that we do not know: it is the sender's, and may be personal data itself."""
    return re.sub(r"unknown field `.*`", "unknown field", message, flags=re.DOTALL)


@attrs.frozen
class _AsgiHeaders:
    """As ASGI hands them over."""

    pairs: Sequence[tuple[bytes, bytes]]

    def get(self, name: str, /) -> str | None:
        wanted = name.encode()
        return next((str(value, "latin-1") for key, value in self.pairs if key == wanted), None)


def _failed(error: PlacetError) -> Reply:
    """The problem (RFC 9457) that *error* is."""
    status, body, headers = problem(error)
    return Reply(status, list(headers.items()), _encode(body))


def _id(name: str) -> SubjectId | None:
    """The id in *name*; None when it is an alias, which nobody keeps in memory."""
    return None if ":" in name else _parsed(name)


@lru_cache(65_536)
def _parsed(name: str) -> SubjectId:
    try:
        return SubjectId(UUID(name))
    except ValueError:
        raise BadInput("a subject is an id, or msisdn:+371…, email:…, crm:…", code="bad-id") from None


@lru_cache(65_536)
def _canonical(id: SubjectId) -> bytes:
    return str(id).encode()


def _idempotency(client: Client, key: str, index: int) -> bytes:
    """One key a decision: the client's key and its place in the request."""
    return hashlib.sha256(f"{client.id}\0{key}\0{index}".encode()).digest()


def _wish(one: DecisionIn, subject: SubjectId | None, client: Client, key: bytes | None) -> Wish:
    return Wish(
        subject=NOBODY if subject is None else subject,
        purpose=PurposeId(one.purpose),
        decision=one.decision,
        route=one.route,
        actor=_actor(one, client),
        channel=None if one.channel is None else ChannelId(one.channel),
        language=one.language,
        shown=_digest(one.shown),
        occurred_at=None if one.occurred_at is None else _instant(one.occurred_at, "occurred_at"),
        mandate=None if one.mandate is None else MandateId(one.mandate),
        evidence=None if one.evidence is None else one.evidence.encode(),
        idempotency_key=key,
    )


def _instant(moment: datetime, name: str) -> datetime:
    try:
        return aware(moment)
    except OverflowError:
        raise BadInput(f"{name} must lie within the years 1 to 9999 in UTC", code="bad-time") from None


def _actor(one: DecisionIn, client: Client) -> Actor:
    """Who acted, as the client says; the client itself answers for it."""
    if one.representative is not None:
        return Actor("representative", str(one.representative))
    if one.agent is not None:
        # Two programs may know different people by the same word, and a stolen key must be found in the record.
        return Actor("agent", f"{client.id}/{one.agent}")
    return Actor("client", client.id)


def _digest(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise BadInput(
            "`shown` is the SHA-256 of the text, 64 hex digits, as GET /v1/notices answers it", code="bad-digest"
        )
    return digest


def _result(outcome: Outcome) -> DecisionOut | RefusedOut:
    if isinstance(outcome, Recorded):
        return _recorded(outcome)
    return RefusedOut(outcome.code, outcome.message)


def _recorded(outcome: Recorded) -> DecisionOut:
    return DecisionOut(
        outcome.record,
        outcome.position,
        outcome.token,
        outcome.ignored,
        outcome.replayed,
        f"/v1/receipts/{outcome.record}",
    )


def _as_error(refused: Refused) -> PlacetError:
    if refused.code == "unknown-subject":
        return NotFound(refused.message, code=refused.code)
    return BadInput(refused.message, code=refused.code)
