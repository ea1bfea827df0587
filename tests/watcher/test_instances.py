from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from whisperwatch.watcher.departure import start_of
from whisperwatch.watcher.instances import Instances, Place


class Living:
    """A real process that lives until it is told not to."""

    def __init__(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        self.pid = self.process.pid
        self.started = start_of(self.pid)

    def end(self) -> None:
        self.process.communicate()


@pytest.fixture
def living() -> Iterator[list[Living]]:
    made = [Living() for _ in range(3)]
    yield made
    for process in made:
        process.end()


def assign(instances: Instances, process: Living) -> Place:
    return instances.assign(process.pid, process.started)


def test_each_living_process_has_a_slot(tmp_path: Path, living: list[Living]) -> None:
    instances = Instances(tmp_path)
    places = [assign(instances, process) for process in living]
    identity = instances.identity()
    uuid.UUID(identity)
    assert [place.instance for place in places] == [identity, f"{identity}-1", f"{identity}-2"]
    assert [(place.slot, place.restarts) for place in places] == [(0, 0), (1, 0), (2, 0)]


def test_an_id_that_is_given_is_the_first_ones(tmp_path: Path, living: list[Living]) -> None:
    kept = Instances(tmp_path).identity()
    given = Instances(tmp_path, "pod-7")
    assert given.identity() == "pod-7"
    assert [assign(given, process).instance for process in living[:2]] == ["pod-7", "pod-7-1"]
    assert Instances(tmp_path).identity() == kept


def test_a_process_keeps_its_place_under_another_watcher(tmp_path: Path, living: list[Living]) -> None:
    first = [assign(Instances(tmp_path), process) for process in living]
    again = [assign(Instances(tmp_path), process) for process in reversed(living)]
    assert again == first[::-1]
    assert {(one.returned, other.returned) for one, other in zip(first, again, strict=True)} == {
        (False, True)
    }


def test_the_next_process_of_a_slot_is_a_restart(tmp_path: Path, living: list[Living]) -> None:
    instances = Instances(tmp_path)
    identity = instances.identity()
    assign(instances, living[0])
    assign(instances, living[1])
    living[0].end()
    assert assign(instances, living[2]) == Place(identity, 0, 1)
    assert not Instances(tmp_path).assign(os.getpid(), None).returned
    living[2].end()
    next_one = Living()
    assert assign(Instances(tmp_path), next_one) == Place(identity, 0, 2)
    next_one.end()


def test_another_process_with_the_same_pid_is_another(tmp_path: Path, living: list[Living]) -> None:
    instances = Instances(tmp_path)
    instances.assign(living[0].pid, 1)
    assert assign(instances, living[0]).restarts == 1


def test_without_a_directory_it_lasts_as_long_as_the_watcher(living: list[Living]) -> None:
    instances = Instances(None)
    assert assign(instances, living[0]).instance == instances.identity()
    assert assign(instances, living[1]).slot == 1
    assert Instances(None).identity() != instances.identity()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"id": 1, "slots": []}', '{"id": "x", "slots": []}', "\xff\xfe"]
    + [
        f'{{"id": "{uuid.UUID(int=7)}", "slots": {slots}}}'
        for slots in ("[1]", "[{}]", '[{"pid": "1"}]', "3")
    ],
)
def test_an_unreadable_file_is_set_aside(
    tmp_path: Path, text: str, living: list[Living], caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "instances.json"
    file.write_bytes(text.encode("latin-1"))
    with caplog.at_level(logging.WARNING):
        place = assign(Instances(tmp_path), living[0])
    assert (place.slot, place.restarts) == (0, 0)
    assert (tmp_path / "instances.json.corrupt").read_bytes() == text.encode("latin-1")
    assert str(file) in caplog.text
    assert json.loads(file.read_text())["id"] == place.instance


def test_a_directory_that_cannot_be_written_is_said_once(
    tmp_path: Path, living: list[Living], caplog: pytest.LogCaptureFixture
) -> None:
    instances = Instances(tmp_path / "gone")
    first = assign(instances, living[0])
    assert assign(instances, living[0]) == first
    assert len(caplog.records) == 1
    assert "can't be kept" in caplog.text


def test_many_watchers_at_once_give_everyone_another_slot(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from whisperwatch.watcher.instances import Instances\n"
        "from whisperwatch.watcher.departure import start_of\n"
        "place = Instances(Path(sys.argv[1])).assign(os.getpid(), start_of(os.getpid()))\n"
        "print(place.slot, place.instance[:36], flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipe = subprocess.PIPE
    started = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(6)]
    said = [process.stdout.readline().split() for process in started if process.stdout]
    for process in started:
        process.communicate("\n")
    assert sorted(slot for slot, _ in said) == ["0", "1", "2", "3", "4", "5"]
    assert len({identity for _, identity in said}) == 1
    assert (os.stat(tmp_path / "instances.json").st_mode & 0o777) == 0o600
