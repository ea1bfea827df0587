"""What the bot remembers, and what it has at hand."""

from __future__ import annotations

from typing import Final

from tools.dashboards.panels import Board, Panel

_OPERATIONS: Final = "bot.memory.operation.duration"
_HITS: Final = "increase(bot.cache.requests where bot.cache.result = hit)"
BOARD: Final = Board(
    "memory",
    "Memory system and cache",
    "What the bot remembers, how fast and how well; and what its caches have at hand.",
    (
        (
            Panel(
                "Operations",
                f"increase({_OPERATIONS})",
                "What was retrieved, stored, changed or deleted in the chosen time. Good: in proportion to the "
                "answers.",
                "stat",
            ),
            Panel(
                "P95 of retrieving",
                f"p95({_OPERATIONS} where bot.memory.operation = retrieve)",
                "Every answer waits for it. Good: under 200 ms.",
                "stat",
                limits=(0.2, 1.0),
            ),
            Panel(
                "Failed",
                f"increase({_OPERATIONS} where outcome = failure) / increase({_OPERATIONS})",
                "The share of operations that failed. Good: 0. A bot whose memory fails answers as if it had just met "
                "its users.",
                "stat",
                limits=(0.001, 0.01),
            ),
            Panel(
                "Relevance",
                "avg(bot.memory.retrieval.relevance)",
                "How well the best of what was retrieved fits, on average, from 0 to 1. Good: over 0.6, and steady. A "
                "fall: another embedding model, or a collection of other texts.",
                "stat",
                limits=(0.5, 0.25),
            ),
            Panel(
                "Cache hits",
                f"{_HITS} / increase(bot.cache.requests)",
                "Of the look-ups, those that the cache had an answer for. Good: over 80 % where the same is asked "
                "again; a cache of answers has fewer.",
                "stat",
                limits=(0.5, 0.1),
            ),
            Panel(
                "Evictions",
                "increase(bot.cache.evictions)",
                "Keys that the cache's server threw out for want of memory. Good: 0; else it needs more memory, or "
                "shorter times to live.",
                "stat",
                limits=(1.0, 1000.0),
            ),
        ),
        (
            Panel(
                "P95 by operation",
                f"p95({_OPERATIONS}) by bot.memory.operation",
                "Good: flat; retrieving under 200 ms. It grows with the number of memories where they have no index. A "
                "dot is one operation: its link opens the trace.",
                limits=(0.2, 1.0),
            ),
            Panel(
                "Operations a minute",
                f"rate({_OPERATIONS}) by bot.memory.operation",
                "Good: follows the answers.",
                "bars",
            ),
        ),
        (
            Panel(
                "Memories for each operation",
                "avg(bot.memory.operation.items) by bot.memory.operation",
                "How many memories one operation retrieves or stores, on average. Good: a handful. Many make the "
                "prompt long.",
            ),
            Panel(
                "Relevance over time",
                "avg(bot.memory.retrieval.relevance)",
                "How well the best of what was retrieved fits, on average. Good: over 0.6, and steady.",
                limits=(0.5, 0.25),
            ),
            Panel(
                "Cache look-ups a minute",
                "rate(bot.cache.requests) by bot.cache.result",
                "Good: mostly hits. Misses alone, after hits: the cache was emptied, or its keys changed.",
                "bars",
            ),
        ),
        (
            Panel(
                "Caches",
                {
                    "look-ups": "increase(bot.cache.requests) by bot.cache.name",
                    "hits": f"{_HITS} by bot.cache.name / increase(bot.cache.requests) by bot.cache.name",
                },
                "Each cache of the chosen time. Good: one that never hits is taken out.",
                "table",
            ),
            Panel(
                "Memory operations",
                {
                    "operations": f"increase({_OPERATIONS}) by bot.memory.operation, bot.source",
                    "P95": f"p95({_OPERATIONS}) by bot.memory.operation, bot.source",
                    "failed": f"increase({_OPERATIONS} where outcome = failure) by bot.memory.operation, bot.source",
                },
                "Each sort of operation; `vector` was seen at the vector store, `api` was told by the bot's code. "
                "Good: none failed.",
                "table",
            ),
        ),
    ),
)
