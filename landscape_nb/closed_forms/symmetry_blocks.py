r"""The Hessian spectrum of a symmetric student by symmetry blocks: exact, and no matrix of the size of the Hessian is formed.

Teachers fall into *cells*: teachers of one cell have the same norm and weight and the same covariance with every neuron. Neurons fall into
classes that permutations exchange, each with its cell or alone. The group

    G = product over cells of S_l (permute its l teachers) x product over classes of S_m (permute neurons and their cells) x O(d - rank)

leaves the loss unchanged and fixes the student, so the Hessian commutes with it and is, by Schur's lemma, one small matrix for each
irreducible representation, repeated as often as the dimension of the representation says. With R^d = means of the cells + zero-sum
vectors within a cell + complement of the teachers, the parameters R^n x R^d + R^n (outgoing weights) decompose into

* complement:         R^n x R^(d-rank): a row for each class (multiplicity d - rank), and one for each class against itself (times m - 1)
* within a cell:      R^n x (zero-sum vectors of a cell of l teachers), m such cells: rows for the cell's own neuron, the rest of its class
                      and the other classes (multiplicity m (l - 1)), and classes against themselves
* means, trivial:     all classes move together
* means, standard:    the members of one class against each other: rows for each one's own cell, for the others' and for the other classes
* means, two of them: members of two classes against each other ((m - 1)(m' - 1) times)
* means, pairs:       symmetric with zero diagonal and sums (m (m - 3)/2 times), antisymmetric with zero sums ((m - 1)(m - 2)/2 times)

Each block comes from Hessian-vector products with one vector for each row, a fixed vector of the representation in each; orthonormalised,
they must span an invariant space (checked), and rows times multiplicities must add up to n d + n (checked). At a critical point the
rescaling modes of a homogeneous activation are taken out first, so that their zeros are exact.

Source: derived.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..critical import CriticalPoint
from ..landscapes import PopulationLandscape
from ..networks import Network

Array = np.ndarray

_SAME = 1e-9
_LARGEST_BLOCK = 1500


@dataclass(frozen=True, eq=False)
class Block:
    """One symmetry block of the Hessian: its name, how often it is repeated, its eigenvalues in ascending order.

    zero_modes : how many of the eigenvalues are zeros of a rescaling w_i -> c w_i, a_i -> a_i / c^m.
    """

    name: str
    multiplicity: int
    eigenvalues: Array
    zero_modes: int = 0

    def __repr__(self) -> str:
        values = ", ".join(f"{value:.6g}" for value in self.eigenvalues)
        return f"Block({self.name!r}, {self.multiplicity} x [{values}])"


@dataclass(frozen=True, eq=False, repr=False)
class SymmetricPoint(CriticalPoint):
    """A critical point whose spectrum is known by symmetry blocks: index, nullity and zero modes need no Hessian."""

    blocks: tuple[Block, ...] = field(default=(), repr=False)

    @cached_property
    def zero_modes(self) -> dict[str, int]:
        """How many zero modes rescaling explains; "genuine" counts the rest. Empty if there are none."""
        rescaling = sum(block.multiplicity * block.zero_modes for block in self.blocks)
        named = {"rescaling": rescaling, "genuine": self.nullity - rescaling}
        return {name: count for name, count in named.items() if count}


def symmetric_point(
    landscape: PopulationLandscape, student: Network, name: str, method: str, statement: str, orbit: int | None
) -> SymmetricPoint:
    """The critical point with its spectrum from ``symmetry_blocks``."""
    blocks = symmetry_blocks(landscape, student)
    return SymmetricPoint(landscape, student, name, method, statement, spectrum(blocks), orbit, blocks)


def spectrum(blocks: tuple[Block, ...]) -> Array:
    """All eigenvalues in ascending order, each as often as its block is repeated."""
    return np.sort(np.concatenate([np.tile(block.eigenvalues, block.multiplicity) for block in blocks]))


def index(blocks: tuple[Block, ...]) -> int:
    """The number of negative eigenvalues."""
    return sum(block.multiplicity * int(np.sum(block.eigenvalues < 0)) for block in blocks)


def symmetry_blocks(landscape: PopulationLandscape, student: Network) -> tuple[Block, ...]:
    """The Hessian's eigenvalues at this student, block by block.

    landscape : a PopulationLandscape. student : one in the span of the teachers; the more neurons and teachers it treats alike, the smaller
    the blocks (copy-average and perturbed-n-copy points: at most a few rows for each pair of group sizes).

    Raises ValueError for a student outside the teachers' span, or with too little symmetry for blocks of a few hundred rows.

    Source: derived; the tests compare with the full Hessian.
    """
    structure = _Structure(landscape, student)
    components = list(structure.components())
    n, d = student.n, student.d
    size = sum(component.multiplicity * component.rank for component in components)
    if size != n * d + n:
        raise ValueError(
            f"the symmetry blocks of this student have {size} dimensions, the parameters {n * d + n}; the teacher's vectors are "
            "linearly dependent beyond what equal vectors explain, use the full Hessian"
        )
    largest = max(component.rank for component in components)
    if largest > _LARGEST_BLOCK:
        raise ValueError(
            f"this student has too little symmetry: its largest block has {largest} rows, {_LARGEST_BLOCK} are allowed; "
            "use the full Hessian"
        )
    bases = [component.basis() for component in components]
    rows = np.concatenate(bases)
    images = _products(landscape, student, rows)
    scale = max(float(np.linalg.norm(images, axis=1).max()), 1e-300)
    blocks, start = [], 0
    for component, basis in zip(components, bases):
        image = images[start : start + len(basis)]
        start += len(basis)
        matrix = basis @ image.T
        leak = float(np.abs(image - matrix.T @ basis).max(initial=0.0))
        if leak > 1e-8 * scale:
            raise ValueError(
                f"the Hessian does not keep the block {component.name!r} to itself (it leaks {leak / scale:.2g}): the student or the "
                "teacher lacks a symmetry that its covariances show; use the full Hessian"
            )
        values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
        zeros = len(component.zero_modes)
        blocks.append(Block(component.name, component.multiplicity, np.sort(np.append(values, np.zeros(zeros))), zeros))
    return tuple(blocks)


def _products(landscape: PopulationLandscape, student: Network, rows: Array) -> Array:
    """H times each row, so many rows at a time that their pair matrices stay below some 30 megabytes."""
    n, k = student.n, landscape.teacher.n
    chunk = max(1, 4_000_000 // (n * (n + k)))
    theta = student.theta
    parts = [landscape.hessian_vector_product(theta, rows[i : i + chunk]) for i in range(0, len(rows), chunk)]
    return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class _Component:
    """An isotypic component: vectors (rows, p) that span its rows, and known zero modes (zeros, p) among their span."""

    name: str
    multiplicity: int
    vectors: Array
    zero_modes: Array

    @property
    def rank(self) -> int:
        return len(self.vectors)

    def basis(self) -> Array:
        """An orthonormal basis of the span without the zero modes, shape (rank - zeros, p)."""
        vectors = self.vectors / np.linalg.norm(self.vectors, axis=1, keepdims=True)
        if len(self.zero_modes):
            known = np.linalg.qr(self.zero_modes.T)[0].T
            for _ in range(2):
                vectors = vectors - (vectors @ known.T) @ known
        _, sizes, directions = np.linalg.svd(vectors, full_matrices=False)
        rank = self.rank - len(self.zero_modes)
        if rank and sizes[rank - 1] <= _SAME:
            raise ValueError(
                f"the vectors of the block {self.name!r} are linearly dependent: a neuron or the mean of a group of teachers vanishes; "
                "use the full Hessian"
            )
        return directions[:rank]


@dataclass(frozen=True, eq=False)
class _Members:
    """Neurons, or cells of teachers, that the symmetric group of their class permutes, in the class's order."""

    members: tuple[int, ...]
    label: str
    kind: int  # of a cell: how many teachers it has; of neurons: 0

    @property
    def m(self) -> int:
        return len(self.members)


