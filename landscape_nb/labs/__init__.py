"""Interactive labs. ipywidgets enters the package here and nowhere else."""

from .kernels import Kernels
from .lab import Lab
from .one_neuron import OneNeuron

__all__ = ["Kernels", "Lab", "OneNeuron"]
