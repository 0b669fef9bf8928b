from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from releasing import checksums, source
from releasing.commands import ReleaseError, run

TIME = 1_770_000_000


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "someone")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "someone@example.com")
        monkeypatch.setenv(f"GIT_{who}_DATE", f"{TIME} +0100")
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / ".gitignore").write_text("*.log\n")
    (folder / "a.txt").write_text("a")
    (folder / "b.sh").write_text("b")
    (folder / "b.sh").chmod(0o755)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=first")
    return folder


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True)  # noqa: S607


def test_a_clean_commit_has_its_time_and_its_version_tags(repository: Path) -> None:
    (repository / "ignored.log").write_text("")
    git(repository, "tag", "v1.2.3")
    git(repository, "tag", "experiment")
    commit = source.clean_commit(repository)
    assert len(commit.commit) == 40
    assert (commit.time, commit.tags) == (TIME, ("1.2.3",))


@pytest.mark.parametrize("name", ["a.txt", "new.txt"])
def test_a_tree_that_differs_from_its_commit_is_refused(repository: Path, name: str) -> None:
    (repository / name).write_text("changed")
    with pytest.raises(ReleaseError, match=rf"(?s)commit.*{name}"):
        source.clean_commit(repository)


def test_an_export_has_the_modes_and_the_time_of_the_commit(repository: Path, tmp_path: Path) -> None:
    (repository / "ignored.log").write_text("")
    before = os.umask(0o077)
    try:
        source.export(repository, source.clean_commit(repository), tmp_path / "tree")
    finally:
        os.umask(before)
    found = {path.name: path.stat() for path in (tmp_path / "tree").iterdir()}
    assert {name: stat.st_mode & 0o777 for name, stat in found.items()} == {
        ".gitignore": 0o644,
        "a.txt": 0o644,
        "b.sh": 0o755,
    }
    assert {stat.st_mtime for stat in found.values()} == {TIME}


def test_a_missing_program_is_named() -> None:
    with pytest.raises(ReleaseError, match="no-such-program"):
        run("no-such-program")


def test_a_program_that_fails_is_quoted(repository: Path) -> None:
    with pytest.raises(ReleaseError, match="no-such-command"):
        run("git", "no-such-command", cwd=repository)


def test_checksums_name_the_file_that_was_changed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    checksums.write(tmp_path)
    checksums.verify(tmp_path)
    (tmp_path / "b").write_text("other")
    with pytest.raises(ReleaseError, match="disagrees with b:"):
        checksums.verify(tmp_path)
