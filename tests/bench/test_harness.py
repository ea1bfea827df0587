"""The benchmark's own machinery: short rounds through the real processes; what is measured did arrive."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.sink import Trees
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PROJECT = Path(__file__).parents[2]
OURS = ["Whisperwatch without traces", "Whisperwatch with traces"]


@pytest.mark.parametrize("load", ["logged", "companion"])
def test_short_rounds(tmp_path, load):
    file = tmp_path / "figures.json"
    options = f"--rounds 2 --count 50 --loads {load} --json {file}"
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
    figures = json.loads(file.read_text())[load]
    assert list(figures) == ["bare", "bare again", *OURS]
    for name, rounds in figures.items():
        assert len(rounds) == 2
        assert all(figure["cpu"] >= figure["loop"] > 0 for figure in rounds)
        assert all((figure["child"] > 0) is (name in OURS) for figure in rounds), name


def test_a_trace_is_known_by_its_shape():
    trees = Trees()
    for trace_id, number, parent, name, system in (
        (b"1", b"a", b"", "message", ""), (b"1", b"b", b"a", "command ask", ""), (b"1", b"c", b"b", "GET", "redis"),
        (b"1", b"d", b"b", "SELECT people", "postgresql"), (b"1", b"e", b"b", "acquire", "postgresql"),
        (b"2", b"f", b"a", "command ask", ""),
    ):  # fmt: skip
        span = Span(trace_id=trace_id, span_id=number, parent_span_id=parent, name=name)
        if system:
            span.attributes.add(key="db.system.name").value.string_value = system
        trees.add(span)
    assert trees.shapes() == {"message(command(postgresql redis))": 1, "command": 1}
