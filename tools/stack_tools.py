"""Builds the servers that `make test-stack` runs, from published Go modules, into a cache outside the repository.

    python tools/stack_tools.py            build what is missing (about 20 minutes the first time)
    python tools/stack_tools.py --where    the folder, if everything is there

Needs Python 3.11 and Go. The folder's name is made of the pins and recipes below: another pin is another folder. Exit
statuses: 0; 1 where a build failed; 2 where Go is missing, or can't get the modules.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
BUILDER = PROJECT / "otel-collector" / "builder.yaml"
OK, FAILED, IMPOSSIBLE = 0, 1, 2
_STRIPPED = ("-ldflags", "-s -w")
_NETWORK = (
    "dial tcp", "no such host", "i/o timeout", "connection refused", "TLS handshake", "403 Forbidden",
    "module lookup disabled",
)  # fmt: skip


@dataclass(frozen=True)
class Tool:
    """A program: the module that has it, its package there, and how it is built."""

    name: str
    module: str
    version: str
    package: str
    tags: str = ""


_PROMETHEUS = ("github.com/prometheus/prometheus", "v0.316.0")
_ALERTMANAGER = ("github.com/prometheus/alertmanager", "v0.31.1")
_LOKI = ("github.com/grafana/loki/v3", "v3.7.8")
_MIMIR = ("github.com/grafana/mimir", "v1.3.1-0.20260423142704-aced80d74930")
TOOLS = (
    # without its tag one of the service discoveries' modules is missing
    Tool("prometheus", *_PROMETHEUS, "cmd/prometheus", tags="remove_all_sd"),
    Tool("promtool", *_PROMETHEUS, "cmd/promtool", tags="remove_all_sd"),
    Tool("loki", *_LOKI, "cmd/loki"),
    Tool("logcli", *_LOKI, "cmd/logcli"),
    Tool("alertmanager", *_ALERTMANAGER, "cmd/alertmanager"),
    Tool("amtool", *_ALERTMANAGER, "cmd/amtool"),
    Tool("docker-compose", "github.com/docker/compose/v2", "v2.40.3", "cmd"),
    Tool("otelcol", "go.opentelemetry.io/collector/cmd/builder", "v0.155.0", ""),
    Tool("mimir", *_MIMIR, "cmd/mimir"),
    Tool(
        "victoria-metrics", "github.com/VictoriaMetrics/VictoriaMetrics", "v1.136.0", "app/victoria-metrics"
    ),
    Tool("thanos", "github.com/thanos-io/thanos", "v0.42.4", "cmd/thanos", tags="slicelabels"),
)


class BuildError(RuntimeError):
    """A program can't be built; `status` is the exit status that says why."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def main(argv: Sequence[str] | None = None) -> int:
    """Build, or say where."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--where", action="store_true", help="print the folder; 1 if anything is missing")
    wish = parser.parse_args(argv)
    folder = where()
    if wish.where:
        print(folder)
        return FAILED if list(missing(folder)) else OK
    try:
        build_all(folder)
    except BuildError as error:
        print(error, file=sys.stderr)
        return error.status
    return OK


def where() -> Path:
    """The folder of today's pins and recipes."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    recipe = hashlib.sha256(repr(TOOLS).encode() + BUILDER.read_bytes()).hexdigest()[:12]
    return cache / "whisperwatch" / "stack-tools" / recipe


def missing(folder: Path) -> Iterator[Tool]:
    """What isn't built yet. A program is there whole or not at all."""
    return (tool for tool in TOOLS if not (folder / tool.name).exists())


def build_all(folder: Path) -> None:
    """Build what is missing; a second one that is started waits for the first.

    Raises:
        BuildError: one of them can't be built.
    """
    if not list(missing(folder)):
        return
    if shutil.which("go") is None:
        raise BuildError(
            "Go is not installed: the stack's servers are built with it (https://go.dev/dl)", IMPOSSIBLE
        )
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for tool in missing(folder):
            print(f"building {tool.name} ({tool.module} {tool.version})", flush=True)
            began = time.monotonic()
            work = folder / f"work-{tool.name}"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            built = _collector(tool, work) if tool.name == "otelcol" else _module(tool, work)
            built.replace(folder / tool.name)
            shutil.rmtree(work)
            print(f"built {tool.name} in {time.monotonic() - began:.0f} s", flush=True)


def _module(tool: Tool, work: Path) -> Path:
    """A program in a module of its own, which requires it, and replaces what its go.mod replaces: that would count
    only there. What it knows of checksums is taken too, for the checksum database lacks some modules."""
    # a go directive of today: without one the whole graph of modules is loaded, some of which can't be had
    (work / "go.mod").write_text(f"module stack\ngo 1.26\nrequire {tool.module} {tool.version}\n")
    source = Path(
        json.loads(_go(tool, work, "mod", "download", "-json", f"{tool.module}@{tool.version}"))["Dir"]
    )
    for old, new, version in _replaced(json.loads(_go(tool, source, "mod", "edit", "-json"))):
        _go(tool, work, "mod", "edit", f"-replace={old}={new}@{version}")
    shutil.copyfile(source / "go.sum", work / "go.sum")
    tags = ("-tags", tool.tags) if tool.tags else ()
    _go(tool, work, "build", "-mod=mod", *tags, *_STRIPPED, "-o", "built", f"{tool.module}/{tool.package}")
    return work / "built"


def _replaced(module: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Another module in its place; a folder of the module's own repository is left as it was published."""
    for one in module.get("Replace") or ():
        if "Version" in one["New"]:
            yield one["Old"]["Path"], one["New"]["Path"], one["New"]["Version"]


def _collector(tool: Tool, work: Path) -> Path:
    """The collector's builder writes a program, and would tidy it, for which two modules that only tests need are
    missing: so it is built as it was written."""
    _go(tool, work, "install", f"{tool.module}@{tool.version}", GOBIN=str(work))
    command = [str(work / "builder"), "--config", str(BUILDER), "--skip-compilation"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    source = work / "otelcol"
    if not (source / "go.mod").exists():
        raise BuildError(f"the collector's builder wrote nothing:\n{done.stdout}{done.stderr}", FAILED)
    _go(tool, source, "build", "-mod=mod", *_STRIPPED, "-o", "built", ".")
    return source / "built"


def _go(tool: Tool, work: Path, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        ["go", *arguments], cwd=work, env={**os.environ, "GOFLAGS": "", "GOWORK": "off", **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        offline = any(sign in done.stderr for sign in _NETWORK)
        why = "its modules can't be had" if offline else f"go {arguments[0]} failed"
        last = "\n".join(done.stderr.splitlines()[-15:])
        raise BuildError(f"{tool.name} can't be built, {why}:\n{last}", IMPOSSIBLE if offline else FAILED)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
