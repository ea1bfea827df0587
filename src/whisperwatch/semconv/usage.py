"""What only the bot knows of its use, told by its own code or derived from what it does.

Every figure that can come from more than one place says where it came from (`bot.source`).
"""

from __future__ import annotations

from whisperwatch.semconv.attributes import BOT_NAME, OUTCOME
from whisperwatch.semconv.model import SECONDS, Attribute, Metric, SpanName

SOURCE = "bot.source"
OPERATION = "bot.operation.name"
MEMORY_OPERATION = "bot.memory.operation"
MEMORY_ITEMS_KEY = "bot.memory.items"
MEMORY_RELEVANCE_KEY = "bot.memory.relevance"
CACHE = "bot.cache.name"
CACHE_RESULT = "bot.cache.result"
FEATURE = "bot.feature.name"
FEEDBACK_VALUE = "bot.feedback.value"
SECURITY_KIND = "bot.security.kind"
SECURITY_OUTCOME = "bot.security.outcome"
SECURITY_TARGET = "bot.security.target"
SECURITY_BY = "bot.security.by"
QUEUE = "bot.queue.name"
WINDOW = "bot.users.window"
CONVERSATION_END = "bot.conversation.end"

FEEDBACK_VALUES = ("positive", "neutral", "negative")
SECURITY_OUTCOMES = ("allowed", "denied", "failed")
CONVERSATION_ENDINGS = ("error", "one_turn", "more")
MEMORY_OPERATIONS = ("retrieve", "store", "update", "delete", "other")

USAGE_ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(
        SOURCE, "Where the figure comes from: the bot's own code, or what it was derived from.",
        ("api", "redis", "vector", "command", "message", "reaction", "asked_again", "left_after_error", "admin"),
    ),
    Attribute(OPERATION, "The operation's name, as the bot's code gives it."),
    Attribute(
        MEMORY_OPERATION, "What was done with the memory: a vector store's query retrieves, adding to it stores.",
        MEMORY_OPERATIONS,
    ),
    Attribute(MEMORY_ITEMS_KEY, "How many memories were retrieved or stored."),
    Attribute(MEMORY_RELEVANCE_KEY, "How well what was retrieved fits, from 0 to 1."),
    Attribute(CACHE, "The cache's name."),
    Attribute(CACHE_RESULT, "What the cache had.", ("hit", "miss")),
    Attribute(
        FEATURE,
        "The feature's name; a command is one. What a model was called for without either has the name of the event, "
        "task or job that it was for; `none` where there was none.",
    ),
    Attribute(FEEDBACK_VALUE, "What was thought of an answer.", FEEDBACK_VALUES),
    Attribute(SECURITY_KIND, "What kind of check it was, as the bot's code names it."),
    Attribute(SECURITY_OUTCOME, "How the check ended.", SECURITY_OUTCOMES),
    Attribute(SECURITY_TARGET, "What it was about, such as the setting that was changed."),
    Attribute(SECURITY_BY, "Who did it: a user's keyed hash, or `terminal`."),
    Attribute(QUEUE, "The queue's name."),
    Attribute(WINDOW, "The time that is looked back on.", ("day", "week", "month")),
    Attribute(
        CONVERSATION_END,
        "How a conversation ended: its last turn failed; it had one turn, which did not; or it had more.",
        CONVERSATION_ENDINGS,
    ),
)  # fmt: skip

