"""Whisperwatch itself: whether what is shown elsewhere is all there is."""

from __future__ import annotations

from typing import Final

from tools.dashboards.panels import Board, Panel

BOARD: Final = Board(
    "monitor",
    "Whisperwatch itself",
    "Whether what the other dashboards show is all that there was: what is recorded, sent, kept and lost on the way.",
    (
        (
            Panel(
                "Lost in the bot",
                "increase(whisperwatch.dropped)",
                "Records that never reached the watcher. Good: 0.",
                "stat",
                limits=(1.0, 1000.0),
            ),
            Panel(
                "Lost on export",
                "increase(whisperwatch.export.dropped)",
                "Records that the collector refused, or that the buffer had no room for. Good: 0. Else the collector "
                "was away for longer than the buffer lasts.",
                "stat",
                limits=(1.0, 1000.0),
            ),
            Panel(
                "Failures of its own",
                "increase(whisperwatch.internal.errors)",
                "Hooks that failed; the bot went on. Good: 0. Please report others: the watcher's log has them.",
                "stat",
                limits=(1.0, 100.0),
            ),
            Panel(
                "Watcher restarts",
                "increase(whisperwatch.watcher.restarts)",
                "Times that the bot had to start its watcher again. Good: 0.",
                "stat",
                limits=(1.0, 5.0),
            ),
            Panel(
                "Waits for the collector",
                "last(whisperwatch.buffer.size)",
                "Bytes in the buffer. Good: under 1 MB. It grows while the collector is away.",
                "stat",
                limits=(5e6, 50e6),
            ),
            Panel(
                "Store in use",
                "last(whisperwatch.store.size) / last(whisperwatch.store.limit)",
                "Of what the embedded store may take. Good: under 90 %; at 100 % the oldest goes before its time.",
                "stat",
                limits=(0.9, 1.0),
            ),
        ),
        (
            Panel(
                "Recorded a minute",
                "rate(whisperwatch.recorded) by signal",
                "Records made in the bot's process. Good: follows the answers.",
            ),
            Panel(
                "Taken by the collector a minute",
                "rate(whisperwatch.exported) by signal",
                "Records that the collector has taken. Good: as many as were recorded; metrics count each point at "
                "each export.",
            ),
        ),
        (
            Panel(
                "Lost, by reason",
                {
                    "in the bot": "increase(whisperwatch.dropped) by signal, reason",
                    "on export": "increase(whisperwatch.export.dropped) by signal, reason",
                },
                "What is lost, of which signal, and why, in each window. Good: nothing.",
                "bars",
            ),
            Panel(
                "Waiting",
                {
                    "for the watcher": "last(whisperwatch.tape.size)",
                    "for the collector": "last(whisperwatch.buffer.size)",
                },
                "Bytes on the tape between bot and watcher, and in the watcher's buffer. Good: near 0.",
            ),
            Panel(
                "Embedded store",
                {
                    "size": "last(whisperwatch.store.size)",
                    "limit": "last(whisperwatch.store.limit)",
                },
                "Bytes of the embedded store. Good: below its limit.",
            ),
        ),
        (
            Panel(
                "Secrets taken out",
                {"taken out": "increase(whisperwatch.redacted) by whisperwatch.secret.kind"},
                "What looked like a secret in what leaves, and was taken out. Good: nothing: the bot logs or records "
                "them, and shouldn't.",
                "table",
            ),
            Panel(
                "Attribute sets that were too many",
                {"points": "increase(whisperwatch.attribute_sets.capped) by whisperwatch.metric"},
                "Points that went to a metric's overflow set. Good: nothing: an attribute of that metric holds "
                "something unbounded.",
                "table",
            ),
            Panel(
                "Asked by admins",
                {"asked": "increase(whisperwatch.asked) by whisperwatch.question, outcome"},
                "Questions in Discord and in a terminal, and how they were answered. Good: no failure.",
                "table",
            ),
        ),
    ),
)
