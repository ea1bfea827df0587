"""The questions that commands, dashboards and alerts ask, and what answers them: one language, several engines."""
