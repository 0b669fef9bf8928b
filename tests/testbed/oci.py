"""OCI archives put together from tars, and the cache they are kept in, without a registry or a container engine.

Layers are plain tars, so a layer's digest is also its diff id. Members carry no time and no owner of this machine:
equal content has an equal digest, and what has been built once is found again.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import platform
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@dataclass(frozen=True)
class Layer:
    """A cached tar and its sha256, as hexadecimal digits."""

    tar: Path
    digest: str


@dataclass(frozen=True)
class Image:
    """An archive and the full name under which a pod asks for it."""

    name: str
    archive: Path


@dataclass(frozen=True)
class Runs:
    """What a container of an image runs, when the pod does not say otherwise."""

    entrypoint: Sequence[str]
    user: str
    env: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"

    def config(self) -> dict[str, object]:
        """As the image's configuration has it."""
        return {
            "Entrypoint": list(self.entrypoint),
            "User": self.user,
            "Env": [f"{name}={value}" for name, value in {"PATH": "/usr/bin:/bin", **self.env}.items()],
            "WorkingDir": self.folder,
        }


def archive(name: str, layers: Sequence[Layer], runs: Runs) -> Image:
    """The archive of an image; a name without a tag gets its digest as the tag."""
    config = _json(
        {
            "architecture": ARCHITECTURE,
            "os": "linux",
            "config": runs.config(),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("config.v1+json", _sha(config), len(config)),
            "layers": [_descriptor("layer.v1.tar", layer.digest, layer.tar.stat().st_size) for layer in layers],
        }
    )
    digest = _sha(manifest)
    repository, _, tag = name.partition(":")
    tag = tag or digest[:12]
    annotations = {"io.containerd.image.name": f"{repository}:{tag}", "org.opencontainers.image.ref.name": tag}
    entry = _descriptor("manifest.v1+json", digest, len(manifest)) | {"annotations": annotations}

    def build(path: Path) -> None:
        with tarfile.open(path, "w") as out:
            add_bytes(out, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
            add_bytes(out, "index.json", _json({"schemaVersion": 2, "manifests": [entry]}))
            for blob in (config, manifest):
                add_bytes(out, f"blobs/sha256/{_sha(blob)}", blob)
            for layer in layers:
                add_file(out, f"blobs/sha256/{layer.digest}", layer.tar)

    path = cached(f"archives/{repository.rpartition('/')[2]}", f"{key(tag, digest)}.tar", build)
    forget_older(path)
    return Image(f"{repository}:{tag}", path)


def layer(layer_key: str, build: Callable[[Path], None], what: str | None = None) -> Layer:
    """The cached layer of this key; `build` writes its tar."""
    tar = cached("layers", f"{layer_key}.tar", build, what)
    noted = cached("layers", f"{layer_key}.sha256", lambda path: _write(path, digest_of(tar)))
    return Layer(tar, noted.read_text())


def cached(folder: str, name: str, build: Callable[[Path], None], what: str | None = None) -> Path:
    """The cached file, built first if it is not there; several runs may ask for it at once."""
    path = cache() / folder / name
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            if what:
                print(f"building {what}", flush=True)
            partial = path.with_name(f"{name}.partial")
            partial.unlink(missing_ok=True)  # of a run that was killed
            build(partial)
            partial.rename(path)
    return path


def cache() -> Path:
    """Where images are kept between runs."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "monitored-models" / "images"


def key(*parts: object) -> str:
    """A short digest of what a cached file depends on."""
    return _sha(_json(parts))[:24]


def digest_of(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def add_folder(out: tarfile.TarFile, name: str, mode: int = 0o755, owner: int = 0) -> None:
    """Add an empty folder."""
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.uid, member.gid = tarfile.DIRTYPE, mode, owner, owner
    out.addfile(member)


def add_bytes(out: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file with this content."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    out.addfile(member, io.BytesIO(content))


def add_file(out: tarfile.TarFile, name: str, source: Path, mode: int = 0o644) -> None:
    """Add a copy of a file."""
    member = tarfile.TarInfo(name)
    member.mode = mode
    with source.open("rb") as content:
        member.size = os.fstat(content.fileno()).st_size
        out.addfile(member, content)


def add_tree(out: tarfile.TarFile, name: str, source: Path) -> None:
    """Add a folder and all that is below it."""
    add_folder(out, name)
    for path in sorted(source.rglob("*")):
        target = f"{name}/{path.relative_to(source)}"
        if path.is_dir():
            add_folder(out, target)
        else:
            add_file(out, target, path, mode=0o755 if os.access(path, os.X_OK) else 0o644)


def forget_older(path: Path, keep: int = 2) -> None:
    # An archive can be half a gigabyte, and every edit of what is in it makes another.
    os.utime(path)
    for old in sorted(path.parent.glob("*.tar"), key=lambda each: each.stat().st_mtime, reverse=True)[keep:]:
        old.unlink(missing_ok=True)


def _descriptor(kind: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": size}


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
