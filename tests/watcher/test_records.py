"""Streams: definitions resolved, newest values kept, and nothing that a bot's process sends raises."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from whisperwatch import semconv
from whisperwatch.watcher.records import Endpoint, LocalStream, Scope, Stream

DEFINITIONS = [
    ("scope", 1, "whisperwatch", "1", None, {"k": "v"}),
    ("attributes", 1, {"bot.name": "b"}),
    ("instrument", 1, 1, "c", "counter", "1", "help", None),
    ("instrument", 2, 1, "h", "histogram", "s", "help", (1.0, 2.0)),
    ("cell", 1, 1, {"k": 1}, 5),
    ("cell", 2, 2, None, 6),
]


def batch(
    position: int, definitions: Any = (), spans: Any = (), cells: Any = (), offset: int = 1000
) -> tuple[Any, ...]:
    return "batch", position, offset, list(definitions), list(spans), list(cells), {}


def span(scope: int = 1, static: int = 1) -> tuple[Any, ...]:
    return (1, 2, 0, 1, None, "n", 0, 1, 2, static, None, 0, None, None, None, scope, None)


@pytest.fixture
def stream() -> Stream:
    made = Stream({"service.name": "b"})
    made.take(batch(1, DEFINITIONS))
    return made


def test_definitions_are_resolved_and_the_newest_values_kept(stream):
    stream.take(batch(2, (), (), [(1, 3), (2, 2, 3.0, 1.0, 2.0, (1, 1, 0), ((0.5, 7, 8, 9),))]))
    stream.take(batch(3, (), (), [(1, 4)]))
    counter, histogram = stream.instruments
    assert counter.scope == Scope("whisperwatch", "1", None, {"k": "v"})
    assert (counter.name, counter.kind, counter.unit, counter.description) == ("c", "counter", "1", "help")
    (cell,) = counter.cells
    assert (cell.attributes, cell.start, cell.value) == ({"k": 1}, 1005, (4,))
    (cell,) = histogram.cells
    assert cell.value == (2, 3.0, 1.0, 2.0, (1, 1, 0))
    (exemplar,) = cell.take_fresh()
    assert (exemplar.value, exemplar.time, exemplar.trace_id, exemplar.span_id) == (0.5, 1007, 8, 9)
    assert cell.take_fresh() == []


@pytest.mark.parametrize(
    "cell",
    [
        (1, b"\x05\x00"),
        (1, None),
        (1, "many"),
        (2, 1, b"\x05", 1.0, 2.0, (1, 0, 0), None),
        (2, 1, 1.0, 1.0, 2.0, (1, b"\x05", 0), None),
    ],
)
def test_what_is_no_number_is_left_out(stream, cell):
    """`marshal` writes a number of numpy's as bytes."""
    good = [(1, 3), (2, 1, 1.0, 1.0, 1.0, (1, 0, 0), None)]
    stream.take(batch(2, (), (), good))
    before = [one.value for instrument in stream.instruments for one in instrument.cells]
    stream.take(batch(3, (), (), [cell]))
    assert [one.value for instrument in stream.instruments for one in instrument.cells] == before
    assert stream.skipped == 1


def test_an_exemplar_on_a_bound_belongs_to_the_bucket_below(stream):
    stream.take(batch(2, (), (), [(2, 1, 1.0, 1.0, 1.0, (1, 0, 0), ((1.0, 0, 1, 1),))]))
    assert list(stream.instruments[1].cells[0].exemplars) == [0]


def test_spans_come_back_in_order(stream):
    first, second = span(static=0), span()
    assert stream.take(batch(2, (), [first, second])) == [first, second]


def test_a_batch_that_comes_again_is_left_out_whole(stream):
    stream.take(batch(2, (), [span()], [(1, 3)]))
    assert stream.take(batch(2, (), [span()], [(1, 99)])) == []
    assert stream.instruments[0].cells[0].value == (3,)
    assert stream.skipped == 2


def test_after_a_gap_what_can_be_resolved_is_taken(stream, caplog):
    assert stream.take(batch(7, (), [span(), span(scope=9), span(static=9)], [(1, 5), (8, 1)])) == [span()]
    assert stream.instruments[0].cells[0].value == (5,)
    assert stream.skipped == 1 + 1 + 2
    assert stream.take(batch(8, (), [span()])) == [span()]
    assert len(caplog.records) == 1, "said once"


def test_a_new_connection_begins_at_one_and_defines_everything_again(stream):
    stream.take(batch(2, (), (), [(1, 3)]))
    stream.take(batch(1, DEFINITIONS, [span()], [(1, 4)]))
    assert [len(instrument.cells) for instrument in stream.instruments] == [1, 1]
    assert stream.instruments[0].cells[0].value == (4,)
    assert stream.skipped == 0


