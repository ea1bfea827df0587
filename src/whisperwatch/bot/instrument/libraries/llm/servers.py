"""Who is asked: the provider by the host's name, and the names that spans and metrics of one client have in common."""

from __future__ import annotations

from typing import Any

from whisperwatch import semconv
from whisperwatch.bot.instrument.libraries.calls import Durations
from whisperwatch.bot.recording.recorder import recorder

MOST_MODELS = 100
"""Models of one server that have a name of their own: a bot may let its users choose."""
_OTHER = "other"
_PROVIDERS = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "cognitiveservices.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "models.inference.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "openrouter.ai": "openrouter",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x_ai",
    "api.perplexity.ai": "perplexity",
    "api.cohere.com": "cohere",
    "api.together.xyz": "together",
    "api.fireworks.ai": "fireworks",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "amazonaws.com": "aws.bedrock",
}


def provider_of(host: str, speaks: str) -> str:
    """The provider's name by the conventions. A host that nobody knows, such as localhost, has the API's it speaks."""
    parts = host.lower().rstrip(".").split(".")
    for start in range(len(parts)):
        known = _PROVIDERS.get(".".join(parts[start:]))
        if known is not None:
            return known
    return next((p for name, p in _PROVIDERS.items() if host.endswith(f"-{name}")), speaks)


class Server:
    """Where one client's calls go."""

    def __init__(self, url: Any, speaks: str) -> None:
        self.url = url
        self.host = str(url.host)
        self.port = url.port or (80 if url.scheme == "http" else 443)
        self.provider = provider_of(self.host, speaks)
        self._asked: dict[tuple[str, str], Asked] = {}

    def asked(self, operation: str, model: str) -> Asked:
        """What the calls of this operation to this model have in common."""
        known = self._asked.get((operation, model))
        if known is None:
            name = model if len(self._asked) < MOST_MODELS else _OTHER
            known = self._asked.get((operation, name)) or Asked(self, operation, name)
            self._asked[operation, name] = known
        return known


class Asked:
    """The names of a kind of call."""

    def __init__(self, server: Server, operation: str, model: str) -> None:
        self.title = f"{operation} {model}"
        self.model = model
        self.attributes = {
            semconv.GEN_AI_OPERATION: operation,
            semconv.GEN_AI_PROVIDER: server.provider,
            semconv.GEN_AI_REQUEST_MODEL: model,
            semconv.SERVER_ADDRESS: server.host,
            semconv.SERVER_PORT: server.port,
        }
        self.static = recorder.attribute_set(self.attributes)
        self.durations = Durations(semconv.LLM_DURATION, self.attributes)
