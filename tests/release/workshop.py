"""What the tests of a release need: clones of the working tree as a commit, `make` in them, a registry, a key, and the docs' commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from testbed import tools
from testbed.processes import free_port, start, wait_for_url

ROOT = Path(__file__).parents[2]
TIME = 1_770_000_000
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "tests"), ("EMAIL", "tests@example.com"), ("DATE", f"{TIME} +0000"))
}


def commit_working_tree(folder: Path) -> str:
    """Make a repository with one commit of the files as they are now, and return the commit."""
    listed = _run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    _run(["git", "init", "--quiet"], folder)
    _run(["git", "add", "."], folder)
    _run(["git", "commit", "--quiet", "--message=release"], folder, _IDENTITY)
    return _run(["git", "rev-parse", "HEAD"], folder).strip()


def clone(repository: Path, folder: Path) -> None:
    """Clone a repository, with the environment that runs this as its `.venv`."""
    _run(["git", "clone", "--quiet", str(repository), str(folder)], repository)
    (folder / ".venv").symlink_to(sys.prefix)
    with (folder / ".git/info/exclude").open("a") as exclude:
        exclude.write(".venv\n")


def make(target: str, folder: Path, arguments: Mapping[str, str], *, umask: int = 0o022, zone: str = "UTC") -> None:
    """Run one of make's targets in a clone. The environment is complete, whatever the times of its files are."""
    command = ["make", "--old-file=.venv/.complete", target, *(f"{name}={value}" for name, value in arguments.items())]
    _run(command, folder, {"TZ": zone, "COSIGN_PASSWORD": ""}, umask=umask)


def make_fails(target: str, folder: Path, arguments: Mapping[str, str]) -> str:
    """Run a target that must fail, and return its messages."""
    try:
        make(target, folder, arguments)
    except AssertionError as failure:
        return str(failure)
    raise AssertionError(f"make {target} succeeded")


def key_pair(folder: Path) -> str:
    """Generate a key, and configurations without any service of Sigstore; returns the options that sign with these."""
    for words in (
        ["generate-key-pair"],
        ["signing-config", "create", "--out=signing-config.json"],
        ["trusted-root", "create", "--out=trusted-root.json"],
    ):
        _run(["cosign", *words], folder, program_path("cosign") | {"COSIGN_PASSWORD": ""})
    return f"--signing-config={folder}/signing-config.json --trusted-root={folder}/trusted-root.json"


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """A registry on loopback; its address."""
    address = f"127.0.0.1:{free_port()}"
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": address, "secret": "of this test"},
    }
    (folder / "registry.yaml").write_text(yaml.safe_dump(config))
    command: list[str | Path] = [tools.ensure("registry")["registry"], "serve", folder / "registry.yaml"]
    # Whatever the caller has set must not send traces anywhere.
    environment = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
    process = start("registry", command, log=folder / "registry.log", env=environment)
    try:
        wait_for_url(f"http://{address}/v2/", processes=[process])
        yield address
    finally:
        process.kill()


def documented_commands() -> tuple[str, str]:
    """The commands of docs/releasing.md that verify downloaded files, and those that verify what is in a registry."""
    page = (ROOT / "docs/releasing.md").read_text()
    chapter = page.split("\n## Verify\n")[1].split("\n## ")[0]
    files, pushed = re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)
    return files, pushed


def verify(commands: str, folder: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the docs' commands in a folder, until one fails."""
    environment = {**os.environ, **program_path("cosign", "crane"), **variables}
    command = ["bash", "-euxo", "pipefail", "-c", commands]
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)


def program_path(*names: str) -> dict[str, str]:
    """A PATH with these programs."""
    folders = [str(path.parent) for path in tools.ensure(*names).values()]
    return {"PATH": os.pathsep.join([*folders, os.environ["PATH"]])}


def _run(command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None, *, umask: int = -1) -> str:
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(
        command, cwd=folder, env=environment, umask=umask, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout
