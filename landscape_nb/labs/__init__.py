"""Interactive labs. ipywidgets enters the package here and nowhere else."""

from .channels import Channels
from .copy_or_average import CopyOrAverage
from .gradient_flow import GradientFlow
from .kernels import Kernels
from .lab import Lab
from .one_neuron import OneNeuron

#: The labs by the names that their state codes begin with.
LABS: dict[str, type[Lab]] = {lab.name: lab for lab in (Kernels, OneNeuron, CopyOrAverage, GradientFlow, Channels)}

__all__ = ["LABS", "Channels", "CopyOrAverage", "GradientFlow", "Kernels", "Lab", "OneNeuron"]
