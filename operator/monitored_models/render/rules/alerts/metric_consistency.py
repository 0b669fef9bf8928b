"""Alerts on the metrics themselves, to distinguish wrong data from a bad model."""

from __future__ import annotations

from modelsignals import names as exposed

from ....api import Model
from ....naming import labels
from ....runtimes import CUSTOM
from .. import quality, signals, slos
from ..catalogue import ERROR_RATIO, KV_CACHE, LATENCY_MEAN, Context, recorded
from .alert import MODEL_TEMPLATE, Alert, counted_objectives

SAMPLES = "scrape_samples_post_metric_relabeling"
SKEW_SECONDS = 30
FUTURE_SECONDS = 300
GROWTH_FACTOR = 2
MIN_SAMPLES = 1000


def _named(expression: str, check: str) -> str:
    return f'label_replace({expression}, "check", "{check}", "", "")'


def _beyond(selector: str, *bounds: str) -> str:
    """PromQL of values outside the bounds. Includes NaN, for which every comparison is false."""
    within = selector
    for bound in bounds:
        within = f"({within} {bound})"
    return f"({selector} unless {within})"


def _values_impossible(c: Context) -> str | None:
    checks: list[str] = []
    if signals.error_ratio(c.server, c.scope):
        # Jitter between two scrapes can raise the ratio slightly above 1.
        checks.append(_named(f"({recorded(ERROR_RATIO, c.scope)} > 1.05)", "more_errors_than_requests"))
    if c.server.durations["latency"]:
        checks.append(_named(f"({recorded(LATENCY_MEAN, c.scope)} < 0)", "negative_latency"))
    if c.server.expressions["kv_cache"]:
        checks.append(_named(_beyond(recorded(KV_CACHE, c.scope), ">= 0", "<= 1"), "kv_cache_beyond_0_to_1"))
    if c.server.profile.instrumented:
        checks += [
            _named(c.scope.own(_beyond(name, ">= 0", "<= 1")), f"{name}_beyond_0_to_1") for name in quality.SHARES
        ]
        checks += [
            _named(c.scope.own(_beyond(exposed.DRIFT, ">= 0", "< Inf")), "drift_score_impossible"),
            _named(
                c.scope.own(
                    f'(max by (instance) ({{__name__=~"{exposed.LAST_UPDATE}|{quality.UPDATED}"}}) '
                    f"> time() + {FUTURE_SECONDS})"
                ),
                "update_in_the_future",
            ),
            # Labels of one window match predictions of two windows, unless they arrive later than one window.
            _named(
                c.scope.own(
                    f"(sum(increase({exposed.LABELS}[{c.span}])) > "
                    f"1.05 * sum(increase({exposed.PREDICTIONS}[{_twice(c.span)}])))"
                ),
                "more_labels_than_predictions",
            ),
        ]
    return " or ".join(checks) if checks else None


def _twice(span: str) -> str:
    return f"{2 * int(span[:-1])}{span[-1]}"


def _clock_skewed(c: Context) -> str:
    started = c.scope.own(f"process_start_time_seconds > time() + {SKEW_SECONDS}")
    if not c.server.profile.instrumented:
        return started
    told = c.scope.own(f"abs({exposed.CLOCK} - timestamp({exposed.CLOCK})) > {SKEW_SECONDS}")
    return f"{told} or {started}"


def _targets_duplicated(c: Context) -> str:
    return c.scope.own('count by (pod) (up{pod!=""}) > 1')


def _samples_near_limit(c: Context) -> str:
    return f"max by ({labels.BY_MODEL}, pod) ({c.scope.series(SAMPLES)}) > {c.scope.limit('samples')}"


def _series_growing(c: Context) -> str:
    samples = c.scope.series(SAMPLES)
    now, before = f"avg by ({labels.BY_MODEL}) ({samples})", f"avg by ({labels.BY_MODEL}) ({samples} offset 1d)"
    return f"{now} > {GROWTH_FACTOR} * {before} and {now} > {MIN_SAMPLES}"


def _version_mismatched(c: Context) -> str | None:
    said = signals.reported_versions(c.server, c.scope)
    if said is None:
        return None
    by_server = f'label_replace({said}, "compared", "$1", "version", "(.*)")'
    by_pod = f'label_replace({said}, "compared", "$1", "{labels.SERIES_VERSION}", "(.*)")'
    labelled = c.scope.series("up", ((labels.SERIES_VERSION, "!=", ""),))
    return f"{by_server} unless on ({labels.BY_MODEL}, instance, compared) {by_pod} and on ({labels.BY_MODEL}, instance) {labelled}"


