"""How a watcher is started: `python -m whisperwatch.watcher` with this interpreter, or a thread of this process.

The child must find what this process found (an editable install, a venv, a changed `sys.path`), must not run the bot's
main script again (so no `multiprocessing`), must not be instrumented itself, and must leave nothing of the bot's open.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from opentelemetry import context
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY

from whisperwatch import tape

_MODULE: Final = "whisperwatch.watcher"
_PACKAGE_ROOT: Final = Path(__file__).resolve().parents[3]
_LEFT_OUT: Final = (
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PYTHONWARNINGS",
    "PYTHONPROFILEIMPORTTIME",
    "PYTHONVERBOSE",
)
_X_OPTIONS: Final = ("utf8", "frozen_modules", "pycache_prefix", "no_debug_ranges", "int_max_str_digits")
_ALLOCATOR: Final = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""glibc gives what it has freed back to the system, rather than keep it for threads that come twice a minute: two
megabytes. Other C libraries don't know these."""
_LOG_NAME: Final = "watcher.log"

code: dict[str, Any] = {}
"""The settings that the program itself made. A watcher gets them at its start, for it opens its port before the hello;
by the environment, for a command line is for all to see. One that runs already gets them by the hello."""


def can_start() -> bool:
    """Whether this process can start a Python: not where it was frozen into a program, nor embedded in one."""
    return bool(sys.executable) and not getattr(sys, "frozen", False) and sys.platform != "win32"


class ChildWatcher:
    """A watcher in a process of its own."""

    def __init__(self, connection: socket.socket, state: Path | None, lock: int | None) -> None:
        fds = [connection.fileno(), *([lock] if lock is not None else [])]
        with contextlib.ExitStack() as stack:
            self._process = subprocess.Popen(
                _command(connection.fileno(), state, lock),
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=_stderr(state, stack),
                pass_fds=fds,
                # Ctrl-C goes to a terminal's whole process group: the bot takes it, and says goodbye to the watcher
                start_new_session=True,
            )
        self.pid = self._process.pid
        if lock is not None:
            os.close(lock)  # the child holds it now

    def ended(self) -> str | None:
        """How it ended; None while it runs. Reaps it."""
        status = self._process.poll()
        if status is None:
            return None
        return f"by signal {-status}" if status < 0 else f"with exit status {status}"

    def kill(self) -> None:
        self._process.kill()

    def reap(self) -> None:
        """Wait for its end, however long that takes."""
        self._process.wait()

    def disown(self) -> None:
        """In a forked child: it's the parent's. Also at exit: nobody is left to reap it."""
        self._process.returncode = 0


class ThreadWatcher:
    """The same watcher, in a thread of this process."""

    def __init__(self, connection: socket.socket, state: Path | None, lock: int | None) -> None:
        self.pid = os.getpid()
        self._arguments = (connection.detach(), state, lock, dict(code))
        self._thread = threading.Thread(target=self._host, name="whisperwatch-watcher", daemon=True)
        self._thread.start()

    def _host(self) -> None:
        # by name, so that nothing of the watcher is imported by the bot unless it was asked for
        main: Any = importlib.import_module(f"{_MODULE}.__main__")
        # what it asks of others is not the bot's doing
        context.attach(context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        main.host(*self._arguments)

    def ended(self) -> str | None:
        return None if self._thread.is_alive() else "(its thread returned)"

    def kill(self) -> None:
        """A thread can't be killed; the closed connection ends it."""

    def reap(self) -> None:
        """Nothing is left of a thread."""

    def disown(self) -> None:
        """A forked child has no copy of it."""


Watcher = ChildWatcher | ThreadWatcher


def _command(connection: int, state: Path | None, lock: int | None) -> list[str]:
    command = [sys.executable, "-P", *_flags(), "-m", _MODULE]
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if main is not None:  # monitoring.yaml is beside it
        command += ["--beside", os.path.dirname(os.path.abspath(main))]
    command += ["--connection", str(connection)]
    if state is not None:
        command += ["--state-dir", str(state)]
    if lock is not None:
        command += ["--lock", str(lock)]
    return command


def _flags() -> list[str]:
    letters = {"s": sys.flags.no_user_site, "S": sys.flags.no_site, "B": sys.flags.dont_write_bytecode}
    flags = [f"-{letter}" for letter, is_set in letters.items() if is_set]
    for option, value in sys._xoptions.items():
        if option in _X_OPTIONS:
            flags += ["-X", option if value is True else f"{option}={value}"]
    return flags


def _environment() -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    if sys.flags.ignore_environment:
        environment = {name: value for name, value in environment.items() if not name.startswith("PYTHON")}
    environment = {**_ALLOCATOR, **environment}
    environment["PYTHONPATH"] = os.pathsep.join(_path())
    if code:
        environment[tape.CODE_VARIABLE] = json.dumps(code)
    return environment


def _path() -> Iterator[str]:
    """`sys.path` as this process has it, but for the bot's own folder, whose `email.py` must not be the watcher's."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    own = {os.getcwd(), os.path.dirname(os.path.abspath(main)) if main else None}
    for folder in map(os.path.abspath, sys.path):
        # `opentelemetry-instrument` has a folder whose sitecustomize would instrument the watcher
        left_out = folder in own or os.path.basename(folder) == "auto_instrumentation"
        if not left_out or folder == str(_PACKAGE_ROOT):
            yield folder


def _stderr(state: Path | None, stack: contextlib.ExitStack) -> int:
    """Ours where it is a terminal or a file. A pipe has a reader who waits for its end, so it isn't kept open."""
    with contextlib.suppress(OSError):
        if os.isatty(2) or stat.S_ISREG(os.fstat(2).st_mode):
            return 2
    if state is not None:
        with contextlib.suppress(OSError):
            return stack.enter_context((state / _LOG_NAME).open("wb")).fileno()
    return subprocess.DEVNULL
