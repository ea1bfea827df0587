"""The language of questions: small, closed, typed. What a user types is only ever a value in it, never syntax.

`measures` and `periods` say what is asked of metrics, `logs` and `traces` of the other two. Names are OpenTelemetry's,
as `semconv` has them; what a store calls them is its engine's affair.
"""

from whisperwatch.watcher.query.language.errors import QuestionError
from whisperwatch.watcher.query.language.logs import LogCount, LogFilter, LogQuestion
from whisperwatch.watcher.query.language.measures import Expression, Match, Measure, Ratio, Top
from whisperwatch.watcher.query.language.periods import Grid, Period
from whisperwatch.watcher.query.language.questions import MetricQuestion, Question
from whisperwatch.watcher.query.language.traces import TraceQuestion, TraceSearch

__all__ = [
    "Expression",
    "Grid",
    "LogCount",
    "LogFilter",
    "LogQuestion",
    "Match",
    "Measure",
    "MetricQuestion",
    "Period",
    "Question",
    "QuestionError",
    "Ratio",
    "Top",
    "TraceQuestion",
    "TraceSearch",
]
