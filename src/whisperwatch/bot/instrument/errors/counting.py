"""Counting errors: each exception once, however many layers see it, and on the trace of the message it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from whisperwatch import semconv
from whisperwatch.bot import guard
from whisperwatch.bot.instrument.bots import name_of_bot
from whisperwatch.bot.instrument.errors.rules import NO_ERROR, Verdict
from whisperwatch.bot.instrument.errors.trouble import Failed, Mark, Trouble
from whisperwatch.bot.instrument.errors.verdicts import chain, verdict_of
from whisperwatch.bot.instrument.measures import counting
from whisperwatch.bot.instrument.outcomes import original_of
from whisperwatch.bot.recording.exceptions import Reduced, reduced, text_of, type_name
from whisperwatch.bot.recording.recorder import recorder
from whisperwatch.bot.recording.roots import Root, live_root

_MARK = "_whisperwatch"
_MOST_IN_GROUP = 30
_LONGEST_TEXT = 1_000

unlogged: list[Callable[[Verdict, str, Root | None, Reduced | None], None]] = []
"""Told of each error that was counted and that no log record tells of: so it reaches the stores too."""


def note(
    error: BaseException,
    *,
    component: str | None = None,
    root: Root | None = None,
    bot_name: str | None = None,
    swallowed: bool = False,
    logged: bool = False,
) -> Verdict | None:
    """Count an exception, unless it, or what it wraps, was counted before; says what it is when it counts.

    `root` defaults to the current one, which is marked. `swallowed`: the bot caught it. `logged`: a log
    record tells of it.
    """
    if not isinstance(error, Exception) or known(error):
        return None
    root = root or live_root()
    verdict = verdict_of(error, component or _timed_out(error, root), swallowed=swallowed)
    _mark_counted(error)
    if verdict is NO_ERROR:
        return None
    words = () if root is None or verdict.category == "user" else _words_of(error)
    count(verdict, type_name(original_of(error)), root, bot_name, words)
    if not logged and unlogged:
        _tell(verdict, error, root)
    return verdict


def _tell(verdict: Verdict, error: BaseException, root: Root | None) -> None:
    exception = reduced(error, recorder.mask)
    for hear in unlogged:
        hear(verdict, type_name(original_of(error)), root, exception)


def _count_held(verdict: Verdict, kind: str, root: Root, exception: Reduced | None) -> None:
    """A call that failed under a root which ends now, and that nobody has told of."""
    count(verdict, kind, root)
    for hear in unlogged:
        hear(verdict, kind, root, exception)


def count(
    verdict: Verdict,
    kind: str,
    root: Root | None,
    bot_name: str | None = None,
    words: Sequence[str] = (),
) -> None:
    """Count an error of this verdict, and mark its root.

    `kind` is for `error.type`; a log record under the same root that has one of the `words` tells of it again.
    """
    attributes = {
        semconv.BOT_NAME: bot_name or name_of_bot(root),
        semconv.ERROR_CATEGORY: verdict.category,
        semconv.ERROR_SEVERITY: verdict.severity,
        semconv.COMPONENT: verdict.component,
    }
    counting(semconv.ERRORS, attributes).add(1)
    if root is not None and not root.end_ns and verdict.category != "user":
        trouble_of(root).happened(root, kind, words)


def known(error: BaseException, depth: int = 3) -> bool:
    """Whether it, or what it was made of, has been counted; of a group, all that is in it."""
    for current in chain(error, into_groups=False):
        mark = _mark_of(current)
        if mark is not None and mark.counted:
            return True
        members = current.exceptions[:_MOST_IN_GROUP] if isinstance(current, BaseExceptionGroup) else ()
        if members and depth and all(known(one, depth - 1) for one in members):
            return True
    return False


def trouble_of(root: Root) -> Trouble:
    """What went wrong under a root so far."""
    trouble = root.trouble
    if trouble is None:
        trouble = root.trouble = Trouble(_count_held)
    assert isinstance(trouble, Trouble)
    return trouble


def call_ended(root: Any, component: str | None, call: Any, error: BaseException | None) -> None:
    """A library's call has ended; `call` says what a retry would call again.

    One that failed counts as an error when its root ends and no later one has succeeded: the bot may try again. One
    outside of any root counts at once. Never raises.
    """
    try:
        if error is None:
            if root is not None and root.trouble is not None:
                root.trouble.succeeded(call)
        else:
            _call_failed(root, component, call, error)
    except Exception:
        guard.failed("call error")


def _call_failed(root: Root | None, component: str | None, call: Any, error: BaseException) -> None:
    if not isinstance(error, Exception):  # a cancellation: perhaps of a timeout that the bot set
        if root is not None and not root.end_ns:
            trouble_of(root).interrupted = component
        return
    verdict = verdict_of(error, component, swallowed=True)
    if root is None or root.end_ns:
        if not verdict.expected:
            note(error, component=component, root=root, swallowed=True)
        return
    if not verdict.expected and not known(error):
        mark = _marked(error)
        if mark is None:
            note(error, component=component, root=root, swallowed=True)
        else:
            exception = reduced(error, recorder.mask) if unlogged else None
            trouble_of(root).failed(call, Failed(verdict, type_name(error), mark, exception))


def _timed_out(error: BaseException, root: Root | None) -> str | None:
    """The component whose call was cancelled, where a timeout of the bot's own followed."""
    if root is None or root.trouble is None:
        return None
    return trouble_of(root).interrupted if isinstance(original_of(error), TimeoutError) else None


def _mark_of(error: BaseException) -> Mark | None:
    found: Mark | None = getattr(error, _MARK, None)
    return found


def _marked(error: BaseException) -> Mark | None:
    """The exception's mark, made where it has none; None where it can't have one."""
    mark = _mark_of(error)
    if mark is None:
        mark = Mark()
        try:
            setattr(error, _MARK, mark)
        except (AttributeError, TypeError):  # it has slots, or doesn't allow it
            return None
    return mark


def _mark_counted(error: BaseException) -> None:
    for current in chain(error):
        mark = _marked(current)
        if mark is not None:
            mark.counted = True


def _words_of(error: BaseException) -> list[str]:
    """What a log record that tells of this exception has in it: a text or type of what it was made of."""
    words = [text_of(one, _LONGEST_TEXT) for one in chain(error)]
    return words + [type(one).__name__ for one in chain(error) if type(one) is not Exception]
