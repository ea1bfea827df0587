"""The buffer: order, the bound, and whose turn it is to be dropped."""

from __future__ import annotations

import pytest

from whisperwatch.watcher.pipeline.buffer import Buffer
from whisperwatch.watcher.pipeline.request import Request


@pytest.fixture
def dropped() -> list[Request]:
    return []


def test_first_in_first_out_by_signal(dropped):
    buffer = Buffer(100, dropped.append)
    requests = [Request(signal, b"x", 1) for signal in ("spans", "metrics", "spans")]
    for request in requests:
        buffer.put(request)
    assert buffer.first("spans") is requests[0]
    buffer.remove(requests[0])
    assert buffer.first("spans") is requests[2]
    assert buffer.first("metrics") is requests[1]


def test_the_oldest_of_both_signals_goes(dropped):
    buffer = Buffer(10, dropped.append)
    requests = [Request(signal, b"xxxx", 1) for signal in ("metrics", "spans", "metrics", "spans")]
    for request in requests:
        buffer.put(request)
    assert dropped == requests[:2]
    assert (buffer.memory_bytes("spans"), buffer.memory_bytes("metrics")) == (4, 4)


def test_what_is_under_way_stays(dropped):
    buffer = Buffer(10, dropped.append)
    requests = [Request("spans", b"xxxx", 1) for _ in range(3)]
    buffer.put(requests[0])
    requests[0].under_way = True
    for request in requests[1:]:
        buffer.put(request)
    assert dropped == [requests[1]]
    assert buffer.first("spans") is requests[0]


def test_one_that_is_larger_than_the_bound_is_dropped_itself(dropped):
    buffer = Buffer(10, dropped.append)
    buffer.put(Request("spans", b"x" * 11, 1))
    assert len(dropped) == 1
    assert buffer.first("spans") is None


def test_a_bound_of_spans(dropped):
    buffer = Buffer(1000, dropped.append, most={"spans": 5, "logs": None})
    requests = [Request("metrics", b"x", 99), *(Request("spans", b"x", 2) for _ in range(3))]
    for request in requests:
        buffer.put(request)
    assert dropped == [requests[1]]


def test_a_bound_of_log_records(dropped):
    buffer = Buffer(1000, dropped.append, most={"logs": 3})
    requests = [Request("spans", b"x", 99), *(Request("logs", b"x", 2) for _ in range(2))]
    for request in requests:
        buffer.put(request)
    assert dropped == [requests[1]]


def test_clear_gives_back_what_waited(dropped):
    buffer = Buffer(100, dropped.append)
    buffer.put(Request("spans", b"x", 1))
    assert len(buffer.clear()) == 1
    assert buffer.memory_bytes("spans") == 0
    assert dropped == []
