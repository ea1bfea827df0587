"""From the environment and monitoring.yaml to one frozen `Settings`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from . import borrowed, files, misspelt, stores
from .admin import Admin
from .api import Api
from .fleet import Fleet
from .groups import Performance, Process, Service, Web
from .guide import GUIDE
from .health import Health
from .logs import Logs
from .models import Models
from .otlp import Batching, Exporters, Line, Outages
from .overrides import NAME as OVERRIDES
from .overrides import read_overrides
from .privacy import Privacy
from .reading import FILE_SUFFIX, About, G, Group, Problem, Reading, SettingsError, Value, settings_of
from .siem import Siem, siem
from .store import Keeping
from .stores import StoreTarget, store_target
from .target import Target, target

GROUPS: Final[tuple[type[Group], ...]] = (
    Service, Web, Health, Api, Admin, Performance, Models, Process, Privacy, Logs, Siem, Keeping, stores.Line,
    stores.Asking, Fleet, Exporters, Line, Batching, Outages,
)  # fmt: skip
"""Every group of settings that something uses."""
ALL: Final = GROUPS + GUIDE
"""Every group, in the order of the page of settings."""
CODE: Final = "code"
"""The place of a mistake in what the program says."""
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
    logs: Target | None = None
    log_delay_s: float = 1.0
    log_timeout_s: float = 30.0
    log_queue: int | None = None
    log_batch: int = 2048
    spool: bool = True
    spool_bytes: int = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings in force.

    Attributes:
        disabled: nothing is recorded or exported (`OTEL_SDK_DISABLED`).
        problems: every wrong setting; its default is in force.
        warnings: a sentence for each variable that has no effect.
        guide: the groups of the guide's that wait for their parts; see `group`.
        stores: those that are asked, by name; the embedded one answers for the others.
        match: the label matcher of this bot's series in Prometheus.
        grafana: the address of the Grafana that answers link to.
        values: every setting by its name, with where it came from.
    """

    service: Service
    export: Export
    web: Web
    health: Health
    performance: Performance
    process: Process
    admin: Admin
    disabled: bool
    privacy: Privacy
    fleet: Fleet
    logs: Logs
    keeping: Keeping
    api: Api
    siem: Siem
    models: Models
    stores: Mapping[str, StoreTarget] = field(default_factory=dict)
    match: str | None = None
    grafana: str | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    guide: Mapping[type[Group], Group] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)

    def group(self, kind: type[G]) -> G:
        """One of the guide's groups, such as `Dashboard`."""
        found = self.guide[kind]
        assert isinstance(found, kind)
        return found

    def off_by(self, name: str) -> str | None:
        """Why a feature is off, for who asks for it: `off by HEALTH_CHECK_ENABLED=false (environment)`. None if on."""
        value = self.values[name]
        return f"off by {name}=false ({value.origin})" if value.value is False else None

    @property
    def waiting(self) -> tuple[str, ...]:
        """A sentence for each part that isn't there yet and of which something is set."""
        found: dict[str, list[str]] = {}
        for name, value in self.values.items():
            if value.about.later and value.origin.layer != "default":
                found.setdefault(value.about.later, []).append(name)
        return tuple(f"{', '.join(names)}: not yet used, {part} will" for part, names in found.items())

    def secrets(self) -> dict[str, str]:
        """Those that are set, whoever says them, by their names: for who keeps them out of texts."""
        return {
            name: value.value
            for name, value in self.values.items()
            if value.about.secret and isinstance(value.value, str) and value.value
        }

    @property
    def bot(self) -> dict[str, Any]:
        """What WELCOME carries to the bot; plain values only."""
        return {
            "traces": self.performance.enabled and not self.disabled,
            "metrics": not self.disabled,
            "logs": not self.disabled
            and self.logs.enabled
            and any((self.export.logs, self.logs.file, self.keeping.enabled, self.siem.host)),
            "collection_interval_s": self.performance.collection_interval_s,
            "blocked_after_s": self.process.blocked_after_s,
            "tape_bytes": self.process.tape_bytes,
            **self.admin.bot,
        }


def load(
    environ: Mapping[str, str] | None = None,
    directory: Path | Sequence[Path] | None = None,
    *,
    code: Mapping[str, Any] | None = None,
    overrides: Path | None = None,
    strict: bool = False,
) -> Settings:
    """Read everything: override at run time > code > environment > file > default.

    Args:
        environ: the environment, `os.environ` by default.
        directory: where monitoring.yaml and alerts.yaml are looked for, the working directory by default; of several
            the first that has one.
        code: by a setting's name, what the program itself said.
        overrides: the file of what was set at run time (`overrides.Overrides`).
        strict: raise for wrong settings instead of taking their defaults.

    Raises:
        SettingsError: `strict`, and settings are wrong.
    """
    environ = os.environ if environ is None else environ
    contents = files.read(files.files(environ, directories(directory)), known_keys())
    changed, unreadable = read_overrides(overrides)
    reading = Reading(environ, contents.keys, code or {}, changed)
    for problem in (*contents.problems, *unreadable):
        reading.add(problem)
    for name in _REFUSED:
        reading.refuse(
            name,
            "is refused, for Whisperwatch's providers can't be configured by a file",
            "unset (or install the SDK's providers before watch(), and Whisperwatch uses those)",
        )
    _unknown(reading)
    borrowed.complain(reading)
    guide = {kind: reading.group(kind) for kind in GUIDE}
    settings = replace(_settings(reading), guide=guide, values=reading.values)
    if strict and settings.problems:
        raise SettingsError(settings.problems)
    return settings


