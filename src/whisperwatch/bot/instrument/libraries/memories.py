"""Operations on the bot's memory, as they follow from those of its vector stores."""

from __future__ import annotations

from whisperwatch import semconv
from whisperwatch.bot.instrument.bots import name_of_bot
from whisperwatch.bot.instrument.libraries.calls import Call
from whisperwatch.bot.instrument.measures import timing


def measure_memory(call: Call, operation: str, items: int | None, relevance: float | None) -> None:
    """Measure a call to a vector store that retrieved or stored memories."""
    whose = {semconv.BOT_NAME: name_of_bot(call.root), semconv.SOURCE: "vector"}
    about = {**whose, semconv.MEMORY_OPERATION: operation}
    outcome = {semconv.OUTCOME: "ok" if call.error is None else "failure"}
    seconds = (call.end_ns - call.start_ns) / 1e9
    timing(semconv.MEMORY_DURATION, about | outcome).record(seconds, call if call.recorded else None)
    if items is not None:
        timing(semconv.MEMORY_ITEMS, about).record(items)
    if relevance is not None and operation == "retrieve":
        timing(semconv.MEMORY_RELEVANCE, whose).record(relevance)
