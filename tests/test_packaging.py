"""The wheel: built, looked into, installed elsewhere and imported. And what setup.cfg promises."""

import ast
import configparser
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import tinygrad_adam
from tinygrad_adam.backend.extras import EXTRAS

ROOT = Path(__file__).parent.parent
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy to build from: setuptools leaves build/ and an egg-info folder where it works."""
    source = tmp_path_factory.mktemp("source")
    for path in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        (source / path).write_bytes((ROOT / path).read_bytes())
    for path in (ROOT / "tinygrad_adam").rglob("*"):
        if path.suffix in (".py", ".typed", ".txt"):
            copy = source / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    return source


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    pytest.importorskip("build")
    out = tmp_path_factory.mktemp("wheel")
    # Without isolation: with it, pip would fetch setuptools from the network.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return path


def test_the_wheel_has_every_module_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {name for name in names if name.startswith("tinygrad_adam/")}
    modules = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("tinygrad_adam/**/*.py")}
    assert package == {*modules, "tinygrad_adam/py.typed", "tinygrad_adam/pytorch_names.txt"}
    assert {name.split("/")[0] for name in names - package} == {
        f"tinygrad_adam-{tinygrad_adam.__version__}.dist-info"
    }
    assert any(name.endswith("LICENSE") for name in names)


def test_the_wheel_is_for_every_platform(wheel):
    assert wheel.name == f"tinygrad_adam-{tinygrad_adam.__version__}-py3-none-any.whl"


def test_the_installed_wheel_works(wheel, tmp_path):
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", target, wheel], check=True, capture_output=True)
    program = (
        "import tinygrad_adam as torch\n"
        "x = torch.tensor([3.0], requires_grad=True)\n"
        "(x * x).sum().backward()\n"
        "print(torch.__file__, x.grad.item())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
    )
    place, gradient = done.stdout.rsplit(maxsplit=1)
    assert Path(place).is_relative_to(target)
    assert gradient == "6.0"


def test_an_editable_install_is_a_path_that_type_checkers_follow(source, tmp_path):
    # mypy and pyright read a line of a .pth file; a hook of the import system they do not run.
    program = "import sys, setuptools.build_meta as build; build.build_editable(sys.argv[1])"
    command = [sys.executable, "-c", program, tmp_path]
    subprocess.run(command, check=True, capture_output=True, cwd=source)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if ".dist-info/" not in name)
        assert path.endswith(".pth")
        assert Path(archive.read(path).decode().strip()).samefile(source)


def test_the_source_distribution_has_every_module(source, tmp_path):
    program = "import sys, setuptools.build_meta as build; build.build_sdist(sys.argv[1])"
    command = [sys.executable, "-c", program, tmp_path]
    subprocess.run(command, check=True, capture_output=True, cwd=source)
    (path,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    modules = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("tinygrad_adam/**/*.py")}
    assert {*modules, "tinygrad_adam/py.typed", "setup.cfg", "LICENSE", "README.md"} <= names


def test_a_hint_names_an_extra_that_brings_the_package():
    for package, extra in EXTRAS.items():
        packages = SETUP["options.extras_require"].get(extra, raw=True)
        # What comes with another one is no line of its own.
        assert package in packages or (package, extra) == ("pillow", "viz")


def test_nothing_tells_to_install_from_an_index_that_does_not_have_it():
    wrong = re.compile(r"install.{1,4}tinygrad.adam")
    for folder in ("tinygrad_adam", "tools", "examples"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not wrong.search(path.read_text(encoding="utf-8")), path
    assert not wrong.search((ROOT / "README.md").read_text(encoding="utf-8"))


def test_metadata():
    assert SETUP["metadata"]["license"] == "MIT"
    assert SETUP["options"]["python_requires"] == ">=3.10"
    assert "numpy>=2.0" in SETUP["options"]["install_requires"].split()
    assert {"gpu", "viz", "examples", "test", "dev"} <= set(SETUP["options.extras_require"])


def imported_packages(path):
    """Yield the first part of the name of everything that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


def test_every_outside_package_that_is_imported_can_be_installed_with_an_extra():
    offered = SETUP["options"]["install_requires"] + "".join(
        SETUP["options.extras_require"].get(extra, raw=True)
        for extra in ("gpu", "fast", "viz", "examples", "tensorboard")
    )
    distributions = {"sklearn": "scikit-learn", "cupyx": "cupy", "llvmlite": "numba"}
    for path in (ROOT / "tinygrad_adam").rglob("*.py"):
        for package in set(imported_packages(path)) - sys.stdlib_module_names - {"tinygrad_adam"}:
            assert distributions.get(package, package) in offered, f"{path} imports {package}"


def test_the_extras_name_what_they_include(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = archive.read(name).decode()
    for line in (
        "Requires-Python: >=3.10",
        "Requires-Dist: numpy>=2.0",
        'Requires-Dist: matplotlib>=3.8; extra == "viz"',
        'Requires-Dist: matplotlib>=3.8; extra == "examples"',
        'Requires-Dist: tqdm>=4.66; extra == "test"',
        'Requires-Dist: pytest>=8; extra == "dev"',
    ):
        assert line in metadata.splitlines()
