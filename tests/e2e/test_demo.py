"""`make demo` and its scenarios, as a process: each ends as it should, and leaves what GitHub would show."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts.scenarios import SCENARIOS, changed_seed

ROOT = Path(__file__).parents[2]
SEED = (ROOT / "codedeploy_emulator" / "seeds" / "demo.yaml").read_text(encoding="utf-8")


def test_no_scenario_but_the_first_is_played_on_an_untouched_stage() -> None:
    """Something goes wrong in each: the seed differs, the inputs do, or somebody acts meanwhile."""
    plain = yaml.safe_load(SEED)
    untouched = [
        name
        for name, each in SCENARIOS.items()
        if yaml.safe_load(changed_seed(SEED, each)) == plain and not each.inputs and not each.meanwhile
    ]
    assert untouched == ["success"]


@pytest.mark.full
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_ends_as_it_should(name: str, tmp_path: Path) -> None:
    report = tmp_path / "report"
    command = [sys.executable, "scripts/demo.py", name, "--report", str(report)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"outcome={SCENARIOS[name].outcome}\n" in (report / "outputs.txt").read_text(encoding="utf-8")
    page = (report / "index.html").read_text(encoding="utf-8")
    assert all(f'id="{part}"' in page for part in ("log", "comment", "summary"))
