"""`mmctl dashboard preview`: a dashboard's classic Grafana JSON and a Prometheus, as a local page that only reads.

`dashboards` reads the JSON, `variables` fills in queries, `frames` takes Prometheus' answers apart, `fields` and `units`
say how a value looks, `figures` and `numbers` draw, `page` writes HTML: all of it values in, values out. `sources` reads
files, `prometheus` asks, `server` answers. Needs the extra `preview`; the operator itself never imports this package.
"""
