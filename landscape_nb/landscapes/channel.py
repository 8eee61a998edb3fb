r"""A pair of neurons at a fixed distance to infinity: the loss along a channel, and its limit, a gated linear unit.

Two neurons i, j whose incoming weights approach each other while their outgoing weights diverge with opposite signs, written in

    w = (w_i + w_j)/2,   v = (w_i - w_j)/(2 eta),   c = a_i + a_j,   eta = 1/(a_i - a_j),       backwards
    w_i = w + eta v,   w_j = w - eta v,   a_i = (c + 1/eta)/2,   a_j = (c - 1/eta)/2.

With z = w.x, q = v.x, p = eta q and the even parts E_k = [sigma^(k)(z + p) + sigma^(k)(z - p)]/2 they add to the student

    g = c E_0 + q A_1,       A_k = 1/2 int_-1^1 sigma^(k)(z + p u) du = [sigma^(k-1)(z + p) - sigma^(k-1)(z - p)]/(2 p),

which is analytic in eta^2. At eta = 0 it is the gated linear unit c sigma(w.x) + (v.x) sigma'(w.x): the limit problem. Derivatives,
with the odd parts [sigma^(k)(z + p) - sigma^(k)(z - p)]/2 = p A_(k+1):

    g_c = E_0    g_z = c E_1 + q A_2             g_q = E_1 + c eta^2 q A_2
    g_cz = E_1   g_zz = c E_2 + q A_3            g_zq = E_2 + c eta^2 q A_3
                 g_cq = eta^2 q A_2              g_qq = eta^2 g_zz

and, for tau = eta^2 at fixed (w, v, c), with dE_k/dp^2 = A_(k+2)/2, B_k = dA_k/dp^2 = 1/4 int_0^1 (1 - u^2) [sigma^(k+2) even](p u) du
and C_1 = dB_1/dp^2 = 1/32 int_0^1 (1 - u^2)^2 [sigma^(5) even](p u) du,

    g_tau = c q^2 A_2/2 + q^3 B_1,     g_tau,tau = c q^4 B_2/2 + q^5 C_1,     at eta = 0: g_tau = c q^2 sigma''/2 + q^3 sigma'''/6.

**Digits.** The divided differences A, B, C are Gauss-Legendre integrals where |p| <= 1/2, with as many nodes as the largest |p|
needs (functions with poles at distance pi/2 or more from the real line, as tanh), and plain differences of the even parts elsewhere:
no digit is lost for any eta, 0 included.

Source: coordinates and limit from "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, Eq. 3 and appendix C.2 (there
eps = eta |v|, a = |v|, Delta = v/|v|); the divided differences and their derivatives derived.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..activations import Activation
from ..networks import Network, finite_rows
from .population import PopulationLandscape
from .sampled import BiasedNetwork, SampledLandscape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray

#: Up to this |p| divided differences are integrals, beyond plain differences.
_NEAR = 0.5
#: (largest |p|, number of Gauss-Legendre nodes).
_NODES = ((1e-9, 1), (1e-5, 2), (5e-3, 5), (0.1, 8), (_NEAR, 14))
#: A Network belongs to the landscape if its gap a_i - a_j is 1/eta up to this share.
_SAME_GAP = 1e-9


@dataclass(frozen=True, eq=False)
class ChannelStudent:
    """A student of a ChannelLandscape, read by names: a pair of neurons in channel coordinates, and the other neurons.

    theta : concat(W_rest.ravel(), a_rest, w, v, c[, b]). inverse_gap : eta = 1/(a_i - a_j), 0 for the limit. rest : the n - 2 other
    neurons, or None. w, v : (d,). c, and b where the landscape has an output bias (else None).
    """

    theta: Array
    inverse_gap: float
    rest: Network | None
    w: Array = field(repr=False)
    v: Array = field(repr=False)
    c: float
    b: float | None

    @property
    def a(self) -> float:
        """|v|, the weight of the gated linear part: a_i - a_j = a/eps."""
        return float(np.linalg.norm(self.v))

    @property
    def eps(self) -> float:
        """|w_i - w_j|/2 = |eta| |v|."""
        return abs(self.inverse_gap) * self.a


class ChannelLandscape:
    """The loss of n neurons of which two are a pair with a fixed eta = 1/(a_i - a_j), in the coordinates (w, v, c) of the pair.

    landscape : a SampledLandscape with a smooth activation. n : neurons, the pair included. inverse_gap : eta, any finite number; L is
    an even function of it, and at 0 the pair is the gated linear unit c sigma(w.x) + (v.x) sigma'(w.x), the limit problem.

    theta = concat(W_rest.ravel(), a_rest, w, v, c[, b]) of any number of students, shape (..., p), p = (n - 2)(d + 1) + 2 d + 1 (+ 1);
    a ``ChannelStudent``; or, for eta != 0, a Network whose LAST two neurons are the pair. Results have the leading axes of theta;
    large batches and data sets are worked through in parts. Raises ValueError for what is no SampledLandscape, for an activation with
    kinks or without a third derivative, and for students that do not fit.
    """

    def __init__(self, landscape: SampledLandscape, n: int, inverse_gap: float) -> None:
        if isinstance(landscape, PopulationLandscape):
            raise ValueError(
                "a channel is followed on samples, and a PopulationLandscape has none; for one input take "
                "SampledLandscape(activation, x[:, None], y, weights) with x, weights = gaussian_line()"
            )
        if not isinstance(landscape, SampledLandscape):
            raise ValueError(f"landscape must be a SampledLandscape; {landscape!r:.60} was given")
        refused = not_smooth(landscape.activation)
        if refused:
            raise ValueError(
                f"a pair of neurons at infinity is smooth for an activation with three derivatives; given: {refused}; "
                "choose a smooth one, such as erf, tanh or softplus"
            )
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 2:
            raise ValueError(f"n must be a whole number of at least 2, the pair included; n = {n!r:.60} was given")
        number = isinstance(inverse_gap, (int, float, np.number)) and not isinstance(inverse_gap, bool)
        if not number or not np.isfinite(inverse_gap):
            raise ValueError(
                f"inverse_gap must be one finite number, eta = 1/(a_i - a_j) or 0; {inverse_gap!r:.60} was given"
            )
        #: The SampledLandscape of the samples.
        self.samples = landscape
        self.activation, self.d, self.output_bias = landscape.activation, landscape.d, landscape.output_bias
        #: sum_mu m_mu y_mu^2, the loss of the student that is zero everywhere.
        self.constant = landscape.constant
        self.n, self.inverse_gap = int(n), float(inverse_gap)
        #: Number of parameters.
        self.p = (self.n - 2) * (self.d + 1) + 2 * self.d + 1 + self.output_bias
        start = (self.n - 2) * (self.d + 1)
        self._outgoing = slice((self.n - 2) * self.d, start)
        self._w, self._v = slice(start, start + self.d), slice(start + self.d, start + 2 * self.d)
        self._c = start + 2 * self.d

    def __repr__(self) -> str:
        return f"ChannelLandscape({self.samples!r}, n={self.n}, inverse_gap={self.inverse_gap:.6g})"

    def at(self, inverse_gap: float) -> ChannelLandscape:
        """The same samples and pair at another eta."""
        return ChannelLandscape(self.samples, self.n, inverse_gap)

    # students ---------------------------------------------------------------------------------------------------------

    def student(self, theta: ArrayLike) -> ChannelStudent:
        """theta of one student, shape (p,), read by names."""
        theta = self._theta(theta)
        if theta.ndim != 1:
            raise ValueError(f"student() takes one student of shape (p,); theta has the shape {theta.shape}")
        rest = None
        if self.n > 2:
            rest = Network(theta[: self._outgoing.start].reshape(-1, self.d), theta[self._outgoing])
        b = float(theta[-1]) if self.output_bias else None
        return ChannelStudent(
            theta.copy(), self.inverse_gap, rest, theta[self._w].copy(), theta[self._v].copy(), float(theta[self._c]), b
        )

    def network(self, theta: ArrayLike) -> Any:
        """The ordinary Network of n neurons, the pair last; at eta = 0, where there is none, the ``ChannelStudent``."""
        student = self.student(theta)
        eta = self.inverse_gap
        if eta == 0:
            return student
        pair = np.array([student.w + eta * student.v, student.w - eta * student.v])
        outgoing = np.array([0.5 * (student.c + 1.0 / eta), 0.5 * (student.c - 1.0 / eta)])
        if student.rest is not None:
            pair, outgoing = np.vstack([student.rest.W, pair]), np.concatenate([student.rest.a, outgoing])
        return Network(pair, outgoing) if student.b is None else BiasedNetwork(pair, outgoing, student.b)

    @classmethod
    def from_network(
        cls, landscape: SampledLandscape, network: Network, i: int, j: int
    ) -> tuple[ChannelLandscape, Array]:
        """The ChannelLandscape with the network's eta = 1/(a_i - a_j), and theta of the network in it.

        Raises ValueError if i = j or a_i = a_j.
        """
        landscape.value(network)  # refuses what does not fit in its own words
        for neuron in (i, j):
            if isinstance(neuron, bool) or not isinstance(neuron, (int, np.integer)) or not 0 <= neuron < network.n:
                raise ValueError(f"a neuron has a number between 0 and {network.n - 1}; {neuron!r:.60} was given")
        if i == j:
            raise ValueError(f"a pair needs two different neurons; neuron {i} was given twice")
        gap = float(network.a[i] - network.a[j])
        if gap == 0:
            raise ValueError(
                f"neurons {i} and {j} have the same outgoing weight a = {network.a[i]:.6g}, and 1/(a_i - a_j) does not exist; "
                "move outgoing weight from one to the other"
            )
        others = [m for m in range(network.n) if m not in (i, j)]
        w_i, w_j = network.W[i], network.W[j]
        pair = [0.5 * (w_i + w_j), 0.5 * gap * (w_i - w_j), [network.a[i] + network.a[j]]]
        bias = [[network.b]] if isinstance(network, BiasedNetwork) else []
        theta = np.concatenate([network.W[others].ravel(), network.a[others], *pair, *bias])
        return cls(landscape, network.n, 1.0 / gap), theta

    def _theta(self, student: Any) -> Array:
        if isinstance(student, ChannelStudent):
            if student.inverse_gap != self.inverse_gap:
                raise ValueError(
                    f"the student has inverse_gap = {student.inverse_gap:.6g}, the landscape {self.inverse_gap:.6g}; "
                    "give its theta to look at it at another gap"
                )
            student = student.theta
        if isinstance(student, Network):
            if student.n != self.n:
                raise ValueError(f"the landscape has n = {self.n} neurons; the network has {student.n}")
            gap = float(student.a[-2] - student.a[-1])
            if not abs(gap * self.inverse_gap - 1.0) <= _SAME_GAP:
                raise ValueError(
                    f"the last two neurons of a network of this landscape have 1/(a_i - a_j) = {self.inverse_gap:.6g}; "
                    f"a_i - a_j = {gap:.6g} was given: ChannelLandscape.from_network makes the landscape of a network"
                )
            student = self.from_network(self.samples, student, self.n - 2, self.n - 1)[1]
        theta = np.asarray(student, dtype=float)
        if theta.ndim == 0 or theta.shape[-1] != self.p:
            raise ValueError(
                f"theta = (W_rest, a_rest, w, v, c{', b' if self.output_bias else ''}) of n = {self.n} neurons in {self.d} dimensions has "
                f"{self.p} entries on its last axis; its shape is {theta.shape}"
            )
        return finite_rows(theta)

    # value, gradient, Hessian -----------------------------------------------------------------------------------------

    def value(self, student: ChannelStudent | Network | ArrayLike) -> Array:
        """L, shape (...)."""
        theta = self._theta(student)
        flat = theta.reshape(-1, self.p)
        value = np.zeros(len(flat))
        for rows, part in self._parts(len(flat)):
            rest = self._forward(flat[rows], part, 0).residual
            value[rows] += np.sum(self.samples._m[part] * rest * rest, axis=-1)
        return value.reshape(theta.shape[:-1])[()]

    def gradient(self, student: ChannelStudent | Network | ArrayLike) -> Array:
        """dL/dtheta, shape (..., p)."""
        return self.value_and_gradient(student)[1]

    def value_and_gradient(self, student: ChannelStudent | Network | ArrayLike) -> tuple[Array, Array]:
        """(L, dL/dtheta), shapes (...) and (..., p), at the cost of the gradient alone."""
        theta = self._theta(student)
        flat = theta.reshape(-1, self.p)
        value, gradient = np.zeros(len(flat)), np.zeros(flat.shape)
        for rows, part in self._parts(len(flat)):
            here = self._forward(flat[rows], part, 1)
            pull = 2.0 * self.samples._m[part] * here.residual
            value[rows] += 0.5 * np.sum(pull * here.residual, axis=-1)
            gradient[rows] += self._transposed(here, pull, part)
        return value.reshape(theta.shape[:-1])[()], gradient.reshape(theta.shape)

    def hessian(self, student: ChannelStudent | Network | ArrayLike) -> Array:
        """d2L/dtheta2, shape (..., p, p), exactly symmetric."""
        theta = self._theta(student)
        flat = theta.reshape(-1, self.p)
        hessian = np.zeros((len(flat), self.p, self.p))
        d, m, square = self.d, self.n - 2, self.inverse_gap**2
        incoming, outgoing = np.arange(m * d).reshape(m, d), np.arange(m * d, m * (d + 1))
        for rows, part in self._parts(len(flat)):
            here = self._forward(flat[rows], part, 2)
            x, columns = self.samples._x[part], self.samples._columns[:, part]
            weights = 2.0 * self.samples._m[part]
            pull = weights * here.residual
            jacobian = self._jacobian(here, part) * np.sqrt(weights)
            block = jacobian @ jacobian.swapaxes(-1, -2)
            c, q = here.c, here.q
            bend_zz = c * here.even[2] + q * here.mean[2]
            bend_zq = here.even[2] + c * square * q * here.mean[2]
            for first, second, bend in (
                (self._w, self._w, bend_zz),
                (self._w, self._v, bend_zq),
                (self._v, self._w, bend_zq),
                (self._v, self._v, square * bend_zz),
            ):
                block[:, first, second] += ((bend * pull)[:, None, :] * columns) @ x
            for place, bend in ((self._w, here.even[1]), (self._v, square * q * here.mean[1])):
                cross = (bend * pull) @ x
                block[:, place, self._c] += cross
                block[:, self._c, place] += cross
            if m:
                slope, second_slope = here.others[1], here.others[2]
                cross = (slope * pull[:, None, :]) @ x
                block[:, incoming, outgoing[:, None]] += cross
                block[:, outgoing[:, None], incoming] += cross
                bend = here.a[..., None] * second_slope * pull[:, None, :]
                block[:, incoming[:, :, None], incoming[:, None, :]] += (bend[:, :, None, :] * columns) @ x
            hessian[rows] += block
        hessian += hessian.swapaxes(-1, -2).copy()
        hessian *= 0.5
        return hessian.reshape(*theta.shape, self.p)

    # along the channel ------------------------------------------------------------------------------------------------

    def slope(self, student: ChannelStudent | Network | ArrayLike) -> Array:
        """dL/d(eta^2) at fixed theta, shape (...); at eta = 0 it is a^2 h, h = <f2 l'(f0, y)>."""
        return self._along(student)[0]

    def slope_derivatives(self, student: ChannelStudent | Network | ArrayLike) -> tuple[Array, Array, Array]:
        """(dL/dtau, d2L/dtau dtheta, d2L/dtau2) for tau = eta^2, shapes (...), (..., p) and (...)."""
        return self._along(student)

    def _along(self, student: ChannelStudent | Network | ArrayLike) -> tuple[Array, Array, Array]:
        theta = self._theta(student)
        flat = theta.reshape(-1, self.p)
        slope, mixed, bend = np.zeros(len(flat)), np.zeros(flat.shape), np.zeros(len(flat))
        square = self.inverse_gap**2
        for rows, part in self._parts(len(flat)):
            here = self._forward(flat[rows], part, 3)
            x, m = self.samples._x[part], self.samples._m[part]
            c, q, (_, a2, a3) = here.c, here.q, here.mean
            b1, b2, c1 = here.bends
            first = 0.5 * c * q**2 * a2 + q**3 * b1
            second = 0.5 * c * q**4 * b2 + q**5 * c1
            pull = 2.0 * m * here.residual
            slope[rows] += np.sum(pull * first, axis=-1)
            bend[rows] += np.sum(2.0 * m * first**2 + pull * second, axis=-1)
            mixed[rows] += self._transposed(here, 2.0 * m * first, part)
            mixed[rows, self._w] += (pull * (0.5 * c * q**2 * a3 + q**3 * b2)) @ x
            mixed[rows, self._v] += (pull * (c * q * a2 + 0.5 * q**2 * a3 + c * square * q**3 * b2)) @ x
            mixed[rows, self._c] += np.sum(pull * 0.5 * q**2 * a2, axis=-1)
        lead = theta.shape[:-1]
        return slope.reshape(lead)[()], mixed.reshape(theta.shape), bend.reshape(lead)[()]

    def excess(self, student: ChannelStudent | Network | ArrayLike, limit: ArrayLike) -> Array:
        """L_eta(theta) - L_0(limit), shape (...), from differences of the residuals: it keeps its digits where the losses agree.

        sum_mu m_mu (r - r0)(r + r0), r - r0 = [f_eta(theta) - f_0(theta)] + [f_0(theta) - f_0(limit)], each bracket from integrals
        of derivatives where the arguments are close. limit : one student of the limit problem, shape (p,).
        """
        theta = self._theta(student)
        start = self.at(0.0)._theta(limit)
        if start.ndim != 1:
            raise ValueError(f"limit is one student of shape (p,); its shape is {start.shape}")
        flat = theta.reshape(-1, self.p)
        base = start[None, :]
        act, zero = self.activation, self.at(0.0)
        total = np.zeros(len(flat))
        for rows, part in self._parts(len(flat)):
            there = zero._forward(base, part, 1)
            moved = flat[rows] - base
            columns = self.samples._columns[:, part]
            z, q = flat[rows][:, self._w] @ columns, flat[rows][:, self._v] @ columns
            dz, dq = moved[:, self._w] @ columns, moved[:, self._v] @ columns
            c, dc = flat[rows][:, self._c, None], moved[:, self._c, None]
            even, mean = _remainders(act, z, self.inverse_gap * q)
            # the pair: c s(z) + q s'(z) against c0 s(z0) + q0 s'(z0), and eta against 0
            change = c * even + q * mean + dc * act(z) + dq * act.derivative(z, 1)
            change += there.c * _difference(act, 0, there.z, dz) + there.q * _difference(act, 1, there.z, dz)
            if self.n > 2:
                d_rest = moved[:, : self._outgoing.start].reshape(len(moved), -1, self.d) @ columns
                z_rest = base[:, : self._outgoing.start].reshape(1, -1, self.d) @ columns
                d_out = moved[:, self._outgoing]
                change += (d_out[:, None, :] @ act(z_rest + d_rest))[:, 0, :]
                change += (there.a[:, None, :] @ _difference(act, 0, z_rest, d_rest))[:, 0, :]
            if self.output_bias:
                change += moved[:, -1:]
            total[rows] += np.sum(self.samples._m[part] * change * (2.0 * there.residual + change), axis=-1)
        return total.reshape(theta.shape[:-1])[()]

    def symmetry_directions(self, student: ChannelStudent | Network | ArrayLike) -> dict[str, Array]:
        """Name -> directions (count, p) along which the loss of this one student is constant.

        Those of the other neurons among themselves, and "unseen input": changes of incoming weights along which no sample has a component.
        """
        theta = self._theta(student)
        if theta.ndim != 1:
            raise ValueError(
                f"symmetry_directions() takes one student of shape (p,); theta has the shape {theta.shape}"
            )
        found: dict[str, list[Array]] = {}
        before = self._outgoing.stop
        if self.n > 2:
            others = np.append(theta[:before], theta[-1]) if self.output_bias else theta[:before]
            for name, rows in self.samples.symmetry_directions(self.samples.network(others)).items():
                wide = np.zeros((len(rows), self.p))
                wide[:, :before] = rows[:, :before]
                if self.output_bias:
                    wide[:, -1] = rows[:, -1]
                found.setdefault(name, []).extend(wide)
        _, sizes, basis = np.linalg.svd(self.samples._x, full_matrices=True)
        rank = int(np.sum(sizes > max(self.samples._x.shape) * np.finfo(float).eps * sizes[0])) if sizes[0] > 0 else 0
        for place in (self._w, self._v):
            for direction in basis[rank:]:
                wide_row = np.zeros(self.p)
                wide_row[place] = direction
                found.setdefault("unseen input", []).append(wide_row)
        return {name: np.array(rows) for name, rows in found.items()}

    # parts ------------------------------------------------------------------------------------------------------------

    def _parts(self, count: int) -> Any:
        return self.samples._parts(count, max(2 * self.p, 2 * _NODES[-1][1]))

    def _forward(self, theta: Array, part: slice, order: int) -> _Forward:
        """Everything at these samples that derivatives up to this order need (order 3: along the channel)."""
        columns, act = self.samples._columns[:, part], self.activation
        w, v, c = theta[:, self._w], theta[:, self._v], theta[:, self._c, None]
        z, q = w @ columns, v @ columns
        even, mean, bends = _parts_of_pair(act, z, self.inverse_gap * q, order)
        residual = c * even[0] + q * mean[0] - self.samples._y[part]
        a = theta[:, self._outgoing]
        others: tuple[Array, ...] = ()
        if self.n > 2:
            inner = theta[:, : self._outgoing.start].reshape(len(theta), -1, self.d) @ columns
            others = tuple(act.derivative(inner, k) for k in range(min(order, 2) + 1))
            residual += (a[:, None, :] @ others[0])[:, 0, :]
        if self.output_bias:
            residual += theta[:, -1:]
        return _Forward(residual, z, q, c, even, mean, bends, a, others)

    def _pair_jacobian(self, here: _Forward) -> tuple[Array, Array, Array]:
        """g_z, g_q and g_c, shape (s, N)."""
        c, q = here.c, here.q
        in_q = here.even[1] + (self.inverse_gap**2 * c) * q * here.mean[1]
        return c * here.even[1] + q * here.mean[1], in_q, here.even[0]

    def _jacobian(self, here: _Forward, part: slice) -> Array:
        """df/dtheta at the samples, shape (s, p, N)."""
        columns = self.samples._columns[:, part]
        in_z, in_q, in_c = self._pair_jacobian(here)
        jacobian = np.ones((len(in_z), self.p, in_z.shape[-1]))
        if self.n > 2:
            weighted = (here.a[..., None] * here.others[1])[:, :, None, :] * columns
            jacobian[:, : self._outgoing.start] = weighted.reshape(len(in_z), -1, in_z.shape[-1])
            jacobian[:, self._outgoing] = here.others[0]
        jacobian[:, self._w] = in_z[:, None, :] * columns
        jacobian[:, self._v] = in_q[:, None, :] * columns
        jacobian[:, self._c] = in_c
        return jacobian

    def _transposed(self, here: _Forward, pull: Array, part: slice) -> Array:
        """sum over the samples of df/dtheta pull, shape (s, p)."""
        x = self.samples._x[part]
        result = np.zeros((len(pull), self.p))
        if self.n > 2:
            along = (here.a[..., None] * here.others[1] * pull[:, None, :]) @ x
            result[:, : self._outgoing.start] = along.reshape(len(pull), -1)
            result[:, self._outgoing] = (here.others[0] @ pull[..., None])[..., 0]
        in_z, in_q, in_c = self._pair_jacobian(here)
        result[:, self._w], result[:, self._v] = (in_z * pull) @ x, (in_q * pull) @ x
        result[:, self._c] = np.sum(in_c * pull, axis=-1)
        if self.output_bias:
            result[:, -1] = np.sum(pull, axis=-1)
        return result


