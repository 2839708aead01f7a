"""Old names and PyTorch's addresses: of layers, initializers, optimizers and wrappers."""

import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

import tinygrad_adam as torch
from tinygrad_adam import cuda, float64, nn, ones, optim, rand, tensor, zeros

# PyTorch's files, and what programs import from them.
ADDRESSES = {
    "autograd.function": "Function",
    "functional": "einsum split norm meshgrid unique broadcast_shapes",
    "nn.modules": "Linear Module Sequential",
    "nn.modules.activation": "ReLU Softmax MultiheadAttention PReLU",
    "nn.modules.batchnorm": "_BatchNorm _NormBase BatchNorm1d BatchNorm2d LazyBatchNorm2d",
    "nn.modules.container": "Sequential ModuleList ModuleDict ParameterList ParameterDict",
    "nn.modules.conv": "_ConvNd _ConvTransposeNd Conv1d Conv2d ConvTranspose2d LazyConv2d",
    "nn.modules.distance": "PairwiseDistance CosineSimilarity",
    "nn.modules.dropout": "_DropoutNd Dropout Dropout2d AlphaDropout",
    "nn.modules.flatten": "Flatten Unflatten",
    "nn.modules.fold": "Fold Unfold",
    "nn.modules.instancenorm": "_InstanceNorm InstanceNorm2d",
    "nn.modules.lazy": "LazyModuleMixin",
    "nn.modules.linear": "Linear Identity Bilinear LazyLinear",
    "nn.modules.loss": "_Loss _WeightedLoss MSELoss CrossEntropyLoss NLLLoss2d CTCLoss",
    "nn.modules.module": "Module",
    "nn.modules.normalization": "LayerNorm GroupNorm LocalResponseNorm RMSNorm",
    "nn.modules.padding": "ReflectionPad2d ZeroPad2d",
    "nn.modules.pixelshuffle": "PixelShuffle PixelUnshuffle",
    "nn.modules.pooling": "_MaxPoolNd MaxPool2d AvgPool2d AdaptiveAvgPool2d",
    "nn.modules.rnn": "RNNBase RNN LSTM GRU LSTMCell",
    "nn.modules.sparse": "Embedding EmbeddingBag",
    "nn.modules.transformer": "Transformer TransformerEncoderLayer",
    "nn.modules.upsampling": "Upsample UpsamplingNearest2d",
    "nn.modules.utils": "_single _pair _triple _quadruple _ntuple",
    "nn.parallel": "DataParallel DistributedDataParallel data_parallel",
    "nn.parallel.data_parallel": "DataParallel data_parallel",
    "nn.parallel.distributed": "DistributedDataParallel",
    "nn.parameter": "Parameter UninitializedParameter",
    "nn.utils.clip_grad": "clip_grad_norm clip_grad_norm_ clip_grad_value_",
    "nn.utils.convert_parameters": "parameters_to_vector vector_to_parameters",
    "nn.utils.spectral_norm": "spectral_norm remove_spectral_norm",
    "nn.utils.weight_norm": "weight_norm remove_weight_norm",
    "optim.adadelta": "Adadelta",
    "optim.adagrad": "Adagrad",
    "optim.adam": "Adam",
    "optim.adamax": "Adamax",
    "optim.adamw": "AdamW",
    "optim.asgd": "ASGD",
    "optim.lbfgs": "LBFGS",
    "optim.lr_scheduler": "_LRScheduler LRScheduler StepLR ReduceLROnPlateau",
    "optim.nadam": "NAdam",
    "optim.optimizer": "Optimizer",
    "optim.radam": "RAdam",
    "optim.rmsprop": "RMSprop",
    "optim.rprop": "Rprop",
    "optim.sgd": "SGD",
    "optim.swa_utils": "AveragedModel SWALR update_bn",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_names_are_where_pytorch_has_them(address):
    module = import_module(f"tinygrad_adam.{address}")
    for name in ADDRESSES[address].split():
        found = getattr(module, name)
        usual = getattr(nn, name, getattr(optim, name, found))
        assert found is usual


def test_addresses_are_loaded_when_they_are_asked_for():
    program = (
        "import sys, tinygrad_adam as torch\n"
        "late = ['functional', 'nn.modules', 'utils.tensorboard']\n"
        "assert not any(f'tinygrad_adam.{name}' in sys.modules for name in late)\n"
        "assert torch.nn.modules.loss._Loss in torch.nn.MSELoss.__mro__\n"
        "assert torch.functional.einsum is torch.einsum\n"
        "assert torch.utils.tensorboard.SummaryWriter"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_is_left_out_is_refused_in_words():
    for module, name in [(torch, "hub"), (optim, "Muon"), (optim, "SparseAdam")]:
        with pytest.raises(AttributeError, match="it is PyTorch's, and not here; use "):
            getattr(module, name)


FORMER = {
    "uniform": lambda f: f(zeros(4, 5), 2, 3),
    "normal": lambda f: f(zeros(4, 5), mean=7.0),
    "constant": lambda f: f(zeros(4, 5), 3),
    "eye": lambda f: f(zeros(4, 5)),
    "dirac": lambda f: f(zeros(4, 5, 3)),
    "xavier_uniform": lambda f: f(zeros(4, 5), gain=2.0),
    "xavier_normal": lambda f: f(zeros(4, 5)),
    "kaiming_uniform": lambda f: f(zeros(4, 5), a=1),
    "kaiming_normal": lambda f: f(zeros(4, 5), mode="fan_out"),
    "orthogonal": lambda f: f(zeros(4, 5)),
    "sparse": lambda f: f(zeros(4, 5), sparsity=0.3),
}


@pytest.mark.parametrize("name", FORMER)
def test_the_former_initializers_warn_and_do_the_same(name):
    torch.manual_seed(0)
    expected = FORMER[name](getattr(nn.init, f"{name}_"))
    torch.manual_seed(0)
    words = f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`."
    with pytest.warns(FutureWarning, match=words) as caught:
        found = FORMER[name](getattr(nn.init, name))
    assert caught[0].filename == __file__
    assert (found == expected).all()
    assert (found != 0).any()


def test_sparse_leaves_that_share_of_each_column_at_zero():
    found = nn.init.sparse_(ones(10, 300), 0.25, std=3.0)
    assert (found == 0).sum(0).tolist() == [3] * 300
    assert found[found != 0].std().item() == pytest.approx(3, rel=0.1)
    assert len({tuple(column) for column in (found == 0).T.tolist()}) > 30
    with pytest.raises(ValueError, match="Only tensors with 2 dimensions are supported"):
        nn.init.sparse_(ones(3), 0.5)


def test_former_names_of_a_loss_and_of_clipping():
    with pytest.warns(FutureWarning, match="NLLLoss2d has been deprecated. Please use NLLLoss"):
        loss = nn.NLLLoss2d(reduction="sum")
    assert loss(tensor([[[-1.0]], [[-2.0]]]), tensor([[0], [0]])).item() == 3
    weight = nn.Parameter(zeros(2))
    weight.grad = tensor([3.0, 4.0])
    with pytest.warns(FutureWarning, match="deprecated in favor of"):
        assert nn.utils.clip_grad_norm([weight], 1.0).item() == 5
    np.testing.assert_allclose(weight.grad.numpy(), [0.6, 0.8], rtol=1e-5)


def test_tuples_of_numbers():
    utils = import_module("tinygrad_adam.nn.modules.utils")
    assert (utils._pair(3), utils._pair([1, 2]), utils._single(4)) == ((3, 3), (1, 2), (4,))
    assert utils._ntuple(3)("ab") == ("a", "b")


@pytest.mark.parametrize("kind", [nn.DataParallel, nn.parallel.DistributedDataParallel])
def test_wrappers_for_several_devices_pass_through(kind):
    layer = nn.Linear(3, 2)
    wrapped = kind(layer, device_ids=[0, 1] if not cuda.is_available() else None)
    x = rand(4, 3)
    assert (wrapped(x) == layer(input=x)).all()
    assert wrapped.module is layer
    assert (wrapped.device_ids, wrapped.dim, wrapped.output_device) == ([], 0, None)
    assert list(wrapped.state_dict()) == ["module.weight", "module.bias"]
    state = wrapped.state_dict()
    nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state) == ["weight", "bias"]
    assert list(state._metadata) == [""]
    nn.Linear(3, 2).load_state_dict(state)


def test_several_gpus_are_warned_of(monkeypatch):
    moved = []
    monkeypatch.setattr(cuda, "is_available", lambda: True)
    monkeypatch.setattr(nn.Linear, "to", lambda self, device: moved.append(device))
    with pytest.warns(UserWarning, match="DataParallel: there is one device for a model here"):
        wrapped = nn.DataParallel(nn.Linear(3, 2), [1, 0])
    nn.DataParallel(nn.Linear(3, 2), ["cuda:0"])
    assert (wrapped.device_ids, moved) == ([1, 0], ["cuda:1", "cuda:0"])


def test_functions_of_the_wrappers():
    layer = nn.Linear(2, 1, dtype=float64)
    x = ones(3, 2, dtype=float64)
    assert (nn.parallel.data_parallel(layer, x) == layer(x)).all()
    with nn.parallel.DistributedDataParallel(layer).no_sync():
        pass
    with pytest.raises(RuntimeError, match="DistributedDataParallel is not needed"):
        nn.parallel.DistributedDataParallel(nn.ReLU())
