from __future__ import annotations

from whisperwatch.demo.ledgers import _twice
from whisperwatch.demo.loopback.ledger import Event


def test_an_event_that_was_sent_again_after_a_resume_counts_once() -> None:
    def event(session: str, sequence: int, type: str, replayed: bool = False) -> Event:
        return Event(0.0, 0, session, type, sequence, replayed)

    events = [
        event("a", 1, "READY"),
        event("a", 2, "MESSAGE_CREATE"),
        event("a", 3, "MESSAGE_CREATE"),  # on its way when the bot left
        event("a", 3, "MESSAGE_CREATE", replayed=True),
        event("a", 4, "MESSAGE_CREATE", replayed=True),  # withheld until then
        event("a", 5, "RESUMED"),
        event("b", 1, "READY"),
        event("b", 2, "MESSAGE_CREATE"),
    ]
    assert +_twice(events) == {"MESSAGE_CREATE": 1}
