"""Pods: are they there, do they run, do they fit?"""

from __future__ import annotations

from promtool.cases.case import (
    FIRING,
    P1,
    P2,
    P3,
    PENDING,
    POD,
    QUIET,
    TARGET,
    TARGET_2,
    Case,
    kubelet,
    told,
    up,
)
from promtool.harness import ONE, Series


def restarts(values: str, pod: str = P1) -> Series:
    return {told("monitored_model_pod_container_restarts_total", pod=pod): values}


def killed(values: str, pod: str = P1) -> Series:
    return {told("monitored_model_pod_out_of_memory", pod=pod): values}


def waiting(values: str, reason: str = "CrashLoopBackOff", pod: str = P1) -> Series:
    return {told("monitored_model_pod_waiting", pod=pod, reason=reason): values}


def condition(values: str, reason: str, status: str = "False", of: str = "WorkloadReady") -> Series:
    return {told("monitored_model_condition", condition=of, status=status, reason=reason): values}


def claim(used: str, name: str = "churn-data", capacity: str = "100x60") -> Series:
    return {
        kubelet("kubelet_volume_stats_used_bytes", persistentvolumeclaim=name): used,
        kubelet("kubelet_volume_stats_capacity_bytes", persistentvolumeclaim=name): capacity,
    }


EVERY_THREE = "0x9 1x2 2x2 3x2 4x2 5x2 6x2 7x2 8x2 9x2 9x30"
"""From minute 10 on a restart each three minutes; the last at 34."""
EVERY_SIX = "3x5 " + " ".join(f"{count}x5" for count in range(4, 24))
"""As Kubernetes restarts a container that ends within a minute, once it waits the longest: five minutes."""
EVERY_TWELVE = "3x11 " + " ".join(f"{count}x11" for count in range(4, 14))
"""The same of one that ends after seven minutes: a server that fails when it has loaded its model."""
WAITS_OF_TWELVE = " ".join(["1x4 stale _x6"] * 11)

# 15 minutes.
REPLICAS_MISSING = [
    Case(
        "ModelReplicasMissing",
        "fires",
        up("1x60") | up("0x60", P2),
        {1: QUIET, 5: QUIET, 6: PENDING, 20: PENDING, 21: FIRING},
        "two",
    ),
    Case("ModelReplicasMissing", "does not fire", up("1x60") | up("1x60", P2), {16: QUIET, 60: QUIET}, "two"),
    Case("ModelReplicasMissing", "fires when no pod comes up", up("0x60"), {5: QUIET, 20: PENDING, 22: FIRING}),
    Case("ModelReplicasMissing", "fires when a pod is not even made", up("1x60"), {1: PENDING, 16: FIRING}, "two"),
    Case(
        "ModelReplicasMissing",
        "fires for a death after the first answer",
        up("1x0 0x60"),
        {0: QUIET, 1: PENDING, 15: PENDING, 16: FIRING},
    ),
    Case(
        "ModelReplicasMissing",
        "fires for a death after life",
        up("1x30 0x60"),
        {30: QUIET, 32: PENDING, 45: PENDING, 47: FIRING, 80: FIRING},
    ),
    Case("ModelReplicasMissing", "does not fire for a first load", up("0x5 1x60"), {3: QUIET, 16: QUIET, 22: QUIET}),
    Case(
        "ModelReplicasMissing",
        "does not fire while some load and others answer",
        up("1x60") | up("0x5 1x40", P2, 20) | up("1x20 stale", P3),
        {19: QUIET, 22: QUIET, 25: QUIET, 40: QUIET},
        "two",
    ),
    Case(
        "ModelReplicasMissing",
        "fires when loading pods are too few",
        up("0x120"),
        {1: PENDING, 14: PENDING, 16: FIRING},
        "vllm of two",
    ),
    Case(
        "ModelReplicasMissing",
        "does not fire for a first load of an hour",
        up("0x60 1x60") | up("0x55 1x60", P2),
        {1: QUIET, 30: QUIET, 60: QUIET, 90: QUIET},
        "vllm of two",
    ),
    Case(
        "ModelReplicasMissing",
        "fires for a load that takes more than an hour",
        up("0x120"),
        {30: QUIET, 60: QUIET, 61: PENDING, 75: PENDING, 77: FIRING, 120: FIRING},
        "vllm",
    ),
    Case(
        "ModelReplicasMissing",
        "fires for a death after life where loads take an hour",
        up("1x10 0x200"),
        {10: QUIET, 12: PENDING, 27: FIRING, 80: FIRING, 200: FIRING},
        "vllm",
    ),
    Case("ModelReplicasMissing", "fires without data: there is no replica", {}, {14: PENDING, 16: FIRING}),
    Case("ModelReplicasMissing", "fires without data where loads take an hour", {}, {14: PENDING, 16: FIRING}, "vllm"),
    Case(
        "ModelReplicasMissing",
        "goes on when the last target disappears",
        up("1x9 stale"),
        {9: PENDING, 14: PENDING, 16: FIRING, 40: FIRING},
        "two",
    ),
    Case("ModelReplicasMissing", "recovers", up("0x25 1x20"), {24: FIRING, 27: QUIET}),
    Case("ModelReplicasMissing", "recovers from no data", up("1x20", start=20), {19: FIRING, 22: QUIET}),
    Case("ModelReplicasMissing", "does not fire with more than wanted", up("1x60") | up("1x60", P2), {16: QUIET}),
    Case("ModelReplicasMissing", "asks an autoscaled model for its minimum", up("1x60"), {16: QUIET}, "autoscaled"),
    Case("ModelReplicasMissing", "asks a suspended model for nothing", {}, {16: QUIET, 60: QUIET}, "suspended"),
]

