"""Rows of the table of operations (table.py) for the functions of ``torch`` that teach by example.

Each is an expression or a program, how its inputs are drawn, a closed form or None, and whether
finite differences say something about its gradient.
"""

from __future__ import annotations

from typing import Any

Given = tuple[Any, ...]


def _on(kind: str, *expressions: str, smooth: bool = True) -> list[Given]:
    """Return rows for expressions of inputs of these kinds, separated by semicolons."""
    return [(e, tuple(kind.split("; ")), None, smooth) for e in expressions]


VIEWS = [
    *_on(
        "normal 2 3 4",
        "a.unfold(2, 2, 1)", "a.unfold(1, 3, 2)", "a.unfold(-1, 1, 3)", "a.unfold(0, 0, 1)",
        "a.unfold(2, 2, 1).unfold(1, 2, 1)",
        "y = a * 1\ny.unfold(2, 2, 2).mul_(3)\nout = y",
        "(a * 1).contiguous().as_strided((2, 3), (1, 2), 1)",
        "(a * 1).contiguous().as_strided((3, 3), (0, 2))",
        "y = (a * 1).contiguous()\ny.as_strided((2, 2), (5, 1), 3).mul_(a[0, :2, :2])\nout = y",
        *[f"y = a * 1\nv = y + 1\ny.{op}\nout = (y, y * y, v)" for op in (
            "unsqueeze_(1)", "transpose_(0, 2)", "swapaxes_(1, 2)",
            "unsqueeze_(0).transpose_(0, 1)",
        )],
        "y = (a * 1).transpose(0, 1)\ny.unsqueeze_(0)\ny.mul_(2)\nout = (y * y,)",
    ),
    *_on(
        "normal 3 4",
        "y = a * 1\ny.t_()\ny[0] = 2\nout = y * y",
        "y = a * 1\nv = y[1:]\nv.t_()\nv.mul_(a[1:].T)\nout = (y, v)",
        "y = a[:1] * 1\ny.squeeze_()\nout = y * a[1]",
        "y = (a * 1).contiguous()\ny.as_strided_((2, 2), (1, 4))\nout = y * y",
    ),
    *_on("normal", "a.unfold(0, 1, 1)"),
    *_on(
        "normal 2 3 2 2",
        "a.to(memory_format=torch.channels_last) * 2", "a.clone(memory_format=torch.channels_last)",
        "a.contiguous(memory_format=torch.channels_last).contiguous()",
    ),
]  # fmt: skip

