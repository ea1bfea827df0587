"""The spool: order, restarts, torn and damaged files, the cap, and disks that can't be written."""

from __future__ import annotations

import errno
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperwatch.watcher.pipeline.request import Request
from whisperwatch.watcher.pipeline.segment import MAGIC, Segment, packed
from whisperwatch.watcher.pipeline.spool import Spool

Make = Callable[..., Spool]


class Losses(Counter[tuple[str, str]]):
    def __call__(self, signal: str, reason: str, records: int) -> None:
        self[signal, reason] += records


@pytest.fixture
def lost() -> Losses:
    return Losses()


@pytest.fixture
def make(tmp_path: Path, lost: Losses) -> Make:
    """Opens a spool, as a watcher that starts does."""

    def opened(most_bytes: int = 1_000_000, **more: Any) -> Spool:
        spool = Spool(tmp_path / "spool", most_bytes, lost, **more)
        spool.open()
        return spool

    return opened


def noise(size: int, seed: int = 0) -> bytes:
    """What can't be compressed."""
    return random.Random(seed).randbytes(size)


def fill(spool: Spool, *bodies: bytes, signal: Any = "spans") -> None:
    for body in bodies:
        assert spool.put(Request(signal, body, len(body)))


def drain(spool: Spool, signal: Any = "spans") -> list[bytes]:
    """All that waits, delivered."""
    found = []
    while (request := spool.first(signal)) is not None:
        assert request.records == len(request.body)
        found.append(request.body)
        spool.done(request)
    return found


def files(spool: Spool) -> list[Path]:
    return sorted(spool._directory.iterdir())


class TestOrder:
    def test_first_in_first_out_by_signal(self, make: Make) -> None:
        spool = make()
        fill(spool, b"a", b"bb", b"ccc")
        fill(spool, b"dd", signal="logs")
        assert (spool.records("spans"), spool.records("logs"), spool.records("metrics")) == (6, 2, 0)
        assert drain(spool) == [b"a", b"bb", b"ccc"]
        assert drain(spool, "logs") == [b"dd"]

    def test_what_is_delivered_leaves_nothing(self, make: Make) -> None:
        spool = make()
        for _ in range(3):
            fill(spool, b"a", b"bb")
            assert spool.waiting_bytes("spans") > 0
            drain(spool)
            assert files(spool) == []
            assert (spool.waiting_bytes("spans"), spool.waits("spans")) == (0, False)

    def test_only_its_owner_may_read_it(self, make: Make) -> None:
        spool = make()
        fill(spool, b"a")
        (path,) = files(spool)
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700

    def test_it_is_compressed(self, make: Make) -> None:
        spool = make()
        fill(spool, b"the same again" * 1000)
        assert spool.waiting_bytes("spans") < 500

    def test_many_requests_in_many_files(self, make: Make) -> None:
        spool = make(64_000)
        bodies = [noise(700, n) for n in range(60)]
        fill(spool, *bodies)
        assert len(files(spool)) > 10
        assert drain(spool) == bodies


class TestRestarts:
    def test_what_waited_waits_again_behind_nothing_new(self, make: Make) -> None:
        spool = make()
        fill(spool, b"a", b"bb", b"ccc")
        first = spool.first("spans")
        assert first is not None
        spool.done(first)
        again = make()  # the first was killed: it closed nothing
        fill(again, b"dddd")
        assert again.records("spans") == 9
        assert drain(again) == [b"bb", b"ccc", b"dddd"]

    def test_what_was_delivered_is_not_there_again(self, make: Make) -> None:
        spool = make()
        fill(spool, b"a", b"bb")
        drain(spool)
        assert drain(make()) == []

    def test_closed_in_order(self, make: Make) -> None:
        spool = make()
        fill(spool, b"a")
        spool.close()
        spool.open()
        fill(spool, b"bb")
        assert drain(spool) == [b"a", b"bb"]

    def test_a_file_that_is_none_of_ours_is_left_alone(self, make: Make, caplog: Any) -> None:
        fill(make(), b"a")
        directory = files(make())[0].parent
        for name, content in {"README": b"hello", "0000000007.spans": b"WWSPOOL2rest"}.items():
            (directory / name).write_bytes(content)
        spool = make()
        assert drain(spool) == [b"a"]
        assert [path.name for path in files(spool)] == ["0000000007.spans", "README"]
        assert caplog.text.count("can't be read") == 2


