"""Whether a role may do something, by IAM's own simulator. One read, which the product can do without.

It knows the role's policies and its permissions boundary, not those of the organisation (SimulatePrincipalPolicy).
"""

from __future__ import annotations

from .client import Aws


class IamPolicies:
    """Implements ports.Policies."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def allows(self, role_arn: str, action: str, resource: str) -> bool:
        answer = self._aws.read(
            "iam",
            "SimulatePrincipalPolicy",
            f"role {role_arn.rpartition('/')[2]}",
            expects="EvaluationResults",
            PolicySourceArn=role_arn,
            ActionNames=[action],
            ResourceArns=[resource],
        )
        return all(result.get("EvalDecision") == "allowed" for result in answer["EvaluationResults"] or ())
