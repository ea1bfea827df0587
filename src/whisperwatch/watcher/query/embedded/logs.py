"""Logs, answered from the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from whisperwatch.watcher.query.answers import LogAnswer, Series
from whisperwatch.watcher.query.embedded.log_counts import counts
from whisperwatch.watcher.query.embedded.log_search import newest
from whisperwatch.watcher.query.engines import EngineError
from whisperwatch.watcher.query.language import Grid, LogFilter
from whisperwatch.watcher.query.language.checking import check_filter
from whisperwatch.watcher.query.language.logs import LogKey
from whisperwatch.watcher.store.errors import StoreError
from whisperwatch.watcher.store.partitions import View
from whisperwatch.watcher.store.reading import Readers

T = TypeVar("T")
_TIMEOUT_S: Final = 10.0


class EmbeddedLogs:
    """A `LogEngine`."""

    name = "embedded"

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def logs(
        self, filter: LogFilter, start: float, end: float, most: int, before: int | None
    ) -> LogAnswer:
        """See `engines.LogEngine`."""
        check_filter(filter)
        return await self._read(lambda view: newest(view, filter, start, end, most, before))

    async def count(self, filter: LogFilter, by: tuple[LogKey, ...], grid: Grid) -> Sequence[Series]:
        """See `engines.LogEngine`."""
        check_filter(filter)
        return await self._read(lambda view: counts(view, filter, by, grid))

    async def _read(self, work: Callable[[View], T]) -> T:
        try:
            return await self._readers.run(work, _TIMEOUT_S)
        except StoreError as error:
            raise EngineError(str(error)) from error
