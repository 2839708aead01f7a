"""save and load: what comes back, what the files look like, crashes, and broken files.

Files that PyTorch wrote have tests of their own, in test_pytorch_files.py.
"""

import builtins
import io
import json
import os
import pickle
import stat
import tracemalloc
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from tests import fake_cupy
from tinygrad_adam import serialization
from tinygrad_adam.backend import cuda_is_available, device
from tinygrad_adam.backend.dtype import float16
from tinygrad_adam.creation import from_numpy, tensor
from tinygrad_adam.nn import BatchNorm1d, Linear, Module, Parameter, Sequential
from tinygrad_adam.optim import Adam
from tinygrad_adam.optim.lr_scheduler import MultiStepLR
from tinygrad_adam.serialization import load, save
from tinygrad_adam.tensor import Size, Tensor

SUFFIXES = [".npz", ".safetensors"]
DTYPES = [
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64", "complex64"),
]


@pytest.fixture(params=SUFFIXES)
def path(request, tmp_path):
    if request.param == ".safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"model{request.param}"


def same(a, b):
    """Whether two structures are equal, types, order and dtypes included."""
    if isinstance(a, (Tensor, np.ndarray, np.generic)):
        assert type(b) is type(a)
        if isinstance(a, Tensor):
            assert a.requires_grad == b.requires_grad
            a, b = a.detach().numpy(), b.detach().numpy()
        a = np.asarray(a)
        np.testing.assert_array_equal(b, a.astype(a.dtype.newbyteorder("=")), strict=True)
    elif isinstance(a, dict):
        assert type(b) is type(a)
        assert list(map(repr, a)) == list(map(repr, b))
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert type(a) is type(b)
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    else:
        assert type(a) is type(b)
        assert repr(a) == repr(b)
    return True


# State dicts


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_shape(path, dtype):
    for shape in ((), (0,), (3, 0, 2), (1,), (2, 3)):
        array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
        save({"x": from_numpy(array)}, path)
        same({"x": from_numpy(array)}, load(path))


def test_special_values_keep_their_bits(path):
    bits = np.array([0x7FC00001, 0xFFC00000, 0x80000000, 0x7F800000, 1], np.uint32)
    save({"x": from_numpy(bits.view(np.float32))}, path)
    assert load(path)["x"].numpy().view(np.uint32).tolist() == bits.tolist()


