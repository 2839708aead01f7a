"""digits, iris and mnist: shapes, scales, splits, file names, mirrors, and errors. No network."""

import builtins
import gzip
import hashlib
import http.server
import struct
import threading

import numpy as np
import pytest

from tinygrad_adam.data import DataLoader, digits, iris, mnist, sources

NAMES = list(sources.MNIST_CHECKSUMS)


def arrays(dataset):
    return [tensor.numpy() for tensor in dataset.tensors]


# digits and iris


def test_digits():
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    train, test = digits()
    images, labels = (
        np.concatenate(both) for both in zip(arrays(train), arrays(test), strict=True)
    )
    assert arrays(train)[0].shape == (1437, 1, 28, 28)
    assert arrays(test)[0].shape == (360, 1, 28, 28)
    assert images.dtype == np.float32
    assert labels.dtype == np.int64
    assert images.min() == 0
    assert images.max() == 1
    # Every digit of scikit-learn is there once, with its own label.
    original = sklearn_datasets.load_digits()
    resized = sources._resize_bilinear(original.images / 16, 28).astype(np.float32)
    expected = [(x.tobytes(), y) for x, y in zip(resized, original.target, strict=True)]
    assert sorted((x.tobytes(), y) for x, y in zip(images, labels, strict=True)) == sorted(expected)
    # A fifth of each class is held out.
    held_out = np.bincount(arrays(test)[1]) / np.bincount(labels)
    assert np.abs(held_out - 0.2).max() < 0.005
    image, label = train[0]
    assert image.shape == (1, 28, 28)
    assert label.shape == ()
    assert [len(batch[0]) for batch in DataLoader(test, 128)] == [128, 128, 104]


def test_digits_split_is_the_same_each_time_and_another_for_another_seed():
    pytest.importorskip("sklearn")
    again = arrays(digits()[1])[1]
    np.testing.assert_array_equal(arrays(digits()[1])[1], again)
    assert (arrays(digits(seed=1)[1])[1] != again).any()


def test_digits_normalized_by_the_training_images():
    pytest.importorskip("sklearn")
    (train, test), (plain, _) = digits(normalize=True), digits()
    images = arrays(train)[0].astype(np.float64)
    assert abs(images.mean()) < 1e-6
    assert abs(images.std() - 1) < 1e-6
    assert abs(arrays(test)[0].mean(dtype=np.float64)) > 1e-6
    original = arrays(plain)[0].astype(np.float64)
    np.testing.assert_allclose(images, (original - original.mean()) / original.std(), atol=1e-5)


def bilinear_pixel_by_pixel(image, size):
    """The definition, with loops: centres at half-integers, coordinates clamped to the image."""
    old = len(image)
    result = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            y = min(max((i + 0.5) * old / size - 0.5, 0), old - 1)
            x = min(max((j + 0.5) * old / size - 0.5, 0), old - 1)
            top, left = int(y), int(x)
            bottom, right = min(top + 1, old - 1), min(left + 1, old - 1)
            dy, dx = y - top, x - left
            result[i, j] = (1 - dy) * ((1 - dx) * image[top, left] + dx * image[top, right])
            result[i, j] += dy * ((1 - dx) * image[bottom, left] + dx * image[bottom, right])
    return result


@pytest.mark.parametrize(("old", "new"), [(8, 28), (3, 4), (2, 5), (5, 5), (1, 3)])
def test_resizing_against_the_definition(old, new):
    images = np.random.default_rng(0).random((2, old, old))
    expected = np.stack([bilinear_pixel_by_pixel(image, new) for image in images])
    np.testing.assert_allclose(sources._resize_bilinear(images, new), expected, atol=1e-14)


def test_iris():
    pytest.importorskip("sklearn")
    train, test = iris()
    assert arrays(train)[0].shape == (120, 4)
    assert arrays(test)[0].shape == (30, 4)
    assert arrays(train)[0].dtype == np.float32
    assert arrays(train)[1].dtype == np.int64
    assert np.bincount(arrays(train)[1]).tolist() == [40, 40, 40]
    assert np.bincount(arrays(test)[1]).tolist() == [10, 10, 10]
    np.testing.assert_allclose(arrays(train)[0].mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(arrays(train)[0].std(0), 1, atol=1e-6)
    assert np.abs(arrays(test)[0].mean(0)).min() > 1e-6


def test_iris_in_centimetres():
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    train, test = iris(standardize=False)
    rows = [
        (*np.float32(row), label)
        for dataset in (train, test)
        for row, label in zip(*arrays(dataset), strict=True)
    ]
    original = sklearn_datasets.load_iris()
    expected = [(*np.float32(r), t) for r, t in zip(original.data, original.target, strict=True)]
    assert sorted(rows) == sorted(expected)


# MNIST from a folder


def idx(array):
    return (
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + bytes(array)
    )


def small_mnist(train=6, test=3, side=28):
    """Contents of the four files, by published name, with random pixels."""
    rng = np.random.default_rng(0)
    contents = {}
    for part, size in (("train", train), ("t10k", test)):
        pixels = rng.integers(0, 256, (size, side, side), dtype=np.uint8)
        contents[f"{part}-images-idx3-ubyte"] = idx(pixels)
        contents[f"{part}-labels-idx1-ubyte"] = idx(np.arange(size, dtype=np.uint8) % 10)
    return contents


def write(folder, contents, rename=str, pack=bytes):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / rename(name)).write_bytes(pack(content))
    return folder


