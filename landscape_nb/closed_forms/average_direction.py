"""One student neuron along the mean of alike teachers: the Hessian spectrum by symmetry blocks.

Let the k teacher vectors have one norm s, one mutual cosine beta and one outgoing weight b, and let w = +-r e with e the unit
vector along sum_j v_j, so that cos(w, v_j) = +-m, m^2 = (1 + (k - 1) beta)/k. The permutations of the teachers and the rotations
of the complement of their span split the Hessian of the loss L(w, a), of size d + 1, into

* the complement, d - k times:            h  = 2 a [2 a K_s(w, w) - 2 b k K_s(w, v)] + 2 a^2 K_c(w, w)
* the span across the mean, k - 1 times:  h - 2 a b K_cc(w, v) s^2 (1 - beta)
* the 2 x 2 block of (r, a):  with g(r) = K(w, v) and kappa(r) = K(w, w),
      L_rr = a^2 kappa'' - 2 a b k g''      L_ra = 2 a kappa' - 2 b k g'      L_aa = 2 kappa

(at beta = 1 the middle one is absent and the complement has d - 1 dimensions). No matrix of size d is ever formed.

Source: derived; the tests compare every block with the full Hessian.
"""

from __future__ import annotations

import numpy as np

from ..activations import Activation
from ..networks import Equicorrelation, Network

Array = np.ndarray


def average_student(teacher: Network, norm: float, weight: float, sign: float = 1.0) -> Network:
    """The student with |w| = norm along sign * sum_j v_j and outgoing weight ``weight``."""
    mean = teacher.W.mean(axis=0)
    return Network(sign * norm * mean[None, :] / np.linalg.norm(mean), [weight])


def pair_jet(activation: Activation, teacher: Equicorrelation, norm: float, sign: float) -> tuple[float, ...]:
    """(K, K_s, K_c, K_ss, K_sc, K_cc) of the student w and any teacher v."""
    s, t = norm**2, teacher.norm**2
    c = sign * norm * teacher.norm * teacher.mean_cosine
    area2 = s * t * (teacher.k - 1) * (1.0 - teacher.correlation) / teacher.k
    jet = activation.jet(np.array(s), np.array(c), np.array(t), np.array(area2), 2)
    return tuple(float(part) for part in jet)


def radial_block(
    activation: Activation, teacher: Equicorrelation, norm: float, weight: float, sign: float
) -> tuple[float, float, float]:
    """(L_rr, L_ra, L_aa)."""
    value, in_s, in_c, in_ss, in_sc, in_cc = pair_jet(activation, teacher, norm, sign)
    reach = sign * teacher.norm * teacher.mean_cosine  # dc/dr
    degree = activation.homogeneous
    if degree is None:
        slope = 2 * norm * in_s + reach * in_c
        curve = 2 * in_s + 4 * norm**2 * in_ss + 4 * norm * reach * in_sc + reach**2 * in_cc
    else:  # g(r) = g(1) r^m, also where the partials are infinite (relu parallel to its only teacher)
        slope, curve = degree * value / norm, degree * (degree - 1) * value / norm**2
    own, own_s, own_ss = (float(activation.self_kernel(norm**2, order)) for order in range(3))
    total = teacher.weight * teacher.k
    rr = weight**2 * (2 * own_s + 4 * norm**2 * own_ss) - 2 * weight * total * curve
    return rr, 4 * weight * norm * own_s - 2 * total * slope, 2 * own


def block_eigenvalues(rr: float, ra: float, aa: float, determinant: float | None = None) -> Array:
    """Eigenvalues of [[rr, ra], [ra, aa]]; the smaller one from the determinant, which may be known without cancellation."""
    half, spread = 0.5 * (rr + aa), np.hypot(0.5 * (rr - aa), ra)
    large = half + np.copysign(spread, half)
    if determinant is None:
        determinant = rr * aa - ra * ra
    return np.array([determinant / large, large])


def average_spectrum(
    activation: Activation,
    teacher: Equicorrelation,
    d: int,
    norm: float,
    weight: float,
    sign: float = 1.0,
    determinant: float | None = None,
) -> Array:
    """All d + 1 eigenvalues of the Hessian at w = sign * norm * e, a = weight, in ascending order.

    determinant : of the (r, a) block, where it is known better than by subtraction. A homogeneous activation has determinant 0.
    """
    _, in_s, _, _, _, in_cc = pair_jet(activation, teacher, norm, sign)
    # h1 + h2 of the neuron with itself, across w: k'(s) I
    across = 2 * weight**2 * float(activation.self_kernel(norm**2, 1)) - 4 * weight * teacher.weight * teacher.k * in_s
    alike = teacher.correlation == 1.0 or teacher.k == 1
    rank = 1 if alike else teacher.k
    parts = [np.full(d - rank, across)]
    if not alike:
        curved = 2 * weight * teacher.weight * in_cc * teacher.norm**2 * (1.0 - teacher.correlation)
        parts.append(np.full(teacher.k - 1, across - curved))
    if activation.homogeneous is not None:
        determinant = 0.0
    parts.append(block_eigenvalues(*radial_block(activation, teacher, norm, weight, sign), determinant))
    return np.sort(np.concatenate(parts))
