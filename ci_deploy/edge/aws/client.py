"""The one door to AWS: clients, credentials in use, rate limits, and calls whose errors are translated.

It decides nothing about deployments and repeats nothing by itself (`reading` is what repeats). botocore is used
without boto3, which costs start-up time and adds nothing here. Sources: facts.md D (timeouts, retry modes), A11
(rates), A15 (endpoints).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.session import Session

from ... import __version__
from ...core.errors import AwsError, CiDeployError, ErrorKind, InvalidInput
from ...core.given import mistakes
from ..network import Trust
from .codedeploy.parse import answered_at
from .credentials import chain
from .errors import CALL_ERRORS, iam_action, not_aws, of_somebody_else, said, translate, unreadable
from .rate import Bucket
from .retry import BUDGET, PATIENCE, reading

if TYPE_CHECKING:
    from ...ports import Clock

T = TypeVar("T")

CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
# A rehearsal's answers come from the same machine; at speed 60 twenty seconds would be twenty minutes of its time.
READ_SECONDS_LEAST = 5.0
URGENT_SECONDS = 2.0
CONNECTIONS = 16

# Ours, and those of botocore's credential providers.
SERVICES = (
    "cloudformation",
    "cloudwatch",
    "codedeploy",
    "iam",
    "lambda",
    "logs",
    "s3",
    "signin",
    "sso",
    "sso-oidc",
    "sts",
)

# Requests a second and burst: Lambda's control plane has 15/s for the account, of which GetFunction is not part.
RATES: Mapping[str, tuple[float, float]] = {
    "lambda": (10, 10),
    "lambda:GetFunction": (50, 50),
    "lambda:DeleteFunction": (2, 2),
    "lambda:Invoke": (50, 50),  # not of the control plane
    "codedeploy": (5, 10),
    "codedeploy:CreateDeployment": (5, 5),
    "cloudformation": (2, 10),
    "cloudwatch": (5, 5),
    "cloudwatch:GetMetricData": (20, 20),  # 50 for the account and region
    "logs": (4, 4),
}

MOVED = 2.0  # seconds that AWS's clock must be behind what was heard of it to be taken for another one


class Aws:
    """Clients made when first used, and `call`.

    `session`: its credential providers are what the clients sign with. `region`: used for every client.
    `endpoints`: service -> the address that its requests go to, where it is not AWS's usual one; None: as botocore
    finds it configured. `trust`: the certificates in use, to be named when one is not accepted. `urgent_session`: makes
    the urgent client where its credentials must not wait for a refresh. `on_expired`: told when AWS says that the
    credentials have expired. `learn`: told every secret that requests are signed with, before they are.
    """

    def __init__(
        self,
        session: Session,
        clock: Clock,
        *,
        region: str,
        path_style: bool = False,
        endpoints: Mapping[str, str] | None = None,
        trust: Trust | None = None,
        urgent_session: Session | None = None,
        on_expired: Callable[[], None] = lambda: None,
        learn: Callable[..., None] = lambda *_: None,
    ) -> None:
        self.region = region
        self.clock = clock
        self._session = session
        self._path_style = path_style
        self._endpoints = endpoints
        self._trust = trust or Trust()
        self._learn = learn
        self._signing: object = None
        self._urgent_session = urgent_session or session
        self._on_expired = on_expired
        self._clients: dict[str, Any] = {}
        # A session's create_client is not thread-safe; the clients are.
        self._lock = threading.Lock()
        self._credentials_lock = threading.Lock()
        self._ahead: float | None = None  # AWS's time minus ours, by the answers so far
        self._buckets = {name: Bucket(clock, rate=rate, burst=burst) for name, (rate, burst) in RATES.items()}

    def client(self, service: str, *, urgent: bool = False, patience: float | None = None) -> Any:
        """The botocore client for a service; the first CodeDeploy client brings the urgent one with it.

        `patience`: real seconds that it waits for an answer, where that is longer than usual.
        """
        key = f"{service}!" if urgent else service if patience is None else f"{service} {patience:g}"
        found = self._clients.get(key)
        if found is not None:
            return found
        with self._lock:
            if key not in self._clients:
                # A StopDeployment must go out within 2 s of a signal: its client must be there before it is needed.
                if service == "codedeploy":
                    self._clients["codedeploy!"] = self._create(service, urgent=True)
                if not urgent:
                    self._clients[key] = self._create(service, urgent=False, patience=patience)
            return self._clients[key]

    def _create(self, service: str, *, urgent: bool, patience: float | None = None) -> Any:
        session = self._urgent_session if urgent else self._session
        wanted = config(self.clock, urgent=urgent, path_style=self._path_style)
        if patience is not None:
            wanted = wanted.merge(Config(read_timeout=patience))
        if self._endpoints is not None:
            # What was judged is what is used: botocore does not look for itself.
            wanted = wanted.merge(Config(ignore_configured_endpoint_urls=True))
        try:
            client = session.create_client(
                service, region_name=self.region, endpoint_url=(self._endpoints or {}).get(service), config=wanted
            )
        except CALL_ERRORS:
            raise
        except chain.Failed:
            raise
        except Exception as error:  # noqa: BLE001 - settings.py has judged what it knows of; this is for the rest
            problem = mistakes.settings_unusable(service, f"{type(error).__name__}: {said(error)}")
            raise InvalidInput((problem,)) from None
        if service == "s3":
            client.meta.events.register("before-send.s3", self._refuse_other_region)
            client.meta.events.register_first("needs-retry.s3", _refuse_redirect)
        return client

    def wait(self, service: str, operation: str, rate: str = "") -> None:
        """Return when the rate limit lets one more request out."""
        bucket = self._bucket(service, operation, rate)
        if bucket is not None:
            bucket.take()

    def _bucket(self, service: str, operation: str, rate: str) -> Bucket | None:
        return self._buckets.get(rate or f"{service}:{operation}") or self._buckets.get(service)

    def call(
        self,
        service: str,
        operation: str,
        resource: str = "",
        /,
        *,
        expects: str = "",
        urgent: bool = False,
        rate: str = "",
        waited: bool = False,
        patience: float | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        """One attempt of an operation (AWS's PascalCase name); raises AwsError.

        `resource` is what it is about, in words. `expects` is a member without which the answer is worthless.
        Parameters that are None are not sent. `urgent`: short time-outs, and no waiting for the rate limit.
        `rate`: the limit that counts, where it is another one. `waited`: the caller has done so already.
        `patience`: see `client`.
        """
        if not (urgent or waited):
            self.wait(service, operation, rate)
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            if not urgent:
                self._have_credentials()
            method = getattr(self.client(service, urgent=urgent, patience=patience), xform_name(operation))
            answer = method(**given)
        except chain.Failed as failed:
            raise self._told(chain.explained(failed, iam_action(service, operation))) from failed
        except CALL_ERRORS as error:
            told = self._told(translate(error, service=service, operation=operation, resource=resource))
            bucket = self._bucket(service, operation, rate)
            if bucket is not None and isinstance(told, AwsError) and told.kind is ErrorKind.THROTTLED:
                bucket.throttled()
            raise told from error
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            # botocore's parsers trip over answers that are no answers: other encodings, JSON of another shape.
            raise unreadable(service, operation, resource, expects or "content") from error
        if isinstance(answer, dict) and of_somebody_else(answer.get("ResponseMetadata") or {}):
            if (body := answer.get("Body")) is not None:
                body.close()
            raise not_aws(service, operation, resource, answer["ResponseMetadata"])  # S3 takes any 200 for a success
        if not isinstance(answer, dict) or (expects and expects not in answer):
            raise unreadable(service, operation, resource, expects)
        self._hear(answer)
        return answer

    def time(self) -> float:
        """AWS's time (epoch seconds), by all answers so far; ours before the first."""
        return self.clock.epoch() + (self._ahead or 0.0)

    def _hear(self, answer: dict[str, Any]) -> None:
        """A Date header is cut to whole seconds, so what says the latest is the truest, unless a clock was moved."""
        stamp = answered_at(answer)
        if stamp is not None:
            ahead, before = stamp - self.clock.epoch(), self._ahead
            self._ahead = ahead if before is None or ahead < before - MOVED else max(ahead, before)

    def _have_credentials(self) -> None:
        """Credentials that can be sent, refreshed if they are due; raises what keeps us from having them."""
        with self._credentials_lock:
            found = chain.frozen(self._session)
            if found is not None and found != self._signing:
                self._learn(*filter(None, (found.access_key, found.secret_key, found.token)))
                self._signing = found

    def _told(self, error: CiDeployError) -> CiDeployError:
        if isinstance(error, AwsError):
            if error.kind is ErrorKind.EXPIRED:
                self._on_expired()
            if error.code == "SSLError":
                error.hint = self._trust.hint
        return error

    def read(self, service: str, operation: str, resource: str = "", /, **parameters: Any) -> dict[str, Any]:
        """`call`, repeated on transient errors within the reading budget."""
        return self.reading(lambda: self.call(service, operation, resource, **parameters))

    def reading(self, call: Callable[[], T], *, budget: float | None = None, also: frozenset[str] = frozenset()) -> T:
        """`call`, repeated; with a `budget` that is all the time that there is, also while AWS throttles."""
        if budget is not None:
            return reading(self.clock, call, budget=budget, also=also)
        return reading(self.clock, call, budget=BUDGET, patience=PATIENCE, also=also)

    def _refuse_other_region(self, request: Any, **_: Any) -> None:
        """Stop botocore from following a bucket to its own region: CodeDeploy would not follow."""
        authorization = request.headers.get("Authorization", b"")
        text = authorization.decode("latin-1") if isinstance(authorization, bytes) else str(authorization)
        scope = text.partition("Credential=")[2].partition(",")[0].split("/")
        if len(scope) >= 5 and scope[-2] == "s3" and scope[-3] != self.region:
            raise OtherRegion(scope[-3])


def _refuse_redirect(response: Any, operation: Any, **_: Any) -> None:
    """Stop botocore from asking again and again where a bucket is, when a proxy leads to its login page."""
    parsed = response[1] if response else {}
    if of_somebody_else(parsed.get("ResponseMetadata") or {}):
        raise ClientError(parsed, operation.name)


class OtherRegion(Exception):  # noqa: N818 - a finding about a bucket, turned into an AwsError at once
    """A bucket turned out to live in `region`; raised below botocore, caught in edge/s3.py."""

    def __init__(self, region: str) -> None:
        super().__init__(region)
        self.region = region


def _base(clock: Clock) -> Config:
    speed = clock.real(1.0)
    return Config(
        # Ours is the only retry policy: botocore must make exactly one attempt.
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=max(READ_SECONDS / speed, READ_SECONDS_LEAST) if speed > 1 else READ_SECONDS,
        tcp_keepalive=True,
        max_pool_connections=CONNECTIONS,
        user_agent_extra=f"ci-deploy/{__version__}",
    )


def config(clock: Clock, *, urgent: bool = False, path_style: bool = False) -> Config:
    base = _base(clock)
    if urgent:
        base = base.merge(Config(connect_timeout=URGENT_SECONDS, read_timeout=URGENT_SECONDS))
    if path_style:
        # http://bucket.127.0.0.1 does not resolve.
        base = base.merge(Config(s3={"addressing_style": "path"}))
    return base


def knowing(session: Session, trust: Trust | None = None) -> Session:
    """The session, told which services there are: botocore looks through four hundred folders to find out.

    Their models, and the addresses in them, are botocore's own: none of the machine's (AWS_DATA_PATH, ~/.aws/models).
    """
    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    loader.list_available_services = lambda type_name: list(SERVICES)
    session.register_component("data_loader", loader)
    return _trusting(session, trust)


def sibling(session: Session, trust: Trust | None = None) -> Session:
    """Another session, sharing the loader: reading botocore's API models is most of what a client costs."""
    made = Session()
    made.register_component("data_loader", session.get_component("data_loader"))
    return _trusting(made, trust)


def _trusting(session: Session, trust: Trust | None) -> Session:
    """All clients of the session, those of the credential providers too, verify by these certificates."""
    if trust is not None and trust.variable:
        session.set_config_variable("ca_bundle", trust.path)
    # Written for these models: a profile that asks for older ones means other programs.
    session.set_config_variable("api_versions", {})
    return session


def sts_creator(session: Session, clock: Clock, region: str, endpoints: Mapping[str, str]) -> Callable[..., Any]:
    """The client creator that botocore's web identity fetcher asks for (it brings the unsigned config)."""
    wanted = _base(clock).merge(Config(ignore_configured_endpoint_urls=True))

    def create(_service: str, *, config: Config) -> Any:
        return session.create_client(
            "sts", region_name=region, endpoint_url=endpoints.get("sts"), config=wanted.merge(config)
        )

    return create
