"""What each kind of security event is in the formats' own terms: one table, which every format looks up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class OcsfClass:
    """A class of OCSF (https://schema.ocsf.io) with its category."""

    uid: int
    name: str
    category_uid: int
    category_name: str


AUTHENTICATION: Final = OcsfClass(3002, "Authentication", 3, "Identity & Access Management")
API_ACTIVITY: Final = OcsfClass(6003, "API Activity", 6, "Application Activity")
OTHER: Final = 99
"""The activity of any class that none of its own fits; its name is then the kind's title."""
_UPDATE, _LOGON, _LOGOFF = 3, 1, 2


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind is told.

    Attributes:
        title: for people; the outcome follows it.
        category, type: ECS' `event.category` and `event.type`.
        ocsf, activity: the class of OCSF, and its `activity_id`.
    """

    title: str
    category: str
    type: str
    ocsf: OcsfClass = API_ACTIVITY
    activity: int = OTHER


_LOGIN: Final = Kind("Login", "authentication", "start", AUTHENTICATION, _LOGON)
_LOGOUT: Final = Kind("Logout", "authentication", "end", AUTHENTICATION, _LOGOFF)
_IDENTITY: Final = Kind("Authentication", "authentication", "info", AUTHENTICATION)
KINDS: Final = {
    "admin.command": Kind("Admin command", "api", "admin"),
    "admin.config": Kind("Change of a setting", "configuration", "change", activity=_UPDATE),
    "login": _LOGIN, "logon": _LOGIN, "signin": _LOGIN,
    "logout": _LOGOUT, "logoff": _LOGOUT, "signout": _LOGOUT,
    "auth": _IDENTITY, "authentication": _IDENTITY, "password": _IDENTITY, "token": _IDENTITY,
}  # fmt: skip
"""The monitor's own kinds, and what bots mostly call theirs; by their names in lower case."""
_ANY: Final = Kind("Security check", "api", "access")


def kind_of(name: str) -> Kind:
    """How a kind is told; a check of what somebody may do, where nothing is known of it."""
    return KINDS.get(name.lower(), _ANY)


@dataclass(frozen=True, slots=True)
class Grade:
    """How an outcome is told. CEF's severity is 0 to 10, OCSF's `severity_id` 1 to 6, syslog's 7 down to 0."""

    result: Literal["success", "failure", "unknown"]
    cef: int
    ocsf: int
    syslog: int


_GRADES: Final = {
    "allowed": Grade("success", 2, 1, 6),
    "failed": Grade("failure", 4, 2, 4),
    "denied": Grade("failure", 6, 3, 4),
}
_UNKNOWN: Final = Grade("unknown", 4, 2, 4)


def grade_of(outcome: str) -> Grade:
    """How an outcome is told."""
    return _GRADES.get(outcome, _UNKNOWN)
