"""A shop of three functions, a manifest of them, and how a release of them ended."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.account import Account, zipped
from tests.support.action import Finished

NAMES = ("alpha", "beta", "gamma")
CANARY = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"


def code(number: int) -> str:
    return f"# {number}\ndef handler(event, context):\n    return {number}\n"


def opened(account: Account) -> Account:
    """Three functions at version 1 with new code in $LATEST, each with a group of its own."""
    role = account.lambda_.get_function(FunctionName="checkout")["Configuration"]["Role"]
    group = account.codedeploy.get_deployment_group(
        applicationName="checkout-app", deploymentGroupName="checkout-live"
    )["deploymentGroupInfo"]
    for name in NAMES:
        account.lambda_.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="app.handler",
            Role=role,
            Code={"ZipFile": zipped({"app.py": code(1)})},
            Publish=True,
        )
        account.lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        account.code(code(2), name)
        account.codedeploy.create_deployment_group(
            applicationName="checkout-app",
            deploymentGroupName=f"{name}-live",
            deploymentConfigName=AT_ONCE,
            serviceRoleArn=group["serviceRoleArn"],
            autoRollbackConfiguration=group["autoRollbackConfiguration"],
            deploymentStyle=group["deploymentStyle"],
        )
    return account


def manifest(folder: Path, text: str = "", waves: str = "") -> dict[str, str]:
    """Write the manifest and give the inputs that name it."""
    functions = "".join(f"  {name}: {{deployment-group: {name}-live}}\n" for name in NAMES)
    body = text or f"defaults: {{application: checkout-app, code: $LATEST}}\nfunctions:\n{functions}{waves}"
    (folder / "functions.yml").write_text(body, encoding="utf-8")
    return {"config": "functions.yml"}


def ends(done: Finished) -> dict[str, str]:
    return {each["function"]: each["outcome"] for each in json.loads(done.outputs["result"])["functions"]}
