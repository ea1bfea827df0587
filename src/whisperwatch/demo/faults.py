"""What may be made to go wrong while the demo runs: `--faults llm,slow`. Each comes and goes by turns."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from whisperwatch.demo.backends.llm import LanguageModel
from whisperwatch.demo.loopback import LoopbackDiscord
from whisperwatch.demo.problem import DemoError

_QUIET_S = 3.0
_LASTS_S = 3.0
_MESSAGES = "/channels/{channel_id}/messages"

Fault = Callable[[LoopbackDiscord, LanguageModel], AbstractAsyncContextManager[None]]


@contextlib.asynccontextmanager
async def _headache(discord: LoopbackDiscord, model: LanguageModel) -> AsyncIterator[None]:
    model.temper.failure_rate = 0.5
    try:
        yield
    finally:
        model.temper.failure_rate = 0.0


@contextlib.asynccontextmanager
async def _dawdling(discord: LoopbackDiscord, model: LanguageModel) -> AsyncIterator[None]:
    before, model.temper.first_token_s = model.temper.first_token_s, 1.5
    try:
        yield
    finally:
        model.temper.first_token_s = before


@contextlib.asynccontextmanager
async def _slow(discord: LoopbackDiscord, model: LanguageModel) -> AsyncIterator[None]:
    with discord.faults.slow(0.7, route=_MESSAGES):
        yield


@contextlib.asynccontextmanager
async def _errors(discord: LoopbackDiscord, model: LanguageModel) -> AsyncIterator[None]:
    with discord.faults.errors(502, route=_MESSAGES, share=0.3, count=4):
        yield


@contextlib.asynccontextmanager
async def _storm(discord: LoopbackDiscord, model: LanguageModel) -> AsyncIterator[None]:
    with discord.faults.storm("shared", retry_after=0.5, route=_MESSAGES, share=0.5, count=6):
        yield


@contextlib.asynccontextmanager
async def _reconnect(discord: LoopbackDiscord, model: LanguageModel) -> AsyncIterator[None]:
    await discord.reconnect()
    yield


@contextlib.asynccontextmanager
async def _cut(discord: LoopbackDiscord, model: LanguageModel) -> AsyncIterator[None]:
    await discord.cut()
    yield


FAULTS: dict[str, tuple[str, Fault]] = {
    "llm": ("half of the model's answers fail", _headache),
    "slow-llm": ("the model takes 1.5 s to begin", _dawdling),
    "slow-rest": ("Discord takes 0.7 s for a message", _slow),
    "rest-errors": ("some messages are answered with 502", _errors),
    "429": ("some messages are answered with 429", _storm),
    "reconnect": ("the gateway asks for a reconnect", _reconnect),
    "cut": ("the gateway's connection breaks", _cut),
}
"""By name: what happens, and how."""


def chosen(text: str) -> tuple[str, ...]:
    """The names in a comma-separated list.

    Raises:
        DemoError: it names a fault that there isn't.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in FAULTS:
            raise DemoError(f"--faults {name}: there is no such fault; there are {', '.join(FAULTS)}")
    return names


async def play(
    names: Sequence[str], discord: LoopbackDiscord, model: LanguageModel, tell: Callable[[str], None]
) -> None:
    """The faults by turns, until cancelled: then what is wrong is put right."""
    while names:
        for name in names:
            await asyncio.sleep(_QUIET_S)
            what, fault = FAULTS[name]
            async with fault(discord, model):
                tell(f"fault: {what}")
                await asyncio.sleep(_LASTS_S)
            tell("")
