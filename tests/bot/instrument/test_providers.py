"""The instrumentation with samplers, processors and providers of the host's."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider as SDKTracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

from whisperwatch import semconv
from whisperwatch.bot.recording.providers import providers
from whisperwatch.bot.recording.tracer import TracerProvider
from whisperwatch.bot.recording.tracing import tracing


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def talk(server, run, bot):
    """A command that works, one that fails, and a message that nothing comes of."""

    @bot.command()
    async def ping(ctx):
        with trace.get_tracer("lib").start_as_current_span("work"):
            await ctx.send("pong")

    @bot.command()
    async def bad(ctx):
        raise ValueError

    @bot.event
    async def on_command_error(ctx, error): ...

    async def talked():
        async with run(server, bot):
            await server.reply_to(await server.user("ada").say("!ping"))
            await server.user("ada").say("!bad")
            await server.user("ada").say("hello")

    return talked


def nested(spans):
    """The names of what was exported, as children by parent; only what belongs to messages."""
    names = {span.context.span_id: span.name for span in spans}
    return [
        (names.get(span.parent.span_id if span.parent else 0), span.name, span.status.is_ok)
        for span in spans
        if not span.name.startswith("GET") and (span.parent or span.attributes.get(semconv.USER_ID))
    ]


EXPECTED = [
    (None, "message", False),
    (None, "message", True),
    ("command bad", "listener talk.<locals>.on_command_error", True),
    ("command ping", "work", True),
    ("message", "command bad", False),
    ("message", "command ping", True),
    ("work", "POST /channels/{channel_id}/messages", True),
]


def in_order(rows):
    return sorted(rows, key=lambda row: (str(row[0]), row[1:]))


@pytest.fixture
def host(request, unshipped, exporter, monkeypatch):
    """As the test's parameter says."""
    how = getattr(request, "param", None)
    provider = SDKTracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    if how == "its provider":
        trace.set_tracer_provider(provider)
    elif how == "its sampler":
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    return provider


@pytest.mark.parametrize("host", ["its provider", None], indirect=True, ids=["before", "after"])
async def test_the_host_s_provider_gets_the_traces(host, tape, exporter, talk):
    if trace.get_tracer_provider() is not host:
        trace.set_tracer_provider(host)
    await talk()
    assert in_order(nested(exporter.get_finished_spans())) == in_order(EXPECTED)
    assert tape.cells(semconv.COMMAND_DURATION) == {
        ("loopback-bot", "ping", "prefix", "ok"): 1,
        ("loopback-bot", "bad", "prefix", "failure"): 1,
    }
    host.shutdown()


async def test_a_processor_beside_ours(tape, exporter, talk):
    providers.tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
    await talk()
    assert in_order(nested(exporter.get_finished_spans())) == in_order(EXPECTED)
    assert len(tape.roots("message")) == 2
    roots = [span for span in exporter.get_finished_spans() if span.name == "message"]
    assert all(isinstance(root.attributes[semconv.USER_ID], str) for root in roots)


@pytest.mark.parametrize("host", ["its sampler"], indirect=True)
async def test_what_is_not_sampled_is_measured_all_the_same(host, tape, talk):
    await talk()
    assert tape.spans() == []
    assert tape.cells(semconv.EVENT_DURATION, event="message") == {("loopback-bot",): 4}
    assert tape.cells(semconv.COMMAND_DURATION) == {
        ("loopback-bot", "ping", "prefix", "ok"): 1,
        ("loopback-bot", "bad", "prefix", "failure"): 1,
    }
    assert tape.cells(semconv.RESPONSE_TIME) == {("loopback-bot", "message"): 1}
    assert tape.cells(semconv.HTTP_DURATION, method="POST") == {
        ("loopback-bot", "/channels/{channel_id}/messages", 200): 1
    }


class RecordOnly(Sampler):
    def should_sample(self, *args, **kwargs):
        return SamplingResult(Decision.RECORD_ONLY)

    def get_description(self):
        return "RecordOnly"


async def test_what_a_sampler_has_recorded_only_is_not_exported(tape, talk):
    tracing.use(TracerProvider(sampler=RecordOnly(), shutdown_on_exit=False))
    await talk()
    assert tape.spans() == []
    assert tape.cells(semconv.COMMAND_DURATION, outcome="ok") == {("loopback-bot", "ping", "prefix"): 1}


async def test_traces_switched_off_by_the_watcher(tape, recording, talk):
    recording.on = False
    await talk()
    assert tape.spans() == []
    assert tape.cells(semconv.COMMAND_DURATION, outcome="ok") == {("loopback-bot", "ping", "prefix"): 1}
