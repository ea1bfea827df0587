from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from whisperwatch import semconv as names
from whisperwatch.watcher.host import Cgroup
from whisperwatch.watcher.host.machine import MachineFigures, cpus
from whisperwatch.watcher.records import LocalStream

NOWHERE = Path("/nonexistent")


@pytest.fixture
def unlimited() -> Cgroup:
    return Cgroup(NOWHERE, NOWHERE)


def limited(tree: Any, **files: object) -> Cgroup:
    given = {"membership": "0::/", "sys/cgroup.controllers": "cpu memory"}
    root = tree(given | {f"sys/{name.replace('_', '.')}": content for name, content in files.items()})
    return Cgroup(root / "sys", root / "membership")


def test_every_figure_of_this_machine_makes_sense(
    stream: LocalStream, read: Any, unlimited: Cgroup, tmp_path: Path
) -> None:
    figures = MachineFigures(stream, [tmp_path, Path.cwd()], unlimited)
    figures.collect()
    assert read(names.SYSTEM_CPU_LIMIT) == cpus(unlimited) >= 1
    assert read(names.SYSTEM_MEMORY_LIMIT) == psutil.virtual_memory().total
    used, free = read(names.SYSTEM_MEMORY, "used"), read(names.SYSTEM_MEMORY, "free")
    assert used + free == read(names.SYSTEM_MEMORY_LIMIT)
    assert read(names.SYSTEM_MEMORY_UTILIZATION) == pytest.approx(used / (used + free))
    assert read(names.SYSTEM_CPU, "user") > 0
    assert read(names.SYSTEM_LOAD_1M) >= 0
    assert names.SYSTEM_FILESYSTEM.name in read.names


