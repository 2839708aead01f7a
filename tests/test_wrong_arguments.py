"""Arguments of the wrong kind: a TypeError that names the argument, never an error from inside."""

import re

import pytest

import tinygrad_adam as torch
from tests import goldens, wrong_arguments
from tests.wrong_arguments import KINDS, Call, letter
from tinygrad_adam import creation, data, nn, ops, optim
from tinygrad_adam.nn import functional

PYTORCH = wrong_arguments.by_row(goldens.load("wrong_arguments.json"))

# Numbers in another guise: what takes which of them differs from function to function in PyTorch.
NUMBERS = {"bool", "numpy float", "numpy int", "number", "index"}

# Places where the answer is not PyTorch's, by function and argument.

# None for what has a default, a number next to a tensor, an int for sizes, ranges of its own.
TAKES_MORE = """
torch.max[1] torch.min[1] torch.median[1] torch.logsumexp[1] torch.prod[1] torch.std[2]
torch.var[2] torch.clamp[1] torch.clamp[2] torch.clip[1] torch.clip[2] torch.moveaxis[1]
torch.moveaxis[2] torch.squeeze[1] torch.tile[1] torch.index_fill[2] torch.scatter[reduce]
torch.argsort[stable] torch.norm[dtype] torch.arange[0] torch.arange[1] torch.as_tensor[0]
torch.tensor[0] torch.ones[size] torch.eye[1] torch.full[0] torch.randint[0] torch.randint[2]
torch.randint[1] x.to[0] x.to[1] x.type[0] x.new_full[0] x.new_tensor[0] x.clamp_[0] x.clamp_[1]
x.index_fill_[1] F.adaptive_avg_pool2d[1] F.layer_norm[1] F.unfold[1] F.unfold[2] F.unfold[3]
F.unfold[4] nn.utils.clip_grad_value_[0] nn.ParameterDict[0] nn.HuberLoss[1] nn.Linear[0]
torch.repeat_interleave[1] lr_scheduler.CyclicLR[4] data.default_collate[0]
torch.finfo[0] x.bernoulli[0]
nn.utils.rnn.pack_sequence[0]
nn.Hardtanh[0] nn.Hardtanh[1]
F.gaussian_nll_loss[2] nn.TripletMarginLoss[0]
F.fold[3] F.fold[5] F.lp_pool1d[2] F.lp_pool2d[2] F.max_unpool2d[2] F.max_unpool2d[3]
F.max_unpool2d[4] F.rms_norm[1] nn.Upsample[scale_factor] nn.UpsamplingBilinear2d[scale_factor]
nn.UpsamplingNearest2d[scale_factor]
x.squeeze_[0]
torch.trapezoid[dx] torch.trapezoid[1] torch.trapz[dx] torch.cumulative_trapezoid[dx]
torch.nanmedian[1]
"""

