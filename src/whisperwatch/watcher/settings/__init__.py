"""Everything that can be set, from the environment and monitoring.yaml, as one frozen `Settings`.

A wrong setting never stops the watcher: its default is taken, and `Settings.problems` has every mistake at once.
"""

from .load import Export, Settings, load
from .reading import Problem, SettingsError
from .target import Target

__all__ = ["Export", "Problem", "Settings", "SettingsError", "Target", "load"]
