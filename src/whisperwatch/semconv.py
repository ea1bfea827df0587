"""Every name that Whisperwatch gives to the world, in one place.

Instruments, `/metrics`, queries, dashboards and the reference page (`docs/metrics.md`) are made from these
declarations; nothing else spells a metric, span or attribute name out. Names follow the OpenTelemetry semantic
conventions where there is one (`process.*`, `system.*`, `http.*`, `cpython.gc.*`); `discord.*`, `bot.*` and
`whisperwatch.*` are ours. This module imports nothing of ours, and nothing heavy.

No bucket bound is a whole number: a bound of 1 is `le="1"` by OTLP and `le="1.0"` by scrape, which makes two series.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "updowncounter", "gauge", "histogram"]
Room = Literal["bot", "watcher"]

SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75,
    1.5, 2.5, 4.5, 7.5, 15.5, 30.5, 60.5, 120.5,
)  # fmt: skip
"""Durations of what users wait for: 1 ms to 2 min."""
FINE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.5, 5.5, 15.5)
"""Pauses and lags of the loop, and of the garbage collector."""


# --- attributes -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute key. `values` lists what it can hold where that is a closed set."""

    key: str
    help: str
    values: tuple[str, ...] = ()
    hashed: bool = False
    """An id: leaves as a keyed hash unless the operator opted in; never on a metric."""


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
"""How a command or a task ended. `user_error`: bad input, no permission, a failed check; `rate_limited`: a
cooldown or max-concurrency of the bot's own."""
COMMAND_KINDS = (
    "prefix", "slash", "hybrid", "context_menu", "autocomplete", "component", "modal",
)  # fmt: skip
UNKNOWN_COMMAND = "unknown"
OVERFLOW = "otel.metric.overflow"
"""The attribute (true) of the set that takes what came after an instrument's cap on attribute sets."""

ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(BOT_NAME, "The bot's name: `watch(bot, name=…)`, else the user name that Discord gave it."),
    Attribute(EVENT, "The event as Discord's gateway (`MESSAGE_CREATE`) or discord.py (`message`) names it."),
    Attribute(SHARD, "The shard's number."),
    Attribute(CLOSE_CODE, "The websocket close code, `none` where the connection just broke."),
    Attribute(COMMAND, "The command's qualified name; `unknown` for what is not registered."),
    Attribute(COMMAND_KIND, "How the command was called.", COMMAND_KINDS),
    Attribute(OUTCOME, "How it ended.", OUTCOMES),
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
    Attribute(TASK_CAUSE, "Why a link is there.", ("ended_root", "wait_for", "view_timeout", "tasks_loop")),
)
HASHED_ATTRIBUTES = frozenset(a.key for a in ATTRIBUTES if a.hashed)


