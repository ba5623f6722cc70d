"""Whether a role may do something, by IAM's own simulator. One read, which the product can do without.

It knows the role's policies and its permissions boundary, not those of the organisation (SimulatePrincipalPolicy).
"""

from __future__ import annotations

from .client import Aws
from .errors import unreadable


class IamPolicies:
    """Implements ports.Policies."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def allows(self, role_arn: str, action: str, resource: str) -> bool:
        role = f"role {role_arn.rpartition('/')[2]}"
        answer = self._aws.read(
            "iam",
            "SimulatePrincipalPolicy",
            role,
            expects="EvaluationResults",
            PolicySourceArn=role_arn,
            ActionNames=[action],
            ResourceArns=[resource],
        )
        results = answer["EvaluationResults"]
        if not results:  # all of nothing would be allowed
            raise unreadable("iam", "SimulatePrincipalPolicy", role, "EvaluationResults")
        return all(result.get("EvalDecision") == "allowed" for result in results)
