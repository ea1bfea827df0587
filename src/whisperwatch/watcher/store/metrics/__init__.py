"""Metrics in the store: what was counted in each slot, rolled up with age."""

from whisperwatch.watcher.store.metrics.points import SLOT_S, slot_of
from whisperwatch.watcher.store.metrics.signal import Keep, Metrics
from whisperwatch.watcher.store.metrics.taken import Identity, Sample, Taken

__all__ = ["SLOT_S", "Identity", "Keep", "Metrics", "Sample", "Taken", "slot_of"]
