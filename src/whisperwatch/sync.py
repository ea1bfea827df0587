"""`whisperwatch sync`: publishes `/watch` in the admin guild, and nothing else of the bot's commands is touched."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from discord.http import Route

from whisperwatch.questions import slash_payload
from whisperwatch.version import __version__
from whisperwatch.watcher.settings import load

_TOKENS: Final = ("DISCORD_TOKEN", "DISCORD_BOT_TOKEN")
_AGENT: Final = f"DiscordBot (whisperwatch, {__version__})"
_TIMEOUT_S: Final = 20.0
_TRIES: Final = 4
_LONGEST_WAIT_S: Final = 60.0
_REASONS: Final = {
    401: "Discord refuses the token",
    403: "the bot may not: is it in that guild, invited with the scope applications.commands?",
    404: "Discord knows no such guild or application",
}


class SyncError(Exception):
    """It can't be published; the message says why, without the token."""


def main(argv: Sequence[str]) -> int:
    """Publish, or with `--remove` take back.

    Returns:
        the exit status: 0; 1 where Discord or another command of the name is in the way; 2 where a token or the guild
        is not named.
    """
    parser = argparse.ArgumentParser(prog="whisperwatch sync", description=__doc__)
    parser.add_argument("--token-file", type=Path, help=f"a file with the bot's token, else ${_TOKENS[0]}")
    parser.add_argument("--remove", action="store_true", help="take /watch away again")
    parsed = parser.parse_args(argv)
    try:
        token = _token(parsed.token_file)
    except OSError as error:
        parser.error(f"the token's file can't be read: {error.strerror}")
    guild = load().admin.guild_id
    if token and not re.fullmatch(r"[\w.-]+", token, re.ASCII):
        parser.error("the token has characters that no token has")
    if not token:
        parser.error(f"no token: set {_TOKENS[0]}, or name a file with --token-file")
    if guild is None:
        parser.error("no admin guild: set ADMIN_GUILD_ID to its id")
    try:
        print(_sync(_Api(token), guild, remove=parsed.remove))
    except SyncError as error:
        print(f"whisperwatch sync: {error}", file=sys.stderr)
        return 1
    return 0


def _token(file: Path | None) -> str:
    if file is not None:
        text = file.read_text(encoding="utf-8", errors="replace")
    else:
        text = next((os.environ[name] for name in _TOKENS if os.environ.get(name)), "")
    return text.strip().removeprefix("Bot ")


def _sync(api: _Api, guild: int, *, remove: bool) -> str:
    application = api.request("GET", "/oauth2/applications/@me")["id"]
    home = f"/applications/{application}/guilds/{guild}/commands"
    payload = slash_payload()
    same = [
        c for c in api.request("GET", home) if c["name"] == payload["name"] and c["type"] == payload["type"]
    ]
    if any(command["description"] != payload["description"] for command in same):
        raise SyncError(f"the bot has a /{payload['name']} of its own in that guild: it is left alone")
    if not remove:
        api.request("POST", home, payload)
        return f"/{payload['name']} is published in the admin guild. A client shows it after a restart at the latest."
    for command in same:
        api.request("DELETE", f"{home}/{command['id']}")
    return f"/{payload['name']} is {'removed' if same else 'not there'}."


class _Api:
    """Discord's REST API, for a few requests."""

    def __init__(self, token: str) -> None:
        self._headers = {
            "Authorization": f"Bot {token}",
            "User-Agent": _AGENT,
            "Content-Type": "application/json",
        }

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """What is answered; waits as it is told to. Raises SyncError."""
        for _ in range(_TRIES):
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(Route.BASE + path, data, self._headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
                    content = response.read()
                    return json.loads(content) if content else None
            except urllib.error.HTTPError as error:
                with error:
                    if error.code != 429:
                        raise SyncError(_REASONS.get(error.code, f"Discord answers {error.code}")) from None
                    wait_s = _retry_after(error)
            except (OSError, ValueError) as error:
                reason = getattr(error, "reason", None) or type(error).__name__
                raise SyncError(f"Discord can't be reached: {reason}") from None
            time.sleep(wait_s)
        raise SyncError("Discord says that there are too many requests: try again later")


def _retry_after(error: urllib.error.HTTPError) -> float:
    try:
        return min(float(error.headers.get("Retry-After") or 1.0), _LONGEST_WAIT_S)
    except ValueError:
        return 1.0
