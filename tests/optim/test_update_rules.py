"""The update rules on arrays: in pieces, in any memory layout, and as texts of CUDA kernels."""

import inspect
import tracemalloc

import numpy as np
import pytest

from tinygrad_adam.backend.cpu import blas, updates
from tinygrad_adam.backend.cpu import optimizers as cpu
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
]


def signature(name):
    """Return the names of a rule's arrays (the gradient left out) and its options' defaults."""
    parameters = inspect.signature(getattr(cpu, f"{name}_update")).parameters.values()
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
    variables |= {"max": np.maximum, "where": np.where}
    program = text.replace("const T ", "").replace("T g =", "g =").replace(", one_minus_", "; one_minus_")  # fmt: skip # noqa: E501
    exec(program, variables)
    apply(cpu, name, written, g, options)
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
            assert given["lr_"] == options["lr"]
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
    apply(cpu, name, here, g, NUMBERS[name])
    apply(cuda, name, there, g, NUMBERS[name])
    for key in here:
        np.testing.assert_array_equal(here[key], there[key])


LAYOUTS = {
    "contiguous": lambda a: a.copy(),
    "transposed": np.asfortranarray,
    "strided": lambda a: np.repeat(np.repeat(a, 2, 0), 3, 1)[::2, ::3],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_pieces_and_memory_layouts_do_not_change_the_numbers(name, layout, monkeypatch):
    required, optional, _ = signature(name)
    whole, g = values([*required, *optional], (37, 53), "float32")
    arranged = {
        key: LAYOUTS[layout](array) if i % 2 == 0 else array.copy()
        for i, (key, array) in enumerate(whole.items())
    }
    g_arranged = LAYOUTS[layout](g)
    g_arranged.flags.writeable = False
    apply(cpu, name, whole, g, NUMBERS[name])
    monkeypatch.setattr(updates, "PIECE", 1 << 8)
    monkeypatch.setattr(updates.threads, "HEAD_START", 0)
    monkeypatch.setattr(updates, "SMALL_BYTES", 1 << 8)
    apply(cpu, name, arranged, g_arranged, NUMBERS[name])
    for key in whole:
        np.testing.assert_array_equal(arranged[key], whole[key], err_msg=key)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_step_asks_for_no_memory_of_the_parameters_size(name):
    required, optional, options = signature(name)
    names = [*required, *optional]
    arrays, g = values(names, (2_000_000,), "float32")
    kept = {key: array.__array_interface__["data"] for key, array in arrays.items()}
    switches = {"weight_decay": 0.1, "maximize": True, "decoupled": 0.05, "nesterov": True}
    chosen = {**NUMBERS[name], **{key: switches[key] for key in set(switches) & set(options)}}
    apply(cpu, name, arrays, g, chosen)  # each thread asks for its scratch memory once
    tracemalloc.start()
    try:
        for _ in range(3):
            apply(cpu, name, arrays, g, chosen)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < g.nbytes / 4
    assert {key: array.__array_interface__["data"] for key, array in arrays.items()} == kept


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "arrays", "options"), CALLS)
def test_sums_by_blas_equal_those_by_numpy(name, arrays, options, dtype, monkeypatch):
    """Arrays long enough for ``axpby``, and the same without it."""
    here, g = values(arrays, (3 * blas.LEAST_AXPBY + 1,), dtype)
    there = {key: array.copy() for key, array in here.items()}
    g.flags.writeable = False
    apply(cpu, name, here, g, options)
    monkeypatch.setattr(blas.Blas, "axpby", lambda self, *args: False)
    apply(cpu, name, there, g, options)
    for key in here:
        # A sum in one walk is rounded once, the other way twice.
        rtol = 1e-6 if dtype == "float32" else 1e-14
        np.testing.assert_allclose(here[key], there[key], rtol=rtol, atol=rtol, err_msg=key)


def test_updates_that_share_memory_are_run_in_turn(monkeypatch):
    """A parameter that is there twice, and views of one array: as if one after the other."""
    monkeypatch.setattr(updates, "SMALL_BYTES", 0)

    def backwards(task, count):  # threads promise no order
        for index in reversed(range(count)):
            task(index)

    monkeypatch.setattr(updates.threads, "run", backwards)
    memory, expected = np.ones(8), np.ones(8)
    parts = [slice(8), slice(4), slice(8), slice(2, 8)]
    options = {"lr": 0.5, "weight_decay": 0.5}  # the order of the updates matters
    updates.run_updates(
        [
            updates.Update(cpu.sgd_update, [memory[part], np.full(8, i + 1.0)[part]], options)
            for i, part in enumerate(parts)
        ]
    )
    for i, part in enumerate(parts):
        expected[part] -= 0.5 * (i + 1 + 0.5 * expected[part])
    np.testing.assert_allclose(memory, expected)


