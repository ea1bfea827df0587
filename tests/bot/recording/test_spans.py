"""Our spans are the SDK's, to whoever reads them: the same operations on both give the same span."""

from __future__ import annotations

import datetime
import enum
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

TIME = 1_700_000_000_000_000_000


class Mood(enum.StrEnum):
    FINE = "fine"


class Silent:
    """Has no text of its own."""


scalars = (
    st.text(max_size=8)
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=4)
    | st.none()
)
strange = st.sampled_from(
    [Silent(), datetime.date(2024, 1, 1), Mood.FINE, {"nested": {"": 1, "k": [None, 2]}}, 1j]
)
values = scalars | st.lists(scalars, max_size=3) | strange
keys = st.sampled_from(["a", "b", "c", "http.route"]) | st.sampled_from(["", None, 5, Mood.FINE])
mappings = st.none() | st.dictionaries(keys, values, max_size=5)
times = st.integers(TIME, TIME + 10**12)
states = st.sampled_from(
    [None, TraceState(), TraceState([("a", "1")]), TraceState([("v", "x:y"), ("w@z", "2")])]
)
contexts = st.builds(
    SpanContext,
    st.integers(0, 2**128 - 1),
    st.integers(0, 2**64 - 1),
    st.booleans(),
    st.sampled_from([TraceFlags(0), TraceFlags(1), TraceFlags(3)]),
    states,
)
links = st.builds(lambda context, attributes: (context, attributes), contexts, mappings)
texts = st.none() | st.text(max_size=5)
statuses = st.builds(Status, st.sampled_from(StatusCode), texts) | st.sampled_from(StatusCode)


def raised(kind: type[BaseException], text: str) -> BaseException:
    try:
        raise kind(text)
    except BaseException as error:
        return error


class OddError(ValueError):
    pass


exceptions = st.builds(
    raised, st.sampled_from([ValueError, OddError, KeyError, SystemExit]), st.text(max_size=5)
)
operations = st.lists(
    st.tuples(st.just("set_attribute"), keys, values)
    | st.tuples(st.just("set_attributes"), mappings.map(lambda given: given or {}))
    | st.tuples(st.just("add_event"), st.text(max_size=4), mappings, times)
    | st.tuples(st.just("add_link"), contexts, mappings)
    | st.tuples(st.just("update_name"), st.text(max_size=4))
    | st.tuples(st.just("set_status"), statuses, texts)
    | st.tuples(st.just("record_exception"), exceptions, mappings, times, st.booleans())
    | st.tuples(st.just("end"), times),
    max_size=12,
)
parents = st.none() | contexts | st.sampled_from(["local", "current"])
limits = st.fixed_dictionaries(
    {},
    optional={
        name: st.integers(-1, 3)  # -1 is the SDK's word for no limit
        for name in (
            "max_events", "max_links", "max_span_attributes", "max_event_attributes", "max_link_attributes",
            "max_attribute_length", "max_span_attribute_length",
        )
    },
)  # fmt: skip


def run(
    tracer: Any, start: dict[str, Any], parent: Any, made: list[tuple[Any, ...]], seen: list[Any], read: Any
) -> None:
    """Start a span, do the operations, end it; reads it before and after its end."""
    around, outer = None, None
    if parent in ("local", "current"):
        outer = tracer.start_span(
            "outer", context=trace.set_span_in_context(trace.INVALID_SPAN), start_time=TIME
        )
        around = trace.set_span_in_context(outer)
    elif parent is not None:
        around = trace.set_span_in_context(NonRecordingSpan(parent))
    links = [None if pair is None else Link(*pair) for pair in start["links"]]
    if parent == "current":
        with trace.use_span(outer):
            span = tracer.start_span(**{**start, "links": links})
    else:
        span = tracer.start_span(**{**start, "links": links}, context=around)
    seen.append((span.is_recording(), type(span) is NonRecordingSpan, tuple(span.get_span_context())))
    if not span.is_recording():
        return
    seen.append(read(span))
    for name, *arguments in made:
        getattr(span, name)(*arguments)
    seen.append(read(span))
    if span.is_recording():
        span.end(TIME + 10**13)
    if outer is not None:
        outer.end(TIME + 10**13)


starts = st.fixed_dictionaries(
    {
        "name": st.text(max_size=6),
        "kind": st.sampled_from(SpanKind),
        "attributes": mappings,
        "links": st.lists(st.none() | links, max_size=3),
        "start_time": times,
    }
)


@pytest.mark.parametrize(
    "how", [{}, {"ids": RandomIdGenerator}, {"ids": RandomIdGenerator, "processors": False}], ids=repr
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(starts, parents, operations, limits)
def test_the_same_operations_give_the_same_span(
    twins, readable, watcher_encodes, how, start, parent, made, limited
):
    pair = twins(limits=limited, **how)
    seen: list[list[Any]] = []

    def act(tracer: Any) -> None:
        seen.append([])
        run(tracer, start, parent, made, seen[-1], readable)

    pair.both(act)
    theirs, ours = seen
    assert ours == theirs
    assert sorted(pair.ours.said) == sorted(pair.sdk.said)
    as_bytes = encode_spans(pair.sdk.finished).SerializeToString(deterministic=True)
    if how.get("processors", True):
        assert [readable(span) for span in pair.ours.finished] == [
            readable(span) for span in pair.sdk.finished
        ]
        assert encode_spans(pair.ours.finished).SerializeToString(deterministic=True) == as_bytes
    on_the_tape = ExportTraceServiceRequest.FromString(watcher_encodes())
    assert on_the_tape.SerializeToString(deterministic=True) == as_bytes
