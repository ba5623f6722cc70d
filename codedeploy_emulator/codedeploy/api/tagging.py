"""CodeDeploy's part of the Resource Groups Tagging API: its applications and groups that have tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.store import Place

Json = dict[str, Any]


def tagged(place: Place, params: Mapping[str, Any]) -> list[Json]:
    """What GetResources lists of CodeDeploy in a place, for the request's filters."""
    return [
        {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}
        for arn, tags in sorted(place.tags.items())
        if tags and _wanted(arn, tags, params)
    ]


def _wanted(arn: str, tags: Mapping[str, str], params: Mapping[str, Any]) -> bool:
    kind = f"codedeploy:{arn.split(':')[5]}"
    kinds = params.get("ResourceTypeFilters")
    if kinds and not {"codedeploy", kind} & set(kinds):
        return False
    if params.get("ResourceARNList") and arn not in params["ResourceARNList"]:
        return False
    return all(
        one.get("Key") in tags and (not one.get("Values") or tags[one["Key"]] in one["Values"])
        for one in params.get("TagFilters") or ()
    )
