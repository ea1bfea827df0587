"""Our bytes decode equal to what the SDK's encoder makes of the same records."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from tests.watcher.pipeline.unmasked import unmasked, unmasked_keys

from whisperwatch.watcher.pipeline.log_record import attributes_of
from whisperwatch.watcher.pipeline.otlp_logs import LogEncoder
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Records
from whisperwatch.watcher.redaction import Redactor

OFFSET = 1_700_000_000_000_000_000
OBSERVED = OFFSET + 5
RESOURCE = {"service.name": "bot", "numbers": (1, 2), "on": True}
COMPONENTS = {"mybot.brain": "llm"}

texts = unmasked(60)
frames = st.lists(st.tuples(texts, st.integers(1, 9999), texts), max_size=3).map(tuple)
exceptions = st.recursive(
    st.tuples(texts, texts, frames, st.none()),
    lambda inner: st.tuples(texts, texts, frames, inner),
    max_leaves=3,
)
values = unmasked(300) | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.booleans()
keys = unmasked_keys(12, least=1)
logs = st.tuples(
    st.integers(1, 10**15),
    st.integers(0, 24),
    st.sampled_from(["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "", "odd"]),
    st.sampled_from(["bot", "discord.client", "mybot.brain.x", ""]),
    unmasked(300),
    st.none() | st.dictionaries(keys, values, max_size=4),
    st.sampled_from([0, 1, 2**127]),
    st.sampled_from([0, 1, 2**63]),
    st.sampled_from([0, 1]),
    st.none() | st.tuples(texts, st.integers(1, 9999), texts),
    st.none() | exceptions,
    st.none() | st.just("bot.error"),
)


def by_the_sdk(log: tuple[Any, ...]) -> ReadableLogRecord:
    at, severity, text, logger, body, _, trace_id, span_id, flags, _, _, event = log
    context = SpanContext(trace_id, span_id, False, TraceFlags(flags))
    attributes = attributes_of(log, COMPONENTS)
    if event:  # Loki drops the field
        attributes = {
            **{key: value for key, value in attributes.items() if key != "event.name"},
            "event.name": event,
        }
    record = LogRecord(
        timestamp=OFFSET + at, observed_timestamp=OBSERVED, severity_text=text,
        severity_number=SeverityNumber(severity), body=body, attributes=attributes,
        event_name=event, context=set_span_in_context(NonRecordingSpan(context)),
    )  # fmt: skip
    record.trace_id, record.span_id, record.trace_flags = trace_id, span_id, TraceFlags(flags)
    return ReadableLogRecord(record, Resource(RESOURCE), InstrumentationScope(logger))


def encoded(redaction: Redaction, made: list[tuple[Any, ...]]) -> ExportLogsServiceRequest:
    encoder = LogEncoder(Records(RESOURCE), redaction, COMPONENTS, lambda: OBSERVED)
    by_scope = encoder.encode(made, OFFSET)
    assert encoder.broken == 0
    body = encoder.enclosed({scope: [part] for scope, part in by_scope.items()})
    return ExportLogsServiceRequest.FromString(body)


@settings(max_examples=150, deadline=None)
@given(st.lists(logs, min_size=1, max_size=5))
def test_equals_the_sdks_encoder(redaction, made):
    ours, theirs = encoded(redaction, made), encode_logs([by_the_sdk(log) for log in made])
    # as bytes, because NaN is not equal to itself
    assert ours.SerializeToString(deterministic=True) == theirs.SerializeToString(deterministic=True)


def a_log(**changed: Any) -> tuple[Any, ...]:
    named = {
        "time": 1, "severity": 9, "text": "INFO", "logger": "bot", "body": "hello", "attributes": None, "trace": 0,
        "span": 0, "flags": 0, "code": None, "exception": None, "event": None,
    }  # fmt: skip
    return tuple({**named, **changed}.values())


def only(redaction: Redaction, **changed: Any) -> Any:
    (record,) = encoded(redaction, [a_log(**changed)]).resource_logs[0].scope_logs[0].log_records
    return record


def attributes(record: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in record.attributes}


@pytest.mark.parametrize(
    ("logger", "said", "component"),
    [
        ("discord.client", None, "discord"), ("mybot.brain", None, "llm"), ("main", None, "bot"),
        ("main", "cache", "cache"),
    ],
)  # fmt: skip
def test_the_component_is_the_records_own_or_its_loggers(redaction, logger, said, component):
    record = only(redaction, logger=logger, attributes={"bot.component": said} if said else None)
    assert attributes(record)["bot.component"] == component


def test_an_exception_is_printed_as_python_does(redaction):
    cause = ("KeyError", "'no'", (("a.py", 3, "look"),), None)
    record = only(
        redaction, exception=("ValueError", "it broke", (("a.py", 9, "main"), ("b.py", 1, "f")), cause)
    )
    found = attributes(record)
    assert (found["exception.type"], found["exception.message"]) == ("ValueError", "it broke")
    assert found["exception.stacktrace"].split("\n") == [
        "Traceback (most recent call last):",
        '  File "a.py", line 3, in look',
        "KeyError: 'no'",
        "",
        "The above exception was the direct cause of the following exception:",
        "",
        "Traceback (most recent call last):",
        '  File "a.py", line 9, in main',
        '  File "b.py", line 1, in f',
        "ValueError: it broke",
    ]


def test_secrets_leave_nowhere():
    key = "sk-proj-abcdEFGH1234ijklMNOP5678"
    log = a_log(
        body=f"my key {key}", logger=f"log {key}", attributes={"note": key, f"as {key}": 1, "password": "x"},
        exception=("ValueError", f"bad {key}", (), ("KeyError", key, (), None)),
    )  # fmt: skip
    text = str(encoded(Redaction(b"k" * 32, False, Redactor()), [log]))
    assert key not in text
    assert text.count("[redacted:api_key]") == 7


def test_ids_leave_as_hashes(redaction):
    found = attributes(only(redaction, attributes={"discord.user.id": 123456789012345678}))
    assert found["discord.user.id"] == redaction(123456789012345678)


def test_what_cannot_be_encoded_is_counted(redaction):
    encoder = LogEncoder(Records({}), redaction, {})
    assert encoder.encode([a_log(time=-(10**30)), a_log(trace=1 << 200)], OFFSET) == {}
    assert encoder.broken == 2
