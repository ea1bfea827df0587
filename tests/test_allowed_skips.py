"""The guard over skips, on a suite of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """\
import pytest

def test_runs():
    pass

@pytest.mark.skip(reason="no server here")
def test_needs_a_server():
    pass

@pytest.mark.parametrize("n", [1, 2])
def test_sometimes(n):
    if n == 2:
        pytest.skip("not two")
"""
EVERY_SKIP = "test_it.py::test_needs_*  # there is no server\ntest_it.py::test_sometimes[[]2]  # it can't\n"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(SUITE)
    return tmp_path


def run(suite: Path, allowed: str | None) -> tuple[int, str]:
    arguments = []
    if allowed is not None:
        (suite / "allowed").write_text(allowed)
        arguments = ["--allowed-skips=allowed"]
    done = pytest_in(suite, "-p", "no:cacheprovider", *arguments)
    return done.returncode, done.stdout + done.stderr


def pytest_in(suite: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Without the plugins that happen to be installed: they take a second to import, and the guard needs none."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=suite,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )


def test_without_a_list_any_skip_is_fine(suite: Path) -> None:
    assert run(suite, None)[0] == 0


def test_skips_on_the_list(suite: Path) -> None:
    assert run(suite, f"# why\n\n{EVERY_SKIP}")[0] == 0


def test_a_skip_that_is_not_on_the_list(suite: Path) -> None:
    status, out = run(suite, "test_it.py::test_needs_*  # there is no server\n")
    assert status == 1
    assert "test_it.py::test_sometimes[2]: not two" in out
    assert "test_needs_a_server:" not in out


def test_a_module_that_skips_itself(suite: Path) -> None:
    (suite / "test_other.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    status, out = run(suite, EVERY_SKIP)
    assert status == 1
    assert "test_other.py: could not import 'no_such_module'" in out


def test_a_suite_that_only_skips(suite: Path) -> None:
    (suite / "test_it.py").write_text("import pytest\npytest.skip('all of it', allow_module_level=True)\n")
    status, out = run(suite, "")
    assert status == 1
    assert "test_it.py: all of it" in out


def test_a_line_without_a_reason(suite: Path) -> None:
    status, out = run(suite, "test_it.py::*\n")
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "allowed:1: test_it.py::* has no reason" in out


def test_no_such_list(suite: Path) -> None:
    done = pytest_in(suite, "--allowed-skips=nothing")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--allowed-skips: nothing: No such file" in done.stderr
