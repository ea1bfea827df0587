"""Searches as TraceQL: nothing that a user types is syntax."""

from __future__ import annotations

import pytest

from whisperwatch.watcher.query.language import Match, Period, TraceSearch
from whisperwatch.watcher.query.tempo.rendering import search

HOUR = Period(3600.0)


@pytest.mark.parametrize(
    ("asked", "service", "rendered"),
    [
        (TraceSearch(HOUR), None, "{  }"),
        (TraceSearch(HOUR, roots=('a"} || {',)), "bot", '{ resource.service.name = "bot" && rootName = "a\\"} || {" }'),
        (TraceSearch(HOUR, roots=("a", "b")), None, '{ (rootName = "a" || rootName = "b") }'),
        (
            TraceSearch(HOUR, longer_s=0.5, shorter_s=2), None,
            "{ traceDuration >= 500000000ns && traceDuration <= 2000000000ns }",
        ),
        (TraceSearch(HOUR, error=True), "bot", '{ resource.service.name = "bot" } && { status = error }'),
        (
            TraceSearch(HOUR, where=(Match("discord.command.name", ("ask",)), Match("n", ("5", "true"), True))), None,
            '{  } && { span.discord.command.name = "ask" && '
            '(span.n != "5" && span.n != 5 && span.n != "true" && span.n != true) }',
        ),
        (TraceSearch(HOUR, where=(Match("odd key", ("x",)),)), None, '{  } && { span."odd key" = "x" }'),
    ],
)  # fmt: skip
def test_search(asked: TraceSearch, service: str | None, rendered: str) -> None:
    assert search(asked, service) == rendered
