from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


class Environment:
    """A virtual environment of a test's own. Installing goes through this environment's pip, and its cache."""

    def __init__(self, directory: Path) -> None:
        venv.create(directory)
        self.bin = directory / "bin"

    def install(self, *what: str | Path) -> None:
        self.pip("install", "-q", "--no-compile", *what)

    def pip(self, *arguments: str | Path) -> None:
        command = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--python",
            self.bin / "python",
        ]
        done = subprocess.run(
            [*command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert done.returncode == 0, f"pip {arguments}: {done.stdout}{done.stderr}"

    def run(self, program: str, *arguments: str | Path) -> str:
        """What a program of the environment prints, run outside of the checkout, without this process' settings."""
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "WHISPERWATCH", "OTEL"))
        }
        done = subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.bin,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (
            f"{program} {arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
        return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as for a release: in isolation, from an sdist."""
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", target, PROJECT]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(target.glob("*.whl"))


@pytest.fixture(scope="session")
def make_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Environment]:
    return lambda: Environment(tmp_path_factory.mktemp("environment"))
