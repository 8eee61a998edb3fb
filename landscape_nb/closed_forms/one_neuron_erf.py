r"""One erf neuron, k alike teachers: the average of the teachers, a strict local minimum.

Teacher vectors of norm s, mutual correlation beta, common weight b. With m^2 = (1 + (k - 1) beta)/k and T = s^2/(1 + s^2), the point

    r^2/(1 + r^2) = m^2 T =: tau,    w = r e,    a = k b,
    L = b^2 (2/pi) [k asin T + k (k - 1) asin(beta T) - k^2 asin tau]

is critical: with x = r/sqrt(1 + r^2) and y = m sqrt T the loss along e is (2/pi)[a^2 asin x^2 - 2 a b k asin(x y)] + const, and
x = y, a = k b makes both derivatives vanish; across e the gradient vanishes by symmetry. For orthonormal teachers,

    r* = 1/sqrt(2k - 1),    a* = k,    L* = k/3 - (2/pi) k^2 asin(1/(2k)).

(r, a) block at the point: L_rr = (4 a^2/pi)(1 - tau)^3/(1 - tau^2)^(3/2), L_ra = (4 a x/pi)(1 - tau)^(3/2)/sqrt(1 - tau^2),
L_aa = (4/pi) asin tau; its determinant (16 a^2/pi^2)(1 - tau)^3/(1 - tau^2) [asin(tau)/sqrt(1 - tau^2) - tau] is positive, and
the bracket is summed as the series tau sum_(j>=1) c_j tau^(2j), c_(j+1)/c_j = (2j+2)/(2j+3), c_0 = 1: the soft eigenvalue, about
1/(3 pi k^3) for orthonormal teachers, is lost by subtraction but not by the series.

For orthogonal teachers the list is complete (points with a != 0, up to (w, a) -> (-w, -a)). In the direction: K_c > 0, so w lies
in the span and c_j = w.v_j all solve c sqrt(A B - c^2) = const; two different solutions have c_1^2 + c_2^2 = A B > |w|^2 s^2, which
orthogonal teachers do not allow, so all c_j are equal. In the norm: eliminating a leaves F(x^2) = F(x y) with
F(sin t) = t cot t, strictly decreasing, hence x = y.

Source: Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (orthonormal case: the critical point); the rest derived.
"""

from __future__ import annotations

import numpy as np

from ..activations import Activation
from ..critical import CriticalPoint, Statement
from ..landscapes import PopulationLandscape
from ..networks import Network
from .alike_teachers import ALIKE, HAS_MEAN, activation_is, alike, orthogonal
from .average_direction import average_spectrum, average_student


def _bracket(tau: float) -> float:
    """asin(tau)/sqrt(1 - tau^2) - tau > 0 for 0 < tau < 1, by its series where the difference would cancel."""
    if tau > 0.6:
        return float(np.arcsin(tau) / np.sqrt((1.0 - tau) * (1.0 + tau)) - tau)
    j = np.arange(1, 80)
    return float(tau * np.sum(np.cumprod(2 * j / (2 * j + 1.0)) * tau ** (2.0 * j)))


def one_neuron_erf_points(activation: Activation, teacher: Network) -> tuple[CriticalPoint, ...]:
    """The average of the teachers, with its spectrum in closed form."""
    STATEMENT.require(activation, teacher)
    numbers = alike(teacher)
    tau = numbers.mean_cosine**2 * numbers.norm**2 / (1.0 + numbers.norm**2)
    norm, weight = float(np.sqrt(tau / (1.0 - tau))), numbers.k * numbers.weight
    determinant = (4 * weight / np.pi) ** 2 * (1.0 - tau) ** 2 / (1.0 + tau) * _bracket(tau)
    spectrum = average_spectrum(activation, numbers, teacher.d, norm, weight, determinant=determinant)
    point = CriticalPoint(
        PopulationLandscape(activation, teacher),
        average_student(teacher, norm, weight),
        "average of the teachers",
        "closed form",
        STATEMENT.key,
        spectrum,
        orbit=1,
    )
    return (point,)


def _complete(activation: Activation, teacher: Network) -> str:
    if orthogonal(alike(teacher)):
        return "no other critical point with a != 0, up to the sign (w, a) -> (-w, -a): proved for orthogonal teachers"
    return ""


STATEMENT = Statement(
    key="one_neuron_erf",
    title="the one-neuron erf theorem",
    status="known for orthonormal teachers, derived in general",
    source="Simsek, Bendjeddou, Gerstner & Brea, NeurIPS 2023 (orthonormal case: the critical point); the rest derived.",
    claim=(
        r"One erf neuron that learns from $k$ alike teachers has its critical point at their **average**: with "
        r"$m^2=(1+(k-1)\beta)/k$, $T=s^2/(1+s^2)$ and $\tau=m^2T$, "
        r"$$r^2/(1+r^2)=\tau,\qquad a^*=k\,b,\qquad "
        r"L^*=\tfrac{2}{\pi}b^2\left[k\arcsin T+k(k-1)\arcsin(\beta T)-k^2\arcsin\tau\right].$$ "
        r"Orthonormal teachers: $r^*=1/\sqrt{2k-1}$, $a^*=k$, $L^*=\tfrac{k}{3}-\tfrac{2}{\pi}k^2\arcsin\tfrac{1}{2k}$, "
        r"a strict local minimum whose softest eigenvalue falls like $1/(3\pi k^3)$."
    ),
    hypotheses=(activation_is("erf"), ALIKE, HAS_MEAN),
    cases=(
        {"k": 2, "loss": 0.023221680625337, "spectrum": (0.011955644, 2.676759915, 3.681989213, 3.944988442)},
        {
            "k": 3,
            "loss": 0.040593177313954,
            "spectrum": (0.003846584, 7.127036623, 9.408047099, 9.408047099, 9.684754367),
        },
        {"k": 5, "loss": 0.072452645203670, "soft": 0.000846832},
        {"k": 10, "loss": 0.148906686001264, "soft": 0.000106121},
        {"k": 50, "loss": 0.750907087301314, "soft": 8.4885e-7},
        {"k": 100, "loss": 1.502212084342922},
        {"k": 2, "correlation": 0.5, "norm_found": 0.774596669, "loss": 0.009530811374},
        {"k": 5, "correlation": 0.3, "norm_found": 0.531085005, "loss": 0.053474514597},
        {"k": 5, "correlation": -0.2, "norm_found": 0.142857143, "loss": 0.072964338833, "soft": 6.8e-6},
        {"k": 10, "correlation": 0.9, "weight": 2.0, "norm_found": 0.913708042, "loss": 0.019472562353},
        {"k": 4, "correlation": 0.25, "norm": 2.0, "weight": -1.5, "norm_found": 0.733799386, "loss": 0.579171899371},
        {"k": 7, "norm": 0.5, "norm_found": 0.171498585, "loss": 0.005930049096},
        {"k": 3, "correlation": 1.0, "norm_found": 1.0, "loss": 0.0},
    ),
    point=one_neuron_erf_points,
    figure="one_neuron",
    verified=(
        "gradient at the point below 1e-12 for k up to 100",
        "spectrum against the full Hessian",
        "stationarity proved with SymPy",
        "loss against published numbers",
    ),
    complete=_complete,
)