# 10 minutes; pods may load for 6 minutes, those of vllm for 61.
TARGET_DOWN = [
    Case(
        "ModelTargetDown",
        "fires",
        up("0x30"),
        {1: QUIET, 5: QUIET, 6: PENDING, 15: PENDING, 16: FIRING, 30: FIRING},
        labels=TARGET,
    ),
    Case("ModelTargetDown", "does not fire", up("1x30"), {11: QUIET, 30: QUIET}),
    Case("ModelTargetDown", "does not fire for a first load", up("0x5 1x30"), {3: QUIET, 11: QUIET, 30: QUIET}),
    Case(
        "ModelTargetDown",
        "does not fire for a load that takes a little too long",
        up("0x9 1x30"),
        {8: PENDING, 11: QUIET, 30: QUIET},
        labels=TARGET,
    ),
    Case(
        "ModelTargetDown",
        "fires for a death after the first answer",
        up("1x0 0x60"),
        {0: QUIET, 1: PENDING, 10: PENDING, 11: FIRING},
        labels=TARGET,
    ),
    Case(
        "ModelTargetDown",
        "fires for a death within the time of loading",
        up("0x1 1x1 0x40"),
        {1: QUIET, 4: PENDING, 12: PENDING, 15: FIRING, 40: FIRING},
        labels=TARGET,
    ),
    Case(
        "ModelTargetDown",
        "fires for a death after a long life",
        up("1x60 0x60"),
        {60: QUIET, 61: PENDING, 72: FIRING, 120: FIRING},
        labels=TARGET,
    ),
    Case(
        "ModelTargetDown",
        "does not fire for a new pod beside one that answers",
        up("1x90") | up("0x5 1x40", P2, 40),
        {42: QUIET, 46: QUIET, 57: QUIET},
    ),
    Case(
        "ModelTargetDown",
        "fires for a new pod that does not come up",
        up("1x90") | up("0x40", P2, 40),
        {45: QUIET, 48: PENDING, 58: FIRING},
        labels=TARGET_2,
    ),
    Case(
        "ModelTargetDown",
        "does not fire for a first load of an hour",
        up("0x60 1x60"),
        {30: QUIET, 60: QUIET, 90: QUIET},
        "vllm",
    ),
    Case(
        "ModelTargetDown",
        "fires for a load that takes more than an hour",
        up("0x120"),
        {11: QUIET, 60: QUIET, 61: PENDING, 70: PENDING, 72: FIRING, 120: FIRING},
        "vllm",
        labels=TARGET,
    ),
    Case(
        "ModelTargetDown",
        "fires for a death after life where loads take an hour",
        up("1x10 0x200"),
        {10: QUIET, 12: PENDING, 22: FIRING, 60: FIRING, 100: FIRING, 200: FIRING},
        "vllm",
        labels=TARGET,
    ),
    Case(
        "ModelTargetDown",
        "fires for a death soon after a long load",
        up("0x40 1x5 0x200"),
        {40: QUIET, 46: QUIET, 48: PENDING, 58: FIRING, 110: FIRING, 200: FIRING},
        "vllm",
        labels=TARGET,
    ),
    Case(
        "ModelTargetDown",
        "fires for the one pod of two",
        up("1x30") | up("0x30", P2),
        {15: PENDING, 17: FIRING},
        labels=TARGET_2,
    ),
    Case(
        "ModelTargetDown",
        "does not fire for a short outage",
        up("1x5 0x8 1x20"),
        {12: PENDING, 16: QUIET, 30: QUIET},
        labels=TARGET,
    ),
    Case("ModelTargetDown", "recovers", up("0x20 1x15"), {19: FIRING, 22: QUIET}, labels=TARGET),
    Case("ModelTargetDown", "ends with its pod", up("0x20 stale"), {19: FIRING, 22: QUIET}, labels=TARGET),
    Case("ModelTargetDown", "is off where the spec says so", up("0x30"), {20: QUIET}, "changed"),
]

