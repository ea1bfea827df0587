"""The way of security events to a SIEM: picked out of the logs that come, put into its format, handed to the sender."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Final

from whisperwatch.watcher.pipeline.figures import UNENCODABLE
from whisperwatch.watcher.pipeline.redaction import Redaction
from whisperwatch.watcher.records import LocalStream, Log, Records
from whisperwatch.watcher.settings.siem import Siem as Settings
from whisperwatch.watcher.siem.reading import is_security, of_log
from whisperwatch.watcher.siem.sender import Sender
from whisperwatch.watcher.siem.syslog import message

_logger = logging.getLogger(__name__)
_PATIENCE_S: Final = 2.0


class Siem:
    """Sends what `settings` name a receiver for. `sender` tells how that goes."""

    def __init__(self, settings: Settings, redaction: Redaction, own: LocalStream) -> None:
        self._settings, self._redaction = settings, redaction
        self.sender = Sender(settings, own)
        self._running: asyncio.Task[None] | None = None

    def add_logs(self, stream: Records, logs: Sequence[Log], wall_offset_ns: int) -> None:
        """Take those on that tell of security events; their times + `wall_offset_ns` are wall time. Never blocks."""
        if any(map(is_security, logs)):
            self.sender.put(self._messages(stream, filter(is_security, logs), wall_offset_ns))

    def start(self) -> None:
        """Begin to send."""
        self._running = asyncio.create_task(self.sender.run(), name="security events")

    async def stop(self) -> None:
        """Send what waits, if that takes no time, and end."""
        await self.sender.flush(_PATIENCE_S)
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        self.sender.give_up()

    def _messages(self, stream: Records, logs: Iterator[Log], offset: int) -> Iterator[str]:
        for log in logs:
            try:
                yield message(of_log(stream, log, offset, self._redaction), self._settings)
            except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
                self.sender.lose(1, UNENCODABLE)
                _logger.warning("a security event has a shape that can't be sent: %s", type(error).__name__)
