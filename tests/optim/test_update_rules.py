"""The update rules on arrays: in any memory layout, of any size, and as texts of CUDA kernels."""

import inspect

import numpy as np
import pytest

from tests.backend.both import both_kinds
from tinygrad_adam.backend import Update, plain, run_updates
from tinygrad_adam.backend.cuda import optimizers as cuda

# For each rule its numbers, and the combinations of switches to try.
NUMBERS = {
    "sgd": {"lr": 0.1, "momentum": 0.9, "dampening": 0.3},
    "momentum": {"lr": 0.1, "momentum": 0.9},
    "rmsprop": {"lr": 0.1, "alpha": 0.9, "eps": 1e-3, "momentum": 0.8},
    "adagrad": {"lr": 0.1, "eps": 1e-3},
    "adadelta": {"lr": 0.7, "rho": 0.9, "eps": 1e-3},
    "adam": {
        "lr": 0.1,
        "beta1": 0.9,
        "beta2": 0.99,
        "correction1": 0.4,
        "correction2": 0.3,
        "eps": 1e-3,
    },
    "adamax": {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "correction1": 0.4, "eps": 1e-3},
    "nadam": {
        "lr": 0.1,
        "beta1": 0.9,
        "beta2": 0.99,
        "correction2": 0.3,
        "momentum_factor": 0.7,
        "gradient_factor": 0.6,
        "eps": 1e-3,
    },
    "radam": {
        "lr": 0.1,
        "beta1": 0.9,
        "beta2": 0.99,
        "correction1": 0.4,
        "correction2": 0.3,
        "rectification": 0.8,
        "eps": 1e-3,
    },
    "asgd": {"lr": 0.1, "share": 0.3},
    "rprop": {"eta_minus": 0.5, "eta_plus": 1.2, "smallest": 0.11, "largest": 0.4},
}
SWITCHES = [
    {},
    {"weight_decay": 0.1},
    {"maximize": True},
    {"weight_decay": 0.1, "maximize": True},
    {"decoupled": 0.05},
    {"eps_inside_root": True},
    {"nesterov": True},
    {"rectification": 0.0},
    {"share": 1.0},
]


def signature(name):
    """Return the names of a rule's arrays (the gradient left out) and its options' defaults."""
    parameters = inspect.signature(getattr(plain, f"{name}_update")).parameters.values()
    arrays = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "g"]
    required = [p.name for p in arrays if p.default is p.empty]
    optional = [p.name for p in arrays if p.default is not p.empty]
    options = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    return required, optional, options


def calls():
    for name in NUMBERS:
        required, optional, options = signature(name)
        chosen = [optional[:n] for n in range(len(optional) + 1)]
        chosen += [optional[1:]] if len(optional) > 1 else []
        for switches in SWITCHES:
            for states in chosen:
                if set(switches) <= set(options) and not ("nesterov" in switches and not states):
                    yield name, [*required, *states], {**NUMBERS[name], **switches}


CALLS = list(calls())


def values(names, shape, dtype="float64", seed=0):
    """Return arrays that a rule can meet: v above the squared mean, so that roots exist."""
    random = np.random.RandomState(seed)
    found = {name: random.uniform(0.1, 0.5, size=shape).astype(dtype) for name in names}
    for name in set(names) & {"v", "u", "v_max"}:
        found[name] += 1
    return found, random.normal(size=shape).astype(dtype)


def positional(name, arrays):
    required, optional, _ = signature(name)
    return [arrays.get(key) for key in [*required, *optional]]


def apply(module, name, arrays, g, options):
    w, *state = positional(name, arrays)
    getattr(module, f"{name}_update")(w, g, *state, **options)


@pytest.mark.parametrize(("name", "arrays", "options"), CALLS)
def test_the_text_of_each_cuda_kernel_computes_what_the_rule_computes(name, arrays, options):
    """The text is C++ and, but for declarations and semicolons, Python: NumPy can run it."""
    written, g = values(arrays, (3, 4))
    defaults = signature(name)[2]
    full = {**defaults, **options}
    numbers = {key: value for key, value in full.items() if type(value) is not bool}
    on = frozenset([key for key, value in full.items() if value] + arrays)
    text = cuda.kernel_text(getattr(cuda, f"{name}_text"), tuple(numbers), on)
    variables = {f"{key}_": value for key, value in numbers.items()}
    variables |= {key: array.copy() for key, array in written.items()}
    variables |= {"gradient": g, "T": lambda x: x, "sqrt": np.sqrt, "abs": np.abs}
    variables |= {"max": np.maximum, "min": np.minimum, "where": np.where, "sign": np.sign}
    program = text.replace("const T ", "").replace("T g =", "g =").replace(", one_minus_", "; one_minus_")  # fmt: skip # noqa: E501
    exec(program, variables)
    apply(plain, name, written, g, options)
    for key, array in written.items():
        np.testing.assert_allclose(variables[key], array, rtol=1e-12, err_msg=key)


