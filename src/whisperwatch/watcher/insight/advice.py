"""What to do about what takes long: a table of rules, each of which says by which numbers it holds.

A rule whose numbers aren't known says nothing. Each can be read in its advice: who follows it can judge it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from whisperwatch.watcher.insight.figures import Figure, Figures
from whisperwatch.watcher.insight.scaling import FILLED, WAIT_S


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do.

    Attributes:
        component: of which it is.
        what: what to do, a sentence.
        numbers: those that led to it, by what they are of.
    """

    component: str
    what: str
    numbers: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Sign:
    """A number that speaks for an advice where it is from `least` to `most`.

    Attributes:
        question: what it is, in the language of questions, without `by`.
        unit: UCUM's, where the question's own says less.
        needed: without it nothing is advised.
    """

    name: str
    question: str
    least: float = -math.inf
    most: float = math.inf
    unit: str = ""
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """What is advised where all signs are there.

    Attributes:
        what: the advice; `{name}` is the value of `by`, `{size}` what `size` makes of the numbers.
        by: the attribute by whose values it is looked at, one by one; "" for all together.
        share: the least share of the messages' time that the component takes.
    """

    component: str
    what: str
    signs: tuple[Sign, ...]
    by: str = ""
    share: float = 0.0
    size: Callable[[Mapping[str, float]], int] | None = None


def _pool_size(numbers: Mapping[str, float]) -> int:
    """As `capacity-planning` has it where nothing is foreseen: room for all that was in use, and for who waited."""
    size = numbers["connections"]
    wanted = numbers.get("in use, at most", 1.0) * size + numbers.get("waiting at once, at most", 0.0)
    return max(math.ceil(wanted / FILLED), math.floor(size) + 1)


_HITS: Final = "increase(bot.cache.requests where bot.cache.result = hit) / increase(bot.cache.requests)"
_MISSES: Final = "increase(bot.cache.requests where bot.cache.result = miss)"
_HANDLED: Final = "increase(discord.messages.handled)"
_CHAT: Final = "gen_ai.client.operation.duration where gen_ai.operation.name = chat"
_SQL: Final = "db.client.operation.duration where db.system.name not in (redis, chroma, qdrant)"
_POOL: Final = "db.client.connection.pool.name"
_MODEL: Final = "gen_ai.request.model"
_CACHE: Final = "bot.cache.name"
_LOOKUPS: Final = Sign("look-ups", "increase(bot.cache.requests)", least=100)
_EVICTED: Final = f"increase(bot.cache.evictions) / {_MISSES}"
_WAIT: Final = Sign("P95 of the wait for a connection", "p95(db.client.connection.wait_time)", least=WAIT_S)
_FULL: Final = Sign(
    "in use, at most",
    "max(db.client.connection.count where db.client.connection.state = used) / max(db.client.connection.max)",
    least=0.95,
)
_SIZE: Final = (
    Sign("connections", "max(db.client.connection.max)"),
    Sign("waiting at once, at most", "max(db.client.connection.pending_requests)", needed=False),
)
_LARGER_POOL: Final = (
    "Make the pool {name} larger: `config set DATABASE_POOL_SIZE {size}`, where the bot has that setting; "
    "the server's `max_connections` has to allow it."
)

