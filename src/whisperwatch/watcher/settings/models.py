"""What language models cost, and how much of it there may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from . import values
from .reading import Group, setting


def dollars(given: Any) -> float:
    """An amount of money, more than nothing."""
    try:
        amount = float(str(given).strip().removeprefix("$"))
    except ValueError:
        raise ValueError("is no number") from None
    if not 0 < amount < float("inf"):
        raise ValueError("is no amount of money")
    return amount


@dataclass(frozen=True, kw_only=True)
class Models(Group):
    """Prices and budgets."""

    title: ClassVar[str] = "Language models"
    prices: str = setting(
        "WHISPERWATCH_LLM_PRICES",
        default="",
        parse=values.readable_file,
        help='What models cost, a JSON file such as `{"gpt-4o": {"input": 2.5, "output": 10}}`: USD for a million '
        "tokens, by the beginning of the model's name. Without it no cost is recorded.",
        right="the path of a JSON file",
        unset="none",
        bot=True,
    )
    token_budget: int | None = setting(
        "LLM_TOKEN_BUDGET",
        default=None,
        parse=values.whole(1),
        help="How many tokens, asked and answered with, a calendar month (UTC) may take: `cost` and "
        "`performance capacity-planning` tell how much of it is gone, and when the rest will be. Nothing is stopped "
        "by it.",
        right="a whole number of tokens",
        unset="none",
    )
    money_budget: float | None = setting(
        "LLM_COST_BUDGET",
        default=None,
        parse=dollars,
        help="The same of money, in USD; it takes `WHISPERWATCH_LLM_PRICES`.",
        right="an amount in USD, such as 25 or 7.50",
        unset="none",
    )
