"""`whisperwatch run`: runs a bot in this process as `python` itself would, watched.

The reference is CPython's `pymain_run_python`. No PYTHONPATH and no sitecustomize are used, so the bot's child
processes are not watched. What can't be run at all (no such file, a syntax error) is handed to Python itself: nothing
of it would be watched anyway, and so the message and the status are Python's own. `sys.orig_argv` tells the truth, so
a bot that restarts itself by it comes back watched.
"""

from __future__ import annotations

import builtins
import os
import pkgutil
import runpy
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn

USAGE = """\
usage: whisperwatch run SCRIPT [ARG ...]
       whisperwatch run -m MODULE [ARG ...]

Runs a bot as `python SCRIPT` or `python -m MODULE` would, watched. SCRIPT may be a directory or a zip file with a
__main__.py. Options of the interpreter go before: python -X dev -m whisperwatch run bot.py
"""


def main(argv: Sequence[str]) -> int:
    """Run what `argv` (the words after `run`) names, in this process.

    Returns:
        the exit status: 0, or 1 if an exception left the bot.

    Raises:
        SystemExit: the bot's own, or one with status 2 for a wrong command line.
        KeyboardInterrupt: it left the bot; it has been shown, and Python ends the process as it always does.
    """
    match list(argv):
        case ["-h" | "--help", *_]:
            print(USAGE, end="")
            return 0
        case ["-m", module, *rest]:
            return _run_module(module, rest)
        case [script, *rest] if not script.startswith("-"):
            return _run_path(script, rest)
    print(f"{USAGE}\nwhisperwatch run: name a script, or -m and a module", file=sys.stderr)
    return 2


def _run_module(module: str, arguments: list[str]) -> int:
    # Not sys.argv[0] = the file yet: Python, too, lets the parent packages see "-m".
    _become_main(["-m", *arguments], None if sys.flags.safe_path else os.getcwd())
    _watch()
    return _execute(runpy._run_module_as_main, module)  # type: ignore[attr-defined]


def _run_path(script: str, arguments: list[str]) -> int:
    path = os.path.join(os.getcwd(), script)
    if pkgutil.get_importer(path) is not None:  # a directory or a zip file
        _become_main([script, *arguments], path)
        _watch()
        return _execute(runpy._run_module_as_main, "__main__", False)  # type: ignore[attr-defined]
    try:
        code = _code(path)
    except Exception:
        _let_python_say_why(script, arguments)
    _become_main(
        [script, *arguments], None if sys.flags.safe_path else os.path.dirname(os.path.realpath(path))
    )
    module = sys.modules["__main__"]
    loader = SourcelessFileLoader if path.endswith(".pyc") else SourceFileLoader
    vars(module).update(__loader__=loader("__main__", path), __file__=path, __cached__=None)
    _watch()
    return _execute(exec, code, vars(module))


def _code(path: str) -> CodeType:
    with open(path, "rb") as file:
        code: CodeType | None = pkgutil.read_code(file)
        if code is None:
            file.seek(0)
            code = compile(file.read(), path, "exec", dont_inherit=True)
    return code


def _let_python_say_why(script: str, arguments: list[str]) -> NoReturn:
    from subprocess import _args_from_interpreter_flags  # type: ignore[attr-defined]

    os.execv(sys.executable, [sys.executable, *_args_from_interpreter_flags(), script, *arguments])


def _become_main(argv: list[str], first_path: str | None) -> None:
    """Put a fresh `__main__` in place of our own, and the bot's arguments and import path in place of ours.

    The import path comes first of all: from here on even we find what the bot would find, a `discord` beside it say.
    """
    main_module = ModuleType("__main__")
    vars(main_module).update(__annotations__={}, __builtins__=builtins)
    sys.modules["__main__"] = main_module
    sys.argv[:] = argv
    if not sys.flags.safe_path:
        del sys.path[0]
    if first_path is not None:
        sys.path.insert(0, first_path)


def _watch() -> None:
    """See that whatever discord client starts is watched; a failure costs the telemetry, not the bot."""
    try:
        from whisperwatch.bot.watch import instrument

        instrument()
    except Exception as error:
        print(f"whisperwatch: the bot is not watched: {type(error).__name__}: {error}", file=sys.stderr)


def _execute(function: Callable[..., Any], *arguments: Any) -> int:
    try:
        function(*arguments)
        return 0
    except SystemExit:
        raise
    except BaseException as caught:
        error = caught.with_traceback(_without_first(caught))
    # Outside of the `except`: an error of the bot's own excepthook has no context in Python, either.
    _show(error)
    if isinstance(error, KeyboardInterrupt):
        sys.excepthook = _nothing
        raise error  # so that Python ends as on every Ctrl-C: it cleans up, then dies by the signal
    return 1


def _show(error: BaseException) -> None:
    """Do what Python does with an exception that leaves the main module (PyErr_PrintEx)."""
    kind, traceback = type(error), error.__traceback__
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, traceback
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    try:
        sys.excepthook(kind, error, traceback)
    except SystemExit:
        raise
    except BaseException as failure:
        print("Error in sys.excepthook:", file=sys.stderr)
        failure.__traceback__ = _without_first(failure)
        sys.__excepthook__(type(failure), failure, failure.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(kind, error, traceback)


def _without_first(error: BaseException) -> TracebackType | None:
    """The traceback without its outermost frame, which is ours."""
    return error.__traceback__ and error.__traceback__.tb_next


def _nothing(*_: object) -> None:
    """The exception has been shown already."""
