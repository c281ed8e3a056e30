"""The OpenAPI document: what FastAPI knows of its routes, and the two hot routes from their `msgspec` shapes."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from placet.interfaces.rest.hot import MOST, CheckIn, DecisionIn, DecisionOut, RefusedOut
from placet.interfaces.rest.problems import TITLES
from placet.interfaces.rest.shapes import Problem

_REF = "#/components/schemas/{name}"
_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
_KEYS = "An API key: `placet keys add NAME --scope SCOPE`. The list of an operation holds the scope it needs."
_DESCRIPTION = (
    "Record decisions, prove them, ask before processing. A subject is addressed by id in paths; by id or by"
    " `msisdn:…`, `email:…`, `crm:…` in bodies. Every error is `application/problem+json` with a stable `code`."
)


class CheckOut(msgspec.Struct):
    """The gate's answer. `permit` is what to work under and to report the use with; null when it is no."""

    allowed: bool
    reason: str
    as_of: str
    age_ms: int
    token: str
    permit: str | None


class DecisionResults(msgspec.Struct):
    """One result for each decision that was sent, in the same order."""

    results: list[DecisionOut | RefusedOut | dict[str, Any]]


class CheckResults(msgspec.Struct):
    results: list[CheckOut]


def describe(app: FastAPI, *, version: str) -> dict[str, Any]:
    """The whole document. Every operation names its scope (or that it is public) and its problems."""
    document = get_openapi(
        title="Placet", version=version, description=_DESCRIPTION, routes=app.routes, tags=[{"name": "decisions"}]
    )
    schemas = document["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema()
    schemas.update(_hot_schemas())
    document["components"]["securitySchemes"] = {"apiKey": {"type": "http", "scheme": "bearer", "description": _KEYS}}
    document["paths"]["/v1/decisions"] = {"post": _decisions()}
    document["paths"]["/v1/check"] = {"post": _check()}
    for path in document["paths"].values():
        for operation in path.values():
            _add_problems(operation)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return document


def _hot_schemas() -> dict[str, Any]:
    shapes = (DecisionIn, CheckIn, DecisionOut, RefusedOut, CheckOut, CheckResults)
    _, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    result = {"anyOf": [_ref("DecisionOut"), _ref("RefusedOut")]}
    components["DecisionResults"] = _results(result, DecisionResults.__doc__)
    components["CheckResults"] = _results(_ref("CheckOut"), "One answer for each check, in the same order.")
    return dict(components)


def _results(item: dict[str, Any], description: str | None) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "required": ["results"],
        "properties": {"results": {"type": "array", "items": item}},
    }


def _decisions() -> dict[str, Any]:
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key with the same body is answered again and recorded once",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    }
    return {
        "tags": ["decisions"],
        "operationId": "record_decisions",
        "summary": "Record decisions",
        "description": "One decision or up to a thousand. A `given` needs `shown` from `GET /v1/notices/{purpose}`."
        " Acknowledged means durable; the proof follows within a second.",
        "security": [{"apiKey": ["decisions:write"]}],
        "parameters": [key],
        "requestBody": _one_or_many("DecisionIn"),
        "responses": {
            "200": _answer("A list was sent: one result each", "DecisionResults"),
            "201": _answer("One was sent and recorded", "DecisionOut"),
        },
    }


def _check() -> dict[str, Any]:
    return {
        "tags": ["decisions"],
        "operationId": "check",
        "summary": "May this processing happen?",
        "description": "One question or up to a thousand. Anything but `allowed: true` is a no.",
        "security": [{"apiKey": ["check"]}],
        "requestBody": _one_or_many("CheckIn"),
        "responses": {"200": _answer("The answer, or one answer each", "CheckOut", "CheckResults")},
    }


def _one_or_many(name: str) -> dict[str, Any]:
    many = {"type": "array", "items": _ref(name), "minItems": 1, "maxItems": MOST}
    return {"required": True, "content": {"application/json": {"schema": {"anyOf": [_ref(name), many]}}}}


def _answer(description: str, *names: str) -> dict[str, Any]:
    found = [_ref(name) for name in names]
    schema = found[0] if len(found) == 1 else {"anyOf": found}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(name=name)}


def _add_problems(operation: dict[str, Any]) -> None:
    """What may go wrong: with a key, with a body, with what is named, with the database."""
    statuses = [500, 503]
    if operation["security"]:
        statuses += [401, 403, 429]
    if operation.get("parameters"):
        statuses += [404, 422]
    if "requestBody" in operation:
        statuses += [400, 404, 409, 413, 422]
    # The framework describes its own 422, which nobody is ever answered.
    operation["responses"].pop("422", None)
    for status in sorted(statuses):
        operation["responses"].setdefault(
            str(status), {"description": TITLES[status], "content": {"application/problem+json": _PROBLEM}}
        )
