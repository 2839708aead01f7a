"""tools.bench measures what it says, in a table and as JSON."""

import json
import struct
import sys

import numpy as np
import pytest

import tinygrad_adam as torch
from tools.bench import __main__ as program
from tools.bench import epoch, kernels

FAST = ["--batch-sizes", "2", "--seconds", "0.01", "--frameworks", "tinygrad_adam"]
CASES = [
    "CNN step, batch 2",
    "wide CNN step, batch 3",
    "MLP step, batch 4",
    "LSTM step, batch 3",
    "5 x y*w+b, 0-d",
    "5 x y*w+b, (16,)",
    "Adam alone",
]


@pytest.fixture
def bench(monkeypatch):
    """The module, with small sizes; the number of threads is as before afterwards."""
    for name, size in (("WIDE_BATCH", 3), ("MLP_BATCH", 4), ("LSTM_BATCH", 3), ("CHAIN_LENGTH", 5)):
        monkeypatch.setattr(program, name, size)
    for name, size in (("PRODUCT_SIDE", 200), ("COPIED", 1000)):
        monkeypatch.setattr(kernels, name, size)
    # There is much to collect in a process with all the tests, and nothing is measured here.
    monkeypatch.setattr(program.gc, "collect", lambda: 0)
    number = torch.get_num_threads()
    yield program
    torch.set_num_threads(number)


@pytest.fixture
def run(bench, monkeypatch, capsys):
    """Run the program in this process; return what it printed."""

    def run(*options):
        monkeypatch.setattr(sys, "argv", ["bench.py", *map(str, options)])
        bench.main()
        return capsys.readouterr().out

    return run


def test_json_the_table_and_what_has_changed(run, tmp_path):
    first = run(*FAST, "--json")
    rows = {row["case"]: row for row in json.loads(first)["rows"]}
    assert list(rows) == CASES
    for row in rows.values():
        assert row["milliseconds"]["tinygrad_adam"] > 0
        assert set(row["ratios"].values()) == {None}
    memory = rows["CNN step, batch 2"]["peak_mib"]["tinygrad_adam"]
    assert memory is None or 10 < memory < 1000
    for row in list(rows.values())[:4]:
        first_loss, _, third_loss = row["losses"]["tinygrad_adam"]
        assert 2 < first_loss < 2.6  # near log(10)
        assert third_loss < first_loss

    before = tmp_path / "before.json"
    before.write_text(first, encoding="utf-8")
    shown = run(*FAST, "--no-memory", "--threads", "1", "--compare", before)
    assert "threads: tinygrad_adam 1" in shown
    assert "kernels" in shown.splitlines()[0]
    table, _, changes = shown.partition("Compared with")
    for part in (table, changes):
        assert [case for case in CASES if f"\n{case}" in part] == CASES
    assert all("->" in line for line in changes.splitlines() if line.startswith(tuple(CASES)))


