"""Files that PyTorch wrote are read, and nothing in them is run."""

import contextlib
import io
import pickle
import random
import zipfile

import numpy as np
import pytest

import tinygrad_adam as torch
from tests import goldens
from tests.pytorch_files import OBJECTS, WAYS

with np.load(goldens.FOLDER / "pytorch_files.npz") as _stored:
    FILES = {name: content.tobytes() for name, content in _stored.items()}
REFUSED = ("model", "code", "bfloat16")


def open_file(name):
    return io.BytesIO(FILES[name])


def same(a, b):
    """Assert that two objects are equal: types, order, dtypes and strides included."""
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert (a.dtype, a.requires_grad, a.stride()) == (b.dtype, b.requires_grad, b.stride())
        a, b = a.detach().numpy(), b.detach().numpy()
    if isinstance(a, (np.ndarray, np.generic)):
        np.testing.assert_array_equal(a, b, strict=True)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        for x, y in zip(a, b, strict=True):
            same(x, y)
    else:
        assert a == b


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", [name for name in OBJECTS if name not in REFUSED])
def test_what_pytorch_saved(name, way):
    same(OBJECTS[name](torch), torch.load(open_file(f"{name}, {way}")))


@pytest.mark.parametrize("way", WAYS)
def test_memory_is_shared_and_belongs_to_the_tensors(way):
    views = torch.load(open_file(f"views, {way}"))
    assert views[0] is views[5]
    views[0][1, 0] = 100
    assert views[1][0, 1] == views[2][0, 0] == 100
    state = torch.load(open_file(f"state, {way}"))
    assert state._metadata["0"] == {"version": 2}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("model", "Unsupported global: GLOBAL torch.nn.modules.linear.Linear was not an allowed"),
        ("code", "Unsupported global: GLOBAL builtins.print was not an allowed"),
        ("bfloat16", r"bfloat16 numbers, which are not here: save x.float\(\)"),
    ],
)
def test_what_asks_for_more_is_refused_by_name(name, asked, way):
    with pytest.raises(pickle.UnpicklingError, match=asked):
        torch.load(open_file(f"{name}, {way}"), weights_only=False)


def test_map_location():
    asked = []
    torch.load(open_file("views, zip"), lambda memory, where: asked.append((len(memory), where)))
    assert asked == [(12, "cpu")]  # once for memory that six tensors share
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="deserialize object on a CUDA device"):
            torch.load(open_file("views, zip"), "cuda")


def with_pickle(content, data=None):
    """Return a file of PyTorch's with this pickle in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        for name, text in (data or {}).items():
            archive.writestr(f"archive/{name}", text)
    file.seek(0)
    return file


class Call:
    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


def test_code_is_not_run():
    ran = []
    for function, *arguments in ((exec, "ran.append(1)"), (ran.append, 1), (open, "/nonexistent")):
        with pytest.raises(pickle.UnpicklingError, match="Unsupported global"):
            torch.load(with_pickle(pickle.dumps(Call(function, *arguments), 2)))
    assert ran == []


STORAGE = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0%bX\3\0\0\0cpuK\4tQ"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b".", "IndexError"),
        (b"\x80\2]", "before seeing STOP"),
        (b"\x80\2]K\1K\2s.", "a dict expected, a list found"),
        (b"\x80\2ctorch\nfloat32\nK\1a.", "a list expected"),
        (b"\x80\2ctorch\nfloat32\n)R.", "a _Function expected"),
        (b"\x80\2c_codecs\nencode\n}b.", "a _Function is given the state"),
        (b"\x80\2\x8eABCDEFGH.", "expected .* bytes in a bytes8, but only"),
        (b"\x80\2(K\1o.", "Unsupported operand OBJ"),
        (b"\x80\2K\1P0\n.", "Unsupported operand PERSID|ValueError"),
        (STORAGE % b"1" + b".", r"There is no item named 'archive/data/1'"),
        (STORAGE % b"2" + b".", "4 numbers of float32 in 3 bytes"),
        (
            b"ctorch._utils\n_rebuild_tensor\n(" + STORAGE % b"0" + b"K\1K\4\x85K\1\x85tR.",
            "too small|incompatible",
        ),
        (
            b"ctorch._utils\n_rebuild_tensor\n("
            + STORAGE % b"0"
            + b"K\0K\4\x85J\xff\xff\xff\xff\x85tR.",
            "incompatible",
        ),
        (
            b"ctorch._utils\n_rebuild_tensor_v3\n(NN\x86K\0K\4\x85K\1\x85\x89Nctorch\nint8\ntR.",
            "a _Memory expected",
        ),
        (
            b"cnumpy.core.numeric\n_frombuffer\n(J\xff\xff\xff\x7fctorch\nint8\nK\1\x85X\1\0\0\0CtR.",
            "bytes-like object",
        ),
        (
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85C\1btR"
            b"(K\1K\1\x85cnumpy\ndtype\nX\2\0\0\0O8\x85R\x89C\0tb.",
            "dtype must be a dtype",
        ),
    ],
)  # fmt: skip
def test_damaged_and_hostile_pickles(content, error):
    file = with_pickle(content, {"data/0": bytes(16), "data/2": bytes(3)})
    with pytest.raises((ValueError, pickle.UnpicklingError), match=error):
        torch.load(file)


def test_a_torchscript_archive_is_refused():
    with pytest.raises(pickle.UnpicklingError, match="TorchScript archive"):
        torch.load(with_pickle(b"N.", {"constants.pkl": b"N."}))


def test_numbers_of_a_machine_that_starts_at_the_other_end():
    content = b"ctorch._utils\n_rebuild_tensor\n(" + STORAGE % b"0" + b"K\0K\4\x85K\1\x85tR."
    numbers = np.arange(4, dtype=">f4").tobytes()
    file = with_pickle(content, {"data/0": numbers, "byteorder": "big"})
    assert torch.load(file).tolist() == [0, 1, 2, 3]


def test_a_legacy_file_that_promises_more_than_it_has():
    name = "state, legacy"
    content = FILES[name].replace(b"K\6", b"\x8a\x06\0\0\0\0\0\x10")  # 6 numbers: 2**44
    assert content != FILES[name]
    with pytest.raises(ValueError, match="numbers of float32 in a file of"):
        torch.load(io.BytesIO(content))
    for size in range(1, len(FILES[name]), 37):
        with pytest.raises(ValueError, match="is truncated, corrupt or no"):
            torch.load(io.BytesIO(FILES[name][:size]))


def test_random_damage_gives_one_of_three_errors():
    source = random.Random(0)
    with zipfile.ZipFile(open_file("checkpoint, zip")) as archive:
        names = {entry.partition("/")[2]: archive.read(entry) for entry in archive.namelist()}
    content = names.pop("data.pkl")
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(source.randint(1, 3)):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        with contextlib.suppress(ValueError, RuntimeError, pickle.UnpicklingError):
            torch.load(with_pickle(bytes(damaged), names))
