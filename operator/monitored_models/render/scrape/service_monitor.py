"""The ServiceMonitor, which selects the model's pods and sets the identity labels of their series."""

from __future__ import annotations

from ...api import Model
from ...naming import labels, object_names
from ...naming.kinds import SERVICE_MONITOR
from ...settings import Settings
from ..workload.object_meta import Child, child
from . import metric_relabeling


def make_service_monitor(model: Model, settings: Settings) -> Child | None:
    """Return the ServiceMonitor, or None if scraping is disabled."""
    scrape = model.monitoring.scrape
    if not scrape.enabled:
        return None
    relabelings = metric_relabeling.metric_relabelings(model)
    identity = {labels.SERIES_MODEL: labels.MODEL, labels.SERIES_VERSION: labels.VERSION}
    return child(
        model,
        SERVICE_MONITOR,
        object_names.workload(model),
        extra_labels=settings.service_monitor_labels,
        spec={
            "selector": {"matchLabels": labels.selector(model)},
            "endpoints": [
                {
                    "port": object_names.scrape_port(model),
                    "path": scrape.path or model.runtime.metrics_path,
                    "interval": model.scrape_interval,
                    "scrapeTimeout": model.scrape_timeout,
                    # Relabelings, because targetLabels would mangle the names. Pod labels, because the version
                    # label of a Service would be wrong for the old pods of a rollout.
                    "relabelings": [
                        {"action": "replace", "sourceLabels": [labels.meta(label)], "targetLabel": target}
                        for target, label in identity.items()
                    ],
                    **({"metricRelabelings": relabelings} if relabelings else {}),
                }
            ],
            **metric_relabeling.limits(model),
            # Prometheus 3 rejects a response without a content type, which custom endpoints often lack.
            "fallbackScrapeProtocol": "PrometheusText0.0.4",
        },
    )
