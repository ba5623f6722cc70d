"""The hook of docs/hooks.md really runs in a deployment, as it stands there: it lets a good version pass, no other."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

from scripts import demo

ROOT = Path(__file__).resolve().parents[2]
HOOK = "CodeDeployHook_checkout_before"


def seed(folder: Path, expect: str, info: str) -> Path:
    """The demo's account, its first hook replaced by the documented one; `info`: when targets name their function."""
    account = yaml.safe_load(demo.SEED.read_text(encoding="utf-8"))
    (function,) = [each for each in account["functions"] if each["name"] == HOOK]
    function["handler"] = "smoke_test.handler"
    function["code"] = {"smoke_test.py": (ROOT / "docs" / "hooks" / "smoke_test.py").read_text(encoding="utf-8")}
    payload = json.dumps({"items": [{"price": 100}]})
    function["environment"] = {"FUNCTION": "checkout", "EXPECT": expect, "PAYLOAD": payload}
    account["switches"] = {**(account.get("switches") or {}), "function-info": info}
    path = folder / "seed.yaml"
    path.write_text(yaml.safe_dump(account), encoding="utf-8")
    return path


GOOD, BAD = '"discount": 10', '"discount": 99'


@pytest.mark.parametrize("bucket", ["demo-deployments", ""])
@pytest.mark.parametrize(
    ("expect", "outcome", "info"),
    [
        (GOOD, "succeeded", "after-the-first-hook"),
        (BAD, "rolled-back", "after-the-first-hook"),
        (GOOD, "succeeded", "always"),
        (GOOD, "succeeded", "never"),
    ],
)
def test_the_documented_hook_decides(expect: str, outcome: str, info: str, bucket: str, tmp_path: Path) -> None:
    """Whether or not CodeDeploy names the function to it, and wherever the AppSpec is."""
    with demo.emulator(120, seed(tmp_path, expect, info)) as url:
        environ = demo.environment(demo.variables(url), tmp_path)
        environ["INPUT_DEPLOYMENT-CONFIG"] = "CodeDeployDefault.LambdaAllAtOnce"
        environ["INPUT_BUCKET"] = bucket
        del environ["INPUT_AFTER-ALLOW-TRAFFIC"]
        run = subprocess.run(
            [sys.executable, "-I", "-m", "ci_deploy"], env=environ, cwd=tmp_path, capture_output=True, text=True
        )
        with urllib.request.urlopen(f"{url}/_emulator/calls", timeout=10) as answer:
            reports = [each for each in json.loads(answer.read()) if each["operation"].startswith("PutLifecycle")]
    values = demo.outputs((tmp_path / demo.FILES["GITHUB_OUTPUT"]).read_text(encoding="utf-8"))
    assert values["outcome"] == outcome, run.stdout
    assert len(reports) == 1
