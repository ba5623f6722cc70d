"""Deployment configs of the Lambda platform: the predefined ones, custom ones with AWS's limits, and their shifts.

Facts: user guide, deployment-configurations (facts A9, A11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...errors import ApiError

NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,100}")
LAST_SHIFT_MINUTES = 2880
CONFIGS_PER_ACCOUNT = 200

Shifts = tuple[tuple[float, float], ...]


def _canary(minutes: int) -> dict[str, Any]:
    return {"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": minutes}}


def _linear(minutes: int) -> dict[str, Any]:
    return {"type": "TimeBasedLinear", "timeBasedLinear": {"linearPercentage": 10, "linearInterval": minutes}}


_PREDEFINED_LAMBDA: dict[str, dict[str, Any]] = {
    "CodeDeployDefault.LambdaAllAtOnce": {"type": "AllAtOnce"},
    **{f"CodeDeployDefault.LambdaCanary10Percent{minutes}Minutes": _canary(minutes) for minutes in (5, 10, 15, 30)},
    "CodeDeployDefault.LambdaLinear10PercentEvery1Minute": _linear(1),
    **{f"CodeDeployDefault.LambdaLinear10PercentEvery{minutes}Minutes": _linear(minutes) for minutes in (2, 3, 10)},
}
_PREDEFINED_ECS: dict[str, dict[str, Any]] = {
    "CodeDeployDefault.ECSAllAtOnce": {"type": "AllAtOnce"},
    **{f"CodeDeployDefault.ECSCanary10Percent{minutes}Minutes": _canary(minutes) for minutes in (5, 15)},
    **{f"CodeDeployDefault.ECSLinear10PercentEvery{minutes}Minutes": _linear(minutes) for minutes in (1, 3)},
}
_PREDEFINED_SERVER = {
    "CodeDeployDefault.OneAtATime": {"type": "HOST_COUNT", "value": 1},
    "CodeDeployDefault.HalfAtATime": {"type": "FLEET_PERCENT", "value": 50},
    "CodeDeployDefault.AllAtOnce": {"type": "HOST_COUNT", "value": 0},
}


def predefined() -> dict[str, dict[str, Any]]:
    """All predefined configs as GetDeploymentConfig shows them; those of other platforms are there to be refused."""
    configs: dict[str, dict[str, Any]] = {}
    for platform, routings in (("Lambda", _PREDEFINED_LAMBDA), ("ECS", _PREDEFINED_ECS)):
        for name, routing in routings.items():
            configs[name] = {
                "deploymentConfigName": name,
                "computePlatform": platform,
                "trafficRoutingConfig": routing,
            }
    for name, hosts in _PREDEFINED_SERVER.items():
        configs[name] = {"deploymentConfigName": name, "computePlatform": "Server", "minimumHealthyHosts": hosts}
    for number, config in enumerate(configs.values(), start=1):
        config["deploymentConfigId"] = f"00000000-0000-0000-0000-{number:012d}"
        config["createTime"] = 1511827200.0
    return configs


DEFAULTS = {
    "Server": "CodeDeployDefault.OneAtATime",
    "Lambda": "CodeDeployDefault.LambdaAllAtOnce",
    "ECS": "CodeDeployDefault.ECSAllAtOnce",
}
"""The config of a group that names none, by compute platform."""


def checked_name(name: object) -> str:
    """The name of a deployment config, or AWS's error."""
    if name is None or name == "":
        raise ApiError("DeploymentConfigNameRequiredException", "The deployment configuration name was not specified.")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ApiError("InvalidDeploymentConfigNameException", "The deployment configuration name is invalid.")
    return name


