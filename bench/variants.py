"""Who watches the bot. Each function takes a `Setting` and returns a `Watcher`; nothing is imported before it is asked
for, so that no variant pays for another's imports."""

from __future__ import annotations

import functools
import os
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.traffic import Body, Traffic


@dataclass
class Setting:
    """Where a variant may send to, and listen."""

    collector: str
    port: int
    state: str

    @property
    def service(self) -> str:
        """Under what name the collector knows it."""
        return f"bench-{self.port}"


@dataclass
class Watcher:
    """A watched bot. `flush` gives away all that was recorded, `arrived` says how many commands were seen to arrive."""

    traffic: Traffic
    flush: Callable[[], None] = lambda: None
    arrived: Callable[[], float | None] = lambda: None
    child_cpu: Callable[[], float] = lambda: 0.0
    after_connect: Callable[[], None] = field(default=lambda: None)


def bare(setting: Setting) -> Watcher:
    """discord.py alone."""
    return Watcher(Traffic())


def sdk(setting: Setting) -> Watcher:
    """The OpenTelemetry SDK by hand: a span and three points in each command's body, sent by OTLP/HTTP."""
    spans, points, flush = _sdk(setting)
    flush_logs = _sdk_logs(setting)

    def flush_all() -> None:
        flush()
        flush_logs()

    return Watcher(Traffic(_by_hand(spans, points)), flush_all, functools.partial(_spans_at, setting))


def contrib(setting: Setting) -> Watcher:
    """The same, and contrib's instrumentations of what the command calls."""
    spans, points, flush = _sdk(setting)
    _instrument(spans, points)
    return Watcher(Traffic(_by_hand(spans, points)), flush, functools.partial(_spans_at, setting))


def contrib_alone(setting: Setting) -> Watcher:
    """Contrib's own code: its providers do nothing."""
    from opentelemetry.metrics import NoOpMeterProvider
    from opentelemetry.trace import NoOpTracerProvider

    spans, points = NoOpTracerProvider(), NoOpMeterProvider()
    _instrument(spans, points)
    return Watcher(Traffic(_by_hand(spans, points)))


def _instrument(spans: Any, points: Any) -> None:
    from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
    from opentelemetry.instrumentation.redis import RedisInstrumentor

    AsyncPGInstrumentor().instrument(tracer_provider=spans)  # type: ignore[no-untyped-call]
    RedisInstrumentor().instrument(tracer_provider=spans)
    OpenAIInstrumentor().instrument(tracer_provider=spans, meter_provider=points)


def _sdk(setting: Setting) -> tuple[Any, Any, Callable[[], None]]:
    """The SDK's providers, and what makes them send all they have."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    os.environ["OTEL_SERVICE_NAME"] = setting.service
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{setting.collector}/v1/traces")))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{setting.collector}/v1/metrics"), 3_600_000)
    points = MeterProvider([reader])

    def flush() -> None:
        spans.force_flush()
        points.force_flush()

    return spans, points, flush


def _sdk_logs(setting: Setting) -> Callable[[], object]:
    """The SDK's handler on the root logger."""
    import logging

    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider()
    provider.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(f"{setting.collector}/v1/logs"))
    )
    logging.getLogger("bench.bot").addHandler(LoggingHandler(logger_provider=provider))
    return provider.force_flush


def _by_hand(spans: Any, points: Any) -> Body:
    """A span and three points for each command."""
    tracer, meter = spans.get_tracer("bench"), points.get_meter("bench")
    count = meter.create_counter("discord.commands")
    active = meter.create_up_down_counter("discord.command.active")
    duration = meter.create_histogram("discord.command.duration", "s")

    def body(name: str) -> Any:
        attributes = {"discord.command.name": name, "discord.command.kind": "prefix"}

        def wrap(function: Any) -> Any:
            @functools.wraps(function)
            async def instrumented(*args: Any) -> None:
                start = time.perf_counter()
                active.add(1, attributes)
                with tracer.start_as_current_span(f"command {name}", attributes=attributes):
                    await function(*args)
                active.add(-1, attributes)
                count.add(1, attributes)
                duration.record(time.perf_counter() - start, attributes)

            return instrumented

        return wrap

    return body