def test_declared_and_read_are_the_same(
    stream: LocalStream, read: Any, unlimited: Cgroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters = SimpleNamespace(read_bytes=1, write_bytes=2, bytes_recv=3, bytes_sent=4)
    monkeypatch.setattr(psutil, "disk_io_counters", lambda **_: counters)
    monkeypatch.setattr(psutil, "net_io_counters", lambda **_: {"eth0": counters})
    figures = MachineFigures(stream, [Path("/")], unlimited)
    busy = psutil.cpu_times()
    monkeypatch.setattr(psutil, "cpu_times", lambda: busy)
    figures.collect()
    monkeypatch.setattr(psutil, "cpu_times", lambda: busy._replace(user=busy.user + 3, idle=busy.idle + 1))
    figures.collect()
    assert read.names == {metric.name for metric in names.METRICS if metric.name.startswith("system.")}
    assert read(names.SYSTEM_CPU_UTILIZATION) == pytest.approx(0.75)


def test_a_share_of_a_moment_is_not_told(
    stream: LocalStream, read: Any, unlimited: Cgroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = MachineFigures(stream, [], unlimited)
    first = psutil.cpu_times()
    for user, idle, told in ((0.0, 0.0, None), (0.02, 0.0, None), (0.5, 1.5, 0.25)):
        now = first._replace(user=first.user + user, idle=first.idle + idle)
        monkeypatch.setattr(psutil, "cpu_times", lambda now=now: now)
        figures.collect()
        assert read(names.SYSTEM_CPU_UTILIZATION) == (told and pytest.approx(told))


class TestTheCgroupIsTheHundredPerCent:
    def test_cpu(self, stream: LocalStream, read: Any, tree: Any) -> None:
        group = limited(tree, cpu_max="50000 100000", cpu_stat="usage_usec 1000000")
        moments = iter([10.0, 12.0])
        figures = MachineFigures(stream, [], group, clock=lambda: next(moments))
        figures.collect()
        limited(tree, cpu_stat="usage_usec 1750000")
        figures.collect()
        assert read(names.SYSTEM_CPU_LIMIT) == 0.5
        assert read(names.SYSTEM_CPU_UTILIZATION) == pytest.approx(0.75 / (2 * 0.5))

    def test_memory(self, stream: LocalStream, read: Any, tree: Any) -> None:
        group = limited(tree, memory_max=2**20, memory_current=2**19, memory_stat="inactive_file 0")
        MachineFigures(stream, [], group).collect()
        assert read(names.SYSTEM_MEMORY_LIMIT) == 2**20
        assert read(names.SYSTEM_MEMORY, "used") == read(names.SYSTEM_MEMORY, "free") == 2**19
        assert read(names.SYSTEM_MEMORY_UTILIZATION) == 0.5

    def test_a_limit_beyond_what_the_host_has_is_none(
        self, stream: LocalStream, read: Any, tree: Any
    ) -> None:
        MachineFigures(stream, [], limited(tree, memory_max=2**59, memory_current=1)).collect()
        assert read(names.SYSTEM_MEMORY_LIMIT) == psutil.virtual_memory().total

    def test_a_quota_beyond_the_cpus_is_none(self, tree: Any) -> None:
        assert cpus(limited(tree, cpu_max="100000000 100000")) <= (os.cpu_count() or 1)


class TestNetwork:
    def test_loopback_is_left_out(
        self, stream: LocalStream, read: Any, unlimited: Cgroup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def card(received: int, sent: int) -> SimpleNamespace:
            return SimpleNamespace(bytes_recv=received, bytes_sent=sent)

        cards = {
            "lo": card(10**6, 10**6),
            "lo0": card(10**6, 10**6),
            "eth0": card(5, 7),
            "longnet": card(10, 20),
        }
        monkeypatch.setattr(psutil, "net_io_counters", lambda **_: cards)
        MachineFigures(stream, [], unlimited).collect()
        assert read(names.SYSTEM_NETWORK_IO, "receive") == 15
        assert read(names.SYSTEM_NETWORK_IO, "transmit") == 27

    def test_with_loopback_alone_there_is_no_figure(
        self, stream: LocalStream, read: Any, unlimited: Cgroup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            psutil, "net_io_counters", lambda **_: {"lo": SimpleNamespace(bytes_recv=1, bytes_sent=1)}
        )
        MachineFigures(stream, [], unlimited).collect()
        assert names.SYSTEM_NETWORK_IO.name not in read.names


class TestFilesystems:
    def test_directories_of_one_file_system_are_one(
        self, stream: LocalStream, read: Any, unlimited: Cgroup, tmp_path: Path
    ) -> None:
        (tmp_path / "deep" / "er").mkdir(parents=True)
        MachineFigures(stream, [tmp_path, tmp_path / "deep" / "er"], unlimited).collect()
        (instrument,) = (i for i in stream.instruments if i.name == names.SYSTEM_FILESYSTEM_UTILIZATION.name)
        (cell,) = instrument.cells
        assert os.path.ismount(cell.attributes[names.MOUNTPOINT])
        assert cell.value is not None
        assert 0 < cell.value[0] <= 1

    def test_a_directory_that_isnt_there_is_no_error(
        self, stream: LocalStream, read: Any, unlimited: Cgroup
    ) -> None:
        MachineFigures(stream, [NOWHERE], unlimited).collect()
        assert names.SYSTEM_FILESYSTEM.name not in read.names


@pytest.mark.parametrize(
    ("where", "name", "lost"),
    [
        (psutil, "disk_io_counters", {names.SYSTEM_DISK_IO}),
        (os, "getloadavg", {names.SYSTEM_LOAD_1M, names.SYSTEM_LOAD_5M, names.SYSTEM_LOAD_15M}),
        (psutil, "net_io_counters", {names.SYSTEM_NETWORK_IO}),
    ],
)
def test_what_cant_be_read_is_left_out_and_never_0(
    stream: LocalStream,
    read: Any,
    unlimited: Cgroup,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    lost: set[names.Metric],
) -> None:
    whole = LocalStream({})
    MachineFigures(whole, [Path("/")], unlimited).collect()

    def fail(**_: Any) -> Any:
        raise OSError("not here")

    monkeypatch.setattr(where, name, fail)
    MachineFigures(stream, [Path("/")], unlimited).collect()
    here = {instrument.name for instrument in whole.instruments}
    assert read.names == here - {metric.name for metric in lost}
