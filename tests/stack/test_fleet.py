"""The synthetic fleet through the real servers, for a moment: the benchmark runs, and has figures of all of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.stack.programs import PROJECT, Stack


def test_a_small_fleet(stack: Stack, tmp_path: Path) -> None:
    picture = tmp_path / "fleet.png"
    options = f"--instances 1 --messages 100 --guilds 10 --picture {picture} --programs {stack.programs}"
    done = subprocess.run(
        [sys.executable, "-m", "bench.fleet", *options.split()],
        cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("| 1 | 16 | 160 |"))
    series, per_shard = (float(cell.replace(",", "")) for cell in row.split("|")[4:6])
    assert series >= 16 * per_shard - 1 > 2000
    assert "| collector, s of CPU |" in done.stdout
    assert picture.stat().st_size > 10_000
