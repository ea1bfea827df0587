"""What is recorded of discord.py: the gateway, events, commands, REST, background tasks."""

from __future__ import annotations

from whisperwatch.semconv.attributes import (
    BOT_NAME,
    CHANNEL_ID,
    CLOSE_CODE,
    COMMAND,
    COMMAND_KIND,
    ERROR_TYPE,
    EVENT,
    GUILD_ID,
    LISTENER,
    MESSAGE_ID,
    METHOD,
    OUTCOME,
    RATELIMIT_SCOPE,
    RATELIMIT_WAIT,
    RESEND_COUNT,
    RETRY_REASON,
    ROUTE,
    SERVER_ADDRESS,
    SHARD,
    STATUS_CODE,
    TASK,
    USER_ID,
)
from whisperwatch.semconv.model import SECONDS, Metric, SpanName

# the gateway
GATEWAY_EVENTS = Metric(
    "discord.gateway.events", "counter", "{event}",
    "Events that Discord sent over the gateway.", (BOT_NAME, SHARD, EVENT),
)  # fmt: skip
GATEWAY_LATENCY = Metric(
    "discord.gateway.heartbeat.latency", "gauge", "s",
    "Time from the last heartbeat to Discord's answer.", (BOT_NAME, SHARD),
)  # fmt: skip
GATEWAY_LAST_EVENT = Metric(
    "discord.gateway.last_event.age", "gauge", "s",
    "Time since Discord last sent an event: a connected but deaf gateway shows here.", (BOT_NAME, SHARD),
)  # fmt: skip
GATEWAY_CONNECTS = Metric(
    "discord.gateway.connects", "counter", "{connection}",
    "New gateway sessions (READY).", (BOT_NAME, SHARD),
)  # fmt: skip
GATEWAY_RESUMES = Metric(
    "discord.gateway.resumes", "counter", "{connection}",
    "Gateway sessions taken up again (RESUMED).", (BOT_NAME, SHARD),
)  # fmt: skip
GATEWAY_DISCONNECTS = Metric(
    "discord.gateway.disconnects", "counter", "{connection}",
    "Gateway connections lost.", (BOT_NAME, SHARD, CLOSE_CODE),
)  # fmt: skip
SHARD_UP = Metric(
    "discord.shard.up", "gauge", "{shard}",
    "1 while the shard is connected and READY, else 0.", (BOT_NAME, SHARD),
)  # fmt: skip
SHARD_GUILDS = Metric(
    "discord.shard.guilds", "gauge", "{guild}",
    "Guilds of the shard; Discord's limit is 2500.", (BOT_NAME, SHARD),
)  # fmt: skip

# Discord's own budgets
IDENTIFY_REMAINING = Metric(
    "discord.gateway.identify.remaining", "gauge", "{identify}",
    "IDENTIFYs left until Discord's daily limit resets (session_start_limit).", (BOT_NAME,),
)  # fmt: skip
IDENTIFY_LIMIT = Metric(
    "discord.gateway.identify.limit", "gauge", "{identify}",
    "IDENTIFYs that Discord allows a day (session_start_limit).", (BOT_NAME,),
)  # fmt: skip
INVALID_REQUESTS = Metric(
    "discord.http.invalid_requests", "gauge", "{request}",
    "Invalid requests (401, 403, 429 that are not shared) in the last ten minutes; at 10000 Discord bans the address.",
    (BOT_NAME,),
)  # fmt: skip

# messages and events
EVENT_DURATION = Metric(
    "discord.event.duration", "histogram", "s",
    "Time from the receipt of an event to the end of the last task that it started.", (BOT_NAME, EVENT), SECONDS,
)  # fmt: skip
EVENT_ERRORS = Metric(
    "discord.event.errors", "counter", "{error}",
    "Exceptions that left a listener, a view, a modal or a background task.", (BOT_NAME, EVENT, ERROR_TYPE),
)  # fmt: skip
RESPONSE_TIME = Metric(
    "discord.message.response.duration", "histogram", "s",
    "Time from the receipt of a message or interaction to the first visible reply; typing does not count.",
    (BOT_NAME, EVENT), SECONDS,
)  # fmt: skip
MESSAGES_HANDLED = Metric(
    "discord.messages.handled", "counter", "{message}",
    "Messages and interactions that ran a command or got a reply.", (BOT_NAME, EVENT),
)  # fmt: skip

