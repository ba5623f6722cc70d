"""IAM's policy simulator, as far as a client needs it that asks whether a hook may report back.

moto has none. A role without any policy is taken to be allowed everything here, as everywhere in the emulator; one
that has policies is allowed what an Allow statement of them names. Conditions, resources and Deny are not looked at.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs

from ..server.wire import Request, Response, query_response
from . import moto_parts


def simulated(request: Request) -> Response:
    """SimulatePrincipalPolicy."""
    fields = parse_qs(request.body.decode())
    documents = moto_parts.policy_documents(fields.get("PolicySourceArn", [""])[0])
    actions = [values[0] for name, values in sorted(fields.items()) if name.startswith("ActionNames.member.")]
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": "*",
            "EvalDecision": "allowed" if _allowed(documents, action) else "implicitDeny",
        }
        for action in actions
    ]
    answer = {"IsTruncated": "false", "EvaluationResults": results}
    return query_response("iam", "SimulatePrincipalPolicy", answer)


def _allowed(documents: list[str], action: str) -> bool:
    if not documents:
        return True
    for document in documents:
        statements = json.loads(document).get("Statement") or []
        for statement in statements if isinstance(statements, list) else [statements]:
            if statement.get("Effect") == "Allow" and any(
                fnmatchcase(action.lower(), str(pattern).lower()) for pattern in _listed(statement.get("Action"))
            ):
                return True
    return False


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []
