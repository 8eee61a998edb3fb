"""The exact population loss of a student network learning from a teacher network on Gaussian inputs.

    L(theta) = E[(f(x) - f*(x))^2],   x ~ N(0, I_d),   f(x) = sum_i a_i sigma(w_i.x),   f*(x) = sum_j b_j sigma(v_j.x)

(no factor 1/2). Over the list z = (w_1..w_n, v_1..v_k) with weights q = (a, -b), and with the kernel K and its partial
derivatives at (|w_i|^2, w_i.z_q, |z_q|^2),

    L         = sum_pq q_p q_q K_pq
    dL/da_i   = 2 sum_q q_q K_iq
    dL/dw_i   = 2 a_i sum_q q_q (K_c z_q + 2 K_s w_i)

    d2L/dw_i dw_j = 2 a_i a_j h2(w_i, w_j) + [i = j] 2 a_i sum_q q_q h1(w_i, z_q)
        h1(w, z) = 2 K_s I + 4 K_ss w w^T + 2 K_sc (w z^T + z w^T) + K_cc z z^T
        h2(w, z) = K_c I + K_cc w z^T + 2 K_sc w w^T + 2 K_ct z z^T + K_cc z w^T        (K_st = K_cc / 4)

so that value and gradient cost two matrix products and n (n + k) evaluations of the kernel. For relu and leaky_relu
(slope al) the second partials of K diverge for parallel vectors while h1 and h2 do not; with unit vectors u = w/|w|,
u' = z/|z|, the angle theta between them, delta = u' - u and mu = delta + 2 sin^2(theta/2) u,

        h1(w, z) = (1 - al)^2 |z| / (2 pi |w|) [sin(theta) (I - u u^T) + mu mu^T / sin(theta)]
        h2(w, z) = (1 - al)^2 / (2 pi) [(pi - theta) I + M] + al I
               M = tan(theta/2) (u u^T + u' u'^T) - delta delta^T / sin(theta)

which tend to 0 and to (1 + al^2)/2 I for parallel vectors. As sigma(z) - sigma(-z) = (1 + al) z is linear, the loss is
as smooth at opposite vectors as at parallel ones: for an obtuse angle, h1 and -M are those of u and -u'.

Source: derived from Price's theorem; tests compare with quadrature, many-digit arithmetic and finite differences.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation
from ..networks import Network, finite_rows
from .symmetries import symmetry_directions

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray

# Squared areas below this share of |w|^2 |z|^2 are computed again from the vectors: s t - c^2 lost four digits there.
_NEARLY_PARALLEL = 1e-4
# Unit vectors closer than this are parallel: there the losses of step and sign have no derivatives.
_PARALLEL = 1e-14
_ZERO = np.float64(0.0)
# Arrays with fewer entries are copied faster than broadcast.
_SMALL = 2000
# The second partials of a user's kernel with kinks are known for cosines up to 0.999999.
_BEYOND_COSINE = np.sqrt(2 * (1 - 0.999999))


class PopulationLandscape:
    """The exact loss L(theta) = E[(f - f*)^2] of a student against a teacher, with gradient and Hessian.

    activation : sigma, common to student and teacher. teacher : Network with k neurons in d dimensions.

    A student is a Network or an array theta (..., p) of any number of students, p = n d + n for n neurons; results have
    the leading axes of theta. Where the loss has no gradient or no Hessian (relu at w = 0; sign and step with parallel
    neurons) and where theta is not finite, one student raises ValueError, and in a batch the rows in question are NaN:
    ``has_hessian`` is the flag.
    """

    def __init__(self, activation: Activation, teacher: Network) -> None:
        if not isinstance(activation, Activation):
            raise ValueError(
                f"activation must be an Activation such as ACTIVATIONS['erf']; {activation!r:.60} was given"
            )
        if not isinstance(teacher, Network):
            raise ValueError(f"teacher must be a Network(W, a); {teacher!r:.60} was given")
        self.activation = activation
        self.teacher = teacher
        #: Input dimension.
        self.d = teacher.d
        self._v = teacher.W
        self._minus_b = -teacher.a
        self._has_kinks = bool(activation.kinks)  # only then can a student lack derivatives
        covariance = teacher.W @ teacher.W.T
        self._t = covariance.diagonal().copy()
        area2 = self._squared_areas(teacher.W, self._t, covariance, self._t, np.empty((0, self.d)))
        with np.errstate(over="ignore", invalid="ignore"):
            kernel = activation.jet(self._t[:, None], covariance, self._t[None, :], area2, 0)[0]
            #: E[f*^2], the loss of the student that is zero everywhere.
            self.constant = float(teacher.a @ kernel @ teacher.a)
        if math.isnan(self.constant) and np.isfinite(self._t).all() and activation.exact == "numerical":
            raise ValueError(
                f"the kernel of {activation.name} is not known to six digits for this teacher: the function grows or varies "
                "too fast for the quadrature, or has kinks that were not declared; pass kinks=, or take shorter teacher vectors"
            )
        if not math.isfinite(self.constant):
            raise ValueError(
                f"E[f*^2] of this {activation.name} teacher is beyond the range of floating-point numbers (1e308); "
                f"its longest vector has norm {math.sqrt(self._t.max()):.6g}: take shorter teacher vectors or smaller weights"
            )

    def __repr__(self) -> str:
        return f"PopulationLandscape({self.activation.name}, k={self.teacher.n}, d={self.d})"

    def network(self, theta: ArrayLike) -> Network:
        """theta of one student, shape (p,), as a Network."""
        theta = self._theta(theta)
        if theta.ndim != 1:
            raise ValueError(f"network() takes one student of shape (p,); theta has the shape {theta.shape}")
        return Network.from_theta(theta, theta.size // (self.d + 1), self.d)

    def value(self, student: Network | ArrayLike) -> Array:
        """L, shape (...); rounding below zero is clipped to 0."""
        _, a, s, covariance, t, area2, q = self._pairs(self._theta(student))
        kernel = self._jet(s, covariance, t, area2, q, 0)[0]
        return self._loss(kernel, a, q)[0][()]

    def gradient(self, student: Network | ArrayLike) -> Array:
        """dL/dtheta, shape (..., p)."""
        return self.value_and_gradient(student)[1]

    def value_and_gradient(self, student: Network | ArrayLike) -> tuple[Array, Array]:
        """(L, dL/dtheta), shapes (...) and (..., p), at the cost of the gradient alone."""
        theta = self._theta(student)
        if theta.ndim == 1 and not (self._has_kinks or self.activation.separate_diagonal):
            return self._value_and_gradient_of_one(theta)
        z, a, s, covariance, t, area2, q = self._pairs(theta)
        kernel, in_s, in_c = self._jet(s, covariance, t, area2, q, 1)
        value, residual = self._loss(kernel, a, q)
        n, d = a.shape[-1], self.d
        gradient = np.empty(theta.shape)
        gradient[..., n * d :] = residual + residual
        force = self._force(z, q, in_s, in_c)
        force *= (a + a)[..., None]
        if self._has_kinks:
            force = np.where(a[..., None] == 0, 0.0, force)
            self._refuse(theta, np.isfinite(force).all(axis=(-2, -1)), "gradient")
        gradient[..., : n * d] = force.reshape(*theta.shape[:-1], n * d)
        return value[()], gradient

    def hessian(self, student: Network | ArrayLike) -> Array:
        """d2L/dtheta2, shape (..., p, p), exactly symmetric."""
        theta = self._theta(student)
        z, a, s, covariance, t, area2, q = self._pairs(theta)
        exists = self.has_hessian(theta)
        self._refuse(theta, exists, "Hessian")
        n, d = a.shape[-1], self.d
        w = z[..., :n, :]
        lead = theta.shape[:-1]
        bent = self._bent
        jet = self._jet(s, covariance, t, area2, q, 1 if bent else 2)
        kernel, in_s, in_c = jet[:3]
        with np.errstate(invalid="ignore", divide="ignore"):
            if bent:
                diagonal, blocks = self._bent_blocks(w, a, q, s, t, in_c)
                blocks *= (a[..., :, None] * a[..., None, :])[..., :, None, :, None]
            else:
                diagonal, blocks = self._smooth_blocks(w, a, q, jet)
            i = np.arange(n)
            blocks[..., i, :, i, :] += np.moveaxis(a[..., None, None] * diagonal, -3, 0)
            # d2L/dw_i da_j = 2 a_i (K_c w_j + 2 K_s w_i) + [i = j] 2 sum_q q_q (K_c z_q + 2 K_s w_i)
            cross = (in_c[..., :n, None] * w[..., None, :, :]) + 2 * in_s[..., :n, None] * w[..., :, None, :]
            cross *= 2.0 * a[..., :, None, None]
            cross[..., i, i, :] += 2.0 * self._force(z, q, in_s, in_c)
        hessian = np.empty((*lead, n * d + n, n * d + n))
        # each part and its transpose, so that rounding is symmetric too
        blocks = blocks.reshape(*lead, n * d, n * d)
        np.add(blocks, np.swapaxes(blocks, -1, -2), out=hessian[..., : n * d, : n * d])
        cross = np.swapaxes(cross, -1, -2).reshape(*lead, n * d, n)
        hessian[..., : n * d, n * d :] = cross
        hessian[..., n * d :, : n * d] = np.swapaxes(cross, -1, -2)
        kernel = kernel[..., :n]
        np.add(kernel, np.swapaxes(kernel, -1, -2), out=hessian[..., n * d :, n * d :])
        if self._has_kinks:
            hessian[~exists] = np.nan
        return hessian

    def hessian_vector_product(self, student: Network | ArrayLike, direction: ArrayLike) -> Array:
        """d2L/dtheta2 @ direction, shape (..., p), without forming the Hessian: n (n + k) evaluations of the kernel for each student.

        The leading axes of student and direction broadcast: one student takes many directions (m, p) at the cost of one kernel.
        """
        theta = self._theta(student)
        direction = np.asarray(direction, dtype=float)
        if direction.shape[-1:] != theta.shape[-1:]:
            raise ValueError(
                f"a direction has as many entries on its last axis as theta, {theta.shape[-1]}; its shape is {direction.shape}"
            )
        z, a, s, covariance, t, area2, q = self._pairs(theta)
        exists = self.has_hessian(theta)
        self._refuse(theta, exists, "Hessian")
        n, d = a.shape[-1], self.d
        w = z[..., :n, :]
        lead = np.broadcast_shapes(theta.shape[:-1], direction.shape[:-1])
        x, da = direction[..., : n * d].reshape(*direction.shape[:-1], n, d), direction[..., n * d :]
        bent = self._bent
        jet = self._jet(s, covariance, t, area2, q, 1 if bent else 2)
        kernel, in_s, in_c = jet[:3]
        still = np.zeros((*lead, self.teacher.n))
        dq = np.concatenate([np.broadcast_to(da, (*lead, n)), still], axis=-1)
        ds = np.broadcast_to(2.0 * np.sum(w * x, axis=-1), (*lead, n))
        dt = np.concatenate([ds, still], axis=-1)
        along = x @ np.swapaxes(w, -1, -2)
        along = along + np.swapaxes(along, -1, -2)
        dc = np.concatenate([along, np.broadcast_to(x @ self._v.T, (*lead, n, self.teacher.n))], axis=-1)
        ds, dt = ds[..., :, None], dt[..., None, :]
        in_t = self._other(in_s)
        weights = q[..., None, :]
        moved = 2.0 * da[..., None] * self._force(z, q, in_s, in_c)
        change = self._force(z, dq, in_s, in_c)
        with np.errstate(invalid="ignore", divide="ignore"):
            d_kernel = in_s * ds + in_c * dc + in_t * dt
            result_a = 2.0 * np.sum(dq[..., None, :] * kernel + weights * d_kernel, axis=-1)
            if bent:
                change += self._bent_product(w, a, q, s, t, in_c, x)
            else:
                in_ss, in_sc, in_cc = jet[3:]
                d_in_c = in_sc * ds + in_cc * dc + self._other(in_sc) * dt
                d_in_s = in_ss * ds + in_sc * dc + 0.25 * in_cc * dt
                change += self._force(z, q, d_in_s, d_in_c)
                change += (weights * in_c)[..., :n] @ x + 2.0 * np.sum(weights * in_s, axis=-1)[..., None] * x
        moved += 2.0 * a[..., None] * change
        result = np.concatenate([moved.reshape(*lead, n * d), result_a], axis=-1)
        if self._has_kinks:
            result[~np.broadcast_to(exists, lead)] = np.nan
        return result

    def has_hessian(self, student: Network | ArrayLike) -> Array:
        """True where the loss is twice differentiable, shape (...)."""
        theta = self._theta(student)
        exists = np.isfinite(theta).all(axis=-1)
        if not self._has_kinks:
            return exists
        z, a, s, _, t, _, q = self._pairs(theta)
        w = z[..., : a.shape[-1], :]
        exists &= (s > 0).all(axis=-1)
        if self._bent or (self.activation.jumps and self.d == 1):
            return exists
        limit = _PARALLEL if self.activation.jumps else _BEYOND_COSINE
        parallel = np.minimum(*self._half_angles(w, s, t)) <= limit
        n = w.shape[-2]
        matters = ((q != 0) & (t > 0))[..., None, :] & ~np.eye(n, n + self.teacher.n, dtype=bool)
        return exists & ~(parallel & matters).any(axis=(-2, -1))

    def symmetry_directions(self, student: Network | ArrayLike) -> dict[str, Array]:
        """Name -> directions (count, p) along which the loss of this one student is constant."""
        network = student if isinstance(student, Network) else self.network(student)
        return symmetry_directions(self.activation, self.teacher, network)

    # parts ------------------------------------------------------------------------------------------------------------

    @property
    def _bent(self) -> bool:
        """True for relu and leaky_relu, whose Hessian is written in angles."""
        return (
            self.activation.homogeneous == 1 and bool(self.activation.kinks) and self.activation.exact == "closed form"
        )

    def _theta(self, student: Network | ArrayLike) -> Array:
        if isinstance(student, Network):
            if student.d != self.d:
                raise ValueError(
                    f"the student has input dimension {student.d}, the teacher {self.d}; both see the same inputs"
                )
            if student.theta.size != student.n * (student.d + 1):
                raise ValueError(
                    "a population landscape has no output bias; a student with one was given, take Network(student.W, student.a)"
                )
            return student.theta
        theta = np.asarray(student, dtype=float)
        if theta.ndim == 0 or theta.shape[-1] == 0 or theta.shape[-1] % (self.d + 1):
            raise ValueError(
                f"theta must have n d + n entries on its last axis, a multiple of {self.d + 1} for d = {self.d}; "
                f"its shape is {theta.shape}"
            )
        if not math.isfinite(theta.dot(theta) if theta.ndim == 1 else np.vdot(theta, theta)):
            return finite_rows(theta)
        return theta

    def _pairs(self, theta: Array) -> tuple[Array, ...]:
        """z (the neurons w, then the teacher's), a, s = |w|^2, c = w.z, t = |z|^2, D^2 = s t - c^2 and the weights q of all pairs."""
        d, k = self.d, self.teacher.n
        n = theta.shape[-1] // (d + 1)
        lead = theta.shape[:-1]
        a = theta[..., n * d :]
        z = np.empty((*lead, n + k, d))
        w = z[..., :n, :]
        w[...] = theta[..., : n * d].reshape(*lead, n, d)
        z[..., n:, :] = self._v
        covariance = w @ z.swapaxes(-1, -2)
        s = covariance[..., :n].diagonal(0, -2, -1)
        t = np.empty((*lead, n + k))
        t[..., :n] = s
        t[..., n:] = self._t
        q = np.empty((*lead, n + k))
        q[..., :n] = a
        q[..., n:] = self._minus_b
        area2 = self._squared_areas(w, s, covariance, t, self._v)
        return z, a, s, covariance, t, area2, q

    def _value_and_gradient_of_one(self, theta: Array) -> tuple[Array, Array]:
        """The same for one student, in as few array operations as possible: small networks pay for each."""
        d, (k, _) = self.d, self._v.shape
        n = theta.size // (d + 1)
        a = theta[n * d :]
        z, q = np.empty((n + k, d)), np.zeros(n + k)
        w = z[:n]
        w[:] = theta[: n * d].reshape(n, d)
        z[n:] = self._v
        q[n:] = self._minus_b
        covariance = w.dot(z.T)
        lengths = covariance.diagonal()
        rows = n if n * (n + k) < _SMALL else 1
        s, t = np.empty((n, n + k if rows == n else 1)), np.empty((rows, n + k))
        s[:] = lengths[:, None]
        t[:, :n] = lengths
        t[:, n:] = self._t
        area2 = s * t
        area2 -= covariance * covariance
        if self.activation.needs_area(lengths[lengths.argmax()]):
            area2 = self._squared_areas(w, lengths, covariance, t[0], self._v)
        kernel, in_s, in_c = self.activation.jet(s, covariance, t, area2, 1)
        teacher_part = kernel.dot(q)
        q[:n] = a
        residual = kernel.dot(q)
        value = a.dot(residual + teacher_part) + self.constant
        # sum_q q_q (K_c z_q + 2 K_s w_i) as one product: 2 K_s w_i joins the term z_q = w_i
        radial = in_s.dot(q)
        radial += radial
        weighted = np.multiply(in_c, q, out=area2)
        weighted.reshape(-1)[:: n + k + 1] += radial
        gradient = np.empty(theta.size)
        np.multiply(weighted.dot(z), a[:, None], out=gradient[: n * d].reshape(n, d))
        gradient[n * d :] = residual
        gradient += gradient
        return max(value, _ZERO), gradient

    def _squared_areas(self, w: Array, s: Array, covariance: Array, t: Array, others: Array) -> Array:
        """D^2 = s t - c^2; for nearly parallel pairs from the unit vectors, D = |w| |z| |u' - u| |u' + u| / 2."""
        product = s[..., :, None] * t[..., None, :]
        area2 = product - covariance * covariance  # exactly 0 for a neuron with itself
        if self.activation.needs_area(s.max(initial=0.0)):
            n = w.shape[-2]
            close = area2 < _NEARLY_PARALLEL * product
            close[..., np.arange(n), np.arange(n)] = False
            if close.any():
                *batch, i, j = np.nonzero(close)
                index = tuple(batch)
                first = w[(*index, i)]
                student_side = j < n
                second = np.where(
                    student_side[:, None],
                    w[(*index, np.minimum(j, n - 1))],
                    others[np.maximum(j - n, 0)] if len(others) else 0.0,
                )
                with np.errstate(invalid="ignore", divide="ignore"):
                    unit = first / np.linalg.norm(first, axis=-1, keepdims=True)
                    unit_z = second / np.linalg.norm(second, axis=-1, keepdims=True)
                sine = np.linalg.norm(unit_z - unit, axis=-1) * np.linalg.norm(unit_z + unit, axis=-1) / 2
                if self.activation.jumps:
                    sine[sine <= _PARALLEL] = 0.0
                area2[close] = np.nan_to_num(product[close] * sine**2)
            np.maximum(area2, 0.0, out=area2)
        return area2

    def _jet(self, s: Array, covariance: Array, t: Array, area2: Array, q: Array, order: int) -> tuple[Array, ...]:
        """The kernel's jet for all pairs.

        Where the partials of K are singular for a neuron with itself, the diagonal carries the self kernel instead:
        only 2 K_s + K_c = k' and 2 K_ss + 4 K_sc + 3/2 K_cc = k'' enter the loss, so K_s = k'/2 and K_ss = k''/2 stand
        for all.
        """
        activation = self.activation
        if not activation.separate_diagonal:
            return activation.jet(s[..., :, None], covariance, t[..., None, :], area2, order)
        i = np.arange(s.shape[-1])
        covariance, area2 = covariance.copy(), area2.copy()
        covariance[..., i, i] = 0.0
        area2[..., i, i] = s * s
        jet = activation.jet(s[..., :, None], covariance, t[..., None, :], area2, order)
        for part in jet[1:]:
            part[..., i, i] = 0.0
        jet[0][..., i, i] = activation._self_kernel(s, 0)
        for derivative in range(1, order + 1):
            jet[2 * derivative - 1][..., i, i] = 0.5 * activation._self_kernel(s, derivative)
        if activation.jumps:  # K is constant in one dimension and against v = 0; an absent neuron has no infinite slope
            constant = (s[..., :, None] > 0) & ((t == 0)[..., None, :] | (self.d == 1))
            constant[..., : s.shape[-1]] &= s[..., None, :] > 0
            absent = (q == 0)[..., None, :]
            for part in jet[1:]:
                part[constant | (absent & np.isinf(part))] = 0.0
        return jet

    def _loss(self, kernel: Array, a: Array, q: Array) -> tuple[Array, Array]:
        """L and the residuals sum_q q_q K_iq, shapes (...) and (..., n)."""
        n = a.shape[-1]
        residual = (kernel @ q[..., None])[..., 0]
        teacher_part = kernel[..., n:] @ self._minus_b
        value = np.sum(a * (residual + teacher_part), axis=-1) + self.constant
        return np.maximum(value, 0.0), residual

    def _force(self, z: Array, q: Array, in_s: Array, in_c: Array) -> Array:
        """sum_q q_q (K_c z_q + 2 K_s w_i), shape (..., n, d), as one product: 2 K_s w_i joins the term z_q = w_i."""
        i = np.arange(in_c.shape[-2])
        with np.errstate(invalid="ignore"):  # infinite slopes are sorted out by the caller
            weighted = in_c * q[..., None, :]
            radial = (in_s @ q[..., None])[..., 0]
            radial += radial
            weighted[..., i, i] += radial
            return weighted @ z

    def _other(self, part: Array) -> Array:
        """K_t from K_s (or K_ct from K_sc): the transpose between students; 0 for teachers, which do not move."""
        n = part.shape[-2]
        result = np.zeros_like(part)
        result[..., :n] = np.swapaxes(part[..., :n], -1, -2)
        return result

    def _smooth_blocks(self, w: Array, a: Array, q: Array, jet: tuple[Array, ...]) -> tuple[Array, Array]:
        """sum_q q_q h1(w_i, z_q), shape (..., n, d, d), and a_i a_j h2(w_i, w_j), shape (..., n, d, n, d)."""
        _, in_s, in_c, in_ss, in_sc, in_cc = jet
        n, d = w.shape[-2:]
        weights = q[..., None, :]
        z = np.concatenate([w, np.broadcast_to(self._v, (*w.shape[:-2], *self._v.shape))], axis=-2)[..., None, :, :]
        diagonal = np.swapaxes(z, -1, -2) @ ((weights * in_cc)[..., None] * z)
        middle = ((2 * weights * in_sc)[..., None, :] @ z)[..., 0, :]
        middle = middle + (2 * np.sum(weights * in_ss, axis=-1))[..., None] * w
        outer = w[..., :, None] * middle[..., None, :]
        diagonal += outer + np.swapaxes(outer, -1, -2)
        diagonal += (2 * np.sum(weights * in_s, axis=-1))[..., None, None] * np.eye(d)
        both = a[..., :, None] * a[..., None, :]
        in_c, in_sc, in_cc = ((both * part[..., :n])[..., :, None, :, None] for part in (in_c, in_sc, in_cc))
        in_ct = np.swapaxes(in_sc, -4, -2)
        first, second = (
            w[..., :, :, None, None],
            w[..., None, None, :, :],
        )  # w_i along its row axis, w_j along its column axis
        first_column = np.swapaxes(first, -3, -1)  # w_i along the column axis
        second_row = np.swapaxes(second, -3, -1)  # w_j along the row axis
        pairs = first * (in_cc * second + 2 * in_sc * first_column)
        pairs += second_row * (in_cc * first_column + 2 * in_ct * second)
        i = np.arange(d)
        pairs[..., :, i, :, i] += in_c[..., :, 0, :, 0]  # two lists of indices: their axis comes first
        return diagonal, pairs

    def _half_angles(self, w: Array, s: Array, t: Array) -> tuple[Array, Array]:
        """|u' - u| = 2 sin(theta/2) and |u' + u| = 2 cos(theta/2) for all pairs, shapes (..., n, n + k)."""
        units, others = self._unit_vectors(w, s, t)
        shape = (*others.shape[:-2], units.shape[-2], others.shape[-2])
        difference, total = np.empty(shape), np.empty(shape)
        for i in range(units.shape[-2]):  # one neuron at a time keeps the memory at (n + k) d
            difference[..., i, :] = np.linalg.norm(others - units[..., i : i + 1, :], axis=-1)
            total[..., i, :] = np.linalg.norm(others + units[..., i : i + 1, :], axis=-1)
        return difference, total

    def _unit_vectors(self, w: Array, s: Array, t: Array) -> tuple[Array, Array]:
        z = np.concatenate([w, np.broadcast_to(self._v, (*w.shape[:-2], *self._v.shape))], axis=-2)
        with np.errstate(invalid="ignore", divide="ignore"):
            units = np.where(t[..., None] > 0, z / np.sqrt(t)[..., None], 0.0)
        return units[..., : w.shape[-2], :], units

    def _bent_parts(self, w: Array, q: Array, s: Array, t: Array) -> tuple[Array, ...]:
        """u, delta, mu, ratio sin(theta), ratio / sin(theta), side, tan(theta/2), 1/sin(theta) of all pairs, in the notation above."""
        n = w.shape[-2]
        units, others = self._unit_vectors(w, s, t)
        side = np.where(units @ np.swapaxes(others, -1, -2) < 0, -1.0, 1.0)  # -1 for obtuse angles
        delta = side[..., None] * others[..., None, :, :] - units[..., :, None, :]
        length = np.linalg.norm(delta, axis=-1)
        own = np.eye(n, n + self.teacher.n, dtype=bool)
        delta = np.where(own[..., None], 0.0, delta)
        length = np.where(own, 0.0, length)
        total = np.sqrt(4.0 - length**2)  # |u' + u|
        sine = 0.5 * length * total
        inverse_sine = np.divide(1.0, sine, out=np.zeros_like(sine), where=sine > 0)
        mu = delta + 0.5 * (length**2)[..., None] * units[..., :, None, :]
        ratio = self._bend * q[..., None, :] * np.sqrt(t)[..., None, :] / np.sqrt(s)[..., :, None]
        return units, delta, mu, ratio * sine, ratio * inverse_sine, side, length / total, inverse_sine

    @property
    def _bend(self) -> float:
        """(1 - al)^2 / (2 pi)."""
        return (1.0 - getattr(self.activation, "slope", 0.0)) ** 2 / (2 * np.pi)

    def _bent_blocks(self, w: Array, a: Array, q: Array, s: Array, t: Array, in_c: Array) -> tuple[Array, Array]:
        """The same as ``_smooth_blocks`` for relu and leaky_relu, in the angles between the vectors."""
        n, d = w.shape[-2:]
        units, delta, mu, across, along, side, tangent, inverse_sine = self._bent_parts(w, q, s, t)
        diagonal = np.swapaxes(mu, -1, -2) @ (along[..., None] * mu)
        projector = np.eye(d) - units[..., :, None] * units[..., None, :]
        diagonal += np.sum(across, axis=-1)[..., None, None] * projector
        delta, inverse_sine, side = delta[..., :n, :], inverse_sine[..., :n], side[..., :n]
        blocks = -inverse_sine[..., None, None] * delta[..., :, None] * delta[..., None, :]
        squares = units[..., :, None] * units[..., None, :]
        tangent = tangent[..., :n, None, None]
        blocks += tangent * (squares[..., :, None, :, :] + squares[..., None, :, :, :])
        blocks = self._bend * side[..., None, None] * blocks + in_c[..., :n, None, None] * np.eye(d)
        return diagonal, np.swapaxes(blocks, -3, -2)

    def _bent_product(self, w: Array, a: Array, q: Array, s: Array, t: Array, in_c: Array, x: Array) -> Array:
        """sum_q q_q h1(w_i, z_q) x_i + sum_j a_j h2(w_i, w_j) x_j for relu and leaky_relu, shape (..., n, d), without the blocks."""
        n = w.shape[-2]
        units, delta, mu, across, along, side, tangent, inverse_sine = self._bent_parts(w, q, s, t)
        radial = np.sum(units * x, axis=-1, keepdims=True)
        change = np.sum(across, axis=-1)[..., None] * (x - radial * units)
        change = change + self._weighted(along * self._overlaps(mu, x[..., :, None, :]), mu)
        y = a[..., None] * x
        delta = delta[..., :n, :]
        side = self._bend * side[..., :n]
        tangent = side * tangent[..., :n]
        change -= self._weighted(side * inverse_sine[..., :n] * self._overlaps(delta, y[..., None, :, :]), delta)
        change += np.sum(tangent * (units @ np.swapaxes(y, -1, -2)), axis=-1)[..., None] * units
        change += tangent @ (np.sum(units * y, axis=-1, keepdims=True) * units)
        change += in_c[..., :n] @ y
        return change

    @staticmethod
    def _overlaps(vectors: Array, x: Array) -> Array:
        """sum_d vectors_pqd x_pqd for x that broadcasts over p or q, shape (..., p, q)."""
        if x.shape[-2] == 1:
            return (vectors @ np.swapaxes(x, -1, -2))[..., 0]
        turned = np.swapaxes(vectors, -3, -2) @ np.swapaxes(np.swapaxes(x, -3, -2), -1, -2)
        return np.swapaxes(turned[..., 0], -1, -2)

    @staticmethod
    def _weighted(weights: Array, vectors: Array) -> Array:
        """sum_q weights_pq vectors_pqd, shape (..., p, d)."""
        return (weights[..., None, :] @ vectors)[..., 0, :]

    def _refuse(self, theta: Array, exists: Array, what: str) -> None:
        """One student without the derivative asked for is an error; in a batch it becomes NaN."""
        if theta.ndim == 1 and not exists:
            name = self.activation.name
            if self.activation.exact == "numerical":
                reason = "it has kinks, and a neuron has w = 0 or a cosine beyond 0.999999 with another one"
            elif self.activation.jumps:
                reason = "a neuron has w = 0 or is parallel to another one"
            else:
                reason = "a neuron has w = 0"
            raise ValueError(f"the loss of {name} has no {what} at this student: {reason}; move it a little")
