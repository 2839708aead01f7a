"""einsum's two forms: an equation, and a list of labels after each operand."""

import pytest

import tinygrad_adam as torch

a, b = torch.arange(6.0).reshape(2, 3), torch.arange(12.0).reshape(3, 4)
c = torch.arange(18.0).reshape(2, 3, 3)


@pytest.mark.parametrize(
    ("lists", "equation"),
    [
        ((a, [0, 1], b, [1, 2], [0, 2]), "ij,jk->ik"),
        ((a, [0, 1], b, [1, 2]), "ij,jk"),
        ((a, (0, 1), b, (1, 2), (2, 0)), "ij,jk->ki"),
        ((a, [2, 1], b, [1, 0]), "kj,ji"),  # without a list for the result, labels are sorted
        ((a, [30, 1], b, [1, 2]), "zj,jk"),
        ((a, [51, 25], b, [25, 26]), "zY,Ya"),
        ((a, [0, 1], [1, 0]), "ij->ji"),
        ((a, [0, 1], []), "ij->"),
        ((a, [torch.tensor(0), torch.tensor(1)], [0]), "ij->i"),
        ((c, [..., 0, 1], c, [..., 1, 2], [..., 0, 2]), "...ij,...jk->...ik"),
        ((c, [..., 0, 0]), "...ii"),
        ((c, [..., 0, 0], [..., 0]), "...ii->...i"),
        ((a, [0, 1], b, [1, 2], c, [0, 4, 5], [2, 4]), "ij,jk,iab->ka"),
    ],
)
def test_lists_mean_what_the_equation_means(lists, equation):
    operands = [x for x in lists if isinstance(x, torch.Tensor)]
    assert torch.einsum(*lists).equal(torch.einsum(equation, *operands))


def test_lists_are_differentiated_too():
    x, y = a.clone().requires_grad_(), b.clone().requires_grad_()
    torch.einsum(x, [0, 1], y, [1, 2], [0, 2]).sum().backward()
    assert x.grad.equal(b.sum(1).expand(2, 3))
    assert y.grad.equal(a.sum(0)[:, None].expand(3, 4))


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ((a, [52, 1]), ValueError, "subscript in subscript list is not within the valid range"),
        ((a, [-1, 1]), ValueError, "subscript in subscript list is not within the valid range"),
        ((a, [0.0, 1]), TypeError, "must be int, not float"),
        ((a, ["i", "j"]), TypeError, "must be int, not str"),
        ((a, "ij", b, "jk"), TypeError, "a list of subscripts must follow each operand"),
        ((a, 0, b, 1), TypeError, "a list of subscripts must follow each operand"),
        ((a, [0, 1], b), TypeError, "a list of subscripts must follow each operand"),
        ((a, [0, 1], 5, [1, 2]), TypeError, "expected Tensor as element 1"),
        ((a, [0], b, [1, 2]), RuntimeError, "the number of subscripts in the equation (1) does"),
        ((a, [0, 0]), RuntimeError, "is repeated for operand 0 but the sizes don't match"),
        ((a, [0, 1], b, [1, 2], [0, 3]), RuntimeError, "does not appear in the equation for any"),
        ((), ValueError, "must specify the equation string and at least one operand"),
    ],
)
def test_lists_that_make_no_sense(arguments, kind, words):
    with pytest.raises(kind) as caught:
        torch.einsum(*arguments)
    assert words in str(caught.value)
