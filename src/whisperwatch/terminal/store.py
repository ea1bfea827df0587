"""`whisperwatch store`: what the embedded store holds, a copy of it, and what it keeps of one user removed."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from whisperwatch.ask import state_option
from whisperwatch.state import StateDirectory, hash_id
from whisperwatch.terminal.paint import Paint
from whisperwatch.terminal.stores import state_directory
from whisperwatch.terminal.table import table
from whisperwatch.watcher import settings as all_settings
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.query.choosing import store_path
from whisperwatch.watcher.settings import Settings
from whisperwatch.watcher.settings.overrides import NAME as OVERRIDES
from whisperwatch.watcher.store import place
from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.file import open_to_read
from whisperwatch.watcher.store.forgetting import forget
from whisperwatch.watcher.store.logs.rows import FAMILY as LOGS
from whisperwatch.watcher.store.metrics.points import COARSE, FINE, MINUTE, RAW
from whisperwatch.watcher.store.partitions import Family, View
from whisperwatch.watcher.store.traces.rows import FAMILY as TRACES

_KINDS: Final[tuple[tuple[str, Family], ...]] = (
    ("metrics by 15 s", RAW.family),
    ("metrics by the minute", MINUTE.family),
    ("metrics by 5 min", FINE.family),
    ("metrics by the hour", COARSE.family),
    ("logs", LOGS),
    ("traces", TRACES),
)


def main(argv: Sequence[str]) -> int:
    """Do one of them.

    Returns:
        the exit status: 1 where it can't be done.
    """
    given = _parser().parse_args(argv)
    state = state_directory(given.state_dir)
    settings = all_settings.load(overrides=None if state is None else state / OVERRIDES)
    path = store_path(settings, state)
    if path is None:
        print("there is no embedded store: --state-dir names a bot's state directory", file=sys.stderr)
        return 1
    work: Callable[[argparse.Namespace, Path, Path | None, Settings], int] = given.work
    try:
        return work(given, path, state, settings)
    except (StoreError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1


def _info(given: argparse.Namespace, path: Path, state: Path | None, settings: Settings) -> int:
    with closing(open_to_read(path)) as connection:
        rows = list(_rows(View(connection)))
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (series,) = connection.execute("SELECT count(*) FROM series").fetchone()
    size = sum(one.stat().st_size for one in path.parent.glob(f"{path.name}*") if one.suffix != ".lock")
    most = settings.keeping.size_bytes
    print(f"{path}: {number(size, 'By')} of {number(most, 'By')}, schema {version}, {series} series")
    if warning := place.warning(path):
        print(warning)
    for line in table(("what", "rows", "from", "to", "about"), rows, Paint(), frozenset({1, 4})):
        print(line)
    return 0


def _rows(view: View) -> Iterator[tuple[str, ...]]:
    waiting = view.connection.execute("SELECT count(*) FROM journal").fetchone()[0]
    yield "metrics, the newest", f"{waiting:,}", "", "", ""
    for what, family in _KINDS:
        found = view.partitions(family)
        if not found:
            yield what, "0", "", "", ""
            continue
        count = sum(
            view.connection.execute(f"SELECT count(*) FROM {one.name}").fetchone()[0] for one in found
        )
        size = number(sum(one.size for one in found), "By")
        yield what, f"{count:,}", _date(found[0].start), _date(found[-1].end), size


def _date(unix: int) -> str:
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M}"


def _backup(given: argparse.Namespace, path: Path, state: Path | None, settings: Settings) -> int:
    """A copy as of one moment, also while it is being written."""
    target: Path = given.file
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StoreError(f"{target} can't be made: {error.strerror}") from None
    try:
        with closing(open_to_read(path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
    except (sqlite3.Error, StoreError) as error:
        target.unlink(missing_ok=True)
        raise StoreError(f"{path} could not be copied: {error}") from error
    print(f"{target}: {number(target.stat().st_size, 'By')}")
    return 0


def _forget(given: argparse.Namespace, path: Path, state: Path | None, settings: Settings) -> int:
    if state is None:
        print("whose key hashed the ids? --state-dir names the bot's state directory", file=sys.stderr)
        return 1
    directory = StateDirectory(state)
    hashed = given.user if settings.privacy.expose_ids else hash_id(directory.key(), given.user)
    removed = forget(path, hashed)
    print(f"user {given.user} is kept as {hashed}")
    for what, count in removed.items():
        print(f"removed: {count} {what}")
    for elsewhere in _elsewhere(settings, hashed):
        print(f"elsewhere: {elsewhere}")
    return 0


def _elsewhere(settings: Settings, hashed: str) -> Iterator[str]:
    """Where the same hash may be, of which we are no master."""
    if "loki" in settings.stores or settings.export.logs is not None:
        yield f'Loki: ask its deletion API for {{service_name="…"}} | discord_user_id="{hashed}"'
    if "tempo" in settings.stores or settings.export.traces is not None:
        yield f"Tempo: it deletes no single traces; those with discord.user.id = {hashed} go with its retention"
    if settings.logs.file is not None:
        yield f"the log file {settings.logs.file} and its rotated ones, and wherever they are shipped to"
    if settings.export.spool and (settings.export.logs or settings.export.traces):
        yield "the spool of the state directory, as long as what is in it waits for the collector"
    yield "backups of the store, and copies of its files"


def _user(text: str) -> str:
    if not text.isdecimal() or len(text) > 20:
        raise argparse.ArgumentTypeError(f"{text!r} is no user id: Discord's are numbers")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="whisperwatch store", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="info | backup | forget")

    def command(name: str, work: Any, help: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help, description=help)
        state_option(made)
        made.set_defaults(work=work)
        return made

    command("info", _info, "what it holds, since when, and how large it is")
    backup = command("backup", _backup, "a copy of it, also while it is written")
    backup.add_argument("file", type=Path, metavar="FILE", help="must not be there yet")
    user = command("forget", _forget, "remove what is kept under a user's keyed hash")
    user.add_argument("user", type=_user, metavar="USER_ID", help="the user's Discord id")
    return parser
