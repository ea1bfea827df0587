"""The settings of security events by syslog: where they go, how, and in which format."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Literal

from . import values
from .reading import Group, Problem, Reading, setting

FACILITIES: Final = {
    "kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8, "cron": 9,
    "authpriv": 10, "ftp": 11, **{f"local{number}": 16 + number for number in range(8)},
}  # fmt: skip
"""By their names, the numbers of RFC 5424."""
_PORTS: Final = {"tls": 6514, "tcp": 514}
_FILE: Final = "the path of a PEM file"


def _host(given: Any) -> str:
    text = str(given).strip().strip("[]")
    if not re.fullmatch(r"[A-Za-z0-9_.:-]+", text) or (":" in text and text.count(":") < 2):
        raise ValueError("is no host name or address")
    return text


def _tag(given: Any) -> str:
    text = str(given).strip()
    if not re.fullmatch(r"[!-~]{1,48}", text):  # RFC 5424: APP-NAME
        raise ValueError("is no tag")
    return text


@dataclass(frozen=True, kw_only=True)
class Siem(Group):
    """Where security events go by syslog."""

    title: ClassVar[str] = "Security events to a SIEM"
    host: str | None = setting(
        "SIEM_SYSLOG_HOST",
        default=None,
        parse=_host,
        help="The syslog receiver that gets the security events, besides wherever the logs go.",
        right="a host name or an address; the port is SIEM_SYSLOG_PORT",
        unset="none: they are sent to nobody",
    )
    given_port: int | None = setting(
        "SIEM_SYSLOG_PORT",
        default=None,
        parse=values.whole(1, 65535),
        help="Its port.",
        right="a port from 1 to 65535",
        unset="6514 with `tls`, 514 with `tcp`",
    )
    transport: Literal["tls", "tcp"] = setting(
        "SIEM_SYSLOG_TRANSPORT",
        default="tls",
        parse=values.one_of(
            "tls", "tcp", refused={"udp": "is refused, for what is lost on the way nobody knows"}
        ),
        help="`tls` (RFC 5425; the receiver's certificate is checked) or `tcp`, which anybody on the way can read. "
        "Either way messages are framed by their length.",
        right="tls or tcp",
    )
    ca_file: str | None = setting(
        "SIEM_SYSLOG_CA_FILE",
        default=None,
        parse=values.readable_file,
        help="The certificates that the receiver's is checked against.",
        right=_FILE,
        unset="those of the system",
    )
    client_certificate: str | None = setting(
        "SIEM_SYSLOG_CLIENT_CERTIFICATE",
        default=None,
        parse=values.readable_file,
        help="Our certificate, for a receiver that asks for one.",
        right=_FILE,
        unset="none",
    )
    client_key: str | None = setting(
        "SIEM_SYSLOG_CLIENT_KEY",
        default=None,
        parse=values.readable_file,
        help="Our private key.",
        right=_FILE,
        unset="in the file of the certificate",
    )
    facility: str = setting(
        "SIEM_SYSLOG_FACILITY",
        default="local0",
        parse=values.one_of(*FACILITIES),
        help="The facility.",
        right="local0 to local7, auth, authpriv, daemon, user or another of syslog's",
    )
    tag: str = setting(
        "SIEM_SYSLOG_TAG",
        default="whisperengine",
        parse=_tag,
        help="The tag (APP-NAME), by which receivers sort.",
        right="1 to 48 ASCII characters without spaces",
    )
    format: Literal["cef", "ecs", "ocsf"] = setting(
        "SIEM_SYSLOG_FORMAT",
        default="cef",
        parse=values.one_of("cef", "ecs", "ocsf"),
        help="What a message holds: `cef` (ArcSight), or JSON: `ecs` (Elastic) or `ocsf`.",
        right="cef, ecs or ocsf",
    )

    @property
    def port(self) -> int:
        """The receiver's port."""
        return self.given_port or _PORTS[self.transport]

    @property
    def shown(self) -> str:
        """Where they go, for people."""
        host = f"[{self.host}]" if self.host and ":" in self.host else self.host
        return f"{host}:{self.port}"


def siem(reading: Reading) -> Siem:
    """The group; of a key without a certificate nothing is used."""
    found = reading.group(Siem)
    if found.client_key and not found.client_certificate:
        wrong = "is set, but SIEM_SYSLOG_CLIENT_CERTIFICATE is not"
        reading.add(Problem("SIEM_SYSLOG_CLIENT_KEY", found.client_key, wrong, "one of a pair"))
        return replace(found, client_key=None)
    return found
