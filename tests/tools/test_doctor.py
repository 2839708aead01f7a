"""tools.doctor: what it finds here, and what it would say on other machines."""

import json
import os
import subprocess
import sys

import pytest

from tests.programs import ROOT
from tinygrad_adam import backend
from tools import doctor


def run(*options):
    command = [sys.executable, "-m", "tools.doctor", *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_as_a_program():
    result = run("--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["ok"] is True
    found = {finding["name"]: finding for finding in report["findings"]}
    for name in ("Python", "NumPy", "tinygrad_adam"):
        assert found[name]["state"] == "ok"
    assert {"kernels", "BLAS", "threads", "dot", "CUDA", "CuPy", "matplotlib"} <= set(found)
    for finding in found.values():
        assert (finding["state"] == "ok") == (finding["advice"] == "")


def test_a_table_with_the_command_under_what_is_missing():
    text = doctor.table(
        [doctor.Finding("NumPy", "ok", "2.4"), doctor.Finding("dot", "missing", "no", "get it")]
    )
    assert [line.split() for line in text.splitlines()] == [
        ["ok", "NumPy", "2.4"], ["missing", "dot", "no"], ["->", "get", "it"]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "features", "better"),
    [
        ("Haswell", {"AVX2", "AVX512F", "AVX512_SKX"}, "SkylakeX"),
        ("Zen", {"X86_V2", "X86_V3", "X86_V4"}, "SkylakeX"),
        ("Prescott", {"AVX2", "FMA3"}, "Haswell"),
        ("Sandybridge", {"AVX"}, None),
        ("Haswell", {"AVX2"}, None),
        ("SkylakeX", {"AVX2", "AVX512_SKX"}, None),
        ("neoversen1", {"NEON", "ASIMD"}, None),
        ("", {"AVX2", "AVX512_SKX"}, None),
    ],
)
def test_which_kernels_would_be_better(chosen, features, better):
    assert doctor.better_kernels(chosen, features) == better


def test_the_hint_names_the_variable_and_both_speeds(monkeypatch):
    library = ("/lib/libopenblas.so", "Haswell")
    monkeypatch.setattr(doctor, "blas_library", lambda: library)
    monkeypatch.setattr(doctor, "cpu_features", lambda: {"AVX512_SKX"})
    monkeypatch.setattr(doctor, "product_speed", lambda core=None: 200.0 if core else 100.0)
    finding = doctor.check_blas()
    assert finding.state == "hint"
    assert "100 GFLOP/s" in finding.found
    assert "OPENBLAS_CORETYPE=SkylakeX (200 GFLOP/s)" in finding.advice
    monkeypatch.setattr(doctor, "product_speed", lambda core=None: 100.0)
    assert doctor.check_blas().state == "ok"
    library = ("", "")
    assert doctor.check_blas().state == "hint"


def test_a_product_is_measured():
    assert doctor.product_speed() > 0
    assert doctor.cpu_features()


def test_what_is_needed_and_what_is_optional(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "version_of", lambda name: None)
    numpy = doctor.check_numpy()
    assert (numpy.state, "numpy>=2.0" in numpy.advice) == ("broken", True)
    assert {finding.state for finding in doctor.check_packages()} == {"missing"}
    assert doctor.main(["--no-measure"]) == 1
    monkeypatch.setattr(doctor, "version_of", lambda name: "1.26.4")
    assert doctor.check_numpy().state == "broken"
    optional = doctor.Finding("dot", "missing", "no", "get it")
    monkeypatch.setattr(doctor, "examine", lambda measure: [optional])
    assert doctor.main([]) == 0
    assert doctor.main(["--strict"]) == 1
    capsys.readouterr()


def test_programs_that_are_not_there(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert doctor.check_dot().advice
    assert doctor.check_cuda().state == "missing"


def test_fewer_threads_than_cpus(monkeypatch):
    monkeypatch.setattr(backend, "get_num_threads", lambda: 0)
    assert "OMP_NUM_THREADS=" in doctor.check_threads().advice


def test_which_kernels_run_and_which_numba(monkeypatch):
    monkeypatch.setattr(backend, "kernels_in_use", lambda: "compiled")
    monkeypatch.setattr(doctor, "version_of", lambda name: "0.61")
    finding = doctor.check_kernels()
    assert (finding.state, finding.found) == ("ok", "compiled; Numba 0.61")
    monkeypatch.setattr(backend, "kernels_in_use", lambda: "plain")
    monkeypatch.setenv("TINYGRAD_ADAM_KERNELS", "plain")
    assert "as TINYGRAD_ADAM_KERNELS says; Numba 0.61" in doctor.check_kernels().found
    monkeypatch.delenv("TINYGRAD_ADAM_KERNELS")
    assert "cannot be imported" in doctor.check_kernels().found
    monkeypatch.setattr(doctor, "version_of", lambda name: None)
    finding = doctor.check_kernels()
    assert (finding.state, "[fast]" in finding.advice) == ("missing", True)
    monkeypatch.setattr(doctor, "NO_NUMBA", (3, 0))
    assert doctor.check_kernels().state == "ok"


def test_a_wish_for_kernels_that_cannot_be_had():
    environment = {**os.environ, "TINYGRAD_ADAM_KERNELS": "fast"}
    command = [sys.executable, "-m", "tools.doctor", "--no-measure", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    found = {finding["name"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert found["kernels"]["state"] == "broken"
    assert result.returncode == 1
