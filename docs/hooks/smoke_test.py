"""A CodeDeploy hook: invoke the version that is about to serve, look at its answer, and report to CodeDeploy.

Environment: FUNCTION (its name), EXPECT (text that the answer must have in it), PAYLOAD (the event, JSON).
Name this function CodeDeployHook_…: CodeDeploy's managed role may invoke no other. Role: docs/iam/hook-role.json.
"""

import os
import re

import boto3

codedeploy = boto3.client("codedeploy")
functions = boto3.client("lambda")


def handler(event, context):
    """Whatever happens in here, CodeDeploy is told: it waits an hour for a hook that says nothing."""
    status = "Failed"
    try:
        version = target_version(event["DeploymentId"])
        if answers_well(version):
            status = "Succeeded"
    finally:
        print(f"reporting {status}")
        codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status=status,
        )


def target_version(deployment):
    """The version that this deployment brings: the hook's own event does not say.

    CodeDeploy may leave the function out of the target while this hook runs; then the AppSpec says it.
    """
    ids = codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
    found = codedeploy.batch_get_deployment_targets(deploymentId=deployment, targetIds=ids) if ids else {}
    for target in found.get("deploymentTargets", []):
        info = target["lambdaTarget"].get("lambdaFunctionInfo") or {}
        if info.get("functionName", "").split(":")[-1] == os.environ["FUNCTION"]:
            return info["targetVersion"]
    text = appspec_of(deployment)
    # YAML and JSON alike: an AppSpec has one function, and names its versions as numbers.
    version = re.search(r"TargetVersion[\"']?\s*:\s*[\"']?(\d+)", text, re.IGNORECASE)
    if os.environ["FUNCTION"] in text and version:
        return version[1]
    raise LookupError(f"{deployment} does not deploy {os.environ['FUNCTION']}")


def appspec_of(deployment):
    """The AppSpec's text: in S3, or with the application's revision."""
    info = codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
    place = info["revision"].get("s3Location")
    if place:
        version = {"VersionId": place["version"]} if place.get("version") else {}
        found = boto3.client("s3").get_object(Bucket=place["bucket"], Key=place["key"], **version)
        return found["Body"].read().decode()
    revision = codedeploy.get_application_revision(applicationName=info["applicationName"], revision=info["revision"])
    return (revision["revision"].get("appSpecContent") or revision["revision"]["string"])["content"]


def answers_well(version):
    """One invocation: no error, and the answer that was expected."""
    answer = functions.invoke(
        FunctionName=os.environ["FUNCTION"],
        Qualifier=version,
        Payload=os.environ.get("PAYLOAD", "{}"),
    )
    body = answer["Payload"].read().decode()
    print(f"version {version} answered {body}")
    return "FunctionError" not in answer and os.environ["EXPECT"] in body
