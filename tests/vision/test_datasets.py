"""Data sets: torchvision's folders and files, downloads from this machine, and what is refused."""

import builtins
import hashlib
import pickle
import tarfile

import numpy as np
import pytest

import tinygrad_adam as torch

pytest.importorskip("PIL")

from PIL import Image

from tests.data.test_sources import NAMES, serve, small_mnist, write  # noqa: F401
from tinygrad_adam.vision import datasets, transforms

# MNIST and its relatives


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
@pytest.mark.parametrize("below", [True, False])
def test_mnist(tmp_path, name, below):
    contents = small_mnist()
    write(tmp_path / name / "raw" if below else tmp_path, contents)
    kind = getattr(datasets, name)
    train, test = kind(str(tmp_path)), kind(tmp_path, train=False, download=True)
    assert (len(train), len(test)) == (6, 3)
    pixels = np.frombuffer(contents[NAMES[0]][16:], np.uint8).reshape(6, 28, 28)
    image, label = train[4]
    assert (image.mode, type(label), label) == ("L", int, 4)
    np.testing.assert_array_equal(np.asarray(image), pixels[4])
    np.testing.assert_array_equal(train.data.numpy(), pixels)
    assert train.targets.tolist() == list(range(6))
    assert train.targets.dtype == torch.int64
    assert train.class_to_idx[train.classes[9]] == 9
    changed = kind(tmp_path, True, transforms.ToTensor(), lambda label: label + 10)[5]
    np.testing.assert_array_equal(changed[0].numpy()[0], pixels[5] / np.float32(255))
    assert changed[1] == 15


def test_a_data_set_is_printed_as_torchvision_prints_it(tmp_path):
    write(tmp_path, small_mnist())
    both = transforms.Compose([transforms.ToTensor(), transforms.Pad(1)])
    dataset = datasets.MNIST(tmp_path, False, both, transforms.Lambda(float))
    assert repr(dataset) == (
        f"Dataset MNIST\n    Number of datapoints: 3\n    Root location: {tmp_path}\n"
        "    Split: Test\n    StandardTransform\n"
        "Transform: Compose(\n               ToTensor()\n"
        "               Pad(padding=1, fill=0, padding_mode=constant)\n           )\n"
        "Target transform: Lambda()"
    )
    assert repr(datasets.FakeData(5)) == "Dataset FakeData\n    Number of datapoints: 5"


def test_mnist_that_is_not_there(tmp_path):
    contents = small_mnist()
    del contents[NAMES[2]]
    write(tmp_path / "MNIST" / "raw", contents)
    with pytest.raises(RuntimeError, match=f"(?s)Dataset not found. You can use.*{NAMES[2]}"):
        datasets.MNIST(tmp_path)


def test_a_loader_with_workers_reads_them(tmp_path):
    write(tmp_path, small_mnist())
    dataset = datasets.MNIST(tmp_path, transform=transforms.ToTensor())
    loader = torch.utils.data.DataLoader(dataset, 4, num_workers=2)
    assert [images.shape for images, _ in loader] == [(4, 1, 28, 28), (2, 1, 28, 28)]
    assert torch.cat([labels for _, labels in loader]).tolist() == list(range(6))


def test_mnist_is_downloaded_with_checksums(tmp_path, monkeypatch, serve):  # noqa: F811
    pytest.importorskip("pooch")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    files = {f"{name}.gz": content for name, content in small_mnist().items()}
    url, asked = serve(files)
    wrong, _ = serve(dict.fromkeys(files, b"another"))
    checksums = {name: hashlib.md5(files[f"{name}.gz"]).hexdigest() for name in NAMES}
    monkeypatch.setattr(datasets.KMNIST, "checksums", checksums)
    monkeypatch.setattr(datasets.KMNIST, "mirrors", [wrong, url])
    for _ in range(2):
        assert len(datasets.KMNIST(tmp_path, download=True)) == 6
    assert asked == list(files)
    assert sorted(path.name for path in (tmp_path / "KMNIST" / "raw").iterdir()) == sorted(files)


