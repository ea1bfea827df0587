"""`top`: the servers and channels with most messages, failures and tokens, by keyed hashes of their ids.

`server …` and `channel …` before a hash are what the bot's process puts names in place of, for its owner's eyes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from whisperwatch.watcher.answers.figures import page, shown
from whisperwatch.watcher.answers.numbers import number
from whisperwatch.watcher.answers.page import Line, Page, Section
from whisperwatch.watcher.insight.figures import Figure
from whisperwatch.watcher.insight.places import RANKS, Place, Places, ranked

_WHAT: Final = "Top servers and channels"
_TITLES: Final = {"messages": "load", "failed": "failures", "tokens": "LLM tokens"}


def top(report: Places) -> Page:
    """What was looked into, then each ranking."""
    if not report.guilds:
        return page(_WHAT, report.basis, ("No message or interaction is known of in this time.",))
    sections = tuple(
        Section(f"{what} by {title}", lines)
        for what, found in (("Servers", report.guilds), ("Channels", report.channels))
        for rank, title in _TITLES.items()
        if (lines := tuple(_LINES[rank](one, report) for one in ranked(found, RANKS[rank])))
    )
    return page(_WHAT, report.basis, tuple(_lines(report)), sections)


def _lines(report: Places) -> Iterator[Line]:
    looked = report.together
    if report.whole:
        yield f"{shown(looked.messages)} messages and interactions were looked into, all that there were."
    else:
        count = number(looked.messages.value or 0.0, "")
        yield f"{count} messages and interactions were looked into, spread over the time."
        yield f"The bot answered {shown(report.handled)} in all: shares and tokens are of those looked into."
    failed = f"{shown(looked.failed)}{'' if report.all_failed else ' or more'}"
    yield f"Something failed for {failed} of them; LLM tokens: {shown(looked.tokens)}."
    yield "Names are shown to the bot's owner alone: in direct messages, and by /watch."


def _load(one: Place, report: Places) -> str:
    messages = shown(one.messages, "message" if one.messages.value == 1 else "messages")
    share = _share(one.messages, report.together.messages)
    return f"{_named(one)}: {messages}, {share}, {shown(one.seconds_each)} each"


def _failed(one: Place, report: Places) -> str:
    return f"{_named(one)}: {shown(one.failed)}, {_share(one.failed, report.together.failed)}"


def _tokens(one: Place, report: Places) -> str:
    return f"{_named(one)}: {shown(one.tokens)}, {_share(one.tokens, report.together.tokens)}"


def _share(part: Figure, whole: Figure) -> str:
    return f"{number(part.over(whole).value or 0.0, '1')} of all"


_LINES: Final[dict[str, Callable[[Place, Places], str]]] = {
    "messages": _load,
    "failed": _failed,
    "tokens": _tokens,
}


def _named(one: Place) -> str:
    if not one.guild:
        return "direct messages"
    return f"channel {one.channel} of server {one.guild}" if one.channel else f"server {one.guild}"
