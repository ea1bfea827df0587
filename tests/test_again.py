"""What fails beside other tests is tried once more, alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

AGAIN = Path(__file__).parents[1] / "tools" / "again.py"
TESTS = """
import os
from pathlib import Path
import pytest

def test_ok(): pass

def test_once():
    there = Path("there").exists()
    Path("there").touch()
    assert there

@pytest.mark.parametrize("number", range(int(os.environ["BAD"])))
def test_bad(number): assert False
"""


@pytest.mark.parametrize(
    ("bad", "status", "said"),
    [(0, 0, "1 passed"), (2, 1, "2 failed, 1 passed"), (6, 1, "7 failed, 1 passed")],
)
def test_a_few(tmp_path: Path, bad: int, status: int, said: str) -> None:
    (tmp_path / "test_them.py").write_text(TESTS)
    ended = run(tmp_path, bad)
    assert ended.returncode == status, ended.stdout
    assert said in ended.stdout.splitlines()[-1]
    assert ("tried again alone" in ended.stdout) == (bad < 5)


def test_what_is_no_failure_of_a_test(tmp_path: Path) -> None:
    (tmp_path / "test_them.py").write_text("import nothing_of_that_name")
    assert run(tmp_path, 0).returncode == pytest.ExitCode.INTERRUPTED


def run(folder: Path, bad: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, AGAIN, "-q", "-n", "2", "-W", "ignore", "test_them.py"],
        cwd=folder, env={**os.environ, "BAD": str(bad)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
