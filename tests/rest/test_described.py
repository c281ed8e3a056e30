"""The OpenAPI document is true: schemathesis makes requests from it, and every answer must be one that it describes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from rest_support import Api
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
EXAMPLES = 15


def without_keys(document: dict[str, Any]) -> dict[str, Any]:
    """The same without its security: keys have tests of their own, and every request here carries a good one."""
    del document["components"]["securitySchemes"]
    for path in document["paths"].values():
        for operation in path.values():
            del operation["security"]
    return document


def takes_anything(operation: Any) -> bool:
    """Whether there is anything that could be wrong about a request."""
    return bool(operation.definition.raw.get("parameters") or operation.definition.raw.get("requestBody"))


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_is_sent_the_answer_is_one_that_is_described(
    http: TestClient, api: Api, phone: str, mode: GenerationMode
) -> None:
    anna = api.person(phone)
    record = api.decide(anna, "usage", "refused").json()["record"]
    ours = {"subject": anna, "record": record, "purpose": "offers"}
    schema = schemathesis.openapi.from_dict(without_keys(http.get("/v1/openapi.json").json()))
    turn = itertools.count()
    tried = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        tried += 1
        if mode is GenerationMode.NEGATIVE and not takes_anything(operation):
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Any) -> None:
            # Every second request is about somebody who is there: else all that is tried is "not found".
            if next(turn) % 2 and mode is GenerationMode.POSITIVE:
                case.path_parameters.update({name: ours[name] for name in set(case.path_parameters or {}) & set(ours)})
            request = case.as_transport_kwargs(base_url="http://testserver")
            request.pop("cookies", None)
            request["headers"] = dict(request["headers"]) | api.headers
            answer = http.request(**request)
            assert not any(f'"{code}"' in answer.text for code in ("no-key", "key", "scope", "rate-limit")), answer.text
            case.validate_response(answer, checks=CHECKS, headers=api.headers)

        run()
    assert tried >= 20
