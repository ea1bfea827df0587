"""Our bytes decode equal to what the SDK's encoder makes of the same spans."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState
from tests.watcher.pipeline.unmasked import unmasked, unmasked_keys

from whisperwatch.state import hash_id
from whisperwatch.watcher.pipeline.attributes import KeyValues
from whisperwatch.watcher.pipeline.otlp_spans import SpanEncoder
from whisperwatch.watcher.pipeline.redaction import Redaction

OFFSET = 1_700_000_000_000_000_000
RESOURCE = {"service.name": "bot", "numbers": (1, 2), "on": True}

keys = unmasked_keys(12) | st.sampled_from(["a", "b", "c", "http.request.method"])
scalars = (
    unmasked(300)
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(-3, 3)
    | st.floats()
    | st.binary(max_size=30)
    | st.none()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(unmasked_keys(5), inner, max_size=4),
    max_leaves=8,
)
attributes = st.dictionaries(keys, values, max_size=6)
bounded = st.builds(lambda given, most: BoundedAttributes(most, given), attributes, st.integers(1, 6))
times = st.integers(OFFSET, OFFSET + 10**15)
states = st.sampled_from([TraceState(), TraceState([("a", "1")]), TraceState([("v", "x:y"), ("w@z", "2")])])
contexts = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.sampled_from([TraceFlags(0), TraceFlags(1)]),
    states,
)
scopes = [
    InstrumentationScope("one"),
    InstrumentationScope("two", "1.0", "https://example.org/1", {"k": "v", "n": 3}),
    InstrumentationScope(""),
]
statuses = st.sampled_from([Status(), Status(StatusCode.OK), Status(StatusCode.ERROR)]) | st.builds(
    lambda text: Status(StatusCode.ERROR, text), unmasked(20)
)


def bounded_list(items: list[Any], most: int) -> BoundedList:
    made = BoundedList(most)
    made.extend(items[:most])
    made.dropped += max(0, len(items) - most)
    return made


spans = st.builds(
    ReadableSpan,
    name=unmasked(20) | st.sampled_from(["a", "b"]),
    context=contexts,
    parent=st.none() | contexts,
    resource=st.just(Resource(RESOURCE)),
    attributes=bounded,
    events=st.builds(
        bounded_list,
        st.lists(st.builds(Event, unmasked(8), bounded, times), max_size=3),
        st.integers(1, 3),
    ),
    links=st.builds(
        bounded_list, st.lists(st.builds(Link, contexts, bounded), max_size=3), st.integers(1, 3)
    ),
    kind=st.sampled_from(list(SpanKind)),
    status=statuses,
    start_time=times,
    end_time=times,
    instrumentation_scope=st.sampled_from(scopes),
)


def encoded(tape: Any, made: list[tuple[ReadableSpan, int]], redaction: Redaction) -> bytes:
    writer = tape(RESOURCE)
    records = [writer.span(span, static) for span, static in made]
    encoder = SpanEncoder(writer.stream, redaction)
    by_scope = encoder.encode(writer.send(records), OFFSET)
    assert encoder.broken == 0
    return encoder.enclosed({scope: [body] for scope, body in by_scope.items()})


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(spans, st.integers(0, 3)), min_size=1, max_size=5))
def test_equals_the_sdks_encoder(tape, redaction, made):
    ours = ExportTraceServiceRequest.FromString(encoded(tape, made, redaction))
    theirs = encode_spans([span for span, _ in made])
    # as bytes, because NaN is not equal to itself
    assert ours.SerializeToString(deterministic=True) == theirs.SerializeToString(deterministic=True)


def a_span(**changed: Any) -> ReadableSpan:
    return ReadableSpan(
        **{
            "name": "a",
            "context": SpanContext(1, 2, False, TraceFlags(1)),
            "resource": Resource(RESOURCE),
            "instrumentation_scope": scopes[0],
            "start_time": OFFSET,
            "end_time": OFFSET + 1,
            **changed,
        }
    )


def decoded(tape, redaction, span, static=0):
    request = ExportTraceServiceRequest.FromString(encoded(tape, [(span, static)], redaction))
    (only,) = request.resource_spans[0].scope_spans[0].spans
    return only


def test_equal_values_of_other_types_stay_apart(tape, redaction):
    made = [(a_span(attributes={"k": value}), 0) for value in (1, True, 1.0, "1", 0, False, 0.0)]
    request = ExportTraceServiceRequest.FromString(encoded(tape, made, redaction))
    sent = [span.attributes[0].value for span in request.resource_spans[0].scope_spans[0].spans]
    assert [value.WhichOneof("value") for value in sent] == [
        "int_value", "bool_value", "double_value", "string_value", "int_value", "bool_value", "double_value",
    ]  # fmt: skip


def test_a_span_far_over_the_looked_up_lengths(tape, redaction):
    assert decoded(tape, redaction, a_span(attributes={"k": "x" * 70_000})).attributes[
        0
    ].value.string_value == ("x" * 70_000)


def test_the_spans_own_attributes_win_over_the_static_ones(tape, redaction):
    writer = tape(RESOURCE)
    record = list(writer.span(a_span(attributes={"k": "own", "l": 1})))
    record[9] = writer.define("attributes", {"k": "static", "m": 2})
    encoder = SpanEncoder(writer.stream, redaction)
    (body,) = encoder.encode(writer.send([tuple(record)]), OFFSET).values()
    (span,) = (
        ExportTraceServiceRequest.FromString(encoder.enclosed({1: [body]}))
        .resource_spans[0]
        .scope_spans[0]
        .spans
    )
    assert [(a.key, a.value.string_value or a.value.int_value) for a in span.attributes] == [
        ("k", "own"), ("m", 2), ("l", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("value", [123456789012345678, "123456789012345678"])
def test_ids_leave_as_keyed_hashes(tape, value):
    key = b"k" * 32
    span = decoded(tape, Redaction(key), a_span(attributes={"discord.user.id": value, "x": value}))
    sent = {a.key: a.value for a in span.attributes}
    assert sent["discord.user.id"].string_value == hash_id(key, value)
    assert (sent["x"].string_value or sent["x"].int_value) == value


def test_ids_leave_as_they_are_when_the_operator_opted_in(tape):
    span = decoded(
        tape, Redaction(bytes(32), expose_ids=True), a_span(attributes={"discord.user.id": 2**63 + 1})
    )
    assert span.attributes[0].value.string_value == str(2**63 + 1)


def test_ids_are_hashed_in_static_sets_events_and_links_too(tape, redaction):
    ids = {"discord.guild.id": 42}
    span = decoded(
        tape,
        redaction,
        a_span(attributes=ids, events=[Event("e", ids, OFFSET)], links=[Link(SpanContext(1, 2, True), ids)]),
        static=1,
    )
    everything = [*span.attributes, *span.events[0].attributes, *span.links[0].attributes]
    assert [a.value.string_value for a in everything] == [hash_id(bytes(32), 42)] * 3


def test_what_no_protobuf_can_hold_is_left_out_and_the_rest_is_sent(tape, redaction, caplog):
    writer = tape(RESOURCE)
    good = writer.span(a_span(attributes={"big": 2**64, "complex": 1j, "lone": "\ud800", "k": 1}))
    late = (*good[:7], -(2**62), *good[8:])
    encoder = SpanEncoder(writer.stream, redaction)
    by_scope = encoder.encode(writer.send([late, good]), OFFSET)
    body = encoder.enclosed({scope: [spans] for scope, spans in by_scope.items()})
    (span,) = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans
    assert encoder.broken == 1
    assert "the attribute big can't be exported" in caplog.text
    assert {a.key: a.value.string_value or a.value.int_value for a in span.attributes} == {
        "lone": "?",
        "k": 1,
    }


def test_the_caches_are_bounded(tape, redaction):
    writer = tape(RESOURCE)
    template = writer.span(a_span())
    encoder = SpanEncoder(writer.stream, redaction)
    records = [
        (*template[:5], f"n{n}", *template[6:10], {f"k{n}": n, "v": f"v{n}"}, *template[11:])
        for n in range(20_000)
    ]
    encoder.encode(writer.send(records), OFFSET)
    assert len(encoder._heads) <= 4096
    assert sum(len(kept) for kept in encoder._attributes._known.values()) < 4096


def test_secrets_are_taken_out_of_every_part_of_a_span(tape):
    secret = f"ghp_{'a1B2' * 8}"
    told = {
        f"k {secret}": 1,
        "v": f"v {secret}",
        "l": ["fine", secret],
        "db.query.text": f"SELECT '{secret}'",
    }
    scope = InstrumentationScope(f"s {secret}", f"v {secret}", f"https://example.org/{secret}", {"a": secret})
    state = TraceState([("a", secret)])
    span = a_span(
        name=f"n {secret}",
        attributes=told,
        context=SpanContext(1, 2, False, TraceFlags(1), state),
        resource=Resource({**RESOURCE, "r": secret}),
        instrumentation_scope=scope,
        status=Status(StatusCode.ERROR, f"d {secret}"),
        events=[Event(f"e {secret}", told, OFFSET)],
        links=[Link(SpanContext(1, 2, True), told)],
    )
    writer = tape({**RESOURCE, "r": secret})
    encoder = SpanEncoder(writer.stream, Redaction(bytes(32)))
    by_scope = encoder.encode(writer.send([writer.span(span)]), OFFSET)
    body = encoder.enclosed({scope: [spans] for scope, spans in by_scope.items()})
    assert secret.encode() not in body
    # name, status, trace state, resource, four of the scope, an event's name, three of each of three attribute sets
    assert body.count(b"[redacted:api_key]") == 18


def test_sql_is_read_as_its_database_reads_it(redaction):
    values = KeyValues(9, redaction)
    for system, shown in (("postgresql", b'"a"'), ("sqlite", b"SELECT ?")):
        attributes = {"db.query.text": 'SELECT "a"', "db.system.name": system}
        for _ in range(2):
            assert shown in values.encode(attributes)