def test_complex128_goes_into_npz_only(tmp_path):
    array = np.array([1 + 2j])
    save({"x": array}, tmp_path / "x.npz")
    same({"x": array}, load(tmp_path / "x.npz"))
    pytest.importorskip("safetensors")
    with pytest.raises(TypeError, match=r"safetensors has no complex128.*'x'.*use another"):
        save({"x": array}, tmp_path / "x.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["x.npz"]


def test_memory_layouts(path):
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    arrays = {
        "transposed": base.T,
        "strided": base[::2, 1::3],
        "reversed": base[::-1],
        "fortran": np.asfortranarray(base),
        "broadcast": np.broadcast_to(np.float32(3), (2, 2)),
        "big-endian": base.astype(">f4"),
        "0-d view": base[1, 2:3].reshape(()),
    }
    save(arrays, path)
    same(arrays, load(path))


NAMES = [
    *("conv1.weight", "fc.0.bias", "a/b/c", "/absolute", "../up", "file", "self", "x.npy", "x"),
    *("allow_pickle", "args", "kwds", "a b", "größe", "重み", "quote\"'<&", "new\nline", "a\\b"),
    *(
        "",
        "\0",
        "a\0b",
        "\ud800",
        "__metadata__",
        "__structure__",
        "tensor_3",
        "a" * 300,
        "🧠" * 600,
    ),
]


def test_names_and_their_order(path):
    names = NAMES[::2] + NAMES[1::2]
    state = {name: from_numpy(np.array([i])) for i, name in enumerate(names)}
    save(state, path)
    loaded = load(path)
    assert list(loaded) == names
    assert [loaded[name].item() for name in names] == list(range(len(names)))


@pytest.mark.parametrize("name", NAMES)
def test_each_name_alone(path, name):
    save({name: np.array([7])}, path)
    same({name: np.array([7])}, load(path))


def test_loaded_tensors_can_be_trained(path):
    leaf = tensor([1.0, 2.0], requires_grad=True)
    save({"w": leaf, "y": leaf * 2, "p": Parameter(leaf), "frozen": Parameter(leaf, False)}, path)
    loaded = load(path)
    weight = loaded["w"]
    assert weight.requires_grad
    assert weight.is_leaf
    assert loaded["y"].requires_grad
    assert loaded["y"].is_leaf  # its history is not saved, as in PyTorch
    assert type(loaded["p"]) is type(loaded["frozen"]) is Parameter
    assert (loaded["p"].requires_grad, loaded["frozen"].requires_grad) == (True, False)
    weight.detach().numpy()[0] = 5
    assert weight.tolist() == [5.0, 2.0]
    (weight * weight).sum().backward()
    assert weight.grad.tolist() == [10.0, 4.0]


def test_an_empty_state_dict(path):
    save({}, path)
    assert load(path) == {}


@pytest.mark.parametrize("where", [lambda x: x, lambda x: {"a": [x]}])
def test_a_whole_model_is_refused_with_the_lines_to_write_instead(path, where):
    model = Sequential(Linear(2, 3))
    for obj, word in ((model, "model"), (Adam(model.parameters()), "adam")):
        with pytest.raises(TypeError, match="cannot be saved whole") as caught:
            save(where(obj), path)
        lines = str(caught.value).splitlines()[-2:]
        assert lines == [
            f"  torch.save({word}.state_dict(), path)",
            f"  {word}.load_state_dict(torch.load(path))",
        ]


def test_a_checkpoint(path):
    def parts():
        model = Sequential(Linear(2, 3), BatchNorm1d(3))
        optimizer = Adam(model.parameters(), lr=0.1)
        return model, optimizer, MultiStepLR(optimizer, [1, 2])

    def step(model, optimizer, schedule):
        optimizer.zero_grad()
        model(tensor([[1.0, 2.0], [3.0, 5.0]])).square().sum().backward()
        optimizer.step()
        schedule.step()

    first, second = parts(), parts()
    step(*first)
    save({"epoch": 3, "parts": [x.state_dict() for x in first]}, path)
    loaded = load(path)
    assert loaded["epoch"] == 3
    for saved, part in zip(loaded["parts"], second, strict=True):
        part.load_state_dict(saved)
    assert loaded["parts"][0]._metadata == first[0].state_dict()._metadata
    for all_parts in (first, second):
        step(*all_parts)
    for a, b in zip(first[0].parameters(), second[0].parameters(), strict=True):
        assert a.tolist() == b.tolist()


def test_memory_that_is_shared(path):
    base = tensor(np.arange(12.0).reshape(3, 4))
    bits = tensor(np.arange(4, dtype=np.int32))
    obj = {
        "view": base[1:, ::2], "base": base, "transposed": base.T, "alone": base.clone()[1:, ::2],
        "again": [base, base], "other dtype": bits.view(np.uint8), "bits": bits,
        "backwards": from_numpy(base.numpy()[::-1]),
    }  # fmt: skip
    save(obj, path)
    loaded = load(path)
    same(obj, loaded)
    base, bits = loaded["base"], loaded["bits"]
    assert loaded["again"][0] is loaded["again"][1] is base
    base[1, 0] = 100
    assert loaded["view"][0, 0] == loaded["transposed"][0, 1] == loaded["backwards"][1, 0] == 100
    assert loaded["alone"][0, 0] == 4
    bits[0] = -1
    assert loaded["other dtype"][0] == 255
    assert loaded["transposed"].stride() == (1, 4)


def test_memory_of_which_no_tensor_has_all(path):
    base = tensor(np.arange(1000.0))
    save([base[10:12], base[11:13]], path)
    a, b = load(path)
    a[1] = -1
    assert (a.tolist(), b.tolist()) == ([10, -1], [-1, 12])
    save([base[10:12].clone()], path)
    assert path.stat().st_size < 2000


def test_saving_does_not_change_what_is_saved(path):
    state = OrderedDict(b=np.ones(2).astype(">f8"), a=[1, (2,)])
    save(state, path)
    assert list(state) == ["b", "a"]
    assert state["b"].dtype == ">f8"
    assert state["a"] == [1, (2,)]


# Structures


OPTIMIZER = {
    "state": {
        0: {"step": np.float32(3), "exp_avg": np.ones((2, 3), np.float32), "max": None},
        10: {"step": np.int64(4), "exp_avg": np.zeros(0, np.float16)},
    },
    "param_groups": [
        {"lr": 1e-3, "betas": (0.9, 0.999), "amsgrad": False, "name": "all", "params": [0, 10]},
        {},
    ],
    "last": [None, True, 1, 1.0, -0.0, float("inf"), float("nan"), 2**80, "", "ü\0\ud800", (), []],
    0: {False: "a bool", None: "none", 1.5: "a float", "0": "a string", "": {"": np.ones(1)}},
    "others": [1j, b"\0\xff", bytearray(b"x"), range(1, 9, 2), {1, 2}, frozenset([3])],
    "of torch": [Size((1, 2)), float16, device("cuda", 1)],
    "counter": Counter("abca"),
    "ordered": OrderedDict({(1, ("a", None)): tensor(1), b"key": 2, np.int64(3): 4}),
}


def test_an_optimizers_state(path):
    save(OPTIMIZER, path)
    same(OPTIMIZER, load(path))


@pytest.mark.parametrize(
    "obj",
    [
        np.ones(3),
        [np.ones(3), 1],
        (np.ones(1),),
        5,
        "text",
        None,
        {},
        {"a": {}},
        {"a": 1},
        {1: np.ones(1)},
    ],
)
def test_other_things_at_the_top(path, obj):
    save(obj, path)
    same(obj, load(path))


def test_paths_that_look_alike(path):
    obj = {"a": {"b": np.array(1), "b.c": np.array(2)}, "a.b": np.array(3), "a.b.c": np.array(4)}
    obj |= {"tensor_2": np.array(5), "tensor_1": {"x": np.array(6)}, "x": [np.array(7)] * 2}
    save(obj, path)
    same(obj, load(path))


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st_numpy.arrays(
        st.sampled_from(DTYPES).map(np.dtype), st_numpy.array_shapes(min_dims=0, min_side=0)
    )
)
KEYS = st.text(max_size=5) | st.integers(-3, 3)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(deadline=None)
@given(
    obj=st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.lists(inner, max_size=4).map(tuple)
            | st.dictionaries(KEYS, inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_any_structure(tmp_path_factory, suffix, obj):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    file = tmp_path_factory.getbasetemp() / f"any{suffix}"
    save(obj, file)
    same(obj, load(file))


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({"a": {"b": [1, {print}]}}, r"save: obj\['a'\]\['b'\]\[1\]\[0\] is a builtin_func"),
        ({"x": print}, r"obj\['x'\] is a builtin_function_or_method"),
        (
            object(),
            r"save: obj is a object, which cannot be saved; .*\n  Of an object of your own,",
        ),
        (Module, r"save: obj is a type"),
        ({object: 3}, r"save: obj has the key <class 'object'>, a type; keys can be strings"),
        ({"names": np.array(["a"])}, r"obj\['names'\] has the dtype <U1, which cannot be saved"),
        ({"o": np.array([None])}, r"obj\['o'\] has the dtype object"),
        ({"t": np.array(0, "M8[s]")}, r"obj\['t'\] has the dtype datetime64"),
        ({"r": np.zeros(2, [("a", "f4")])}, r"obj\['r'\] has the dtype \[\('a'"),
    ],
)
def test_what_cannot_be_saved_is_named(path, obj, message):
    path.write_bytes(b"the old file")
    with pytest.raises(TypeError, match=message):
        save(obj, path)
    assert path.read_bytes() == b"the old file"


