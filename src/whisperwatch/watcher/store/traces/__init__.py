"""Traces in the store."""

from whisperwatch.watcher.store.traces.packing import decode
from whisperwatch.watcher.store.traces.rows import Part
from whisperwatch.watcher.store.traces.signal import KeepTraces, Traces

__all__ = ["KeepTraces", "Part", "Traces", "decode"]
