"""`whisperwatch run` against `python` itself: what a bot prints, and how it ends, must be the same byte for byte."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

WHISPERWATCH = str(Path(sys.executable).with_name("whisperwatch"))
LOOK_AROUND = """\
import sys
print({name: type(value).__name__ for name, value in globals().items()})
print(__name__, __file__, __package__, __spec__ and __spec__.name, __builtins__)
print(sys.argv, sys.path, sys.flags, sys.modules["__main__"].__dict__ is globals())
"""
FAIL = """\
def answer():
    try:
        return {}["question"]
    except KeyError as error:
        raise ValueError("no answer") from error

answer()
"""


@dataclass(frozen=True)
class Case:
    """Files in a directory, the command line that runs one of them there, and what is special about it."""

    name: str
    files: Mapping[str, str | bytes]
    words: Sequence[str] = ("bot.py",)
    interpreter: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""
    status: int = 0


def bot(name: str, source: str | bytes, *arguments: str, status: int = 0) -> Case:
    return Case(name, {"bot.py": source}, ("bot.py", *arguments), status=status)


CASES = [
    # what the bot sees around it
    bot("script", LOOK_AROUND, "--help", "-m", "a b", ""),
    Case("no extension", {"sub/the bot": LOOK_AROUND}, ("sub/the bot",)),
    Case("dot path", {"sub/bot.py": LOOK_AROUND}, ("./sub/../sub/bot.py",)),
    Case("directory", {"bot/__main__.py": LOOK_AROUND}, ("bot/", "x")),
    Case("directory that fails", {"bot/__main__.py": FAIL}, ("bot",), status=1),
    Case("module", {"bot.py": LOOK_AROUND}, ("-m", "bot", "-m", "x")),
    Case("module that fails", {"bot.py": FAIL}, ("-m", "bot"), status=1),
    Case(
        "package",
        {"pack/__init__.py": "import sys; print(sys.argv, __name__)", "pack/__main__.py": LOOK_AROUND},
        ("-m", "pack", "x"),
    ),
    Case("interpreter's options", {"bot.py": LOOK_AROUND}, interpreter=("-O", "-u", "-W", "ignore")),
    Case("safe path, script", {"bot.py": LOOK_AROUND}, environment={"PYTHONSAFEPATH": "1"}),
    Case("safe path, directory", {"bot/__main__.py": LOOK_AROUND}, ("bot",), environment={"PYTHONSAFEPATH": "1"}),
    Case("stdin", {"bot.py": "print(input(), input())"}, stdin="one\ntwo\n"),
    bot("a module beside it", "import sys, os.path; import settings; print(os.path.basename(sys.path[0]))", status=1),
    # how it ends
    bot("exit with a number", "import sys; sys.exit(3)", status=3),
    bot("exit with a text", "import sys; sys.exit('no token')", status=1),
    bot("exit with nothing", "print('bye'); raise SystemExit"),
    bot("exit with something else", "raise SystemExit((1, 2))", status=1),
    bot("exit at once", "import os; print('bye', flush=True); os._exit(7)", status=7),
    bot("exception", FAIL, status=1),
    bot("exception with notes", "e = ExceptionGroup('two', [OSError(2)]); e.add_note('n'); raise e", status=1),
    bot("exception out of asyncio", "import asyncio\nasync def main():\n    1/0\nasyncio.run(main())", status=1),
    bot("KeyboardInterrupt", "raise KeyboardInterrupt", status=-2),
    bot("Ctrl-C", "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)", status=-2),
    bot("Ctrl-C, exit handlers", "import atexit\natexit.register(print, 'bye')\nraise KeyboardInterrupt", status=-2),
    bot("excepthook", "import sys\nsys.excepthook = lambda *what: print(what[1])\n1/0", status=1),
    bot("excepthook that fails", f"import sys\ndef hook(*_):\n    {{}}['x']\nsys.excepthook = hook\n{FAIL}", status=1),
    bot("excepthook that exits", "import sys\nsys.excepthook = lambda *_: sys.exit(9)\n1/0", status=9),
    bot("excepthook, Ctrl-C", "import sys\nsys.excepthook = lambda *a: print(1)\nraise KeyboardInterrupt", status=-2),
    bot("exception in a thread", "import threading\nt = threading.Thread(target=lambda: 1/0)\nt.start(); t.join()"),
    bot("warning", "import warnings; warnings.warn('old', DeprecationWarning)"),
    # what goes on after its last line
    bot(
        "main module is kept",
        """\
import atexit, dataclasses, pickle, sys, threading, time, typing

@dataclasses.dataclass
class Note:
    text: "list[str]"

def later():
    threading.main_thread().join()
    note = pickle.loads(pickle.dumps(Note(["x"])))
    print(note, typing.get_type_hints(Note), sys.modules["__main__"].Note is Note)

atexit.register(lambda: print(pickle.loads(pickle.dumps(Note(["y"]))), sys.last_value))
threading.Thread(target=later).start()
raise ValueError("the end")
""",
        status=1,
    ),
    bot(
        "its children",
        """\
