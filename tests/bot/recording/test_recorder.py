"""Nothing is lost or doubled between threads, nothing grows without bound, and a forked child begins empty."""

from __future__ import annotations

import marshal
import subprocess
import sys
import threading
import tracemalloc
from bisect import bisect_left
from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from whisperwatch import semconv, tape
from whisperwatch.bot import guard
from whisperwatch.bot.recording import ended as ended_module
from whisperwatch.bot.recording.cells import Distribution
from whisperwatch.bot.recording.ended import RELIEF
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root
from whisperwatch.watcher.records import Stream

THREADS = 6


@pytest.fixture
def hurried():
    """Threads change places two thousand times as often as they do by themselves."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 2000)
    yield
    sys.setswitchinterval(usual)


def hammer(work: Callable[[int], None], take: Callable[[], None]) -> None:
    """Let threads do `work` while this one takes, and once more at the end."""
    start = threading.Barrier(THREADS + 1)

    def run(number: int) -> None:
        start.wait()
        work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    start.wait()
    while any(thread.is_alive() for thread in threads):
        take()
    for thread in threads:
        thread.join()
    take()


def test_no_update_of_a_cell_is_lost(hurried):
    times = 20_000
    counter = recorder.define_instrument(recorder.scope, "count", "counter", "", "").find({"a": "x"})
    level = recorder.define_instrument(recorder.scope, "level", "updowncounter", "", "").find({"a": "x"})
    duration = recorder.define_instrument(recorder.scope, "size", "histogram", "", "", (1.5, 3.5)).find(
        {"a": "x"}
    )
    newest: dict[int, tuple[Any, ...]] = {}
    sums_seen: list[float] = []

    def work(number: int) -> None:
        for turn in range(times):
            counter.add(1)
            level.add(1 if turn % 2 else -1)
            duration.record(turn % 5)

    def take() -> None:
        for record in recorder.take_cells():
            newest[record[0]] = record
        sums_seen.append(newest.get(counter.number, (0, 0))[1])

    hammer(work, take)
    assert newest[counter.number] == (counter.number, THREADS * times)
    assert newest[level.number] == (level.number, 0)
    fifth = THREADS * times // 5
    assert newest[duration.number] == (
        duration.number, 5 * fifth, 10 * fifth, 0, 4, [2 * fifth, 2 * fifth, fifth], None,
    )  # fmt: skip
    assert sums_seen == sorted(sums_seen)
    assert len(sums_seen) > 2


def test_no_point_through_the_api_is_lost_while_cells_are_made(hurried, installed):
    counter = metrics.get_meter("library").create_counter("calls")
    taken: dict[int, int] = {}

    def work(number: int) -> None:
        for turn in range(3000):
            counter.add(1, {"turn": turn % 500, "of": "all"})

    def take() -> None:
        taken.update({record[0]: record[1] for record in recorder.take_cells()})

    hammer(work, take)
    numbers = {cell.number for cell in counter.instrument}
    assert len(numbers) == 500
    assert [taken[number] for number in numbers] == [THREADS * 6] * 500


def test_no_span_is_lost_or_doubled(hurried, installed):
    tracer = trace.get_tracer("library")
    taken: list[tuple[Any, ...]] = []

    def work(number: int) -> None:
        for turn in range(800):
            with tracer.start_as_current_span(f"{number}/{turn}") as span:
                span.set_attribute("turn", turn)

    hammer(work, lambda: taken.extend(recorder.take_spans(50)))
    while recorder.waiting:
        taken += recorder.take_spans(50)
    assert sorted(record[5] for record in taken) == sorted(
        f"{n}/{turn}" for n in range(THREADS) for turn in range(800)
    )
    assert len({record[1] for record in taken}) == len(taken)
    assert recorder.ended_spans == len(taken)
    for number in range(THREADS):
        own = [record[10]["turn"] for record in taken if record[5].startswith(f"{number}/")]
        assert own == list(range(800))


def take_all(most: int) -> list[tuple[Any, ...]]:
    """What the loop has packed, and up to `most` more."""
    packed, spans = recorder.take(most)
    return [record for piece, _ in packed for record in marshal.loads(piece)] + spans


def test_no_deferred_root_is_lost_or_doubled(hurried, installed):
    duration = recorder.define_instrument(recorder.scope, "duration", "histogram", "s", "", (0.5,)).find({})
    static = recorder.attribute_set({})
    taken: list[tuple[Any, ...]] = []
    recorder.deferring = True

    def work(number: int) -> None:
        for turn in range(500):
            if number == 0:
                recorder.collect()  # as an SDK reader's thread does
                continue
            root = Root(f"{number}/{turn}", 4, static, duration)
            root.touched = True
            root.hold()
            root.release()

    try:
        hammer(work, lambda: taken.extend(take_all(50)))
        while recorder.waiting:
            taken += take_all(50)
    finally:
        recorder.deferring = False
    assert sorted(record[5] for record in taken) == sorted(
        f"{n}/{turn}" for n in range(1, THREADS) for turn in range(500)
    )
    assert sum(duration.counts) == len(taken)


def test_who_reads_waits_for_what_another_thread_is_settling():
    begun, go_on = threading.Event(), threading.Event()

    class Ended:
        def settle(self) -> None:
            begun.set()
            go_on.wait(30)

    recorder.unsettled.append(Ended())
    ship = threading.Thread(target=recorder.take_spans, args=(10,))
    reader = threading.Thread(target=recorder.collect)
    ship.start()
    begun.wait(30)
    reader.start()
    reader.join(0.05)
    too_early = not reader.is_alive()
    go_on.set()
    ship.join()
    reader.join()
    assert not too_early


def test_one_span_is_annotated_by_many_threads(hurried, installed):
    span = trace.get_tracer("library").start_span("shared")

    def work(number: int) -> None:
        for turn in range(15):
            span.set_attribute(f"{number}/{turn}", turn)
            span.add_event(f"{number}/{turn}")

    hammer(work, lambda: None)
    span.end()
    ((*_, attributes, _, _, events, _, _, dropped),) = recorder.take_spans(9)
    assert len(attributes) == THREADS * 15
    assert len({name for name, *_ in events}) == THREADS * 15
    assert dropped is None


def test_definitions_come_before_what_names_them(hurried, installed):
    """The ship sends definitions first and takes records after; every number that it then takes is defined."""
    meter, seen = metrics.get_meter("library"), []

    def work(number: int) -> None:
        counter = meter.create_counter(f"count.{number}")
        for turn in range(300):
            counter.add(1, {"turn": turn})
            trace.get_tracer(f"scope {number} {turn}").start_span("s").end()

    def take() -> None:
        cells, spans = recorder.take_cells(), recorder.take_spans(10_000)
        defined = {(sort, number) for sort, number, *_ in list(recorder.definitions)}
        seen.append({("cell", cell[0]) for cell in cells} | {("scope", span[15]) for span in spans})
        assert seen[-1] <= defined

    hammer(work, take)
    numbers = [number for sort, number, *_ in recorder.definitions if sort == "cell"]
    assert numbers == list(range(1, len(numbers) + 1))


# --- bounds -----------------------------------------------------------------------------------------------------


def test_a_million_attribute_sets_take_bounded_memory_and_are_counted(installed):
    counter = metrics.get_meter("library").create_counter("users")
    for number in range(10_000):  # past the cap
        counter.add(1, {"user": f"user {number}"})
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(10_000, 1_000_000, 9):
            counter.add(1, {"user": f"user {number}"})
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000
    assert peak - before < 1_000_000
    cells = list(counter.instrument)
    assert len(cells) == 2001
    assert sum(cell.value for cell in cells) == 10_000 + 110_000
    capped = recorder.instrument(semconv.SELF_CAPPED).find({semconv.METRIC: "users"}).value
    assert capped == 8_000 + 110_000
    (overflow,) = [cell for cell in cells if cell.attributes == {semconv.OVERFLOW: True}]
    assert overflow.value == capped


def test_spans_that_nobody_takes_are_bounded_and_counted(installed, monkeypatch):
    monkeypatch.setattr(ended_module, "MOST_SPANS", 10)
    for _ in range(25):
        trace.get_tracer("library").start_span("s").end()
    assert (recorder.waiting, recorder.dropped_spans) == (10, 15)
    cells = dict(record[:2] for record in recorder.take_cells())
    dropped = recorder.instrument(semconv.SELF_DROPPED).find(
        {semconv.SIGNAL: "spans", semconv.REASON: "queue_full"}
    )
    assert cells[dropped.number] == 15


def test_without_a_ship_no_span_waits(installed):
    recorder.shipping = False
    trace.get_tracer("library").start_span("s").end()
    assert recorder.waiting == 0


def test_a_collector_that_fails_does_not_stop_the_others(monkeypatch):
    monkeypatch.setattr(guard, "strict", False)
    ran: list[int] = []

    def broken() -> None:
        raise RuntimeError("gone")

    monkeypatch.setattr(recorder, "collectors", [broken, lambda: ran.append(1)])
    recorder.collect()
    assert ran == [1]
    assert len(guard.counts) == 1


# --- taking -----------------------------------------------------------------------------------------------------


def test_a_reader_sees_how_many_spans_were_recorded_though_no_ship_takes_them(installed):
    reader = InMemoryMetricReader()
    installed.meter_provider.add_metric_reader(reader)
    trace.get_tracer("library").start_span("one").end()
    metrics_read = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    (recorded,) = [metric for metric in metrics_read if metric.name == semconv.SELF_RECORDED.name]
    values = {point.attributes[semconv.SIGNAL]: point.value for point in recorded.data.data_points}
    assert values.pop("metrics") >= 0
    assert values == {"spans": 1, "logs": 0}


def test_points_are_counted_as_they_are_taken(recording):
    counter = recorder.define_instrument(recorder.scope, "counted", "counter", "", "").find({})
    recorded = recorder.instrument(semconv.SELF_RECORDED).find({semconv.SIGNAL: "metrics"})
    recorder.collect()
    recorder.take_cells()
    recorder.collect()
    before = recorded.value
    for _ in range(3):
        counter.add(1)
    assert len(recorder.take_cells()) == 2, "the counter, and how many points there were"
    recorder.collect()
    assert recorded.value == before + 2


def test_only_what_changed_is_taken():
    instrument = recorder.define_instrument(recorder.scope, "count", "counter", "", "")
    one, other = instrument.find({"a": "1"}), instrument.find({"a": "2"})
    recorder.take_cells()
    one.add(1)
    one.add(1)
    assert recorder.take_cells() == [(one.number, 2)]
    assert recorder.take_cells() == []
    other.add(0)
    assert recorder.take_cells() == [(other.number, 0)]
    everything = recorder.all_cells()
    assert (one.number, 2) in everything
    assert (other.number, 0) in everything
    assert recorder.take_cells() == []


def test_a_new_cell_is_taken_once_before_its_first_update():
    """A bounded set is exported as 0 from the start, so that no count is lost at a series' birth."""
    cell = recorder.define_instrument(recorder.scope, "births", "counter", "", "").find({"a": "b"})
    assert (cell.number, 0) in recorder.take_cells()


