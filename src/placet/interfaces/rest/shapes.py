"""The bodies of `/v1` besides the hot routes, strict: an unknown field is refused, never ignored."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

from placet.kernel.errors import BadInput
from placet.kernel.periods import parse_instant


def _storable(text: str) -> str:
    """PostgreSQL stores every character but NUL, and UTF-8 has no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be text that UTF-8 can express") from None
    return text


def _instant(value: object) -> datetime:
    try:
        return parse_instant(str(value))
    except OverflowError:
        raise BadInput("a time must lie within the years 1 to 9999 in UTC", code="bad-time") from None


def _written(value: object) -> object:
    """A date is written out; a number would be read as seconds since 1970."""
    if not isinstance(value, str):
        raise ValueError("must be written as text, such as 1990-02-28")  # noqa: TRY004 - pydantic collects ValueError
    return value


Long = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$"), AfterValidator(_storable)]
Text = Annotated[Long, StringConstraints(max_length=500)]
Named = Annotated[Text, Field(description="An id, or msisdn:+371…, email:…, crm:…", examples=["msisdn:+37120000001"])]
Day = Annotated[date, BeforeValidator(_written)]
Instant = Annotated[
    datetime,
    PlainValidator(_instant, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-12T14:03:07Z"]}),
]
Place = Annotated[int, Field(ge=0, le=2**62)]
Limit = Annotated[int, Field(ge=1, le=200)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class Problem(_Out):
    """An error, after RFC 9457. `code` is stable: docs/reference/errors.md lists every one."""

    type: str
    title: str
    status: int
    code: str
    detail: str


class SubjectIn(_In):
    """A person to be recorded."""

    aliases: Annotated[list[Named], Field(max_length=20)] = []
    language: Text = "lv"
    name: Text | None = None
    birth_date: Day | None = None


class LookupIn(_In):
    """Whom an alias names. It stands in the body, because a URL is logged and an alias is personal data."""

    subject: Named


class SubjectOut(_Out):
    id: UUID
    language: str
    created_at: datetime
    erased: bool


class NoticeOut(_Out):
    """A text as it must be shown; `sha256` is what a decision sends back as `shown`."""

    purpose: str
    version: str
    language: str
    route: str
    sha256: str
    document: Annotated[str, Field(description="The canonical JSON that was hashed: SHA-256 of its UTF-8 bytes")]
    html: str
    text: str


class PurposeOut(_Out):
    id: str
    version: str
    title: dict[str, str]
    channels: list[str]
    valid_for_days: int | None
    automated: bool
    dpv: list[str]
    data: list[str]
    recipients: list[str]


class ActivityOut(_Out):
    id: str
    title: dict[str, str]
    needs: list[str]
    channel: str | None
    data: list[str]
    legal_basis: str


class CatalogueOut(_Out):
    """What is in force. `document` is the canonical JSON that was published; `digest` its SHA-256."""

    id: str
    version: str
    digest: str
    languages: list[str]
    purposes: list[PurposeOut]
    activities: list[ActivityOut]
    document: str


class StandingOut(_Out):
    """Where one purpose, or one channel of it, stands."""

    decision: str
    since: datetime | None = None
    position: int | None = None
    notice_major: int | None = None
    expires_at: datetime | None = None


class ChannelStateOut(StandingOut):
    channel: str


class PurposeStateOut(StandingOut):
    purpose: str
    channels: list[ChannelStateOut]


class StateOut(_Out):
    """`at`: valid at; `known_at`: as recorded by then. `token`: no later answer that honours it is older."""

    subject: UUID
    at: datetime
    known_at: datetime | None
    token: str
    purposes: list[PurposeStateOut]


class RecordOut(_Out):
    position: int
    record: dict[str, Any]
    receipt: str


class HistoryOut(_Out):
    records: list[RecordOut]
    next: Annotated[str | None, Field(description="Path of the next page; null on the last one")]


class UseIn(_In):
    """What was done under a permit. `outcome`: a few words of the trade, no personal data. `at` left out: now."""

    permit: Long
    outcome: Annotated[Text, Field(examples=["sent"])]
    at: Instant | None = None


class UseOut(_Out):
    """What was done with the person's data. `permitted` is whether it named a yes; `token` is where that was judged."""

    id: int
    activity: str
    channel: str | None
    at: datetime
    outcome: str
    audience: UUID | None
    token: str | None
    permitted: bool


class UsesOut(_Out):
    uses: list[UseOut]
    next: str | None


class AudienceIn(_In):
    """An activity or purpose, and the channel it is sent through. `token`: not from an older state than this."""

    activity: Text
    channel: Text | None = None
    token: Text | None = None


class AudienceOut(_Out):
    """A frozen audience. `excluded` counts by reason; `hash` commits to the members."""

    id: UUID
    activity: str
    channel: str | None
    count: int
    excluded: dict[str, int]
    hash: str
    as_of: datetime
    expires_at: datetime
    token: str


class ConfirmIn(_In):
    """`token`: not from an older state than this."""

    token: Text | None = None


class ConfirmedOut(_Out):
    """`count` may be reached now; `gone` were members and have closed since."""

    id: UUID
    count: int
    gone: int
    as_of: datetime
    token: str


class WebhookIn(_In):
    """
    `after`: tell everything behind this position (0: since the beginning); left out, what happens from now on.

    `limit_seconds`: silent about a withdrawal for longer, it closes the gate for every purpose until it answers again.
    """

    url: Annotated[Long, StringConstraints(max_length=2000)]
    after: Place | None = None
    limit_seconds: Annotated[int, Field(ge=1, le=2_592_000)] = 3600


class WebhookOut(_Out):
    """`behind`: positions not acknowledged yet; `lag_seconds`: how old the oldest of them is."""

    id: UUID
    client: str
    url: str
    position: int
    created_at: datetime
    answered_at: datetime | None
    failures: int
    failure: str | None
    behind: int
    lag_seconds: float
    limit_seconds: int


class NewWebhookOut(WebhookOut):
    secret: Annotated[str, Field(description="Key of the signatures (Standard Webhooks); shown once")]


class WebhooksOut(_Out):
    webhooks: list[WebhookOut]
    next: str | None


class RequestIn(_In):
    """
    What a person asks for (GDPR 12-22). `received_at`: when it came in, for what is written down later; the legal month
    runs from then. `concerns`: the record, use or activity that it is about; a human review and an objection name one.
    """

    kind: Text
    route: Annotated[Text, Field(description="How it came in: portal, desk, phone, post or email")]
    text: Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_storable)] | None = None
    concerns: Text | None = None
    received_at: Instant | None = None


