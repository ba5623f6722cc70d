"""GetMetricData: the points of Lambda's metrics, page by page, for as many questions as are asked.

It judges nothing: what is asked and what it means is in `core/guards`. Sources: CloudWatch's model (500 queries a call,
`PartialData`, `InternalError`, `Forbidden`); facts.md H (dimensions, no point for zero).
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from ...core.errors import AwsError, ErrorKind
from ...core.guards.queries import NAMESPACE, Question, Readings, batches
from .client import Aws
from .codedeploy.parse import epoch
from .remedies import with_hint

BUDGET = 15.0  # seconds: a look that fails is made again a minute later
PAGES = 50


class CloudWatchMetrics:
    """Implements ports.Metrics."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def read(self, questions: tuple[Question, ...]) -> Readings:
        answers: dict[Question, dict[int, float]] = {}
        for batch in batches(questions):
            answers |= self._aws.reading(partial(self._batch, batch), budget=BUDGET)
        return Readings(answers=answers, at=self._aws.time())

    def _batch(self, batch: tuple[Question, ...]) -> dict[Question, dict[int, float]]:
        """One window's questions: the points of each that is complete."""
        by_id = {f"m{number}": question for number, question in enumerate(batch)}
        points: dict[str, dict[int, float]] = {name: {} for name in by_id}
        status: dict[str, str] = {}
        token: str | None = None
        for _ in range(PAGES):
            page = self._aws.call(
                "cloudwatch",
                "GetMetricData",
                expects="MetricDataResults",
                MetricDataQueries=[_query(name, question) for name, question in by_id.items()],
                StartTime=datetime.fromtimestamp(batch[0].start, UTC),
                EndTime=datetime.fromtimestamp(batch[0].end, UTC),
                ScanBy="TimestampAscending",
                NextToken=token,
            )
            for result in page["MetricDataResults"] or ():
                name = str(result.get("Id"))
                if name in by_id:
                    status[name] = str(result.get("StatusCode"))
                    points[name] |= _points(result)
            token = page.get("NextToken") or None
            if token is None:
                break
        if "Forbidden" in status.values():
            raise with_hint(
                AwsError(
                    ErrorKind.DENIED,
                    operation="cloudwatch:GetMetricData",
                    code="Forbidden",
                    message="some of the metrics may not be read",
                )
            )
        complete = {question: points[name] for name, question in by_id.items() if status.get(name) == "Complete"}
        return {} if token else complete


def _query(name: str, question: Question) -> dict[str, Any]:
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": NAMESPACE,
                "MetricName": question.metric,
                "Dimensions": [{"Name": key, "Value": value} for key, value in question.dimensions],
            },
            "Period": question.period,
            "Stat": question.statistic,
        },
        "ReturnData": True,
    }


def _points(result: dict[str, Any]) -> dict[int, float]:
    stamps = [epoch(stamp) for stamp in result.get("Timestamps") or ()]
    values = [float(value) for value in result.get("Values") or ()]
    return {round(at): value for at, value in zip(stamps, values, strict=False) if at is not None}
