"""Build step of the image: removes what the operator does not run, and compiles the rest.

Bytecode is checked by nothing at run time, because the root file system is read-only: an import must not depend on the
times of source files.
"""

from __future__ import annotations

import compileall
import py_compile
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

TESTS = ("test", "tests")
INSTALLERS = ("pip", "setuptools", "wheel", "ensurepip", "pkg_resources", "_distutils_hack")
UNUSED = ("idlelib", "lib2to3", "tkinter", "turtledemo", "test", "pydoc_data")


def trim_packages(folder: Path) -> None:
    """Remove tests from the packages in the folder, and compile the rest."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and path.name in TESTS:
            shutil.rmtree(path)
    compiled = compileall.compile_dir(
        folder, quiet=1, workers=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    if not compiled:
        raise SystemExit(f"some files in {folder} do not compile")


def trim_base() -> None:
    """Remove installers and unused parts of Python from this very image, and show that the operator can be imported."""
    check = [sys.executable, "-c", "import monitored_models.cli.main, monitored_models.process.operator"]
    subprocess.run(check, check=True, env={"PYTHONPATH": "/app", "PYTHONDONTWRITEBYTECODE": "1"})  # noqa: S603
    library = Path(sysconfig.get_path("stdlib"))
    sites = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    places = {library, *sites, library.parent / "python3/dist-packages"}
    for place in sorted(places):
        for name in (*INSTALLERS, *UNUSED):
            for found in [place / name, *place.glob(f"{name}-*.dist-info")]:
                shutil.rmtree(found, ignore_errors=True)
    scripts = Path(sysconfig.get_path("scripts"))
    for script in [*scripts.glob("pip*"), *scripts.glob("idle*"), *scripts.glob("2to3*")]:
        script.unlink()
    Path(__file__).unlink()


if __name__ == "__main__":
    if sys.argv[1:] == ["--base"]:
        trim_base()
    else:
        trim_packages(Path(sys.argv[1]))