def _threshold_not_counted(c: Context) -> str:
    return f"({c.scope.with_threshold(slos.EVENTS)}) > 0 unless {c.scope.series(slos.BAD)}"


def _has_a_threshold(model: Model) -> bool:
    return any(slo.indicator.latency or slo.indicator.ttft for slo in counted_objectives(model))


def _names_the_specs_version(model: Model) -> bool:
    # Other runtimes number versions on their own: folder 3 of a model repository is not the spec's 2026-11-20.
    return model.runtime.id == CUSTOM


METRIC_CONSISTENCY = (
    Alert(
        name="ModelValuesImpossible",
        signal="data",
        for_="15m",
        severity="warning",
        summary="A model's metrics say what cannot be.",
        description=f'{MODEL_TEMPLATE}: {{{{ $labels.check }}}} ({{{{ $value | printf "%.4g" }}}}). Whatever else is said of this model '
        "may be wrong.",
        rationale="Alerts on this model may fire, or keep quiet, for no reason.",
        expression=_values_impossible,
        by_runtime=True,
    ),
    Alert(
        name="ModelClockSkewed",
        signal="data",
        for_="10m",
        severity="warning",
        summary="The clock of a model's pod is wrong.",
        description=f"The clock of pod {{{{ $labels.pod }}}} of {MODEL_TEMPLATE} is more than 30 seconds off, or its process says that it "
        "began in the future: freshness and label delays of this model cannot be trusted.",
        rationale="Times that it tells are wrong, and so is whatever is joined by time.",
        expression=_clock_skewed,
        by_runtime=True,
    ),
    Alert(
        name="ModelTargetsDuplicated",
        signal="data",
        for_="15m",
        severity="warning",
        summary="A pod of a model is scraped more than once.",
        description=f"Pod {{{{ $labels.pod }}}} of {MODEL_TEMPLATE} is {{{{ $value }}}} targets at once: its requests and errors count "
        "as often. Look for a second Service with the label monitoredmodels.dev/model, or a monitor that sets monitored_model.",
        rationale="Throughput is wrong, and replicas that are missing are not missed.",
        expression=_targets_duplicated,
    ),
    Alert(
        name="ModelSamplesNearLimit",
        signal="data",
        for_="15m",
        severity="warning",
        summary="A model's metrics page is nearly too large.",
        description=f"Pod {{{{ $labels.pod }}}} of {MODEL_TEMPLATE} gives {{{{ $value }}}} samples a scrape; the alert is set at "
        "{limit}, 80 % of spec.monitoring.metrics.sampleLimit unless the spec says otherwise. Beyond the limit the whole "
        "scrape fails.",
        rationale="At the limit the model goes dark at once: every alert on it is lost.",
        expression=_samples_near_limit,
        limit="samples",
    ),
    Alert(
        name="ModelSeriesGrowing",
        signal="data",
        for_="1h",
        severity="info",
        summary="A model exposes far more series than a day ago.",
        description=f"A pod of {MODEL_TEMPLATE} gives {{{{ $value | humanize }}}} samples a scrape, more than twice as many as a day "
        "ago: a label with a user's text, an id or a path in it?",
        rationale="Cardinality is cheapest to stop on its first day.",
        expression=_series_growing,
    ),
    Alert(
        name="ModelVersionMismatched",
        signal="data",
        for_="30m",
        severity="info",
        summary="A server serves another version than its pod is labelled with.",
        description=f"A pod of {MODEL_TEMPLATE} says that it serves version {{{{ $labels.version }}}}, and is labelled with "
        f"{{{{ $labels.{labels.SERIES_VERSION} }}}}.",
        rationale="Everything that is compared by version compares the wrong things.",
        expression=_version_mismatched,
        on_by_default=_names_the_specs_version,
        by_runtime=True,
    ),
    Alert(
        name="ModelThresholdNotABucket",
        signal="data",
        for_="15m",
        severity="info",
        summary="The threshold of an objective cannot be counted.",
        description=f"Objective {{{{ $labels.slo }}}} of {MODEL_TEMPLATE}: its threshold is no bound of the server's histogram, so that "
        "good events are unknown and its other alerts cannot fire. Choose a bound, or give the server that bucket.",
        rationale="An objective that cannot be missed protects nobody.",
        expression=_threshold_not_counted,
        applies=_has_a_threshold,
    ),
)