@dataclass(frozen=True, eq=False)
class _Forward:
    """The residual r, z, q and E_k, A_(k+1), (B_1, B_2, C_1) of the pair, a and sigma^(k) of the others, at some samples."""

    residual: Array
    z: Array
    q: Array
    c: Array
    even: tuple[Array, ...]
    mean: tuple[Array, ...]
    bends: tuple[Array, ...]
    a: Array
    others: tuple[Array, ...]


def not_smooth(activation: Activation) -> str | None:
    """None where sigma has the three derivatives that a channel needs, else a phrase that says what is missing."""
    if activation.kinks:
        return f"{activation.name}, which has a kink at {', '.join(f'{kink:.6g}' for kink in activation.kinks)}"
    try:
        third = np.asarray(activation.derivative(np.array([0.0, 0.5]), 3))
    except ValueError:
        return f"{activation.name}, whose third derivative is not known"
    if not np.isfinite(third).all():
        return f"{activation.name}, whose third derivative is not finite"
    return None


@cache
def _gauss_legendre(count: int) -> tuple[Array, Array]:
    """Nodes on [-1, 1], and weights that add to 1."""
    u, weights = np.polynomial.legendre.leggauss(count)
    return u, 0.5 * weights


def _nodes(largest: float) -> tuple[Array, Array]:
    """As many Gauss-Legendre nodes and weights as |p| <= largest needs."""
    return _gauss_legendre(next(count for bound, count in _NODES if largest <= bound))