def test_the_watcher_reads_the_same_metrics_off_the_tape(installed):
    reader = InMemoryMetricReader()
    installed.meter_provider.add_metric_reader(reader)
    meter = metrics.get_meter("taped", "1.0", None, "https://example.org", {"k": [1]})
    counter, gauge = meter.create_counter("calls", "1", "Calls."), meter.create_gauge("level")
    histogram = meter.create_histogram("sizes", explicit_bucket_boundaries_advisory=[1.5, 2.5])
    meter.create_observable_up_down_counter("open", [lambda _: [metrics.Observation(-3, {"a": None})]])
    for number in range(5):
        counter.add(number, {"a": number, "list": [1, "x"], "true": True})
        gauge.set(number / 2)
        with trace.get_tracer("library").start_as_current_span("s"):
            histogram.record(number, {"a": 1.0})
    data = reader.get_metrics_data()
    stream = Stream({})
    for position, cells in ((1, recorder.take_cells()), (2, recorder.all_cells())):
        definitions = recorder.definitions if position == 1 else []
        batch = ("batch", position, recorder.clock.offset, definitions, [], cells, {})
        stream.take(tape.unpack(tape.pack(batch)[tape.HEADER_SIZE :]))
    read = {i.name: i for i in stream.instruments if i.scope.name == "taped"}
    assert stream.skipped == 0
    (of_scope,) = [s for s in data.resource_metrics[0].scope_metrics if s.scope.name == "taped"]
    assert {m.name for m in of_scope.metrics} == read.keys() == {"calls", "level", "sizes", "open"}
    for metric in of_scope.metrics:
        instrument = read[metric.name]
        assert (instrument.unit, instrument.description) == (metric.unit, metric.description)
        assert (instrument.scope.version, instrument.scope.attributes) == ("1.0", {"k": (1,)})
        cells = [cell for cell in instrument.cells if cell.value is not None]
        assert len(cells) == len(metric.data.data_points)
        for cell, point in zip(cells, metric.data.data_points, strict=True):
            assert repr(cell.attributes) == repr(point.attributes)
            if metric.name == "sizes":
                assert cell.value == (point.count, point.sum, point.min, point.max, point.bucket_counts)
                assert instrument.bounds == point.explicit_bounds
                assert [(e.value, e.trace_id, e.span_id, e.time) for e in cell.exemplars.values()] == [
                    (e.value, e.trace_id, e.span_id, e.time_unix_nano) for e in point.exemplars
                ]
            else:
                assert cell.value == (point.value,)


