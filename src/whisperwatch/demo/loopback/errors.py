"""Discord's REST errors: a status, a code of Discord's own and a message."""

from __future__ import annotations

from whisperwatch.demo.loopback.wire import JSON


class ApiError(Exception):
    """Answers a REST request with an error in Discord's format."""

    def __init__(self, status: int, code: int, message: str, errors: JSON | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: JSON = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors


def not_found() -> ApiError:
    """No such route."""
    return ApiError(404, 0, "404: Not Found")


def unauthorized() -> ApiError:
    return ApiError(401, 0, "401: Unauthorized")


_UNKNOWN = {
    "Channel": 10003, "Guild": 10004, "Member": 10007, "Message": 10008, "Role": 10011, "User": 10013,
    "Webhook": 10015, "Interaction": 10062, "application command": 10063,
}  # fmt: skip


def unknown(what: str) -> ApiError:
    """404 for a thing that isn't there, by the name that Discord gives it (`Channel`, `Message`, …)."""
    return ApiError(404, _UNKNOWN[what], f"Unknown {what}")


def invalid_form(field: str, code: str, message: str) -> ApiError:
    """400 for a body's field that won't do."""
    problem = {field: {"_errors": [{"code": code, "message": message}]}}
    return ApiError(400, 50035, "Invalid Form Body", problem)


def already_answered() -> ApiError:
    return ApiError(400, 40060, "Interaction has already been acknowledged.")


def missing_permissions() -> ApiError:
    return ApiError(403, 50013, "Missing Permissions")
