"""What `sam deploy` does to an account, played against the emulator: for the demo and the tests of `watch`.

It updates the stack, publishes a version, has CodeDeploy shift the alias as CloudFormation does (a String revision, no
description: facts.md G17), waits for the end, and fails in CloudFormation's words when the deployment failed.

    python scripts/sam.py deploy --stack shop --code app.py [--config …] [--before HOOK]

Without --config traffic shifts as the `DeploymentPreference` of the folder's `template.yaml` says.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import re
import sys
import zipfile
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

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


def aws(service: str, path: str, body: Any = None, *, method: str = "POST", target: str = "") -> dict[str, Any]:
    """A call of AWS's API, signed as far as the emulator reads it: importing boto3 takes longer than the rest."""
    scope = f"{os.environ['AWS_ACCESS_KEY_ID']}/20260101/{os.environ['AWS_REGION']}/{service}/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": target,
    }
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(os.environ["AWS_ENDPOINT_URL"] + path, data, headers, method=method)) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def functions(path: str, body: Any = None, *, method: str = "POST") -> dict[str, Any]:
    return aws("lambda", f"/2015-03-31/functions/checkout/{path}", body, method=method)


def codedeploy(operation: str, **given: Any) -> dict[str, Any]:
    return aws("codedeploy", "/", given, target=f"CodeDeploy_20141006.{operation}")


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
    alias = functions("aliases/live", method="GET")
    stack(given, "UPDATE_IN_PROGRESS", alias["AliasArn"], ("UPDATE_IN_PROGRESS", ""))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), Path(given.code).read_text(encoding="utf-8"))
    functions("code", {"ZipFile": base64.b64encode(packed.getvalue()).decode()}, method="PUT")
    version = functions("versions", {})["Version"]
    content = appspec(alias["FunctionVersion"], version, given.before)
    deployment = codedeploy(
        "CreateDeployment",
        applicationName=given.application,
        deploymentGroupName=given.group,
        deploymentConfigName=given.config,
        revision={"revisionType": "String", "string": {"content": content}},
    )["deploymentId"]
    while True:
        info = codedeploy("GetDeployment", deploymentId=deployment)["deploymentInfo"]
        if info["status"] in ("Succeeded", "Failed", "Stopped"):
            break
        pace.wait(15.0)
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
