"""What users write: the typed spec, its rules, the parser, and the CRD made from them. Pure."""

from .parse import API_VERSION, GROUP, KIND, PLURAL, VERSION, InvalidSpec, Model, Problem, parse
from .spec import Spec

__all__ = [
    "API_VERSION",
    "GROUP",
    "KIND",
    "PLURAL",
    "VERSION",
    "InvalidSpec",
    "Model",
    "Problem",
    "Spec",
    "parse",
]
