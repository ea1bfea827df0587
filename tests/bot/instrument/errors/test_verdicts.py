"""The verdicts, over the libraries' real exception types."""

from __future__ import annotations

import asyncio
import errno
import importlib
import socket
from types import SimpleNamespace

import aiohttp
import asyncpg
import chromadb.errors
import discord
import httpx
import openai
import pytest
import redis.exceptions
from discord import AppCommandOptionType as OptionType
from discord import app_commands
from discord.ext import commands

from whisperwatch import semconv
from whisperwatch.bot.instrument.errors.rules import NO_ERROR, RULES, Verdict
from whisperwatch.bot.instrument.errors.verdicts import verdict_of
from whisperwatch.bot.instrument.outcomes import outcome_of

MODULES = {
    "openai": ["openai"],
    "asyncpg": ["asyncpg"],
    "redis": ["redis.exceptions"],
    "chromadb": ["chromadb.errors"],
    "discord": ["discord", "discord.ext.commands", "discord.app_commands"],
    "aiohttp": ["aiohttp"],
    "httpx": ["httpx"],
    "httpx2": ["httpx2"],
    "sqlite3": ["sqlite3"],
    "builtins": ["builtins"],
    "socket": ["socket"],
    "ssl": ["ssl"],
}
"""Where each package shows its exceptions. Of the rest none is installed here."""
REQUEST = httpx.Request("POST", "http://llm.test/v1/chat/completions")


@pytest.mark.parametrize("name", [name for name in RULES if name.partition(".")[0] in MODULES])
def test_every_rule_names_a_type_that_is_there(name):
    package, _, kind = name.partition(".")
    found = [vars(importlib.import_module(module)).get(kind) for module in MODULES[package]]
    assert any(isinstance(one, type) and issubclass(one, BaseException) for one in found)


@pytest.mark.parametrize("verdict", sorted({*RULES.values()}, key=str), ids=str)
def test_verdicts_are_of_the_closed_sets(verdict):
    assert verdict.category in semconv.CATEGORIES
    assert verdict.severity in semconv.SEVERITIES
    assert verdict.component in semconv.COMPONENTS


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def fresh() -> Exception:
    return openai.APITimeoutError(REQUEST)


class Words(app_commands.Transformer):
    """Turns a text into words."""


def http_error(status: int) -> discord.HTTPException:
    kind = {403: discord.Forbidden, 404: discord.NotFound}.get(status, discord.HTTPException)
    return kind(SimpleNamespace(status=status, reason="no"), "no")


def status_error(kind: type, status: int) -> Exception:
    return kind("no", response=httpx.Response(status, request=REQUEST), body=None)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (openai.APITimeoutError(REQUEST), ("ai", "high", "llm")),
        (status_error(openai.RateLimitError, 429), ("ai", "medium", "llm")),
        (status_error(openai.AuthenticationError, 401), ("ai", "critical", "llm")),
        (asyncpg.TooManyConnectionsError("full"), ("system", "high", "database")),
        (asyncpg.InvalidPasswordError("no"), ("system", "critical", "database")),
        (asyncpg.UniqueViolationError("twice"), ("system", "low", "database")),
        (redis.exceptions.ConnectionError("gone"), ("system", "high", "cache")),
        (redis.exceptions.TimeoutError("slow"), ("system", "medium", "cache")),
        (chromadb.errors.InternalError("broken"), ("system", "high", "memory")),
        (http_error(429), ("system", "medium", "discord")),
        (http_error(500), ("network", "medium", "discord")),
        (http_error(403), ("system", "low", "discord")),
        (discord.LoginFailure("bad token"), ("system", "critical", "discord")),
        (commands.BadArgument("no"), ("user", "low", "discord")),
        (commands.MissingPermissions(["ban"]), ("user", "low", "discord")),
        (commands.BotMissingPermissions(["ban"]), ("system", "low", "discord")),
        (app_commands.CheckFailure("no"), ("user", "low", "discord")),
        (aiohttp.ServerDisconnectedError(), ("network", "high", "network")),
        (httpx.ReadTimeout("slow"), ("network", "medium", "network")),
        (socket.gaierror(-2, "Name or service not known"), ("network", "high", "network")),
        (TimeoutError(), ("network", "medium", "network")),
        (FileNotFoundError(errno.ENOENT, "no file"), ("system", "medium", "system")),
        (OSError(errno.ENOSPC, "No space left on device"), ("system", "critical", "system")),
        (MemoryError(), ("system", "critical", "system")),
        (KeyError("a bug"), ("system", "high", "bot")),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "-".join(value),
)
def test_of_the_real_types(error, expected):
    found = verdict_of(error)
    assert (found.category, found.severity, found.component) == expected


def test_the_dependency_that_failed_comes_before_the_wire():
    wire = httpx.ConnectTimeout("slow")
    assert verdict_of(raised(openai.APITimeoutError(REQUEST), wire)).category == "ai"
    assert verdict_of(raised(RuntimeError("no answer"), raised(openai.APITimeoutError(REQUEST), wire))) == (
        Verdict("ai", "high", "llm")
    )
    assert verdict_of(raised(RuntimeError("no answer"), wire)).category == "network"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (commands.ConversionError(commands.IDConverter, ConnectionRefusedError()), ("network", "high", "network")),
        (raised(commands.CheckFailure(), asyncpg.PostgresConnectionError()), ("system", "high", "database")),
        (raised(app_commands.TransformerError("", OptionType.string, Words()), fresh()), ("ai", "high", "llm")),
        (commands.ConversionError(commands.IDConverter, ValueError()), ("user", "low", "discord")),
        (raised(commands.BadArgument(), asyncpg.UniqueViolationError()), ("user", "low", "discord")),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_dependency_that_failed_comes_before_the_user(error, expected):
    found = verdict_of(error)
    assert (found.category, found.severity, found.component) == expected


