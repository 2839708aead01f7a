"""Switches that change nothing, questions about devices that there are not, and mixed precision."""

import importlib
import importlib.util

import pytest

import tinygrad_adam as torch
from tests import fake_cupy

without_cupy = pytest.mark.skipif(
    importlib.util.find_spec("cupy") is not None, reason="CuPy is installed"
)


def test_switches_keep_what_they_are_set_to():
    torch.use_deterministic_algorithms(True)
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_deterministic_debug_mode() == 2
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    for mode, level in (("warn", 1), (2, 2), ("default", 0)):
        torch.set_deterministic_debug_mode(mode)
        assert torch.get_deterministic_debug_mode() == level
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.get_float32_matmul_precision() == "highest"
    torch.set_float32_matmul_precision("high")
    assert torch.backends.cuda.matmul.allow_tf32
    with pytest.warns(UserWarning, match="foo is not one of 'highest', 'high', or 'medium'"):
        torch.set_float32_matmul_precision("foo")
    assert torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision("highest")
    assert not torch.backends.cuda.matmul.allow_tf32
    torch.set_warn_always(True)
    assert torch.is_warn_always_enabled()
    torch.set_warn_always(False)
    assert torch.set_flush_denormal(True) is False
    assert (torch.version.cuda, torch.version.__version__) == (None, torch.__version__)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: torch.use_deterministic_algorithms(3), TypeError, "'mode'.*must be bool, not int"),
        (lambda: torch.set_deterministic_debug_mode(5), RuntimeError, "expected 0, 1, or 2, but"),
        (lambda: torch.set_deterministic_debug_mode("a"), RuntimeError, "expected one of `default"),
        (lambda: torch.set_deterministic_debug_mode(None), TypeError, "must be str or int"),
        (lambda: torch.set_float32_matmul_precision(3), RuntimeError, "expects a str, but got int"),
        (lambda: torch.set_flush_denormal(3), RuntimeError, "expects a bool, but got int"),
        (lambda: torch.set_warn_always(3), RuntimeError, "expects a bool, but got int"),
        (lambda: torch.compile(3), AssertionError, "A callable function is expected"),
        (lambda: torch.cuda.manual_seed("a"), ValueError, "invalid literal for int"),
        (lambda: torch.cuda.set_device("cpu"), ValueError, "Expected a cuda device, but got: cpu"),
        (lambda: torch.autocast(3), ValueError, "Expected `device_type` of type `str`"),
        (lambda: torch.autocast("tpu"), RuntimeError, "Expected one of cpu, cuda"),
        (lambda: torch.autocast("cpu"), RuntimeError, "autocast is not here"),
        (lambda: torch.autocast("cpu", torch.float16), RuntimeError, "autocast is not here"),
        (lambda: torch.amp.GradScaler("cpu"), RuntimeError, "GradScaler is not here"),
    ],
)
def test_what_is_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_compile_returns_the_function():
    net = torch.nn.Linear(2, 2)
    assert torch.compile(net) is torch.compile(net, mode="max-autotune") is net
    assert torch.compile(dynamic=True)(len) is len


def test_libraries_that_are_not_here():
    cudnn = importlib.import_module("tinygrad_adam.backends.cudnn")
    assert cudnn is torch.backends.cudnn
    for name in ("cudnn", "mps", "mkl", "mkldnn", "openmp", "opt_einsum"):
        assert getattr(torch.backends, name).is_available() is False
    assert (cudnn.version(), cudnn.enabled, cudnn.benchmark) == (None, True, False)
    cudnn.benchmark = cudnn.deterministic = True
    with cudnn.flags(enabled=False):
        assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (False, False, False)
    assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (True, True, True)
    cudnn.benchmark = cudnn.deterministic = False
    for device in (torch.mps, torch.xpu):
        assert (device.is_available(), device.device_count()) == (False, 0)
        device.manual_seed(0)


@without_cupy
def test_questions_about_gpus_without_one():
    cuda, accelerator = torch.cuda, torch.accelerator
    assert (cuda.is_available(), cuda.is_initialized(), cuda.device_count()) == (False, False, 0)
    for bytes_of in (cuda.memory_allocated, cuda.max_memory_allocated, cuda.memory_reserved):
        assert bytes_of() == bytes_of(0) == 0
    for nothing in (
        cuda.empty_cache,
        cuda.reset_peak_memory_stats,
        cuda.seed_all,
        cuda.ipc_collect,
    ):
        assert nothing() is None
    torch.manual_seed(1)
    drawn = torch.rand(2)
    torch.manual_seed(1)
    cuda.manual_seed(7)
    cuda.manual_seed_all(7)
    assert torch.equal(torch.rand(2), drawn)
    cuda.set_device(-1)
    with cuda.device(None), cuda.device(-1):
        pass
    assert not cuda.is_bf16_supported()
    for ask in (
        cuda.current_device,
        cuda.get_device_name,
        cuda.get_device_capability,
        cuda.mem_get_info,
        cuda.init,
        lambda: cuda.set_device(0),
        lambda: cuda.get_device_properties("cuda:0"),
        lambda: cuda.device(0).__enter__(),
    ):
        with pytest.raises(RuntimeError, match="device 'cuda' needs CuPy"):
            ask()
    assert (accelerator.is_available(), accelerator.device_count()) == (False, 0)
    assert accelerator.current_accelerator() is None
    for ask in (accelerator.current_device_index, accelerator.synchronize, accelerator.empty_cache):
        with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is"):
            ask()


def test_questions_about_a_pretended_gpu(monkeypatch):
    fake_cupy.install(monkeypatch)
    assert torch.accelerator.current_accelerator() == torch.device("cuda")
    assert torch.accelerator.device_count() == 1
    assert torch.cuda.current_device() == torch.accelerator.current_device_index() == 0
    assert torch.cuda.get_device_name(0) == torch.cuda.get_device_properties("cuda").name
    assert torch.cuda.get_device_capability() == (9, 0)
    assert torch.cuda.memory_allocated() <= torch.cuda.max_memory_allocated()
    free, total = torch.cuda.mem_get_info()
    assert 0 < free <= total
    torch.cuda.set_device("cuda:0")
    torch.cuda.empty_cache()
    torch.cuda.synchronize("cuda:0")
    with torch.cuda.device(0):
        assert torch.zeros(1, device="cuda").get_device() == 0
    with pytest.raises(RuntimeError, match="autocast is not here"):
        torch.autocast("cuda")
    with pytest.raises(RuntimeError, match="GradScaler is not here"):
        torch.cuda.amp.GradScaler()


def _train(autocast, scaler):
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        with autocast:
            loss = net(torch.ones(4, 3)).square().mean()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
    return loss.item()


@without_cupy
def test_mixed_precision_that_is_off_passes_through():
    off, scaler = torch.autocast("cpu", enabled=False), torch.amp.GradScaler(enabled=False)
    assert (scaler.is_enabled(), scaler.get_scale(), scaler.state_dict()) == (False, 1.0, {})
    assert torch.amp.is_autocast_available("cpu") is False
    loss = _train(off, scaler)
    with pytest.warns(UserWarning, match="CUDA is not available") as seen:
        again = _train(torch.cuda.amp.autocast(), torch.cuda.amp.GradScaler())
    assert len(seen) == 2
    assert again == loss
    with pytest.warns(UserWarning, match="In CPU autocast, but the target dtype is not supported"):
        assert _train(torch.autocast("cpu", torch.float64), scaler) == loss
    with off:
        assert torch.is_autocast_enabled() is False
    assert off(len)([1]) == 1
