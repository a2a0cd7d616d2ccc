"""The Dockerfile, as far as it can be looked at without a network: what it calls is there, and its versions are the project's."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from extras import PROJECT
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
LINES = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8")).splitlines()
STEPS = [line.split(maxsplit=1) for line in LINES if line and not line.startswith("#")]
TARGETS = set(re.findall(r"^([\w.-]+|\$\(VENV\)/\.installed):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


def of(kind):
    return [rest for name, rest in STEPS if name == kind]


def test_every_line_is_an_instruction_and_the_first_names_a_python_that_the_project_takes():
    known = {"FROM", "RUN", "ARG", "USER", "WORKDIR", "COPY", "ENV", "EXPOSE", "CMD"}
    assert {name for name, _ in STEPS} <= known and STEPS[0][0] == "FROM"
    (image,) = of("FROM")
    assert re.fullmatch(r"python:3\.\d+-slim", image) and image[7:-5] in SpecifierSet(PROJECT["requires-python"])


def test_what_is_made_has_a_rule():
    called = [target for line in of("RUN") for target in re.findall(r"\bmake (\S+)", line) if target != "git"]
    assert {target.replace(".venv", "$(VENV)") for target in called} <= TARGETS and called
    command = json.loads(of("CMD")[0])
    assert command[0] == "make" and command[1] in TARGETS


def test_lab_is_started_for_others_and_without_a_browser():
    command = json.loads(of("CMD")[0])
    done = subprocess.run([*command[:1], "-n", "-o", ".venv/.installed", *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "-m jupyterlab notebooks --ip=0.0.0.0 --no-browser" in done.stdout


def test_a_service_that_opens_a_repository_finds_its_user_and_jupyter_on_the_path():
    assert "NB_UID=1000" in of("ARG") and any(line.startswith("PATH=") and ".venv/bin" in line for line in of("ENV"))
    assert "NB_USER" in of("USER")[-1] and STEPS.index(["USER", of("USER")[-1]]) < STEPS.index(["COPY", of("COPY")[0]])
    place = of("WORKDIR")[-1]
    assert of("ENV")[0].startswith(f"PATH={place}/.venv/bin")


@pytest.mark.parametrize("name", [line for line in (ROOT / ".gitignore").read_text().split() if line])
def test_what_git_ignores_is_not_copied_either(name):
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {name.strip("/"), f"**/{name.strip('/')}"} & set(ignored)