def _integrals(act: Activation, z: Array, p: Array, kinds: tuple[tuple[int, int], ...]) -> list[Array]:
    """1/2 int_-1^1 (1 - u^2)^k sigma^(order)(z + p u) du for each (order, k), |p| <= _NEAR."""
    largest = float(np.max(np.abs(p), initial=0.0))
    u, weights = _nodes(largest)
    if len(u) == 1:  # the midpoint, with the exact moments of the weight: 1, 2/3, 8/15
        return [(1.0, 2.0 / 3.0, 8.0 / 15.0)[k] * act.derivative(z, order) for order, k in kinds]
    if len(u) == 2 and any(k for _, k in kinds):
        u, weights = _nodes(5e-3)
    places, shares = z[..., None] + p[..., None] * u, 1.0 - u * u
    return [act.derivative(places, order) @ (weights * shares**k) for order, k in kinds]


def _parts_of_pair(
    act: Activation, z: Array, p: Array, order: int
) -> tuple[tuple[Array, ...], tuple[Array, ...], tuple[Array, ...]]:
    """(E_0 .. E_order), (A_1 .. A_(order+1)), and for order 3 (B_1, B_2, C_1); E up to 2 and A up to 3."""
    top = min(order, 2)
    if not p.any():
        own = [act.derivative(z, k) for k in range(top + 2)]
        bends: tuple[Array, ...] = ()
        if order == 3:
            bends = (own[3] / 6.0, act.derivative(z, 4) / 6.0, act.derivative(z, 5) / 60.0)
        return tuple(own[: top + 1]), tuple(own[1:]), bends
    upper = [act.derivative(z + p, k) for k in range(top + 1)]
    lower = [act.derivative(z - p, k) for k in range(top + 1)]
    even = tuple(0.5 * (high + low) for high, low in zip(upper, lower))
    near = np.abs(p) <= _NEAR
    far = np.where(near, 1.0, p)
    mean = [(high - low) / (2.0 * far) for high, low in zip(upper, lower)]
    bend = []
    if order == 3:
        bend = [(even[k] - mean[k - 1]) / (2.0 * far**2) for k in (1, 2)]
        bend.append((0.5 * mean[2] - 3.0 * bend[0]) / (2.0 * far**2))
    if near.any():
        kinds: tuple[tuple[int, int], ...] = tuple((k + 1, 0) for k in range(top + 1))
        if order == 3:
            kinds += ((3, 1), (4, 1), (5, 2))
        inside = _integrals(act, z[near], p[near], kinds)
        for array, values, share in zip([*mean, *bend], inside, [*[1.0] * (top + 1), 0.25, 0.25, 1.0 / 32.0]):
            array[near] = share * values
    return even, tuple(mean), tuple(bend)


