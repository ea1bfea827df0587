"""Providers by host, and names that stay few."""

from __future__ import annotations

from collections import namedtuple

import pytest

from whisperwatch.bot.instrument.libraries.llm import servers
from whisperwatch.bot.instrument.libraries.llm.servers import Server, provider_of

URL = namedtuple("URL", "scheme host port")


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.openai.com", "openai"),
        ("eu.api.openai.com", "openai"),
        ("mine.openai.azure.com", "azure.ai.openai"),
        ("openrouter.ai", "openrouter"),
        ("API.Groq.com.", "groq"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock"),
        ("us-east5-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("localhost", "openai"),
        ("127.0.0.1", "openai"),
        ("notopenrouter.ai", "openai"),
    ],
)
def test_the_provider_is_known_by_its_host(host, provider):
    assert provider_of(host, "openai") == provider


def test_a_bot_that_lets_its_users_choose_makes_no_endless_names(recording):
    server = Server(URL("https", "llm.example", None), "openai")
    titles = {server.asked("chat", f"model-{n}").title for n in range(3 * servers.MOST_MODELS)}
    assert len(titles) == servers.MOST_MODELS + 1
    assert "chat other" in titles
    assert server.asked("chat", "model-0") is server.asked("chat", "model-0")
    assert server.asked("chat", "model-0").static[1]["server.port"] == 443
