"""The wheel as a user gets it: in an empty environment, and with the bot's part alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest

from whisperwatch.version import __version__

PROJECT = Path(__file__).parents[2]
BOT = "import sys, discord; print(discord.Client.__name__, sys.argv[1:])"
IMPORT_ALL = """\
import importlib, json, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.endswith(("__main__", "bot.instrumentor")):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:  # of a library's patches and an extra's: they come with those
                patches = ".instrument.libraries." in module.name or module.name.endswith(".instrument.logs.loguru")
                charts = module.name.endswith((".charts.drawing", ".charts.panels"))
                if not (patches or charts) or error.name.startswith("whisperwatch"):
                    raise
print(json.dumps(sorted(sys.modules)))
"""

CHARTS = "from whisperwatch.watcher.answers.charts.artist import Artist; print(Artist.available())"

LOAD_ENTRY_POINT = """\
from importlib.metadata import entry_points
print([point.load() for point in entry_points(group="opentelemetry_instrumentor", name="discordpy")][0])
"""


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> dict[str, list[str]]:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        message = message_from_string(archive.read(name).decode())
    return {key: message.get_all(key) or [] for key in message}


def test_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {
        "whisperwatch",
        f"whisperwatch-{__version__}.dist-info",
    }
    assert "whisperwatch/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    boards = {path.name for path in (PROJECT / "grafana" / "dashboards").glob("*.json")}
    assert {name.rpartition("/")[2] for name in names if name.startswith("whisperwatch/grafana/")} == boards
    assert not [name for name in names if "__pycache__" in name or "/test" in name]


def test_what_the_demos_image_copies_makes_the_same(wheel: Path, tmp_path: Path) -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE):
        *names, target = line.split()
        for name in names:
            source, copy = PROJECT / name, tmp_path / target.lstrip("/")
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                copy.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, copy)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", tmp_path / "source"]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (made,) = (tmp_path / "dist").glob("*.whl")
    assert set(zipfile.ZipFile(made).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_claims_the_pythons_that_ci_runs(metadata: dict[str, list[str]]) -> None:
    ci = (PROJECT / ".ci" / "run").read_text()
    claimed = {found[1] for line in metadata["Classifier"] if (found := re.search(r":: (3\.\d+)$", line))}
    assert claimed == set(re.findall(r"^instrumentation (3\.\d+)", ci, re.MULTILINE))


def test_claims_the_discord_py_that_ci_runs() -> None:
    ci = (PROJECT / ".ci" / "run").read_text()
    dependencies = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    oldest = next(found[1] for line in dependencies if (found := re.match(r"discord\.py>=([\d.]+)", line)))
    assert f'"=={oldest}.*"' in ci


def test_readme_is_the_description(metadata: dict[str, list[str]]) -> None:
    assert metadata["Description-Content-Type"] == ["text/markdown"]
    assert metadata["License-Expression"] == ["Apache-2.0"]


def test_in_an_empty_environment(wheel: Path, make_environment: Callable[[], Any], tmp_path: Path) -> None:
    """`pip install whisperwatch` brings what one bot alone needs."""
    environment = make_environment()
    environment.install(wheel)
    environment.pip("check")
    assert environment.run("whisperwatch", "--version") == f"whisperwatch {__version__}\n"
    assert "HEALTH_CHECK_PORT" in environment.run("whisperwatch", "check", "--settings")
    loaded = json.loads(
        environment.run("python", "-c", IMPORT_ALL, "whisperwatch.bot", "whisperwatch.watcher")
    )
    assert "whisperwatch.watcher.settings" in loaded
    assert environment.run("python", "-c", CHARTS) == "False\n"
    assert "Whisperwatch: Overview" in environment.run("whisperwatch", "dashboards", "--out", tmp_path)
    environment.install("opentelemetry-instrumentation")  # it has the command that loads the entry point
    assert "DiscordInstrumentor" in environment.run("python", "-c", LOAD_ENTRY_POINT)


def test_bot_alone(wheel: Path, make_environment: Callable[[], Any], tmp_path: Path) -> None:
    """The bot's part needs OpenTelemetry's API and SDK and discord.py, and never loads the watcher's."""
    environment = make_environment()
    environment.install("opentelemetry-api", "opentelemetry-sdk", "discord.py")
    environment.install("--no-deps", wheel)
    loaded = json.loads(environment.run("python", "-c", IMPORT_ALL, "whisperwatch.bot"))
    assert "whisperwatch.bot.watch" in loaded
    assert [name for name in loaded if name.startswith(("whisperwatch.watcher", "whisperwatch.demo"))] == []
    assert environment.run("whisperwatch", "--version") == f"whisperwatch {__version__}\n"
    (tmp_path / "bot.py").write_text(BOT)
    assert environment.run("whisperwatch", "run", tmp_path / "bot.py", "x") == "Client ['x']\n"
