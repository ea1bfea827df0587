"""What a log record costs the bot's loop, beside OpenTelemetry's own handler, in one run.

    python -m bench.log_cost [--times N] [--rounds N]

Prints µs of CPU a record beyond what `logging` itself costs (median of the rounds with its quartiles, the variants
interleaved). The SDK's handler has a provider without a processor: what exporting costs comes on top of it. What we
leave to the watcher is not in ours, and the SDK's leaves to its processor. Masking looks for the words of a message.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from opentelemetry import context
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler

from whisperwatch.bot.instrument.logs import hearing
from whisperwatch.bot.masking import mask
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root

SAID = "!ask what is the meaning of life, the universe and everything"
Log = Callable[[logging.Logger], None]


def failed() -> BaseException:
    """An exception with a few frames."""

    def fail(depth: int) -> None:
        if depth:
            fail(depth - 1)
        raise ValueError("it broke")

    try:
        fail(4)
    except ValueError as error:
        return error
    raise AssertionError


ERROR = failed()
LOADS: dict[str, Log] = {
    "three arguments": lambda logger: logger.info("replied in %d ms, %d tokens, %s", 12, 345, "cache miss"),
    "extra": lambda logger: logger.info("replied", extra={"took": 1.5, "tokens": 345, "cache": "miss"}),
    "an exception, counted before": lambda logger: logger.error("failed", exc_info=ERROR),
}


def seconds(load: Log, logger: logging.Logger, times: int) -> float:
    before = time.process_time()
    for _ in range(times):
        load(logger)
    spent = time.process_time() - before
    recorder.logs.take(1_000_000)
    return spent


def handler_of_the_sdk() -> logging.Handler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return LoggingHandler(logger_provider=LoggerProvider(shutdown_on_exit=False))


def variants() -> dict[str, Callable[[logging.Logger], Any]]:
    """How each is put in place; what comes back takes it away."""

    def bare(logger: logging.Logger) -> Callable[[], None]:
        return lambda: None

    def ours(logger: logging.Logger) -> Callable[[], None]:
        hearing.start()
        return hearing.stop

    def sdk(logger: logging.Logger) -> Callable[[], None]:
        handler = handler_of_the_sdk()
        logger.addHandler(handler)
        return lambda: logger.removeHandler(handler)

    return {"bare": bare, "whisperwatch": ours, "SDK": sdk}


def in_a_message() -> None:
    """Make a root current, whose message is masked."""
    from whisperwatch import semconv
    from whisperwatch.bot.instrument.measures import timing

    root = Root("message", 4, recorder.attribute_set({}), timing(semconv.LOOP_LAG, {}))
    root.subject = SimpleNamespace(content=SAID)  # type: ignore[attr-defined]
    context.attach(root.context_below())
    recorder.mask = mask


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=2000)
    options.add_argument("--rounds", type=int, default=15)
    arguments = options.parse_args()
    logger = logging.getLogger("bench")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    in_a_message()
    for name, load in LOADS.items():
        spent: dict[str, list[float]] = {variant: [] for variant in variants()}
        for _ in range(arguments.rounds):
            for variant, place in variants().items():
                remove = place(logger)
                load(logger)
                spent[variant].append(seconds(load, logger, arguments.times) / arguments.times * 1e6)
                remove()
        bare = statistics.median(spent.pop("bare"))
        print(f"{name}: logging itself {bare:.2f} µs")
        for variant, each in spent.items():
            low, middle, high = (one - bare for one in statistics.quantiles(each, n=4))
            print(f"  {variant:<14} +{middle:6.2f} µs ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
