"""The entry point for `opentelemetry-instrument`."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import discord
import pytest

import whisperwatch
from whisperwatch.bot import watch as watching
from whisperwatch.bot.instrumentor import DiscordInstrumentor

SOURCE = Path(whisperwatch.__file__).parents[1]
PLAIN = discord.Client.login


@pytest.fixture(autouse=True)
def put_back(recording, monkeypatch):
    monkeypatch.setenv("WHISPERWATCH_WATCHER", "off")
    yield
    watching.uninstrument()


def entry_points():
    return tomllib.loads((SOURCE.parent / "pyproject.toml").read_text())["project"]["entry-points"]


def test_the_entry_point_names_it():
    (value,) = entry_points()["opentelemetry_instrumentor"].values()
    assert EntryPoint("discordpy", value, "opentelemetry_instrumentor").load() is DiscordInstrumentor
    assert entry_points().keys() == {"opentelemetry_instrumentor"}, (
        "a configurator would seize other applications"
    )


def test_it_instruments_and_takes_it_back():
    instrumentor = DiscordInstrumentor()
    assert list(instrumentor.instrumentation_dependencies()) == ["discord.py >= 2.4, < 3"]
    instrumentor.instrument()
    try:
        assert discord.Client.login is not PLAIN
    finally:
        instrumentor.uninstrument()
    assert discord.Client.login is PLAIN


def test_under_opentelemetry_instrument(tmp_path):
    """As installed: found by its entry point, before the bot's first line."""
    pytest.importorskip("opentelemetry.instrumentation.auto_instrumentation")
    metadata = tmp_path / "whisperwatch-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: whisperwatch\nVersion: 0\n")
    (metadata / "entry_points.txt").write_text(
        "[opentelemetry_instrumentor]\ndiscordpy = whisperwatch.bot.instrumentor:DiscordInstrumentor\n"
    )
    script = tmp_path / "bot.py"
    script.write_text(
        textwrap.dedent("""
            import discord
            from whisperwatch.bot.watch import _table
            print(_table.applied, discord.Client.login.__globals__["__name__"])
        """)
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{SOURCE}",
    }
    main = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", main, sys.executable, str(script)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "True whisperwatch.bot.watch\n", done.stderr