def _remainders(act: Activation, z: Array, p: Array) -> tuple[Array, Array]:
    """(E_0 - sigma(z), A_1 - sigma'(z)) = p^2 int_0^1 ((1 - u) E_2(p u), (1 - u)^2 E_3(p u)/2) du, exact to rounding."""
    near = np.abs(p) <= _NEAR
    far = np.where(near, 1.0, p)
    upper, lower = act(z + p), act(z - p)
    even, mean = 0.5 * (upper + lower) - act(z), (upper - lower) / (2.0 * far) - act.derivative(z, 1)
    if near.any():
        z, p = z[near], p[near]
        u, weights = _nodes(_NEAR if p.any() else 0.0)
        node = 0.5 * (1.0 + u)
        places = z[..., None] + p[..., None] * np.concatenate([node, -node])
        for remainder, order, share in ((even, 2, 1.0 - node), (mean, 3, 0.5 * (1.0 - node) ** 2)):
            remainder[near] = p * p * (act.derivative(places, order) @ (0.5 * np.tile(weights * share, 2)))
    return even, mean


def _difference(act: Activation, order: int, z: Array, step: Array) -> Array:
    """sigma^(order)(z + step) - sigma^(order)(z), exact to rounding for small steps."""
    z, step = np.broadcast_arrays(z, step)
    plain = act.derivative(z + step, order) - act.derivative(z, order)
    near = np.abs(step) <= 2.0 * _NEAR
    if near.any():
        half = 0.5 * step[near]
        plain[near] = step[near] * _integrals(act, z[near] + half, half, ((order + 1, 0),))[0]
    return plain
