r"""Rosenbrock methods with the exact Hessian H for y' = -grad L.

One step of size h from y solves, with one matrix W for all stages,

    W U_i = -grad L(y + sum_{j<i} A_ij U_j) + (1/h) sum_{j<i} C_ij U_j,       W = H(y) + I/(h gamma),
    y_new = y + sum_j A_sj U_j + U_s                                           (s stages; U_s is the error estimate)

and gives the path between by y(x) = (1 - x) y + x (y_new + (1 - x)(k_1 + x (k_2 + x k_3))), k_m = sum_j D_mj U_j, x = (t - t_0)/h.

Source: the coefficients of Rodas5P from Steinebach 2023 (Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks
within the Julia Differential Equations package), of Rodas4 from Hairer and Wanner 1996 (Solving Ordinary Differential
Equations II); tests check their order conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Rosenbrock:
    """Coefficients of a stiffly accurate Rosenbrock method in the form of the module's docstring.

    gamma. A (s, s) and C (s, s), strictly lower triangular. D (m, s) of the dense output. order of y_new; the error estimate has one less.
    """

    name: str
    order: int
    gamma: float
    A: Array = field(repr=False)
    C: Array = field(repr=False)
    D: Array = field(repr=False)

    @property
    def stages(self) -> int:
        """s, the number of stages."""
        return len(self.A)

    def growth(self, z: ArrayLike) -> Array:
        """R(z), the factor of one step for y' = (z/h) y: the method's approximation of exp(z)."""
        z = np.asarray(z, dtype=float)
        stages: list[Array] = []
        for i in range(self.stages):
            place = 1.0 + sum((self.A[i, j] * stages[j] for j in range(i)), np.zeros_like(z))
            known = z * place + sum((self.C[i, j] * stages[j] for j in range(i)), np.zeros_like(z))
            stages.append(known / (1.0 / self.gamma - z))
        return place + stages[-1]

    def unstable_reach(self, tolerance: float) -> float:
        """The largest z <= 2 up to which |R(z) exp(-z) - 1| <= tolerance."""
        z = np.linspace(0.01, 2.0, 200)
        wrong = np.abs(self.growth(z) * np.exp(-z) - 1.0) > tolerance
        return float(z[max(int(np.argmax(wrong)) - 1, 0)] if wrong.any() else z[-1])


def _lower(*rows: Sequence[float]) -> Array:
    matrix = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
    return matrix


# fmt: off
_A4 = (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950)
RODAS4 = Rosenbrock(
    "Rodas4", 4, 0.25,
    _lower(
        (),
        (1.544,),
        (0.9466785280815826, 0.2557011698983284),
        (3.314825187068521, 2.896124015972201, 0.9986419139977817),
        _A4,
        (*_A4, 1.0),
    ),
    _lower(
        (),
        (-5.6688,),
        (-2.430093356833875, -0.2063599157091915),
        (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
        (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
        (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
    ),
    np.array([
        [10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662, 0.0],
        [-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872, 0.0],
    ]),
)

_A5 = (-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946)
RODAS5P = Rosenbrock(
    "Rodas5P", 5, 0.21193756319429014,
    _lower(
        (),
        (3.0,),
        (2.849394379747939, 0.45842242204463923),
        (-6.954028509809101, 2.489845061869568, -10.358996098473584),
        (2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641),
        _A5,
        (*_A5, 1.0),
        (*_A5, 1.0, 1.0),
    ),
    _lower(
        (),
        (-14.155112264123755,),
        (-17.97296035885952, -2.859693295451294),
        (147.12150275711716, -1.41221402718213, 71.68940251302358),
        (165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306),
        (24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471),
        (30.91273214028599, -3.1208243349937974, 77.79954646070892, 34.28646028294783, -19.097331116725623,
         -28.087943162872662),
        (37.80277123390563, -3.2571969029072276, 112.26918849496327, 66.9347231244047, -40.06618937091002,
         -54.66780262877968, -9.48861652309627),
    ),
    np.array([
        [25.948786856663858, -2.5579724845846235, 10.433815404888879, -2.3679251022685204,
         0.524948541321073, 1.1241088310450404, 0.4272876194431874, -0.17202221070155493],
        [-9.91568850695171, -0.9689944594115154, 3.0438037242978453, -24.495224566215796,
         20.176138334709044, 15.98066361424651, -6.789040303419874, -6.710236069923372],
        [11.419903575922262, 2.8879645146136994, 72.92137995996029, 80.12511834622643,
         -52.072871366152654, -59.78993625266729, -0.15582684282751913, 4.883087185713722],
    ]),
)
# fmt: on


@dataclass(frozen=True, eq=False)
class RosenbrockPieces:
    """The path in steps of a Rosenbrock method. first, last : y and y_new (steps, p). coefficients : k (steps, m, p)."""

    first: Array
    last: Array
    coefficients: Array

    def take(self, rows: Array) -> RosenbrockPieces:
        """The pieces of these rows."""
        return RosenbrockPieces(self.first[rows], self.last[rows], self.coefficients[rows])

    def at(self, share: Array) -> Array:
        """y at the share x of each step, (steps, p)."""
        x = share[:, None]
        inner = self.coefficients[:, -1]
        for m in range(self.coefficients.shape[1] - 2, -1, -1):
            inner = self.coefficients[:, m] + x * inner
        return (1.0 - x) * self.first + x * (self.last + (1.0 - x) * inner)

    @classmethod
    def joined(cls, parts: Sequence[RosenbrockPieces], modes: None = None) -> RosenbrockPieces:
        """The pieces of many steps as one."""
        return cls(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("first", "last", "coefficients"))
        )
