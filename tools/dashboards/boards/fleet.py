"""Several bots, or one bot of many processes, side by side."""

from __future__ import annotations

from typing import Final

from tools.dashboards.panels import HEALTH, OURS, WINDOW, Board, Panel, PromQL

_BOT: Final = "bot.name"
_PROCESS: Final = "service.instance.id"
_FAILED: Final = f"increase(discord.command.duration where outcome = failure) by {_BOT}"
BOARD: Final = Board(
    "fleet",
    "Fleet",
    "All bots and all of their processes side by side: which one is not as the others are?",
    (
        (
            Panel(
                "Processes",
                PromQL(f"count(process_uptime_seconds{{{OURS}}})"),
                "Processes that report now. Good: as many as you started.",
                "stat",
            ),
            Panel(
                "Guilds",
                "last(discord.shard.guilds)",
                "Guilds of all shards of the chosen bots. Good: steady, or slowly growing.",
                "stat",
            ),
            Panel(
                "Answers",
                "increase(discord.messages.handled)",
                "What all of them handled in the chosen time. Good: as many as usual.",
                "stat",
            ),
            Panel(
                "Failed",
                "increase(discord.command.duration where outcome = failure) / increase(discord.command.duration)",
                "The share of all commands that failed by a bot's fault. Good: under 1 %.",
                "stat",
                limits=(0.01, 0.05),
            ),
            Panel(
                "Cost of LLMs",
                "increase(bot.llm.cost)",
                "What they cost together in the chosen time. Good: within your budget.",
                "stat",
            ),
            Panel(
                "Errors",
                "increase(bot.errors)",
                "Errors of all of them. Good: few, and known.",
                "stat",
            ),
        ),
        (
            Panel(
                "Bots",
                {
                    "answers": f"increase(discord.messages.handled) by {_BOT}",
                    "P95": f"p95(discord.message.response.duration) by {_BOT}",
                    "failed": f"{_FAILED} / increase(discord.command.duration) by {_BOT}",
                    "errors": f"increase(bot.errors) by {_BOT}",
                    "guilds": f"last(discord.shard.guilds) by {_BOT}",
                    "lowest shard": f"min(discord.shard.up) by {_BOT}",
                },
                "Each bot, the busiest first. Good: none differs from the others; `lowest shard` is 1.",
                "table",
            ),
        ),
        (
            Panel(
                "Processes",
                {
                    "CPU": f"max(process.cpu.utilization) by {_PROCESS}",
                    "memory": f"max(process.memory.usage) by {_PROCESS}",
                    "loop lag, P99": f"p99(bot.event_loop.lag) by {_PROCESS}",
                    "errors": f"increase(bot.errors) by {_PROCESS}",
                    "up for": f"min(process.uptime) by {_PROCESS}",
                },
                "Each process, the one that takes most CPU first. Good: none differs from the others.",
                "table",
            ),
        ),
        (
            Panel(
                "Worst component",
                PromQL(
                    f"min by (job) (min_over_time(whisperwatch_component_health{{{OURS}}}[{WINDOW}]) >= 0)",
                    ("job",),
                ),
                "Of each service, how its worst component was. Good: one green band each.",
                "states",
                states=HEALTH,
            ),
            Panel(
                "Response time, P95",
                f"p95(discord.message.response.duration) by {_BOT}",
                "Good: flat, under 2 s, and none apart from the others.",
                limits=(2.0, 5.0),
            ),
            Panel(
                "Errors a minute",
                f"rate(bot.errors) by {_BOT}",
                "Good: low and even. All at once: what they share (Discord, a database, a model).",
                "bars",
            ),
        ),
    ),
    fleet=True,
)