ELEMENTWISE = [
    *[row for shape in ("", " 3 4", " 0") for row in [
        *_on("normal" + shape, "torch.erfc(a)", "torch.sinc(a)", "a.deg2rad()", "a.rad2deg()",
             "a.signbit()", "a.isreal()", "a.frexp()", "a.conj_physical()", "torch.fix(a)",
             "torch.arctan(a)", "torch.arcsinh(a)", "torch.special.ndtr(a)",
             "torch.special.entr(a.abs() + 0.1)", "torch.mvlgamma(a.abs() + 2, 3)"),
        *_on("unit" + shape, "torch.erfinv(a)", "a.logit(0.1)", "torch.arcsin(a)",
             "torch.arccos(a)", "torch.arctanh(a)", "(a.abs() + 0.05).logit()"),
        *_on("beyond" + shape, "torch.lgamma(a)", "torch.digamma(a)", "torch.polygamma(1, a)",
             "a.polygamma(2)", "torch.arccosh(a)", "torch.polygamma(0, a)"),
    ]],
    *_on("normal 3 4", "torch.lgamma(a * 3)", "torch.digamma(a * 3)", "torch.erfc(a * 4)",
         "torch.lgamma(a * 40 + 200)", "torch.digamma(a * 40 + 200)"),
    *_on("zeros 3", "torch.erfinv(a)", "a.sinc()", "a.frexp()",
         "a.logit(0.1)", "torch.special.entr(a)", "torch.xlogy(a, a)", "a.logit()",
         "torch.special.xlog1py(a, a - 1)", smooth=False),
    *_on("ties 3 4", "a.logit(0.1)", "torch.special.entr(a)", smooth=False),
    *[row for s, t in (("", ""), (" 2 3", " 3"), (" 2 1", " 1 3"), (" 0 3", " 3")) for row in _on(
        f"normal{s}; normal{t}", "torch.logaddexp2(a, b)", "torch.fmax(a, b)", "torch.fmin(a, b)",
        "torch.copysign(a, b)", "torch.xlogy(a, b.exp())",
        "torch.special.xlog1py(a, b.exp())",
        "torch.float_power(a.exp(), b).to(dtype=a.dtype)",
        "torch.arctan2(a, b)", "torch.greater(a, b)", "torch.less_equal(a, b)",
        "torch.heaviside(a, b)", "torch.nextafter(a.detach(), b.detach())",
    )],
    *_on("whole 3 4; whole 4", "torch.gcd(a, b)", "torch.lcm(a, b)", "torch.ldexp(a * 0.5, b)",
         "torch.not_equal(a, b)", "torch.less(a, b)", "torch.greater_equal(a, b)",
         "torch.heaviside(a, b)", "a.erfc()", "torch.xlogy(a, b.abs())"),
    *_on("ties 3 4; ties 3 4", "torch.fmax(a, b)", "torch.fmin(a, b)", "torch.xlogy(a, b.abs())",
         "torch.copysign(a, b)", smooth=False),
    *_on("normal 3", "torch.xlogy(2, a.exp())", "torch.xlogy(a, 2.5)", "torch.copysign(a, -1)",
         "torch.float_power(2, a).to(dtype=a.dtype)", "torch.float_power(a, 3).to(dtype=a.dtype)"),
    *_on("normal 3 4; positive 3 4", *[f"y = a * 1\ny.{op}\nout = (y, y * y)" for op in (
        "erfc_()", "sinc_()", "ge_(b)", "le_(b)", "xlogy_(b)", "renorm_(2, 0, 1.0)",
        "cumsum_(1)", "hypot_(b)", "tan_()", "eq_(b)", "atan2_(b)", "masked_scatter_(b > 1, b)",
    )]),
]  # fmt: skip

SCANS = [
    *_on("distinct 3 4", "a.cummax(1)", "a.cummin(0)", "torch.cummax(a.T, -1)"),
    *_on("ties 3 4", "a.cummax(1)", "a.cummin(0)", smooth=False),
    *_on("normal 3 4", "a.logcumsumexp(1)", "a.logcumsumexp(0)", "a.diff(2)", "a.diff(dim=0)",
         "a.diff(prepend=a[:, :1], append=a[:, :2])", "a.diff(0)", "a.diff(9)",
         "torch.trapezoid(a)", "torch.trapezoid(a, dx=2.5, dim=0)", "torch.trapz(a, a.exp())",
         "torch.trapezoid(a, torch.tensor([0.0, 1, 3, 4]))", "torch.cumulative_trapezoid(a, dim=0)",
         "torch.cumulative_trapezoid(a, a * a)", "torch.gradient(a)",
         "torch.gradient(a, spacing=2.0, dim=1, edge_order=2)", "torch.gradient(a, spacing=None)",
         "torch.gradient(a, spacing=[a[:, 0].exp().cumsum(0), a[0].exp().cumsum(0)])"),
    *_on("infinite 3 4", "a[:, -2:].logcumsumexp(0).exp()", smooth=False),
    *_on("normal", "a.cummax(0)", "a.logcumsumexp(0)"),
    *_on("normal 0 3", "a.logcumsumexp(0)", "a.cummax(0)", "a.diff(dim=0)"),
    *_on("whole 3 4", "a.cummin(1)", "a.diff()", "(a > 0).diff()"),
]  # fmt: skip

