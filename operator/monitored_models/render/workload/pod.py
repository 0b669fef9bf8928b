"""The pod template: one container under the restricted Pod Security Standard, with the writable paths it needs."""

from __future__ import annotations

import re
from typing import Any

from ...api import RESTARTED_AT, Model
from ...api.spec import Probe
from ...naming import labels, object_names
from ...runtimes import ProbeDefaults
from . import probes, storage
from .object_meta import without_empty


def template(model: Model) -> dict[str, Any]:
    """Return the pod template of a Deployment."""
    spec, scheduling = model.spec, model.spec.scheduling
    return {
        "metadata": without_empty({"labels": labels.pods(model), "annotations": _annotations(model)}),
        "spec": without_empty(
            {
                "containers": [_container(model)],
                "volumes": storage.volumes(model),
                "securityContext": _pod_security(model),
                "terminationGracePeriodSeconds": spec.rollout.termination_grace_period_seconds,
                "imagePullSecrets": [{"name": secret.name} for secret in spec.image_pull_secrets or ()],
                "nodeSelector": scheduling.node_selector,
                "tolerations": scheduling.tolerations,
                "affinity": scheduling.affinity,
                "topologySpreadConstraints": _spread(model),
                "priorityClassName": scheduling.priority_class_name,
                "runtimeClassName": scheduling.runtime_class_name,
            }
        )
        # A model server needs no access to the API server and no environment variables of other Services.
        | {"automountServiceAccountToken": False, "enableServiceLinks": False},
    }


def _annotations(model: Model) -> dict[str, str]:
    return {RESTARTED_AT: model.restarted_at} if model.restarted_at else {}


def _container(model: Model) -> dict[str, Any]:
    spec, profile = model.spec, model.runtime
    probes = spec.probes
    return without_empty(
        {
            "name": object_names.CONTAINER,
            "image": spec.image or profile.image,
            "imagePullPolicy": spec.image_pull_policy,
            "command": _command(model),
            "args": _arguments(model),
            "env": _environment(model),
            "envFrom": spec.env_from,
            "ports": _ports(model),
            "resources": _resources(model),
            "volumeMounts": storage.mounts(model),
            "startupProbe": _probe(probes.startup, profile.startup),
            "readinessProbe": _probe(probes.readiness, profile.readiness),
            "livenessProbe": _probe(probes.liveness, profile.liveness),
            "lifecycle": _drain(model),
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": spec.security.read_only_root_filesystem,
            },
        }
    )


def _fill(text: str, model: Model) -> str:
    """Fill a runtime profile's text with a model's values. Doubles `$`, because Kubernetes would expand `$(NAME)`."""
    uri = model.spec.model.uri or ""
    form = model.runtime.uri.schemes.get(uri.split("://", 1)[0], "{uri}")
    values = {
        "name": model.display_name,
        "version": model.spec.model.version or "",
        "framework": model.spec.model.framework or "",
        "port": str(model.port),
        "metricsPort": str(model.metrics_port),
        "gpus": str(model.spec.gpu.count if model.spec.gpu else 0),
        "home": model.runtime.home,
        "uri": uri if form == "{uri}" else uri.split("://", 1)[1],
    }
    # In one pass, so that a value that looks like a placeholder is not replaced again.
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]].replace("$", "$$"), text)


def _command(model: Model) -> list[str] | None:
    if model.spec.command is not None:
        return model.spec.command
    return [_fill(part, model) for part in model.runtime.command] or None


def _arguments(model: Model) -> list[str]:
    spec, profile = model.spec, model.runtime
    if spec.command is not None:
        return list(spec.args or ())
    given = list(profile.arguments)
    given += profile.uri_arguments if spec.model.uri else ()
    given += profile.gpu_arguments if spec.gpu and spec.gpu.count > 1 else ()
    return [_fill(argument, model) for argument in given] + list(spec.args or ())


def _environment(model: Model) -> list[dict[str, Any]]:
    own = {"HOME": "{home}", **model.runtime.environment}
    filled = {name: _fill(text, model) for name, text in own.items()}
    given = list(model.spec.env or ())
    overridden = {variable["name"] for variable in given}
    # The API server drops an empty value, so omit the variable.
    return [{"name": n, "value": v} for n, v in filled.items() if v and n not in overridden] + [
        _with_defaults(without_empty(variable)) for variable in given
    ]


def _with_defaults(variable: dict[str, Any]) -> dict[str, Any]:
    """Add the API server's defaults to a variable, because these references are atomic in a comparison."""
    defaults = {"fieldRef": {"apiVersion": "v1"}, "resourceFieldRef": {"divisor": "0"}}
    source = variable.get("valueFrom", {})
    filled = {name: {**defaults.get(name, {}), **reference} for name, reference in source.items()}
    return {**variable, "valueFrom": filled} if filled else variable


def _ports(model: Model) -> list[dict[str, Any]]:
    ports = [{"name": object_names.HTTP_PORT, "containerPort": model.port, "protocol": "TCP"}]
    if model.metrics_port != model.port:
        ports.append({"name": object_names.METRICS_PORT, "containerPort": model.metrics_port, "protocol": "TCP"})
    return ports


def _resources(model: Model) -> dict[str, Any]:
    given, gpu = model.spec.resources, model.spec.gpu
    gpus = {gpu.resource_name: str(gpu.count)} if gpu and gpu.count else {}
    # An extended resource needs limits; Kubernetes then defaults its requests. Set both, so that they compare equal.
    return without_empty(
        {
            "requests": {**((given and given.requests) or {}), **gpus},
            "limits": {**((given and given.limits) or {}), **gpus},
        }
    )


def _probe(user_probe: Probe, default: ProbeDefaults) -> dict[str, Any] | None:
    probe = probes.effective(user_probe, default)
    if probe is None:
        return None
    http = {"path": probe.path, "scheme": "HTTP"} if probe.path else {}
    return without_empty(
        {
            ("httpGet" if http else "tcpSocket"): {**http, "port": object_names.HTTP_PORT},
            "initialDelaySeconds": probe.initial_delay_seconds or None,
            "periodSeconds": probe.period_seconds,
            "timeoutSeconds": probe.timeout_seconds,
            "failureThreshold": probe.failure_threshold,
        }
    )


def _drain(model: Model) -> dict[str, Any] | None:
    seconds = model.spec.rollout.drain_seconds
    # The kubelet itself sleeps (Kubernetes 1.30), so the image needs no shell.
    return {"preStop": {"sleep": {"seconds": seconds}}} if seconds else None


def _pod_security(model: Model) -> dict[str, Any]:
    security, user = model.spec.security, model.runtime.user
    run_as = security.run_as_user or user
    return {
        "runAsNonRoot": True,
        "runAsUser": run_as,
        "runAsGroup": security.run_as_group or run_as,
        "fsGroup": security.fs_group or run_as,
        # A recursive chown of a large volume at each start can take longer than loading the model.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _spread(model: Model) -> list[dict[str, Any]]:
    own = {"labelSelector": {"matchLabels": labels.selector(model)}}
    return [{**own, **constraint} for constraint in model.spec.scheduling.topology_spread_constraints or ()]
