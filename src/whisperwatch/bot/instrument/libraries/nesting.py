"""A call that is current while it lasts: what the library does for it over HTTP finds its place below."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context

from whisperwatch.bot.instrument.libraries.calls import Call
from whisperwatch.bot.recording.current import SPAN_KEY, enter, leave, read


class NestingCall(Call):
    """A call with others below it."""

    def enter(self) -> Any:
        """Make it current; returns what `leave` takes. None where there is no span."""
        if not self.recorded:
            return None
        return enter(Context({**read(), SPAN_KEY: self.visible if self.ornate else self}))

    @staticmethod
    def leave(token: Any) -> None:
        """Take back an `enter`."""
        if token is not None:
            leave(token)