# More than 2 restarts in 15 minutes, for 5.
CRASH_LOOPING = [
    Case(
        "ModelCrashLooping",
        "fires",
        restarts(EVERY_THREE),
        {15: QUIET, 16: PENDING, 20: PENDING, 21: FIRING, 40: FIRING},
        labels=POD,
    ),
    Case("ModelCrashLooping", "does not fire", restarts("0x9 1x5 2x50"), {15: QUIET, 21: QUIET, 40: QUIET}),
    Case(
        "ModelCrashLooping",
        "fires for one pod of two",
        restarts("7x60") | restarts(EVERY_THREE, P2),
        {21: FIRING},
        labels={"pod": P2},
    ),
    Case(
        "ModelCrashLooping",
        "does not fire for a pod of each of three",
        restarts("0x9 1x50") | restarts("0x11 1x50", P2) | restarts("0x13 1x50", P3),
        {16: QUIET, 21: QUIET},
    ),
    Case(
        "ModelCrashLooping",
        "does not end while the container waits the longest between two restarts",
        restarts(EVERY_SIX) | waiting(" ".join(["1x4 stale"] * 20)),
        dict.fromkeys(range(30, 42), FIRING),
        labels=POD,
    ),
    Case(
        "ModelCrashLooping",
        "does not end for a server that fails some minutes after each start",
        restarts(EVERY_TWELVE) | waiting(WAITS_OF_TWELVE),
        dict.fromkeys(range(60, 84, 3), FIRING),
        labels=POD,
    ),
    Case(
        "ModelCrashLooping",
        "fires for a container that is not started again",
        waiting("1x60"),
        {0: PENDING, 4: PENDING, 5: FIRING},
        labels=POD,
    ),
    Case(
        "ModelCrashLooping",
        "does not fire for a container that waits for something else",
        waiting("1x60", "ImagePullBackOff"),
        {6: QUIET},
    ),
    Case(
        "ModelCrashLooping",
        "does not fire for one end",
        restarts("3x9 4x60") | waiting("_x10 1x1 stale"),
        {16: QUIET, 20: QUIET},
    ),
    Case("ModelCrashLooping", "recovers", restarts(EVERY_THREE), {40: FIRING, 55: QUIET}, labels=POD),
]

