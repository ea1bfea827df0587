"""What people ask of the bot: commands, messages, and what it does by itself."""

from __future__ import annotations

from typing import Final

from tools.dashboards.panels import Board, Panel

BOARD: Final = Board(
    "commands",
    "Commands and messages",
    "How fast and how reliably the bot answers, which command is slow or fails, and its background tasks.",
    (
        (
            Panel(
                "Answers",
                "increase(discord.messages.handled)",
                "Messages and interactions that ran a command or got a reply. Good: as many as usual at this hour.",
                "stat",
            ),
            Panel(
                "Response time",
                {
                    "P50": "p50(discord.message.response.duration)",
                    "P95": "p95(discord.message.response.duration)",
                },
                "From receipt to the first visible reply, of the chosen time. Good: P95 under 2 s; with a language "
                "model under 5 s.",
                "stat",
                limits=(2.0, 5.0),
                width=8,
            ),
            Panel(
                "Failed",
                "increase(discord.command.duration where outcome = failure) / increase(discord.command.duration)",
                "The share of commands that failed by the bot's fault. Good: under 1 %.",
                "stat",
                limits=(0.01, 0.05),
            ),
            Panel(
                "Users' mistakes",
                "increase(discord.command.duration where outcome = user_error) / increase(discord.command.duration)",
                "The share of commands that were called wrongly, or by who may not. Good: under a tenth. More: a "
                "command is hard to use, or its help is wrong.",
                "stat",
                limits=(0.1, 0.3),
            ),
            Panel(
                "In flight",
                "last(discord.command.active)",
                "Commands that run now. Good: few. A number that only grows: commands hang, such as on a lock or a "
                "pool.",
                "stat",
            ),
        ),
        (
            Panel(
                "Response time over time",
                {
                    "P50": "p50(discord.message.response.duration)",
                    "P95": "p95(discord.message.response.duration)",
                    "P99": "p99(discord.message.response.duration)",
                },
                "Good: flat, P95 under 2 s. A dot is one message: its link opens the trace, which says where its time "
                "went.",
                limits=(2.0, 5.0),
            ),
            Panel(
                "Commands a minute, by outcome",
                "rate(discord.command.duration) by outcome",
                "How commands end. Good: green with a little yellow. Red: the bot's fault. Orange: cooldowns of the "
                "bot's own.",
                "bars",
            ),
        ),
        (
            Panel(
                "Slowest commands",
                {
                    "P95": "p95(discord.command.duration) by discord.command.name, discord.command.kind",
                    "calls": "increase(discord.command.duration) by discord.command.name, discord.command.kind",
                },
                "Commands, the slowest first. Good: under 3 s, after which Discord gives up on an "
                "interaction that is not deferred.",
                "table",
            ),
            Panel(
                "Commands that fail",
                {
                    "failed": "increase(discord.command.duration where outcome = failure) "
                    "by discord.command.name",
                    "share": "increase(discord.command.duration where outcome = failure) by discord.command.name / "
                    "increase(discord.command.duration) by discord.command.name",
                },
                "Commands, those first that failed most in the chosen time. Good: only zeros.",
                "table",
            ),
        ),
        (
            Panel(
                "P95 of events",
                "p95(discord.event.duration) by discord.event.name",
                "Time from an event's receipt to the end of the last task that it started. Good: under 5 s. What "
                "takes longer holds memory, and waits for something.",
            ),
            Panel(
                "Exceptions that left a listener",
                "increase(discord.event.errors) by discord.event.name, error.type",
                "Exceptions that nobody caught, in each window. Good: none.",
                "bars",
            ),
        ),
        (
            Panel(
                "Background tasks",
                {
                    "P95": "p95(discord.task.duration) by discord.task.name",
                    "runs": "increase(discord.task.duration) by discord.task.name",
                    "failed": "increase(discord.task.duration where outcome = failure) by discord.task.name",
                    "next in": "min(discord.task.next_run.delay) by discord.task.name",
                },
                "Each `tasks.loop`: how long its runs take, how many failed, when the next is due. Good: none failed, "
                "and no next run is overdue (less than 0): one that failed is not run again.",
                "table",
                width=12,
            ),
            Panel(
                "Jobs",
                {
                    "P95": "p95(bot.job.duration) by bot.job.name",
                    "waited, P95": "p95(bot.job.wait.duration) by bot.job.name",
                    "runs": "increase(bot.job.duration) by bot.job.name",
                    "failed": "increase(bot.job.duration where outcome = failure) by bot.job.name",
                },
                "Jobs of a queue (arq): how long they take, how long they waited. Good: waits of under a second, none "
                "failed. Waits that grow: more workers are needed.",
                "table",
                width=12,
            ),
        ),
        (
            Panel(
                "Slowest messages and interactions",
                "traces where root in (message, interaction) limit 50",
                "Traces of the chosen time, the slowest of the newest first. Good: nothing above 10 s. Open one to see "
                "what it waited for.",
                "traces",
            ),
            Panel(
                "Failed messages and interactions",
                "traces where root in (message, interaction) and error limit 50",
                "Traces in which something failed. Good: none. Open one, and from its spans the logs.",
                "traces",
            ),
        ),
    ),
)
