"""CodeDeploy's operations on application revisions."""

from __future__ import annotations

from typing import Any

from ...errors import ApiError
from ...runtime import Runtime
from ..model.store import Application, Place, Revision, revision_key
from . import validation
from .applications import application_of

Params = dict[str, Any]
Json = dict[str, Any]
_SORT = {
    "registerTime": lambda revision: revision.registered,
    "firstUsedTime": lambda revision: revision.first_used or 0.0,
    "lastUsedTime": lambda revision: revision.last_used or 0.0,
}


def whole(application: Application, location: Json) -> Json:
    """A revision with its content, which one that is known may leave out when it says the sha256."""
    member = next((name for name in ("appSpecContent", "string") if name in location), None)
    if member is None or location[member].get("content"):
        return location
    held = application.revisions.get(revision_key(location))
    if held is None:
        raise ApiError("RevisionDoesNotExistException", "The revision is not registered with the application.")
    return held.location


def register_application_revision(runtime: Runtime, place: Place, params: Params) -> Json:
    application = application_of(place, validation.application_name(params))
    description = validation.description(params)
    limit = runtime.switches.number("appspec-limit-bytes")
    location = validation.revision(params, content_needed=True, limit=limit, zips=runtime.switches.flag("zip-bundles"))
    key = revision_key(location)
    held = application.revisions.get(key)
    if held is None:
        now = runtime.clock.now()
        application.revisions[key] = Revision(location=location, registered=now, description=description)
    elif description is not None:
        held.description = description
    return {}


def get_application_revision(runtime: Runtime, place: Place, params: Params) -> Json:
    name = validation.application_name(params)
    application = application_of(place, name)
    held = application.revisions.get(revision_key(validation.revision(params, content_needed=False)))
    if held is None:
        raise ApiError("RevisionDoesNotExistException", "The revision is not registered with the application.")
    return {
        "applicationName": name,
        "revision": held.location,
        "revisionInfo": _info(place, name, held),
    }


def batch_get_application_revisions(runtime: Runtime, place: Place, params: Params) -> Json:
    name = validation.application_name(params)
    application = application_of(place, name)
    missing = ApiError("RevisionRequiredException", "The revisions were not specified.")
    wanted = validation.batch(params.get("revisions"), 25, missing, "BatchLimitExceededException")
    found, unknown = [], 0
    for given in wanted:
        location = validation.revision_location(given, content_needed=False)
        held = application.revisions.get(revision_key(location))
        if held is None:
            unknown += 1
        else:
            found.append({"revisionLocation": held.location, "genericRevisionInfo": _info(place, name, held)})
    answer: Json = {"applicationName": name, "revisions": found}
    if unknown:
        answer["errorMessage"] = f"{unknown} of the revisions are not registered with the application."
    return answer


def list_application_revisions(runtime: Runtime, place: Place, params: Params) -> Json:
    name = validation.application_name(params)
    application = application_of(place, name)
    sort_by, order, deployed = params.get("sortBy"), params.get("sortOrder"), params.get("deployed")
    bucket, prefix = params.get("s3Bucket"), params.get("s3KeyPrefix")
    if sort_by is not None and sort_by not in _SORT:
        raise ApiError("InvalidSortByException", f"The column to sort by is one of {', '.join(_SORT)}.")
    if order not in (None, "ascending", "descending"):
        raise ApiError("InvalidSortOrderException", "The sort order is ascending or descending.")
    if deployed not in (None, "include", "exclude", "ignore"):
        raise ApiError("InvalidDeployedStateFilterException", "deployed is include, exclude or ignore.")
    if bucket is not None and not bucket:
        raise ApiError("InvalidBucketNameFilterException", "The bucket name is not valid.")
    if prefix is not None and not bucket:
        raise ApiError("BucketNameFilterRequiredException", "A key prefix needs a bucket name.")
    if prefix is not None and prefix.startswith("/"):
        raise ApiError("InvalidKeyPrefixFilterException", "The key prefix is not valid.")
    found = list(application.revisions.values())
    used = {key for key, revision in application.revisions.items() if _groups(place, name, revision)}
    if deployed in ("include", "exclude"):
        found = [held for key, held in application.revisions.items() if (key in used) == (deployed == "include")]
    if bucket:
        found = [held for held in found if (held.location.get("s3Location") or {}).get("bucket") == bucket]
    if prefix:
        found = [held for held in found if held.location["s3Location"]["key"].startswith(prefix)]
    found.sort(key=_SORT[sort_by or "registerTime"], reverse=order == "descending")
    locations = [held.location for held in found]
    page, token = validation.page(locations, params.get("nextToken"), runtime.switches.number("page-size"))
    return {"revisions": page, **({"nextToken": token} if token else {})}


def _groups(place: Place, application: str, held: Revision) -> list[str]:
    """The groups whose present revision this is."""
    key = revision_key(held.location)
    return [
        group_name
        for group_name, group in place.applications[application].groups.items()
        if group.info.get("targetRevision") and revision_key(group.info["targetRevision"]) == key
    ]


def _info(place: Place, application: str, held: Revision) -> Json:
    info: Json = {"deploymentGroups": _groups(place, application, held), "registerTime": round(held.registered, 3)}
    if held.description is not None:
        info["description"] = held.description
    if held.first_used is not None:
        info["firstUsedTime"] = round(held.first_used, 3)
    if held.last_used is not None:
        info["lastUsedTime"] = round(held.last_used, 3)
    return info
