"""Look at this machine: what tinygrad_adam finds, what is missing, and the command that gets it.

python -m tools.doctor              a table; the exit code is 1 if something needed is not there
python -m tools.doctor --json       the same for programs
python -m tools.doctor --strict     the exit code is 1 also if something optional is missing

Products of matrices are most of a training step on the CPU, and OpenBLAS, which computes them,
sometimes picks kernels for an older CPU than the one that it runs on. Then both kinds are measured,
and the table says which environment variable gives the better ones.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

CLONE = Path(__file__).resolve().parent.parent

# distribution: (module, the extra of tinygrad_adam that brings it, what it is for)
PACKAGES = {
    "graphviz": ("graphviz", "viz", "graph pictures, with dot"),
    "matplotlib": ("matplotlib", "viz", "curves and other plots"),
    "pooch": ("pooch", "examples", "downloading MNIST"),
    "safetensors": ("safetensors", "examples", "saving weights"),
    "scikit-learn": ("sklearn", "examples", "the digits and iris data"),
    "tqdm": ("tqdm", "examples", "progress bars"),
    "pytest": ("pytest", "test", "running the tests"),
    "hypothesis": ("hypothesis", "test", "running the tests"),
    "mpi4py": ("mpi4py", "", "training on several machines"),
}
# The first Python for which there is no Numba, as in setup.cfg.
NO_NUMBA = (3, 15)
# OpenBLAS's names for kernels without AVX-512, and for those without AVX2 as well.
WITHOUT_AVX512 = ("Haswell", "Zen", "Excavator", "Steamroller", "Piledriver", "Bulldozer")
WITHOUT_AVX2 = ("Sandybridge", "Nehalem", "Penryn", "Core2", "Katmai", "Prescott", "Barcelona")
PRODUCT = """
import time, numpy as np
a = np.ones((1024, 1024), np.float32)
times = []
for _ in range(8):
    start = time.perf_counter()
    a @ a
    times.append(time.perf_counter() - start)
print(2 * 1024**3 / min(times) / 1e9)
"""


class Finding(NamedTuple):
    """One line of the table."""

    name: str
    state: str
    """ok, hint (works, could be better), missing (optional), or broken (needed)."""
    found: str
    advice: str = ""


def version_of(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def install_clone(extra: str = "") -> str:
    """Return the command that installs this clone, with one of its extras."""
    return f'{sys.executable} -m pip install -e "{CLONE}{extra and f"[{extra}]"}"'


def check_python() -> Finding:
    found = f"{platform.python_version()} ({platform.python_implementation()}) {sys.executable}"
    if sys.version_info >= (3, 10):  # noqa: UP036 (this program also runs on older ones)
        return Finding("Python", "ok", found)
    return Finding("Python", "broken", found, "install Python 3.10 or newer")


def check_numpy() -> Finding:
    version = version_of("numpy")
    install = f'{sys.executable} -m pip install "numpy>=2.0"'
    if version is None:
        return Finding("NumPy", "broken", "not installed", install)
    if int(version.split(".")[0]) < 2:
        return Finding("NumPy", "broken", version, install)
    return Finding("NumPy", "ok", version)


def check_package() -> Finding:
    """Import the package itself."""
    try:
        import tinygrad_adam
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        return Finding("tinygrad_adam", "broken", text, install_clone())
    return Finding("tinygrad_adam", "ok", str(Path(tinygrad_adam.__file__).parent))


def cpu_features() -> set[str]:
    """Return the instruction sets that NumPy finds in this CPU, by NumPy's names."""
    import numpy as np

    sets = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return {name.upper() for names in ("baseline", "found") for name in sets.get(names, [])}


def better_kernels(chosen: str, features: set[str]) -> str | None:
    """Return what OPENBLAS_CORETYPE should say for this CPU, None if the choice is fine."""
    if features & {"AVX512_SKX", "X86_V4"} and chosen in WITHOUT_AVX512 + WITHOUT_AVX2:
        return "SkylakeX"
    if features & {"AVX2", "X86_V3"} and chosen in WITHOUT_AVX2:
        return "Haswell"
    return None


def product_speed(core_type: str | None = None) -> float | None:
    """Return the GFLOP/s of a product of large float32 matrices in a fresh process."""
    environment = dict(os.environ)
    if core_type:
        environment["OPENBLAS_CORETYPE"] = core_type
    result = subprocess.run(
        [sys.executable, "-c", PRODUCT], env=environment, capture_output=True, text=True
    )
    return float(result.stdout) if result.returncode == 0 else None


def blas_library() -> tuple[str, str]:
    """Return the file of NumPy's BLAS, and for which CPU OpenBLAS has chosen its kernels.

    Such as "SkylakeX"; "" for what is unknown.
    """
    from tinygrad_adam.backend.compiled import blas

    paths = blas.loaded_libraries() if blas.addresses() else []
    for path in paths:
        library = ctypes.CDLL(path)
        for start, end in itertools.product(("scipy_", ""), ("64_", "")):
            function = getattr(library, f"{start}openblas_get_corename{end}", None)
            if function is not None:
                function.restype = ctypes.c_char_p
                return path, (function() or b"").decode()
    return (paths[0] if paths else ""), ""