class _Structure:
    """Cells of teachers, and the classes (symmetric groups) of neurons and cells, of one student."""

    def __init__(self, landscape: PopulationLandscape, student: Network) -> None:
        self.student, self.teacher = student, landscape.teacher
        # rescaling is a zero mode of the Hessian at critical points only
        still = np.abs(landscape.gradient(student)).max() <= 1e-10 * max(1.0, landscape.constant)
        self.homogeneous = landscape.activation.homogeneous if still else None
        V, W = self.teacher.W, student.W
        self.n, self.d = student.n, student.d
        overlap = W @ V.T
        self.tolerance = _SAME * max(
            1.0, float(np.abs(W).max()) ** 2, float(np.abs(V).max()) ** 2, float(np.abs(overlap).max())
        )
        outside, inside = self._complement(V)
        if np.abs(W @ outside.T).max(initial=0.0) > self.tolerance:
            raise ValueError(
                "symmetry_blocks needs a student in the span of the teachers; this one leaves it, use the full Hessian"
            )
        self.rank, self.outside = inside, outside
        self.cells = self._cells(overlap)
        first = [cell[0] for cell in self.cells]
        means = np.array([V[list(cell)].sum(axis=0) for cell in self.cells])
        self.means = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-300)
        neuron_colour, cell_colour = self._colours(overlap[:, first])
        self.classes = self._classes(neuron_colour, cell_colour, overlap[:, first])

    @staticmethod
    def _complement(V: Array) -> tuple[Array, int]:
        """An orthonormal basis of the directions that no teacher sees, and the rank of the teachers."""
        _, sizes, directions = np.linalg.svd(V, full_matrices=True)
        rank = int(np.sum(sizes > _SAME * sizes.max()))
        return directions[rank:], rank

    def _cells(self, overlap: Array) -> list[tuple[int, ...]]:
        """Teachers with one norm, one weight, and one covariance with each neuron, as long as their own covariances are alike too."""
        V, b = self.teacher.W, self.teacher.a
        gram = V @ V.T
        keys = np.vstack([overlap, gram.diagonal(), b])
        cells: list[list[int]] = []
        heads: list[int] = []
        for j in range(len(b)):
            same = np.flatnonzero(np.abs(keys[:, heads] - keys[:, [j]]).max(axis=0, initial=0.0) <= self.tolerance)
            if len(same):
                cells[same[0]].append(j)
            else:
                cells.append([j])
                heads.append(j)
        alike: list[tuple[int, ...]] = []
        for cell in cells:
            others = [j for j in range(len(b)) if j not in set(cell)]
            inner = gram[np.ix_(cell, cell)][~np.eye(len(cell), dtype=bool)]
            outer = gram[np.ix_(cell, others)]
            uniform = (not inner.size or np.ptp(inner) <= self.tolerance) and (
                not outer.size or np.ptp(outer, axis=0).max() <= self.tolerance
            )
            alike.extend([tuple(cell)] if uniform else [(j,) for j in cell])
        return alike

    def _colours(self, overlap: Array) -> tuple[Array, Array]:
        """Classes of neurons and of cells that no covariance tells apart: colour refinement on the matrices of covariances."""
        W, V, b = self.student.W, self.teacher.W, self.teacher.a
        first = [cell[0] for cell in self.cells]
        gram = V @ V.T
        inner = np.array([gram[cell[0], cell[1]] if len(cell) > 1 else 0.0 for cell in self.cells])
        sizes = np.array([len(cell) for cell in self.cells], dtype=float)
        own, across, between = (self._levels(part) for part in (W @ W.T, overlap, gram[np.ix_(first, first)]))
        neuron = _relabelled(np.column_stack([own.diagonal(), self._levels(self.student.a)]))
        cell = _relabelled(
            np.column_stack([between.diagonal(), *(self._levels(part) for part in (inner, sizes, b[first]))])
        )
        while True:
            many = int(max(neuron.max(), cell.max())) + 1
            finer_neuron = _relabelled(
                np.column_stack([neuron, np.sort(own * many + neuron, axis=1), np.sort(across * many + cell, axis=1)])
            )
            finer_cell = _relabelled(
                np.column_stack(
                    [cell, np.sort(between * many + cell, axis=1), np.sort(across.T * many + neuron, axis=1)]
                )
            )
            if finer_neuron.max() == neuron.max() and finer_cell.max() == cell.max():
                return neuron, cell
            neuron, cell = finer_neuron, finer_cell

    def _levels(self, values: Array) -> Array:
        """Whole numbers that are equal where the values agree to the tolerance."""
        flat = values.ravel()
        order = np.argsort(flat, kind="stable")
        levels = np.empty(flat.size, dtype=int)
        levels[order] = np.concatenate([[0], np.cumsum(np.diff(flat[order]) > self.tolerance)])
        return levels.reshape(values.shape)

    def _classes(self, neuron: Array, cell: Array, overlap: Array) -> list[tuple[list[_Members], list[_Members]]]:
        """(neurons, cells) of each symmetric group: neurons are tied to the cells that one covariance singles out."""
        levels = self._levels(overlap)
        cells = [tuple(np.flatnonzero(cell == colour).tolist()) for colour in range(int(cell.max()) + 1)]
        untied = set(range(len(cells)))
        classes: list[tuple[list[_Members], list[_Members]]] = []
        for colour in range(int(neuron.max()) + 1):
            neurons = tuple(np.flatnonzero(neuron == colour).tolist())
            tied = []
            for other in sorted(untied) if len(neurons) > 1 else ():
                order = _partners(levels[np.ix_(neurons, cells[other])])
                if order is not None:
                    tied.append(self._cell_members(tuple(cells[other][j] for j in order)))
                    untied.discard(other)
            nearest = len(self.cells[int(np.argmax(np.abs(overlap[neurons[0]])))])
            word = f"averages of {nearest}" if nearest > 1 else "copies"
            classes.append(([_Members(neurons, word, 0)], tied))
        classes.extend(([], [self._cell_members(cells[other])]) for other in sorted(untied))
        return classes

    def _cell_members(self, members: tuple[int, ...]) -> _Members:
        size = len(self.cells[members[0]])
        return _Members(members, f"{'groups' if len(members) > 1 else 'group'} of {size}", size)

    # vectors ----------------------------------------------------------------------------------------------------------

    def _vector(self, rows: Array, directions: Array, outgoing: Array | None = None) -> Array:
        """The parameter vector with W = rows @ directions and these outgoing weights."""
        a = np.zeros(self.n) if outgoing is None else outgoing
        return np.concatenate([(rows @ directions).ravel(), a])

    def _spread(self, members: _Members, values: Array, length: int) -> Array:
        column = np.zeros(length)
        column[list(members.members)] = values
        return column

    def _rescaling(self, neurons: _Members, values: Array) -> Array:
        column = self._spread(neurons, values, self.n)
        degree = float(self.homogeneous or 0)
        return np.concatenate([(column[:, None] * self.student.W).ravel(), -degree * column * self.student.a])

    def components(self) -> Iterator[_Component]:
        """All isotypic components."""
        yield from self._tensor(self.outside[:1], len(self.outside), "outside the teachers", None)
        for group, (_, cells) in enumerate(self.classes):
            for members in cells:
                inner = self._within(members)
                if inner is not None:
                    dimension = members.m * (members.kind - 1)
                    yield from self._tensor(inner[None, :], dimension, f"within the {members.label}", group)
        yield from self._means()

    def _within(self, members: _Members) -> Array | None:
        """A zero-sum vector of the first cell; None where its teachers are one vector."""
        if members.kind == 1:
            return None
        first, second, *_ = self.cells[members.members[0]]
        difference = self.teacher.W[first] - self.teacher.W[second]
        length = float(np.linalg.norm(difference))
        return None if length <= 1e-5 * float(np.linalg.norm(self.teacher.W[first])) else difference / length

    def _tensor(self, direction: Array, dimension: int, name: str, own: int | None) -> Iterator[_Component]:
        """R^n times an irreducible space of directions of this dimension, tied to the first cell of the class ``own`` if given."""
        if dimension == 0:
            return
        common: list[Array] = []
        against: list[tuple[str, int, list[Array]]] = []
        for group, (neurons, _) in enumerate(self.classes):
            apart: list[Array] = []
            offset = 1 if group == own else 0
            for members in neurons:
                m = members.m
                if offset:
                    common.append(self._spread(members, np.eye(m)[0], self.n))
                if m > offset:
                    common.append(self._spread(members, (np.arange(m) >= offset).astype(float), self.n))
                if m - offset >= 2:
                    apart.append(self._spread(members, np.eye(m)[offset] - np.eye(m)[offset + 1], self.n))
            if apart:
                label = f"{'other ' if offset else ''}{neurons[0].label}"
                against.append((label, neurons[0].m - offset - 1, apart))
        vectors = [self._vector(column[:, None], direction) for column in common]
        yield self._component(name, dimension, vectors)
        for label, times, columns in against:
            vectors = [self._vector(column[:, None], direction) for column in columns]
            yield self._component(f"{name}, {label} against each other", dimension * times, vectors)

    def _means(self) -> Iterator[_Component]:
        """The means of the cells and the outgoing weights."""
        trivial: list[Array] = []
        zeros: list[Array] = []
        for group, (neurons, _) in enumerate(self.classes):
            for rows in neurons:
                for other, (_, cells) in enumerate(self.classes):
                    for columns in cells:
                        ones = self._outer(rows, np.ones(rows.m), columns, np.ones(columns.m))
                        if group == other and rows.m > 1:
                            same = self._inner(rows, columns, np.eye(rows.m))
                            trivial += [self._vector(same, self.means), self._vector(ones - same, self.means)]
                        else:
                            trivial.append(self._vector(ones, self.means))
                alike = self._spread(rows, np.ones(rows.m), self.n)
                trivial.append(self._vector(np.zeros((self.n, len(self.cells))), self.means, alike))
                if self.homogeneous is not None:
                    zeros.append(self._rescaling(rows, np.ones(rows.m)))
        yield self._component("all alike", 1, trivial, zeros)
        for group, (neurons, cells) in enumerate(self.classes):
            m = (neurons + cells)[0].m
            if m >= 2:
                yield self._standard(group, m)
            for other in range(group):
                yield from self._two_standards(other, group)
            if m >= 3 and neurons and cells:
                yield from self._pairs(group, m)

    def _outer(self, rows: _Members, left: Array, columns: _Members, right: Array) -> Array:
        return np.outer(self._spread(rows, left, self.n), self._spread(columns, right, len(self.cells)))

    def _inner(self, rows: _Members, columns: _Members, matrix: Array) -> Array:
        full = np.zeros((self.n, len(self.cells)))
        full[np.ix_(rows.members, columns.members)] = matrix
        return full

    def _standard(self, group: int, m: int) -> _Component:
        """One member of the class against another."""
        apart = np.eye(m)[0] - np.eye(m)[1]
        neurons, cells = self.classes[group]
        vectors, zeros = [], []
        for rows in neurons:
            for columns in cells:
                same = np.diag(apart)
                vectors.append(self._inner(rows, columns, same))
                vectors.append(self._inner(rows, columns, apart[:, None] - same))
                if m > 2:  # for two members the column is the row turned round
                    vectors.append(self._inner(rows, columns, apart[None, :] - same))
        for other, (others, views) in enumerate(self.classes):
            if other != group:
                vectors += [
                    self._outer(rows, apart, columns, np.ones(columns.m)) for rows in neurons for columns in views
                ]
                vectors += [self._outer(rows, np.ones(rows.m), columns, apart) for rows in others for columns in cells]
        moves = [self._vector(matrix, self.means) for matrix in vectors]
        for rows in neurons:
            column = self._spread(rows, apart, self.n)
            moves.append(self._vector(np.zeros((self.n, len(self.cells))), self.means, column))
            if self.homogeneous is not None:
                zeros.append(self._rescaling(rows, apart))
        label = (neurons or cells)[0].label
        return self._component(f"{label} against each other", m - 1, moves, zeros)

    def _two_standards(self, first: int, second: int) -> Iterator[_Component]:
        """Members of one class against each other, times members of another class against each other."""
        vectors: list[Array] = []
        sizes = [(self.classes[group][0] + self.classes[group][1])[0].m for group in (first, second)]
        if min(sizes) < 2:
            return
        for left, right in ((first, second), (second, first)):
            for rows in self.classes[left][0]:
                for columns in self.classes[right][1]:
                    apart = [np.eye(members.m)[0] - np.eye(members.m)[1] for members in (rows, columns)]
                    vectors.append(self._vector(self._outer(rows, apart[0], columns, apart[1]), self.means))
        if vectors:
            labels = [(self.classes[group][0] or self.classes[group][1])[0].label for group in (first, second)]
            name = f"{labels[0]} against each other, {labels[1]} against each other"
            yield self._component(name, (sizes[0] - 1) * (sizes[1] - 1), vectors)

    def _pairs(self, group: int, m: int) -> Iterator[_Component]:
        """Pairs of members of one class: symmetric and antisymmetric, with zero diagonal and zero sums."""
        neurons, cells = self.classes[group]
        unit = np.eye(m)
        turned = np.outer(unit[0], unit[1]) + np.outer(unit[1], unit[2]) + np.outer(unit[2], unit[0])
        kinds = [("antisymmetric", (m - 1) * (m - 2) // 2, turned - turned.T)]
        if m >= 4:
            crossed = np.outer(unit[0] - unit[1], unit[2] - unit[3])
            kinds.append(("symmetric", m * (m - 3) // 2, crossed + crossed.T))
        for word, times, matrix in kinds:
            vectors = [
                self._vector(self._inner(rows, columns, matrix), self.means) for rows in neurons for columns in cells
            ]
            yield self._component(f"pairs of {neurons[0].label}, {word}", times, vectors)

    def _component(
        self, name: str, multiplicity: int, vectors: list[Array], zeros: list[Array] | None = None
    ) -> _Component:
        return _Component(name, multiplicity, np.array(vectors), np.array(zeros or np.empty((0, vectors[0].size))))


def _relabelled(rows: Array) -> Array:
    """0, 1, ... for distinct rows, in the order of their first occurrence."""
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=int)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.ravel()]


def _partners(levels: Array) -> list[int] | None:
    """Which column each row is tied to, where one level stands once in every row and column and one other level elsewhere."""
    m = len(levels)
    if levels.shape != (m, m) or len(np.unique(levels)) != 2:
        return None
    for level in np.unique(levels)[::-1]:
        there = levels == level
        if (there.sum(axis=0) == 1).all() and (there.sum(axis=1) == 1).all():
            return np.argmax(there, axis=1).tolist()
    return None
