"""Interactive labs. ipywidgets enters the package here and nowhere else."""

from .kernels import Kernels
from .lab import Lab
from .one_neuron import OneNeuron

#: The labs by the names that their state codes begin with.
LABS: dict[str, type[Lab]] = {lab.name: lab for lab in (Kernels, OneNeuron)}

__all__ = ["LABS", "Kernels", "Lab", "OneNeuron"]