# --- metrics ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: the OpenTelemetry name.
        kind: `counter` and `updowncounter` are sums, `gauge` is a last value, `histogram` has `buckets`.
        unit: UCUM, as OpenTelemetry writes it (`s`, `By`, `1`, `{event}`).
        help: one sentence.
        attributes: the keys of every point; a point may leave out none but `error.type`.
        buckets: upper bounds in `unit`, for histograms.
        room: which process records it.
    """

    name: str
    kind: Kind
    unit: str
    help: str
    attributes: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    room: Room = "bot"


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

# the runtime
LOOP_LAG = Metric(
    "bot.event_loop.lag", "histogram", "s",
    "How late the bot's event loop ran a timer, sampled at least every 50 ms.", (), FINE_SECONDS,
)  # fmt: skip
GC_COLLECTIONS = Metric(
    "cpython.gc.collections", "counter", "{collection}",
    "Runs of the garbage collector.", (GC_GENERATION,),
)  # fmt: skip
GC_PAUSE = Metric(
    "cpython.gc.pause.duration", "histogram", "s",
    "Time for which the garbage collector stopped the process.", (GC_GENERATION,), FINE_SECONDS,
)  # fmt: skip
UPTIME = Metric("process.uptime", "gauge", "s", "Time since the bot's process started.", (), (), "watcher")
RESTARTS = Metric(
    "bot.restarts", "counter", "{restart}", "Starts of the bot after its first.", (), (), "watcher"
)
PROCESS_CPU = Metric(
    "process.cpu.time", "counter", "s", "CPU time of the bot's process.", (CPU_MODE,), (), "watcher"
)
PROCESS_CPU_UTILIZATION = Metric(
    "process.cpu.utilization", "gauge", "1",
    "CPU time of the bot's process over the time and the CPUs that it may use.", (), (), "watcher",
)  # fmt: skip
PROCESS_MEMORY = Metric(
    "process.memory.usage", "updowncounter", "By", "Resident memory of the bot's process.", (), (), "watcher"
)
PROCESS_MEMORY_VIRTUAL = Metric(
    "process.memory.virtual", "updowncounter", "By", "Virtual memory of the bot's process.", (), (), "watcher"
)
PROCESS_THREADS = Metric(
    "process.thread.count", "updowncounter", "{thread}", "Threads of the bot's process.", (), (), "watcher"
)
PROCESS_FDS = Metric(
    "process.unix.file_descriptor.count", "updowncounter", "{file_descriptor}",
    "Open file descriptors of the bot's process.", (), (), "watcher",
)  # fmt: skip
PROCESS_FD_LIMIT = Metric(
    "process.unix.file_descriptor.limit", "gauge", "{file_descriptor}",
    "File descriptors that the bot's process may open.", (), (), "watcher",
)  # fmt: skip
PROCESS_DISK_IO = Metric(
    "process.disk.io", "counter", "By", "Disk I/O of the bot's process.", (IO_DIRECTION_DISK,), (), "watcher"
)
SYSTEM_CPU = Metric("system.cpu.time", "counter", "s", "CPU time of the host.", (CPU_MODE,), (), "watcher")
SYSTEM_CPU_UTILIZATION = Metric(
    "system.cpu.utilization", "gauge", "1",
    "CPU in use, over the cgroup's quota where there is one, else over the host's CPUs.", (), (), "watcher",
)  # fmt: skip
SYSTEM_CPU_LIMIT = Metric(
    "system.cpu.limit", "gauge", "{cpu}",
    "CPUs that may be used: the cgroup's quota, else the host's CPUs.", (), (), "watcher",
)  # fmt: skip
SYSTEM_LOAD_1M = Metric(
    "system.cpu.load_average.1m", "gauge", "{thread}", "Load average over one minute.", (), (), "watcher"
)
SYSTEM_LOAD_5M = Metric(
    "system.cpu.load_average.5m", "gauge", "{thread}", "Load average over five minutes.", (), (), "watcher"
)
SYSTEM_LOAD_15M = Metric(
    "system.cpu.load_average.15m",
    "gauge",
    "{thread}",
    "Load average over fifteen minutes.",
    (),
    (),
    "watcher",
)
SYSTEM_MEMORY = Metric(
    "system.memory.usage", "updowncounter", "By",
    "Memory of the cgroup where it has a limit, else of the host.", (MEMORY_STATE,), (), "watcher",
)  # fmt: skip
SYSTEM_MEMORY_UTILIZATION = Metric(
    "system.memory.utilization", "gauge", "1",
    "Memory in use, over the cgroup's limit where there is one, else over the host's memory.", (), (), "watcher",
)  # fmt: skip
SYSTEM_MEMORY_LIMIT = Metric(
    "system.memory.limit", "updowncounter", "By",
    "Memory that may be used: the cgroup's limit, else the host's memory.", (), (), "watcher",
)  # fmt: skip
SYSTEM_DISK_IO = Metric(
    "system.disk.io", "counter", "By", "Disk I/O of the host.", (IO_DIRECTION_DISK,), (), "watcher"
)
SYSTEM_FILESYSTEM = Metric(
    "system.filesystem.usage", "updowncounter", "By",
    "Space on the file systems of the state directory and of the working directory.",
    (MOUNTPOINT, FILESYSTEM_STATE), (), "watcher",
)  # fmt: skip
SYSTEM_FILESYSTEM_UTILIZATION = Metric(
    "system.filesystem.utilization", "gauge", "1",
    "Space in use on the file systems of the state directory and of the working directory.",
    (MOUNTPOINT,), (), "watcher",
)  # fmt: skip
SYSTEM_NETWORK_IO = Metric(
    "system.network.io", "counter", "By", "Network I/O of the host, loopback left out.",
    (IO_DIRECTION_NET,), (), "watcher",
)  # fmt: skip

# ourselves
SELF_RECORDED = Metric(
    "whisperwatch.recorded", "counter", "{record}", "Records made in the bot's process.", (SIGNAL,)
)
SELF_DROPPED = Metric(
    "whisperwatch.dropped", "counter", "{record}", "Records lost, and why.", (SIGNAL, REASON)
)
SELF_INTERNAL_ERRORS = Metric(
    "whisperwatch.internal.errors",
    "counter",
    "{error}",
    "Failures of our own hooks; the bot went on.",
    (WHERE,),
)
SELF_CAPPED = Metric(
    "whisperwatch.attribute_sets.capped", "counter", "{point}",
    "Points that went to the overflow set because the metric has too many attribute sets.", (METRIC,),
)  # fmt: skip
SELF_TAPE = Metric(
    "whisperwatch.tape.size", "gauge", "By", "Bytes on the tape that wait for the watcher.", ()
)
SELF_WATCHER_RESTARTS = Metric(
    "whisperwatch.watcher.restarts",
    "counter",
    "{restart}",
    "Times the bot had to start its watcher again.",
    (),
)
SELF_EXPORTED = Metric(
    "whisperwatch.exported", "counter", "{record}", "Records that the collector has taken.",
    (SIGNAL,), (), "watcher",
)  # fmt: skip
SELF_EXPORT_DROPPED = Metric(
    "whisperwatch.export.dropped", "counter", "{record}",
    "Records that were refused by the collector, or that the buffer had no room for.",
    (SIGNAL, REASON), (), "watcher",
)  # fmt: skip
SELF_BUFFER = Metric(
    "whisperwatch.buffer.size", "gauge", "By", "Bytes that wait for the collector.", (SIGNAL,), (), "watcher"
)
SELF_RECEIVED = Metric(
    "whisperwatch.received", "counter", "{record}", "Records that reached the watcher.",
    (SIGNAL,), (), "watcher",
)  # fmt: skip

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""Every metric above, in the order of this file."""


# --- spans ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpanName:
    """A kind of span. `name` is a template: `{…}` stands for a bounded value."""

    name: str
    kind: Literal["internal", "server", "client", "producer", "consumer"]
    help: str
    attributes: tuple[str, ...] = ()


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

SPANS: tuple[SpanName, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, SpanName)
)

SCOPE = "whisperwatch"
"""The instrumentation scope of all that we record."""
