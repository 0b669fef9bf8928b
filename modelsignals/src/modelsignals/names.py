"""Names and labels of the metrics that an instrumented model server exposes. Frozen: rules and dashboards read them.

Counters end in _total, times are in seconds, shares are ratios from 0 to 1 (Prometheus' naming practices). Servers
expose counts rather than ratios, so that sums over pods and restarts are correct.
"""

REQUESTS = "inference_requests_total"
"""Counter: requests, failed ones included."""
ERRORS = "inference_errors_total"
"""Counter: failed requests; label error_type."""
LATENCY = "inference_latency_seconds"
"""Histogram: duration of a request."""
TIME_TO_FIRST_TOKEN = "time_to_first_token_seconds"
"""Histogram: time from a request to its first token."""
INTER_TOKEN = "inter_token_latency_seconds"
"""Histogram: time between two tokens of a response."""
TOKENS = "generated_tokens_total"
"""Counter: generated tokens."""
PROMPT_TOKENS = "prompt_tokens_total"
"""Counter: prompt tokens."""
QUEUE = "inference_queue_length"
"""Gauge: waiting requests."""

OUTCOMES = "model_outcomes_total"
"""Counter: labelled predictions of a classifier; label outcome is one of OUTCOME."""
OUTCOME = ("tp", "fp", "tn", "fn")
"""True and false positives, true and false negatives."""
PREDICTION_ERROR = "model_prediction_error"
"""Histogram: absolute error of a labelled prediction, in the unit of the predictions."""
PREDICTIONS = "model_predictions_total"
"""Counter: predictions. Some of them get a label later."""
LABELS = "model_labels_joined_total"
"""Counter: labels that matched a prediction."""
LABELS_UNMATCHED = "model_labels_unmatched_total"
"""Counter: labels that matched no prediction."""
LABEL_DELAY = "model_label_delay_seconds"
"""Histogram: time from a prediction to its label."""

DRIFT = "model_drift_score"
"""Gauge: drift of the inputs from the reference, as the highest score of any feature."""
FEATURE_DRIFT = "model_feature_drift_score"
"""Gauge: drift score of one feature; label feature."""
DRIFTED_FEATURES = "model_drifted_features_ratio"
"""Gauge: share of features with a drift score above the threshold of the feature."""
FEATURE_BINS = "model_feature_bin_total"
"""Counter: values of a feature per bin of its reference; labels feature, bin."""
FEATURE_REFERENCE = "model_feature_reference_ratio"
"""Gauge: share of the reference values in a bin; labels feature, bin."""

INFO = "model_info"
"""Gauge, always 1: the loaded model; labels version, framework."""
LAST_UPDATE = "model_last_update_timestamp_seconds"
"""Gauge: creation time of the loaded model, as Unix time."""
CLOCK = "model_clock_timestamp_seconds"
"""Gauge: the server's clock at the time of the scrape, as Unix time."""

ALL = (
    REQUESTS,
    ERRORS,
    LATENCY,
    TIME_TO_FIRST_TOKEN,
    INTER_TOKEN,
    TOKENS,
    PROMPT_TOKENS,
    QUEUE,
    OUTCOMES,
    PREDICTION_ERROR,
    PREDICTIONS,
    LABELS,
    LABELS_UNMATCHED,
    LABEL_DELAY,
    DRIFT,
    FEATURE_DRIFT,
    DRIFTED_FEATURES,
    FEATURE_BINS,
    FEATURE_REFERENCE,
    INFO,
    LAST_UPDATE,
    CLOCK,
)
