"""The plan as a pure function of inputs and facts: what is deployed, how, with what in effect, and when nothing is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ci_deploy.core.aws import (
    Alarm,
    AlarmConfiguration,
    Alias,
    Deployment,
    DeploymentConfig,
    DeploymentGroup,
    DeploymentStatus,
    DeploymentTarget,
    Fact,
    FunctionVersion,
    Identity,
    Known,
    NotPermitted,
    RollbackEvent,
    Unavailable,
)
from ci_deploy.core.given.files.appspec import HOOKS as EVENTS
from ci_deploy.core.given.files.appspec import AppSpec
from ci_deploy.core.given.package.packaging import Code, Package, StoredPackage
from ci_deploy.core.given.source import Image
from ci_deploy.core.given.source import s3_location as location
from ci_deploy.core.marker import Marker, key_of, write
from ci_deploy.core.plan.comparing import compare, differences, fingerprint
from ci_deploy.core.plan.planning import (
    Existing,
    Facts,
    Plan,
    ToPublish,
    appspec_of,
    bind,
    existing,
    marker_key,
    plan,
    reverse,
)
from ci_deploy.core.plan.surroundings import Surroundings
from ci_deploy.core.reasons.preflight.deciding import SameContent, ServedAlready
from ci_deploy.core.reasons.reason import Reason
from ci_deploy.core.result import Finding, Severity
from ci_deploy.core.schedule import Step
from tests.support.machine.world import AT_ONCE, CANARY, IDENTITY, inputs
from tests.support.reasons import Said

ALL_EVENTS = ("DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST")
ONE = FunctionVersion(function="checkout", version="1", code_sha256="old", configuration={"MemorySize": "128"})
TWO = replace(ONE, version="2", code_sha256="two")
LATEST = replace(ONE, version="$LATEST", code_sha256="new", revision_id="r1", code_size=10)
LIVE = Alias(function="checkout", name="live", version="1")
GROUP = DeploymentGroup(
    application="app",
    name="group",
    config_name="groups",
    service_role_arn="arn:aws:iam::1:role/deployer",
    alarms=AlarmConfiguration(enabled=True, names=("errors",)),
    auto_rollback_enabled=True,
    auto_rollback_events=("DEPLOYMENT_FAILURE",),
)
FACTS = Facts(
    identity=IDENTITY,
    latest=LATEST,
    alias=LIVE,
    current=ONE,
    target=TWO,
    group=GROUP,
    config=DeploymentConfig(name="groups", routing=CANARY),
    alarms=Known((Alarm(name="errors", state="OK"),)),
    hooks={"CodeDeployHook_x": Known(None)},
)
SHA = "b3VycyBvdXJzIG91cnMgb3VycyBvdXJzIG91cnMgISE="
ZIP = Package(path="build", sha256=SHA, size=77, unzipped=99, files=1)
STORED = StoredPackage(location=location("s3://mine/app.zip?versionId=v1"), sha256=SHA, size=77)
REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/checkout"
BY_DIGEST = Image(uri=f"{REGISTRY}@sha256:{'a' * 64}")
BY_TAG = Image(uri=f"{REGISTRY}:v1")
HOOKS = {"before_allow_traffic": "CodeDeployHook_x", "after_allow_traffic": "CodeDeployHook_y"}
HOUR = 3600.0
SHIFT = 300.0 + 600.0  # the canary's five minutes, and ten of slack


def deployment(**changes: object) -> Deployment:
    target = DeploymentTarget(
        target_id="t",
        function="arn:aws:lambda:eu-central-1:123456789012:function:checkout",
        alias="live",
        current_version="1",
        target_version="2",
    )
    usual: dict[str, object] = {"id": "d-1", "status": DeploymentStatus.IN_PROGRESS, "targets": (target,)}
    return Deployment(**{**usual, **changes})  # type: ignore[arg-type]


# --- A usual plan, whole ---


def test_a_plan_has_all_that_was_decided() -> None:
    assert plan(inputs(bucket="mine/CodeDeploy/shop/", **HOOKS), FACTS) == Plan(
        function="checkout",
        alias="live",
        application="app",
        group="group",
        current_version="1",
        target=ToPublish(source="latest", code_sha256="new", revision_id="r1", fingerprint=fingerprint(LATEST)),
        config_name="groups",
        routing=CANARY,
        before_hook="CodeDeployHook_x",
        after_hook="CodeDeployHook_y",
        bucket="mine",
        prefix="CodeDeploy/shop",
        auto_rollback=None,
        rollback_events=("DEPLOYMENT_FAILURE",),
        override_alarms=None,
        alarm_names=("errors",),
        timeout=SHIFT + 2 * HOUR,
        reverses=False,
        creates_alias=False,
        unchanged=None,
        current=ONE,
        new=LATEST,
        hooks=FACTS.hooks,
        service_role="arn:aws:iam::1:role/deployer",
    )


def test_a_plan_is_made_of_nothing_too_and_shows_what_is_missing_as_empty() -> None:
    made = plan(inputs(), Facts(identity=Identity(account="1", arn="a", region="r")))
    nothing = ToPublish(source="latest", code_sha256="", revision_id="", fingerprint="")
    assert (made.current_version, made.target, made.new, made.unchanged) == ("", nothing, None, None)
    assert (made.config_name, made.alarm_names, made.service_role) == ("", (), "")
    assert (made.before_hook, made.after_hook, made.bucket) == ("", "", "")
    assert (made.creates_alias, made.compared, made.target_version) == (False, (), "")


def test_what_people_read_of_a_plan_follows_from_it() -> None:
    made = plan(inputs(), FACTS)
    refused = Finding(severity=Severity.REFUSAL, reason=Said(code="a", said="no"))
    warned = Finding(severity=Severity.WARNING, reason=Said(code="b", said="hm"))
    assert made.key == "checkout:live"
    assert made.steps == (Step(0.0, 10.0), Step(300.0, 100.0))
    assert made.shift_seconds == 300.0
    assert made.compared == compare(ONE, LATEST)
    assert replace(made, current=None).compared == ()
    assert replace(made, new=None).compared == ()
    assert replace(made, findings=(warned, refused)).refusals == (refused,)


# --- What is deployed ---


def test_a_version_that_is_named_is_deployed_as_it_is() -> None:
    made = plan(inputs(version="2"), FACTS)
    assert (made.target, made.new, made.unchanged) == (Existing(version="2", code_sha256="two"), TWO, None)
    assert made.target_version == "2"
    missing = plan(inputs(version="9"), replace(FACTS, target=None))
    assert (missing.target, missing.new) == (Existing(version="9"), None)


@pytest.mark.parametrize(
    ("alias", "unchanged"),
    [
        (replace(LIVE, version="2"), ServedAlready(version="2")),
        (replace(LIVE, version="2", weights={"1": 10.0}), None),
        (LIVE, None),
        (None, None),
    ],
)
def test_a_version_that_is_served_alone_is_not_deployed_again(alias: Alias | None, unchanged: Reason | None) -> None:
    assert plan(inputs(version="2"), replace(FACTS, alias=alias)).unchanged == unchanged


@pytest.mark.parametrize(
    ("code", "sha256", "size", "uri"),
    [
        (ZIP, SHA, 77, ""),
        (STORED, SHA, 77, ""),
        (BY_DIGEST, "a" * 64, 0, BY_DIGEST.uri),
        (BY_TAG, "", 0, BY_TAG.uri),
    ],
)
def test_new_code_goes_to_latest_first_whose_settings_stay(code: Code, sha256: str, size: int, uri: str) -> None:
    made = plan(inputs(), replace(FACTS, code=code))
    new = replace(LATEST, code_sha256=sha256, code_size=size, image_uri=uri)
    known = replace(new, code_sha256=sha256 or BY_TAG.uri)
    assert made.new == new
    assert made.target == ToPublish(
        source=str(code), code_sha256=sha256, revision_id="r1", fingerprint=fingerprint(known), code=code, updates=True
    )


@pytest.mark.parametrize(
    ("failed", "sent"),
    [
        ({"state": "Failed", "state_reason_code": "InsufficientCapacity"}, True),
        ({"state": "Failed", "state_reason_code": "FunctionError.InitTimeout"}, False),
        ({"state": "Failed"}, False),
        ({"state_reason_code": "InsufficientCapacity"}, False),
        ({"state": "Failed", "state_reason_code": "InsufficientCapacity", "code_sha256": "other"}, False),
    ],
)
def test_code_whose_version_failed_by_no_fault_of_its_own_is_sent_again(failed: dict[str, str], sent: bool) -> None:
    """Lambda makes a new version of code that is sent again, and none of what is only published again."""
    held = replace(LATEST, code_sha256=SHA)
    version = replace(held, version="2", **failed)  # type: ignore[arg-type]
    target = plan(inputs(), replace(FACTS, code=ZIP, latest=held, newer=(version,))).target
    assert isinstance(target, ToPublish)
    assert target.updates == sent
    target = plan(inputs(), replace(FACTS, code=None, latest=held, newer=(version,))).target
    assert isinstance(target, ToPublish)
    assert not target.updates


@pytest.mark.parametrize("there", [SHA, "a" * 64])
def test_code_that_latest_has_is_not_sent_again(there: str) -> None:
    code = ZIP if there == SHA else BY_DIGEST
    held = replace(LATEST, code_sha256=there)
    made = plan(inputs(), replace(FACTS, code=code, latest=held))
    assert made.new == held
    assert made.target == ToPublish(
        source=str(code), code_sha256=there, revision_id="r1", fingerprint=fingerprint(held), code=code, updates=False
    )


@pytest.mark.parametrize(("code", "size", "uri"), [(ZIP, ZIP.size, ""), (BY_TAG, 0, BY_TAG.uri)])
def test_what_is_published_has_the_new_code_and_nothing_of_the_old_ones_trouble(
    code: Code, size: int, uri: str
) -> None:
    made = plan(inputs(), replace(FACTS, code=code, latest=replace(LATEST, code_error="The key is gone.")))
    assert made.new is not None
    assert (made.new.code_size, made.new.image_uri, made.new.code_error) == (size, uri, "")


def test_two_tags_are_different_work_though_neither_hash_is_known() -> None:
    keys = {
        marker_key("deploy", plan(inputs(), replace(FACTS, code=code)))
        for code in (BY_TAG, Image(uri=f"{REGISTRY}:v2"), BY_DIGEST)
    }
    assert len(keys) == 3


@pytest.mark.parametrize(("code", "what"), [(None, "`$LATEST`"), (ZIP, "`build`")])
def test_code_and_settings_that_are_served_are_not_published_again(code: Code | None, what: str) -> None:
    current = replace(ONE, code_sha256=SHA)
    facts = replace(FACTS, current=current, latest=replace(LATEST, code_sha256=SHA), code=code)
    made = plan(inputs(), facts)
    assert made.unchanged == SameContent(version="1", holds=what)
    assert (made.target, made.new) == (Existing(version="1", code_sha256=SHA), current)


@pytest.mark.parametrize(
    "changes",
    [
        {"alias": replace(LIVE, weights={"7": 10.0})},
        {"alias": None},
        {"current": None},
        {"current": replace(ONE, configuration={"MemorySize": "256"})},
        {"code": BY_TAG},
    ],
)
def test_it_is_published_where_it_is_not_what_all_traffic_gets(changes: dict[str, object]) -> None:
    """A split alias, none, a version that is gone, other settings, and a tag that may lead anywhere."""
    same = replace(FACTS, latest=replace(LATEST, code_sha256="old"))
    assert plan(inputs(), same).unchanged
    made = plan(inputs(), replace(same, **changes))  # type: ignore[arg-type]
    assert isinstance(made.target, ToPublish)
    assert made.unchanged is None


def test_what_differs_is_named_by_awss_names_the_code_first() -> None:
    old = replace(ONE, configuration={"Timeout": "3", "Handler": "a", "Layers": "x"})
    new = replace(TWO, configuration={"Timeout": "3", "Handler": "b", "Architectures": "y"})
    assert differences(old, new) == ("Code", "Architectures", "Handler", "Layers")
    assert differences(old, replace(old, version="9")) == ()


def test_a_fingerprint_is_of_code_and_settings_in_any_order() -> None:
    one = replace(ONE, configuration={"A": "1", "B": "2"})
    assert fingerprint(one) == fingerprint(replace(one, version="7", configuration={"B": "2", "A": "1"}))
    others = [replace(one, code_sha256="x"), replace(one, configuration={"A": "1"}), replace(one, configuration={})]
    assert len({fingerprint(one), *map(fingerprint, others)}) == 4


# --- How ---


def test_the_inputs_config_goes_before_the_groups() -> None:
    assert plan(inputs(deployment_config="mine"), FACTS).config_name == "mine"
    assert plan(inputs(deployment_config="mine"), replace(FACTS, group=None)).config_name == "mine"
    assert plan(inputs(), replace(FACTS, config=None)).shift_seconds == 0.0


@pytest.mark.parametrize(
    ("group", "given", "sent", "holds"),
    [
        (GROUP, "", None, ("DEPLOYMENT_FAILURE",)),
        (replace(GROUP, auto_rollback_enabled=False), "", tuple(RollbackEvent), ALL_EVENTS),
        (replace(GROUP, auto_rollback_events=()), "", tuple(RollbackEvent), ALL_EVENTS),
        (None, "", tuple(RollbackEvent), ALL_EVENTS),
        (GROUP, "alarm", (RollbackEvent.ALARM,), ("DEPLOYMENT_STOP_ON_ALARM",)),
        (GROUP, "off", (), ()),
    ],
)
def test_rollback_is_the_inputs_else_the_groups_else_for_everything(
    group: DeploymentGroup | None, given: str, sent: object, holds: tuple[str, ...]
) -> None:
    made = plan(inputs(auto_rollback=given), replace(FACTS, group=group))
    assert (made.auto_rollback, made.rollback_events) == (sent, holds)


@pytest.mark.parametrize(
    ("group", "given", "sent", "watching"),
    [
        (GROUP, {}, None, ("errors",)),
        (replace(GROUP, alarms=replace(GROUP.alarms, enabled=False)), {}, None, ()),
        (None, {}, None, ()),
        (GROUP, {"alarms": "a\nb"}, AlarmConfiguration(enabled=True, names=("a", "b")), ("a", "b")),
        (GROUP, {"alarms": "off"}, AlarmConfiguration(enabled=False), ()),
    ],
)
def test_alarms_are_the_inputs_else_the_groups_or_off(
    group: DeploymentGroup | None, given: dict[str, str], sent: object, watching: tuple[str, ...]
) -> None:
    made = plan(inputs(**given), replace(FACTS, group=group))
    assert (made.override_alarms, made.alarm_names) == (sent, watching)


@pytest.mark.parametrize(
    ("given", "surroundings", "seconds"),
    [
        ({}, None, SHIFT),
        ({"before_allow_traffic": "CodeDeployHook_x"}, None, SHIFT + HOUR),
        ({"after_allow_traffic": "CodeDeployHook_x"}, None, SHIFT + HOUR),
        ({}, Surroundings(provisioned=Known(2)), SHIFT + 1800.0),
        ({}, Surroundings(provisioned=Known(0)), SHIFT),
        ({}, Surroundings(provisioned=NotPermitted("lambda:GetProvisionedConcurrencyConfig")), SHIFT),
        ({"timeout": "7m", **HOOKS}, Surroundings(provisioned=Known(2)), 420.0),
    ],
)
def test_the_time_limit_has_room_for_shift_hooks_and_provisioned_concurrency(
    given: dict[str, str], surroundings: Surroundings | None, seconds: float
) -> None:
    assert plan(inputs(**given), replace(FACTS, surroundings=surroundings)).timeout == seconds


@pytest.mark.parametrize(
    ("facts", "given", "creates"),
    [
        (replace(FACTS, alias=None), "true", True),
        (replace(FACTS, alias=None), "", False),
        (replace(FACTS, alias=None, latest=None), "true", False),
        (FACTS, "true", False),
    ],
)
def test_an_alias_is_created_where_there_is_none_and_it_is_wanted(facts: Facts, given: str, creates: bool) -> None:
    assert plan(inputs(create_alias=given), facts).creates_alias == creates


# --- A manual rollback ---


def rollback(facts: Facts = FACTS, **given: str) -> Plan:
    return reverse(inputs(command="rollback", reason="orders are lost", **HOOKS, **given), facts, "2")


def test_a_rollback_goes_all_at_once_without_hooks_and_is_not_rolled_back() -> None:
    made = rollback(replace(FACTS, config=DeploymentConfig(name="x", routing=AT_ONCE)))
    assert (made.current_version, made.target, made.new) == ("1", Existing(version="2", code_sha256="two"), TWO)
    assert (made.before_hook, made.after_hook, made.auto_rollback, made.rollback_events) == ("", "", (), ())
    assert (made.config_name, made.timeout) == ("CodeDeployDefault.LambdaAllAtOnce", 600.0)
    assert (made.reverses, made.unchanged, made.creates_alias) == (True, None, False)


def test_a_rollback_runs_its_hooks_where_that_is_asked_for() -> None:
    made = rollback(run_hooks="true")
    assert (made.before_hook, made.after_hook) == ("CodeDeployHook_x", "CodeDeployHook_y")
    bare = reverse(inputs(command="rollback", reason="x", run_hooks="true"), FACTS, "2")
    assert (bare.before_hook, bare.after_hook) == ("", "")


def test_a_rollback_to_what_is_served_is_nothing_to_do() -> None:
    made = rollback(replace(FACTS, alias=replace(LIVE, version="2")))
    assert made.unchanged == ServedAlready(version="2")
    assert rollback(replace(FACTS, alias=replace(LIVE, version="2", weights={"1": 5.0}))).unchanged is None


def test_a_rollback_of_what_is_not_there_is_a_plan_all_the_same() -> None:
    made = rollback(replace(FACTS, alias=None, target=None), create_alias="true")
    assert (made.current_version, made.target, made.new) == ("", Existing(version="2"), None)
    assert (made.creates_alias, made.unchanged) == (False, None)


@pytest.mark.parametrize(
    ("alarms", "group", "off"),
    [
        (Known((Alarm(name="errors", state="OK"),)), GROUP, False),
        (Known(()), GROUP, False),
        (Known((Alarm(name="a", state="OK"), Alarm(name="errors", state="ALARM"))), GROUP, True),
        (NotPermitted("cloudwatch:DescribeAlarms"), GROUP, True),
        (Unavailable("the network is down"), GROUP, True),
        (Unavailable("the network is down"), replace(GROUP, alarms=AlarmConfiguration()), False),
    ],
)
def test_alarms_are_off_in_a_rollback_only_where_one_rings_or_cannot_be_read(
    alarms: Fact[tuple[Alarm, ...]], group: DeploymentGroup, off: bool
) -> None:
    made = rollback(replace(FACTS, alarms=alarms, group=group))
    assert made.override_alarms == (AlarmConfiguration(enabled=False) if off else None)


# --- A deployment that exists ---


def test_a_deployment_that_exists_says_itself_what_it_does() -> None:
    one = deployment(config_name="its own", auto_rollback_events=("DEPLOYMENT_STOP_ON_ALARM",))
    made = existing(inputs(**HOOKS), FACTS, one, previous="7", target="8")
    assert (made.current_version, made.target, made.new) == ("1", Existing(version="2"), None)
    assert (made.config_name, made.rollback_events) == ("its own", ("DEPLOYMENT_STOP_ON_ALARM",))
    assert (made.before_hook, made.after_hook, made.reverses) == ("CodeDeployHook_x", "CodeDeployHook_y", False)


def test_where_its_target_cannot_be_read_yet_what_an_earlier_step_knew_holds() -> None:
    made = existing(inputs(), FACTS, deployment(targets=None), previous="7", target="8")
    assert (made.current_version, made.target, made.config_name) == ("7", Existing(version="8"), "groups")
    unknown = existing(inputs(), FACTS, deployment(targets=None))
    assert (unknown.current_version, unknown.target) == ("", Existing(version=""))
    assert (unknown.before_hook, unknown.after_hook) == ("", "")


@pytest.mark.parametrize(("creator", "target"), [("user", "8"), ("codeDeployRollback", "")])
def test_while_it_names_no_versions_the_alias_may_show_them_but_not_those_of_an_automatic_rollback(
    creator: str, target: str
) -> None:
    """Which goes to whatever succeeded last; the function's data come when the first hook is over (facts.md G19)."""
    bare = DeploymentTarget(target_id="t", function="checkout", alias="live", current_version="", target_version="")
    facts = replace(
        FACTS, alias=Alias(function="checkout", name="live", version="7", weights={"8": 10.0}, revision_id="r")
    )
    made = existing(inputs(), facts, deployment(targets=(bare,), creator=creator))
    assert made.target == Existing(version=target)


