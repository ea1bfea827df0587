"""How the companion thinks of an answer: what it remembers, what it has said before, what the model says."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from zlib import crc32

from whisperwatch.demo.bot.services import Services

_DIMENSIONS = 64
_CACHED_FOR_S = 300
_PERSONA = (
    "You are Wren, a warm companion who remembers what people tell you. Answer in one or two sentences."
)


def embed(text: str) -> Sequence[float]:
    """A text as a vector: its words, hashed into a few dimensions, of length 1. No model needs downloading."""
    vector = [0.0] * _DIMENSIONS
    for word in re.findall(r"\w+", text.lower()):
        vector[crc32(word.encode()) % _DIMENSIONS] += 1.0
    length = math.hypot(*vector)
    return [value / length for value in vector] if length else [1.0, *vector[1:]]


class Mind:
    """Answers, and remembers."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def answer(self, person: int, text: str) -> str:
        """What to say to this. Said a moment ago, it comes from the cache; else the model is asked."""
        remembered = await self.recall(person, text)
        key = f"answer:{person}:{crc32(text.lower().encode()):08x}"
        cached = await self._services.redis.get(key)
        if cached is not None:
            return str(cached)
        answer = await self._ask_model(text, remembered)
        await self._services.redis.set(key, answer, ex=_CACHED_FOR_S)
        return answer

    async def remember(self, person: int, text: str, number: int) -> None:
        """Keep a text as a memory of this person, under a number of its own."""
        await self._services.memories.upsert(
            ids=[f"{person}-{number}"],
            embeddings=[embed(text)],
            documents=[text],
            metadatas=[{"person": str(person)}],
        )

    async def recall(self, person: int, text: str, most: int = 3) -> list[str]:
        """The memories of this person that are nearest to a text."""
        found = await self._services.memories.query(
            query_embeddings=[embed(text)],
            n_results=most,
            where={"person": str(person)},
            include=["documents", "distances"],
        )
        return (found["documents"] or [[]])[0]

    async def _ask_model(self, text: str, remembered: list[str]) -> str:
        memories = "You remember: " + "; ".join(remembered) if remembered else "You have just met."
        stream = await self._services.model.chat.completions.create(
            model=self._services.model_name,
            messages=[
                {"role": "system", "content": f"{_PERSONA} {memories}"},
                {"role": "user", "content": text},
            ],
            stream=True,
            stream_options={"include_usage": True},
        )
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        return "".join(pieces).strip()
