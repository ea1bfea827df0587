"""Log records as a file: JSON, a line of JSON each, or CSV; the oldest first, times in UTC."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import IO, Any, Final

from whisperwatch.watcher.query.answers import LogRecord

FORMATS: Final = ("json", "ndjson", "csv")
_COLUMNS: Final = (
    "time", "level", "component", "logger", "message", "trace_id", "span_id", "instance", "event",
)  # fmt: skip


def write(records: Sequence[LogRecord], form: str, stream: IO[str]) -> None:
    """Write records, which come newest first, in one of `FORMATS`."""
    oldest_first = list(reversed(records))
    if form == "csv":
        _write_csv(oldest_first, stream)
    elif form == "ndjson":
        stream.writelines(f"{_json(_plain(record))}\n" for record in oldest_first)
    else:
        stream.write(_json([_plain(record) for record in oldest_first], indent=1))
        stream.write("\n")


def within(records: Sequence[LogRecord], form: str, most_bytes: int) -> tuple[bytes, int]:
    """As a file of at most so many bytes, and of how many of the newest records it is."""
    count = len(records)
    while True:
        text = io.StringIO(newline="")
        write(records[:count], form, text)
        content = text.getvalue().encode()
        if len(content) <= most_bytes or not count:
            return content, count
        count = min(count - 1, int(count * most_bytes / len(content) * 0.95))


def _write_csv(records: Iterable[LogRecord], stream: IO[str]) -> None:
    writer = csv.writer(stream)
    writer.writerow([*_COLUMNS, "attributes"])
    for record in records:
        plain = _plain(record)
        writer.writerow([*(plain[column] for column in _COLUMNS), _json(plain["attributes"])])


def _json(content: Any, indent: int | None = None) -> str:
    return json.dumps(content, ensure_ascii=False, indent=indent, default=str)


def _plain(record: LogRecord) -> dict[str, Any]:
    at = datetime.fromtimestamp(record.at / 1e9, UTC).isoformat(timespec="microseconds")
    return {
        "time": at.replace("+00:00", "Z"),
        "level": record.level,
        "component": record.component,
        "logger": record.logger,
        "message": record.body,
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "instance": record.instance,
        "event": record.event,
        "attributes": dict(record.attributes),
    }