# commands
COMMAND_DURATION = Metric(
    "discord.command.duration", "histogram", "s",
    "Duration of a command, checks and converters included.",
    (BOT_NAME, COMMAND, COMMAND_KIND, OUTCOME), SECONDS,
)  # fmt: skip
COMMANDS_ACTIVE = Metric(
    "discord.command.active", "updowncounter", "{command}",
    "Commands in flight.", (BOT_NAME, COMMAND, COMMAND_KIND),
)  # fmt: skip

# REST
HTTP_DURATION = Metric(
    "discord.http.request.duration", "histogram", "s",
    "Time that Discord took for one attempt of a REST request; waiting for rate limits is not in it.",
    (BOT_NAME, METHOD, ROUTE, STATUS_CODE), SECONDS,
)  # fmt: skip
HTTP_WAIT = Metric(
    "discord.http.ratelimit.wait.duration", "histogram", "s",
    "Time that a REST request waited for rate limits, in all its attempts, where it waited.",
    (BOT_NAME, METHOD, ROUTE), SECONDS,
)  # fmt: skip
HTTP_RETRIES = Metric(
    "discord.http.retries", "counter", "{request}",
    "REST requests sent again.", (BOT_NAME, METHOD, ROUTE, RETRY_REASON),
)  # fmt: skip
HTTP_RATELIMITED = Metric(
    "discord.http.ratelimited", "counter", "{response}",
    "Responses with status 429.", (BOT_NAME, METHOD, ROUTE, RATELIMIT_SCOPE),
)  # fmt: skip

# what the bot holds
GUILDS = Metric("discord.guilds", "gauge", "{guild}", "Guilds that the bot is in.", (BOT_NAME,))
CACHED_USERS = Metric("discord.users.cached", "gauge", "{user}", "Users in discord.py's cache.", (BOT_NAME,))
VOICE_CLIENTS = Metric("discord.voice.clients", "gauge", "{client}", "Voice connections.", (BOT_NAME,))
VOICE_CONNECT_DURATION = Metric(
    "discord.voice.connect.duration",
    "histogram",
    "s",
    "Duration of a voice connect.",
    (BOT_NAME, OUTCOME),
    SECONDS,
)

# background tasks
TASK_DURATION = Metric(
    "discord.task.duration", "histogram", "s",
    "Duration of one run of a `tasks.loop`.", (BOT_NAME, TASK, OUTCOME), SECONDS,
)  # fmt: skip
TASK_NEXT_RUN = Metric(
    "discord.task.next_run.delay", "gauge", "s",
    "Time until the next run of a `tasks.loop`; negative when it is overdue.", (BOT_NAME, TASK),
)  # fmt: skip


# --- spans
SPAN_EVENT = SpanName(
    "{event}", "consumer",
    "The root: an event, from its receipt to the end of the last task that it started. "
    "Named as discord.py dispatches it (`message`, `interaction`, `reaction_add`).",
    (BOT_NAME, EVENT, SHARD, GUILD_ID, CHANNEL_ID, USER_ID, MESSAGE_ID, ERROR_TYPE),
)  # fmt: skip
SPAN_LISTENER = SpanName("listener {name}", "internal", "One listener's run.", (LISTENER, ERROR_TYPE))
SPAN_COMMAND = SpanName(
    "command {name}", "internal",
    "One command, checks, converters and error handlers included.",
    (BOT_NAME, COMMAND, COMMAND_KIND, OUTCOME, ERROR_TYPE),
)  # fmt: skip
SPAN_TASK = SpanName(
    "task {name}", "internal", "One run of a `tasks.loop`: a root.", (BOT_NAME, TASK, OUTCOME, ERROR_TYPE)
)
SPAN_VIEW_TIMEOUT = SpanName(
    "view timeout {class}", "internal", "A view's `on_timeout`: a root with a link.", (ERROR_TYPE,)
)
SPAN_HTTP = SpanName(
    "{method} {route}", "client", "One REST request to Discord, all its attempts.",
    (METHOD, ROUTE, STATUS_CODE, RESEND_COUNT, RATELIMIT_WAIT, SERVER_ADDRESS, ERROR_TYPE),
)  # fmt: skip
SPAN_VOICE = SpanName("voice connect", "client", "A voice connect.", (OUTCOME, ERROR_TYPE))