# At once, not in the first call; odd stand-ins for True, for sizes or for the missing.
REFUSES_MORE = """
torch.add[out] torch.roll[2] torch.meshgrid[indexing] torch.arange[requires_grad]
torch.empty[requires_grad] torch.zeros_like[requires_grad] torch.broadcast_shapes[0]
torch.broadcast_shapes[1] torch.promote_types[0] torch.promote_types[1] x.to[0]
w.sum[0] torch.autograd.backward[0] F.adaptive_avg_pool2d[1] F.avg_pool2d[2] F.max_pool2d[2]
F.max_pool2d[return_indices] F.unfold[1] F.unfold[2] F.unfold[3] F.unfold[4]
nn.utils.clip_grads_with_norm_[2] nn.utils.vector_to_parameters[1] nn.Conv1d[2] nn.Conv1d[3]
nn.Conv1d[4] nn.Conv1d[5] nn.Conv2d[2] nn.Conv2d[3] nn.Conv2d[4] nn.Conv2d[5]
nn.ConvTranspose2d[2] nn.ConvTranspose2d[3] nn.ConvTranspose2d[4] nn.ConvTranspose2d[5]
nn.ConvTranspose2d[8] nn.BatchNorm1d[0] nn.BatchNorm2d[0] nn.LayerNorm[0]
nn.CrossEntropyLoss[reduction] nn.HuberLoss[0] nn.L1Loss[reduction] nn.MSELoss[reduction]
nn.NLLLoss[reduction] nn.SmoothL1Loss[reduction] nn.Linear[0] lr_scheduler.CyclicLR[2]
lr_scheduler.MultiStepLR[2] lr_scheduler.OneCycleLR[1] data.DataLoader[0]
nn.utils.rnn.unpad_sequence[0] nn.utils.rnn.unpad_sequence[1]
torch.lu_unpack[0]
F.multi_head_attention_forward[9] nn.MultiheadAttention[4] nn.MultiheadAttention[6]
nn.MultiheadAttention[7] F.hardtanh_[1] F.gumbel_softmax[1]
F.gaussian_nll_loss[1] F.gaussian_nll_loss[3] F.gaussian_nll_loss[4]
F.multilabel_soft_margin_loss[1] F.multilabel_soft_margin_loss[2]
F.triplet_margin_with_distance_loss[swap] nn.CTCLoss[1] nn.CosineEmbeddingLoss[reduction]
nn.GaussianNLLLoss[reduction] nn.HingeEmbeddingLoss[reduction] nn.KLDivLoss[reduction]
nn.MarginRankingLoss[reduction] nn.MultiLabelMarginLoss[reduction]
nn.MultiLabelSoftMarginLoss[reduction] nn.MultiMarginLoss[reduction] nn.PoissonNLLLoss[reduction]
nn.SoftMarginLoss[reduction] nn.TripletMarginLoss[reduction]
F.adaptive_max_pool1d[2] F.adaptive_max_pool2d[1] F.adaptive_max_pool2d[2]
F.adaptive_max_pool2d_with_indices[1] F.interpolate[recompute_scale_factor]
F.max_pool1d[return_indices] F.max_unpool1d[2] F.max_unpool1d[3] F.max_unpool1d[4]
F.max_unpool2d[2] F.max_unpool2d[3] F.max_unpool2d[4] nn.ConvTranspose1d[2] nn.ConvTranspose1d[3]
nn.ConvTranspose1d[4] nn.ConvTranspose1d[5] nn.ConvTranspose1d[8] nn.AvgPool1d[0] nn.MaxUnpool1d[0]
nn.MaxUnpool2d[0] nn.CircularPad1d[0] nn.CircularPad2d[0] nn.ConstantPad1d[0] nn.ConstantPad2d[0]
nn.ReflectionPad1d[0] nn.ReflectionPad2d[0] nn.ReplicationPad1d[0] nn.ReplicationPad2d[0]
nn.ZeroPad1d[0] nn.ZeroPad2d[0] nn.RMSNorm[0] nn.LazyConv1d[0] nn.LazyConv1d[1] nn.LazyConv1d[2]
nn.LazyConv1d[3] nn.LazyConv1d[4] nn.LazyConv1d[5] nn.LazyConv2d[0] nn.LazyConv2d[1]
nn.LazyConv2d[2] nn.LazyConv2d[3] nn.LazyConv2d[4] nn.LazyConv2d[5] nn.LazyConvTranspose1d[0]
nn.LazyConvTranspose1d[1] nn.LazyConvTranspose1d[2] nn.LazyConvTranspose1d[3]
nn.LazyConvTranspose1d[4] nn.LazyConvTranspose1d[5] nn.LazyConvTranspose1d[7]
nn.LazyConvTranspose2d[0] nn.LazyConvTranspose2d[1] nn.LazyConvTranspose2d[2]
nn.LazyConvTranspose2d[3] nn.LazyConvTranspose2d[4] nn.LazyConvTranspose2d[5]
nn.LazyConvTranspose2d[7]
torch.unravel_index[1] torch.gradient[spacing] torch.asarray[requires_grad]
"""