def counted(calls):
    @updates.in_pieces
    def rule(w, g, m=None, *, lr):
        calls.append(w.size)
        w -= lr * g
        if m is not None:
            m += g

    return rule


def test_small_parameters_alike_are_updated_as_one():
    calls = []
    rule = counted(calls)
    shapes = [(), (0,), (3,), (2, 3), (4, 1, 2)]

    def update(shape, lr=0.5, dtype=np.float32, state=True):
        w = np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape)
        w = np.repeat(w.T, 2, -1)[..., ::2].T if w.ndim > 1 else w  # not contiguous
        m = np.zeros(shape, dtype) if state else None
        return updates.Update(rule, [w, np.full(shape, 2.0, dtype), m], {"lr": lr})

    together = [update(shape) for shape in shapes]
    apart = [
        *(update((2,), dtype=np.float64), update((2,), state=False)),
        *(update((updates.JOINED_SIZE,)), update((updates.JOINED_SIZE,))),
    ]
    updates.run_updates([*apart[:2], *together, *apart[2:]])
    assert sorted(calls) == [2, 2, 18, updates.JOINED_SIZE, updates.JOINED_SIZE]
    for w, g, m in (update.arrays for update in [*together, *apart]):
        wanted = np.arange(w.size, dtype=w.dtype).reshape(w.shape) - 1
        np.testing.assert_array_equal(w, wanted)
        np.testing.assert_array_equal(g, np.full(w.shape, 2))
        if m is not None:
            np.testing.assert_array_equal(m, g)


def test_small_parameters_with_numbers_of_their_own_are_updated_apart():
    calls = []
    rule = counted(calls)
    ws = [np.zeros(2, np.float32) for _ in range(3)]
    each = [
        updates.Update(rule, [w, np.ones(2, np.float32)], {"lr": lr})
        for w, lr in zip(ws, (1, 1, 3))
    ]
    updates.run_updates(each)
    assert calls == [2, 2, 2]
    assert [w.tolist() for w in ws] == [[-1, -1], [-1, -1], [-3, -3]]


def test_overlapping_parameters_are_found():
    memory = np.zeros(100)
    assert updates._overlap([memory, memory])
    assert updates._overlap([memory[:50], memory[49:]])
    assert updates._overlap([memory[::2], np.zeros(3), memory[1::2]])  # interleaved: to be safe
    assert not updates._overlap([memory[:50], memory[50:], np.zeros(3)])
    assert not updates._overlap([np.zeros(3), np.zeros(3)])
    assert not updates._overlap([np.zeros((2, 3)).T, np.zeros(6).reshape(2, 3)])
    assert updates._overlap([memory, np.zeros(3), memory[50:]])
    borrowed = bytearray(80)
    assert updates._overlap([np.frombuffer(memoryview(borrowed), np.float64) for _ in range(2)])
    halves = memoryview(borrowed)[:40], memoryview(borrowed)[40:]
    assert not updates._overlap([np.frombuffer(half, np.float64) for half in halves])


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,)])
def test_scalars_and_empty_arrays(name, shape):
    required, optional, _ = signature(name)
    arrays, g = values([*required, *optional], shape, "float32")
    arrays = {key: np.array(array) for key, array in arrays.items()}
    apply(cpu, name, arrays, np.array(g), NUMBERS[name])
    assert all(array.shape == shape for array in arrays.values())
    assert all(array.dtype == "float32" for array in arrays.values())


def test_a_broadcast_gradient_is_only_read():
    w = np.ones((200, 300))
    g = np.broadcast_to(np.array(0.5), w.shape)
    cpu.sgd_update(w, g, lr=0.1, weight_decay=0.1, maximize=True)
    np.testing.assert_allclose(w, 1 + 0.1 * (0.5 - 0.1))


def test_infinity_and_nan_pass_without_a_warning():
    w, g = np.ones(4), np.array([np.inf, -np.inf, np.nan, 1e200])
    m, v = np.zeros(4), np.zeros(4)
    cpu.adam_update(w, g, m, v, **{**NUMBERS["adam"], "eps": 0.0})  # warnings are errors here
    assert np.isnan(w[:3]).all()
