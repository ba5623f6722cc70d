"""What surrounds a deployment and can spoil it later, as far as it may be read: optional facts, each Known or not.

None of it is needed to deploy. Read by perform/facts.py, judged by surrounding_checks.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from ..aws import Deployment, Fact, Identity, Known
from ..callers import Callers
from ..given.inputs import Inputs
from ..lazy import dataclass


def bucket_owner(inputs: Inputs, identity: Identity) -> str:
    """The account that every bucket of this run must belong to: the caller's own, or the one named on purpose."""
    return inputs.bucket_owner or identity.account


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleRule:
    """An enabled rule of a bucket that deletes current objects: below `prefix`, so many days after their creation."""

    name: str
    prefix: str = ""
    days: int = 0  # 0: at a date


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """`region` is empty where the bucket does not exist; `key` is the customer's KMS key that encrypts by default."""

    region: Fact[str]
    key: Fact[str] = Known("")
    rules: Fact[tuple[LifecycleRule, ...]] = Known(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """`provisioned`: how much concurrency the alias has provisioned; `successful`: the group's last success, with its
    targets, None if there was none; `callbacks`: by hook, whether its role may report to CodeDeploy; `callers`: who
    may invoke the function and not the alias; `executions`: how many durable executions are running or paused on the
    live version, counted up to a bound."""

    provisioned: Fact[int] = Known(0)
    successful: Fact[Deployment | None] = Known(None)
    executions: Fact[int] = Known(0)
    bucket: Bucket | None = None
    callbacks: Mapping[str, Fact[bool]] = field(default_factory=dict)
    callers: Callers = field(default_factory=Callers)
