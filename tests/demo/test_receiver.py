from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import aiohttp
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from whisperwatch.demo.receiver import ReceivedSpan, Receiver, Traces


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


def exported() -> bytes:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("whisperwatch")
    attributes = {"outcome": "ok", "n": 1, "list": ["a"]}
    with (
        tracer.start_as_current_span("message", kind=SpanKind.CONSUMER),
        tracer.start_as_current_span("command ping", attributes=attributes) as span,
    ):
        span.set_status(StatusCode.ERROR, "boom")
    provider.shutdown()
    return encode_spans(memory.get_finished_spans()).SerializeToString()


@pytest.mark.parametrize("zipped", [False, True])
async def test_it_takes_what_the_sdk_encodes(receiver: Receiver, zipped: bool) -> None:
    body = gzip.compress(exported()) if zipped else exported()
    headers = {"Content-Type": "application/x-protobuf"} | ({"Content-Encoding": "gzip"} if zipped else {})
    async with aiohttp.ClientSession() as session:
        answer = await session.post(f"{receiver.url}/v1/traces", data=body, headers=headers)
        assert answer.status == 200
    root, command = receiver.traces.latest(("message",))
    assert (root.name, root.parent_id, root.kind, root.scope) == ("message", "", "consumer", "whisperwatch")
    assert (command.name, command.parent_id) == ("command ping", root.span_id)
    assert command.attributes == {"outcome": "ok", "n": 1, "list": ["a"]}
    assert (command.failed, command.message) == (True, "boom")
    assert 0 <= command.duration <= root.duration


async def test_rubbish_is_refused(receiver: Receiver) -> None:
    async with aiohttp.ClientSession() as session:
        answer = await session.post(f"{receiver.url}/v1/traces", data=b"\xff rubbish")
        assert answer.status == 400
    assert not list(receiver.traces)


def test_it_counts_what_comes_twice_and_what_it_forgets() -> None:
    traces = Traces(most=2)
    for number in ("1", "1", "2", "3"):
        traces.add(ReceivedSpan(number, "a", "", "message", "consumer", "s", 0, 1, {}, False, ""))
    assert (traces.doubled, traces.forgotten) == (1, 1)
    assert [trace[0].trace_id for trace in traces] == ["2", "3"]


def test_the_latest_is_one_with_a_root_and_something_under_it() -> None:
    traces = Traces()

    def add(trace: str, span: str, parent: str, name: str) -> None:
        traces.add(ReceivedSpan(trace, span, parent, name, "internal", "s", 0, 1, {}, False, ""))

    add("whole", "a", "", "message")
    add("whole", "b", "a", "command ping")
    add("bare", "a", "", "message")
    add("rootless", "b", "a", "command ping")
    add("rootless", "c", "a", "command ping")
    assert {span.trace_id for span in traces.latest(("message",))} == {"whole"}
    assert traces.latest(("interaction",)) == []