# 1 minute, for an hour after the restart.
OUT_OF_MEMORY = [
    Case(
        "ModelOutOfMemory",
        "fires",
        killed("0x9 1x50") | restarts("0x9 1x50"),
        {9: QUIET, 10: PENDING, 11: FIRING, 40: FIRING},
        labels=POD,
    ),
    Case("ModelOutOfMemory", "does not fire", killed("0x60") | restarts("0x9 1x50"), {11: QUIET, 40: QUIET}),
    Case(
        "ModelOutOfMemory",
        "does not fire for what was long ago",
        killed("1x120") | restarts("4x120"),
        {11: QUIET, 100: QUIET},
    ),
    Case(
        "ModelOutOfMemory",
        "does not fire for the restart of another pod",
        killed("1x60") | restarts("4x60") | killed("0x60", P2) | restarts("0x9 1x50", P2),
        {11: QUIET, 40: QUIET},
    ),
    Case(
        "ModelOutOfMemory",
        "recovers",
        killed("0x9 1x120") | restarts("0x9 1x120"),
        {60: FIRING, 75: QUIET},
        labels=POD,
    ),
]

# 15 minutes.
ROLLOUT_STUCK = [
    Case(
        "ModelRolloutStuck",
        "fires",
        condition("1x40", "RolloutBlocked"),
        {0: PENDING, 14: PENDING, 15: FIRING, 40: FIRING},
        labels={"reason": "RolloutBlocked"},
    ),
    Case("ModelRolloutStuck", "does not fire", condition("1x40", "CrashLooping"), {1: QUIET, 16: QUIET, 40: QUIET}),
    *(
        Case(
            "ModelRolloutStuck",
            f"fires for {reason}",
            condition("1x40", reason),
            {15: FIRING},
            labels={"reason": reason},
        )
        for reason in (
            "ProgressDeadlineExceeded",
            "PodsRefused",
            "ImagePullFailed",
            "ContainerConfigInvalid",
            "Unschedulable",
            "Paused",
        )
    ),
    Case(
        "ModelRolloutStuck",
        "does not fire for another condition",
        condition("1x40", "PodsRefused", of="Ready"),
        {16: QUIET},
    ),
    Case(
        "ModelRolloutStuck",
        "does not fire for what is no problem",
        condition("1x40", "PodsRefused", status="Unknown"),
        {16: QUIET},
    ),
    Case(
        "ModelRolloutStuck",
        "recovers",
        condition("1x20 stale", "RolloutBlocked") | condition("_x21 1x20", "AsExpected", "True"),
        {20: FIRING, 22: QUIET},
        labels={"reason": "RolloutBlocked"},
    ),
]

# 15 minutes, 90 %.
VOLUME_FILLING = [
    Case(
        "ModelVolumeFillingUp",
        "fires",
        claim("0x9 95x60"),
        {9: QUIET, 10: PENDING, 24: PENDING, 25: FIRING},
        "claim",
        says="95%",
    ),
    Case("ModelVolumeFillingUp", "does not fire", claim("89x60"), {16: QUIET, 60: QUIET}, "claim"),
    Case(
        "ModelVolumeFillingUp", "does not fire without a claim", claim("95x60"), {16: QUIET, 60: QUIET}, scopes=(ONE,)
    ),
    Case(
        "ModelVolumeFillingUp",
        "does not fire for a claim that the model does not mount",
        claim("50x60") | claim("95x60", "data"),
        {16: QUIET},
        "claim",
    ),
    Case("ModelVolumeFillingUp", "fires at a limit of its own", claim("51x60"), {15: FIRING}, "changed"),
    Case("ModelVolumeFillingUp", "does not fire below a limit of its own", claim("49x60"), {15: QUIET}, "changed"),
    Case("ModelVolumeFillingUp", "recovers", claim("95x30 20x20"), {30: FIRING, 32: QUIET}, "claim"),
]

CASES = (
    *REPLICAS_MISSING,
    *TARGET_DOWN,
    *CRASH_LOOPING,
    *OUT_OF_MEMORY,
    *ROLLOUT_STUCK,
    *VOLUME_FILLING,
)
