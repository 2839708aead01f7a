"""The mode of operations: in generators, through interrupts, in signal handlers and destructors."""

import copy
import os
import random
import signal
import threading
import time

import pytest

import tinygrad_adam as torch
from tinygrad_adam.autograd.mode import Mode, current_mode, forward_contexts, mode


class TestGenerators:
    @pytest.mark.parametrize("enabled", [True, False])
    @pytest.mark.parametrize("end", ["close", "del", "throw", "exhaust", "send"])
    def test_all_of_its_code_runs_in_its_mode(self, enabled, end):
        seen = []

        @(torch.enable_grad() if enabled else torch.no_grad())
        def numbers():
            try:
                got = yield 1
                seen.append(got)
                yield 2
            except KeyError:
                seen.append(torch.is_grad_enabled())
                yield 3
            finally:
                seen.append(torch.is_grad_enabled())
                seen.append((torch.ones(1, requires_grad=True) * 2).requires_grad)

        with mode(grad=not enabled):
            made = numbers()
            assert next(made) == 1
            assert torch.is_grad_enabled() is not enabled
            if end == "close":
                made.close()
            elif end == "throw":
                assert made.throw(KeyError) == 3
                assert list(made) == []
            elif end == "exhaust":
                assert list(made) == [2]
            elif end == "send":
                assert made.send("text") == 2
            del made
            assert torch.is_grad_enabled() is not enabled
        assert seen[-2:] == [enabled, enabled]
        assert seen[:-2] == {"throw": [enabled], "exhaust": [None], "send": ["text"]}.get(end, [])


def test_a_block_puts_back_its_own_field_only():
    with mode(scope="outer"):
        with mode(grad=False):
            token = mode(scope="inner")
            token.__enter__()
        assert current_mode() == Mode(scope="inner")
        token.__exit__(None, None, None)
        assert current_mode() == Mode(scope="outer")
    with torch.no_grad():
        torch.set_grad_enabled(True)
    assert torch.is_grad_enabled()


class _Interrupt(BaseException):
    pass


w = torch.ones(8, 8, requires_grad=True)


@torch.no_grad()
def unrecorded():
    w.detach() * 2


def block():
    with torch.no_grad():
        pass


def training():
    x = w.detach().requires_grad_()
    ((x @ x).tanh() * x).sum().backward()
    return x.grad.tolist()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers that interrupt")
class TestInterrupts:
    @pytest.fixture
    def handle(self):
        """Let a function be called on every alarm."""
        training()  # loads what is compiled: an import that is interrupted is no matter of the mode
        before = signal.getsignal(signal.SIGALRM)
        yield lambda function: signal.signal(signal.SIGALRM, lambda *arguments: function())
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    @pytest.mark.parametrize("body", [block, unrecorded, training])
    def test_they_never_leave_recording_off(self, handle, body):
        armed = False

        def interrupt():
            if armed:
                raise _Interrupt

        handle(interrupt)
        end, left = time.perf_counter() + 0.5, []
        while time.perf_counter() < end:
            try:
                armed = True
                signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 3e-4))
                while True:
                    body()
            except _Interrupt:
                armed = False
            if current_mode() != Mode():
                left.append(current_mode())
            modes = [run(current_mode) for run in forward_contexts.run]
            assert modes == [Mode(grad, arrays=True, nested=True) for grad in (False, True)]
        assert left == []

    def test_operations_in_a_handler(self, handle):
        right = training()
        failures, count = [], 0

        def work():
            nonlocal count
            count += 1
            try:
                assert training() == right
                assert torch.is_grad_enabled()
                x = torch.tensor([1.0, 2.0], requires_grad=True)
                (slope,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
                (curvature,) = torch.autograd.grad(slope.sum(), x)
                assert curvature.tolist() == [6.0, 12.0]
                y = torch.zeros(2)
                y[0] = 3
                assert y.add_(1).tolist() == [4.0, 1.0]
                with torch.no_grad():
                    assert not (x * 2).requires_grad
                assert "grad_fn" in repr(slope)
            except Exception as error:
                failures.append(error)
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 5e-4))

        handle(work)
        end = time.perf_counter() + 1
        signal.setitimer(signal.ITIMER_REAL, 1e-4)
        while time.perf_counter() < end:
            assert training() == right
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert failures == []
        assert count > 20


def test_operations_in_a_destructor_inside_a_forward_and_a_backward():
    found = []

    class Dying:
        def __del__(self):
            x = torch.ones(2, requires_grad=True)
            (x * x).sum().backward()
            found.append(x.grad.tolist())

    class Killing(torch.autograd.Operation):
        def forward(self, x):
            Dying()
            return x * 2

        def backward(self, grad):
            Dying()
            return grad * 2

    x = torch.ones(3, requires_grad=True)
    Killing.apply(x).sum().backward()
    assert found == [[2.0, 2.0]] * 2
    assert x.grad.tolist() == [2.0] * 3


