"""What the table of operations cannot say of its later rows: extremes, errors, shared memory."""

import math

import numpy as np
import pytest

import tinygrad_adam as torch

inf, nan = math.inf, math.nan
x, v, i = torch.ones(2, 3), torch.tensor([3.0, 1.0, 2.0]), torch.tensor([0, 1, 2])


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        # far from zero, where a difference of two nearly equal numbers would have no digits
        ("torch.erfc(d([5, 10, 26, -9, inf, -inf, nan]))",
         [1.5374597944280349e-12, 2.088487583762545e-45, 5.663192408856145e-296, 2, 0, 2, nan]),
        ("torch.erfinv(d([1, -1, 2, 1 - 2**-53, 1e-300, 0, nan]))",
         [inf, -inf, nan, 5.863584748755167, 8.862269254527581e-301, 0, nan]),
        ("torch.lgamma(d([0, -1, -2.5, 1e-300, 1, 2, 170.5, 1e300, inf, -inf, nan]))",
         [inf, inf, -0.05624371649767405, 690.7755278982137, 0, 0, 704.0044277342047,
          6.897755278982137e302, inf, inf, nan]),
        ("torch.digamma(d([0, -0.0, -1, -2.5, 1, 1e10, inf]))",
         [-inf, inf, nan, 1.1031566406452432, -0.5772156649015329, 23.025850929890456, inf]),
        ("torch.polygamma(1, d([0, -1.5, 1, 1e8, -1e12 + 0.5]))",
         [inf, 9.379246644989124, 1.6449340668482264, 1.0000000050000001e-08, math.pi**2 - 1e-12]),
        ("torch.special.ndtr(d([-10, 0, inf]))", [7.61985302416052e-24, 0.5, 1]),
        ("torch.special.ndtri(d([0, 0.5, 0.975, 1, 2]))", [-inf, 0, 1.959963984540054, inf, nan]),
        ("torch.special.entr(d([-1, 0, 1, math.e]))", [-inf, 0, 0, -math.e]),
        ("torch.special.xlog1py(d([0, 0, 2]), d([-1, nan, 1e-20]))", [0, nan, 2e-20]),
        ("torch.logit(d([0, 1, 0.5, -1]))", [-inf, inf, 0, nan]),
        ("torch.xlogy(d([0, 0, 0, 1]), d([0, -1, nan, 0]))", [0, 0, nan, -inf]),
        ("torch.logaddexp2(d([2000, -inf, inf]), d([2000, -inf, -inf]))", [2001, -inf, inf]),
        ("torch.logcumsumexp(d([-inf, -inf, 1000, 1000]), 0)",
         [-inf, -inf, 1000, 1000 + math.log(2)]),
        ("torch.cummax(d([1, 3, 2, nan, 5]), 0).values", [1, 3, 3, nan, nan]),
        ("torch.cummax(d([1, 3, 3, nan, 5, nan]), 0).indices", [0, 1, 2, 3, 3, 5]),
        ("torch.fmax(d([nan, 1, nan]), d([2, nan, nan]))", [2, 1, nan]),
        ("torch.nextafter(d([1, 0]), d([2, -1]))", [1 + 2**-52, -5e-324]),
        ("torch.quantile(d([1, nan, 2]), 0.5)", nan),
        ("torch.nanquantile(d([1, nan, 2]), 0.5)", 1.5),
        ("torch.nanmedian(d([nan, nan]))", nan),
        ("torch.histc(d([1, 1, 1]), 3)", [0, 3, 0]),
        ("torch.histc(d([0, 1, nan, inf]), 2, 0, 1)", [1, 1]),
        ("torch.histogram(d([]), 2).bin_edges", [0, 0.5, 1]),
        ("torch.searchsorted(d([]), d([1, 2]))", [0, 0]),
        ("torch.combinations(torch.arange(2), 0)", []),
        ("torch.vander(d([2, 3]), 0)", [[], []]),
        ("torch.range(1, 2, 0.5)", [1, 1.5, 2]),
        ("torch.logspace(0, 3, 4, 2, dtype=torch.int64)", [1, 2, 4, 8]),
        ("torch.tril_indices(2, 3, 1)", [[0, 0, 1, 1, 1], [0, 1, 0, 1, 2]]),
        ("torch.triu_indices(2, 3, 1)", [[0, 0, 1], [1, 2, 2]]),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:torch.range is deprecated")