class TestTornFiles:
    @given(bodies=st.lists(st.binary(max_size=80), min_size=1, max_size=6), data=st.data())
    def test_a_torn_end_costs_what_was_torn(
        self, tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes], data: st.DataObject
    ) -> None:
        """Wherever a kill cuts the file: what was whole is there, and new requests come behind it."""
        directory, lost = tmp_path_factory.mktemp("torn") / "spool", Losses()
        spool = Spool(directory, 1_000_000, lost)
        spool.open()
        ends = []
        for body in bodies:
            fill(spool, body)
            ends.append(files(spool)[0].stat().st_size)
        (path,) = files(spool)
        cut = data.draw(st.integers(0, ends[-1]))
        after = data.draw(st.sampled_from([b"", b"\0" * 40]))  # a power cut leaves zeros
        path.write_bytes(path.read_bytes()[:cut] + after)
        again = Spool(directory, 1_000_000, lost)
        again.open()
        fill(again, b"new")
        whole = [body for body, end in zip(bodies, ends, strict=True) if end <= cut]
        assert drain(again) == [*whole, b"new"]
        assert set(lost) <= {("spans", "spool_damaged")}, "only where zeros look like the rest of a request"
        assert sum(lost.values()) <= sum(map(len, bodies)) - sum(map(len, whole))

    @given(bodies=st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=5), data=st.data())
    def test_one_wrong_byte_is_never_delivered(
        self, tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes], data: st.DataObject
    ) -> None:
        directory, lost = tmp_path_factory.mktemp("damaged") / "spool", Losses()
        spool = Spool(directory, 1_000_000, lost)
        spool.open()
        fill(spool, *bodies)
        (path,) = files(spool)
        content = bytearray(path.read_bytes())
        content[data.draw(st.integers(len(MAGIC), len(content) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        found = drain(spool)
        assert set(found) <= set(bodies)
        missing = sum(map(len, bodies)) - sum(map(len, found))
        assert lost["spans", "spool_damaged"] == missing

    def test_a_damaged_request_costs_that_one(self, make: Make, lost: Losses, caplog: Any) -> None:
        spool = make()
        fill(spool, b"a", b"bb", b"ccc")
        (path,) = files(spool)
        content = bytearray(path.read_bytes())
        content[len(MAGIC) + len(packed(b"a", 1)) + 20] ^= 1
        path.write_bytes(content)
        assert drain(make()) == [b"a", b"ccc"]
        assert lost == {("spans", "spool_damaged"): 2}
        assert "2 spans are lost" in caplog.text

    def test_a_file_that_was_taken_away(self, make: Make, lost: Losses) -> None:
        spool = make()
        fill(spool, b"a", b"bb")
        files(spool)[0].unlink()
        assert drain(spool) == []
        assert lost == {("spans", "spool_damaged"): 3}
        fill(spool, b"ccc")
        assert drain(spool) == [b"ccc"]


class TestTheCap:
    def test_the_oldest_goes_and_is_counted(self, make: Make, lost: Losses) -> None:
        spool = make(64_000)
        bodies = [noise(1000, n) for n in range(200)]
        for body in bodies:
            fill(spool, body)
            assert sum(path.stat().st_size for path in files(spool)) <= 64_000
        found = drain(spool)
        assert found == bodies[-len(found) :]
        assert len(found) > 55, "what goes at once is a small part"
        assert lost == {("spans", "spool_full"): 1000 * (200 - len(found))}

    def test_it_is_the_oldest_of_all_signals(self, make: Make, lost: Losses) -> None:
        spool = make(64_000)
        fill(spool, noise(1000), signal="logs")
        for n in range(55):
            fill(spool, noise(1000, n))
            fill(spool, b"few", signal="metrics")
        assert lost == {}
        for n in range(5):
            fill(spool, noise(1000, n))
        assert lost["logs", "spool_full"] == 1000
        kept = drain(spool, "metrics")
        assert len(kept) > 45, "the newest metrics stay"
        assert lost["metrics", "spool_full"] == 3 * (55 - len(kept))

    def test_what_is_under_way_stays(self, make: Make, lost: Losses) -> None:
        spool = make(64_000)
        fill(spool, noise(1000, 0))
        request = spool.first("spans")
        assert request is not None
        request.under_way = True
        fill(spool, *(noise(1000, n) for n in range(1, 80)))
        assert spool.first("spans") is request
        request.under_way = False
        spool.done(request)
        found = drain(spool)
        assert found[-1] == noise(1000, 79)
        assert lost["spans", "spool_full"] == 1000 * (79 - len(found))

    def test_a_smaller_cap_than_before(self, make: Make, lost: Losses) -> None:
        fill(make(), *(noise(1000, n) for n in range(200)))
        spool = make(64_000)
        assert sum(path.stat().st_size for path in files(spool)) <= 64_000
        assert spool.records("spans") + lost["spans", "spool_full"] == 200_000

    def test_what_is_larger_than_all_of_it_is_not_taken(self, make: Make, lost: Losses) -> None:
        spool = make(64_000)
        fill(spool, b"a")
        assert not spool.put(Request("spans", noise(65_000), 1))
        assert drain(spool) == [b"a"]
        assert lost == {}


class TestDisks:
    def test_a_full_disk_takes_nothing_for_some_seconds(
        self, make: Make, monkeypatch: pytest.MonkeyPatch, caplog: Any
    ) -> None:
        clock = [0.0]
        spool = make(now=lambda: clock[0])
        fill(spool, b"a")
        with monkeypatch.context() as patched:
            half(patched)
            assert not spool.put(Request("spans", b"bb", 2))
        assert spool.problem is not None
        assert "No space left on device" in spool.problem
        assert not spool.put(Request("spans", b"bb", 2)), "it isn't asked again at once"
        clock[0] = 6.0
        fill(spool, b"ccc")
        assert spool.problem is None
        assert drain(spool) == [b"a", b"ccc"], "half of what was written is not in the way"
        assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]

    def test_nothing_is_left_of_a_file_that_could_not_be_begun(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spool = make()
        with monkeypatch.context() as patched:
            half(patched)
            assert not spool.put(Request("spans", b"bb", 2))
        assert files(spool) == []
        assert spool.first("spans") is None

    def test_a_state_directory_that_is_gone(self, make: Make, tmp_path: Path) -> None:
        spool = make()
        (tmp_path / "spool").rmdir()
        fill(spool, b"a")
        assert drain(spool) == [b"a"]

    def test_where_no_folder_can_be_made(self, tmp_path: Path, lost: Losses) -> None:
        (tmp_path / "spool").write_text("in the way")
        spool = Spool(tmp_path / "spool", 1_000_000, lost)
        spool.open()
        assert spool.problem is not None
        assert not spool.put(Request("spans", b"a", 1))
        assert spool.first("spans") is None


def half(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes half of what is written, and then no more."""
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", full)


def test_a_segment_knows_where_it_is(tmp_path: Path) -> None:
    segment = Segment.make(tmp_path, "logs", 12)
    segment.append(packed(b"abc", 3), 3)
    segment.close()
    found = Segment.find(tmp_path / "0000000012.logs")
    assert (found.signal, found.generation, found.records, found.size) == ("logs", 12, 3, segment.size)
