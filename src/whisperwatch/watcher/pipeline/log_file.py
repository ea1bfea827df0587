"""`LOG_FILE`: the bot's logs as lines of JSON by the Elastic Common Schema, as Filebeat's `filestream` reads them.

What is written is redacted. The file is renamed when it is long enough, as `logging.handlers.RotatingFileHandler` does
it. A file that can't be written (a full disk) costs records, which are counted; it is said once, and tried again.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.watcher.pipeline.kept_attributes import KeptAttributes, pair
from whisperwatch.watcher.pipeline.log_record import attributes_of, with_redaction
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import Log, Records
from whisperwatch.watcher.settings.logs import Logs

_logger = logging.getLogger(__name__)
ECS_VERSION: Final = "8.11.0"
_MODE: Final = 0o640
_AGAIN_S: Final = 5.0
_FIELDS: Final = {
    semconv.CODE_FILE: "log.origin.file.name",
    semconv.CODE_LINE: "log.origin.file.line",
    semconv.CODE_FUNCTION: "log.origin.function",
    semconv.EXCEPTION_TYPE: "error.type",
    semconv.EXCEPTION_MESSAGE: "error.message",
    semconv.EXCEPTION_STACKTRACE: "error.stack_trace",
    semconv.ERROR_TYPE: "error.type",
    semconv.COMPONENT: "labels.component",
}
"""ECS fields of attributes; all others are labels."""
_SERVICE: Final = {
    "service.name": "service.name",
    "service.version": "service.version",
    "service.namespace": "service.namespace",
    "service.instance.id": "service.instance.id",
    "deployment.environment.name": "service.environment",
}
"""Fields of what the resource says of the service."""


class LogFile:
    """Writes one file.

    Args:
        most_bytes: the file is rotated before it is longer.
        backups: how many rotated ones are kept, as `.1`, `.2` and so on.
        components: what `LOG_COMPONENTS` says.
        lost: told of records that could not be written.
    """

    def __init__(
        self,
        path: Path,
        most_bytes: int,
        backups: int,
        redaction: Redaction,
        components: Mapping[str, str],
        lost: Callable[[int], None],
    ) -> None:
        self._path, self._most_bytes, self._backups = path, most_bytes, backups
        self._redactor, self._components, self._lost = redaction.redactor, components, lost
        self._redacted = KeptAttributes(redaction, pair).each
        self._descriptor: int | None = None
        self._size = 0
        self._failed_until = 0.0
        self._said = False

    @classmethod
    def of(cls, logs: Logs, redaction: Redaction, lost: Callable[[int], None]) -> LogFile | None:
        """The file that the settings name; None where they name none."""
        if logs.file is None or not logs.enabled:
            return None
        lost(0)
        path, components = Path(logs.file), dict(logs.components)
        return cls(path, logs.file_bytes, logs.file_backups, redaction, components, lost)

    def write(self, stream: Records, logs: Sequence[Log], offset: int) -> None:
        """Append records; their time + `offset` is wall time. Never raises for what the disk does."""
        if time.monotonic() < self._failed_until:
            self._lost(len(logs))
            return
        redacted = with_redaction(self._redactor, logs)
        lines = [line for log, clean in redacted if (line := self._line(stream, log, offset, clean))]
        written = 0
        try:
            for line in lines:
                self._append(line)
                written += 1
            self._works()
        except OSError as error:
            self._fail(error)
        if lost := len(logs) - written:
            self._lost(lost)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with suppress(OSError):
                os.close(descriptor)

    def _append(self, line: bytes) -> None:
        if self._descriptor is None:
            self._open()
        if self._size and self._size + len(line) > self._most_bytes:
            self._rotate()
        assert self._descriptor is not None
        done = os.write(self._descriptor, line)
        if done < len(line):  # the disk is full: half a line would spoil the next one
            os.ftruncate(self._descriptor, self._size)
            raise OSError(28, os.strerror(28))
        self._size += done

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
        os.fchmod(self._descriptor, _MODE)
        self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        self.close()
        for number in range(self._backups, 0, -1):
            source = self._backup(number - 1) if number > 1 else self._path
            with suppress(FileNotFoundError):
                os.replace(source, self._backup(number))
        if not self._backups:
            self._path.unlink(missing_ok=True)
        self._open()

    def _backup(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _fail(self, error: OSError) -> None:
        self.close()
        self._failed_until = time.monotonic() + _AGAIN_S
        if not self._said:
            self._said = True
            reason = error.strerror or type(error).__name__
            _logger.error(
                "LOG_FILE=%s can't be written, its records are lost and counted: %s", self._path, reason
            )

    def _works(self) -> None:
        if self._said:
            self._said = False
            _logger.warning("LOG_FILE=%s is written again", self._path)

    def _line(self, stream: Records, log: Log, offset: int, clean: Callable[[str], str]) -> bytes:
        """A record as a line; nothing where it can't be one (a time out of range)."""
        try:
            return self._encoded(stream, log, offset, clean)
        except (OverflowError, TypeError, ValueError, AttributeError):
            return b""

    def _encoded(self, stream: Records, log: Log, offset: int, clean: Callable[[str], str]) -> bytes:
        at, _, severity_text, logger, body, _, trace_id, span_id, _, _, _, event = log
        fields: dict[str, Any] = {
            "@timestamp": timestamp(at + offset),
            "log.level": severity_text.lower(),
            "message": clean(body),
            "ecs.version": ECS_VERSION,
            "log.logger": clean(logger),
            **{field: stream.resource[key] for key, field in _SERVICE.items() if key in stream.resource},
        }
        if trace_id:
            fields["trace.id"], fields["span.id"] = f"{trace_id:032x}", f"{span_id:016x}"
        if event:
            fields["event.action"] = event
        for key, value in self._redacted(attributes_of(log, self._components)):
            fields[_FIELDS.get(key) or f"labels.{key.replace('.', '_')}"] = value
        return json.dumps(fields, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"


def timestamp(wall_ns: int) -> str:
    """Wall time in UTC, to the microsecond, as RFC 3339 writes it."""
    seconds, rest = divmod(wall_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"