def test_extremes_and_edges(call, wanted):
    def d(numbers):
        return torch.tensor(numbers, dtype=torch.float64)

    found = eval(call, {"d": d, "torch": torch, "inf": inf, "nan": nan, "math": math})
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-13, atol=0)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        ("torch.hsplit(x, 2)", RuntimeError, "torch.hsplit attempted to split along dimension 1"),
        ("torch.dsplit(x, 2)", RuntimeError, "torch.dsplit requires a tensor with at least 3 dim"),
        ("x.tensor_split(0)", RuntimeError, "number of sections must be larger than 0, got 0"),
        ("torch.dstack([])", RuntimeError, "dstack expects a non-empty TensorList"),
        ("torch.cartesian_prod(x)", RuntimeError, "Expect a 1D vector"),
        ("x.rot90(1, [0])", RuntimeError, "expected total rotation dims == 2"),
        ("x.slice_scatter(x, 1, 1)", RuntimeError, "expected src to have a size equal to the slic"),
        ("x.masked_scatter(x > 0, v)", RuntimeError, "Number of elements of source < number of"),
        ("x.put(i, v[:2])", IndexError, "Expected source and index to have the same number of"),
        ("x.index_reduce(0, i, x, 'sum')", RuntimeError, "Expected reduce to be one of prod, mean"),
        ("x.diff(-1)", RuntimeError, "order must be non-negative but got -1"),
        ("torch.trapezoid(x, i[:2])", RuntimeError, "There must be one `x` value for each sample"),
        ("torch.gradient(x, edge_order=3)", RuntimeError, "only supports edge_order=1"),
        ("torch.bincount(i - 1)", RuntimeError, "bincount only supports 1-d non-negative integral"),
        ("torch.bucketize(v, x)", RuntimeError, "boundaries tensor must be 1 dimension"),
        ("torch.searchsorted(v, v, side='up')", RuntimeError, "side can only be 'left' or 'right'"),
        ("torch.histc(i)", NotImplementedError, "not implemented for 'Long'"),
        ("torch.histc(v, 3, 2, 1)", RuntimeError, "torch.histc: max must be larger than min"),
        ("torch.quantile(v, 2.0)", RuntimeError, "q must be in the range [0, 1] but got 2"),
        ("torch.quantile(i, 0.5)", RuntimeError, "input tensor must be either float or double"),
        ("v.kthvalue(4)", RuntimeError, "kthvalue(): selected number k out of range for dimension"),
        ("torch.cov(v, fweights=v)", RuntimeError, "expected fweights to have integral dtype"),
        ("torch.isin(1, 2)", TypeError, "isin() takes a tensor"),
        ("torch.tensordot(x, x, 1)", RuntimeError, "contracted dimensions need to match"),
        ("torch.cross(x, x, 0)", RuntimeError, "linalg.cross: inputs dimension 0 must have length"),
        ("torch.cdist(x, v.reshape(1, 3), p=-1)", RuntimeError, "only supports non-negative p"),
        ("torch.cdist(x, torch.ones(2, 2))", RuntimeError, "must have the same number of columns"),
        ("torch.renorm(v, 2, 0, 1)", RuntimeError, "input needs at least 2 dimensions"),
        ("torch.chain_matmul(x, x)", RuntimeError, "multi_dot(): tensors 0 and 1 with shapes"),
        ("torch.heaviside(v, i)", RuntimeError, "not yet implemented for tensors with different"),
        ("torch.polygamma(-1, v)", RuntimeError, "does not support negative n"),
        ("v.as_strided((9,), (1,))", RuntimeError, "are out of bounds for storage of size 12"),
        ("v.unfold(0, 4, 1)", RuntimeError, "maximum size for tensor at dimension 0 is 3 but size"),
        ("torch.asarray([1], copy=False)", ValueError, "can't alias arbitrary sequence"),
        ("torch.frombuffer(bytes(7), dtype=torch.int16)", ValueError, "must be a multiple of"),
        ("torch.frombuffer(b'', dtype=torch.int16)", ValueError, "must not be 0"),
        ("torch.unravel_index(v, (2, 3))", TypeError, "expected 'indices' to be integer dtype"),
    ],
)  # fmt: skip
def test_errors_are_pytorchs(call, error, text):
    with pytest.raises(error) as caught:
        eval(call)
    assert text in str(caught.value).partition("\n")[0]


def test_arrays_and_buffers_share_their_memory():
    numbers, memory = np.arange(3.0), bytearray(8)
    tensors = torch.asarray(numbers), torch.frombuffer(memory, dtype=torch.int16, offset=2)
    numbers[0], memory[2] = 9, 7
    assert [t.tolist() for t in tensors] == [[9, 1, 2], [7, 0, 0]]
    assert torch.asarray(v) is v
    assert torch.asarray(v, copy=True).data_ptr() != v.data_ptr()
    assert torch.asarray(memory).dtype == torch.float32
    with pytest.warns(UserWarning, match="The given buffer is not writable"):
        torch.frombuffer(b"ab", dtype=torch.uint8)


@pytest.mark.parametrize("call", ["ge_(0.5)", "eq_(1)", "logical_not_()", "logical_and_(w)"])
def test_answers_in_place_have_no_slope(call):
    w = torch.tensor([[0.2, 1.0, 3.0]], requires_grad=True)
    y = w * 1
    eval(f"y.{call}")
    assert y.dtype == torch.float32
    (y * y).sum().backward()
    assert w.grad.tolist() == [[0, 0, 0]]


def test_results_have_names():
    assert v.aminmax().max.item() == 3
    assert v.histogram(2).hist.tolist() == [1, 2]
    assert torch.mode(torch.tensor([1, 2, 2, 1])).indices.item() == 3
