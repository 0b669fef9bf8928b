"""Signatures by cosign, with a key or with an identity."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .checksums import SUMS
from .commands import run

PROVENANCE = "provenance.intoto.json"
BUNDLE = ".sigstore.json"


@dataclass(frozen=True)
class Signer:
    """Who signs: a key, as cosign names one, or the identity that cosign finds; and options for each signature."""

    key: str | None = None
    identity: bool = False
    options: str = ""

    def __bool__(self) -> bool:
        return bool(self.key or self.identity)

    def cosign(self, command: str, *words: str | Path) -> None:
        """Run one of cosign's commands that sign."""
        by_key = ["--key", self.key] if self.key else []
        run("cosign", command, "--yes", *by_key, *shlex.split(self.options), *words)


def sign_files(folder: Path, signer: Signer) -> None:
    """Sign the checksums, and attest the provenance, each into a bundle beside it."""
    sums, provenance = folder / SUMS, folder / PROVENANCE
    signer.cosign("sign-blob", f"--bundle={sums}{BUNDLE}", sums)
    signer.cosign("attest-blob", f"--bundle={provenance}{BUNDLE}", f"--statement={provenance}")


def sign_pushed(reference: str, signer: Signer, attestations: Sequence[tuple[str, Path]], *, plain_http: bool) -> None:
    """Sign what a registry has under a digest, and attest predicates of these types about it."""
    registry = ["--allow-http-registry"] if plain_http else []
    signer.cosign("sign", *registry, reference)
    for kind, predicate in attestations:
        signer.cosign("attest", *registry, f"--type={kind}", f"--predicate={predicate}", reference)
