"""`mmctl dashboard preview`: render classic Grafana JSON with data of a Prometheus, as a local read-only page.

It draws what our dashboards contain: `supported` lists the options and names all others. These modules are pure
functions: `dashboard_reader` parses the JSON, `variables` interpolates queries, `frames` parses the responses of
Prometheus, `field_config`, `units` and `colors` format values, `figures` draws with one module per kind of panel, `page`
renders HTML. `sources` reads files, `integrations.prometheus` sends the queries and `server` serves the pages.
The package needs the extra `preview`; the operator itself never imports it.
"""
