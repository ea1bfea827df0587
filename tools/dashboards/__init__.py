"""Grafana's dashboards, as tables of panels whose questions are in Whisperwatch's own language.

`boards` has the tables, one module a dashboard; `queries` makes PromQL, LogQL and TraceQL of the questions, and
`drawing` makes Grafana's JSON with Grafana's own SDK, of which a bot needs nothing: what is made is kept in
`grafana/dashboards/`. `docs/dashboard-customization.md` tells how a panel is added.
"""
