"""The wire format against Google's own classes, and against rubbish."""

from __future__ import annotations

import contextlib

import hypothesis.strategies as st
import pytest
from hypothesis import given
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from whisperwatch.watcher.pipeline.protobuf import (
    WireError,
    fields,
    message,
    number,
    prefixes,
    text,
    utf8,
    varint,
)


@given(st.integers(-(2**63), 2**63 - 1))
def test_varints(value):
    assert AnyValue(int_value=value).SerializeToString() == b"\x18" + varint(value)


@given(st.integers(0, 2**32 - 1))
def test_numbers(value):
    assert Span(dropped_links_count=value).SerializeToString() == number(14, value)


@given(st.text(max_size=300))
def test_texts(value):
    assert KeyValue(key=value).SerializeToString() == text(1, value)


@given(st.binary(max_size=300))
def test_messages(body):
    assert AnyValue(bytes_value=body).SerializeToString() == message(7, body)


def test_prefixes_are_those_of_messages():
    assert all(
        prefix + b"x" * size == message(2, b"x" * size) for size, prefix in enumerate(prefixes(2, 400))
    )


def test_lone_surrogates():
    assert utf8("a\ud800b") == b"a?b"


def test_fields_of_every_wire_type():
    span = Span(trace_id=b"x" * 16, start_time_unix_nano=1, flags=2, kind=Span.SPAN_KIND_CLIENT)
    assert dict(fields(span.SerializeToString())) == {
        1: b"x" * 16,
        6: 3,
        7: (1).to_bytes(8, "little"),
        16: (2).to_bytes(4, "little"),
    }


@pytest.mark.parametrize(
    "body", [b"\x0a", b"\x0a\x05abc", b"\x08", b"\x08" + b"\xff" * 11, b"\x00\x00", b"\x0b", b"\x39abc"]
)
def test_rubbish_is_told(body):
    with pytest.raises(WireError):
        list(fields(body))


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(body):
    with contextlib.suppress(WireError):
        list(fields(body))