@given(
    st.lists(st.sampled_from([0.05, 0.1, 0.25, 1.0, 2.5]), unique=True).map(sorted).map(tuple),
    st.lists(st.sampled_from([-1.0, 0, 0.05, 0.06, 0.1, 0.2, 0.25, 1, 2.5, 3.0, inf, -inf])),
)
def test_a_histogram_counts_each_value_in_its_bucket_whatever_came_before(bounds, values):
    cell = Distribution(1, {}, [], bounds)
    expected = [0] * (len(bounds) + 1)
    for value in values:
        cell.record(value)
        expected[bisect_left(bounds, value)] += 1
    assert cell.take()[5] == expected


# --- forking ----------------------------------------------------------------------------------------------------

FORKED = """
import os, threading, time
from opentelemetry import metrics, trace
from whisperwatch.bot.recording.providers import providers
from whisperwatch.bot.recording.ended import RELIEF
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.tracing import tracing

providers.install()
tracer = trace.get_tracer("library")
counter = metrics.get_meter("library").create_counter("calls")
histogram = metrics.get_meter("library").create_histogram("sizes")

def work():
    tracer.start_span("s").end()
    counter.add(1)
    histogram.record(1)

def calls():
    return {name: [getattr(c, "value", None) or list(getattr(c, "counts", ()))[:2] for i in recorder.instruments
                   if i.name == name for c in i] for name in ("calls", "sizes")}

def state():
    return recorder.on, recorder.waiting, recorder.ended_spans, calls()

def in_child(do):
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(write, repr(do()).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    assert os.waitpid(pid, 0)[1] == 0
    return eval(said)

for _ in range(3):
    work()
running = tracer.start_span("running")
parents = state()

def child():
    at_first = state(), recorder.take_cells()
    work()
    running.end()
    own = tracing.child("own", 0, recorder.attribute_set({}))
    own and own.end()
    later = state()
    recorder.restart()
    restarted = state()
    work()
    return at_first, later, restarted, state(), [record[5] for record in recorder.take_spans(9)]

at_first, later, restarted, again, spans = in_child(child)
assert parents == (True, 3, 3, {"calls": [3], "sizes": [[0, 3]]}), parents
assert at_first == ((False, 0, 0, {"calls": [[]], "sizes": [[0, 0]]}), []), at_first
assert later[:2] == (False, 0), later
assert restarted == (True, 0, 0, {"calls": [[]], "sizes": [[0, 0]]}), restarted
assert again == (True, 1, 1, {"calls": [1], "sizes": [[0, 1]]}), again
assert spans == ["s"], spans
assert state() == parents
work()
assert recorder.waiting == 4

# a lock that another thread holds while this one forks
held = threading.Event()
let_go = threading.Event()
def hold():
    with recorder.lock:
        held.set()
        let_go.wait()
thread = threading.Thread(target=hold)
thread.start()
held.wait()
def with_new_cells():
    recorder.restart()
    counter.add(1, {"new": "in the child"})
    tracer.start_span("s").end()
    return state()[:3]
assert in_child(with_new_cells) == (True, 1, 1)
let_go.set()
thread.join()

# and a callback that is at work
asked, answer = threading.Event(), threading.Event()
def observe(options):
    asked.set()
    answer.wait()
    return ()
metrics.get_meter("slow").create_observable_gauge("slow", [observe])
thread = threading.Thread(target=recorder.collect)
thread.start()
asked.wait()
def collecting():
    answer.set()
    recorder.restart()
    recorder.collect()
    return "collected"
assert in_child(collecting) == "collected"
answer.set()
thread.join()
print("all held")
"""


