r"""Channels to infinity: two neurons that approach each other while their outgoing weights diverge with opposite signs.

**Coordinates** of a pair i, j:

    w = (w_i + w_j)/2,  eps = |w_i - w_j|/2,  Delta = (w_i - w_j)/|w_i - w_j|,  c = a_i + a_j,  a = eps (a_i - a_j)
    w_i = w + eps Delta,  w_j = w - eps Delta,  a_i = (c + a/eps)/2,  a_j = (c - a/eps)/2

With v = a Delta and eta = 1/(a_i - a_j) = eps/a they are those of ``ChannelLandscape``.

**The limit problem.** The pair adds f = f0 + eps^2 f2 + O(eps^4) to the student: the term linear in eps cancels, and

    f0 = c sigma(w.x) + a (Delta.x) sigma'(w.x),     f2 = (c/2) (Delta.x)^2 sigma''(w.x) + (a/6) (Delta.x)^3 sigma'''(w.x).

So L = L0 + eps^2 h + O(eps^4) with h = <f2 l'(f0, y)>, l' = 2 (f0 - y). Where theta_0 is a minimum of L0 whose Hessian has positive
eigenvalues, Newton's iteration has a solution for every small eta (implicit function theorem, L is analytic in eta^2), and along these
solutions the loss falls with eps if h > 0: a valley that leads to infinity and attracts. If h < 0 the flow comes back along it.

**Fourth order.** With tau = eta^2, Phi(theta, tau) = L and the Hessian H of L0, the valley is theta_0 - tau H^-1 Phi_theta,tau + O(tau^2) and

    L - L_inf = tau Phi_tau + tau^2 (Phi_tau,tau - Phi_tau,theta H^-1 Phi_theta,tau)/2 + O(tau^3),     Phi_tau = a^2 h,

in which eps^2 = tau |v|^2 with the v of the valley.

**Time.** Along the valley L = L_inf + h a^2/s^2 with s = a_i - a_j, and both outgoing weights move, a_i' = -dL/ds and a_j' = +dL/ds:
s' = -2 dL/ds = 4 h a^2/s^3, so s^4 = 16 h a^2 t, eps = |a|/s, L - L_inf = sqrt(h) |a|/(4 sqrt t); the curvature along the unit vector
(1, -1)/sqrt 2 is 2 d2L/ds2 = 12 h a^2/s^4 = 3/(4 t). Across, the direction (1, -1)/sqrt 2 of (w_i, w_j) moves f by (a/eps)/sqrt 2
(u.x) sigma'(w.x): lambda_max eps^2 -> a^2 lambda_max(<sigma'(w.x)^2 x x^T>), and gradient descent with the rate r stops where that is 2/r.

**The Hessian in the original coordinates.** In (theta, eta) the gradient at a point of the valley has an eta-component alone, and the map to the
original coordinates bends eta alone, eta = 1/s. With its Jacobian S the original Hessian is S^-T M S^-1,

    M = [[H, 2 eta Phi_theta,tau], [2 eta Phi_tau,theta, 6 Phi_tau + 4 tau Phi_tau,tau]],

so that M has its number of negative eigenvalues, and the softest one is the inverse of the largest eigenvalue of S M^-1 S^T: with all
digits, where the eigenvalues of the original Hessian itself span more than doubles can hold.

**Three neurons.** With the orthonormal u0 = (1, 1, 1)/sqrt 3, u1 = (1, 0, -1)/sqrt 2, u2 = (1, -2, 1)/sqrt 6 across the neurons, incoming weights
u0 omega0 + eps u1 omega1 + eps^2 u2 omega2 and outgoing weights u0 alpha0 + u1 alpha1/eps + u2 alpha2/eps^2, the limit at z = omega0.x/sqrt 3 is

    sqrt 3 alpha0 sigma(z) + (alpha1 omega1.x + alpha2 omega2.x) sigma'(z) + alpha2/(2 sqrt 6) (omega1.x)^2 sigma''(z),

with an error O(eps^2): sum u2 u1^2 = 1/sqrt 6, and the terms linear in eps have the factors sum u1^3 = sum u1 u2^2 = sum u1^3 u2 = 0.

Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, arXiv 2506.14951, Eq. 3 and appendix C (coordinates, limit, h, three neurons, toy); laws in time, fourth order and original Hessian derived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..activations import ERF
from ..landscapes import BiasedNetwork, SampledLandscape, gaussian_line
from ..networks import Network

if TYPE_CHECKING:
    pass

Array = np.ndarray

#: A pair with |v| below this share of max(1, |c|) is at the end of the splitting line: a = 0.
_NO_GAP = 1e-8
#: Newton's solutions count as such up to this max |dL/dtheta|, as a share of max(1, largest eigenvalue).
_REACHED = 1e-11


def channel_toy(points: int = 161, span: float = 8.0) -> SampledLandscape:
    """The toy of two channels: erf neurons, x ~ N(0, 1), target erf((5 x + 2.5)/sqrt 2) + erf((5 x - 2.5)/sqrt 2), no biases.

    points, span : of ``gaussian_line``; the default has the losses to 2e-13.

    Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, Fig. 6 and C.3.3.
    """
    x, weights = gaussian_line(points, span)
    return SampledLandscape(ERF, x[:, None], ERF(5.0 * x + 2.5) + ERF(5.0 * x - 2.5), weights)


# coordinates ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ChannelPoint:
    """A pair of neurons as (w, Delta, eps, c, a), and the other neurons.

    w, direction : (d,), |direction| = 1 (in one dimension +1 or -1; (Delta, eps) and (-Delta, -eps) are the same pair, and so are
    (Delta, a) and (-Delta, -a) with i and j exchanged). rest : the other neurons, or None. b : the output bias, or None.
    places : (i, j), where the pair stands in the network; the last two places if None.
    """

    w: Array
    direction: Array
    eps: float
    c: float
    a: float
    rest: Network | None = None
    b: float | None = None
    places: tuple[int, int] | None = None

    @property
    def v(self) -> Array:
        """a Delta, shape (d,)."""
        return self.a * self.direction

    @property
    def inverse_gap(self) -> float:
        """eta = 1/(a_i - a_j) = eps/a."""
        return self.eps / self.a

    @property
    def theta(self) -> Array:
        """Parameters in ``ChannelLandscape(samples, n, point.inverse_gap)``."""
        others = [] if self.rest is None else [self.rest.W.ravel(), self.rest.a]
        return np.concatenate([*others, self.w, self.v, [self.c], [] if self.b is None else [self.b]])


def to_channel(network: Network, i: int, j: int) -> ChannelPoint:
    """(w, Delta, eps, c, a) of the neurons i and j of a network, eps > 0.

    Of an odd or even activation ``flip`` one of two opposite neurons first. Raises ValueError if i = j or w_i = w_j: there is no direction.

    Source: "Flat Channels to Infinity in Neural Loss Landscapes", NeurIPS 2025, Eq. 3.
    """
    for neuron in (i, j):
        if isinstance(neuron, bool) or not isinstance(neuron, (int, np.integer)) or not 0 <= neuron < network.n:
            raise ValueError(f"a neuron has a number between 0 and {network.n - 1}; {neuron!r:.60} was given")
    if i == j:
        raise ValueError(f"a pair needs two different neurons; neuron {i} was given twice")
    half = 0.5 * (network.W[i] - network.W[j])
    eps = float(np.linalg.norm(half))
    if eps == 0:
        raise ValueError(
            f"neurons {i} and {j} have the same w, so that Delta = (w_i - w_j)/|w_i - w_j| does not exist: the network lies on a "
            "splitting line; move the two apart"
        )
    others = [m for m in range(network.n) if m not in (i, j)]
    rest = Network(network.W[others], network.a[others]) if others else None
    return ChannelPoint(
        0.5 * (network.W[i] + network.W[j]),
        half / eps,
        eps,
        float(network.a[i] + network.a[j]),
        eps * float(network.a[i] - network.a[j]),
        rest,
        network.b if isinstance(network, BiasedNetwork) else None,
        (int(i), int(j)),
    )


def from_channel(point: ChannelPoint) -> Network:
    """The network with this pair, w_i = w + eps Delta, w_j = w - eps Delta, a_i = (c + a/eps)/2, a_j = (c - a/eps)/2, and the other neurons.

    Undoes ``to_channel`` up to rounding. Raises ValueError for eps = 0, the point at infinity.
    """
    if not (np.isfinite(point.eps) and point.eps != 0):
        raise ValueError(
            f"a network has eps != 0: eps -> 0 lies at infinity (channel_limits has that point); eps = {point.eps!r} was given"
        )
    count = 2 + (0 if point.rest is None else point.rest.n)
    i, j = point.places or (count - 2, count - 1)
    others = [m for m in range(count) if m not in (i, j)]
    W, outgoing = np.empty((count, len(point.w))), np.empty(count)
    if point.rest is not None:
        W[others], outgoing[others] = point.rest.W, point.rest.a
    W[i], W[j] = point.w + point.eps * point.direction, point.w - point.eps * point.direction
    outgoing[i], outgoing[j] = 0.5 * (point.c + point.a / point.eps), 0.5 * (point.c - point.a / point.eps)
    return Network(W, outgoing) if point.b is None else BiasedNetwork(W, outgoing, point.b)