def test_a_structure_that_contains_itself(path):
    obj = {}
    obj["self"] = [obj]
    with pytest.raises(ValueError, match=r"obj\['self'\]\[0\].* does it contain itself"):
        save(obj, path)


# The files


def test_an_npz_state_dict_is_an_ordinary_one(tmp_path):
    state = {"fc.weight": tensor(np.ones((2, 3), np.float32)), "n": tensor(4)}
    save(state, tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz", allow_pickle=False) as file:
        assert file.files == ["fc.weight", "n"]
        np.testing.assert_array_equal(file["fc.weight"], state["fc.weight"].numpy())
    with zipfile.ZipFile(tmp_path / "x.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_other_programs_npz_files(tmp_path):
    x, y = np.arange(6.0).reshape(2, 3).T, np.array(True)
    np.savez_compressed(tmp_path / "x.npz", x=x, y=y)
    same({"x": tensor(x), "y": tensor(y)}, load(tmp_path / "x.npz"))


def test_other_programs_safetensors_files(tmp_path):
    numpy_format = pytest.importorskip("safetensors.numpy")
    state = {"w": np.ones((2, 3), np.float32), "n": np.array(4)}
    numpy_format.save_file(state, tmp_path / "a.safetensors", {"format": "pt"})
    loaded = load(tmp_path / "a.safetensors")
    same({name: tensor(x) for name, x in state.items()}, {name: loaded[name] for name in state})
    save(state, tmp_path / "b.safetensors")
    theirs = numpy_format.load_file(tmp_path / "b.safetensors")
    assert sorted(theirs) == ["n", "w"]
    np.testing.assert_array_equal(theirs["w"], state["w"])


def test_the_same_tensors_make_the_same_bytes(path):
    save(OPTIMIZER, path)
    first = path.read_bytes()
    save(OPTIMIZER, path)
    assert path.read_bytes() == first


def test_nothing_is_ever_pickled(path, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("pickle was used")

    for name in ("dump", "dumps", "load", "loads"):
        monkeypatch.setattr(pickle, name, refuse)
    save(OPTIMIZER, path)
    same(OPTIMIZER, load(path))


NAMES_OF_FILES = [
    *("m.npz", "m.NPZ", ".npz", "m.safetensors", "m.pt", "m.pth", "m.ckpt", "m.bin", "m.pkl"),
    *("m", "m.tar.gz", "größe.pt"),
]


@pytest.mark.parametrize("name", NAMES_OF_FILES)
def test_paths_as_text_and_in_capitals(tmp_path, monkeypatch, name):
    if name.endswith("safetensors"):
        pytest.importorskip("safetensors")
    monkeypatch.chdir(tmp_path)
    save({"x": np.ones(1)}, name)
    same({"x": np.ones(1)}, load(name))
    assert os.listdir() == [name]


def test_files_and_buffers(path):
    obj = {"x": tensor([1.0, 2.0]), "n": 3}
    buffer = io.BytesIO()
    save(obj, f=buffer)
    same(obj, load(io.BytesIO(buffer.getvalue())))
    with pytest.raises(EOFError, match=r"Ran out of input\n.*<BytesIO>.* f.seek\(0\)"):
        load(buffer)
    buffer.seek(0)
    same(obj, load(f=buffer))
    with open(path, "wb") as file:
        file.write(b"in front")
        save(obj, file)
    with open(path, "rb") as file:
        file.seek(8)
        same(obj, load(file))

    class OnlyWrite:
        content = b""

        def write(self, data):
            self.content += data

    class OnlyRead:
        def read(self):
            return pipe.content

    pipe = OnlyWrite()
    save(obj, pipe)
    same(obj, load(OnlyRead()))


def test_a_safetensors_buffer(tmp_path):
    pytest.importorskip("safetensors")
    obj = {"x": tensor([1.0, 2.0]), "n": 3}
    save(obj, tmp_path / "x.safetensors")
    same(obj, load(io.BytesIO((tmp_path / "x.safetensors").read_bytes())))


@pytest.mark.parametrize("f", [None, 3, object()])
def test_what_is_neither_a_path_nor_a_file(f):
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like"):
        save({}, f)
    with pytest.raises(AttributeError, match=r"has no attribute 'seek'. You can only torch"):
        load(f)


def test_missing_files_and_folders(path):
    with pytest.raises(FileNotFoundError, match=f"No such file or directory: '.*{path.name}'"):
        load(path)
    with pytest.raises(RuntimeError, match=r"Parent directory .*nowhere does not exist."):
        save({}, path.parent / "nowhere" / path.name)
    path.mkdir()
    with pytest.raises(OSError, match=path.name):  # on Windows PermissionError
        load(path)
    with pytest.raises(RuntimeError, match=rf"open file failed .* directory\n.*{path.name}'"):
        save({}, path)
    assert list(path.parent.iterdir()) == [path]


def test_safetensors_missing(tmp_path, monkeypatch):
    original = builtins.__import__

    def without(name, *arguments, **options):
        if name.split(".")[0] == "safetensors":
            raise ModuleNotFoundError(f"No module named {name!r}")
        return original(name, *arguments, **options)

    old = (2).to_bytes(8, "little") + b"{}"
    (tmp_path / "x.safetensors").write_bytes(old)
    monkeypatch.setattr(builtins, "__import__", without)
    for call in (
        lambda: save({"x": np.ones(1)}, tmp_path / "x.safetensors"),
        lambda: load(tmp_path / "x.safetensors"),
    ):
        with pytest.raises(ImportError, match="pip install safetensors") as caught:
            call()
        assert "\n" not in str(caught.value)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [old]
    save({"x": np.ones(1)}, tmp_path / "x.npz")
    same({"x": np.ones(1)}, load(tmp_path / "x.npz"))


def test_devices(path):
    save({"x": tensor([1.0])}, path)
    assert load(path, "cpu")["x"].device.type == "cpu"
    assert load(path, map_location=device("cpu"))["x"].device == device("cpu")
    assert load(path, device="cpu")["x"].device == device("cpu")
    with pytest.raises(TypeError, match="device and map_location are two names"):
        load(path, "cpu", device="cpu")
    with pytest.raises(RuntimeError, match=r"don't know how to restore .*\(tagged with abacus\)"):
        load(path, "abacus")
    asked = []
    load(path, lambda memory, where: asked.append((memory.tolist(), where)))
    assert asked == [([1.0], "cpu")]
    assert load(path, lambda memory, where: memory)["x"].tolist() == [1]
    assert load(path, lambda memory, where: "cpu")["x"].tolist() == [1]
    load(path, {"cuda:0": "cpu"})
    if not cuda_is_available():
        for place in ("cuda", {"cpu": "cuda:0"}, lambda memory, where: "cuda"):
            with pytest.raises(RuntimeError, match="deserialize object on a CUDA device but torch"):
                load(path, place)


def test_options_of_pytorch(path):
    obj = {"x": tensor([1.0])}
    save(obj, path, pickle, 4, _use_new_zipfile_serialization=False)
    for options in (
        *({"weights_only": True}, {"weights_only": False}, {"mmap": True}, {"encoding": "latin1"}),
        {"weights_only": False, "pickle_module": pickle},
    ):
        same(obj, load(path, **options))
    with pytest.raises(RuntimeError, match="Can not safely load weights when explicit pickle_mod"):
        load(path, pickle_module=pickle, weights_only=True)
    with pytest.raises(ValueError, match="f must be a string filename in order to use mmap"):
        load(io.BytesIO(path.read_bytes()), mmap=True)


def test_safe_globals_change_nothing(path):
    serialization.add_safe_globals([Exploit])
    with serialization.safe_globals([Exploit]):
        assert serialization.get_safe_globals() == []
        with pytest.raises(ValueError, match=r"but not of torch\.save"):
            load(io.BytesIO(pickle.dumps([{}, {}, {}]) * 3))
    serialization.clear_safe_globals()


def test_tensors_on_a_gpu(path, monkeypatch):
    fake_cupy.install(monkeypatch)
    base = tensor(np.arange(6.0).reshape(2, 3))
    w = base.cuda()
    save({"w": w, "part": w[1:, ::2], "weight": Parameter(w), "n": tensor(3)}, path)
    for place in ("cpu", {"cuda:0": "cpu"}, lambda memory, where: memory):
        loaded = load(path, place)
        assert {x.device.type for x in loaded.values()} == {"cpu"}
        assert loaded["w"].tolist() == loaded["weight"].tolist() == base.tolist()
        assert loaded["part"].tolist() == base[1:, ::2].tolist()
    loaded = load(path)
    assert [str(x.device) for x in loaded.values()] == ["cuda:0", "cuda:0", "cuda:0", "cpu"]
    assert type(loaded["weight"]) is Parameter
    for place in ("cuda", device("cuda", 0), lambda memory, where: memory.cuda()):
        loaded = load(path, place)
        assert {x.device.type for x in loaded.values()} == {"cuda"}
        assert loaded["part"].cpu().tolist() == base[1:, ::2].tolist()


# Crashes


class Crash(BaseException):
    """Such as KeyboardInterrupt."""


@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), Crash()])
def test_a_crash_leaves_the_old_file_and_nothing_else(path, monkeypatch, where, error):
    save({"x": np.ones(1)}, path)
    old = path.read_bytes()

    def crash(*arguments):
        raise error

    if where == "write":

        class HalfWritten(io.FileIO):
            def write(self, data):
                super().write(bytes(data)[: len(data) // 2])
                raise error

        monkeypatch.setattr(serialization, "open", lambda p, m: HalfWritten(p, "x"), raising=False)
    else:
        monkeypatch.setattr(os, where, crash)
    with pytest.raises(type(error)):
        save({"x": np.zeros(1000)}, path)
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


def test_the_file_is_on_disk_before_it_is_renamed(path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor):
        events.append(("fsync", os.fstat(descriptor).st_size))
        fsync(descriptor)

    def noted_replace(source, target):
        events.append(("replace", os.stat(source).st_size))
        assert os.path.dirname(source) == os.path.dirname(target)
        assert not os.path.exists(target)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    save({"x": np.zeros(5)}, path)
    size = path.stat().st_size
    assert events == [("fsync", size), ("replace", size)]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(path, mask):
    old = os.umask(mask)
    try:
        save({}, path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_a_symbolic_link_stays_one(path):
    store = path.parent / "store"
    store.mkdir()
    path.symlink_to(store / "real.bin")
    save({"x": np.ones(1)}, path)
    assert path.is_symlink()
    assert [file.name for file in store.iterdir()] == ["real.bin"]
    same({"x": np.ones(1)}, load(path))


# Broken and hostile files


def test_truncated_anywhere(path):
    save(OPTIMIZER, path)
    content = path.read_bytes()
    for size in {*range(97, len(content), 97), 1, 7, 8, 9, len(content) - 1}:
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match=rf"{path.name}' is truncated, corrupt or no"):
            load(path)


@pytest.mark.parametrize(
    "content",
    [b"hello world, this is text", b"\0" * 100, b"\xff" * 100, pickle.dumps({"a": 1})],
)
def test_other_files(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is truncated, corrupt or no"):
        load(path)


def test_a_flipped_bit_in_an_npz_is_noticed(tmp_path):
    path = tmp_path / "x.npz"
    save({"weight": np.zeros(100, np.float32)}, path)
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"x.npz' is truncated, corrupt .* 'weight': .*CRC"):
        load(path)


def test_a_flipped_bit_in_an_npz_never_loses_an_entry(tmp_path):
    path = tmp_path / "x.npz"
    saved = {"a": tensor([0.0, 1.0, 2.0]), "b": tensor([3.0]), "c": tensor([4.0])}
    save(saved, path)
    intact = path.read_bytes()
    noticed = 0
    # The directory, which lies behind the arrays, is covered by no checksum.
    for position in range(intact.index(b"PK\1\2"), len(intact)):
        content = bytearray(intact)
        content[position] ^= 0x55
        path.write_bytes(content)
        try:
            loaded = load(path)
        except ValueError:
            noticed += 1
        else:
            same(saved, loaded)
    assert noticed > 50


def test_an_npz_with_a_comment_is_read(tmp_path):
    path = tmp_path / "x.npz"
    save({"a": tensor([0, 1, 2])}, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"of another program, and longer than the record"
    assert load(path)["a"].tolist() == [0, 1, 2]


class Exploit:
    def __reduce__(self):
        return (os.abort, ())


@pytest.mark.parametrize("obj", [Exploit(), None, "text"])
def test_a_pickle_in_an_npz_is_refused(tmp_path, obj):
    array = np.empty(2, object)
    array[0] = obj
    np.savez(tmp_path / "x.npz", fine=np.ones(1), bad=array)
    with pytest.raises(pickle.UnpicklingError, match=r"x.npz' is refused: its entry 'bad' is pick"):
        load(tmp_path / "x.npz")


def zip_of(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npy_claiming(header):
    header = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "entry 'w': "),
        (b"text", "entry 'w': "),
        (npy(np.ones(3))[:-1], "entry 'w': "),
        (
            npy_claiming("{'descr': '<f8', 'fortran_order': False, 'shape': (10**18,), }"),
            "entry 'w': ",
        ),
        (
            npy_claiming(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**17},), }}"),
            "entry 'w': ",
        ),
        (npy_claiming("__import__('os').abort()"), "entry 'w': "),
        (npy(np.ones(3)) + b"more", "entry 'w': there is more than its header says"),
        (npy(np.array(["text"])), "entry 'w' has the dtype <U4; a tensor has one of bool, "),
    ],
)
def test_broken_arrays_in_an_npz(tmp_path, content, message):
    zip_of(tmp_path / "x.npz", {"w.npy": content})
    with pytest.raises(ValueError, match=f"x.npz'.*{message}"):
        load(tmp_path / "x.npz")


