"""The loss of one student neuron learning from k alike teachers, in fifty digits: an oracle that knows no gradient formula.

The kernels are written out again. Derivatives are differences in extended precision, exact to far more than a double's
digits. With e the unit vector along the mean of the teachers, q one in their span across it (along v_1 - v_2) and n one in
the complement, the student is w = x e + y q + z n, a; the landscape's symmetries make (x, a), y and z the blocks of the
Hessian.
"""

import mpmath
from mpmath import mpf

KERNELS = {
    "erf": lambda s, c, t: 2 / mpmath.pi * mpmath.asin(c / mpmath.sqrt((1 + s) * (1 + t))),
    "normal_cdf": lambda s, c, t: mpf(1) / 4 + mpmath.asin(c / mpmath.sqrt((1 + s) * (1 + t))) / (2 * mpmath.pi),
    "relu": lambda s, c, t: (
        (mpmath.sqrt(abs(s * t - c * c)) + c * (mpmath.pi - mpmath.atan2(mpmath.sqrt(abs(s * t - c * c)), c)))
        / (2 * mpmath.pi)
    ),
    "sin": lambda s, c, t: mpmath.exp(-(s + t) / 2) * mpmath.sinh(c),
    "cos": lambda s, c, t: mpmath.exp(-(s + t) / 2) * mpmath.cosh(c),
    "exp": lambda s, c, t: mpmath.exp((s + t) / 2 + c),
    "gaussian": lambda s, c, t: 1 / mpmath.sqrt((1 + s) * (1 + t) - c * c),
    "linear": lambda s, c, t: c,
}


class AlikeTeachers:
    """k teachers of one norm, mutual correlation and outgoing weight."""

    def __init__(self, name, k, correlation=0.0, norm=1.0, weight=1.0):
        self.kernel, self.k, self.weight = KERNELS[name], k, mpf(weight)
        self.correlation, self.norm = mpf(correlation), mpf(norm)

    def loss(self, x, a, y=0, z=0):
        k, beta, b, kernel = self.k, self.correlation, self.weight, self.kernel
        s, t = x * x + y * y + z * z, self.norm**2
        along = x * self.norm * mpmath.sqrt((1 + (k - 1) * beta) / k)
        overlap = k * kernel(s, along, t)
        if k > 1:
            across = y * self.norm * mpmath.sqrt((1 - beta) / 2)
            overlap = kernel(s, along + across, t) + kernel(s, along - across, t) + (k - 2) * kernel(s, along, t)
        own = k * kernel(t, t, t) + k * (k - 1) * kernel(t, beta * t, t)
        return a * a * kernel(s, s, s) - 2 * a * b * overlap + b * b * own

    def slopes(self, x, a):
        """dL/dx and dL/da; those in y and z vanish by reflection."""
        with mpmath.workdps(50):
            return [float(mpmath.diff(self.loss, (mpf(x), mpf(a)), order)) for order in ((1, 0), (0, 1))]

    def spectrum(self, x, a, d):
        """All d + 1 eigenvalues in ascending order; x and a may be mpmath numbers."""
        with mpmath.workdps(50):
            x, a = mpf(x), mpf(a)
            xx, xa, aa = (mpmath.diff(self.loss, (x, a), order) for order in ((2, 0), (1, 1), (0, 2)))
            half, spread = (xx + aa) / 2, mpmath.sqrt(((xx - aa) / 2) ** 2 + xa**2)
            values = [half - spread, half + spread]
            rank = 1 if self.correlation == 1 else self.k
            if rank > 1:
                values += [mpmath.diff(lambda y: self.loss(x, a, y=y), 0, 2)] * (rank - 1)
            if d > rank:
                values += [mpmath.diff(lambda z: self.loss(x, a, z=z), 0, 2)] * (d - rank)
            return sorted(float(value) for value in values)
