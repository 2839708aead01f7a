"""The one choice between plain and compiled kernels: by dtype, by what there is, or forced."""

import inspect
import os
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_adam as torch
from tests.backend.both import without_numba
from tinygrad_adam import backend
from tinygrad_adam.backend import compiled, plain

PROGRAM = """
import sys
{before}
import numpy as np
import tinygrad_adam as torch
from tinygrad_adam import backend
assert "numba" not in sys.modules or not {clean}
print(backend.kernels_in_use(), (torch.ones(3) * 2).relu().tolist())
"""
NOT_THERE = """
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "numba":
            raise ImportError("No module named 'numba'", name=name)
sys.meta_path.insert(0, Finder())
"""


def run(wanted=None, before=""):
    environment = {**os.environ, "TINYGRAD_ADAM_KERNELS": wanted or ""}
    program = PROGRAM.format(before=before, clean=not before)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "before", "used"),
    [
        pytest.param("compiled", "", "compiled", marks=without_numba),
        pytest.param(None, "", "compiled", marks=without_numba),
        ("plain", "", "plain"),
        (None, NOT_THERE, "plain"),
    ],
)
def test_in_a_fresh_process(wanted, before, used):
    result = run(wanted, before)
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{used} [2.0, 2.0, 2.0]\n"


@pytest.mark.parametrize(
    ("wanted", "before", "text"),
    [
        ("fast", "", """TINYGRAD_ADAM_KERNELS must be "plain" or "compiled", not 'fast'"""),
        ("compiled", NOT_THERE, "TINYGRAD_ADAM_KERNELS=compiled needs Numba: No module named"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_clear_error(wanted, before, text):
    result = run(wanted, before)
    assert result.returncode == 1
    assert f"RuntimeError: {text}" in result.stderr


@without_numba
def test_the_plain_ones_do_not_import_numba():
    program = "import sys, tinygrad_adam as t; t.ones(3).relu(); sys.exit('numba' in sys.modules)"
    environment = {**os.environ, "TINYGRAD_ADAM_KERNELS": "plain"}
    assert subprocess.run([sys.executable, "-c", program], env=environment).returncode == 0


@pytest.fixture
def with_compiled(monkeypatch):
    """As in a process with Numba."""
    choice = sys.modules["tinygrad_adam.backend.kernels"]
    monkeypatch.setattr(choice, "_on_cpu", lambda: compiled)


def test_the_choice_is_by_all_arrays(with_compiled):
    one, none = np.ones(2, np.float32), np.ones(0, np.float32)
    assert backend.kernels(one) is backend.kernels(np.ones(())) is compiled
    assert backend.kernels(one, one) is compiled
    for dtype in (np.float16, np.int64, np.uint8, bool, np.complex64):
        assert backend.kernels(np.ones(2, dtype)) is plain
        assert backend.kernels(one, np.ones(2, dtype)) is plain
    assert backend.kernels(none) is backend.kernels(one, none) is plain
    assert backend.kernels(one, one.astype(np.float64)) is plain


def test_all_kinds_have_the_same_kernels():
    from tinygrad_adam.backend import cuda

    def names(module):
        return {name for name, value in vars(module).items() if inspect.isfunction(value)}

    assert names(plain) == names(compiled)
    assert names(cuda) < names(plain) | {"__getattr__"}
    for name in names(plain):
        own = inspect.signature(getattr(plain, name)).parameters
        for module in (compiled, cuda):
            others = inspect.signature(getattr(module, name)).parameters
            assert [(p.name, p.default) for p in own.values()] == [
                (p.name, p.default) for p in others.values()
            ]
    with pytest.raises(AttributeError):
        _ = cuda.something_else


def test_updates_of_several_dtypes_in_one_step():
    ws = [np.ones(3, dtype) for dtype in (np.float16, np.float32, np.float64)] + [np.ones(0)]
    updates = [
        backend.Update(backend.kernels(w).sgd_update, [w, np.ones_like(w)], {"lr": 0.5}) for w in ws
    ]
    backend.run_updates(updates)
    assert [w.tolist() for w in ws] == [[0.5] * 3] * 3 + [[]]


def test_infinity_and_nan_pass_through_updates_without_a_warning():
    for dtype in (np.float16, np.float32):
        w, m, v = np.ones(4, dtype), np.zeros(4, dtype), np.zeros(4, dtype)
        g = np.array([np.inf, -np.inf, np.nan, np.finfo(dtype).max], dtype)
        options = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "correction1": 0.1, "correction2": 0.01}
        rule = backend.kernels(w).adam_update
        backend.run_updates([backend.Update(rule, [w, g, m, v], {**options, "eps": 0.0})])
        assert np.isnan(w[:3]).all()


@pytest.mark.parametrize("kind", [plain, compiled])
def test_the_number_of_threads(kind, monkeypatch):
    choice = sys.modules["tinygrad_adam.backend.kernels"]
    monkeypatch.setattr(choice, "_on_cpu", lambda: kind)
    before = torch.get_num_threads()
    assert before >= 1
    torch.set_num_threads(1)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)
    assert torch.get_num_threads() == before
    with pytest.raises(ValueError, match="set_num_threads expects a positive integer"):
        torch.set_num_threads(0)


def test_omp_num_threads_is_an_upper_bound():
    program = "import tinygrad_adam as t; print(t.get_num_threads())"
    for kind in ("plain", ""):
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "",
            "TINYGRAD_ADAM_KERNELS": kind,
        }
        result = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True
        )
        assert result.stdout.strip() == "1", result.stderr