class TestThreads:
    @pytest.mark.parametrize("size", [3, 20_000])
    def test_gradients_from_several_lose_nothing(self, size):
        for _ in range(20):
            x = torch.zeros(size, requires_grad=True)
            start = threading.Barrier(6)

            def work(x=x, start=start):
                start.wait()
                for _ in range(8):
                    x.sum().backward()

            threads = [threading.Thread(target=work) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert x.grad.tolist() == [48.0] * size

    def test_retained_gradients_from_several_lose_nothing(self, monkeypatch):
        add = torch.Tensor.__add__

        def slow_add(self, other):
            result = add(self, other)
            time.sleep(0.002)  # the other threads come in between
            return result

        x = torch.zeros(3, requires_grad=True)
        inner = x * 2
        inner.retain_grad()
        total = inner.sum()
        monkeypatch.setattr(torch.Tensor, "__add__", slow_add)

        def work():
            for _ in range(5):
                total.backward(retain_graph=True)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert inner.grad.tolist() == [20.0] * 3

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_a_fork_in_the_middle_of_one(self):
        from tinygrad_adam.autograd import hooks

        held, done = threading.Event(), threading.Event()

        def hold():
            with hooks.storing:
                held.set()
                done.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        child = os.fork()
        if not child:
            signal.alarm(10)  # if it waits for ever
            x = torch.ones(2, requires_grad=True)
            x.sum().backward()
            os._exit(0 if x.grad.tolist() == [1.0, 1.0] else 1)
        _, status = os.waitpid(child, 0)
        done.set()
        thread.join()
        assert status == 0


class TestInferenceMode:
    def test_nothing_is_recorded_and_what_is_made_is_marked(self):
        w, n = torch.ones(2, requires_grad=True), torch.ones(2)
        with torch.inference_mode():
            assert torch.is_inference_mode_enabled()
            assert not torch.is_grad_enabled()
            y, made = w * 2, torch.zeros(2)
            for x in (y, made, made.view(1, 2), n.double(), torch.Tensor([1]), torch.rand(2)):
                assert x.is_inference()
                assert not x.requires_grad
            for x in (n.view(1, 2), n.detach(), w):
                assert not torch.is_inference(x)
            with torch.enable_grad():
                assert torch.is_grad_enabled()
                assert not (w * 2).requires_grad
            with torch.inference_mode(False):
                assert not torch.is_inference_mode_enabled()
                assert (w * 2).requires_grad
            made.add_(1)
            w.add_(1)
            n.add_(1)
            leaf = torch.ones(2, requires_grad=True)
        assert not torch.is_inference_mode_enabled()
        assert (made.tolist(), w.tolist(), n.tolist()) == ([1, 1], [2, 2], [2, 2])
        assert leaf.requires_grad
        assert not leaf.clone().is_inference()
        assert not (made + n).is_inference()
        assert made[0].is_inference()
        made.clone().add_(1).requires_grad_()
        n.view(2, 1).add_(made[:, None])

    def test_what_is_made_inside_stays_out_of_graphs(self):
        w = torch.ones(2, requires_grad=True)
        with torch.inference_mode():
            x = torch.ones(2)
        assert (x + w).requires_grad  # nothing is saved of x
        for use in (lambda: x * w, lambda: torch.exp(w) * x, lambda: w.clone().mul_(x)):
            with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backw"):
                use()
        for write in (
            lambda: x.add_(1),
            lambda: x.view(2, 1).zero_(),
            lambda: x.__setitem__(0, 1.0),
            lambda: x.copy_(w.detach()),
        ):
            with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside"):
                write()
        for ask in (x.requires_grad_, lambda: torch.nn.Parameter(x)):
            with pytest.raises(
                RuntimeError, match="Setting requires_grad=True on inference tensor"
            ):
                ask()
        with pytest.raises(RuntimeError, match="Inference tensors do not track version counter"):
            _ = x._version
        assert not copy.deepcopy(x).is_inference()

    def test_as_a_decorator(self):
        w = torch.ones(2, requires_grad=True)
        for decorate in (torch.inference_mode, torch.inference_mode(), torch.inference_mode(True)):

            @decorate
            def double(x):
                return x * 2

            @decorate
            def numbers():
                yield torch.is_inference_mode_enabled()
                yield torch.is_inference_mode_enabled()

            assert double(w).is_inference()
            seen = numbers()
            assert next(seen)
            assert not torch.is_inference_mode_enabled()
            assert next(seen)
