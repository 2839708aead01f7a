"""What all tests share: on which device they run, and in how many processes."""

import os

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Before NumPy is loaded: processes side by side have a thread each, not all the cores each.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import tinygrad_adam as torch


def pytest_addoption(parser):
    parser.addoption(
        "--device", default="cpu", help="where the tests of operations run: cpu (default) or cuda"
    )


@pytest.hookimpl(optionalhook=True)  # where pytest-xdist is missing, nobody asks
def pytest_xdist_auto_num_workers(config):
    """Use a process for each CPU for the whole suite, and this one alone for a part of it.

    For a part, starting more takes longer than they save. They would share one GPU, and what tests
    print with -s would be lost.
    """
    option = config.option
    whole = config.args == config.getini("testpaths") and not option.keyword
    if not whole or option.device != "cpu" or option.capture == "no":
        return 0
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.fixture(scope="session")
def device(request):
    """The device chosen with --device."""
    chosen = request.config.getoption("--device")
    if chosen != "cpu" and not torch.cuda.is_available():
        pytest.exit(f"--device {chosen}: there is no GPU that CuPy can use", returncode=2)
    return chosen