def test_offline_the_reason_is_said(tmp_path, monkeypatch):
    pytest.importorskip("pooch")
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(ConnectionError, match=r"(?s)expected the published file.*127\.0\.0\.1:9"):
        datasets.FashionMNIST(tmp_path, download=True)


# CIFAR


@pytest.fixture(params=["CIFAR10", "CIFAR100"])
def cifar(request, monkeypatch):
    """A small CIFAR: the class, and the files by name."""
    kind = getattr(datasets, request.param)
    rng = np.random.default_rng(3)
    files = {}
    for part in ("train_list", "test_list"):
        for name, _ in getattr(kind, part):
            data = rng.integers(0, 256, (2, 3072)).astype(np.uint8)
            labels = [int(label) for label in rng.integers(0, 10, 2)]
            key = "labels" if kind is datasets.CIFAR10 else "fine_labels"
            files[name] = pickle.dumps({"data": data, key: labels, "batch_label": "x"}, protocol=2)
        sums = [[name, hashlib.md5(files[name]).hexdigest()] for name, _ in getattr(kind, part)]
        monkeypatch.setattr(kind, part, sums)
    name = kind.meta["filename"]
    files[name] = pickle.dumps({kind.meta["key"]: ["cat", "dog"]}, protocol=2)
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": hashlib.md5(files[name]).hexdigest()})
    return kind, files


def check_cifar(kind, files, root):
    for train in (True, False):
        dataset = kind(root, train)
        names = [name for name, _ in (kind.train_list if train else kind.test_list)]
        batches = [pickle.loads(files[name]) for name in names]
        assert len(dataset) == 2 * len(names)
        image, label = dataset[1]
        assert (image.mode, image.size) == ("RGB", (32, 32))
        planes = batches[0]["data"][1].reshape(3, 32, 32)
        np.testing.assert_array_equal(np.asarray(image), planes.transpose(1, 2, 0))
        wanted = [x for batch in batches for x in batch.get("labels", batch.get("fine_labels"))]
        assert dataset.targets == wanted
        assert label == wanted[1]
        assert dataset.class_to_idx == {"cat": 0, "dog": 1}


def test_cifar(tmp_path, cifar):
    kind, files = cifar
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted"):
        kind(tmp_path)
    folder = write(tmp_path / kind.base_folder, files)
    check_cifar(kind, files, tmp_path)
    name = kind.test_list[0][0]
    (folder / name).write_bytes(b"damaged")
    with pytest.raises(RuntimeError, match=f"missing or not as published: {name}"):
        kind(tmp_path)