def argus(setting: Setting) -> Watcher:
    """argus-dpy: metrics for Prometheus."""
    from argus import Argus

    traffic = Traffic()
    Argus(traffic.bot, port=setting.port, host="127.0.0.1")
    return _scraped(traffic, setting, ("discord_commands_total", "discord_app_commands_total"))


def ext_prometheus(setting: Setting) -> Watcher:
    """discord-ext-prometheus: metrics for Prometheus."""
    from discord.ext.prometheus import PrometheusCog

    traffic = Traffic()

    async def setup_hook() -> None:
        await traffic.bot.add_cog(PrometheusCog(traffic.bot, port=setting.port))

    traffic.bot.setup_hook = setup_hook  # type: ignore[method-assign]
    return _scraped(
        traffic, setting, ("discord_event_on_command_total", "discord_event_on_interaction_total")
    )


def metrics_only(setting: Setting) -> Watcher:
    """Whisperwatch, no trace sampled."""
    return _whisperwatch(setting, {"OTEL_TRACES_SAMPLER": "always_off"}, by_metric=True)


def traces(setting: Setting) -> Watcher:
    """Whisperwatch: metrics and every trace."""
    return _whisperwatch(setting, {}, by_metric=False)


VARIANTS: dict[str, Callable[[Setting], Watcher]] = {
    "bare": bare,
    "bare again": bare,
    "SDK by hand": sdk,
    "argus-dpy": argus,
    "discord-ext-prometheus": ext_prometheus,
    "contrib on the SDK": contrib,
    "contrib alone": contrib_alone,
    "Whisperwatch without traces": metrics_only,
    "Whisperwatch with traces": traces,
}

SCRAPED = frozenset(name for name in VARIANTS if name.startswith(("argus", "discord-ext", "Whisperwatch")))
"""Those that Prometheus scrapes: once a round, from outside."""


def takes_part(name: str, load: str) -> bool:
    """Whether a variant has anything to show with a load: only contrib and we know what `companion` calls, only
    the SDK and we what is logged."""
    everywhere = name.startswith(("bare", "Whisperwatch"))
    if load == "logged":
        return everywhere or name == "SDK by hand"
    return everywhere or name.startswith("contrib") == (load == "companion")


def _whisperwatch(setting: Setting, more: dict[str, str], *, by_metric: bool) -> Watcher:
    os.environ |= {
        "WHISPERWATCH_STATE_DIR": setting.state,
        "HEALTH_CHECK_PORT": str(setting.port),
        "OTEL_EXPORTER_OTLP_ENDPOINT": setting.collector,
        "OTEL_SERVICE_NAME": setting.service,
        "OTEL_METRIC_EXPORT_INTERVAL": "15000",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_BLRP_SCHEDULE_DELAY": "100",
        "WHISPERWATCH_LINGER": "0.1",
        **more,
    }
    import whisperwatch
    from whisperwatch.bot import voyage

    traffic = Traffic()
    whisperwatch.watch(traffic.bot)

    def flush() -> None:
        if not whisperwatch.flush(10.0):
            raise RuntimeError("the watcher did not take everything in 10 s")

    def child_cpu() -> float:
        time.sleep(0.4)  # for the watcher to send its batch: it is charged with it
        ship = voyage._ship
        return 0.0 if ship is None or ship.welcome is None else _cpu_of(ship.welcome["pid"])

    def by_series() -> float:
        return _sum(scrape(setting.port), ("discord_command_duration_seconds_count",))

    arrived = by_series if by_metric else functools.partial(_spans_at, setting)
    return Watcher(traffic, flush, arrived, child_cpu)


def _cpu_of(pid: int) -> float:
    """CPU seconds of a process: the scheduler's, in nanoseconds, of all its threads."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _scraped(traffic: Traffic, setting: Setting, counters: tuple[str, ...]) -> Watcher:
    return Watcher(
        traffic,
        lambda: None,
        lambda: _sum(scrape(setting.port), counters),
    )


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        return str(response.read().decode())


def _sum(text: str, names: tuple[str, ...]) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(names))


def _spans_at(setting: Setting) -> float:
    """Command spans that the collector has got."""
    with urllib.request.urlopen(f"{setting.collector}/seen?who={setting.service}", timeout=10) as response:
        return float(response.read())
