"""Figures of the bot's process and of the machine under it, read by the watcher so that the bot never pays."""

from .cgroup import Cgroup
from .figures import Figures

__all__ = ["Cgroup", "Figures"]