def test_a_forked_child_is_off_and_empty_until_it_is_restarted():
    result = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stdout == "all held\n", result.stderr


WATCHED = """
import os
from whisperwatch.bot.recording.ended import RELIEF
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.watch import instrument

assert instrument() and recorder.on
pid = os.fork()
if not pid:
    before = recorder.on, recorder.forked
    instrument()
    os._exit(before != (False, True) or (recorder.on, recorder.forked) != (True, False))
assert os.waitpid(pid, 0)[1] == 0
recorder.on = False  # as the watcher's settings may have it
recorder.define_instrument(recorder.scope, "kept", "counter", "", "").find({}).add(3)
instrument()
assert not recorder.on and recorder.define_instrument(recorder.scope, "kept", "counter", "", "").find({}).value == 3
print("all held")
"""


def test_a_forked_child_that_is_watched_again_records_again():
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", WATCHED]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.stdout == "all held\n", result.stderr


def _end_roots(many: int) -> None:
    duration = recorder.define_instrument(recorder.scope, "duration", "histogram", "s", "", (0.5,)).find({})
    for _ in range(many):
        root = Root("message", 4, recorder.attribute_set({}), duration)
        root.touched = True
        root.hold()
        root.release()


def test_many_that_wait_are_settled_at_once(installed, monkeypatch):
    monkeypatch.setattr(recorder, "deferring", True)
    _end_roots(RELIEF)
    assert len(recorder.unsettled) == RELIEF
    assert not recorder.spans
    _end_roots(1)
    assert len(recorder.unsettled) == 1
    assert not recorder.spans
    assert [count for _, count in recorder.packed] == [RELIEF]
    assert [record[5] for record in take_all(1000)] == ["message"] * (RELIEF + 1)


