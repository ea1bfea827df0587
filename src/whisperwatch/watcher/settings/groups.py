"""The settings themselves: those of Whisperwatch and of the monitoring guide. OTLP's are in `otlp`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from . import values
from .reading import Group, setting

_DURATION = "a duration such as 30s, 500ms or 5m"
_SWITCH = "true or false"


@dataclass(frozen=True, kw_only=True)
class Service(Group):
    """Who the telemetry says it comes from."""

    title: ClassVar[str] = "Service"
    name: str | None = setting(
        "OTEL_SERVICE_NAME",
        default=None,
        parse=str,
        help="The service's name (`service.name`). Wins over `service.name` in `OTEL_RESOURCE_ATTRIBUTES`.",
        right="a name",
        unset="the first bot's name; `unknown_service:` and the main script while no bot has one",
    )
    attributes: tuple[tuple[str, str], ...] = setting(
        "OTEL_RESOURCE_ATTRIBUTES",
        default=(),
        parse=values.pairs,
        help="Attributes of the resource, such as `service.namespace=bots,deployment.environment.name=prod`.",
        right="key=value pairs with commas between, percent-encoded",
        unset="none",
    )


@dataclass(frozen=True, kw_only=True)
class Web(Group):
    """The health routes and `/metrics`."""

    title: ClassVar[str] = "Health routes and /metrics"
    enabled: bool = setting(
        "HEALTH_CHECK_ENABLED",
        default=True,
        parse=values.switch,
        help="Whether `/health` and `/metrics` are served.",
        right=_SWITCH,
        off="No port is opened: nobody can ask for `/health`, and no Prometheus can scrape.",
    )
    host: str = setting(
        "HEALTH_CHECK_HOST",
        default="127.0.0.1",
        parse=str,
        help="The address to listen on. `*` is every address, IPv4 and IPv6; so are `0.0.0.0` and `::`, of one kind.",
        right="an address of this machine, or *",
    )
    port: int = setting(
        "HEALTH_CHECK_PORT",
        default=9091,
        parse=values.whole(0, 65535),
        help="The port; where somebody has it, one of the nine behind it that is free. 0 takes any free one.",
        right="a port from 0 to 65535",
    )
    interval_s: float = setting(
        "HEALTH_CHECK_INTERVAL",
        yaml="monitoring.health_checks.interval",
        default=30.0,
        parse=values.seconds,
        help="How often the servers that the bot uses are asked how they are, and health is looked at when nobody "
        "asks, so that changes are logged and dated. Plain numbers are seconds.",
        right=_DURATION,
        live=True,
    )
    live_after_s: float = setting(
        "WHISPERWATCH_LIVE_AFTER",
        default=60.0,
        parse=values.seconds,
        help="How long the bot's event loop may be stuck before `/health/live` fails. Plain numbers are seconds.",
        right=_DURATION,
    )


@dataclass(frozen=True, kw_only=True)
class Performance(Group):
    """What is measured, and how often."""

    title: ClassVar[str] = "Measuring"
    enabled: bool = setting(
        "PERFORMANCE_MONITORING_ENABLED",
        default=True,
        parse=values.switch,
        help="`false` leaves out the traces and the figures of process and host. Counters and durations of what the "
        "bot does stay: health is made of them.",
        right=_SWITCH,
        off="No traces, no figures of process and host; `performance` answers that it is off.",
    )
    sampling_rate: float = setting(
        "PERFORMANCE_SAMPLING_RATE",
        default=1.0,
        parse=values.share,
        help="The share of traces that are kept, from 0 to 1: of roots, what is under one goes with it "
        "(`parentbased_traceidratio`). `OTEL_TRACES_SAMPLER` wins.",
        right="a number from 0 to 1",
        bot=True,
    )
    collection_interval_s: float = setting(
        yaml="monitoring.metrics.collection_interval",
        default=15.0,
        parse=values.seconds,
        help="How often gauges and the figures of process and host are read. Plain numbers are seconds. A bot that "
        "runs takes a new value for its own gauges when it next connects.",
        right=_DURATION,
        live=True,
    )
    libraries: tuple[str, ...] = setting(
        "WHISPERWATCH_LIBRARIES",
        default=(),
        parse=values.names,
        help="The libraries that are instrumented, such as `asyncpg,redis`; `none` is none of them. "
        "`instrument(only=…)` wins.",
        right="names of libraries with commas between",
        unset="all that are known",
        bot=True,
    )
    libraries_exclude: tuple[str, ...] = setting(
        "WHISPERWATCH_LIBRARIES_EXCLUDE",
        default=(),
        parse=values.names,
        help="Libraries that are left alone, beside those that `instrument(exclude=…)` and "
        "`OTEL_PYTHON_DISABLED_INSTRUMENTATIONS` name.",
        right="names of libraries with commas between",
        unset="none",
        bot=True,
    )


@dataclass(frozen=True, kw_only=True)
class Process(Group):
    """The watcher's process, the tape between it and the bot."""

    title: ClassVar[str] = "The watcher's process"
    mode: Literal["process", "thread", "off"] = setting(
        "WHISPERWATCH_WATCHER",
        default="process",
        parse=values.one_of("process", "thread", "off"),
        help="Where the watcher runs: in a process of its own, in a thread of the bot where none may be started, "
        "or nowhere.",
        right="process, thread or off",
        bot=True,
    )
    linger_s: float = setting(
        "WHISPERWATCH_LINGER",
        default=30.0,
        parse=values.seconds,
        help="How long the watcher stays after the last bot has gone, to tell of it and to wait for the next. "
        "Plain numbers are seconds.",
        right=_DURATION,
    )
    blocked_after_s: float = setting(
        "WHISPERWATCH_BLOCKED_AFTER",
        default=0.25,
        parse=values.blocked_after,
        help="From which lag of the event loop on the stack that blocks it is sampled. Plain numbers are seconds.",
        right="a duration from 50ms to 1h",
    )
    read_stacks: bool = setting(
        "WHISPERWATCH_READ_STACKS",
        default=True,
        parse=values.switch,
        help="Whether the watcher may read where the bot's code is, from outside by py-spy, while that code holds the "
        "GIL so that nothing in the bot's process can say it.",
        right=_SWITCH,
        bot=True,
    )
    tape_bytes: int = setting(
        "WHISPERWATCH_TAPE_BYTES",
        default=16 * 2**20,
        parse=values.size,
        help="How much may wait in the bot's process while there is no watcher; the oldest is dropped and counted.",
        right="a size such as 16MB, 64 KiB at least",
    )
