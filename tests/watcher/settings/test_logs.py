from __future__ import annotations

from pathlib import Path

import pytest

from whisperwatch.watcher.settings import Settings, load

COLLECTOR = "http://collector:4318"


def read(directory: Path, **environ: str) -> Settings:
    return load(environ, directory)


def test_nothing_set(tmp_path: Path) -> None:
    settings = read(tmp_path)
    logs = settings.logs
    assert (logs.enabled, logs.level, logs.components, logs.file) == (True, 0, (), None)
    assert (logs.file_bytes, logs.file_backups) == (50 * 2**20, 5)
    assert settings.export.logs is None
    assert settings.bot["logs"] is True


def test_where_they_go(tmp_path: Path) -> None:
    settings = read(
        tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=COLLECTOR, OTEL_EXPORTER_OTLP_LOGS_HEADERS="a=b",
        OTEL_BLRP_SCHEDULE_DELAY="200", OTEL_BLRP_MAX_EXPORT_BATCH_SIZE="7",
    )  # fmt: skip
    assert settings.export.logs is not None
    assert (settings.export.logs.url, settings.export.logs.headers) == (f"{COLLECTOR}/v1/logs", (("a", "b"),))
    assert (settings.export.log_delay_s, settings.export.log_batch) == (0.2, 7)
    assert settings.bot["logs"] is True


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, True),
        ({"WHISPERWATCH_STORE": "off"}, False),
        ({"WHISPERWATCH_STORE": "off", "LOG_FILE": "~/bot.ndjson"}, True),
        ({"WHISPERWATCH_STORE": "off", "OTEL_LOGS_EXPORTER": "otlp"}, True),
        (
            {
                "WHISPERWATCH_STORE": "off",
                "OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR,
                "OTEL_LOGS_EXPORTER": "none",
            },
            False,
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR, "WHISPERWATCH_LOGS": "false"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR, "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_the_bot_records_them_where_somebody_takes_them(
    tmp_path: Path, environ: dict[str, str], wanted: bool
) -> None:
    assert read(tmp_path, **environ).bot["logs"] is wanted


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    settings = read(
        tmp_path, WHISPERWATCH_LOG_LEVEL="loud", LOG_COMPONENTS="mybot=brain", LOG_FILE_BACKUPS="-1",
        OTEL_LOGS_EXPORTER="console",
    )  # fmt: skip
    assert {problem.name for problem in settings.problems} == {
        "WHISPERWATCH_LOG_LEVEL", "LOG_COMPONENTS", "LOG_FILE_BACKUPS", "OTEL_LOGS_EXPORTER",
    }  # fmt: skip
    assert "LOG_COMPONENTS=mybot=brain has 'mybot=brain', which is no logger=component" in "\n".join(
        map(str, settings.problems)
    )


def test_components_and_levels(tmp_path: Path) -> None:
    logs = read(tmp_path, LOG_COMPONENTS="a.b=llm, c=cache", WHISPERWATCH_LOG_LEVEL="warning").logs
    assert (logs.components, logs.level) == ((("a.b", "llm"), ("c", "cache")), 30)
