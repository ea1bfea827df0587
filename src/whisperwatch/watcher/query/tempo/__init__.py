"""Questions about traces in TraceQL, and the engine that asks them of Tempo."""
