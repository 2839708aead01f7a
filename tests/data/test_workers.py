"""Workers of a DataLoader: what PyTorch promises of them, their errors, and that none stays."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import tinygrad_adam as torch
from tests import goldens
from tests.data import passes
from tinygrad_adam.data import DataLoader, Dataset, IterableDataset, get_worker_info, workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these datasets need fork")


THREADS = []  # those that there are when a test begins


@pytest.fixture(autouse=True)
def others():
    THREADS[:] = threading.enumerate()


def alone():
    """Return whether neither a process nor a thread of a loader is left."""
    return not multiprocessing.active_children() and set(threading.enumerate()) <= set(THREADS)


class Called(Dataset):
    """Sample i is what a function returns for i."""

    def __init__(self, function, size=6):
        self.function, self.size = function, size

    def __getitem__(self, index):
        return self.function(index)

    def __len__(self):
        return self.size


def read(function, *arguments, size=6, **options):
    """Return what a loader with two workers gives, samples as they are."""
    options = {"num_workers": 2, "batch_size": None, "collate_fn": lambda x: x} | options
    return list(DataLoader(Called(function, size), *arguments, **options))


def test_batches_are_those_of_pytorch():
    wanted = goldens.load("passes.json")
    found = passes.answers(torch)
    assert list(found) == list(wanted)
    assert [name for name in found if found[name] != wanted[name]] == []
    assert alone()


def test_a_worker_knows_itself_and_has_one_thread():
    def look(index):
        info = get_worker_info()
        return info.id, info.num_workers, type(info.dataset).__name__, torch.get_num_threads()

    assert read(look, size=3) == [(0, 2, "Called", 1), (1, 2, "Called", 1), (0, 2, "Called", 1)]
    assert get_worker_info() is None


def test_seeds_are_the_base_seed_of_the_pass_and_the_number_of_the_worker():
    def draw(index):
        seed = get_worker_info().seed
        return seed, torch.initial_seed(), random.random(), np.random.rand(), torch.rand(1).item()

    def both(**options):
        torch.manual_seed(3)
        loader = DataLoader(Called(draw), None, num_workers=2, collate_fn=tuple, **options)
        return list(loader), list(loader)

    (first, second), again = both(), both()
    assert again == (first, second)
    base = first[0][0]
    assert [seed - base for seed, *_ in first] == [0, 1] * 3
    assert [initial - base for _, initial, *_ in first] == [0, 1] * 3
    for worker in (0, 1):
        python, numpy = random.Random(base + worker), np.random.RandomState()
        numpy.seed(np.random.SeedSequence([worker, base % 2**32, base >> 32, 0]).generate_state(4))
        ours = torch.Generator().manual_seed(base + worker)
        for row in first[worker::2]:
            wanted = python.random(), numpy.rand(), torch.rand(1, generator=ours).item()
            assert row[2:] == wanted
    assert {row[2] for row in first}.isdisjoint(row[2] for row in second)
    # Workers that stay go on.
    staying, later = both(persistent_workers=True)
    assert staying == first
    assert later[0][0] == base
    assert later[0][2] not in {row[2] for row in first}


@pytest.mark.parametrize("num_workers", [0, 2])
def test_each_pass_draws_one_number_and_shuffling_another(num_workers):
    def state_after(draws):
        generator = torch.Generator().manual_seed(1)
        for _ in range(draws):
            torch.randint(2**63 - 1, (), generator=generator)
        return generator.get_state()

    generator = torch.Generator().manual_seed(1)
    loader = DataLoader(range(4), num_workers=num_workers, generator=generator)
    iter(loader)
    assert torch.equal(generator.get_state(), state_after(1))
    torch.manual_seed(1)
    assert len(list(DataLoader(range(4), num_workers=num_workers, shuffle=True))) == 4
    assert torch.equal(torch.get_rng_state(), state_after(2))


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ValueError("bad"), ValueError, "bad"),
        (KeyError("k"), KeyError, "k"),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "no"), RuntimeError, "no"),
        (type("Local", (Exception,), {})("mine"), RuntimeError, "mine"),
    ],
)
def test_what_a_dataset_raises_is_raised_again(error, kind, text):
    def fail(index):
        if index == 3:
            raise error
        return index

    loader = iter(DataLoader(Called(fail), 2, num_workers=2))
    assert next(loader).tolist() == [0, 1]
    with pytest.raises(kind) as caught:
        next(loader)
    first, second, *_, last = str(caught.value).strip().splitlines()
    assert first == f"Caught {type(error).__name__} in DataLoader worker process 1."
    assert second == "Original Traceback (most recent call last):"
    assert type(error).__name__ in last
    assert text in last
    assert next(loader).tolist() == [4, 5]
    with pytest.raises(StopIteration):
        next(loader)
    assert alone()


def test_errors_of_worker_init_fn_of_iter_and_of_pickling():
    with pytest.raises(ZeroDivisionError, match="Caught ZeroDivisionError in DataLoader worker"):
        read(int, worker_init_fn=lambda worker: 1 / 0)

    class Broken(IterableDataset):
        def __iter__(self):
            raise OSError("no file")

    with pytest.raises(OSError, match="Caught OSError in DataLoader worker process 0"):
        list(DataLoader(Broken(), num_workers=1))
    with pytest.raises(RuntimeError, match=r"(?s)in DataLoader worker process 0.*pickle"):
        read(lambda index: lambda: index)


def test_tensors_come_without_a_graph_or_not_at_all():
    leaf = torch.ones(2, requires_grad=True)
    (batch,) = read(lambda index: leaf, size=1)
    assert batch.requires_grad
    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor"):
        read(lambda index: {"rows": [leaf * 2]}, size=1)


def test_a_worker_that_dies_and_one_that_hangs():
    with pytest.raises(RuntimeError, match=r"worker \(pid\(s\) \d+\) exited unexpectedly\n.*\[3\]"):
        read(lambda index: os._exit(3) if index == 2 else index, num_workers=1)
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.05 seconds"):
        read(lambda index: time.sleep(0.5), timeout=0.05)


def test_a_worker_that_hangs_is_killed_after_a_while(monkeypatch):
    monkeypatch.setattr(workers, "_PATIENCE_SECONDS", 0.05)
    start = time.monotonic()
    next(iter(DataLoader(Called(lambda i: time.sleep(20 * i) or i), num_workers=2)))
    assert time.monotonic() - start < 5
    assert alone()


def test_breaking_off_leaves_nothing_behind_and_the_next_pass_is_whole():
    loader = DataLoader(range(50), 2, num_workers=2)
    for _ in loader:
        break
    assert alone()
    staying = DataLoader(range(5), 2, num_workers=2, persistent_workers=True, in_order=False)
    for _ in staying:
        break
    before = {process.pid for process in multiprocessing.active_children()}
    assert sorted(batch.tolist() for batch in staying) == [[0, 1], [2, 3], [4]]
    assert {process.pid for process in multiprocessing.active_children()} == before
    del staying
    assert alone()


def test_batches_are_made_ahead_and_no_more_than_that():
    made = multiprocessing.get_context("fork").Value("i", 0)

    def count(index):
        with made.get_lock():
            made.value += 1
        return index

    loader = iter(DataLoader(Called(count, 50), num_workers=2, prefetch_factor=3))
    deadline = time.monotonic() + 5
    while made.value < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert made.value == 6
    next(loader)


def test_large_tasks_and_large_batches_do_not_block_each_other():
    order = [list(range(100_000)) for _ in range(4)]
    rows = torch.arange(200_000).reshape(100_000, 2)
    loader = DataLoader(
        torch.data.TensorDataset(rows, rows[:, 0]), batch_sampler=order, num_workers=1
    )
    for batch, numbers in loader:
        assert (batch == rows).all()
        assert (numbers == rows[:, 0]).all()
        batch += 1  # it is the caller's


def test_in_order_or_as_they_come():
    def slow(index):
        time.sleep(0.2 * (index == 0))
        return index

    assert read(slow) == list(range(6))
    found = read(slow, in_order=False)
    assert sorted(found) == list(range(6))
    assert found.index(0) > 3  # the idle worker has got more to do


def test_a_loader_in_the_worker_of_another_leaves_its_workers_alone():
    staying = DataLoader(range(4), num_workers=1, persistent_workers=True)
    kept = weakref.ref(iter(staying)._batches)

    def end_copy(index):
        kept()._stop()
        return index

    assert read(end_copy) == list(range(6))
    assert [batch.item() for batch in staying] == [0, 1, 2, 3]


def test_options_that_workers_refuse():
    for options, error, message in (
        ({"prefetch_factor": -1}, ValueError, "prefetch_factor option should be non-negative"),
        ({"multiprocessing_context": "x"}, ValueError, r"specify a valid start method in \['fork'"),
        ({"multiprocessing_context": 3}, TypeError, "should be a valid context object or a string"),
    ):
        with pytest.raises(error, match=message):
            DataLoader(range(3), num_workers=1, **options)
    with pytest.raises(AssertionError, match="prefetch_factor must be greater than 0"):
        iter(DataLoader(range(3), num_workers=1, prefetch_factor=0))
    assert alone()


def test_a_length_that_is_wrong_is_warned_of():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(range(4))

        def __len__(self):
            return 4

    loader = DataLoader(Stream(), num_workers=2)
    list(loader)
    assert len(loader) == 4
    with pytest.warns(UserWarning, match="reported to be 4.*samples have been fetched"):
        list(loader)


def test_spawned_workers(monkeypatch):
    # The program that runs the tests may have no file.
    monkeypatch.setattr(torch.data.dataloader, "can_start", lambda context: True)
    context = multiprocessing.get_context("spawn")
    options = {"num_workers": 1, "worker_init_fn": random.seed}
    for method in (context, "spawn"):
        loader = DataLoader(range(3), 2, multiprocessing_context=method, **options)
        assert loader.multiprocessing_context is context
    assert [batch.tolist() for batch in loader] == [[0, 1], [2]]
    assert alone()


def run(tmp_path, program, **options):
    path = tmp_path / "program.py"
    path.write_text(program)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, path], stdout=-1, stderr=-1, text=True, env=environment, **options
    )


def test_a_program_without_a_main_guard_runs_even_where_processes_are_spawned(tmp_path):
    program = (
        "import multiprocessing, sys\n"
        "from tinygrad_adam.utils.data import DataLoader, get_worker_info\n"
        "loader = DataLoader([1, 2, 3], 2, num_workers=2,\n"
        "    collate_fn=lambda x: (x, get_worker_info() is None))\n"
        "print(*loader)\n"
        "multiprocessing.set_start_method('spawn')\n"
        "print(*loader)\n"
    )
    out, errors = run(tmp_path, program).communicate(timeout=60)
    assert out == "([1, 2], False) ([3], False)\n([1, 2], True) ([3], True)\n"
    assert "RuntimeWarning: DataLoader reads in this process, without workers" in errors


def test_an_interrupt_ends_all(tmp_path):
    program = (
        "import os, time\n"
        "from tinygrad_adam.data import DataLoader\n"
        "class Slow:\n"
        "    def __len__(self): return 9\n"
        "    def __getitem__(self, index):\n"
        "        os.write(1, b'%d\\n' % os.getpid())\n"  # at once: print may write a line in two
        "        time.sleep(30)\n"
        "list(DataLoader(Slow(), num_workers=2))\n"
    )
    with run(tmp_path, program, start_new_session=True) as process:
        try:
            workers = [int(process.stdout.readline()) for _ in range(2)]
            os.killpg(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode in (-signal.SIGINT, 1)
    assert errors.count("Traceback") == 1
    assert errors.strip().endswith("KeyboardInterrupt")
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_workers_end_when_the_main_process_is_killed(tmp_path):
    program = (
        "import time\n"
        "from tinygrad_adam.data import DataLoader\n"
        "loaders = [iter(DataLoader(range(9), num_workers=2)) for _ in range(2)]\n"
        "for loader in loaders: next(loader)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = run(tmp_path, program)
    assert process.stdout.readline() == "ready\n"
    process.kill()
    # Which waits until no worker has these open any more.
    assert process.communicate(timeout=20) == ("", "")
