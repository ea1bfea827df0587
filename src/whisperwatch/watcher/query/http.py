"""The way to a store over HTTP: one small client for all of them, whose every failure is a sentence."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from whisperwatch.version import __version__
from whisperwatch.watcher.query.engines import EngineError, RefusedError
from whisperwatch.watcher.settings.stores import StoreTarget

_CONNECTIONS: Final = 4
MOST_BYTES: Final = 16_000_000
"""Of one answer: half a million points, or ten thousand spans."""
_REFUSED: Final = (400, 413, 422)
_SAID: Final = 200
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
        self._proxy = _proxy_for(target.url)
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """The JSON of a GET.

        Raises:
            EngineError: there is none.
        """
        return await self._ask("GET", path, params=dict(parameters or {}))

    async def post(self, path: str, form: Mapping[str, str]) -> Any:
        """The JSON that a form is answered with: for questions that are too long for an address.

        Raises:
            EngineError: there is none.
        """
        return await self._ask("POST", path, data=dict(form))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, method: str, path: str, **what: Any) -> Any:
        kind = EngineError
        try:
            # a redirect would turn the POST into a GET, or carry the headers to another host
            async with self._client().request(
                method, self.target.url + path, allow_redirects=False, proxy=self._proxy, **what
            ) as response:
                body = await _read(response)
                return self._understood(response.status, response.content_type, body)
        except _TooMuchError:
            kind, why = (
                RefusedError,
                f"answers more than {MOST_BYTES // 10**6} MB: ask for less time or fewer groups",
            )
        except UnicodeEncodeError as error:
            kind, why = RefusedError, f"can't be asked: {_short(str(error))}"
        except TimeoutError:
            why = f"didn't answer within {self.target.timeout_s:g} s"
        except aiohttp.ClientConnectorCertificateError as error:
            why = f"has a certificate that isn't trusted: {_short(str(error.certificate_error))}"
        except aiohttp.ClientConnectorError as error:
            why = f"can't be reached: {_short(error.os_error.strerror or str(error.os_error))}"
        except aiohttp.ClientResponseError as error:  # its str() has the whole URL, and a password in it
            why = f"speaks no HTTP that can be read: {_short(error.message)}"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            why = f"can't be asked: {_short(str(error)) or type(error).__name__}"
        raise kind(f"{self.called} {self._clean(why)}") from None

    def _understood(self, status: int, kind: str, body: bytes) -> Any:
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

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls = _tls(self.target) if self.target.url.startswith("https:") else True
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=tls),
                timeout=aiohttp.ClientTimeout(total=self.target.timeout_s),
                headers={
                    "User-Agent": f"whisperwatch/{__version__}",
                    "Accept": "application/json",
                    **dict(self.target.headers),
                },
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


class _TooMuchError(Exception):
    pass


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MOST_BYTES:
            raise _TooMuchError
    return bytes(body)


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


def _tls(target: StoreTarget) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=target.ca_file)
    if target.client_certificate:
        context.load_cert_chain(target.client_certificate, target.client_key)
    return context


def _proxy_for(url: str) -> str | None:
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return getproxies().get(parts.scheme)
