"""What goes wrong, where, since when, and the records and traces of it."""

from __future__ import annotations

from typing import Final

from tools.dashboards.panels import Board, Panel

BOARD: Final = Board(
    "errors",
    "Errors",
    "What goes wrong, in which component, since when; its log records and its traces.",
    (
        (
            Panel(
                "By severity",
                "increase(bot.errors) by bot.error.severity",
                "Errors of the chosen time. Good: no critical and no high one. Critical: users get no answer at all.",
                "stat",
                width=12,
            ),
            Panel(
                "By category",
                "increase(bot.errors) by bot.error.category",
                "ai: models and memory; system: databases, the machine, the bot's code; network: Discord and other "
                "servers; user: what users typed. Good: user nearly alone.",
                "stat",
                width=12,
            ),
        ),
        (
            Panel(
                "Errors a minute, by component",
                "rate(bot.errors) by bot.component",
                "Which part they belong to. Good: nothing, or a low even band. A step at a release: that release.",
                "bars",
            ),
            Panel(
                "Errors a minute, by severity",
                "rate(bot.errors) by bot.error.severity",
                "Good: yellow alone.",
                "bars",
            ),
        ),
        (
            Panel(
                "Log records, by level",
                "count logs by level",
                "How much is logged, of each level, in each bar. Good: an even carpet with few errors. A flood: a loop "
                "that fails and tries again.",
                "bars",
            ),
            Panel(
                "Errors by component and category",
                {
                    "errors": "increase(bot.errors) by bot.component, bot.error.category, bot.error.severity",
                },
                "The same as a table, for the chosen time. Good: short.",
                "table",
            ),
        ),
        (
            Panel(
                "Newest errors and warnings",
                "logs where level >= warning limit 200",
                "Log records from warning on, the newest first. Good: none that you don't know. A record that belongs "
                "to a message links to its trace.",
                "logs",
            ),
        ),
        (
            Panel(
                "Failed traces",
                "traces where error limit 50",
                "Messages, interactions, tasks and jobs in which something failed. Good: none. Open one, and from its "
                "spans the logs.",
                "traces",
            ),
        ),
    ),
    narrowed=("component",),
)