# With the error for a value that is none of those allowed, or that has the wrong length.
REFUSES_THE_VALUE = """
torch.broadcast_to[1] torch.flip[1] torch.moveaxis[1] torch.moveaxis[2] torch.movedim[1]
torch.repeat_interleave[1] torch.movedim[2] torch.permute[1] torch.reshape[1]
torch.index_put[1] torch.as_tensor[0]
torch.tensor[0] torch.randint_like[2] torch.randint[1] torch.randint[2] torch.broadcast_shapes[0]
x.to[1] x.new_tensor[0] x.index_put_[0] torch.autograd.grad[2] torch.autograd.backward[1]
F.adaptive_avg_pool2d[1] F.layer_norm[1] F.pad[2] nn.init.kaiming_normal_[2]
nn.init.kaiming_uniform_[2] nn.utils.vector_to_parameters[1] nn.Conv1d[8] nn.Conv2d[8]
nn.RNN[3] nn.RNNBase[0] nn.utils.rnn.pack_padded_sequence[1]
nn.Linear[0] torch.optim.Adam[2] torch.optim.AdamW[2] torch.optim.Adamax[2] torch.optim.NAdam[2]
torch.optim.RAdam[2] lr_scheduler.CosineAnnealingWarmRestarts[1]
lr_scheduler.CosineAnnealingWarmRestarts[2] lr_scheduler.CyclicLR[4] lr_scheduler.OneCycleLR[2]
lr_scheduler.ReduceLROnPlateau[1] data.DataLoader[0] data.default_collate[0] data.random_split[0]
F.ctc_loss[2] F.ctc_loss[3] F.gaussian_nll_loss[5] F.multilabel_soft_margin_loss[reduction]
F.poisson_nll_loss[reduction] nn.Bilinear[0]
F.adaptive_max_pool2d[1] F.adaptive_max_pool2d_with_indices[1] F.fold[1] F.fold[2] F.fold[4]
F.affine_grid[1] F.rms_norm[1] nn.LazyConv1d[7] nn.LazyConv2d[7]
torch.gradient[spacing] torch.histogram[1] torch.histogram[range]
"""


# Words of Python's and NumPy's.
FROM_INSIDE = re.compile(
    "has no attribute|is not iterable|not supported between|unsupported operand|Cannot cast|"
    "is not subscriptable|not callable|ufunc"
)


# What is made without arguments of its own, or exists here only.
NO_CONSTRUCTOR = {
    "Module", "Identity", "Sigmoid", "Tanh", "MaxPool", "Microscope", "Momentum", "Optimizer",
    "DataParallel", "NLLLoss2d",
    "Dataset", "Sampler", "ReLU", "SiLU", "Hardswish", "Hardsigmoid", "Mish", "ReLU6", "SELU",
}  # fmt: skip


def name(text, place):
    """Return ``torch.sum[1]`` for the argument number 1 of the row ``torch.sum(x, 1)``."""
    return f"{text.partition('(')[0]}[{place}]"


def judged(text, place, kind, pytorchs, error):
    """Return the list in which this place must stand, if the answer is not PyTorch's."""
    own = letter(error)
    if own == "." or pytorchs == ".":
        same = own == pytorchs or kind in NUMBERS
        return None if same else TAKES_MORE if own == "." else REFUSES_MORE
    return None if own == "T" or pytorchs not in "TA" else REFUSES_THE_VALUE


@pytest.mark.parametrize("text", wrong_arguments.ROWS)
def test_every_wrong_kind_of_every_argument(text):
    call = Call(text, torch, data)
    assert call.error() is None
    for place in call.places:
        for kind, pytorchs in zip(KINDS, PYTORCH[text][place], strict=True):
            error = call.error(place, kind)
            where = f"{name(text, place)}: {kind}: {error!r}, PyTorch {pytorchs}"
            if letter(error) in "AK?":  # the name of something that is not there
                assert pytorchs == letter(error), where
                assert re.search(r"\.get_\w+\(|param_group|state_dict|collate", text), where
            listed = judged(text, place, kind, pytorchs, error)
            assert listed is None or name(text, place) in listed.split(), where
            if re.match(r"torch|x\.|F\.|nn\.init", text):
                assert not FROM_INSIDE.search(str(error)), where


def test_the_table_has_every_public_function():
    called = " ".join(wrong_arguments.ROWS)
    both = [name for name in ops.__all__ if name in functional.__all__]  # asked for as F.name
    wanted = [f"torch.{name}" for name in (*ops.__all__, *creation.__all__) if name not in both]
    wanted += [f"F.{name}" for name in functional.__all__]
    checked = [n for n in nn.utils.__all__ if hasattr(getattr(nn.utils, n), "__wrapped__")]
    wanted += [f"nn.utils.{name}" for name in checked]
    wanted += [f"nn.init.{name}" for name in nn.init.__all__]
    classes = [(nn, "nn"), (optim, "torch.optim"), (data, "data")]
    wanted += [
        f"{prefix}.{name}"
        for module, prefix in classes
        for name in module.__all__
        if isinstance(getattr(module, name), type) and name not in NO_CONSTRUCTOR
    ]
    assert not [name for name in wanted if f"{name}(" not in called]
