"""A naive engine to compare with: nodes with Python numbers, gradients by following every path."""

import math


class Number:
    """A number that knows its parents and the derivative with respect to each."""

    def __init__(self, value, parents=()):
        self.value, self.parents = value, parents

    def __add__(self, other):
        return Number(self.value + other.value, ((self, 1.0), (other, 1.0)))

    def __sub__(self, other):
        return Number(self.value - other.value, ((self, 1.0), (other, -1.0)))

    def __mul__(self, other):
        return Number(self.value * other.value, ((self, other.value), (other, self.value)))

    def __truediv__(self, other):
        quotient = self.value / other.value
        return Number(quotient, ((self, 1 / other.value), (other, -quotient / other.value)))

    def tanh(self):
        y = math.tanh(self.value)
        return Number(y, ((self, 1 - y * y),))

    def exp(self):
        y = math.exp(self.value)
        return Number(y, ((self, y),))

    def sin(self):
        return Number(math.sin(self.value), ((self, math.cos(self.value)),))

    def abs(self):
        return Number(abs(self.value), ((self, math.copysign(1, self.value)),))

    def gradient(self, leaf):
        """Return the derivative of this number with respect to ``leaf``: the sum over paths."""
        if self is leaf:
            return 1.0
        return sum(slope * parent.gradient(leaf) for parent, slope in self.parents)