OPERATION_DURATION = Metric(
    "bot.operation.duration", "histogram", "s",
    "Duration of what the bot's code calls an operation.", (BOT_NAME, OPERATION, OUTCOME), SECONDS,
)  # fmt: skip
MEMORY_DURATION = Metric(
    "bot.memory.operation.duration", "histogram", "s",
    "Duration of an operation on the bot's memory.", (BOT_NAME, MEMORY_OPERATION, OUTCOME, SOURCE), SECONDS,
)  # fmt: skip
MEMORY_ITEMS = Metric(
    "bot.memory.operation.items", "histogram", "{item}",
    "Memories that one operation retrieved or stored.", (BOT_NAME, MEMORY_OPERATION, SOURCE),
    (0.5, 1.5, 3.5, 5.5, 10.5, 20.5, 50.5, 100.5, 1000.5),
)  # fmt: skip
MEMORY_RELEVANCE = Metric(
    "bot.memory.retrieval.relevance", "histogram", "1",
    "How well the best of what one retrieval brought fits, from 0 to 1.", (BOT_NAME, SOURCE),
    (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95),
)  # fmt: skip
CACHE_REQUESTS = Metric(
    "bot.cache.requests", "counter", "{request}",
    "Look-ups in a cache, by whether it had what was asked for.", (BOT_NAME, CACHE, CACHE_RESULT, SOURCE),
)  # fmt: skip
CACHE_EVICTIONS = Metric(
    "bot.cache.evictions", "counter", "{key}",
    "Keys that the cache's server has thrown out for want of memory, as it counts them itself.",
    (CACHE, SOURCE), (), "watcher",
)  # fmt: skip
FEATURE_USES = Metric(
    "bot.feature.uses", "counter", "{use}", "Uses of a feature.", (BOT_NAME, FEATURE, SOURCE)
)
FEEDBACK = Metric(
    "bot.feedback", "counter", "{feedback}",
    "What users thought of answers: told by the bot's code, a reaction to its message, the same asked again within "
    "60 s, or no further message after an error.", (BOT_NAME, FEEDBACK_VALUE, SOURCE),
)  # fmt: skip
CONVERSATIONS = Metric(
    "bot.conversations", "counter", "{conversation}",
    "Conversations begun: one user in one channel, with gaps under 30 minutes.", (BOT_NAME,),
)  # fmt: skip
CONVERSATION_TURNS = Metric(
    "bot.conversation.turns", "histogram", "{turn}",
    "Messages of the user in a conversation that has ended.", (BOT_NAME,),
    (1.5, 2.5, 3.5, 5.5, 10.5, 20.5, 50.5, 100.5),
)  # fmt: skip
CONVERSATION_ENDS = Metric(
    "bot.conversation.ends", "counter", "{conversation}", "Conversations that have ended, and how.",
    (BOT_NAME, CONVERSATION_END),
)  # fmt: skip
CONVERSATION_DURATION = Metric(
    "bot.conversation.duration", "histogram", "s",
    "Time from the first to the last message of a conversation that has ended.", (BOT_NAME,),
    (1.5, 10.5, 30.5, 60.5, 120.5, 300.5, 600.5, 1800.5, 3600.5, 7200.5),
)  # fmt: skip
SECURITY_EVENTS = Metric(
    "bot.security.events", "counter", "{event}",
    "Checks of who somebody is, or what they may do.",
    (BOT_NAME, SECURITY_KIND, SECURITY_OUTCOME, SOURCE),
)  # fmt: skip
QUEUE_DEPTH = Metric(
    "bot.queue.depth", "gauge", "{job}", "What waits in a queue of the bot's.", (BOT_NAME, QUEUE)
)
USERS_ACTIVE = Metric(
    "bot.users.active", "gauge", "{user}",
    "Users to whom the bot answered in the time that is looked back on.", (WINDOW,), (), "watcher",
)  # fmt: skip
USERS_BEFORE = Metric(
    "bot.users.before", "gauge", "{user}",
    "Users to whom the bot answered in the window before the last complete one: the day before yesterday, or the seven "
    "days before the last seven complete ones.", (WINDOW,), (), "watcher",
)  # fmt: skip
USERS_RETURNED = Metric(
    "bot.users.returned", "gauge", "{user}",
    "Those of `bot.users.before` to whom it answered in the last complete window, too.", (WINDOW,), (), "watcher",
)  # fmt: skip

SPAN_OPERATION = SpanName(
    "operation {name}", "internal", "What the bot's code calls an operation.",
    (OPERATION, MEMORY_ITEMS_KEY, MEMORY_RELEVANCE_KEY),
)  # fmt: skip
