"""Everything that can be set, by five layers, as one frozen `Settings`; `Current` holds those of a running watcher.

A wrong setting never stops the watcher: its default is taken, and `Settings.problems` has every mistake at once.
"""

from .current import Current
from .load import Export, Settings, known, load
from .overrides import OverrideError, Overrides
from .reading import Problem, SettingsError
from .target import Target

__all__ = [
    "Current",
    "Export",
    "OverrideError",
    "Overrides",
    "Problem",
    "Settings",
    "SettingsError",
    "Target",
    "known",
    "load",
]
