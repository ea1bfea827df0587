"""What is said of an exception: its type and its frames, never its text, which may quote a user."""

from __future__ import annotations


def type_name(exception: BaseException) -> str:
    """As `exception.type` has it: qualified, `builtins` left out."""
    kind = type(exception)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def frames(exception: BaseException) -> str:
    lines = []
    tb = exception.__traceback__
    while tb is not None:
        code = tb.tb_frame.f_code
        lines.append(f'  File "{code.co_filename}", line {tb.tb_lineno}, in {code.co_qualname}')
        tb = tb.tb_next
    return "\n".join(["Traceback (most recent call last):", *lines, type_name(exception)])