def custom(params: Mapping[str, Any]) -> dict[str, Any]:
    """The config that CreateDeploymentConfig asks for; the id and the time are the caller's to add."""
    name = checked_name(params.get("deploymentConfigName"))
    if name.startswith("CodeDeployDefault."):
        raise ApiError(
            "InvalidDeploymentConfigNameException",
            "Deployment configuration names that begin with CodeDeployDefault. are reserved.",
        )
    platform = params.get("computePlatform", "Server")
    if platform not in ("Server", "Lambda", "ECS"):
        raise ApiError("InvalidComputePlatformException", f"The compute platform {platform} is not valid.")
    config: dict[str, Any] = {"deploymentConfigName": name, "computePlatform": platform}
    if platform == "Server":
        config["minimumHealthyHosts"] = _hosts(params.get("minimumHealthyHosts"))
        return config
    if params.get("minimumHealthyHosts"):
        raise ApiError(
            "InvalidMinimumHealthyHostValueException",
            f"minimumHealthyHosts cannot be set for the compute platform {platform}.",
        )
    if params.get("zonalConfig"):
        raise ApiError(
            "InvalidZonalDeploymentConfigurationException",
            f"zonalConfig cannot be set for the compute platform {platform}.",
        )
    config["trafficRoutingConfig"] = _routing(params.get("trafficRoutingConfig"))
    return config


def _hosts(hosts: object) -> dict[str, Any]:
    if (
        not isinstance(hosts, Mapping)
        or hosts.get("type") not in ("HOST_COUNT", "FLEET_PERCENT")
        or not isinstance(hosts.get("value"), int)
        or hosts["value"] < 0
    ):
        raise ApiError(
            "InvalidMinimumHealthyHostValueException", "The minimum healthy instance value is missing or invalid."
        )
    return dict(hosts)


def _routing(routing: object) -> dict[str, Any]:
    def wrong(text: str) -> ApiError:
        return ApiError("InvalidTrafficRoutingConfigurationException", text)

    if not isinstance(routing, Mapping):
        raise wrong("trafficRoutingConfig is required for this compute platform.")
    kind = routing.get("type")
    canary, linear = routing.get("timeBasedCanary"), routing.get("timeBasedLinear")
    if kind == "AllAtOnce":
        if canary or linear:
            raise wrong("AllAtOnce takes neither timeBasedCanary nor timeBasedLinear.")
        return {"type": kind}
    if kind == "TimeBasedCanary":
        if linear or not isinstance(canary, Mapping):
            raise wrong("TimeBasedCanary takes timeBasedCanary, and that alone.")
        percent, minutes = canary.get("canaryPercentage"), canary.get("canaryInterval")
        increments = 1
    elif kind == "TimeBasedLinear":
        if canary or not isinstance(linear, Mapping):
            raise wrong("TimeBasedLinear takes timeBasedLinear, and that alone.")
        percent, minutes = linear.get("linearPercentage"), linear.get("linearInterval")
        increments = -(-100 // percent) - 1 if isinstance(percent, int) and percent > 0 else 1
    else:
        raise wrong(f"The traffic routing type {kind} is not valid.")
    if not isinstance(percent, int) or isinstance(percent, bool) or not 1 <= percent <= 99:
        raise wrong("The percentage must be a whole number from 1 to 99.")
    if not isinstance(minutes, int) or isinstance(minutes, bool) or minutes < 1:
        raise wrong("The interval must be a whole number of minutes, 1 at least.")
    if increments * minutes > LAST_SHIFT_MINUTES:
        raise wrong(f"The last shift must come within {LAST_SHIFT_MINUTES} minutes of the first.")
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in routing.items() if value}


def shifts(routing: Mapping[str, Any]) -> Shifts:
    """When traffic moves: (seconds after AllowTraffic began, percent on the target), the last always 100."""
    if routing["type"] == "TimeBasedCanary":
        canary = routing["timeBasedCanary"]
        return ((0.0, float(canary["canaryPercentage"])), (canary["canaryInterval"] * 60.0, 100.0))
    if routing["type"] == "TimeBasedLinear":
        step, minutes = routing["timeBasedLinear"]["linearPercentage"], routing["timeBasedLinear"]["linearInterval"]
        count = -(-100 // step)
        return tuple((index * minutes * 60.0, float(min(100, (index + 1) * step))) for index in range(count))
    return ((0.0, 100.0),)
