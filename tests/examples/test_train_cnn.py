"""The notes' CNN: PyTorch's losses step by step, and examples/train_cnn.py as a program."""

import gzip
import itertools
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tinygrad_adam as torch
from tests import goldens
from tests.examples import cnn_problem
from tests.programs import EXAMPLES, load_program
from tinygrad_adam import nn, optim

PROGRAM = EXAMPLES / "train_cnn.py"
PICTURES = ["curves.png", "confusion.png", "mistakes.png", "filters.png"]
FILES = {"metrics.json", "model.safetensors", *PICTURES}
# With one thread, slices of the batch would not be spread over any.
THREADS = {"OMP_NUM_THREADS": "2"}


@pytest.fixture(scope="module")
def train_cnn():
    return load_program(PROGRAM)


def run(*options, **environment):
    return subprocess.run(
        [sys.executable, PROGRAM, *map(str, options)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
        timeout=120,
    )


@pytest.fixture(scope="module")
def tiny_mnist(tmp_path_factory):
    """A folder like MNIST's: a few images of noise, each with a bar as low as its digit."""
    folder = tmp_path_factory.mktemp("mnist")
    random = np.random.RandomState(0)
    for part, count in (("train", 100), ("t10k", 40)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = random.randint(0, 60, size=(count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 * label + 4] = 255
        header = struct.pack(">4i", 0x803, count, 28, 28)
        path = folder / f"{part}-images-idx3-ubyte.gz"
        path.write_bytes(gzip.compress(header + images.tobytes()))
        path = folder / f"{part}-labels-idx1-ubyte"
        path.write_bytes(struct.pack(">2i", 0x801, count) + labels.tobytes())
    return folder


# The first 100 steps


@pytest.mark.parametrize("run_number", [0, 1], ids=["float64", "float32"])
def test_the_loss_follows_pytorch_for_100_adam_steps(run_number, train_cnn):
    pytest.importorskip("sklearn")
    golden = goldens.load("cnn.json")["runs"][run_number]
    dtype = np.dtype(golden["dtype"])
    model = train_cnn.CNN()
    model.load_state_dict(
        {n: torch.from_numpy(a) for n, a in cnn_problem.initial_weights().items()}
    )
    model.to(dtype)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=golden["lr"])
    losses = []
    # float32 for 100 steps; float64, twice as slow and with all digits, for some of them.
    steps = 100 if dtype == np.float32 else 30
    for images, labels in itertools.islice(cnn_problem.batches(), steps):
        optimizer.zero_grad()
        loss = criterion(model(torch.from_numpy(images).to(dtype)), torch.from_numpy(labels))
        assert loss.dtype == dtype
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert len(losses) == steps
    tolerance = 1e-3 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(losses, golden["losses"][:steps], rtol=tolerance)


# The program


@pytest.fixture(scope="module")
def one_epoch(tmp_path_factory):
    """The program's results after an epoch of digits, and what it said."""
    out = tmp_path_factory.mktemp("one_epoch") / "new" / "first"
    return out, run("--epochs", 1, "--out", out, **THREADS)


def test_an_epoch_of_digits_with_all_its_results(one_epoch):
    first, done = one_epoch
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "1,437 images to train on, 360 to test with" in lines[0]
    assert "421,642 parameters" in lines[1]
    assert lines[2].startswith("epoch 1/1")
    graph = "graph.svg" if shutil.which("dot") else "graph.dot"
    assert {path.name for path in first.iterdir()} == {*FILES, graph}
    assert all(name in lines[-1] for name in (str(first), *FILES, graph))

    metrics = json.loads((first / "metrics.json").read_text())
    assert list(metrics) == ["dataset", "device", "seed", "parameters", "test_accuracy", "epochs"]
    assert metrics["dataset"] == "digits"
    assert metrics["device"] in ("cpu", "cuda")
    assert metrics["seed"] == 0
    assert metrics["parameters"] == 421_642
    (epoch,) = metrics["epochs"]
    assert list(epoch) == ["epoch", "train_loss", "test_loss", "test_accuracy", "seconds"]
    assert epoch["epoch"] == 1
    assert epoch["test_loss"] < epoch["train_loss"] < np.log(10)
    assert epoch["test_accuracy"] == metrics["test_accuracy"] > 0.7
    assert f"test accuracy {metrics['test_accuracy']:.2%}" in lines[-2]
    for name in PICTURES:
        assert (first / name).read_bytes().startswith(b"\x89PNG")
    drawn = (first / graph).read_text(encoding="utf-8")
    for part in ("conv1", "fc2", "CrossEntropy", "421,642"):
        assert part in drawn


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "momentum", "rmsprop", "adagrad"])
def test_every_optimizer_learns(optimizer, train_cnn, tiny_mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(train_cnn, "save_pictures", lambda *_: None)
    monkeypatch.setattr(
        sys,
        "argv",
        f"train_cnn.py --dataset mnist --data-dir {tiny_mnist} --epochs 4 --batch-size 10 "
        f"--optimizer {optimizer} --out {tmp_path} --quiet".split(),
    )
    metrics = {"epochs": []}
    train_cnn.main(train_cnn.read_options(), metrics)
    losses = [epoch["train_loss"] for epoch in metrics["epochs"]]
    assert len(losses) == 4
    assert losses[-1] < 0.9 * losses[0]


@pytest.fixture(scope="module")
def quiet_without_dot(tiny_mnist, tmp_path_factory):
    """The program's results with --quiet where Graphviz is missing, and what it said."""
    out = tmp_path_factory.mktemp("quiet")
    options = ("--dataset", "mnist", "--data-dir", tiny_mnist, "--epochs", 3, "--out", out)
    return out, run(*options, "--quiet", PATH="", **THREADS)


def test_the_saved_model_gives_the_accuracy_reported_in_two_lines(
    quiet_without_dot, train_cnn, tiny_mnist
):
    out, done = quiet_without_dot
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["test", "results"]
    model = train_cnn.CNN()
    model.load_state_dict(torch.load(out / "model.safetensors"))
    _, test = torch.data.mnist(tiny_mnist, normalize=True)
    _, predictions = train_cnn.evaluate(model, test, nn.CrossEntropyLoss(), "cpu")
    right = (predictions == test.tensors[1].numpy()).mean()
    assert right == json.loads((out / "metrics.json").read_text())["test_accuracy"]


def test_without_dot_the_graph_is_written_as_text_and_one_line_says_so(quiet_without_dot):
    out, done = quiet_without_dot
    assert (out / "graph.dot").read_text(encoding="utf-8").startswith("digraph")
    assert not (out / "graph.svg").exists()
    assert "graph.dot" in done.stdout.splitlines()[-1]
    assert len(done.stderr.splitlines()) == 1
    assert "graph.dot" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX terminal")
def test_the_same_numbers_again_in_a_terminal_with_a_bar_of_loss_and_speed(
    quiet_without_dot, tiny_mnist, tmp_path
):
    import fcntl
    import pty
    import termios

    (tmp_path / "graph.dot").write_text("of an earlier run")
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
    options = ("--dataset", "mnist", "--data-dir", tiny_mnist, "--epochs", "3", "--out", tmp_path)
    with subprocess.Popen(
        [sys.executable, PROGRAM, *options],
        stdout=follower,
        stderr=follower,
        # An epoch of this takes less than the tenth of a second after which the bar shows news.
        env={**os.environ, **THREADS, "TQDM_MININTERVAL": "0"},
    ) as process:
        os.close(follower)
        shown = b""
        try:
            while chunk := os.read(leader, 65536):
                shown += chunk
        except OSError:  # how Linux says that the other end is closed
            pass
    os.close(leader)
    assert process.returncode == 0
    text = shown.decode()
    assert re.search(r"epoch 1/3:.*loss=\d\.\d+", text)
    assert re.search(r"\d images/s", text)

    first, _ = quiet_without_dot
    metrics, repeated = (
        json.loads((out / "metrics.json").read_text()) for out in (first, tmp_path)
    )
    for epoch in (*metrics["epochs"], *repeated["epochs"]):
        del epoch["seconds"]
    assert repeated == metrics
    saved, again = ((out / "model.safetensors").read_bytes() for out in (first, tmp_path))
    assert again == saved
    graph = "graph.svg" if shutil.which("dot") else "graph.dot"
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, graph}
    assert (tmp_path / graph).read_text(encoding="utf-8") != "of an earlier run"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", "0"], "--epochs: 0 is not a number above zero"),
        (["--epochs", "many"], "--epochs: invalid int value: 'many'"),
        (["--batch-size", "-3"], "--batch-size: -3 is not a number above zero"),
        (["--lr", "nan"], "--lr: nan is not a number above zero"),
        (["--lr", "0"], "--lr: 0 is not a number above zero"),
        (["--optimizer", "adm"], "invalid choice: 'adm'"),
        (["--dataset", "iris"], "invalid choice: 'iris'"),
        (["--device", "tpu"], "invalid choice: 'tpu'"),
        (["--seed", "x"], "--seed: invalid int value: 'x'"),
        (["--no-such-option"], "unrecognized arguments: --no-such-option"),
        (["--data-dir", "folder"], "--data-dir and --download go with --dataset mnist"),
        (["--download"], "--data-dir and --download go with --dataset mnist"),
    ],
)
def test_a_bad_option_is_one_line(options, words, train_cnn, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_cnn.py", *options])
    with pytest.raises(SystemExit) as stopped:
        train_cnn.read_options()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.startswith("train_cnn.py: error: ")
    assert error.count("\n") == 1


@pytest.fixture
def last_words(train_cnn, monkeypatch):
    """Run the program, in this process, until it gives up; return the line that it says then."""

    def run_until_exit(*options):
        monkeypatch.setattr(sys, "argv", ["train_cnn.py", *map(str, options)])
        metrics = {"epochs": []}
        with pytest.raises(SystemExit) as stopped:
            train_cnn.main(train_cnn.read_options(), metrics)
        assert metrics["epochs"] == []
        assert "\n" not in stopped.value.code  # a text is printed on stderr, and the status is 1
        return stopped.value.code

    return run_until_exit


def test_what_cannot_be_done_is_one_line(last_words, tmp_path):
    missing = tmp_path / "nothing here"
    file = tmp_path / "file"
    file.write_text("")
    cases = [
        (["--dataset", "mnist", "--data-dir", missing], "no such folder; pass --download,"),
        (["--out", file], "file"),
    ]
    if Path("/proc/sys").is_dir():  # a folder in which nobody can write
        cases.append((["--out", "/proc/sys"], "/proc/sys"))
    if not torch.cuda.is_available():
        cases.append((["--device", "cuda"], "device 'cuda' needs"))
    for options, words in cases:
        said = last_words("--out", tmp_path / "out", *options)
        assert words in said
        assert said.startswith("train_cnn.py: error: ")


def test_a_failed_run_has_a_status_of_1_and_no_traceback(tmp_path):
    done = run("--dataset", "mnist", "--data-dir", tmp_path / "missing", "--out", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("train_cnn.py: error: ")
    assert done.stderr.count("\n") == 1


def test_a_training_that_diverges_stops_with_a_word(last_words, tiny_mnist, tmp_path):
    options = ("--dataset", "mnist", "--data-dir", tiny_mnist, "--optimizer", "sgd")
    said = last_words(*options, "--lr", "1e30", "--batch-size", 10, "--out", tmp_path)
    assert said.endswith("try a learning rate below 1e+30")
    assert not (tmp_path / "metrics.json").exists()


def test_control_c_while_an_epoch_is_saved_waits_for_its_files(
    train_cnn, tiny_mnist, tmp_path, monkeypatch
):
    save = train_cnn.save_epoch

    def interrupted(*arguments):
        signal.raise_signal(signal.SIGINT)
        save(*arguments)

    monkeypatch.setattr(train_cnn, "save_epoch", interrupted)
    options = f"train_cnn.py --dataset mnist --data-dir {tiny_mnist} --out {tmp_path} --quiet"
    monkeypatch.setattr(sys, "argv", options.split())
    metrics = {"epochs": []}
    with pytest.raises(KeyboardInterrupt):
        train_cnn.main(train_cnn.read_options(), metrics)
    assert len(metrics["epochs"]) == 1
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_control_c_stops_at_once_and_keeps_what_is_finished(train_cnn, tiny_mnist, tmp_path):
    options = ["--dataset", "mnist", "--data-dir", tiny_mnist, "--epochs", "100000"]
    with subprocess.Popen(
        [sys.executable, "-u", PROGRAM, *options, "--out", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            for _ in range(5):  # two lines about the training, and three epochs
                process.stdout.readline()
            asked = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=60)
            waited = time.monotonic() - asked
        finally:
            process.kill()
    assert process.returncode == 130
    assert waited < 20  # of the hour that it would have taken, even on a busy machine
    assert "Traceback" not in error
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    finished = len(metrics["epochs"])
    assert finished >= 3
    assert f"interrupted; finished epochs, kept in {tmp_path}: {finished}\n" in error
    train_cnn.CNN().load_state_dict(torch.load(tmp_path / "model.safetensors"))
    assert {path.name for path in tmp_path.iterdir()} == {"metrics.json", "model.safetensors"}


def test_help_names_every_option(train_cnn, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_cnn.py", "--help"])
    with pytest.raises(SystemExit) as stopped:
        train_cnn.read_options()
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    for option in (
        *("--dataset", "--data-dir", "--download", "--epochs", "--batch-size", "--optimizer"),
        *("--lr", "--device", "--seed", "--out", "--quiet"),
    ):
        assert option in shown