class StepOut(_Out):
    kind: str
    at: datetime
    actor: str
    note: str | None


class RequestOut(_Out):
    """`due` is the last second of the last day; `escalation` says how near that is. `outcome`: what was answered."""

    id: UUID
    subject: UUID
    kind: str
    state: str
    route: str
    concerns: str | None
    received_at: datetime
    due: datetime
    escalation: str
    extended_at: datetime | None
    closed_at: datetime | None
    text: str | None
    outcome: str | None
    steps: list[StepOut]


class RequestsOut(_Out):
    requests: list[RequestOut]
    next: str | None


class InboxSurveyOut(_Out):
    """A survey that a text invites to. `path` gives its link, once where `once`; null when there is none (any more)."""

    path: str | None
    once: bool
    taken: bool
    over: bool


class LinkOut(_Out):
    """A link for the person's browser. It is kept nowhere."""

    url: str


class InboxItemOut(_Out):
    """
    A text in the inbox of the app. `stop`: the link by which the person ends it; null of a service message. `survey`:
    what it invites to, null of all else.
    """

    message: UUID
    kind: str
    topic: str | None
    title: str
    paragraphs: list[str]
    put_at: datetime
    read_at: datetime | None
    stop: str | None
    survey: InboxSurveyOut | None


class InboxOut(_Out):
    items: list[InboxItemOut]
    unread: int
    next: str | None


class HealthOut(_Out):
    status: str


class ReadyOut(_Out):
    """Whether this process should get requests; `checks` names what does not work."""

    ready: bool
    checks: dict[str, str]