def directories(given: Path | Sequence[Path] | None) -> list[Path]:
    """Where files are looked for."""
    if given is None:
        return [Path.cwd()]
    return [given] if isinstance(given, Path) else list(given) or [Path.cwd()]


def known() -> dict[str, About]:
    """What is told of every setting, by each name that it goes by: variables of each signal, and the key."""
    found = {}
    for group in ALL:
        for about in settings_of(group).values():
            for variable in about.variables:
                for signal in group.signals:
                    found[variable.format(signal=signal)] = about
            if about.yaml:
                found[about.yaml] = about
    return found


def known_keys() -> list[str]:
    """Every key of monitoring.yaml and alerts.yaml."""
    return [about.yaml for group in ALL for about in settings_of(group).values() if about.yaml]


def known_variables() -> list[str]:
    """Every variable that a setting is read from."""
    return [name for name, about in known().items() if name != about.yaml]


def _unknown(reading: Reading) -> None:
    """Complain about what the program or an override sets that is no setting, or can't be set so."""
    about = known()
    layers = ((CODE, reading.code), (OVERRIDES, reading.overrides))
    for place, name in ((place, name) for place, layer in layers for name in layer):
        if name not in about:
            near = misspelt.nearest(name, about)
            right = f"{near[0]} (did you mean that?)" if near else "the name of a setting"
            reading.add(Problem(name, "(not shown)", "is unknown", right, place))
        elif about[name].bot:
            wrong = "is read in the bot's process too, from the environment alone"
            reading.add(Problem(name, "(not shown)", wrong, "set in the environment", place))


def _settings(reading: Reading) -> Settings:
    group, export = reading.group, _export(reading)
    read = Settings(
        service=group(Service),
        export=export,
        web=group(Web),
        health=group(Health),
        performance=group(Performance),
        process=group(Process),
        admin=group(Admin),
        disabled=group(Exporters).disabled,
        privacy=group(Privacy),
        fleet=group(Fleet),
        logs=group(Logs),
        keeping=group(Keeping),
        api=group(Api),
        siem=siem(reading),
        models=group(Models),
        stores={
            one.name: one for one in (store_target(reading, name) for name in stores.NAMES) if one is not None
        },
        match=group(stores.Asking).match,
        grafana=group(stores.Asking).grafana,
    )
    return replace(read, problems=tuple(reading.problems), warnings=tuple(_warnings(reading, read)))


def _export(reading: Reading) -> Export:
    exporters, performance = reading.group(Exporters), reading.group(Performance)
    batching, outages = reading.group(Batching), reading.group(Outages)
    privacy, logs = reading.group(Privacy), reading.group(Logs)
    on = not exporters.disabled
    return Export(
        traces=target(reading, "traces", exporters.traces) if on else None,
        metrics=target(reading, "metrics", exporters.metrics) if on else None,
        expose_ids=privacy.expose_ids,
        metric_interval_s=batching.metric_interval_s or performance.collection_interval_s,
        metric_timeout_s=batching.metric_timeout_s,
        span_delay_s=batching.span_delay_s,
        span_timeout_s=batching.span_timeout_s,
        span_queue=batching.span_queue,
        span_batch=batching.span_batch,
        buffer_bytes=outages.buffer_bytes,
        temporality=batching.temporality,
        logs=target(reading, "logs", logs.exporter) if on and logs.enabled else None,
        log_delay_s=logs.delay_s,
        log_timeout_s=logs.timeout_s,
        log_queue=logs.queue,
        log_batch=logs.batch,
        spool=outages.spool,
        spool_bytes=outages.spool_bytes,
    )


_NOT_OURS: Final = {
    "OTEL_EXPORTER_PROMETHEUS_HOST": "`/metrics` is at HEALTH_CHECK_HOST",
    "OTEL_EXPORTER_PROMETHEUS_PORT": "`/metrics` is at HEALTH_CHECK_PORT",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "a log record has at most 32 values of `extra`",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": "a log record's values have at most 1,024 characters",
}
"""Variables of OpenTelemetry that are another's business, and whose it is."""


def _warnings(reading: Reading, read: Settings) -> Iterator[str]:
    """What is set and has no effect."""
    secret_files = [
        name + FILE_SUFFIX for name, about in known().items() if about.secret and name != about.yaml
    ]
    yield from misspelt.variables(reading.environ, [*known_variables(), *secret_files])
    for name, instead in _NOT_OURS.items():
        if reading.environ.get(name, "").strip():
            yield f"{name} has no effect: {instead}"
    for name, value in reading.environ.items():
        is_limit = name.startswith("OTEL_") and name.endswith(("_COUNT_LIMIT", "_LENGTH_LIMIT"))
        if is_limit and value.strip() and not value.strip().isdecimal():
            yield f"{name}={value} has no effect: it is no whole number from 0"
    exemplars = reading.environ.get("OTEL_METRICS_EXEMPLAR_FILTER", "").strip()
    if exemplars not in ("", "trace_based", "always_off"):
        yield f"OTEL_METRICS_EXEMPLAR_FILTER={exemplars} is taken as trace_based: an exemplar needs a sampled span"
    if "sampling_rate" in read.performance.given and reading.environ.get("OTEL_TRACES_SAMPLER", "").strip():
        yield "PERFORMANCE_SAMPLING_RATE has no effect: OTEL_TRACES_SAMPLER is set, and wins"
    if read.siem.host and not read.logs.enabled:
        yield "SIEM_SYSLOG_HOST has no effect: with WHISPERWATCH_LOGS=false no security event is recorded"