def test_cifar_is_unpacked_from_the_archive(tmp_path, cifar, monkeypatch, serve):  # noqa: F811
    pytest.importorskip("pooch")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    kind, files = cifar
    folder = write(tmp_path / "packed" / kind.base_folder, {**files, "readme.html": b"x"})
    archive = tmp_path / kind.filename
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, kind.base_folder)
    url, asked = serve({kind.filename: archive.read_bytes()})
    monkeypatch.setattr(kind, "mirrors", [url])
    monkeypatch.setattr(kind, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    kind(tmp_path / "new", download=True)
    check_cifar(kind, files, tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new" / kind.base_folder).iterdir()) == sorted(
        files
    )
    # An archive that is there already is not asked for.
    write(tmp_path / "old", {kind.filename: archive.read_bytes()})
    check_cifar(kind, files, kind(tmp_path / "old", download=True).root)
    assert asked == [kind.filename]


class Attack:
    """Pickled, it names a function that runs when it is unpickled."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps({"data": Attack(print, "attacked")}, protocol=2),
        pickle.dumps({"data": Attack(getattr, "x", "y")}),
        pickle.dumps({"data": np.array([Attack(print, "attacked")], object)}, protocol=2),
        pickle.dumps(np.load),
        b"\x80\x02cnumpy.testing\nassert_\n.",
        b"not pickled",
        b"",
        pickle.dumps([1, 2]),
    ],
)
def test_a_pickled_file_runs_nothing(tmp_path, content, capsys, monkeypatch):
    monkeypatch.setattr(builtins, "eval", None)
    path = tmp_path / "batch"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="expected a batch of CIFAR's, found"):
        datasets.cifar.read_batch(path)
    assert capsys.readouterr().out == ""


def test_a_file_of_python_2(tmp_path):
    # {'data': array([[1, 2]], uint8), 'labels': [3]}, as Python 2 and an old NumPy wrote it.
    path = tmp_path / "batch"
    path.write_bytes(
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\n"
        b"q\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01"
        b"\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x02\x01\xfetb"
        b"U\x06labelsq\x08]q\x09K\x03au."
    )
    found = datasets.cifar.read_batch(path)
    assert found["data"].tolist() == [[1, 254]]
    assert found["labels"] == [3]


# Folders


@pytest.fixture
def folder(tmp_path):
    """Two classes of images, one in a subfolder, with another file; and an empty class."""
    for number, name in enumerate(("b/x.png", "b/sub/y.JPG", "a/2.png", "a/10.bmp")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 5), number * 60, np.uint8)).save(path)
    (tmp_path / "a" / "notes.txt").write_text("notes")
    return tmp_path


def test_image_folder(folder):
    dataset = datasets.ImageFolder(str(folder), transforms.ToTensor())
    names = [path[len(str(folder)) + 1 :].replace("\\", "/") for path, _ in dataset.samples]
    assert names == ["a/10.bmp", "a/2.png", "b/x.png", "b/sub/y.JPG"]
    assert dataset.targets == [0, 0, 1, 1]
    assert dataset.classes == ["a", "b"]
    assert dataset.imgs is dataset.samples
    image, label = dataset[0]
    assert image.shape == (3, 4, 5)
    assert image.max().item() == pytest.approx(180 / 255)
    assert label == 0
    notes = datasets.ImageFolder(
        folder, loader=lambda path: path[-9:], is_valid_file=lambda path: path[-1] == "t",
        allow_empty=True, target_transform=str,
    )  # fmt: skip
    assert list(notes) == [("notes.txt", "0")]


def test_dataset_folder(folder):
    def read(path):
        with open(path) as file:
            return file.read()

    dataset = datasets.DatasetFolder(folder, read, ".txt", allow_empty=True)
    assert list(dataset) == [("notes", 0)]
    with pytest.raises(FileNotFoundError, match=r"no valid file for the classes b\..*are: \.txt"):
        datasets.DatasetFolder(folder, read, (".txt",))
    with pytest.raises(ValueError, match="cannot be None or not None at the same time"):
        datasets.DatasetFolder(folder, read)
    (folder / "none").mkdir()
    with pytest.raises(FileNotFoundError, match="Couldn't find any class folder in"):
        datasets.ImageFolder(folder / "none")
    with pytest.raises(FileNotFoundError, match="no valid file for the classes none"):
        datasets.ImageFolder(folder)


def test_fake_data():
    state = torch.Generator().manual_seed(1).get_state()
    torch.backend.default_generator.set_state(state)
    first = datasets.FakeData(20, (1, 6, 7), 4)
    again = datasets.FakeData(20, (1, 6, 7), 4, random_offset=2)
    image, label = first[3]
    assert (image.mode, image.size) == ("L", (7, 6))
    assert type(label) is int
    assert first[3][0].tobytes() == image.tobytes() == again[1][0].tobytes()
    assert image.tobytes() != first[4][0].tobytes()
    assert {label for _, label in first} == {0, 1, 2, 3}
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(IndexError, match="FakeData index out of range"):
        first[20]


def test_transforms_and_transform_exclude_each_other():
    with pytest.raises(ValueError, match="Only transforms or transform/target_transform"):
        datasets.VisionDataset("x", transforms=len, transform=len)


def test_without_pillow_the_command_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(ImportError, match=r"images need Pillow: pip install pillow .*\[vision\]"):
        transforms.ToPILImage()(torch.zeros(3, 2, 2))
