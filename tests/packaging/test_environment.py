"""`tools/environment.py`, on a project of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "environment.py"
PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "small"
version = "1.{minor}"

[dependency-groups]
test = ["iniconfig"]

[tool.hatch.build.targets.wheel]
only-include = ["small.py"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    shutil.copy(TOOL, tmp_path / "tools")
    (tmp_path / "small.py").write_text("")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.format(minor=0))
    return tmp_path


def run(project: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    without_uv = [part for part in os.environ["PATH"].split(":") if not (Path(part) / "uv").exists()]
    return subprocess.run(
        [sys.executable, "tools/environment.py", *arguments],
        cwd=project,
        env={**os.environ, "PATH": path or ":".join(without_uv)},
        capture_output=True,
        text=True,
    )


def test_made_once_and_again_when_the_project_changes(project: Path) -> None:
    assert "made in" in run(project, ".venv", "--group", "test").stdout
    show = "import iniconfig, small; from importlib.metadata import version; print(version('small'))"
    python = project / ".venv" / "bin" / "python"
    assert subprocess.check_output([python, "-c", show], text=True) == "1.0\n"

    again = run(project, ".venv", "--group", "test")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")

    (project / "pyproject.toml").write_text(PYPROJECT.format(minor=1))
    assert "made in" in run(project, ".venv", "--group", "test").stdout
    assert subprocess.check_output([python, "-c", show], text=True) == "1.1\n"


def test_what_fails_is_not_taken_for_made(project: Path) -> None:
    failed = run(project, ".venv", "--group", "nothing", "--python", "/no/such/python")
    assert failed.returncode == 1
    assert failed.stderr == "/no/such/python is no Python that runs\n"
    assert not list(project.glob(".venv/.made-*"))


def test_uv_is_used_where_it_is(project: Path) -> None:
    """A uv that only writes down how it was called: which one is installed is the user's business."""
    (project / "bin").mkdir()
    uv = project / "bin" / "uv"
    uv.write_text('#!/bin/sh\necho "$@" >> calls\nmkdir -p .venv\n')
    uv.chmod(0o755)
    made = run(project, ".venv", "--group", "test", path=f"{uv.parent}:{os.environ['PATH']}")
    assert made.returncode == 0, made.stderr
    venv, install = (project / "calls").read_text().splitlines()
    assert venv.startswith("venv ")
    assert install.startswith("pip install ")
    assert "pyproject.toml:test" in install
