"""The emulator of the other tests, and CloudWatch asked in short."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.emulator.world import World

START = 1_790_000_000.0
FIRST = START - START % 60 + 60  # the first whole minute

Ask = Callable[..., dict[int, float]]


@pytest.fixture
def ask(shop: World) -> Ask:
    """Points by minute, counted from FIRST. `version` and `alias` choose the dimensions (None: the function's own)."""

    def asked(
        metric: str = "Invocations",
        stat: str = "Sum",
        version: str = "",
        *,
        alias: str | None = "live",
        period: int = 60,
        minutes: tuple[int, int] = (-1, 200),
    ) -> dict[int, float]:
        dimensions = [{"Name": "FunctionName", "Value": "checkout"}]
        dimensions += [{"Name": "Resource", "Value": f"checkout:{alias}"}] if alias else []
        dimensions += [{"Name": "ExecutedVersion", "Value": version}] if version else []
        given = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions}
        (result,) = shop.client("cloudwatch").get_metric_data(
            MetricDataQueries=[{"Id": "m0", "MetricStat": {"Metric": given, "Period": period, "Stat": stat}}],
            StartTime=datetime.fromtimestamp(FIRST + 60 * minutes[0], UTC),
            EndTime=datetime.fromtimestamp(FIRST + 60 * minutes[1], UTC),
            ScanBy="TimestampAscending",
        )["MetricDataResults"]
        at = [int((stamp.timestamp() - FIRST) // 60) for stamp in result["Timestamps"]]
        return dict(zip(at, result["Values"], strict=True))

    return asked


def split(shop: World, weight: float = 0.1) -> None:
    """Give version 2 a share of the alias's traffic."""
    routing = {"AdditionalVersionWeights": {"2": weight} if weight else {}}
    shop.functions.update_alias(FunctionName="checkout", Name="live", RoutingConfig=routing)


def callers(per_minute: float = 600, **more: Any) -> dict[str, Any]:
    """An entry of the traffic list."""
    return {"function": "checkout", "alias": "live", "per_minute": per_minute, "versions": {}, **more}
