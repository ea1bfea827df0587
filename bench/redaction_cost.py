"""What taking secrets out costs the watcher: MB/s of log text, and what masking a user's words costs the bot's loop.

    python -m bench.redaction_cost [--rounds N]

Prints the median of the rounds, in CPU time. The texts: log lines as bots write them, the same with a secret in every
tenth, and a worst case in which every line has something that must be looked at closely.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable

from whisperwatch.bot.masking.needles import Needles, words_in
from whisperwatch.bot.masking.said import Said
from whisperwatch.watcher.redaction import Redactor

LINES = (
    "mybot.cogs.talk: replied in {n} ms, prompt of {n} tokens, cache miss for key embeddings, queue depth 3",
    "Shard ID 0 has connected to Gateway (Session ID: {n}abcdef).",
    'HTTP Request: POST https://api.openai.com/v1/chat/completions "HTTP/1.1 200 OK"',
    "retrieved {n} memories for <Member id=123456789012{n} name='someone'> in 12.5 ms",
    "Ignoring exception in command ask: KeyError: 'mood'\n  File \"/app/bot/mind.py\", line {n}, in think",
    "SELECT id, text FROM memories WHERE owner = $1 ORDER BY distance LIMIT 5 took {n} ms",
)
SECRETS = (
    "could not connect to postgresql://bot:hunter2@db:5432/bot",
    "Incorrect API key provided: sk-proj-abcdEFGH1234ijklMNOP",
    "{'Authorization': 'Bearer abcdEFGH1234ijklMNOP'}", "mail ada@example.org, password=hunter2", "token: abcdefgh",
)  # fmt: skip
SAID = "!ask what is the meaning of life, the universe and everything"
ENVIRONMENT = {f"SERVICE_{n}_KEY": f"secret-of-service-{n}" for n in range(12)}


def texts(secret_share: float, dice: random.Random) -> list[str]:
    """2000 lines."""
    made = [dice.choice(LINES).replace("{n}", str(dice.randrange(100_000, 999_999))) for _ in range(2000)]
    return [f"{line} {dice.choice(SECRETS)}" if dice.random() < secret_share else line for line in made]


def seconds(work: Callable[[str], str], lines: list[str]) -> float:
    """CPU time of all lines."""
    before = time.process_time()
    for line in lines:
        work(line)
    return time.process_time() - before


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=9)
    rounds = options.parse_args().rounds

    dice = random.Random(1)
    redactor = Redactor(ENVIRONMENT, show_id=lambda text: "0" * 16)
    for name, share in (("as bots log", 0.0), ("a secret in every tenth", 0.1), ("a secret in each", 1.0)):
        lines = texts(share, dice)
        spent = statistics.median(seconds(redactor.text, lines) for _ in range(rounds))
        size = sum(map(len, lines))
        print(
            f"redacting, {name:<26} {size / spent / 1e6:6.2f} MB/s, {spent / len(lines) * 1e6:6.2f} µs a line"
        )
    names = Needles((), ("ada_lovelace", "Ada", "Whisper Guild", "general"))

    def masked(text: str, said: Said) -> str:
        words = words_in(text)
        return names.mask(said.mask(text, words), words)

    usual, repeating, same = texts(0.0, dice), [f"asked: {SAID!r}"] * 2000, Said([SAID])
    for name, lines in (("as bots log", usual), ("repeating the message", repeating)):
        spent = statistics.median(seconds(lambda text: masked(text, same), lines) for _ in range(rounds))
        print(f"masking,   {name:<26} {spent / len(lines) * 1e6:6.2f} µs a line")
    spent = statistics.median(seconds(lambda text: masked(text, Said([SAID])), usual) for _ in range(rounds))
    print(f"masking,   the first line of a message{spent / len(usual) * 1e6:6.2f} µs")


if __name__ == "__main__":
    main()
