"""Counting instructions: its table, and what it needs. To count takes a minute a variant, and valgrind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench import instructions

PROJECT = Path(__file__).parents[2]


def test_the_table_has_what_is_added_to_the_bare_bot_and_its_share_of_argus():
    figures = {
        "bare": {"prefix": 100_000.0, "ignored": 10_000.0},
        "argus-dpy": {"prefix": 300_000.0, "ignored": 30_000.0},
        "Whisperwatch with traces": {"prefix": 150_400.0, "ignored": 11_000.0},
    }
    assert instructions.table(["prefix", "ignored"], figures).splitlines() == [
        "| added, thousands an event | prefix | ignored |",
        "| --- | --- | --- |",
        "| argus-dpy | 200.0, 1.00 of argus-dpy | 20.0, 1.00 of argus-dpy |",
        "| Whisperwatch with traces | 50.4, 0.25 of argus-dpy | 1.0, 0.05 of argus-dpy |",
    ]


def test_without_argus_there_are_no_shares():
    figures = {"bare": {"slash": 1_000.0}, "Whisperwatch with traces": {"slash": 3_500.0}}
    assert instructions.table(["slash"], figures).splitlines()[-1] == "| Whisperwatch with traces | 2.5 |"


def test_what_is_missing_or_unknown_is_named(tmp_path):
    assert _said("--loads", "prefix,coffee", path="/usr/bin").endswith("error: unknown: coffee\n")
    assert _said("--variants", "nobody", path="/usr/bin").endswith("error: unknown: nobody\n")
    assert _said(path=str(tmp_path)).endswith("error: valgrind is not installed\n")


def _said(*options: str, path: str) -> str:
    command = [sys.executable, "-m", "bench.instructions", *options]
    done = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, env={"PATH": path}, check=False
    )
    assert done.returncode == 2
    return done.stderr
