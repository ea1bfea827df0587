"""What admins ask Whisperwatch in Discord and in a terminal."""

from __future__ import annotations

from whisperwatch.semconv.attributes import OUTCOME
from whisperwatch.semconv.model import Attribute, Metric

QUESTION = "whisperwatch.question"
OTHER_QUESTION = "other"

ADMIN_ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(QUESTION, "The question, as `docs/commands.md` names it; `other` for what is none."),
)

SELF_ASKED = Metric(
    "whisperwatch.asked", "counter", "{question}",
    "Questions of admins that were answered. They are not among the bot's own commands.",
    (QUESTION, OUTCOME), (), "watcher",
)  # fmt: skip