@pytest.mark.parametrize("below", ["", "MNIST/raw"])
@pytest.mark.parametrize("dot", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_mnist_from_a_folder(tmp_path, below, dot, packed):
    def rename(name):
        return (name.replace("-idx", ".idx") if dot else name) + (".gz" if packed else "")

    contents = small_mnist()
    write(tmp_path / below, contents, rename, gzip.compress if packed else bytes)
    train, test = mnist(tmp_path)
    images, labels = arrays(train)
    assert images.shape == (6, 1, 28, 28)
    assert images.dtype == np.float32
    assert labels.dtype == np.int64
    assert labels.tolist() == list(range(6))
    pixels = np.frombuffer(contents[NAMES[0]][16:], np.uint8)
    np.testing.assert_array_equal(images.ravel(), pixels / np.float32(255))
    assert arrays(test)[0].shape == (3, 1, 28, 28)
    assert images.flags.writeable


def test_mnist_normalized_by_the_training_images(tmp_path):
    # More than the thousand images that are counted at a time.
    write(tmp_path, small_mnist(train=1003))
    (train, test), (plain, plain_test) = mnist(str(tmp_path), normalize=True), mnist(tmp_path)
    original = arrays(plain)[0].astype(np.float64)
    for dataset, source in ((train, plain), (test, plain_test)):
        expected = (arrays(source)[0] - original.mean()) / original.std()
        np.testing.assert_allclose(arrays(dataset)[0], expected, atol=1e-5)


def test_mnist_of_one_grey_is_normalized_to_zeros(tmp_path):
    contents = small_mnist()
    contents[NAMES[0]] = idx(np.full((6, 28, 28), 7, np.uint8))
    train, _ = mnist(write(tmp_path, contents), normalize=True)
    assert (arrays(train)[0] == 0).all()


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    write(tmp_path / "digits", small_mnist())
    assert len(mnist("~/digits")[0]) == 6


def test_a_folder_named_like_its_file_does_not_hide_it(tmp_path):
    write(tmp_path, small_mnist(), lambda name: f"{name}.gz", gzip.compress)
    (tmp_path / NAMES[0]).mkdir()
    assert len(mnist(tmp_path)[0]) == 6


def test_a_missing_folder_and_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere: no such folder; pass download=True"):
        mnist(tmp_path / "nowhere")
    contents = small_mnist()
    del contents[NAMES[3]]
    write(tmp_path, contents)
    with pytest.raises(FileNotFoundError, match=rf"{NAMES[3]}: no such file, nor {NAMES[3]}.gz"):
        mnist(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (NAMES[1], small_mnist(train=5)[NAMES[1]], r"expected 6 labels, .*train-images.* found 5"),
        (NAMES[3], small_mnist(test=4)[NAMES[3]], r"expected 3 labels, .*t10k-images.* found 4"),
        (NAMES[0], small_mnist(side=27)[NAMES[0]], "expected images of 28x28 pixels, found 27x27"),
        (NAMES[0], small_mnist(train=0)[NAMES[0]], "expected at least one image, found none"),
        (NAMES[1], idx(np.full(6, 10, np.uint8)), "expected labels from 0 to 9, found 10"),
        (NAMES[0], small_mnist()[NAMES[1]], "magic number 0x00000803 .* found 0x00000801"),
        (NAMES[1], small_mnist()[NAMES[0]], "magic number 0x00000801 .* found 0x00000803"),
        (NAMES[2], small_mnist()[NAMES[2]][:-5], "truncated: .* found 2,363"),
        (NAMES[2], gzip.compress(small_mnist()[NAMES[2]])[:-5], "expected a complete gzip file"),
    ],
)
def test_files_that_do_not_fit(tmp_path, name, content, message):
    write(tmp_path, {**small_mnist(), name: content})
    with pytest.raises(ValueError, match=f"{name}: .*{message}"):
        mnist(tmp_path)


