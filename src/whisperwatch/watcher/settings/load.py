"""From the environment and monitoring.yaml to one frozen `Settings`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from . import borrowed, misspelt
from .groups import Performance, Process, Service, Web
from .otlp import Batching, Exporters, Line
from .reading import Group, Problem, Reading, SettingsError, settings_of
from .target import Target, target

GROUPS: Final[tuple[type[Group], ...]] = (Service, Web, Performance, Process, Exporters, Line, Batching)
"""Every group, in the order of the page of settings."""
CONFIG: Final = "WHISPERWATCH_CONFIG"
_REFUSED: Final = ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE")


@dataclass(frozen=True, slots=True)
class Export:
    """The way out: a `Target` for each signal that is exported, and how it is batched and kept."""

    traces: Target | None
    metrics: Target | None
    metric_interval_s: float
    metric_timeout_s: float
    span_delay_s: float
    span_timeout_s: float
    span_queue: int | None
    span_batch: int
    buffer_bytes: int
    temporality: Literal["cumulative", "delta", "lowmemory"]
    expose_ids: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings in force.

    Attributes:
        disabled: nothing is recorded or exported (`OTEL_SDK_DISABLED`).
        problems: every wrong setting; its default is in force.
        warnings: a sentence for each variable or key that has no effect.
    """

    service: Service
    export: Export
    web: Web
    performance: Performance
    process: Process
    disabled: bool
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def bot(self) -> dict[str, Any]:
        """What WELCOME carries to the bot; plain values only."""
        return {
            "traces": self.performance.enabled and not self.disabled,
            "metrics": not self.disabled,
            "collection_interval_s": self.performance.collection_interval_s,
            "blocked_after_s": self.process.blocked_after_s,
            "tape_bytes": self.process.tape_bytes,
        }


def load(
    environ: Mapping[str, str] | None = None, directory: Path | None = None, *, strict: bool = False
) -> Settings:
    """Read everything.

    Args:
        environ: the environment, `os.environ` by default.
        directory: where `monitoring.yaml` is looked for, the working directory by default.
        strict: raise for wrong settings instead of taking their defaults.

    Raises:
        SettingsError: `strict`, and settings are wrong.
    """
    environ = os.environ if environ is None else environ
    file, broken = _read_yaml(environ, directory or Path.cwd())
    reading = Reading(environ, file)
    for problem in broken:
        reading.add(problem)
    for name in _REFUSED:
        reading.refuse(
            name,
            "is refused, for Whisperwatch's providers can't be configured by a file",
            "unset (or install the SDK's providers before watch(), and Whisperwatch uses those)",
        )
    borrowed.complain(reading)
    settings = _settings(reading)
    if strict and settings.problems:
        raise SettingsError(settings.problems)
    return settings


def known_variables() -> list[str]:
    """Every variable that a setting is read from."""
    signals = ("TRACES", "METRICS")
    return list(
        dict.fromkeys(
            variable.format(signal=signal)
            for group in GROUPS
            for about in settings_of(group).values()
            for variable in about.variables
            for signal in (signals if "{signal}" in variable else signals[:1])
        )
    )


def _settings(reading: Reading) -> Settings:
    exporters = reading.group(Exporters)
    performance = reading.group(Performance)
    batching = reading.group(Batching)
    export = Export(
        traces=None if exporters.disabled else target(reading, "traces", exporters.traces),
        metrics=None if exporters.disabled else target(reading, "metrics", exporters.metrics),
        expose_ids=performance.expose_ids,
        metric_interval_s=batching.metric_interval_s or performance.collection_interval_s,
        metric_timeout_s=batching.metric_timeout_s,
        span_delay_s=batching.span_delay_s,
        span_timeout_s=batching.span_timeout_s,
        span_queue=batching.span_queue,
        span_batch=batching.span_batch,
        buffer_bytes=batching.buffer_bytes,
        temporality=batching.temporality,
    )
    service, web, process = reading.group(Service), reading.group(Web), reading.group(Process)
    yaml_keys = [key for group in GROUPS for about in settings_of(group).values() if (key := about.yaml)]
    warnings = misspelt.variables(reading.environ, known_variables()) + misspelt.keys(reading.yaml, yaml_keys)
    problems = tuple(reading.problems)
    return Settings(service, export, web, performance, process, exporters.disabled, problems, tuple(warnings))


def _read_yaml(environ: Mapping[str, str], directory: Path) -> tuple[dict[str, Any], list[Problem]]:
    named = environ.get(CONFIG, "").strip()
    path = directory / (Path(named).expanduser() if named else "monitoring.yaml")
    if not named and not path.exists():
        return {}, []
    import yaml  # most bots have no such file

    right = "the path of a YAML file that begins with `monitoring:`"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        return {}, [Problem(CONFIG, str(path), f"can't be read ({reason})", right)]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        return {}, [Problem(CONFIG, str(path), f"is no YAML{where}", right)]
    if not isinstance(content, dict | None):
        return {}, [Problem(CONFIG, str(path), "has no keys", right)]
    return dict(_flat(content or {})), []


def _flat(content: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
