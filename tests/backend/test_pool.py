"""The threads of the kernels: what one of them raises its caller gets, and all live on."""

import threading

import pytest

pytest.importorskip("numba")

from tinygrad_adam.backend.compiled import threads as pool

COUNT = 3


@pytest.fixture
def three_threads():
    before = pool.get_num_threads()
    pool.set_num_threads(COUNT)
    yield
    pool.set_num_threads(before)


def in_time(function):
    """Call a function in a thread of its own, and return what it raised; fail if it hangs."""
    raised = []

    def call():
        try:
            function()
        except BaseException as error:
            raised.append(error)

    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    caller.join(timeout=20)
    assert not caller.is_alive(), "it waits for a thread that is gone"
    return raised


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, ValueError])
@pytest.mark.parametrize("where", ["the caller", "a helper"])
def test_whatever_a_task_raises_reaches_the_caller_and_the_pool_works_on(
    kind, where, three_threads
):
    met = threading.Barrier(COUNT, timeout=10)

    def meet(index):
        met.wait()  # no thread can take two tasks

    def fail(index):
        meet(index)
        in_caller = threading.current_thread() is caller[0]
        if in_caller == (where == "the caller"):
            raise kind("enough")

    def run():
        caller[:] = [threading.current_thread()]
        pool.run(fail, COUNT)

    caller = []
    for _ in range(2):
        (error,) = in_time(run)
        assert (type(error), error.args) == (kind, ("enough",))
        assert in_time(lambda: pool.run(meet, COUNT)) == []  # nobody is missing
        done = []
        assert in_time(lambda done=done: pool.run(done.append, 20)) == []
        assert sorted(done) == list(range(20))
