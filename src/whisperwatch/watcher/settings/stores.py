"""The settings of the stores that are asked instead of the embedded one."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Literal
from urllib.parse import urlsplit

from . import values
from .reading import Group, Problem, Reading, masked, setting

StoreName = Literal["prometheus", "loki", "tempo"]
NAMES: Final[tuple[StoreName, ...]] = ("prometheus", "loki", "tempo")
_FILE: Final = "the path of a PEM file"


def url(given: Any) -> str:
    """The address of a store's API."""
    text = str(given).strip().rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is no http or https URL")
    try:
        parts.port  # noqa: B018 - it says what is wrong with it
    except ValueError:
        raise ValueError("has a port that is none") from None
    if parts.query or parts.fragment:
        raise ValueError("has a query or a fragment, where an API has none")
    return text


@dataclass(frozen=True, kw_only=True)
class Line(Group):
    """How one store is asked; its name takes the place of `{signal}`."""

    title: ClassVar[str] = "Stores that are asked"
    signals: ClassVar[tuple[str, ...]] = tuple(name.upper() for name in NAMES)
    url: str | None = setting(
        "{signal}_URL",
        default=None,
        parse=url,
        help="The store that metrics (Prometheus, or what speaks its API: Mimir with `/prometheus`, Thanos, "
        "VictoriaMetrics), logs (Loki), traces (Tempo) are asked of.",
        right="an http or https URL",
        unset="the embedded store",
    )
    headers: tuple[tuple[str, str], ...] = setting(
        "{signal}_HEADERS",
        default=(),
        parse=values.headers,
        help="Headers of every request, such as `x-api-key=abc`.",
        right="name=value pairs with commas between, percent-encoded",
        secret=True,
        unset="none",
    )
    username: str | None = setting(
        "{signal}_USERNAME",
        default=None,
        parse=str,
        help="For basic authentication.",
        right="a name",
        unset="none",
    )
    password: str | None = setting(
        "{signal}_PASSWORD", default=None, parse=str, help="For basic authentication.", right="a password",
        secret=True, unset="none",
    )  # fmt: skip
    token: str | None = setting(
        "{signal}_BEARER_TOKEN", default=None, parse=values.secret, help="Sent as `Authorization: Bearer …`.",
        right="a token", secret=True, unset="none",
    )  # fmt: skip
    tenant: str | None = setting(
        "{signal}_TENANT",
        default=None,
        parse=str,
        help="The tenant (`X-Scope-OrgID`) of a Mimir, Loki or Tempo that has several.",
        right="a tenant's name",
        unset="none",
    )
    ca_file: str | None = setting(
        "{signal}_CA_FILE",
        default=None,
        parse=values.readable_file,
        help="The certificates that the store's is checked against.",
        right=_FILE,
        unset="those of the system",
    )
    client_certificate: str | None = setting(
        "{signal}_CLIENT_CERTIFICATE", default=None, parse=values.readable_file,
        help="Our certificate, for mutual TLS.", right=_FILE, unset="none",
    )  # fmt: skip
    client_key: str | None = setting(
        "{signal}_CLIENT_KEY", default=None, parse=values.readable_file,
        help="Our private key, for mutual TLS.", right=_FILE, unset="none",
    )  # fmt: skip
    timeout_s: float = setting(
        "{signal}_TIMEOUT",
        default=10.0,
        parse=values.seconds,
        help="How long an answer may take. Plain numbers are seconds.",
        right="a duration such as 10s",
    )


@dataclass(frozen=True, kw_only=True)
class Asking(Group):
    """What is asked for in them."""

    title: ClassVar[str] = "What is asked of them"
    match: str | None = setting(
        "PROMETHEUS_MATCH",
        default=None,
        parse=lambda given: _matcher(str(given)),
        help='The label matcher of this bot\'s series in Prometheus, such as `job="bots/companion"`: for series that '
        "are scraped, or whose job was renamed.",
        right='a label, =, and a text in double quotes: job="companion"',
        unset="`job` as OTLP makes it of `OTEL_SERVICE_NAME`; without that, all series",
    )
    grafana: str | None = setting(
        "GRAFANA_URL",
        default=None,
        parse=url,
        help="The Grafana that answers link to: the dashboards, traces and logs that `grafana/` has.",
        right="an http or https URL, as a browser opens it",
        unset="answers link to nothing",
        live=True,
        changeable=False,
    )


@dataclass(frozen=True, slots=True)
class StoreTarget:
    """One store, ready to be asked. `headers` hold the authentication."""

    name: StoreName
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    ca_file: str | None
    client_certificate: str | None
    client_key: str | None
    timeout_s: float

    @property
    def shown(self) -> str:
        """The URL without credentials."""
        return masked(self.url)


def store_target(reading: Reading, name: StoreName) -> StoreTarget | None:
    """The store of this name; None where none is set."""
    line = _paired(reading, name.upper(), reading.group(Line, name.upper()))
    if line.url is None:
        return None
    return StoreTarget(
        name, line.url, tuple(_headers(line).items()), line.ca_file, line.client_certificate, line.client_key,
        line.timeout_s,
    )  # fmt: skip


def _paired(reading: Reading, name: str, line: Line) -> Line:
    """Without what lacks its other half, or says the same twice."""

    def wrong(setting: str, wrong: str, right: str = "one of the two") -> None:
        reading.add(Problem(f"{name}_{setting}", "(not shown)", wrong, right))

    if bool(line.client_key) != bool(line.client_certificate):
        have, lack = ("KEY", "CERTIFICATE") if line.client_key else ("CERTIFICATE", "KEY")
        wrong(f"CLIENT_{have}", f"is set, but …_CLIENT_{lack} is not", "one of a pair")
        line = replace(line, client_key=None, client_certificate=None)
    if line.password and not line.username:
        wrong("PASSWORD", "is set, but …_USERNAME is not", "one of a pair")
    if line.token and line.username:
        wrong("BEARER_TOKEN", "and …_USERNAME are both set")
    if line.url and "@" in urlsplit(line.url).netloc and (line.token or line.username):
        wrong("URL", f"and …_{'BEARER_TOKEN' if line.token else 'USERNAME'} both say who asks")
        line = replace(line, token=None, username=None)
    return line


def _headers(line: Line) -> dict[str, str]:
    ours = _identity(line)
    said = {name.lower() for name in ours}
    return {**{name: value for name, value in line.headers if name.lower() not in said}, **ours}


def _identity(line: Line) -> dict[str, str]:
    headers = {}
    if line.token:
        headers["Authorization"] = f"Bearer {line.token}"
    elif line.username:
        pair = f"{line.username}:{line.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    if line.tenant:
        headers["X-Scope-OrgID"] = line.tenant
    return headers


def _matcher(text: str) -> str:
    if not re.fullmatch(r'[a-zA-Z_][a-zA-Z0-9_]*\s*(=|!=|=~|!~)\s*"(?:[^"\\]|\\.)*"', text.strip()):
        raise ValueError("is no label matcher")
    return text.strip()
