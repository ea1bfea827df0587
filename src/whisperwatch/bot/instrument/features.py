"""What the bot's work is for: so that what models cost can be told by feature."""

from __future__ import annotations

from typing import Any, Final

from whisperwatch import semconv
from whisperwatch.bot.instrument.invocation import Invocation
from whisperwatch.bot.recording.current import COMMAND_KEY, ROOT_KEY, read

_NONE: Final = "none"


def feature_here() -> str:
    """The feature that the bot's code named last in the work of this task; else the command that runs; else the event,
    task or job by the name of its span. All are bounded; the metric's cap is for those that the bot's code makes up."""
    context = read()
    root: Any = context.get(ROOT_KEY)
    if root is not None and root.feature:
        return str(root.feature)
    command = context.get(COMMAND_KEY)
    if isinstance(command, Invocation) and command.cells.registered:
        return str(command.cells.attributes[semconv.COMMAND])
    return _NONE if root is None else str(root.title)
