"""What the demo's tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from whisperwatch.demo.home import Home


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    async with Home() as home:
        yield home
    assert not home.path.exists(), "the demo's directory stays"
