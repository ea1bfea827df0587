"""Who talks with the bot, how long, and whether they like it."""

from __future__ import annotations

from typing import Final

from tools.dashboards.panels import Board, Panel

_LIKED: Final = (
    "increase(bot.feedback where bot.feedback.value = positive) / "
    "increase(bot.feedback where bot.feedback.value in (positive, negative))"
)
BOARD: Final = Board(
    "engagement",
    "Engagement",
    "Who talks with the bot, how long, with which features, and whether they like it. No names, no ids, no content.",
    (
        (
            Panel(
                "Active users",
                {
                    window: f"max(bot.users.active where bot.users.window = {window})"
                    for window in ("day", "week", "month")
                },
                "Users to whom the bot answered in the last day, week and month. Good: growing, or steady. A fall of "
                "a fifth against last week is worth a look.",
                "stat",
                width=8,
            ),
            Panel(
                "Conversations begun",
                "increase(bot.conversations)",
                "One user in one channel, with gaps under half an hour. Good: as many as usual.",
                "stat",
                width=4,
            ),
            Panel(
                "Messages in one",
                "avg(bot.conversation.turns)",
                "Messages of the user in a conversation that has ended, on average. Good: for a companion, more than "
                "three. It is known only once conversations have ended.",
                "stat",
                width=4,
            ),
            Panel(
                "Length of one",
                "avg(bot.conversation.duration)",
                "Time from the first to the last message of a conversation that has ended, on average. Good: minutes.",
                "stat",
                width=4,
            ),
            Panel(
                "Liked",
                _LIKED,
                "Positive feedback, over positive and negative. Good: over 70 %.",
                "stat",
                limits=(0.7, 0.4),
                width=4,
            ),
        ),
        (
            Panel(
                "Active users over time",
                {
                    window: f"max(bot.users.active where bot.users.window = {window})"
                    for window in ("day", "week", "month")
                },
                "Good: the month's line grows. day near month: the same people come every day.",
            ),
            Panel(
                "Conversations an hour",
                "rate(bot.conversations)",
                "Conversations that begin. Good: the usual waves of day and night.",
                "bars",
            ),
        ),
        (
            Panel(
                "Feedback",
                "increase(bot.feedback) by bot.feedback.value",
                "What was thought of answers, in each window. Good: green.",
                "bars",
            ),
            Panel(
                "Where feedback comes from",
                {"feedback": "increase(bot.feedback) by bot.source, bot.feedback.value"},
                "Told by the bot's code, a reaction, the same asked again, or silence after an error. Good: what "
                "people tell agrees with what they do.",
                "table",
            ),
            Panel(
                "Features",
                {"uses": "increase(bot.feature.uses) by bot.feature.name"},
                "What the bot is used for, in the chosen time; a command is a feature. Good: what you built last is "
                "in here.",
                "table",
            ),
        ),
    ),
)
