"""The dashboards: panels as values, drawn with Grafana's own types; one for each model, and two for all of them. Pure.

Panels ask Prometheus what the rules ask, by the same functions, so that a panel and an alert never tell different stories.
"""
