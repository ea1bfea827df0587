"""Builds the servers that `make test-stack` runs, from published Go modules, into a cache outside the repository.

    python tools/stack_tools.py            build what is missing (about 15 minutes the first time)
    python tools/stack_tools.py --where    the folder, if everything is there

Needs Python 3.11 and Go. The folder's name is made of the pins and recipes below: another pin is another folder. Exit
statuses: 0; 1 where a build failed; 2 where Go is missing, or can't get the modules.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    """A program: the module that has it, its package there, and how it is built.

    Attributes:
        replaced: modules that the program's own go.mod replaces; they count only in a module of one's own.
    """

    name: str
    module: str
    version: str
    package: str
    tags: str = ""
    replaced: tuple[str, ...] = ()


_PROMETHEUS = ("github.com/prometheus/prometheus", "v0.316.0")
_ALERTMANAGER = ("github.com/prometheus/alertmanager", "v0.31.1")
_LOKI = ("github.com/grafana/loki/v3", "v3.7.8")
_LOKI_REPLACED = (
    "github.com/Azure/azure-sdk-for-go => github.com/Azure/azure-sdk-for-go v68.0.0+incompatible",
    "github.com/Azure/azure-storage-blob-go => "
    "github.com/MasslessParticle/azure-storage-blob-go v0.14.1-0.20240322194317-344980fda573",
    "github.com/gocql/gocql => github.com/grafana/gocql v0.0.0-20200605141915-ba5dc39ece85",
    "github.com/hashicorp/memberlist => github.com/grafana/memberlist v0.3.1-0.20251126142931-6f9f62ab6f86",
    "github.com/grafana/regexp => github.com/grafana/regexp v0.0.0-20240518133315-a468a5bfb3bc",
    "github.com/influxdata/go-syslog/v3 => github.com/leodido/go-syslog/v4 v4.3.0",
    "github.com/thanos-io/objstore => github.com/grafana/objstore v0.0.0-20250728171719-b5d3b766d1b0",
)
TOOLS = (
    # without its tag one of the service discoveries' modules is missing
    Tool("prometheus", *_PROMETHEUS, "cmd/prometheus", tags="remove_all_sd"),
    Tool("promtool", *_PROMETHEUS, "cmd/promtool", tags="remove_all_sd"),
    Tool("loki", *_LOKI, "cmd/loki", replaced=_LOKI_REPLACED),
    Tool("logcli", *_LOKI, "cmd/logcli", replaced=_LOKI_REPLACED),
    Tool("alertmanager", *_ALERTMANAGER, "cmd/alertmanager"),
    Tool("amtool", *_ALERTMANAGER, "cmd/amtool"),
    Tool("docker-compose", "github.com/docker/compose/v2", "v2.40.3", "cmd"),
    Tool("otelcol", "go.opentelemetry.io/collector/cmd/builder", "v0.155.0", ""),
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
    """A program in a module of its own, which requires it and replaces what it replaces."""
    # a go directive of today: without one the whole graph of modules is loaded, some of which can't be had
    lines = ["module stack", "go 1.26", f"require {tool.module} {tool.version}"]
    lines += [f"replace {one}" for one in tool.replaced]
    (work / "go.mod").write_text("\n".join(lines) + "\n")
    tags = ("-tags", tool.tags) if tool.tags else ()
    _go(tool, work, "build", "-mod=mod", *tags, *_STRIPPED, "-o", "built", f"{tool.module}/{tool.package}")
    return work / "built"


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


def _go(tool: Tool, work: Path, *arguments: str, **environment: str) -> None:
    done = subprocess.run(
        ["go", *arguments], cwd=work, env={**os.environ, "GOFLAGS": "", "GOWORK": "off", **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        offline = any(sign in done.stderr for sign in _NETWORK)
        why = "its modules can't be had" if offline else f"go {arguments[0]} failed"
        last = "\n".join(done.stderr.splitlines()[-15:])
        raise BuildError(f"{tool.name} can't be built, {why}:\n{last}", IMPOSSIBLE if offline else FAILED)


if __name__ == "__main__":
    sys.exit(main())
