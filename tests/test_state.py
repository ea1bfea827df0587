from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from whisperwatch import state


def test_where_the_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(state.VARIABLE, str(tmp_path / "deep" / "here"))
    opened = state.open_state()
    assert opened.path == tmp_path / "deep" / "here"
    assert opened.problem is None
    assert (opened.path.stat().st_mode & 0o777) == 0o700
    assert [kept.name for kept in opened.path.iterdir()] == [".gitignore"]


def test_else_beside_the_main_script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(state.VARIABLE, raising=False)
    assert state.open_state(str(tmp_path / "bot.py")).path == tmp_path / ".whisperwatch"


def test_git_leaves_out_one_that_we_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(state.VARIABLE, raising=False)
    made = state.open_state(str(tmp_path / "bot.py")).path
    assert made is not None
    assert (made / ".gitignore").read_text() == "*\n"
    monkeypatch.setenv(state.VARIABLE, str(tmp_path))
    assert state.open_state().path == tmp_path
    assert not (tmp_path / ".gitignore").exists()


def test_where_it_cannot_be_everything_works_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(state.VARIABLE, "/proc/nowhere")
    opened = state.open_state()
    assert (opened.path, opened.socket, opened.lock) == (None, None, None)
    assert opened.problem is not None
    assert "/proc/nowhere" in opened.problem
    assert state.VARIABLE in opened.problem
    assert opened.key() == opened.key()


def test_the_key_is_made_once(tmp_path: Path) -> None:
    key = state.StateDirectory(tmp_path).key()
    assert len(key) == 32
    assert state.StateDirectory(tmp_path).key() == key
    assert ((tmp_path / "key").stat().st_mode & 0o777) == 0o600
    assert os.listdir(tmp_path) == ["key"]


def test_processes_that_make_the_key_at_once_have_the_same(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from whisperwatch.state import StateDirectory; input();"
        "print(StateDirectory(Path(sys.argv[1])).key().hex())"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code, str(tmp_path)]
    started = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(6)]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert len({process.communicate()[0] for process in started}) == 1


def test_where_links_cannot_be_made_the_key_still_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", no_links)
    key = state.StateDirectory(tmp_path).key()
    assert state.StateDirectory(tmp_path).key() == key


def test_a_key_cut_short_is_said(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(ValueError, match="delete it"):
        state.StateDirectory(tmp_path).key()


@pytest.mark.parametrize("levels", [0, 8])
def test_an_address_of_any_length_can_be_bound(tmp_path: Path, levels: int) -> None:
    directory = tmp_path.joinpath(*["quite-a-long-folder"] * levels)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "watcher.sock"
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as calling:
        with state.address(path) as where:
            listening.bind(where)
        listening.listen()
        with state.address(path) as where:
            calling.connect(where)
    assert path.is_socket()


def test_ids_are_hashed_with_the_key() -> None:
    assert state.hash_id(b"k" * 32, 1234) == state.hash_id(b"k" * 32, "1234")
    assert state.hash_id(b"k" * 32, 1234) != state.hash_id(b"l" * 32, 1234)
    assert len(state.hash_id(b"k" * 32, 1)) == 16


class TestAGivenKey:
    KEY = "0123456789abcdef" * 2

    @pytest.fixture(autouse=True)
    def _unset(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in (state.HASH_KEY, f"{state.HASH_KEY}_FILE"):
            monkeypatch.delenv(name, raising=False)

    def test_wins_over_the_directory_s_and_is_the_same_everywhere(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        own = state.StateDirectory(tmp_path).key()
        monkeypatch.setenv(state.HASH_KEY, self.KEY)
        given = state.StateDirectory(tmp_path).key()
        assert given != own
        assert len(given) == 32
        assert given == state.StateDirectory(None).key() == state.hash_key_of(f" {self.KEY}\n")

    def test_may_be_in_a_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "given").write_text(f"{self.KEY}\n")
        monkeypatch.setenv(f"{state.HASH_KEY}_FILE", str(tmp_path / "given"))
        assert state.StateDirectory(None).key() == state.hash_key_of(self.KEY)

    def test_that_is_too_short_is_refused_by_name(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv(state.HASH_KEY, self.KEY[:31])
        with pytest.raises(
            ValueError, match=r"WHISPERWATCH_HASH_KEY has 31 characters.* at least 32"
        ) as raised:
            state.StateDirectory(tmp_path).key()
        assert self.KEY[:31] not in str(raised.value)
        (tmp_path / "given").write_text("short")
        monkeypatch.delenv(state.HASH_KEY)
        monkeypatch.setenv(f"{state.HASH_KEY}_FILE", str(tmp_path / "given"))
        with pytest.raises(ValueError, match="the file of WHISPERWATCH_HASH_KEY_FILE has 5 characters"):
            state.StateDirectory(tmp_path).key()