@pytest.mark.parametrize("event", EVENTS)
def test_a_plan_says_which_hook_an_event_has(event: str) -> None:
    made = existing(inputs(**HOOKS), FACTS, deployment())
    assert made.hook_of(event) == {"BeforeAllowTraffic": made.before_hook, "AfterAllowTraffic": made.after_hook}[event]
    assert (made.hook_of("AllowTraffic"), made.hook_events) == ("", frozenset(EVENTS))
    assert existing(inputs(), FACTS, deployment()).hook_events == frozenset()


@pytest.mark.parametrize(("kind", "reverses"), [("rollback", True), ("deploy", False)])
def test_its_marker_says_whether_it_is_a_rollback(kind: str, reverses: bool) -> None:
    description = write(Marker(id="0badcafe", key=key_of("x"), kind=kind))
    assert existing(inputs(), FACTS, deployment(description=description)).reverses == reverses


def test_it_is_given_time_for_hooks_of_which_we_do_not_know() -> None:
    assert existing(inputs(), FACTS, deployment()).timeout == SHIFT + 2 * HOUR
    assert existing(inputs(timeout="7m"), FACTS, deployment()).timeout == 420.0


# --- Once the version is there ---


def test_a_plan_is_completed_by_the_version_that_was_published_for_it() -> None:
    made = bind(plan(inputs(**HOOKS), FACTS), TWO)
    assert (made.target, made.new) == (Existing(version="2", code_sha256="two"), TWO)
    spec = AppSpec(
        function="checkout",
        alias="live",
        current_version="1",
        target_version="2",
        before_hook="CodeDeployHook_x",
        after_hook="CodeDeployHook_y",
        logical_name="checkout",
    )
    assert appspec_of(made) == spec
    assert appspec_of(replace(made, appspec_logical_name="Mine")) == replace(spec, logical_name="Mine")


def test_the_same_work_has_the_same_key_and_other_work_another() -> None:
    made = plan(inputs(), FACTS)
    assert marker_key("deploy", made) == key_of("deploy", "checkout", "live", fingerprint(LATEST))
    assert marker_key("deploy", plan(inputs(version="2"), FACTS)) == key_of("deploy", "checkout", "live", "2")
