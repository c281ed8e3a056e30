"""Two policy engines as they are fastest for our question: one rule, consent as a fact about the person."""

from __future__ import annotations

from collections.abc import Callable, Collection

import casbin
import cedarpy

_MODEL = """
[request_definition]
r = sub, act
[policy_definition]
p = act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && consents(r.sub)
"""


def casbin_check(activity: str, consenting: Collection[int]) -> Callable[[int], bool]:
    """casbin with one rule, and who consents in a set behind a function of its matcher."""
    model = casbin.Model()
    model.load_model_from_text(_MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.add_function("consents", consenting.__contains__)
    enforcer.add_policy(activity)
    return lambda number: bool(enforcer.enforce(number, activity))


def cedar_check(activity: str, consenting: Collection[int]) -> Callable[[int], bool]:
    """Cedar with a policy parsed once; the consent comes with the request, so that no store of entities is searched."""
    policies = cedarpy.PolicySet.from_str(
        f'permit(principal, action == Action::"{activity}", resource) when {{ context.consent }};'
    )
    entities = cedarpy.Entities.from_json_str("[]")
    action = f'Action::"{activity}"'

    def check(number: int) -> bool:
        request = {"principal": f'Subject::"{number}"', "action": action, "resource": 'Data::"contact"',
                   "context": {"consent": number in consenting}}  # fmt: skip
        return cedarpy.is_authorized(request, policies, entities).allowed

    return check
