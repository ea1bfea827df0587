"""The way to a store over HTTP: one small client for all of them, whose every failure is a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from whisperwatch.watcher.certificates import tls_context
from whisperwatch.watcher.http_client import (
    Answer,
    HttpClient,
    HttpError,
    NoHttpError,
    UnreachableError,
    UntrustedError,
)
from whisperwatch.watcher.query.engines import EngineError, RefusedError
from whisperwatch.watcher.settings.stores import StoreTarget

_CONNECTIONS: Final = 4
MOST_BYTES: Final = 16_000_000
"""Of one answer: half a million points, or ten thousand spans."""
_REFUSED: Final = (400, 413, 422)
_SAID: Final = 200
_FORM: Final = (("Content-Type", "application/x-www-form-urlencoded"),)
_LEAST_SECRET: Final = 6
_WHY: Final = {
    400: "it doesn't understand the question",
    401: "it wants to know who asks: set {name}_USERNAME and {name}_PASSWORD, or {name}_BEARER_TOKEN",
    403: "it refuses who asks: see {name}_USERNAME, {name}_BEARER_TOKEN and {name}_TENANT",
    404: "there is no such API there: see {name}_URL (Mimir's ends with /prometheus)",
    429: "it is asked too much, or the answer is over its limits",
}
_ELSEWHERE: Final = "it leads elsewhere, to a login perhaps, and is not followed: see {name}_URL"


class StoreClient:
    """Asks one store, over few connections that are kept; through the proxy that the environment names.

    Attributes:
        target: the store.
        called: its name and address, for sentences.
    """

    def __init__(self, target: StoreTarget) -> None:
        self.target = target
        self.called = f"{target.name.capitalize()} ({target.shown})"
        self._client: HttpClient | None = None

    async def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """The JSON of a GET.

        Raises:
            EngineError: there is none.
        """
        return await self._ask("GET", path, parameters or {})

    async def post(self, path: str, form: Mapping[str, str]) -> Any:
        """The JSON that a form is answered with: for questions that are too long for an address.

        Raises:
            EngineError: there is none.
        """
        return await self._ask("POST", path, form)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    async def _ask(self, method: str, path: str, parameters: Mapping[str, str]) -> Any:
        kind = EngineError
        try:
            answer = await self._answer(method, path, urlencode(parameters))
            if len(answer.body) <= MOST_BYTES:
                return self._understood(answer)
            kind, why = (
                RefusedError,
                f"answers more than {MOST_BYTES // 10**6} MB: ask for less time or fewer groups",
            )
        except UnicodeEncodeError as error:
            kind, why = RefusedError, f"can't be asked: {_short(str(error))}"
        except TimeoutError:
            why = f"didn't answer within {self.target.timeout_s:g} s"
        except UntrustedError as error:
            why = f"has a certificate that isn't trusted: {_short(str(error))}"
        except UnreachableError as error:
            why = f"can't be reached: {_short(str(error))}"
        except NoHttpError as error:
            why = f"speaks no HTTP that can be read: {_short(str(error))}"
        except (HttpError, OSError) as error:
            why = f"can't be asked: {_short(str(error))}"
        raise kind(f"{self.called} {self._clean(why)}") from None

    async def _answer(self, method: str, path: str, asked: str) -> Answer:
        client = self._opened()
        if method == "GET":
            answer = await client.ask(method, f"{path}?{asked}" if asked else path, most=MOST_BYTES)
        else:
            answer = await client.ask(method, path, asked.encode(), _FORM, most=MOST_BYTES)
        if answer.lost is not None:
            raise answer.lost
        return answer

    def _understood(self, answer: Answer) -> Any:
        status, kind, body = answer.status, answer.content_type, answer.body
        if status >= 300:
            why = (_WHY.get(status, "") if status >= 400 else _ELSEWHERE).format(
                name=self.target.name.upper()
            )
            told = self._clean(_short(_message(body) if "html" not in kind else ""))
            said = "".join(f": {part}" for part in (why, told) if part)
            error = RefusedError if status in _REFUSED else EngineError
            raise error(f"{self.called} answered {status}{said}")
        try:
            return json.loads(body)
        except ValueError:
            raise EngineError(
                f"{self.called} answered with {kind or 'something'} that is no JSON: "
                f"is it a {self.target.name.capitalize()}?"
            ) from None

    def _clean(self, text: str) -> str:
        """Without what we say to the store: some repeat it."""
        for _, value in self.target.headers:
            for secret in (value, value.rpartition(" ")[2]):
                text = text.replace(secret, "***") if len(secret) >= _LEAST_SECRET else text
        return text

    def _opened(self) -> HttpClient:
        if self._client is None:
            target, tls = self.target, None
            if target.url.startswith("https:"):
                tls = tls_context(target.ca_file, target.client_certificate, target.client_key)
            headers = [("Accept", "application/json"), *target.headers]
            self._client = HttpClient(target.url, headers, tls, _CONNECTIONS, target.timeout_s)
        return self._client


def _message(body: bytes) -> str:
    """What the store says of its own failure."""
    text = body.decode("utf-8", "replace")
    try:
        told = json.loads(text)
    except ValueError:
        return text
    if isinstance(told, dict):
        return str(told.get("error") or told.get("message") or "")
    return ""


def _short(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:_SAID]
