"""`mmctl dashboard preview`: render classic Grafana JSON with data of a Prometheus, as a local read-only page.

These modules are pure functions: `dashboard_reader` parses the JSON, `variables` interpolates queries, `frames` parses
the responses of Prometheus, `field_config` and `units` format values, `figures`, `timeseries` and `single_values` draw,
`page` renders HTML. `sources` reads files, `integrations.prometheus` sends the queries and `server` serves the pages.
The package needs the extra `preview`; the operator itself never imports it.
"""
