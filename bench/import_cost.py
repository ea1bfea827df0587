"""What `import whisperwatch` and `watch()` add to a bot's start, over `import discord`, in fresh processes.

    python -m bench.import_cost [--rounds N] [--modules]

Bytecode is compiled before (into a directory of the bench's own, for `PYTHONDONTWRITEBYTECODE` may be set), as it is in
an installed package. The variants are interleaved; prints medians with quartiles of wall and CPU milliseconds and MB of
resident memory. `--modules` prints instead which packages the import takes its time for (one run of `-X importtime`).
"""

from __future__ import annotations

import argparse
import atexit
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile

_START = """
import json, resource, sys, time
def now():
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return time.perf_counter() * 1e3, time.process_time() * 1e3, pages * resource.getpagesize() / 1e6
import discord, discord.ext.commands, discord.ext.tasks, discord.app_commands
before = now()
"""
_END = """
print(json.dumps([after - first for after, first in zip(now(), before)]))
"""
VARIANTS = {
    "nothing (A/A)": "",
    "OTel API": "import opentelemetry.trace, opentelemetry.metrics",
    "OTel SDK, traces": "import opentelemetry.sdk.trace",
    "OTel SDK, traces and metrics": "import opentelemetry.sdk.trace, opentelemetry.sdk.metrics",
    "whisperwatch.bot.watch": "import whisperwatch.bot.watch",
    "watch(), imported before": (
        "from whisperwatch.bot.watch import watch\n"
        "bot = discord.ext.commands.Bot('!', intents=discord.Intents.default())\n"
        "before = now()\n"
        "watch(bot)"
    ),
}


@functools.cache
def environment() -> dict[str, str]:
    """The environment of the measured processes, where everything is compiled."""
    cache = tempfile.TemporaryDirectory()
    atexit.register(cache.cleanup)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    made = {**kept, "PYTHONPYCACHEPREFIX": cache.name}
    program = (
        _START
        + "from whisperwatch.bot.watch import watch\nwatch(discord.Client(intents=discord.Intents.none()))"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, env=made)
    return made


def measured(code: str) -> list[float]:
    """Wall ms, CPU ms and MB of one fresh process."""
    program = _START + code + _END
    command = [sys.executable, "-W", "ignore", "-c", program]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    return [float(number) for number in json.loads(result.stdout)]


def modules() -> None:
    """The modules over 1 ms of their own, and the cumulative times of the packages."""
    program = _START + "print('=', file=sys.stderr)\nimport whisperwatch.bot.watch"
    command = [sys.executable, "-W", "ignore", "-X", "importtime", "-c", program]
    lines = (
        subprocess.run(command, capture_output=True, text=True, check=True)
        .stderr.split("=\n", 1)[1]
        .splitlines()
    )
    rows = [line.removeprefix("import time:").split("|") for line in lines]
    own = [(int(own), int(total), name) for own, total, name in rows if own.strip().isdigit()]
    packages: dict[str, int] = {}
    for spent, _, name in own:
        package = ".".join(name.strip().split(".")[:3])
        packages[package] = packages.get(package, 0) + spent
    print(f"{sum(packages.values()) / 1000:.1f} ms in {len(own)} modules")
    for package, spent in sorted(packages.items(), key=lambda item: -item[1])[:30]:
        print(f"{spent / 1000:7.1f} ms  {package}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--modules", action="store_true")
    options = parser.parse_args()
    if options.modules:
        modules()
        return
    found: dict[str, list[list[float]]] = {name: [] for name in VARIANTS}
    for _ in range(options.rounds):
        for name, code in VARIANTS.items():
            found[name].append(measured(code))
    for name, runs in found.items():
        columns = []
        for numbers, unit in zip(zip(*runs, strict=True), ("ms wall", "ms CPU", "MB"), strict=True):
            low, middle, high = statistics.quantiles(numbers, n=4)
            columns.append(f"{middle:6.1f} {unit} ({low:.1f} to {high:.1f})")
        print(f"{name:30}", "  ".join(columns))


if __name__ == "__main__":
    main()
