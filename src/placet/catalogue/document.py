"""
The wire form of a catalogue: strict shapes for what is read from files and from the database.

`Document` is one JSON document; its canonical bytes are what the digest covers and what the ledger commits to.
Values that equal their default are left out, so that a later version with a new optional key keeps old digests.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Literal

import attrs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from placet.catalogue import model
from placet.catalogue.model import Catalogue, frozen_mapping
from placet.kernel import jcs
from placet.kernel.errors import BadInput
from placet.kernel.ids import ActivityId, ChannelId, PurposeId

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
DottedId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}\.[a-z][a-z0-9-]{0,59}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
Url = Annotated[str, StringConstraints(pattern=r"^https://[^\s\"<>]+$")]
DpvTerm = Annotated[str, StringConstraints(pattern=r"^(dpv|pd):[A-Za-z]+$")]
Days = Annotated[int, Field(ge=0, le=36_600)]
Words = dict[Language, Sentence]


def _version(text: str) -> str:
    try:
        model.Version.parse(text)
    except BadInput as error:
        raise ValueError(error.message) from None
    return text


Version = Annotated[str, AfterValidator(_version)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Controller(_Strict):
    name: Sentence
    brand: Sentence
    registration: Sentence
    address: Words
    email: Sentence
    phone: Sentence
    website: Url
    privacy_policy: dict[Language, Url]
    authority: Words
    authority_website: Url


class Channel(_Strict):
    line_tied: bool
    titles: Words


class DataCategory(_Strict):
    dpv: DpvTerm
    titles: Words


class Recipient(_Strict):
    titles: Words


class Officer(_Strict):
    """The data-protection officer (GDPR 37(7))."""

    name: Sentence | None = None
    email: Sentence
    phone: Sentence | None = None


class ProcessingTerms(_Strict):
    """What a record of processing says of every activity (GDPR 30(1)(a), (c), (e), (g)); empty: not stated yet."""

    officer: Officer | None = None
    subjects: Words = {}
    transfers: Words = {}
    security: Words = {}


class Head(_Strict):
    """catalogue.yaml: what is common to all purposes."""

    id: Id
    version: Version
    languages: Annotated[list[Language], Field(min_length=1)]
    purposes: Annotated[list[Id], Field(min_length=1)]
    controller: Controller
    variables: dict[model.Route, dict[Annotated[str, StringConstraints(pattern=r"^[a-z_]+$")], Sentence]] = {}
    channels: dict[Id, Channel]
    data: dict[Id, DataCategory]
    recipients: dict[Id, Recipient]
    processing: ProcessingTerms = ProcessingTerms()


class Retention(_Strict):
    days: Days
    after: Literal["collection", "withdrawal", "contract-end", "use"]


class Notice(_Strict):
    title: Sentence
    summary: Sentence
    opens: Annotated[list[Sentence], Field(min_length=1)]
    examples: list[Sentence] = []
    never: list[Sentence] = []
    retention: Sentence
    refused: Sentence
    sms: Sentence


class Purpose(_Strict):
    """purposes/<id>.yaml: what one purpose needs, and its text in every language."""

    id: Id
    version: Version
    channels: list[Id] = []
    line_tied: bool
    valid_for_days: Annotated[int, Field(ge=1, le=36_600)] | None = None
    dpv: Annotated[list[DpvTerm], Field(min_length=1)]
    data: Annotated[list[Id], Field(min_length=1)]
    recipients: Annotated[list[Id], Field(min_length=1)]
    retention: Retention
    automated: bool
    notices: dict[Language, Notice]


class Activity(_Strict):
    """One entry of activities.yaml. The shape lets a missing basis through; the lint refuses it with its reason."""

    id: DottedId
    needs: list[Id] = []
    channel: Id | None = None
    data: Annotated[list[Id], Field(min_length=1)]
    legal_basis: model.LegalBasis | None = None
    law: Sentence | None = None
    recipients: list[Id] = []
    retention: Retention
    mission: list[Sentence] = []
    titles: Words


class Headings(_Strict):
    opens: Sentence
    examples: Sentence
    data: Sentence
    never: Sentence
    recipients: Sentence
    retention: Sentence
    refused: Sentence
    withdraw: Sentence
    rights: Sentence
    controller: Sentence


class Wording(_Strict):
    """One language of wording.yaml."""

    headings: Headings
    question: Sentence
    give: Sentence
    refuse: Sentence
    channels_question: Sentence
    yes: Sentence
    no: Sentence
    free: Sentence
    withdrawal: Sentence
    past: Sentence
    again: Sentence
    rights: Sentence
    complaint: Sentence
    controller: Sentence
    privacy_policy: Sentence
    phone: Annotated[list[Sentence], Field(min_length=1)]
    desk: Annotated[list[Sentence], Field(min_length=1)]
    sms: Sentence
    post_opening: list[Sentence] = []
    post_closing: list[Sentence] = []


class Document(_Strict):
    """A whole catalogue."""

    catalogue: Head
    wording: dict[Language, Wording]
    purposes: list[Purpose]
    activities: list[Activity]

    def canonical(self) -> bytes:
        """The canonical JSON that is stored and hashed."""
        return jcs.canonical(self.model_dump(mode="json", exclude_defaults=True))


def frozen(document: bytes) -> Catalogue:
    """The catalogue that *document*, canonical bytes as `Document.canonical` writes them, describes."""
    wire = Document.model_validate_json(document)
    head = wire.catalogue
    return Catalogue(
        id=head.id,
        version=model.Version.parse(head.version),
        languages=tuple(head.languages),
        controller=_controller(head.controller),
        variables=frozen_mapping({route: frozen_mapping(values) for route, values in head.variables.items()}),
        channels=frozen_mapping({ChannelId(id): _channel(id, value) for id, value in head.channels.items()}),
        data=frozen_mapping({id: _data(id, value) for id, value in head.data.items()}),
        recipients=frozen_mapping(
            {id: model.Recipient(id, frozen_mapping(value.titles)) for id, value in head.recipients.items()}
        ),
        purposes=frozen_mapping({PurposeId(value.id): _purpose(value) for value in _ordered(wire)}),
        activities=frozen_mapping({ActivityId(value.id): _activity(value) for value in wire.activities}),
        wording=frozen_mapping({language: _wording(value) for language, value in wire.wording.items()}),
        document=document,
        processing=_processing(head.processing),
    )


def _ordered(wire: Document) -> Iterable[Purpose]:
    """The purposes in the order that catalogue.yaml gives them."""
    order = {id: place for place, id in enumerate(wire.catalogue.purposes)}
    return sorted(wire.purposes, key=lambda purpose: order.get(purpose.id, len(order)))


def _controller(wire: Controller) -> model.Controller:
    return model.Controller(
        name=wire.name,
        brand=wire.brand,
        registration=wire.registration,
        address=frozen_mapping(wire.address),
        email=wire.email,
        phone=wire.phone,
        website=wire.website,
        privacy_policy=frozen_mapping(wire.privacy_policy),
        authority=frozen_mapping(wire.authority),
        authority_website=wire.authority_website,
    )


def _processing(wire: ProcessingTerms) -> model.ProcessingTerms:
    officer = wire.officer
    return model.ProcessingTerms(
        officer=None if officer is None else model.Officer(officer.name, officer.email, officer.phone),
        subjects=frozen_mapping(wire.subjects),
        transfers=frozen_mapping(wire.transfers),
        security=frozen_mapping(wire.security),
    )


def _channel(id: str, wire: Channel) -> model.Channel:
    return model.Channel(id=ChannelId(id), line_tied=wire.line_tied, titles=frozen_mapping(wire.titles))


def _data(id: str, wire: DataCategory) -> model.DataCategory:
    return model.DataCategory(id=id, dpv=wire.dpv, titles=frozen_mapping(wire.titles))


def _retention(wire: Retention) -> model.Retention:
    return model.Retention(days=wire.days, after=wire.after)


def _purpose(wire: Purpose) -> model.Purpose:
    return model.Purpose(
        id=PurposeId(wire.id),
        version=model.Version.parse(wire.version),
        channels=tuple(map(ChannelId, wire.channels)),
        line_tied=wire.line_tied,
        valid_for=None if wire.valid_for_days is None else timedelta(days=wire.valid_for_days),
        dpv=tuple(wire.dpv),
        data=tuple(wire.data),
        recipients=tuple(wire.recipients),
        retention=_retention(wire.retention),
        automated=wire.automated,
        notices=frozen_mapping({language: _notice(value) for language, value in wire.notices.items()}),
    )


def _notice(wire: Notice) -> model.Notice:
    return model.Notice(
        title=wire.title,
        summary=wire.summary,
        opens=tuple(wire.opens),
        examples=tuple(wire.examples),
        never=tuple(wire.never),
        retention=wire.retention,
        refused=wire.refused,
        sms=wire.sms,
    )


def _activity(wire: Activity) -> model.Activity:
    return model.Activity(
        id=ActivityId(wire.id),
        needs=tuple(map(PurposeId, wire.needs)),
        channel=None if wire.channel is None else ChannelId(wire.channel),
        data=tuple(wire.data),
        legal_basis=wire.legal_basis,
        law=wire.law,
        recipients=tuple(wire.recipients),
        retention=_retention(wire.retention),
        mission=tuple(wire.mission),
        titles=frozen_mapping(wire.titles),
    )


def _wording(wire: Wording) -> model.Wording:
    values = {field.name: getattr(wire, field.name) for field in attrs.fields(model.Wording)}
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return model.Wording(**{**values, "headings": frozen_mapping(wire.headings.model_dump())})
