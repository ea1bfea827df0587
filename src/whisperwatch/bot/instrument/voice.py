"""Voice connects."""

from __future__ import annotations

import asyncio
from typing import Any

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import bot_of
from whisperwatch.bot.instrument.measures import timing
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.tracing import tracing


def connect(original: Any) -> Any:
    """`VoiceClient.connect`."""

    async def connect(self: Any, **kwargs: Any) -> None:
        start = recorder.clock.now()
        try:
            name = bot_of(self.client).name
            span = tracing.child("voice connect", 2, recorder.attribute_set({semconv.BOT_NAME: name}))
        except Exception:
            guard.failed("voice connect")
            await original(self, **kwargs)
            return
        outcome = "ok"
        try:
            await original(self, **kwargs)
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except Exception as error:
            outcome = "failure"
            if span is not None:
                span.fail(error)
            raise
        finally:
            try:
                if span is not None:
                    span.set_attribute(semconv.OUTCOME, outcome)
                    span.end()
                attributes = {semconv.BOT_NAME: name, semconv.OUTCOME: outcome}
                timing(semconv.VOICE_CONNECT_DURATION, attributes).record(
                    (recorder.clock.now() - start) / 1e9
                )
            except Exception:
                guard.failed("voice connect")

    return connect
