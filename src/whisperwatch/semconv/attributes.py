"""Attribute keys, and the closed sets of what some can hold."""

from __future__ import annotations

from whisperwatch.semconv.model import Attribute

SERVICE_VERSION = "service.version"
BOT_NAME = "bot.name"
EVENT = "discord.event.name"
SHARD = "discord.shard.id"
CLOSE_CODE = "discord.gateway.close_code"
COMMAND = "discord.command.name"
COMMAND_KIND = "discord.command.kind"
OUTCOME = "outcome"
LISTENER = "discord.listener.name"
COMPONENT_ID = "discord.component.custom_id"
TASK = "discord.task.name"
ROUTE = "url.template"
METHOD = "http.request.method"
STATUS_CODE = "http.response.status_code"
RESEND_COUNT = "http.request.resend_count"
SERVER_ADDRESS = "server.address"
RATELIMIT_SCOPE = "discord.ratelimit.scope"
RATELIMIT_WAIT = "discord.ratelimit.wait"
RETRY_REASON = "discord.http.retry.reason"
ERROR_TYPE = "error.type"
GUILD_ID = "discord.guild.id"
CHANNEL_ID = "discord.channel.id"
USER_ID = "discord.user.id"
MESSAGE_ID = "discord.message.id"
GC_GENERATION = "cpython.gc.generation"
CPU_MODE = "cpu.mode"
IO_DIRECTION_DISK = "disk.io.direction"
IO_DIRECTION_NET = "network.io.direction"
MEMORY_STATE = "system.memory.state"
FILESYSTEM_STATE = "system.filesystem.state"
MOUNTPOINT = "system.filesystem.mountpoint"
REASON = "reason"
SIGNAL = "signal"
METRIC = "whisperwatch.metric"
WHERE = "whisperwatch.where"
LOOP_BLOCKED_AT = "bot.event_loop.blocked_at"
LOOP_BLOCKED_FOR = "bot.event_loop.blocked_for"
TASK_CAUSE = "discord.link.cause"

OUTCOMES = ("ok", "user_error", "rate_limited", "failure", "cancelled")
"""How a command or a task ended. `user_error`: bad input, no permission, a failed check, and no dependency or
code that broke on that way; `rate_limited`: a cooldown or max-concurrency of the bot's own."""
COMMAND_KINDS = (
    "prefix", "slash", "hybrid", "context_menu", "autocomplete", "component", "modal",
)  # fmt: skip
UNKNOWN_COMMAND = "unknown"
OVERFLOW = "otel.metric.overflow"
"""The attribute (true) of the set that takes what came after an instrument's cap on attribute sets."""

UNKNOWN_VERSION = "unknown"

COMMON_ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(
        SERVICE_VERSION, "The bot's version, as the resource has it; `unknown` where nobody has said it."
    ),
    Attribute(BOT_NAME, "The bot's name: `watch(bot, name=…)`, else the user name that Discord gave it."),
    Attribute(EVENT, "The event as Discord's gateway (`MESSAGE_CREATE`) or discord.py (`message`) names it."),
    Attribute(SHARD, "The shard's number."),
    Attribute(CLOSE_CODE, "The websocket close code, `none` where the connection just broke."),
    Attribute(COMMAND, "The command's qualified name; `unknown` for what is not registered."),
    Attribute(COMMAND_KIND, "How the command was called.", COMMAND_KINDS),
    Attribute(
        OUTCOME,
        "How it ended; `user_error` is a command's whose user gave bad input or may not, `retried` a job's.",
        (*OUTCOMES, "retried"),
    ),
    Attribute(LISTENER, "The listener's qualified function name."),
    Attribute(COMPONENT_ID, "The class of the component or modal that was used (never its custom id)."),
    Attribute(TASK, "The qualified name of the `tasks.loop` function."),
    Attribute(ROUTE, "The route's template, without ids: `/channels/{channel_id}/messages`."),
    Attribute(METHOD, "The HTTP method."),
    Attribute(STATUS_CODE, "The HTTP status code."),
    Attribute(RESEND_COUNT, "How often the request was sent again before this attempt."),
    Attribute(SERVER_ADDRESS, "The host that was asked."),
    Attribute(RATELIMIT_SCOPE, "What the 429 was for.", ("user", "shared", "global", "cloudflare")),
    Attribute(RATELIMIT_WAIT, "Seconds that the request waited for a rate limit before it was sent."),
    Attribute(RETRY_REASON, "Why the request was sent again.", ("ratelimited", "server_error", "connection")),
    Attribute(ERROR_TYPE, "The exception's type, or the HTTP status."),
    Attribute(GUILD_ID, "The guild.", hashed=True),
    Attribute(CHANNEL_ID, "The channel.", hashed=True),
    Attribute(USER_ID, "The user.", hashed=True),
    Attribute(MESSAGE_ID, "The message.", hashed=True),
    Attribute(GC_GENERATION, "The garbage collector's generation.", ("0", "1", "2")),
    Attribute(CPU_MODE, "What the CPU time was spent in.", ("user", "system", "idle", "iowait")),
    Attribute(IO_DIRECTION_DISK, "The direction.", ("read", "write")),
    Attribute(IO_DIRECTION_NET, "The direction.", ("receive", "transmit")),
    Attribute(MEMORY_STATE, "What the memory is.", ("used", "free")),
    Attribute(FILESYSTEM_STATE, "What the space is.", ("used", "free")),
    Attribute(MOUNTPOINT, "Where the file system is mounted."),
    Attribute(REASON, "Why."),
    Attribute(SIGNAL, "Which kind of telemetry.", ("spans", "metrics", "logs")),
    Attribute(METRIC, "The metric whose attribute sets were capped."),
    Attribute(WHERE, "The hook that failed."),
    Attribute(LOOP_BLOCKED_AT, "`file:line function` of the code that blocked the event loop."),
    Attribute(LOOP_BLOCKED_FOR, "Seconds for which the loop had been blocked."),
    Attribute(
        TASK_CAUSE, "Why a link is there.", ("ended_root", "wait_for", "view_timeout", "tasks_loop", "job")
    ),
)
