"""Filters as LogQL: nothing that a user types is syntax. The real Loki is asked in tests/contract."""

from __future__ import annotations

import pytest

from whisperwatch.watcher.query.language import LogFilter
from whisperwatch.watcher.query.loki.rendering import counts, logs

JOINED = "| line_format `{{__line__}}{{if .exception_type}}\x1f{{.exception_type}}: {{.exception_message}}{{end}}` "


@pytest.mark.parametrize(
    ("filter", "service", "rendered"),
    [
        (LogFilter(), None, "{service_name=~`.+`}"),
        (LogFilter(), 'a"b\\', '{service_name="a\\"b\\\\"}'),
        (LogFilter(level="warning"), "bot", '{service_name="bot"} | severity_number >= 13'),
        (
            LogFilter(components=("llm", "cache")), "bot",
            '{service_name="bot"} | bot_component="llm" or bot_component="cache"',
        ),
        (
            LogFilter(logger='a.b"} |= "'), "bot",
            '{service_name="bot"} | scope_name="a.b\\"} |= \\"" or scope_name=~"a\\\\.b\\"\\\\} \\\\|= \\"\\\\..*"',
        ),
        (
            LogFilter(trace_id="ab", instance="one", event="bot.error"), "bot",
            '{service_name="bot"} | trace_id="ab" | service_instance_id="one" | event_name="bot.error"',
        ),
        (
            LogFilter(text="völlig leer"), "bot",
            '{service_name="bot"} ' + JOINED + '|~ "(?i)llig leer" |~ "(?i)völlig leer[\\\\s\\\\S]?"',
        ),
        (LogFilter(text="a.b*`{"), "bot", '{service_name="bot"} ' + JOINED + '|~ "(?i)a\\\\.b\\\\*`\\\\{"'),
    ],
)  # fmt: skip
def test_logs(filter: LogFilter, service: str | None, rendered: str) -> None:
    assert logs(filter, service) == rendered


def test_counts_keep_only_what_they_group_by() -> None:
    assert counts(LogFilter(), ("level", "component"), 300, "bot") == (
        "sum by (severity_number, bot_component) (count_over_time("
        '{service_name="bot"} | keep severity_number, bot_component [5m]))'
    )
    assert counts(LogFilter(), (), 60, "bot") == (
        'sum(count_over_time({service_name="bot"} | keep service_name [1m]))'
    )
