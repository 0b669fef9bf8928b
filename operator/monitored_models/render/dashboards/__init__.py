"""The Grafana dashboards: one per model and two for all models, rendered with Grafana's own types. Pure.

Panels and rules build their PromQL with the same functions, so a panel and an alert never disagree.
"""
