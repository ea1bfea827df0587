"""What an admin is answered: a report becomes a page once, and the page an embed in Discord or text in a terminal."""

from whisperwatch.watcher.answers.answers import Answers

__all__ = ["Answers"]