def test_kernels_and_profile(bench, run, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "bars.png"
    result = json.loads(run(*FAST, "--kernels", "--profile", "--out", picture, "--json"))
    rows = {row["kernel"]: row for row in result["kernels"]["rows"]}
    assert rows["conv2 forward"]["gflops"] > 0
    assert rows["Adam"]["gflops"] is None
    for name in ("conv2", "relu1", "pool2", "average pool", "batch norm", "cross-entropy"):
        assert f"{name} forward" in rows
        assert f"{name} gradient" in rows or f"{name} input gradient" in rows
    assert all(row["gbytes"] > 0 for row in rows.values())
    assert result["kernels"]["ceilings"]["gflops"] > 0
    names = list(result["profile"])
    assert [name for name in names if name.startswith("Conv2d 0")] == [
        "Conv2d 0", "Conv2d 0, backward"
    ]  # fmt: skip
    assert picture.read_bytes().startswith(b"\x89PNG")
    kernels.print_kernels(result["kernels"])
    assert "GFLOP/s" in capsys.readouterr().out
    shown = run(*FAST, "--profile")
    assert "Conv2d 3, backward" in shown
    assert "the rest" in shown


def test_the_plain_kernels_beside_those_chosen(run):
    options = [*FAST[:4], "--no-memory", "--json", "--frameworks", "tinygrad_adam", "plain"]
    row, *_ = json.loads(run(*options))["rows"]
    ours, plain = (row["losses"][name] for name in ("tinygrad_adam", "plain"))
    np.testing.assert_allclose(ours, plain, rtol=1e-4)
    assert set(row["milliseconds"]) == {"tinygrad_adam", "plain"}


def test_the_plot(bench, tmp_path):
    pytest.importorskip("matplotlib")
    ratios = {"ratio": 0.5, "ch.last": None, "plain/": 1.5}
    result = {"machine": {"kernels": "compiled"}, "rows": [{"case": "a step", "ratios": ratios}]}
    bench.plot(result, tmp_path / "bars.png")
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(SystemExit, match="pip install torch"):
        bench.plot({**result, "rows": []}, tmp_path / "nothing.png")


def test_the_ratio_is_that_of_turns_side_by_side(bench):
    # The machine is three times as slow for half of the turns, and one turn is disturbed.
    times = {"tinygrad_adam": [1.1, 3.3, 3.3, 1.1, 9.9], "pytorch": [1.0, 3.0, 3.0, 1.0, 1.0]}
    assert bench.ratio(times) == pytest.approx(1.1)
    assert bench.ratio({"tinygrad_adam": [1.0]}) is None
    assert bench.ratio({"plain": [6.0], "pytorch": [3.0]}, "plain") == 2


def test_frameworks_that_do_something_else_are_named(bench, capsys):
    losses = {"tinygrad_adam": [2.3, 2.2], "same": [2.3001, 2.2], "other": [2.3, 2.1]}
    bench.warn_of_other_losses("CNN", losses)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "CNN: the losses of other are [2.3, 2.1], not [2.3, 2.2]"


def test_a_framework_that_is_not_there_is_named(bench, capsys, monkeypatch):
    monkeypatch.setattr(bench.Framework, "is_installed", lambda self: False)
    monkeypatch.setattr(sys, "argv", ["bench.py", "--frameworks", "pytorch", "--json"])
    bench.main()
    shown = capsys.readouterr()
    assert json.loads(shown.out)["rows"] == []
    assert shown.err == "pytorch is not installed here\n"


@pytest.fixture
def mnist(tmp_path):
    """A folder like MNIST's: images of noise, each with a bar as low as its digit."""
    random = np.random.RandomState(0)
    for part, count in (("train", 344), ("t10k", 50)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = random.randint(0, 60, size=(count, 28, 28)).astype(np.uint8)
        images[np.arange(count), 2 * labels.astype(int) + 4] = 255
        header = struct.pack(">4i", 0x803, count, 28, 28)
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = struct.pack(">2i", 0x801, count)
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
    return tmp_path


def test_an_epoch(run, mnist):
    options = ("--epoch", mnist, "--frameworks", "tinygrad_adam")
    first, again, other = json.loads(run(*options, "--seeds", 0, 0, 1, "--json"))["epochs"]
    assert first["batches"] == 6  # 5 of 64 images and one of 24
    assert first["seconds"]["tinygrad_adam"] > 0
    assert first["seconds_ratio"] is None
    assert first["test_accuracy"]["tinygrad_adam"] > 0.5
    assert again["train_loss"] == first["train_loss"]
    assert other["train_loss"] != first["train_loss"]
    *_, titles, line = run(*options).splitlines()
    assert titles.split() == ["seconds", "ratio", "train", "loss", "test", "accuracy"]
    assert line.split()[:3] == ["seed", "0,", "tinygrad_adam"]
    assert line.endswith(f"{first['test_accuracy']['tinygrad_adam']:.2%}")


def test_learners_of_an_epoch_take_turns_on_the_same_batches(bench, mnist, monkeypatch):
    seen = []

    class Learner(epoch.Learner):
        def train(self, batches):
            seen.append((id(self), [labels.tolist() for _, labels in batches]))
            super().train(batches)

    monkeypatch.setattr(epoch, "Learner", Learner)
    monkeypatch.setattr(epoch, "TURN_BATCHES", 2)
    data = epoch.read_mnist(mnist)
    result = epoch.measure_epoch(
        {"one": torch, "two": torch}, data, seed=3, batch_size=150, pause=0.0
    )
    assert result["train_loss"]["one"] == result["train_loss"]["two"]
    assert result["test_accuracy"]["one"] == result["test_accuracy"]["two"]
    (one, first), (two, same), (who, second), (whose, same_again) = seen
    assert one != two
    assert (who, whose) == (two, one)
    assert (first, second) == (same, same_again)
    labels = np.concatenate([np.concatenate(batches) for batches in (first, second)])
    assert sorted(labels) == sorted(data[0][1])
    assert labels.tolist() != data[0][1].tolist()


@pytest.mark.parametrize(
    "options",
    [
        ["--batch-sizes", "0"],
        ["--threads", "0"],
        ["--frameworks", "mxnet"],
        ["--compare", "nothing.json"],
        ["--epoch", ".", "--frameworks", "plain"],
    ],
)
def test_bad_options(run, options):
    with pytest.raises(SystemExit) as caught:
        run(*options)
    assert caught.value.code == 2


def test_a_folder_without_mnist(run, tmp_path):
    with pytest.raises(SystemExit, match=r"bench: .*train-images-idx3-ubyte"):
        run("--epoch", tmp_path)