ARRANGING = [
    *_on("normal 4 6", "a.tensor_split(3, 1)", "a.tensor_split((1, 3))", "a.tensor_split([-2], 1)",
         "torch.tensor_split(a, torch.tensor([1, 9]))", "a.tensor_split(4, dim=1)", "a.hsplit(3)",
         "a.vsplit([1, 3])", "a.rot90()", "a.rot90(3)", "a.rot90(2, [1, 0])", "a.fliplr()",
         "a.flipud()", "a.adjoint()", "a.split_with_sizes([1, 3])"),
    *_on("normal 2 3 4", "a.dsplit(2)", "torch.rot90(a, -1, [0, 2])", "a.adjoint()",
         "a.select_scatter(a[0] * 2, 0, -1)", "a.slice_scatter(a[:, :2], 1, 1)",
         "a.slice_scatter(a[..., :2], -1, 0, 4, 2)", "a.diagonal_scatter(a[0].T[:, :2])",
         "a.diagonal_scatter(a[:, 0, :3], 1, 1, 2)", "a.diagonal_scatter(a[0].T[:, :1], -1)"),
    *_on("normal 3; normal 2 3; normal", "torch.block_diag(a, b, c)", "torch.atleast_1d(a, b, c)",
         "torch.atleast_2d((a, b, c))", "torch.atleast_3d(a, b, c)", "torch.atleast_3d(a)",
         "torch.dstack((b, b * 2))", "torch.dstack((a, a))", "torch.column_stack((a, a))",
         "torch.column_stack((b, b))", "torch.row_stack((a, b))", "a.diagflat()", "b.diagflat(-1)",
         "torch.cartesian_prod(a, b[0], a)", "torch.cartesian_prod(a)", "torch.combinations(a)",
         "torch.combinations(a, 2, True)", "torch.combinations(a, 3)", "torch.vander(a.detach())",
         "torch.vander(a.detach(), 2, increasing=True)"),
    *_on("whole 4", "torch.vander(a)", "torch.vander(a, 3)", "torch.combinations(a, 2)",
         "torch.unravel_index(a.abs(), (2, 4))"),
    *_on("normal 3 4; normal 3 4", "a.masked_scatter(b > 0, b)", "a.masked_scatter(b[0] > 0, b)",
         "a.put(torch.tensor([[0, 5], [-1, 2]]), b[:2, :2])",
         "a.put(torch.tensor([1, 1, 2]), b[0, :3], accumulate=True)",
         *[f"a.index_reduce(0, torch.tensor([0, 2, 0]), b, {how!r}, include_self={own})"
           for how, own in (("prod", True), ("mean", True), ("amax", False), ("amin", True),
                            ("mean", False))]),
]  # fmt: skip

