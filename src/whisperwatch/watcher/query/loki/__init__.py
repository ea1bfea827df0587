"""Questions about logs in LogQL, and the engine that asks them of Loki."""