RULES: Final[tuple[Rule, ...]] = (
    Rule("database", _LARGER_POOL, (_WAIT, _FULL, *_SIZE), _POOL, size=_pool_size),
    Rule(
        "database", _LARGER_POOL,
        (Sign("waits given up", "increase(db.client.connection.timeouts)", least=1), *_SIZE), _POOL, size=_pool_size,
    ),
    Rule(
        "database", "Give connections of {name} back before a model or another server is asked: they are held idle.",
        (_WAIT, Sign("out of the pool, on average", "avg(db.client.connection.use_time)", least=1.0)), _POOL,
    ),
    Rule(
        "database", "Ask the database for several rows at once (a join, `IN`, `executemany`), not for one by one.",
        (Sign("statements for each answer", f"increase({_SQL}) / {_HANDLED}", least=20, unit="{statement}"),),
        share=0.1,
    ),
    Rule(
        "cache", "Give the cache {name} more memory (of Redis: `maxmemory`): it throws out what is asked for again.",
        (Sign("hits", _HITS, most=0.8), _LOOKUPS, Sign("evictions over misses", _EVICTED, least=0.1)), _CACHE,
    ),
    Rule(
        "cache", "Keep what is in the cache {name} for longer, or by keys that come again: memory it has enough.",
        (Sign("hits", _HITS, most=0.3), _LOOKUPS, Sign("evictions over misses", _EVICTED, most=0.01)), _CACHE,
    ),
    Rule(
        "cache", "Send Redis' commands together (a pipeline, `MGET`), not one by one.",
        (Sign(
            "commands for each answer", "increase(db.client.operation.duration where db.system.name = redis) / "
            f"{_HANDLED}", least=20, unit="{command}",
        ),),
        share=0.1,
    ),
    Rule(
        "llm", "Stream the answers of {name}, and show their beginning: people wait for the first words only.",
        (
            Sign("calls", f"increase({_CHAT})", least=10), Sign("a call, on average", f"avg({_CHAT})", least=2.0),
            Sign(
                "streamed", "increase(gen_ai.client.operation.time_to_first_chunk where gen_ai.operation.name = chat) "
                f"/ increase({_CHAT})", most=0.1, needed=False,
            ),
        ),
        _MODEL, share=0.4,
    ),
    Rule(
        "llm", "Let {name} answer more briefly (`max_tokens`, or the prompt): it is the writing that takes long.",
        (Sign("tokens of an answer", "avg(gen_ai.client.token.usage where gen_ai.token.type = output)", least=400),),
        _MODEL, share=0.4,
    ),
    Rule(
        "llm", "Send {name} less of what was said before, or use its provider's prompt cache.",
        (Sign("tokens of a prompt", "avg(gen_ai.client.token.usage where gen_ai.token.type = input)", least=4000),),
        _MODEL, share=0.4,
    ),
    Rule(
        "memory", "Retrieve fewer memories at once.",
        (Sign(
            "memories retrieved at once",
            "avg(bot.memory.operation.items where bot.memory.operation = retrieve)", least=50,
        ),),
        share=0.1,
    ),
    Rule(
        "discord", "Send to Discord less often: one message instead of several, an edit a second at most.",
        (Sign(
            "waited for rate limits, for each answer",
            f"sum(discord.http.ratelimit.wait.duration) / {_HANDLED}", least=0.1, unit="s",
        ),),
    ),
    Rule(
        "bot", "Move what holds up the event loop to a thread (`asyncio.to_thread`): `health` names the code.",
        (Sign("P99 of the loop's lag", "p99(bot.event_loop.lag)", least=0.1),),
    ),
    Rule(
        "bot", "Let the garbage collector leave out what stays for ever: `gc.freeze()` when the bot has started.",
        (Sign("P99 of its pauses", "p99(cpython.gc.pause.duration)", least=0.05),),
    ),
    Rule(
        "bot", "Give the bot another process (shards), for this one has no CPU left.",
        (Sign("CPU", "avg(process.cpu.utilization)", least=0.8),),
        share=0.1,
    ),
)  # fmt: skip
"""What there is to advise, from the first to look at to the last."""


def _asked(rule: Rule, sign: Sign) -> str:
    by = f" by {rule.by}" if rule.by else ""
    return " / ".join(f"{measure}{by}" for measure in sign.question.split(" / "))


QUESTIONS: Final[Mapping[str, str]] = {
    _asked(rule, sign): _asked(rule, sign) for rule in RULES for sign in rule.signs
}
"""What is asked of metrics; each is its own name."""


def advise(found: Figures, shares: Mapping[str, float]) -> tuple[Advice, ...]:
    """What there is to do.

    Args:
        found: the answers to `QUESTIONS`.
        shares: by component, the share of the messages' time, from 0 to 1.
    """
    made = [
        one for rule in RULES if shares.get(rule.component, 0.0) >= rule.share for one in _of(rule, found)
    ]
    first = {one.what: one for one in reversed(made)}  # said by two rules, it is said by the first
    return tuple(one for one in made if first[one.what] is one)


def _of(rule: Rule, found: Figures) -> Iterator[Advice]:
    answers = {sign: found.groups(_asked(rule, sign)) for sign in rule.signs}
    for name in dict.fromkeys(name for groups in answers.values() for name in groups):
        figures = {sign: groups.get(name, Figure()) for sign, groups in answers.items()}
        if all(_holds(sign, figure.value) for sign, figure in figures.items()):
            known = {
                sign.name: replace(figure, unit=sign.unit or figure.unit)
                for sign, figure in figures.items()
                if figure.value is not None
            }
            values = {key: figure.value for key, figure in known.items() if figure.value is not None}
            size = rule.size(values) if rule.size is not None else 0
            yield Advice(rule.component, rule.what.format(name=name or "of all", size=size), known)


def _holds(sign: Sign, value: float | None) -> bool:
    return not sign.needed if value is None else sign.least <= value <= sign.most
