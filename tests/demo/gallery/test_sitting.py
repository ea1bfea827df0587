"""That the gallery never hangs, and says what it waited for."""

from __future__ import annotations

import asyncio

import pytest

from whisperwatch.demo.gallery.sitting import within
from whisperwatch.demo.problem import DemoError


async def test_a_picture_that_takes_too_long_is_named() -> None:
    with pytest.raises(DemoError, match="the picture 'cost': not all is answered after 0 s"):
        await within(0, "cost", asyncio.Event().wait())


async def test_what_was_waited_for_is_told() -> None:
    async def asking() -> None:
        raise TimeoutError("after 20 s still not: the bot has replied to '!health'")

    with pytest.raises(DemoError, match="the picture 'health': after 20 s still not: the bot has replied"):
        await within(60, "health", asking())
