"""What a reason is: a code that scripts may rely on, the facts of this case, and the words made of them.

A class is the one place of its message. The classes are the table that docs/messages.md is made of, so each has an
example of itself: `sample`. Facts are no part of any output: they would become a contract, and say more than the
disclosure rules allow. Pure.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import ClassVar, Self

from ..aws import NotPermitted
from ..callers import Caller, EventSource, Url
from ..lazy import dataclass
from ..links import page
from .commands import EXAMPLE, PutBack
from .phrases import closed

# A fact's name has one example.
EXAMPLES: Mapping[str, object] = {
    "account": "123456789012",
    "advice": "",
    "again": True,
    "alarm": "checkout-errors",
    "alias": "live",
    "application": "shop",
    "applications": "`shop`, `search`",
    "architecture": "arm64",
    "back": False,
    "aws_code": "GREMLINS",
    "bucket": "artifacts",
    "commit": "a1b2c3d",
    "built": "Linux, x86_64",
    "caller": Caller(
        principal="apigateway.amazonaws.com",
        source="arn:aws:execute-api:eu-central-1:123456789012:a1b2c3/*/*",
        statements=("api",),
    ),
    "config": "ci-deploy-canary-10-5m",
    "count": 14,
    "days": 30,
    "deployment": "d-A1B2C3D4E",
    "deployments": ("d-A1B2C3D4E",),
    "event_sources": (
        EventSource(uuid="14e0db71-3f0e-4f2a-9c1e-0d1b2c3d4e5f", source="arn:aws:sqs:eu-central-1:123456789012:orders"),
    ),
    "current": "41",
    "event": "AllowTraffic",
    "expected": "40",
    "fact": NotPermitted("service:Action"),
    "files": "`app.py`, `lib/a.py` and 12 more",
    "ending": "reported",
    "firing": (("checkout-errors", "Errors 14, threshold 5"),),
    "seconds": 7.0,
    "when": "1m 35s into the 10% canary",
    "folder": "src",
    "found": "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
    "function": "checkout",
    "given": True,
    "group": "checkout",
    "groups": "`checkout`, `search`",
    "handler": "app.handler",
    "has": "Zip",
    "holds": "`$LATEST`",
    "hold": "by alice run 7 - orders are lost",
    "hook": "CodeDeployHook_smoke",
    "hook_role": "smoke-role",
    "how": "a second signal",
    "image": True,
    "in_setup": False,
    "input_name": "before-allow-traffic",
    "key": "CodeDeploy/",
    "kind": "deploy",
    "known": True,
    "left": 2400.0,
    "limit": 21_600.0,
    "limited": True,
    "live": "41",
    "late": False,
    "looked_for": "`app.py`",
    "needed": True,
    "newer": 4712,
    "new": "arn:aws:iam::123456789012:role/new",
    "old": "arn:aws:iam::123456789012:role/old",
    "of": "checkout:live",
    "of_all": 20,
    "other": "search",
    "other_alias": "live",
    "others": "`prod`, `test`",
    "ours": True,
    "package": "build",
    "platform": "Server",
    "policy": "wait",
    "marker": "0f1e2d3c",
    "minutes": 135.0,
    "misnamed": False,
    "previous": "41",
    "problem": "lambda:UpdateAlias: AccessDeniedException",
    "provisioned": 10,
    "put_back": PutBack(where=EXAMPLE, version="41"),
    "region": "eu-central-1",
    "repaired": False,
    "replacing": False,
    "role": "arn:aws:iam::123456789012:role/deployer",
    "rollback": "d-R1S2T3U4V",
    "rule": "expire",
    "run": 4711,
    "rules": "`[a`",
    "runtime": "provided.al2023",
    "said": "there is no successful revision",
    "sam": True,
    "serves": (("41", 100.0),),
    "shape": "canary 10% 10m",
    "shift": 600.0,
    "share": 10.0,
    "shares": (("41", 90.0), ("42", 10.0)),
    "since": 1_795_500_000.0,
    "split": False,
    "stack": "shop-prod",
    "state": "Inactive",
    "state_code": "AccessDeniedException",
    "status": "Failed",
    "step": 100.0,
    "stopped": True,
    "stopping": False,
    "tag": "managed-by",
    "target": "42",
    "there": "us-east-1",
    "timeout": 25_200.0,
    "tool": "Terraform",
    "until": 1_795_600_000.0,
    "unread": (NotPermitted("service:Action"),),
    "url": Url(address="https://abc123.lambda-url.eu-central-1.on.aws/", auth="NONE"),
    "uses": "a resource policy",
    "value": "terraform",
    "version": "42",
    "versions": ("40", "39"),
    "what": "module",
    "where": EXAMPLE,
    "why": "The function is idle.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """`code` is kebab-case and stable; `means` is one sentence for the docs.

    Abstract for the type checker alone: with ABC, `isinstance` of any other object asks all these classes in turn.
    """

    code: ClassVar[str]
    means: ClassVar[str]
    urgent: ClassVar[bool] = False  # whether its remedy comes before those of other reasons
    also: ClassVar[tuple[Mapping[str, object], ...]] = ()  # facts of further examples, where the words differ

    @property
    @abstractmethod
    def text(self) -> str:
        """What is so, in whole sentences; empty where there is nothing to say."""

    @property
    def remedy(self) -> str:
        """What to do about it; empty where nothing is to be done."""
        return ""

    @classmethod
    def sample(cls) -> Self:
        """An example, for the docs and the tests: facts by their names, unless the class says better."""
        return cls(**{fact.name: EXAMPLES[fact.name] for fact in fields(cls)})

    @classmethod
    def samples(cls) -> tuple[Self, ...]:
        """One example for each way in which the words differ."""
        first = cls.sample()
        return (first, *(replace(first, **facts) for facts in cls.also))


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Reason):
    """What could not be done beside the run's own work: `problem` as AWS says it, `advice` what to do about it."""

    problem: str
    advice: str = ""

    @property
    def brief(self) -> str:
        """The problem as it stands in parentheses."""
        return self.problem.rstrip(".")

    @property
    def remedy(self) -> str:
        return self.advice


def explained(code: str) -> str:
    """Where the documentation says what a message means."""
    return page(f"messages.md#{code}")


def text_of(reasons: Iterable[Reason]) -> str:
    """All reasons as one text; AWS's own words may not end as a sentence does."""
    texts = [reason.text for reason in reasons if reason.text]
    return " ".join([*(closed(text) for text in texts[:-1]), *texts[-1:]])


def remedy_of(reasons: Iterable[Reason]) -> str:
    """What to do about all of them, each remedy once."""
    ordered = sorted(reasons, key=lambda reason: not reason.urgent)
    return " ".join(dict.fromkeys(reason.remedy for reason in ordered if reason.remedy))
