"""What tokens cost, where the operator says so: a JSON file that `WHISPERWATCH_LLM_PRICES` names.

    {"gpt-4o-mini": {"input": 0.15, "output": 0.6}, "claude-": {"input": 3, "output": 15}}

Prices are USD for a million tokens; the longest beginning of the model's name counts.
"""

from __future__ import annotations

import json
import logging
import os
from typing import Any

logger = logging.getLogger("whisperwatch")

VARIABLE = "WHISPERWATCH_LLM_PRICES"
_MILLION = 1_000_000

Prices = dict[str, tuple[float, float]]
"""By the beginning of a model's name: of a million tokens in, and out."""
_read: dict[str, Prices] = {}


def prices() -> Prices:
    """Those of the file that the environment names now; each file is read once, and what is wrong with it said once."""
    path = os.path.expanduser(os.environ.get(VARIABLE, "").strip())
    if not path:
        return {}
    if path not in _read:
        _read[path] = _load(path)
    return _read[path]


def _load(path: str) -> Prices:
    try:
        with open(path, encoding="utf-8") as file:
            given = json.load(file)
        return {
            str(model): (_price(price, "input"), _price(price, "output")) for model, price in given.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        logger.warning(
            '%s: %s can\'t be read as {"model": {"input": USD, "output": USD}} for a million tokens, so no cost is '
            "recorded: %s: %s",
            VARIABLE, path, type(error).__name__, error,
        )  # fmt: skip
        return {}


def _price(price: Any, direction: str) -> float:
    usd = float(price[direction])
    if not 0 <= usd < float("inf"):
        raise ValueError(f"a price of {usd}")
    return usd


def cost(table: Prices, model: str, input_tokens: int, output_tokens: int) -> float | None:
    """USD for one call; None where the table doesn't know the model."""
    known = max((name for name in table if model.startswith(name)), key=len, default=None)
    if known is None:
        return None
    price_in, price_out = table[known]
    return (input_tokens * price_in + output_tokens * price_out) / _MILLION