def check_kernels() -> Finding:
    """Say which kernels run on the CPU, and with which Numba."""
    from tinygrad_adam.backend import kernels_in_use

    try:
        used = kernels_in_use()
    except RuntimeError as error:
        return Finding("kernels", "broken", str(error), "unset TINYGRAD_ADAM_KERNELS")
    version = version_of("numba")
    numba = f"Numba {version or 'is not installed'}"
    if used == "compiled":
        return Finding("kernels", "ok", f"compiled; {numba}")
    if os.environ.get("TINYGRAD_ADAM_KERNELS"):
        return Finding("kernels", "ok", f"plain, as TINYGRAD_ADAM_KERNELS says; {numba}")
    if sys.version_info >= NO_NUMBA or platform.python_implementation() != "CPython":
        return Finding("kernels", "ok", "plain; Numba is not made for this Python")
    found = f"plain, two or three times slower; {numba}{' cannot be imported' * bool(version)}"
    return Finding("kernels", "missing", found, install_clone("fast"))


def check_blas(measure: bool = True) -> Finding:
    path, kernels = blas_library()
    if not path:
        return Finding(
            "BLAS",
            "hint",
            "a library that is not known: compiled convolutions multiply by plain loops",
            f"{sys.executable} -m pip install --force-reinstall numpy (brings OpenBLAS)",
        )
    found = Path(path).name + (f", kernels for {kernels}" if kernels else "")
    speed = product_speed() if measure else None
    if speed:
        found += f", {speed:.0f} GFLOP/s in float32"
    better = better_kernels(kernels, cpu_features())
    if better is None:
        return Finding("BLAS", "ok", found)
    faster = product_speed(better) if measure else None
    gain = f" ({faster:.0f} GFLOP/s)" if faster else ""
    if speed and faster and faster < 1.05 * speed:
        return Finding("BLAS", "ok", f"{found}; those for {better} are no faster{gain}")
    return Finding(
        "BLAS", "hint", found, f"export OPENBLAS_CORETYPE={better}{gain} before Python starts"
    )


def check_threads() -> Finding:
    from tinygrad_adam.backend import get_num_threads

    cpus = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cpus
    limit = os.environ.get("OMP_NUM_THREADS", "not set")
    used = get_num_threads()
    found = f"{used} for the kernels; {cpus} CPUs, {allowed} allowed, OMP_NUM_THREADS {limit}"
    if used < allowed:
        return Finding("threads", "hint", found, f"export OMP_NUM_THREADS={allowed}")
    return Finding("threads", "ok", found)


def check_cuda() -> Finding:
    """Look for an NVIDIA driver and its GPUs."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return Finding("CUDA", "missing", "no nvidia-smi", "install NVIDIA's driver for your GPU")
    query = [program, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    result = subprocess.run(query, capture_output=True, text=True)
    if result.returncode != 0 or not result.stdout.strip():
        words = (result.stderr or result.stdout).strip().splitlines() or ["no GPU"]
        return Finding("CUDA", "missing", words[0], "see what nvidia-smi says")
    return Finding("CUDA", "ok", "; ".join(result.stdout.strip().splitlines()))


def check_cupy() -> Finding:
    install = install_clone("gpu")
    if importlib.util.find_spec("cupy") is None:
        return Finding("CuPy", "missing", "not installed: needed for device 'cuda'", install)
    try:
        import cupy

        if not cupy.cuda.is_available():
            return Finding("CuPy", "missing", f"{cupy.__version__}, finds no GPU", "see CUDA")
        runtime = cupy.cuda.runtime.runtimeGetVersion()
    except Exception as error:
        return Finding("CuPy", "missing", f"{type(error).__name__}: {error}", install)
    cuda = f"CUDA {runtime // 1000}.{runtime % 1000 // 10}"
    return Finding("CuPy", "ok", f"{cupy.__version__}, {cuda}")


def check_dot() -> Finding:
    from tinygrad_adam.viz.extras import how_to_install_dot

    program = shutil.which("dot")
    if program is None:
        return Finding("dot", "missing", "needed for graph pictures", how_to_install_dot())
    result = subprocess.run([program, "-V"], capture_output=True, text=True)
    return Finding("dot", "ok", (result.stderr or result.stdout).strip())


def check_packages() -> list[Finding]:
    findings = []
    for name, (module, extra, purpose) in PACKAGES.items():
        version = version_of(name)
        if version is not None and importlib.util.find_spec(module):
            findings.append(Finding(name, "ok", f"{version}, {purpose}"))
            continue
        install = install_clone(extra) if extra else f"{sys.executable} -m pip install {name}"
        findings.append(Finding(name, "missing", f"not installed: {purpose}", install))
    return findings


def examine(measure: bool = True) -> list[Finding]:
    """Return all findings. What needs NumPy is left out where NumPy is not right."""
    findings = [check_python(), check_numpy()]
    if all(finding.state == "ok" for finding in findings):
        findings.append(check_package())
    if all(finding.state == "ok" for finding in findings):
        chosen = check_kernels()
        findings += [chosen, check_blas(measure), check_dot()]
        findings += [check_threads()] if chosen.state != "broken" else []
    return [*findings, check_cuda(), check_cupy(), *check_packages()]


def table(findings: list[Finding]) -> str:
    lines = []
    for name, state, found, advice in findings:
        lines.append(f"{state:8}{name:15}{found}")
        if advice:
            lines.append(f"{'':23}-> {advice}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    parser.add_argument("--strict", action="store_true", help="fail if anything is missing")
    parser.add_argument("--no-measure", action="store_true", help="multiply no matrices")
    options = parser.parse_args(arguments)
    findings = examine(measure=not options.no_measure)
    bad = {"broken", "missing"} if options.strict else {"broken"}
    healthy = all(finding.state not in bad for finding in findings)
    if options.json:
        print(json.dumps({"ok": healthy, "findings": [f._asdict() for f in findings]}, indent=2))
    else:
        print(table(findings))
    return 0 if healthy else 1


if __name__ == "__main__":
    raise SystemExit(main())
