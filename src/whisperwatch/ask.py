"""`whisperwatch health` and whatever else an admin may ask in Discord: asked of a running watcher, from a terminal.

By the socket of its state directory, for that is as private as the directory; `health` also by its HTTP route.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from whisperwatch import tape
from whisperwatch.questions import BY_NAME, WrongWordsError, arguments
from whisperwatch.state import VARIABLE, address
from whisperwatch.terminal.paint import Paint
from whisperwatch.terminal.plots import plots
from whisperwatch.watcher import settings
from whisperwatch.watcher.answers import health, terminal
from whisperwatch.watcher.answers.charts.chart import unpacked

_SOCKET: Final = "watcher.sock"
_DIRECTORY: Final = ".whisperwatch"
_PATIENCE_S: Final = 12.0
_HTTP_S: Final = 5.0
WELL, UNWELL, NOBODY = 0, 1, 2
"""Exit statuses: healthy or degraded; unhealthy, or a question that failed; no watcher answers."""


class NobodyError(ConnectionError):
    """No watcher answers; the message says where one was looked for."""


def main(question: str, argv: Sequence[str]) -> int:
    """Print the answer.

    Returns:
        the exit status.
    """
    about = BY_NAME[question]
    usage = f"whisperwatch {about.usage} [--state-dir DIRECTORY]"
    parser = argparse.ArgumentParser(
        prog=f"whisperwatch {question}", usage=usage, description=about.help, allow_abbrev=False
    )
    state_option(parser)
    parsed, words = parser.parse_known_args(argv)  # the words are as in Discord
    try:
        given = arguments(about, words)
    except WrongWordsError as error:
        parser.error(str(error))
    try:
        answer = ask(question, {**given, "form": "chart"}, parsed.state_dir)
    except NobodyError as error:
        print(error, file=sys.stderr)
        return NOBODY
    return show(answer)


def show(answer: dict[str, Any]) -> int:
    """Print an ANSWER, with plots where it has a chart.

    Returns:
        the exit status.
    """
    try:
        print(answer["text"], file=sys.stderr if answer["error"] else sys.stdout)
        if (chart := answer.get("chart")) is not None:
            paint = Paint()
            print("", *plots(unpacked(chart), paint, paint.width or terminal.WIDTH), sep="\n")
        sys.stdout.flush()
    except BrokenPipeError:  # `… | head`
        sys.stderr.close()
    return UNWELL if answer["error"] or answer.get("status") == "unhealthy" else WELL


def state_option(parser: argparse.ArgumentParser) -> None:
    """The option that names the watcher."""
    parser.add_argument(
        "--state-dir",
        type=Path,
        help=f"the bot's state directory, by default {VARIABLE}, else {_DIRECTORY} here or one folder further down",
    )


def ask(question: str, given: dict[str, Any], directory: Path | None = None) -> dict[str, Any]:
    """The ANSWER of a running watcher.

    Raises:
        NobodyError: none answers.
    """
    looked = []
    for path in _sockets(directory):
        with contextlib.suppress(OSError):  # it was left by a dead one
            return _ask_at(path, question, given)
        looked.append(str(path))
    if question == "health" and directory is None:
        url = _url()
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return _ask_http(url, given)
        looked.append(url)
    where = f" (looked at {', '.join(looked)})" if looked else ""
    raise NobodyError(
        f"No watcher answers{where}. Is the bot running? --state-dir names another bot's state directory."
    )


def _sockets(directory: Path | None) -> Iterator[Path]:
    if directory is None and (named := os.environ.get(VARIABLE)):
        directory = Path(named).expanduser()
    if directory is not None:
        yield directory / _SOCKET
        return
    yield from (
        path
        for path in [Path(_DIRECTORY, _SOCKET), *sorted(Path().glob(f"*/{_DIRECTORY}/{_SOCKET}"))]
        if path.exists()
    )


def _ask_at(path: Path, question: str, given: dict[str, Any]) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        deadline = time.monotonic() + _PATIENCE_S
        connection.settimeout(_PATIENCE_S)
        with address(path.absolute()) as where:
            connection.connect(where)
        connection.sendall(tape.pack((tape.ASK, 1, question, given)))
        incoming = tape.Incoming()
        while received := connection.recv(65536):
            for kind, *rest in incoming.feed(received):
                if kind == tape.ANSWER:
                    return dict(rest[1])
            connection.settimeout(max(0.01, deadline - time.monotonic()))
        raise ConnectionResetError("the watcher hung up")


def _url() -> str:
    web = settings.load().web
    host = "127.0.0.1" if web.host in ("*", "0.0.0.0", "::") else web.host
    return f"http://{f'[{host}]' if ':' in host else host}:{web.port}/health"


def _ask_http(url: str, given: dict[str, Any]) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url, timeout=_HTTP_S) as response:
            body = response.read()
    except urllib.error.HTTPError as error:  # 503: it is unhealthy, and says so
        with error:
            body = error.read()
    report = health.Health.from_json(json.loads(body))
    page = health.page(report, detailed=given.get("view") == "detailed")
    return {"embeds": [], "text": terminal.text(page), "status": page.status, "error": None}
