"""The fixtures of `tests/bot/instrument`: real bots on a loopback Discord."""

from tests.bot.instrument.conftest import *  # noqa: F403