def test_foreign_members_of_an_npz(tmp_path):
    zip_of(tmp_path / "x.npz", {"readme.txt": b"hello"})
    with pytest.raises(ValueError, match=r"x.npz' is truncated, corrupt .* 'readme.txt'"):
        load(tmp_path / "x.npz")


@pytest.mark.parametrize(
    "structure",
    [
        b"not json",
        b"\xff\xfe",
        b'{"tensor": "missing"}',
        b'{"list": [{"tensor": "w"}, {"again": 1}]}',
        b'{"list": [{"tensor": "w"}, {"number": []}]}',
        b'{"list": [{"tensor": "w"}, {"dtype": "V8"}]}',
        b'{"list": [{"tensor": "w"}, [1]]}',
        b'{"list": [{"tensor": "w"}, {"dict": [[{"list": []}, 1]]}]}',
        b'{"dict": [["a", {"tensor": "w"}]], "metadata": 1}',
        *(
            b'{"tensor": "w", "dtype": "float64", "shape": %b, "offset": %b, "strides": %b}' % view
            for view in (
                (b"[2]", b"0", b"[8]"),
                (b"[1]", b"8", b"[8]"),
                (b"[1]", b"-8", b"[8]"),
                (b"[1, 2]", b"0", b"[8]"),
                (b"[3]", b"0", b"[-8]"),
                (b"[-1]", b"0", b"[8]"),
            )
        ),
        b'{"dict": []}',
        b'{"dict": [1]}',
        b'{"deque": [{"tensor": "w"}]}',
        b'{"tensor": ["w"]}',
        b"{}",
        b"[]",
        b'{"list": 5}',
        b"[" * 5000 + b"]" * 5000,
        b'{"list":[' * 3000 + b"]}" * 3000,
    ],
)
def test_structures_that_do_not_fit(path, structure):
    if path.suffix == ".npz":
        content = npy(np.frombuffer(structure, np.uint8))
        zip_of(path, {"w.npy": npy(np.ones(1)), "__structure__.npy": content})
    else:
        from safetensors.numpy import save_file

        text = structure.decode(errors="replace")
        save_file({"w": np.ones(1)}, path, {"__structure__": text})
    with pytest.raises(ValueError, match=r"is truncated, corrupt or no .* structure"):
        load(path)


def test_little_is_inflated_of_an_entry_with_too_much(tmp_path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w.npy", npy(np.ones(3)) + bytes(50_000_000))
    tracemalloc.start()
    with pytest.raises(ValueError, match="there is more than its header says"):
        load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_safetensors_without_a_numpy_dtype(tmp_path):
    pytest.importorskip("safetensors")
    header = json.dumps({"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(ValueError, match=r"x.safetensors'.*'w'.*BF16"):
        load(path)
