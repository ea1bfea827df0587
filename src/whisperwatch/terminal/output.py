"""Where a command's answer goes: the terminal, or a file that wasn't there before."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from whisperwatch.watcher.query.language import QuestionError


@contextmanager
def stream(path: Path | None) -> Iterator[IO[str]]:
    """Standard output, or the file at `path`.

    Raises:
        QuestionError: the file is there already, or can't be written.
    """
    if path is None:
        yield sys.stdout
        return
    try:
        with open(path, "x", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise QuestionError(f"{path} can't be written: {error.strerror}") from None
