"""What the redactor says of itself."""

from __future__ import annotations

from whisperwatch.semconv.model import Attribute, Metric

SECRET_KIND = "whisperwatch.secret.kind"

SECRET_KINDS = (
    "api_key", "authorization", "card", "cookie", "credentials", "discord_token", "discord_webhook", "email",
    "interaction_token", "jwt", "pattern", "private_key", "secret", "slack_webhook",
)  # fmt: skip

SELF_REDACTED = Metric(
    "whisperwatch.redacted", "counter", "{value}", "Secrets that were taken out of what leaves.",
    (SECRET_KIND,), (), "watcher",
)  # fmt: skip
SELF_REDACTION_FAILURES = Metric(
    "whisperwatch.redaction.failures", "counter", "{value}",
    "Values that were dropped because they could not be looked at for secrets.", (), (), "watcher",
)  # fmt: skip

PRIVACY_ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(SECRET_KIND, "What was taken out, as it stands in its place.", SECRET_KINDS),
)