def of_flag(error):
    return commands.BadFlagArgument(commands.flag(name="mood"), "x", error)


def of_union(*errors):
    return commands.BadUnionArgument(
        commands.Parameter("x", commands.Parameter.POSITIONAL_ONLY), (int,), list(errors)
    )


def converting(error):
    return raised(commands.ConversionError(commands.IDConverter, error), error)


def transforming(error):
    return raised(app_commands.TransformerError("", OptionType.string, Words()), error)


def missing():
    return discord.NotFound(SimpleNamespace(status=404, reason="Not Found"), "Unknown User")


BUG = ("system", "high", "bot")
DATABASE = ("system", "high", "database")
USER = ("user", "low", "discord")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (converting(KeyError("mood")), BUG),
        (converting(RuntimeError("no moods")), BUG),
        (converting(ValueError("no mood")), USER),
        (transforming(AttributeError("mood")), BUG),
        (transforming(ValueError("no mood")), USER),
        (transforming(commands.BadArgument()), USER),
        (app_commands.TransformerError("", OptionType.string, Words()), USER),
        (commands.HybridCommandError(transforming(TypeError())), BUG),
        # a function as a converter: discord.py makes it a bad argument, whatever it raised
        (raised(commands.BadArgument(), KeyError("mood")), USER),
        (of_flag(commands.BadArgument()), USER),
        (of_flag(converting(KeyError("mood"))), BUG),
        (of_flag(converting(asyncpg.PostgresConnectionError())), DATABASE),
        (of_union(), USER),
        (of_union(converting(KeyError("mood")), commands.BadArgument()), USER),
        (of_union(converting(KeyError("mood")), converting(TypeError())), BUG),
        (of_union(commands.BadArgument(), converting(asyncpg.PostgresConnectionError())), DATABASE),
        (commands.CheckAnyFailure([], [commands.CheckFailure(), commands.MissingRole(1)]), USER),
        (commands.CheckAnyFailure([], [raised(commands.CheckFailure(), fresh())]), ("ai", "high", "llm")),
        # a server said no to what they gave
        (raised(RuntimeError("nobody"), missing()), ("system", "low", "discord")),
        (converting(missing()), USER),
        (converting(raised(RuntimeError("nobody"), missing())), USER),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_input_that_could_not_be_read_is_the_users_unless_the_bots_code_broke(error, expected):
    found = verdict_of(error)
    assert (found.category, found.severity, found.component) == expected
    assert outcome_of(error) == ("user_error" if expected == USER else "failure")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (raised(commands.CheckFailure(), asyncpg.PostgresConnectionError()), "failure"),
        (raised(commands.CheckFailure(), KeyError("no such role")), "user_error"),
        (commands.BotMissingPermissions(["ban_members"]), "user_error"),
        (app_commands.BotMissingPermissions(["ban_members"]), "user_error"),
        (commands.CommandInvokeError(commands.BotMissingRole(1)), "user_error"),
        (commands.CommandOnCooldown(commands.Cooldown(1, 1), 1, commands.BucketType.user), "rate_limited"),
        (commands.CommandNotFound(), "user_error"),
        (app_commands.CommandNotFound("x", []), "failure"),
        (asyncio.CancelledError(), "cancelled"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_how_a_command_ended_agrees_with_whose_error_it_is(error, outcome):
    assert outcome_of(error) == outcome


def test_what_was_handled_meanwhile_says_nothing():
    error = KeyError("mood")
    error.__context__ = commands.CommandOnCooldown(commands.Cooldown(1, 1), 1, commands.BucketType.user)
    assert verdict_of(error) == Verdict("system", "high", "bot")


def test_what_the_bot_raises_because_a_dependency_failed_is_the_dependencys():
    error = RuntimeError("no answer")
    error.__context__ = fresh()
    assert verdict_of(error) == Verdict("ai", "high", "llm")
    error.__suppress_context__ = True  # `from None`
    assert verdict_of(error) == Verdict("system", "high", "bot")
    bug = KeyError("mood")
    bug.__context__ = fresh()
    assert verdict_of(bug) == Verdict("system", "high", "bot")


def test_in_a_group_the_dependency_decides():
    group = ExceptionGroup("tasks", [KeyError("a bug"), ExceptionGroup("inner", [fresh()])])
    assert verdict_of(group) == Verdict("ai", "high", "llm")


def test_what_discord_py_wraps_decides():
    assert verdict_of(commands.CommandInvokeError(KeyError("a bug"))).component == "bot"
    assert (
        verdict_of(commands.CommandInvokeError(asyncpg.DeadlockDetectedError("no"))).component == "database"
    )


def test_a_bug_that_the_bot_caught_is_less_bad():
    assert verdict_of(KeyError("a bug"), swallowed=True).severity == "medium"


def test_a_mistyped_command_is_no_error():
    assert verdict_of(commands.CommandNotFound("no")) is NO_ERROR


def test_the_callers_component_wins():
    assert verdict_of(ValueError("Could not connect to a Chroma server"), "memory") == Verdict(
        "system", "high", "memory"
    )
    assert verdict_of(TimeoutError(), "llm") == Verdict("ai", "medium", "llm")


def test_a_circle_of_causes_ends():
    one, other = KeyError("a"), KeyError("b")
    one.__cause__, other.__cause__ = other, one
    assert verdict_of(one).component == "bot"