def test_the_loop_gives_way_to_a_ship_that_is_overdue(installed, monkeypatch):
    gave_way: list[int] = []
    monkeypatch.setattr(recorder, "deferring", True)
    monkeypatch.setattr(recorder, "give_way", lambda: gave_way.append(len(recorder.unsettled)))
    monkeypatch.setattr(recorder, "ship_due_ns", recorder.clock.now() + 10**12)
    _end_roots(RELIEF + 1)
    assert gave_way == []
    monkeypatch.setattr(recorder, "ship_due_ns", recorder.clock.now())
    _end_roots(1)
    assert gave_way == [0]  # with all settled and packed, so that the ship has little to do
    assert sum(count for _, count in recorder.packed) == RELIEF + 2
    take_all(1000)


def test_a_collection_of_garbage_settles_nothing(installed, monkeypatch):
    """It may come anywhere, also while something is being settled."""
    monkeypatch.setattr(recorder, "deferring", True)
    monkeypatch.setattr(recorder, "give_way", lambda: 1 / 0)
    _end_roots(RELIEF)
    monkeypatch.setattr(recorder, "ship_due_ns", 0)
    duration = recorder.define_instrument(recorder.scope, "duration", "histogram", "s", "", (0.5,)).find({})
    root = Root("cancelled", 4, recorder.attribute_set({}), duration)
    root.touched = True
    root.hold()
    del root
    assert len(recorder.unsettled) == RELIEF + 1
    assert len(take_all(1000)) == RELIEF + 1


def test_what_the_loop_packs_is_bounded_and_the_rest_counted(installed, monkeypatch):
    monkeypatch.setattr(recorder, "deferring", True)
    monkeypatch.setattr(ended_module, "MOST_SPANS", 3 * RELIEF)
    before = recorder.dropped_spans
    _end_roots(10 * RELIEF)
    assert sum(count for _, count in recorder.packed) == 3 * RELIEF
    assert len(recorder.spans) == 3 * RELIEF
    assert recorder.dropped_spans > before
    take_all(1000)
    _end_roots(RELIEF + 1)
    assert [count for _, count in recorder.packed] == [RELIEF]
    take_all(1000)


def test_packed_ones_are_taken_before_newer_ones(installed, monkeypatch):
    monkeypatch.setattr(recorder, "deferring", True)
    _end_roots(RELIEF + 1)
    recorder.settle(10)
    packed, spans = recorder.take(1000)
    assert ([count for _, count in packed], len(spans)) == ([RELIEF], 1)
    assert recorder.take(1000) == ([], [])


def test_what_cannot_be_packed_on_the_loop_costs_no_event(installed, monkeypatch, caplog):
    monkeypatch.setattr(recorder, "deferring", True)
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(tape, "pack_records", lambda records: 1 / 0)
    _end_roots(RELIEF + 1)
    assert [record[5] for record in take_all(1000)] == ["message"]
    assert "pack" in caplog.text


def test_the_loop_does_not_wait_for_who_settles(installed, monkeypatch):
    monkeypatch.setattr(recorder, "deferring", True)
    with recorder._settling:
        loop = threading.Thread(target=_end_roots, args=(RELIEF + 1,))
        loop.start()
        loop.join(10)
        assert not loop.is_alive()
    assert len(recorder.unsettled) == RELIEF + 1
    assert len(recorder.take_spans(1000)) == RELIEF + 1
