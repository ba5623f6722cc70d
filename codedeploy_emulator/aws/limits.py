"""AWS's request limits, in emulated time (facts A11): Lambda's control plane, GetFunction apart, CodeDeploy's API.

They apply only while the switch `limits` is on. CodeDeploy's own alias updates draw on the same Lambda budget.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import ApiError
from ..switches import Switches

# Invoking is the data plane: it has its own limits, far above these.
_NOT_CONTROL_PLANE = ("Invoke", "InvokeAsync", "InvokeWithResponseStream")


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class Limits:
    """Token buckets by account, region and API."""

    switches: Switches
    _buckets: dict[tuple[str, str, str], _Bucket] = field(default_factory=dict)

    def refusal(self, account: str, region: str, service: str, operation: str, now: float) -> ApiError | None:
        """The throttling error for this call, or None when it is within the limits."""
        if not self.switches.flag("limits"):
            return None
        if service == "lambda" and operation not in _NOT_CONTROL_PLANE:
            if operation == "GetFunction":
                rate = self.switches.number("lambda-get-function-rate")
                allowed = self._take((account, region, "GetFunction"), rate, rate, now)
            else:
                allowed = self.take_lambda(account, region, now)
            if not allowed:
                return ApiError("TooManyRequestsException", "Rate exceeded", 429)
        if service == "codedeploy":
            rate, burst = self.switches.number("codedeploy-rate"), self.switches.number("codedeploy-burst")
            kind = "read" if operation.startswith(("Get", "List", "BatchGet")) else "write"
            if not self._take((account, region, f"codedeploy {kind}"), rate, burst, now):
                return ApiError("ThrottlingException", "Rate exceeded")
        return None

    def take_lambda(self, account: str, region: str, now: float) -> bool:
        """One request of Lambda's control plane; False when the budget of this second is used up."""
        if not self.switches.flag("limits"):
            return True
        rate = self.switches.number("lambda-rate")
        return self._take((account, region, "lambda"), rate, rate, now)

    def reset(self) -> None:
        """Forget what was used."""
        self._buckets.clear()

    def _take(self, key: tuple[str, str, str], rate: float, burst: float, now: float) -> bool:
        bucket = self._buckets.setdefault(key, _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + max(0.0, now - bucket.at) * rate)
        bucket.at = max(bucket.at, now)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True
