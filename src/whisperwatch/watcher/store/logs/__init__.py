"""Log records in the store, with full-text search."""

from whisperwatch.watcher.store.logs.rows import Row, fold
from whisperwatch.watcher.store.logs.signal import Logs

__all__ = ["Logs", "Row", "fold"]