STATISTICS = [
    *_on("ties 3 5", "a.unique(dim=0, return_inverse=True, return_counts=True)", "a.unique(dim=1)",
         "a.unique(return_inverse=True)", "a.unique_consecutive(return_counts=True)",
         "a[0].unique_consecutive(True, True)", "torch.unique_consecutive(a, dim=1)", "a.mode()",
         "a.mode(0, True)", "torch.isin(a, a[0, :2])", "torch.isin(a, 1.0, invert=True)",
         "torch.searchsorted(a[0].sort().values, a)", "torch.searchsorted(a.sort().values, a)",
         "torch.searchsorted(a[0].sort().values, a, right=True, out_int32=True)",
         "torch.searchsorted(a[0], 0.5, side='right', sorter=a[0].argsort())",
         "torch.bucketize(a, a[1].sort().values, right=True)", "torch.histc(a.detach(), 4)",
         "torch.histc(a.detach(), 5, -1, 1)", smooth=False),
    *_on("distinct 3 5", "a.nanmedian()", "a.nanmedian(1)", "a.kthvalue(2)",
         "a.kthvalue(3, 0, True)", "a.aminmax()", "a.aminmax(dim=1, keepdim=True)",
         "a.msort()", "a.quantile(0.3)",
         "a.quantile(torch.tensor([0.0, 0.4, 1.0], dtype=a.dtype), 1)",
         "a.quantile(0.7, 0, True, interpolation='midpoint')", "a.nanquantile(0.45, dim=1)",
         *[f"torch.quantile(a, 0.4, 1, interpolation={way!r})"
           for way in ("lower", "higher", "nearest")]),
    *_on("distinct 3 5",
         *[f"torch.where(a > 0, a, np.nan).{call}" for call in (
             "nanmedian(0)", "median(0)", "nanquantile(0.6)", "quantile(0.6, 1)",
             "nanquantile(0.3, 0)",
         )], smooth=False),
    *_on("normal 3 5; positive 5", "a.cov()", "a.corrcoef()", "a.cov(correction=0)", "a[0].cov()",
         "a.cov(fweights=torch.tensor([1, 2, 0, 1, 3]))", "a.cov(aweights=b)", "a[0].corrcoef()",
         "a.cov(correction=2, fweights=torch.tensor([1, 2, 0, 1, 3]), aweights=b)",
         "torch.histogram(a.detach(), 4)",
         "torch.histogram(a.detach(), 3, range=(-1.0, 2.0), density=True)",
         "torch.histogram(a[0].detach(), b.detach().sort().values, weight=b.detach())"),
    *_on("whole 7", "a.abs().bincount()", "torch.bincount(a.abs(), a * 0.5, minlength=9)",
         "a.unique_consecutive()", "torch.bucketize(2, a.sort().values)", "a.cov()"),
]  # fmt: skip

PRODUCTS = [
    *_on("normal 2 3 4; normal 4 3 2", "torch.tensordot(a, b, 1)",
         "torch.tensordot(a, b, ([0, 1], [2, 1]))", "torch.tensordot(a, b, ([2], [0]))",
         "torch.tensordot(a[0], b[0], 0)"),
    *_on("normal 2 3; normal 4 1 2", "torch.kron(a, b)", "torch.kron(a[0], a)"),
    *_on("normal 4 3; normal 4 3; normal 5 3", "torch.cross(a, b, 1)", "a.cross(b)",
         "torch.cross(a, b[:1], dim=-1)", "torch.dist(a, b)", "torch.dist(a, b, 3)",
         "torch.dist(a, b, float('inf'))", "torch.ger(a[0], b[1])", "torch.vdot(a[0], b[0])",
         "torch.addr(a, a[:, 0], b[0], beta=0.5, alpha=2)", "torch.renorm(a, 2, 0, 1.5)",
         "a.renorm(1, 1, 2)", "torch.chain_matmul(a, b.T, c[:4], c.T)"),
    *_on("normal 2 3; normal 4 2 5; normal 4 5 3", "torch.addbmm(a, b, c)",
         "torch.addbmm(a, b, c, beta=2, alpha=-0.5)"),
    *[row for p in ("1", "2", "2.5", "float('inf')", "0")
      for row in _on("normal 2 4 3; normal 3 3", f"torch.cdist(a, b, p={p})")],
    *_on("normal 4 3", "torch.pdist(a)", "torch.pdist(a, 1)", "torch.cdist(a[:2], a[2:] * 2)"),
    *_on("normal 26 2; normal 3 2", "torch.cdist(a, b)"),
    *_on("zeros 2 3; ties 2 3", "torch.cdist(a, b)", "torch.cdist(a, b, p=1)",
         "torch.cdist(a, a + 0, compute_mode='use_mm_for_euclid_dist')", smooth=False),
]  # fmt: skip

TENSORS = {
    "views": VIEWS, "more_elementwise": ELEMENTWISE, "scans": SCANS, "arranging": ARRANGING,
    "statistics": STATISTICS, "more_products": PRODUCTS,
}  # fmt: skip
