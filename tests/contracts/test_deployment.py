"""`make deploy`: the parameters of each stage, and the command that it runs."""

import re
import subprocess
import tomllib

import pytest

from infra.cloudformation import read
from tests.support import ROOT

STAGES = {path.stem: tomllib.loads(path.read_text()) for path in (ROOT / "infra" / "stages").glob("*.toml")}
SAMCONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
PARAMETERS = read(ROOT / "template.yaml")["Parameters"]
EXAMPLE = re.compile(r"^# (\w+ = .*)$", re.MULTILINE)  # a parameter that a comment offers


def test_every_stage_of_samconfig_has_a_parameter_file():
    assert set(STAGES) == set(SAMCONFIG) - {"version"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_sets_parameters_that_the_template_has_and_no_secret(stage):
    text = (ROOT / "infra" / "stages" / f"{stage}.toml").read_text()
    offered = tomllib.loads("\n".join(EXAMPLE.findall(text)))
    assert offered
    assert {**STAGES[stage], **offered}.keys() <= PARAMETERS.keys()
    assert not [name for name in STAGES[stage] if PARAMETERS[name].get("NoEcho")]
    assert STAGES[stage]["Stage"] == stage


@pytest.mark.parametrize("stage", STAGES)
def test_every_deployment_passes_all_parameters_of_the_stage(stage):
    printed = subprocess.run(
        ["make", "--dry-run", "deploy", f"STAGE={stage}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (command,) = [line for line in printed.splitlines() if " deploy --config-env" in line]
    # The flag replaces samconfig's list, so it must name the same file.
    (file,) = SAMCONFIG[stage]["deploy"]["parameters"]["parameter_overrides"]
    assert f"--config-env {stage} --parameter-overrides {file} Version=" in command
    assert file == f"file://infra/stages/{stage}.toml"
    assert SAMCONFIG[stage]["build"]["parameters"]["parameter_overrides"] == [file]