import multiprocessing, subprocess, sys

def child():
    print(__name__, "whisperwatch" in sys.modules, sys.argv, flush=True)

if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=child)
    process.start()
    process.join()
    code = "import os, sys; print('whisperwatch' in sys.modules, 'PYTHONPATH' in os.environ)"
    print(process.exitcode, subprocess.run([sys.executable, "-c", code]).returncode)
""",
        "argument",
    ),
    # what can't run
    Case("no such file", {}, ("nothing.py",), status=2),
    Case("no such module", {}, ("-m", "nothing"), status=1),
    Case("no such submodule", {"pack/__init__.py": ""}, ("-m", "pack.nothing"), status=1),
    Case("package without main", {"pack/__init__.py": ""}, ("-m", "pack"), status=1),
    Case("directory without main", {"empty/x.py": ""}, ("empty",), status=1),
    bot("syntax error", "def f(:\n    pass\n", status=1),
    bot("not UTF-8", b"print('\xff')\n", status=1),
    bot("Latin-1, declared", b"# coding: latin-1\nprint(ascii('\xff'))\n"),
    bot("null byte", b"print(1)\0\n", status=1),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_run_is_python(case: Case, tmp_path: Path) -> None:
    for name, content in case.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    python = run([sys.executable, *case.interpreter, *case.words], tmp_path, case)
    ours = [sys.executable, *case.interpreter, "-m", "whisperwatch"] if case.interpreter else [WHISPERWATCH]
    watched = run([*ours, "run", *case.words], tmp_path, case)
    assert watched == python
    assert python[0] == case.status


def test_zip_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bot.zip", "w") as archive:
        archive.writestr("__main__.py", f"{LOOK_AROUND}\n{FAIL}")
    assert_same(["bot.zip", "x"], tmp_path)


def test_symlink(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "bot.py").write_text(LOOK_AROUND)
    (tmp_path / "link.py").symlink_to("real/bot.py")
    assert_same(["link.py"], tmp_path)


def test_compiled_script(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(LOOK_AROUND)
    subprocess.run([sys.executable, "-m", "compileall", "-q", "-b", "bot.py"], cwd=tmp_path, check=True)
    assert_same(["bot.pyc"], tmp_path)


def test_absolute_path_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "bot.py").write_text(LOOK_AROUND)
    (tmp_path / "home").mkdir()
    assert_same([str(tmp_path / "bot" / "bot.py")], tmp_path / "home")


def test_what_lies_beside_the_bot_is_found_first(tmp_path: Path) -> None:
    """A `discord` of the bot's own is the one that it gets, though we import discord before it does."""
    (tmp_path / "discord").mkdir()
    (tmp_path / "discord" / "__init__.py").write_text("__title__ = 'own'; __version__ = '0'")
    (tmp_path / "bot.py").write_text("import discord; print(discord.__title__)")
    status, out, _ = run([WHISPERWATCH, "run", "bot.py"], tmp_path)
    assert (status, out) == (0, b"own\n")


def test_a_failure_of_ours_costs_the_telemetry_not_the_bot(tmp_path: Path) -> None:
    (tmp_path / "discord.py").write_text("raise RuntimeError('broken')")
    (tmp_path / "bot.py").write_text("print('runs')")
    status, out, err = run([WHISPERWATCH, "run", "bot.py"], tmp_path)
    assert (status, out) == (0, b"runs\n")
    assert err == b"whisperwatch: the bot is not watched: RuntimeError: broken\n"


def test_original_command_line_stays_true(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("import sys; print(sys.orig_argv[2:])")
    assert run([WHISPERWATCH, "run", "bot.py", "x"], tmp_path) == (0, b"['run', 'bot.py', 'x']\n", b"")


def test_discord_is_patched_before_the_bot_starts(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(
        "import sys; print('whisperwatch.bot.watch' in sys.modules, 'whisperwatch.watcher' in sys.modules)"
    )
    assert run([WHISPERWATCH, "run", "bot.py"], tmp_path) == (0, b"True False\n", b"")


@pytest.mark.parametrize("words", [[], ["-c", "print(1)"], ["-m"], ["-x", "bot.py"], ["-"]])
def test_wrong_command_line(words: list[str], tmp_path: Path) -> None:
    status, out, err = run([WHISPERWATCH, "run", *words], tmp_path)
    assert (status, out) == (2, b"")
    assert err.startswith(b"usage: whisperwatch run SCRIPT")
    assert b"name a script" in err


def assert_same(words: list[str], directory: Path) -> None:
    python = run([sys.executable, *words], directory)
    assert run([WHISPERWATCH, "run", *words], directory) == python
    assert python[1]


def run(command: Sequence[str], directory: Path, case: Case | None = None) -> tuple[int, bytes, bytes]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "WHISPERWATCH", "OTEL", "COVERAGE"))
    }
    done = subprocess.run(
        command,
        cwd=directory,
        env={**environment, **(case.environment if case else {})},
        input=case.stdin.encode() if case else b"",
        capture_output=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr
