"""Runs pytest; of what fails beside other tests, a few are tried once more, alone.

    python tools/again.py PYTEST-ARGUMENTS

Tests that wait for real processes or measure time may fail where several run at once on a busy machine. Whatever fails
alone too, and more than a few failures, is a failure. The second run's arguments are the first's without `-n`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

MOST: Final = 5
"""So many failures may be the machine's."""
FAILED: Final = 1
"""pytest's exit status where tests ran and some failed."""
_CACHE: Final = Path(".pytest_cache/v/cache/lastfailed")


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    _CACHE.unlink(missing_ok=True)
    status = pytest(*arguments)
    failed = failures()
    if status != FAILED or not 0 < len(failed) <= MOST:
        return status
    print(f"\nfailed beside other tests, tried again alone: {' '.join(failed)}", flush=True)
    return pytest(*one_at_a_time(arguments), "--last-failed", "--last-failed-no-failures", "none")


def pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


def failures() -> list[str]:
    """The tests that failed last."""
    return list(json.loads(_CACHE.read_text())) if _CACHE.exists() else []


def one_at_a_time(arguments: Sequence[str]) -> list[str]:
    """Without the workers."""
    kept = list(arguments)
    if "-n" in kept:
        at = kept.index("-n")
        del kept[at : at + 2]
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
