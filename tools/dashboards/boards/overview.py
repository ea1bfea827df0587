"""Is the bot well, and if not, where to look?"""

from __future__ import annotations

from typing import Final

from tools.dashboards.panels import HEALTH, OURS, WINDOW, Board, Panel, PromQL

_COMPONENTS: Final = PromQL(
    f"min by (whisperwatch_component_name) (min_over_time(whisperwatch_component_health{{{OURS}}}[{WINDOW}]) >= 0)",
    ("whisperwatch_component_name",),
)
BOARD: Final = Board(
    "overview",
    "Overview",
    "Is the bot well, and if not, where to look: its eight components and Whisperwatch itself, how fast and how "
    "reliably it answers, what fires.",
    (
        (
            Panel(
                "Components",
                _COMPONENTS,
                "How each component is now, the worst of the chosen instances. Good: all are green. A component that "
                "the bot doesn't use, or that nobody knows of, has no field. `!health detailed` in Discord says why "
                "one isn't green, and since when.",
                "stat",
                states=HEALTH,
            ),
        ),
        (
            Panel(
                "Answers",
                "increase(discord.messages.handled)",
                "Messages and interactions that ran a command or got a reply, in the chosen time. Good: as many as "
                "usual at this hour.",
                "stat",
            ),
            Panel(
                "P95 of the response time",
                "p95(discord.message.response.duration)",
                "Of 100 messages or interactions, 95 got their first visible reply within this. Good: under 2 s; with "
                "a language model in between, under 5 s. Typing is no reply.",
                "stat",
                limits=(2.0, 5.0),
            ),
            Panel(
                "Failed commands",
                "increase(discord.command.duration where outcome = failure) / increase(discord.command.duration)",
                "The share of commands that failed by the bot's fault; a user's own mistakes are none. Good: under "
                "1 %.",
                "stat",
                limits=(0.01, 0.05),
            ),
            Panel(
                "Errors",
                "increase(bot.errors)",
                "Errors of all kinds, also those that the bot catches: each exception once. Good: none, or the few "
                "that are known. The dashboard Errors has them by component.",
                "stat",
            ),
            Panel(
                "Cost of the LLM",
                "increase(bot.llm.cost)",
                "What the calls to language models cost in the chosen time, by the table that WHISPERWATCH_LLM_PRICES "
                "names; empty without one. Good: within your budget.",
                "stat",
            ),
            Panel(
                "Active users today",
                "max(bot.users.active where bot.users.window = day)",
                "Users to whom the bot answered in the last 24 hours. Good: as many as yesterday; a fall of a fifth is "
                "worth a look.",
                "stat",
            ),
        ),
        (
            Panel(
                "Response time",
                {
                    "P50": "p50(discord.message.response.duration)",
                    "P95": "p95(discord.message.response.duration)",
                },
                "From the receipt of a message or an interaction to its first visible reply. Good: flat, P95 under "
                "2 s. A dot is one message: its link opens the trace.",
                limits=(2.0, 5.0),
            ),
            Panel(
                "Answers and failures a minute",
                {
                    "answers": "rate(discord.messages.handled)",
                    "failed commands": "rate(discord.command.duration where outcome = failure)",
                    "failed events": "rate(discord.event.errors where discord.event.name in (message, interaction))",
                },
                "What the bot handles, and what of it fails. Good: failures at 0, however much is handled.",
            ),
        ),
        (
            Panel(
                "Components over time",
                _COMPONENTS,
                "When which component was how, the worst of the chosen instances. Good: one green band each. A gap is "
                "a time when nothing is known of it.",
                "states",
                states=HEALTH,
            ),
            Panel(
                "Errors a minute, by component",
                "rate(bot.errors) by bot.component",
                "Which part of the bot errors belong to. Good: nothing, or a low even band; a step tells when it "
                "began.",
                "bars",
            ),
        ),
        (
            Panel(
                "Alerts",
                {},
                "What fires in Alertmanager now. Good: nothing. Acknowledging is a silence with a comment.",
                "alerts",
                width=8,
            ),
            Panel(
                "Newest errors",
                "logs where level >= error limit 50",
                "Log records from error on, the newest first. Good: none that you don't know. A record that belongs to "
                "a message links to its trace.",
                "logs",
            ),
        ),
    ),
)
