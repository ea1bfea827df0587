from __future__ import annotations

import pytest

from whisperwatch.bot.ship.options import Options
from whisperwatch.watcher import settings


def test_nothing_set_gives_the_defaults() -> None:
    assert Options.from_environment({}) == Options()


@pytest.mark.parametrize("value", ["process", "Thread", " off ", "elsewhere", ""])
def test_modes_are_read_as_the_watcher_reads_them(value: str) -> None:
    set_so = {"WHISPERWATCH_WATCHER": value}
    assert Options.from_environment(set_so).mode == settings.load(set_so).process.mode


@pytest.mark.parametrize("value", ["true", "1", "yes", "on", "off", "FALSE", "0", "no", "perhaps", ""])
def test_switches_are_read_as_the_watcher_reads_them(value: str) -> None:
    set_so = {"WHISPERWATCH_READ_STACKS": value}
    assert Options.from_environment(set_so).read_stacks == settings.load(set_so).process.read_stacks


def test_the_defaults_are_those_of_the_watcher() -> None:
    theirs = settings.load({}).bot
    assert (Options().tape_bytes, Options().blocked_after_s) == (
        theirs["tape_bytes"],
        theirs["blocked_after_s"],
    )
