"""What users write: the typed spec, its rules, the parser, and the CRDs made from them. Pure."""

from .layering import DEFAULT_PROFILE, Platform, Shared
from .parser import (
    API_VERSION,
    GROUP,
    KIND,
    PLURAL,
    PROFILE_KIND,
    PROFILE_PLURAL,
    VERSION,
    InvalidSpec,
    Model,
    MonitoringProfile,
    Note,
    Problem,
    parse,
    parse_profile,
    profile_name,
    read_shared,
)
from .spec import Spec

__all__ = [
    "API_VERSION",
    "DEFAULT_PROFILE",
    "GROUP",
    "KIND",
    "PLURAL",
    "PROFILE_KIND",
    "PROFILE_PLURAL",
    "VERSION",
    "InvalidSpec",
    "Model",
    "MonitoringProfile",
    "Note",
    "Platform",
    "Problem",
    "Shared",
    "Spec",
    "parse",
    "parse_profile",
    "profile_name",
    "read_shared",
]
