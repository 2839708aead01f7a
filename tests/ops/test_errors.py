"""A user's mistake: PyTorch's kind of error and PyTorch's words, never NumPy's."""

import re

import numpy as np
import pytest

import tinygrad_adam as torch

MISTAKES = [
    ("x + torch.ones(3, 3)", RuntimeError,
     "The size of tensor a (4) must match the size of tensor b (3) at non-singleton dimension 1"),
    ("x @ x", RuntimeError, "mat1 and mat2 shapes cannot be multiplied (3x4 and 3x4)"),
    ("x[None] @ x[None]", RuntimeError, "Expected size for first two dimensions of batch2 tensor"),
    ("x.mm(x[0])", RuntimeError, "mat2 must be a matrix"),
    ("x @ x.double().T", RuntimeError, "expected m1 and m2 to have the same dtype"),
    ("x.mv(torch.ones(3))", RuntimeError, "size mismatch, got input (3), mat (3x4), vec (3)"),
    ("x[0].dot(torch.ones(3))", RuntimeError, "inconsistent tensor size, expected tensor [4]"),
    ("x[5]", IndexError, "index 5 is out of bounds for dimension 0 with size 3"),
    ("x[:, [0, 9]]", IndexError, "index 9 is out of bounds for dimension 1 with size 4"),
    ("x[0, 0, 0]", IndexError, "too many indices for tensor of dimension 2"),
    ("x[0, 0][0]", IndexError, "invalid index of a 0-dim tensor. Use `tensor.item()`"),
    ("x[1.5]", IndexError, "only integers, slices (`:`), ellipsis (`...`), None and long"),
    ("x[torch.ones(2)]", IndexError, "tensors used as indices must be long, int, byte or bool"),
    ("x['a']", TypeError, "new(): invalid data type 'str'"),
    ("x[::-1]", ValueError, "step must be greater than zero"),
    ("x[torch.tensor([True, False])]", IndexError, "The shape of the mask [2] at index 0 does not"),
    ("x[[0, 1], [0, 1, 2]]", IndexError, "shape mismatch: indexing tensors could not be broadcast"),
    ("x[[0, 1]].__setitem__(0, torch.ones(9))", RuntimeError, "The expanded size of the tensor"),
    ("x.__setitem__([0, 1], torch.ones(9))", RuntimeError, "shape mismatch: value tensor of shape"),
    ("x.__setitem__([0], x.double())", RuntimeError, "Index put requires the source and"),
    ("x.sum(5)", IndexError, "Dimension out of range (expected to be in range of [-2, 1], but got"),
    ("x.sum((0, 0))", RuntimeError, "dim 0 appears multiple times in the list of dims"),
    ("x.sum('a')", TypeError, "must be int, not str"),
    ("x.long().mean()", RuntimeError, "mean(): could not infer output dtype. Input dtype must be"),
    ("x.long().std()", RuntimeError, "std and var only support floating point and complex dtypes"),
    ("torch.zeros(0).max()", RuntimeError, "max(): Expected reduction dim to be specified for"),
    ("torch.zeros(0, 2).max(0)", IndexError, "max(): Expected reduction dim 0 to have non-zero"),
    ("torch.zeros(0).argmax()", IndexError, "argmax(): Expected reduction dim to be specified"),
    ("x.reshape(5)", RuntimeError, "shape '[5]' is invalid for input of size 12"),
    ("x.reshape(-1, -1)", RuntimeError, "only one dimension can be inferred"),
    ("x.T.view(12)", RuntimeError, "view size is not compatible with input tensor's size and"),
    ("x.expand(5, 4)", RuntimeError, "The expanded size of the tensor (5) must match the existing"),
    ("x.permute(0, 0)", RuntimeError, "permute(): duplicate dims are not allowed."),
    ("x.split([1, 1])", RuntimeError, "split_with_sizes expects split_sizes to sum exactly to 3"),
    ("x.narrow(0, 2, 5)", RuntimeError, "start (2) + length (5) exceeds dimension size (3)."),
    ("x.unflatten(1, (3, 3))", RuntimeError, "unflatten: Provided sizes [3, 3] don't multiply up"),
    ("torch.cat([])", ValueError, "torch.cat(): expected a non-empty list of Tensors"),
    ("torch.cat([x, x[0, 0]])", RuntimeError, "zero-dimensional tensor (at position 1) cannot be"),
    ("torch.cat([x, x.T])", RuntimeError, "Sizes of tensors must match except in dimension 0."),
    ("torch.cat([x, 1])", TypeError, "expected Tensor as element 1 in argument 0, but got int"),
    ("torch.stack([x, x.T])", RuntimeError, "stack expects each tensor to be equal size, but got"),
    ("torch.einsum('ij,jk', x, x)", RuntimeError, "einsum(): subscript j has size 3 for operand 1"),
    ("torch.einsum('ij->ii', x)", RuntimeError, "einsum(): output subscript i appears more than"),
    ("torch.einsum('i1', x)", RuntimeError, "einsum(): invalid subscript given at index 1"),
    ("x.gather(0, torch.tensor([[9]]))", RuntimeError, "index 9 is out of bounds for dimension 0"),
    ("x.gather(0, torch.tensor([1]))", RuntimeError, "Index tensor must have the same number of"),
    ("x.gather(0, torch.ones(1, 1))", RuntimeError, "gather(): Expected dtype int32/int64 for"),
    ("x.index_select(0, torch.tensor([7]))", IndexError, "index out of range in self"),
    ("x.masked_fill(x, 1)", RuntimeError, "masked_fill_ only supports boolean masks, but got mask"),
    ("torch.where(x, x, x)", RuntimeError, "where expected condition to be a boolean tensor, but"),
    ("x.clamp()", RuntimeError, "torch.clamp: At least one of 'min' or 'max' must not be None"),
    ("x.div(x, rounding_mode='up')", RuntimeError, "div expected rounding_mode to be one of None"),
    ("x - (x > 0)", RuntimeError, "Subtraction, the `-` operator, with a bool tensor is not"),
    ("-(x > 0)", RuntimeError, "Negation, the `-` operator, on a bool tensor is not supported."),
    ("x.long() // 0", RuntimeError, "ZeroDivisionError"),
    ("x.long() ** -1", RuntimeError, "Integers to negative integer powers are not allowed."),
    ("x & x", NotImplementedError, "\"bitwise_and_cpu\" not implemented for 'float32'"),
    ("x + 'a'", TypeError, "unsupported operand type(s) for +: 'Tensor' and 'str'"),
    ("torch.exp(1.0)", TypeError, "exp(): argument 'input' (position 1) must be Tensor, not float"),
    ("x.maximum(1)", TypeError, "maximum(): argument 'other' (position 1) must be Tensor, not int"),
    ("'a' in x", RuntimeError, "Tensor.__contains__ only supports Tensor or scalar"),
    ("x.item()", RuntimeError, "a Tensor with 12 elements cannot be converted to Scalar"),
    ("float(x)", ValueError, "only one element tensors can be converted to Python scalars"),
    ("bool(x)", RuntimeError, "Boolean value of Tensor with more than one value is ambiguous"),
    ("len(x[0, 0])", TypeError, "len() of a 0-d tensor"),
    ("list(x[0, 0])", TypeError, "iteration over a 0-d tensor"),
    ("x.long().add_(1.5)", RuntimeError, "result type float32 can't be cast to the desired output"),
    ("x[0].add_(x)", RuntimeError, "output with shape [4] doesn't match the broadcast shape [3,"),
    ("x[:1].expand(3, 4).add_(1)", RuntimeError, "unsupported operation: more than one element of"),
    ("x.fill_(torch.zeros(2))", RuntimeError, "fill_ only supports 0-dimension value tensor but"),
    ("x.long().requires_grad_()", RuntimeError, "only Tensors of floating point"),
    ("torch.tensor([1], requires_grad=True)", RuntimeError, "Only Tensors of floating point"),
    ("torch.tensor([[1, 2], [3]])", ValueError, "expected sequence of length 2 at dim 1 (got 1)"),
    ("torch.tensor('a')", TypeError, "new(): invalid data type 'str'"),
    ("torch.tensor(None)", RuntimeError, "Could not infer dtype of NoneType"),
    ("torch.tensor(['a'])", ValueError, "too many dimensions 'str'"),
    ("torch.tensor(2**63)", ValueError, "Overflow when unpacking long long"),
    ("torch.tensor([300], dtype=torch.uint8)", RuntimeError, "value cannot be converted to type"),
    ("torch.zeros(-1)", RuntimeError, "Trying to create tensor with negative dimension -1: [-1]"),
    ("torch.zeros('a')", TypeError, "zeros(): argument 'size' (position 1) must be tuple of ints"),
    ("torch.arange(1, 0)", RuntimeError, "upper bound and lower bound inconsistent with step sign"),
    ("torch.arange(0, 1, 0)", RuntimeError, "step must be nonzero"),
    ("torch.randint(3, 3, (2,))", RuntimeError, "random_ expects 'from' to be less than 'to'"),
    ("torch.randn(2, dtype=torch.int64)", NotImplementedError, "\"normal_kernel_cpu\" not"),
    ("torch.from_numpy([1])", TypeError, "expected np.ndarray (got list)"),
    ("x.to('foo')", RuntimeError, "Expected one of cpu"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "kind", "words"), MISTAKES, ids=[mistake[0] for mistake in MISTAKES]
)
def test_mistakes_are_named_in_pytorchs_words(expression, kind, words, device):
    x = torch.arange(12.0, device=device).reshape(3, 4)
    with pytest.raises(kind, match=re.escape(words)) as caught:
        eval(expression, {"x": x, "torch": torch, "np": np})
    assert type(caught.value) is kind
