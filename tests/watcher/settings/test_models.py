"""Budgets of language models."""

from __future__ import annotations

import pytest

from whisperwatch.watcher.settings import load
from whisperwatch.watcher.settings.models import dollars


def test_budgets() -> None:
    models = load({"LLM_TOKEN_BUDGET": "5000000", "LLM_COST_BUDGET": "$7.50"}).models
    assert (models.token_budget, models.money_budget) == (5_000_000, 7.5)
    assert (load({}).models.token_budget, load({}).models.money_budget) == (None, None)


@pytest.mark.parametrize("wrong", ["0", "-1", "nan", "inf", "much"])
def test_what_is_no_budget_is_said(wrong: str) -> None:
    settings = load({"LLM_TOKEN_BUDGET": wrong, "LLM_COST_BUDGET": wrong})
    assert {problem.name for problem in settings.problems} == {"LLM_TOKEN_BUDGET", "LLM_COST_BUDGET"}
    with pytest.raises(ValueError):  # noqa: PT011 - its text is the problem's
        dollars(wrong)
