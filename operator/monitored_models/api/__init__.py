"""What users write: the typed spec, its rules, the parser, and the CRDs made from them. Pure."""

from .layering import DEFAULT_PROFILE, PlatformDefaults, ProfileSpec
from .model import (
    API_VERSION,
    GROUP,
    KIND,
    PLURAL,
    PROFILE_KIND,
    PROFILE_PLURAL,
    RESTARTED_AT,
    VERSION,
    InvalidSpec,
    Model,
    MonitoringProfile,
    Problem,
    UnmetReason,
    UnmetRequest,
)
from .parser import parse, parse_profile, profile_name, profile_problems, restarted_at
from .spec import Spec

__all__ = [
    "API_VERSION",
    "DEFAULT_PROFILE",
    "GROUP",
    "KIND",
    "PLURAL",
    "PROFILE_KIND",
    "PROFILE_PLURAL",
    "RESTARTED_AT",
    "VERSION",
    "InvalidSpec",
    "Model",
    "MonitoringProfile",
    "PlatformDefaults",
    "Problem",
    "ProfileSpec",
    "Spec",
    "UnmetReason",
    "UnmetRequest",
    "parse",
    "parse_profile",
    "profile_name",
    "profile_problems",
    "restarted_at",
]