@pytest.mark.parametrize(("name", "arrays", "options"), CALLS)
def test_a_kernel_gets_the_text_arrays_and_numbers_in_order(name, arrays, options, monkeypatch):
    """A stand-in for CuPy: it notes what it is asked to compile, and runs it with NumPy."""
    written, g = values(arrays, (5,), "float32")

    class Array(np.ndarray):
        pass

    Array.__module__ = "cupy"
    made = []

    class ElementwiseKernel:
        def __init__(self, in_params, out_params, text, kernel_name, preamble):
            assert kernel_name == f"{name}_update"
            self.inputs = [part.split()[1] for part in in_params.split(", ")]
            self.outputs = [part.split()[1] for part in out_params.split(", ")]
            assert all(part.startswith(("T ", "float64 ")) for part in in_params.split(", "))
            self.text = text
            made.append(self)

        def __call__(self, *args):
            assert len(args) == len(self.inputs) + len(self.outputs)
            given = dict(zip(self.inputs + self.outputs, args, strict=True))
            assert given["gradient"] is g_there
            assert given.get("lr_") == options.get("lr")
            assert list(given)[-len(self.outputs) :] == arrays
            assert all(given[key] is there[key] for key in arrays)

    class cupy:  # noqa: N801
        pass

    cupy.ElementwiseKernel = ElementwiseKernel
    monkeypatch.setitem(__import__("sys").modules, "cupy", cupy)
    cuda._kernel.cache_clear()
    there = {key: array.view(Array) for key, array in written.items()}
    g_there = g.view(Array)
    monkeypatch.setattr(Array, "astype", lambda self, dtype, copy: self, raising=False)
    for _ in range(2):
        apply(cuda, name, there, g_there, options)
    assert len(made) == 1  # compiled once
    cuda._kernel.cache_clear()


@pytest.mark.parametrize("name", NUMBERS)
def test_the_cuda_module_runs_the_plain_rule_on_numpy_arrays(name):
    required, optional, _ = signature(name)
    here, g = values([*required, *optional], (3, 4))
    there = {key: array.copy() for key, array in here.items()}
    apply(plain, name, here, g, NUMBERS[name])
    apply(cuda, name, there, g, NUMBERS[name])
    for key in here:
        np.testing.assert_array_equal(here[key], there[key])


LAYOUTS = {
    "contiguous": lambda a: a.copy(),
    "transposed": np.asfortranarray,
    "strided": lambda a: np.repeat(np.repeat(a, 2, 0), 3, 1)[::2, ::3],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
}


@both_kinds
@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_layouts_do_not_change_the_numbers(kernels, name, layout):
    required, optional, _ = signature(name)
    whole, g = values([*required, *optional], (37, 53), "float32")
    arranged = {
        key: LAYOUTS[layout](array) if i % 2 == 0 else array.copy()
        for i, (key, array) in enumerate(whole.items())
    }
    g_arranged = LAYOUTS[layout](g)
    g_arranged.flags.writeable = False
    apply(kernels, name, whole, g, NUMBERS[name])
    apply(kernels, name, arranged, g_arranged, NUMBERS[name])
    for key in whole:
        np.testing.assert_array_equal(arranged[key], whole[key], err_msg=key)


@both_kinds
@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,)])
def test_scalars_and_empty_arrays(kernels, name, shape):
    required, optional, _ = signature(name)
    arrays, g = values([*required, *optional], shape, "float32")
    arrays = {key: np.array(array) for key, array in arrays.items()}
    apply(kernels, name, arrays, np.array(g), NUMBERS[name])
    assert all(array.shape == shape for array in arrays.values())
    assert all(array.dtype == "float32" for array in arrays.values())


@both_kinds
def test_a_broadcast_gradient_is_only_read(kernels):
    w = np.ones((200, 300))
    g = np.broadcast_to(np.array(0.5), w.shape)
    kernels.sgd_update(w, g, lr=0.1, weight_decay=0.1, maximize=True)
    np.testing.assert_allclose(w, 1 + 0.1 * (0.5 - 0.1))


@both_kinds
def test_a_state_and_a_gradient_may_have_a_dtype_of_their_own(kernels):
    w, buffer, g = np.ones(3, np.float32), np.ones(3), np.ones(3)
    kernels.sgd_update(w, g, buffer, lr=0.5, momentum=0.5)
    assert (w.tolist(), buffer.tolist()) == ([0.25] * 3, [1.5] * 3)
    assert (w.dtype, buffer.dtype) == (np.float32, np.float64)


def test_updates_that_share_memory_are_run_in_turn():
    """A parameter that is there twice, and views of one array."""
    memory, expected = np.ones(8), np.ones(8)
    parts = [slice(8), slice(4), slice(8), slice(2, 8)]
    options = {"lr": 0.5, "weight_decay": 0.5}  # the order of the updates matters
    run_updates(
        [
            Update(plain.sgd_update, [memory[part], np.full(8, i + 1.0)[part]], options)
            for i, part in enumerate(parts)
        ]
    )
    for i, part in enumerate(parts):
        expected[part] -= 0.5 * (i + 1 + 0.5 * expected[part])
    np.testing.assert_allclose(memory, expected)
