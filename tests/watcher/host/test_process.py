from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from whisperwatch import semconv as names
from whisperwatch.watcher.host.process import ProcessFigures
from whisperwatch.watcher.records import LocalStream

CHILD = """
import sys, threading, time
held = []
for line in sys.stdin:
    what, _, number = line.strip().partition(" ")
    if what == "burn":
        until = time.process_time() + float(number)
        while time.process_time() < until:
            pass
    elif what == "allocate":
        held.append(bytearray(b"x" * int(number)))
    elif what == "open":
        held.extend(open("/dev/null") for _ in range(int(number)))
    elif what == "threads":
        for _ in range(int(number)):
            threading.Thread(target=threading.Event().wait, daemon=True).start()
    print("done", flush=True)
"""

Order = Callable[[str], None]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", CHILD], stdin=-1, stdout=-1, text=True)
    with process:
        yield process
        process.kill()


@pytest.fixture
def order(child: subprocess.Popen[str]) -> Order:
    def give(text: str) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        print(text, file=child.stdin, flush=True)
        assert child.stdout.readline() == "done\n"

    give("nothing")
    return give


def test_cpu(child: Any, order: Order, stream: LocalStream, read: Any) -> None:
    moments = iter([100.0, 100.1, 102.0])
    figures = ProcessFigures(child.pid, stream, cpus=2, clock=lambda: next(moments))
    for _ in range(2):
        figures.collect()
        assert read(names.PROCESS_CPU_UTILIZATION) is None, "nobody knows it yet"
    before = read(names.PROCESS_CPU, "user") + read(names.PROCESS_CPU, "system")
    order("burn 0.5")
    figures.collect()
    used = read(names.PROCESS_CPU, "user") + read(names.PROCESS_CPU, "system") - before
    assert used == pytest.approx(0.5, abs=0.15)
    assert read(names.PROCESS_CPU_UTILIZATION) == pytest.approx(used / 2 / 2)


def test_memory(child: Any, order: Order, stream: LocalStream, read: Any) -> None:
    figures = ProcessFigures(child.pid, stream, cpus=1)
    figures.collect()
    before = read(names.PROCESS_MEMORY)
    order(f"allocate {40 * 2**20}")
    figures.collect()
    assert read(names.PROCESS_MEMORY) - before == pytest.approx(40 * 2**20, rel=0.1)
    assert read(names.PROCESS_MEMORY_VIRTUAL) >= read(names.PROCESS_MEMORY)


def test_threads_and_descriptors(child: Any, order: Order, stream: LocalStream, read: Any) -> None:
    figures = ProcessFigures(child.pid, stream, cpus=1)
    figures.collect()
    threads, descriptors = read(names.PROCESS_THREADS), read(names.PROCESS_FDS)
    order("threads 3")
    order("open 5")
    figures.collect()
    assert read(names.PROCESS_THREADS) - threads == 3
    if descriptors is not None:
        assert read(names.PROCESS_FDS) - descriptors == 5
        assert read(names.PROCESS_FD_LIMIT) > 5


def test_uptime(child: Any, order: Order, stream: LocalStream, read: Any) -> None:
    ProcessFigures(child.pid, stream, cpus=1).collect()
    assert 0 <= read(names.UPTIME) < 60


def test_when_it_started_and_in_which_version(child: Any, order: Order) -> None:
    for resource, version in (({"service.version": "1.4"}, "1.4"), ({}, "unknown")):
        stream = LocalStream(resource)
        ProcessFigures(child.pid, stream, cpus=1).collect()
        (started,) = (one for one in stream.instruments if one.name == names.START_TIME.name)
        (cell,) = started.cells
        assert cell.attributes == {"service.version": version}
        assert cell.value == (psutil.Process(child.pid).create_time(),)


def test_a_process_that_is_gone_is_no_error(child: Any, order: Order, stream: LocalStream, read: Any) -> None:
    figures = ProcessFigures(child.pid, stream, cpus=1)
    figures.collect()
    before = read(names.PROCESS_MEMORY)
    child.kill()
    child.wait()
    figures.collect()
    assert read(names.PROCESS_MEMORY) == before
    other = LocalStream({})
    ProcessFigures(child.pid, other, cpus=1).collect()
    assert list(other.instruments) == []


@pytest.mark.parametrize(
    ("method", "error", "lost"),
    [
        ("io_counters", psutil.AccessDenied(1), {names.PROCESS_DISK_IO}),
        ("num_fds", AttributeError("not on Windows"), {names.PROCESS_FDS}),
        ("rlimit", AttributeError("only on Linux"), {names.PROCESS_FD_LIMIT}),
        ("num_threads", psutil.NoSuchProcess(1), {names.PROCESS_THREADS}),
        ("create_time", NotImplementedError(), {names.UPTIME, names.START_TIME}),
    ],
)
def test_what_cant_be_read_is_left_out_and_never_0(
    child: Any,
    order: Order,
    stream: LocalStream,
    read: Any,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    error: Exception,
    lost: set[names.Metric],
) -> None:
    whole = LocalStream({})
    ProcessFigures(child.pid, whole, cpus=1).collect()

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(psutil.Process, method, fail, raising=False)
    ProcessFigures(child.pid, stream, cpus=1).collect()
    here = {instrument.name for instrument in whole.instruments}
    assert read.names == here - {metric.name for metric in lost}
