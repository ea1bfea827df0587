"""`whisperwatch serve`: the watcher apart from any bot. It answers from the stores, and bots may attach to it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from whisperwatch.watcher.__main__ import serve


def main(argv: Sequence[str]) -> int:
    """Serve until told to stop.

    Returns:
        the exit status: 1 where another watcher has the state directory.
    """
    parser = argparse.ArgumentParser(prog="whisperwatch serve", description=__doc__)
    parser.add_argument(
        "--state-dir",
        type=Path,
        help="where the store and the socket are; bots with the same one attach to it",
    )
    given = parser.parse_args(argv)
    try:
        serve(given.state_dir, lambda text: print(text, file=sys.stderr, flush=True))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
