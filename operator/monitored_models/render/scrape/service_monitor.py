"""The ServiceMonitor: how Prometheus finds the model's pods and which identity their series get."""

from __future__ import annotations

from ...api import Model
from ...naming import labels, object_names
from ...naming.kinds import SERVICE_MONITOR
from ...settings import Settings
from ..workload.object_meta import Child, child
from . import metric_relabeling


def make_service_monitor(model: Model, settings: Settings) -> Child | None:
    """The ServiceMonitor, or None where scraping is switched off."""
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
                    "path": scrape.path or model.profile.metrics_path,
                    "interval": model.scrape_interval,
                    "scrapeTimeout": model.scrape_timeout,
                    # By relabeling, since targetLabels would mangle the names; from the pod, since a Service's
                    # version would be wrong for the old pods of a rollout.
                    "relabelings": [
                        {"action": "replace", "sourceLabels": [labels.meta(label)], "targetLabel": target}
                        for target, label in identity.items()
                    ],
                    **({"metricRelabelings": relabelings} if relabelings else {}),
                }
            ],
            **metric_relabeling.limits(model),
            # Prometheus 3 refuses a page without a content type, which home-made endpoints often lack.
            "fallbackScrapeProtocol": "PrometheusText0.0.4",
        },
    )
