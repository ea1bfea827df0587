"""A fresh state of what a process has only one of: the recorder, the providers, the OpenTelemetry API's globals.

Modules are not loaded anew. What instrumentation keeps a hold of (our own instruments and their cells, scopes, sets
of attributes) stays and counts from zero; everything else that a test has made is let go of before and after it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from opentelemetry import context as context_api
from opentelemetry import metrics, trace
from opentelemetry.metrics import _internal as metrics_api
from opentelemetry.util._once import Once

from whisperwatch.bot import guard
from whisperwatch.bot.instrument.libraries import endpoints
from whisperwatch.bot.recording import roots
from whisperwatch.bot.recording.limits import span_limits
from whisperwatch.bot.recording.providers import Providers, providers
from whisperwatch.bot.recording.readable import recorder_ids
from whisperwatch.bot.recording.recorder import Recorder, recorder
from whisperwatch.bot.recording.tracing import tracing


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """This process's recorder, empty and on; no provider set, no `OTEL_*` variable, hooks that fail do raise."""
    for name in [*os.environ]:
        if name.startswith("OTEL_") or name == "PERFORMANCE_SAMPLING_RATE":
            monkeypatch.delenv(name)
    monkeypatch.setattr(guard, "strict", True)
    reset()
    token = context_api.attach(context_api.Context())
    yield recorder
    context_api.detach(token)
    shut_down()
    reset()


@pytest.fixture
def installed(recording: Recorder) -> Providers:
    """Our providers, put in place as `watch()` does."""
    providers.install()
    return providers


def reset() -> None:
    """Everything as at the process's start."""
    reset_api()
    reset_recorder()
    providers.__dict__.update(vars(Providers()))
    tracing.__dict__.update(vars(type(tracing)()))
    recorder_ids.show = str
    roots.keep_untouched = False
    guard.counts.clear()
    guard.mistakes.clear()


def reset_api() -> None:
    """No provider set in the OpenTelemetry API."""
    trace._TRACER_PROVIDER = None
    trace._TRACER_PROVIDER_SET_ONCE = Once()
    metrics_api._METER_PROVIDER = None
    metrics_api._METER_PROVIDER_SET_ONCE = Once()
    metrics_api._PROXY_METER_PROVIDER.__init__()


def reset_recorder() -> None:
    """Nothing recorded, nothing waiting; instruments of other scopes than our own, and servers, are gone."""
    recorder.on = recorder.shipping = recorder.logs.on = True
    recorder.logs.empty()
    recorder.limits = span_limits()
    recorder.when_defined = None
    recorder.packed.clear()
    recorder.spans.clear()
    recorder.ended_spans = recorder.dropped_spans = 0
    recorder.definitions[:] = [one for one in recorder.definitions if one[0] != "endpoint"]
    endpoints._known.clear()
    recorder.collectors[:] = [kept for kept in recorder.collectors if not _of_a_meter(kept)]
    for key, instrument in list(recorder._instruments.items()):
        if key[0] != recorder.scope:
            del recorder._instruments[key]
        for cell in instrument:
            cell.zero()
            cell.dirty = False
            cell.mirror = None
        instrument.mirror = None
    recorder.changed.clear()


def shut_down() -> None:
    """Stop the threads of readers and processors that a test has added."""
    for provider in (trace._TRACER_PROVIDER, metrics_api._METER_PROVIDER):
        if hasattr(provider, "shutdown") and not getattr(provider, "_shutdown", False):
            provider.shutdown()


def _of_a_meter(collector: object) -> bool:
    return isinstance(getattr(collector, "__self__", None), metrics.Instrument)
