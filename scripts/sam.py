"""What `sam deploy` does to an account, played against the emulator: for the demo and the tests of `watch`.

It updates the stack, publishes a version, has CodeDeploy shift the alias as CloudFormation does (a String revision, no
description: facts.md G17), waits for the end, and fails in CloudFormation's words when the deployment failed.

    python scripts/sam.py deploy --stack shop --code app.py [--config …] [--before HOOK]

Without --config traffic shifts as the `DeploymentPreference` of the folder's `template.yaml` says.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import zipfile
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.pace import Pace


def stack(given: argparse.Namespace, status: str, alias: str, said: tuple[str, str] = ("UPDATE_COMPLETE", "")) -> None:
    """The stack with the resources that SAM makes of one function with a deployment preference."""
    resources = [
        {
            "logical": "ServerlessDeploymentApplication",
            "type": "AWS::CodeDeploy::Application",
            "physical": given.application,
        },
        {
            "logical": "CheckoutDeploymentGroup",
            "type": "AWS::CodeDeploy::DeploymentGroup",
            "physical": given.group,
        },
        {"logical": "Checkout", "type": "AWS::Lambda::Function", "physical": "checkout"},
        {
            "logical": "CheckoutAliaslive",
            "type": "AWS::Lambda::Alias",
            "physical": alias,
            "status": said[0],
            "reason": said[1],
        },
    ]
    body = json.dumps([{"name": given.stack, "status": status, "resources": resources}]).encode()
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_emulator/stacks"
    with urlopen(Request(url, body, {"Content-Type": "application/json"})) as answer:
        answer.read()
    print(f"{status:<32} AWS::CloudFormation::Stack       {given.stack}", flush=True)


def appspec(current: str, target: str, before: str) -> str:
    properties = {"Name": "checkout", "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
    document: dict[str, Any] = {
        "version": "0.0",
        "Resources": [{"CheckoutAliaslive": {"Type": "AWS::Lambda::Function", "Properties": properties}}],
    }
    if before:
        document["Hooks"] = [{"BeforeAllowTraffic": before}]
    return json.dumps(document)


def preference(template: Path) -> str:
    """The type of the deployment preference in a SAM template, if there is one."""
    text = template.read_text(encoding="utf-8") if template.exists() else ""
    found = re.search(r"DeploymentPreference:\s+Type: (\w+)", text)
    return found[1] if found else "Canary10Percent5Minutes"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["deploy"])
    parser.add_argument("--stack", default="shop")
    parser.add_argument("--code", required=True)
    parser.add_argument("--config", default=f"CodeDeployDefault.Lambda{preference(Path('template.yaml'))}")
    parser.add_argument("--before", default="")
    parser.add_argument("--application", default="checkout-app")
    parser.add_argument("--group", default="checkout-live")
    given = parser.parse_args(arguments)
    with Pace(os.environ) as pace:
        return deploy(given, pace)


def deploy(given: argparse.Namespace, pace: Pace) -> int:
    functions, codedeploy = boto3.client("lambda"), boto3.client("codedeploy")
    alias = functions.get_alias(FunctionName="checkout", Name="live")
    stack(given, "UPDATE_IN_PROGRESS", alias["AliasArn"], ("UPDATE_IN_PROGRESS", ""))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), Path(given.code).read_text(encoding="utf-8"))
    functions.update_function_code(FunctionName="checkout", ZipFile=packed.getvalue())
    version = functions.publish_version(FunctionName="checkout")["Version"]
    content = appspec(alias["FunctionVersion"], version, given.before)
    deployment = codedeploy.create_deployment(
        applicationName=given.application,
        deploymentGroupName=given.group,
        deploymentConfigName=given.config,
        revision={"revisionType": "String", "string": {"content": content}},
    )["deploymentId"]
    while True:
        info = codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
        if info["status"] in ("Succeeded", "Failed", "Stopped"):
            break
        pace.wait(5.0)
    if info["status"] == "Succeeded":
        stack(given, "UPDATE_COMPLETE", alias["AliasArn"])
        print(f"Successfully created/updated stack - {given.stack}")
        return 0
    said = ("UPDATE_FAILED", "Rollback successful")
    stack(given, "UPDATE_ROLLBACK_IN_PROGRESS", alias["AliasArn"], said)
    stack(given, "UPDATE_ROLLBACK_COMPLETE", alias["AliasArn"], said)
    print(
        f"Error: Failed to create/update the stack: {given.stack}, Waiter StackUpdateComplete failed: "
        'For expression "Stacks[].StackStatus" we matched expected path: "UPDATE_ROLLBACK_COMPLETE" at least once',
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