# MNIST from mirrors, which are servers on this machine


@pytest.fixture
def serve():
    """Start web servers: ``serve({path: content})`` returns a URL and the list of requests."""
    servers = []

    def start(files, status=404):
        requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append(self.path.lstrip("/"))
                content = files.get(requests[-1])
                self.send_response(status if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Asked to stop, a server looks up after so many seconds.
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/", requests

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def published(monkeypatch):
    """Small files in place of the published ones, and their checksums."""
    pytest.importorskip("pooch")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    files = {f"{name}.gz": gzip.compress(c, mtime=0) for name, c in small_mnist().items()}
    checksums = {name: hashlib.md5(files[f"{name}.gz"]).hexdigest() for name in NAMES}
    monkeypatch.setattr(sources, "MNIST_CHECKSUMS", checksums)
    return files


def use_mirrors(monkeypatch, *urls):
    monkeypatch.setattr(sources, "MNIST_MIRRORS", urls)


def test_download_goes_on_to_the_mirror_that_has_the_published_file(
    tmp_path, monkeypatch, serve, published
):
    nobody = "http://127.0.0.1:9/"
    empty, asked_empty = serve({}, status=503)
    wrong, asked_wrong = serve(dict.fromkeys(published, gzip.compress(b"another file")))
    cut, asked_cut = serve({name: content[:-1] for name, content in published.items()})
    right, asked_right = serve(published)
    use_mirrors(monkeypatch, nobody, empty, wrong, cut, right)
    train, test = mnist(tmp_path / "new" / "folder", download=True)
    assert (len(train), len(test)) == (6, 3)
    assert asked_empty == asked_wrong == asked_cut == asked_right == list(published)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(
        published
    )
    # The second time everything is there, and nobody is asked.
    assert len(mnist(tmp_path / "new" / "folder", download=True)[0]) == 6
    assert len(mnist(tmp_path / "new" / "folder")[0]) == 6
    assert len(asked_right) == 4


def test_download_leaves_the_users_files_alone_and_fetches_the_others(
    tmp_path, monkeypatch, serve, published
):
    write(tmp_path, {name: small_mnist(train=9)[name] for name in NAMES[:2]})
    url, asked = serve(published)
    use_mirrors(monkeypatch, url)
    train, test = mnist(tmp_path, download=True)
    assert (len(train), len(test)) == (9, 3)
    assert asked == [f"{name}.gz" for name in NAMES[2:]]


def test_download_fails_with_the_reason_of_each_mirror(tmp_path, monkeypatch, serve, published):
    wrong, _ = serve(dict.fromkeys(published, b"<html>moved</html>"))
    empty, _ = serve({})
    use_mirrors(monkeypatch, wrong, empty)
    with pytest.raises(ConnectionError) as caught:
        mnist(tmp_path, download=True)
    message = str(caught.value)
    assert message.startswith(f"{NAMES[0]}.gz: expected the published file from one of 2 mirrors")
    assert "does not match the known hash" in message.split(wrong)[1].split(empty)[0]
    assert "404" in message.split(empty)[1]
    assert list(tmp_path.iterdir()) == []


def test_no_folder_means_the_users_cache(tmp_path, monkeypatch, published):
    import pooch

    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    with pytest.raises(FileNotFoundError, match=r"tinygrad_adam.mnist: no such folder"):
        mnist()
    write(tmp_path / "tinygrad_adam" / "mnist", small_mnist())
    assert len(mnist()[0]) == 6


def test_the_published_checksums():
    assert sources.MNIST_CHECKSUMS == {
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    }
    assert len(set(sources.MNIST_MIRRORS)) >= 2
    assert all(mirror.endswith("/") for mirror in sources.MNIST_MIRRORS)


@pytest.mark.parametrize(
    ("package", "call", "message"),
    [
        ("sklearn", lambda folder: digits(), "digits needs scikit-learn"),
        ("sklearn", lambda folder: iris(), "iris needs scikit-learn"),
        (
            "pooch",
            lambda folder: mnist(folder, download=True),
            "downloading train-.* needs pooch",
        ),
        ("pooch", lambda folder: mnist(), "mnist without a folder needs pooch"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch, package, call, message):
    original = builtins.__import__

    def without(name, *arguments, **options):
        if name.split(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {name!r}")
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=message) as caught:
        call(tmp_path)
    name = {"sklearn": "scikit-learn"}.get(package, package)
    extra = {"pooch": "vision"}.get(package, "examples")
    hint = f'pip install {name} (in a clone: pip install -e ".[{extra}]")'
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_read_without_pooch(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    write(tmp_path, small_mnist())
    assert len(mnist(tmp_path)[0]) == 6
