"""Questions in PromQL, and the engine that asks them of anything that speaks Prometheus' API."""