@pytest.mark.parametrize(
    "definition",
    [
        ("cell", 9, 77, {}, 0),
        ("instrument", 9, 77, "n", "counter", "", "", None),
        ("instrument", 9, 1, "n", "meter", "", "", None),
        ("instrument", 9),
        ("scope",),
        (),
        None,
    ],
)
def test_a_definition_that_cannot_be_resolved_is_counted(stream, definition, caplog):
    stream.take(batch(2, [definition], [span()], [(1, 1)]))
    assert stream.skipped == 1
    assert stream.instruments[0].cells[0].value == (1,)
    assert "left out" in caplog.text


@pytest.mark.parametrize(
    "cell",
    [
        (2, 1, 1.0, 1.0, 1.0, (1,), None),
        (1, 2, 3),
        (2, 5),
        (),
        None,
        (1,),
        ([], 1),
        (2, 1, 1.0, 1.0, 1.0, 3, None),
    ],
)
def test_a_cell_of_another_shape_is_counted(stream, cell):
    stream.take(batch(2, (), (), [cell]))
    assert stream.skipped == 1


json = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=7).map(tuple) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=20,
)


@given(st.lists(json, max_size=4), st.lists(json, max_size=4), st.lists(json, max_size=4))
def test_nothing_raises(definitions, spans, cells):
    stream = Stream({})
    stream.take(batch(1, DEFINITIONS))
    stream.take(batch(2, definitions, spans, cells))
    stream.take(("batch", 3))


@pytest.mark.parametrize(
    "definition",
    [
        ("endpoint", 1, "postgresql", ["hunter2hunter2"]),
        ("endpoint", 1, "postgresql", {}, "hunter2hunter2"),
    ],
)
def test_an_endpoint_of_another_shape_is_counted_and_not_quoted(stream, definition, caplog):
    stream.take(batch(2, [definition], (), ()))
    assert (stream.endpoints, stream.skipped) == ({}, 1)
    assert "hunter2" not in caplog.text


def test_endpoints_are_bounded(stream):
    definitions = [("endpoint", n, "redis", {"host": str(n)}) for n in range(1, 1000)]
    stream.take(batch(2, definitions, (), ()))
    assert len(stream.endpoints) == 256


def test_endpoints_are_kept_for_health_and_their_secrets_shown_nowhere(stream, caplog):
    arguments = {"host": "db", "password": "hunter2", "opaque": ["ssl"]}
    stream.take(batch(2, [("endpoint", 1, "postgresql", arguments)]))
    stream.take(batch(1, [("endpoint", 1, "postgresql", arguments)]))  # another connection
    assert stream.endpoints == {1: Endpoint("postgresql", arguments)}
    assert "hunter2" not in repr(stream.endpoints)
    stream.take(batch(2, [("endpoint", 2, "postgresql", arguments, "more")]))
    stream.take(batch(3, [("endpoint", 3, "postgresql", "hunter2")]))
    assert (len(stream.endpoints), stream.skipped) == (1, 2)
    assert "endpoint" in caplog.text
    assert "hunter2" not in caplog.text


def test_an_id_on_a_metric_is_refused(stream):
    stream.take(batch(2, [("cell", 3, 1, {semconv.USER_ID: 5}, 0)], (), [(3, 1)]))
    assert len(stream.instruments[0].cells) == 1
    assert (stream.refused_cells, stream.skipped) == (1, 0)


class TestLocalStream:
    def test_sums_add_up_and_gauges_are_set(self):
        stream = LocalStream({})
        for delta in (2, 3):
            stream.add(semconv.SELF_EXPORTED, delta, {"signal": "spans"})
        stream.set(semconv.SELF_BUFFER, 9, {"signal": "spans"})
        stream.set(semconv.SELF_BUFFER, 7, {"signal": "spans"})
        found = {i.name: [(c.attributes, c.value) for c in i.cells] for i in stream.instruments}
        assert found == {
            "whisperwatch.exported": [({"signal": "spans"}, (5,))],
            "whisperwatch.buffer.size": [({"signal": "spans"}, (7,))],
        }

    def test_a_metric_is_used_as_declared(self):
        stream = LocalStream({})
        with pytest.raises(ValueError, match=r"whisperwatch.exported has no attribute colour"):
            stream.add(semconv.SELF_EXPORTED, 1, {"colour": "red"})
        with pytest.raises(ValueError, match="is a histogram"):
            stream.set(semconv.LOOP_LAG, 1)


def test_secrets_in_what_describes_metrics_are_taken_out_before_anybody_reads() -> None:
    secret = f"ghp_{'a1B2' * 8}"
    stream = Stream({})
    stream.take(
        batch(
            1,
            [
                ("scope", 1, "s", None, None, None),
                ("instrument", 1, 1, "c", "counter", "1", f"help {secret}", None),
                ("cell", 1, 1, {"k": secret, "token": "x", "n": 1}, 5),
            ],
        )
    )
    (instrument,) = stream.instruments
    assert instrument.description == "help [redacted:api_key]"
    assert instrument.cells[0].attributes == {"k": "[redacted:api_key]", "token": "[redacted:secret]", "n": 1}
