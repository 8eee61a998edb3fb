"""Interactive labs. ipywidgets enters the package here and nowhere else."""

from .channels import Channels
from .copy_or_average import CopyOrAverage
from .gradient_flow import GradientFlow
from .into_the_channel import IntoTheChannel
from .kernels import Kernels
from .lab import Lab
from .never_arriving import NeverArriving
from .one_neuron import OneNeuron
from .splitting import Splitting

#: The labs by the names that their state codes begin with.
LABS: dict[str, type[Lab]] = {
    lab.name: lab
    for lab in (Kernels, OneNeuron, CopyOrAverage, GradientFlow, Splitting, Channels, IntoTheChannel, NeverArriving)
}

__all__ = [
    "LABS",
    "Channels",
    "CopyOrAverage",
    "GradientFlow",
    "IntoTheChannel",
    "Kernels",
    "Lab",
    "NeverArriving",
    "OneNeuron",
    "Splitting",
]
