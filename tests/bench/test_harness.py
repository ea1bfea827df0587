"""The benchmark's own machinery: short rounds through the real processes; what is measured did arrive."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
OURS = ["Whisperwatch without traces", "Whisperwatch with traces"]


def test_short_rounds(tmp_path):
    file = tmp_path / "figures.json"
    options = f"--rounds 2 --count 50 --loads prefix --json {file}"
    done = subprocess.run(
        [sys.executable, "-m", "bench", *options.split(), "--variants", ",".join(OURS)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr  # 1 if not all that was measured arrived
    assert "disqualified" not in done.stdout
    assert [line.split(" | ")[0] for line in done.stdout.splitlines() if line.startswith("| W")] == [
        f"| {name}" for name in OURS
    ]
    figures = json.loads(file.read_text())["prefix"]
    assert list(figures) == ["bare", "bare again", *OURS]
    for name, rounds in figures.items():
        assert len(rounds) == 2
        assert all(figure["cpu"] >= figure["loop"] > 0 for figure in rounds)
        assert all((figure["child"] > 0) is (name in OURS) for figure in rounds), name
