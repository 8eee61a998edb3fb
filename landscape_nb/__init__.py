"""Exact loss landscapes of two-layer networks: kernels, gradients, Hessians and critical points without sampling noise.

    >>> from landscape_nb import ERF, one_neuron, orthonormal_teacher
    >>> one_neuron(ERF, orthonormal_teacher(k=5, d=6))[0]
    CriticalPoint(average of the teachers, minimum, loss=0.0724526, index=0, closed form)

Every public name is found here; its module is loaded when the name is first used, so that ``import landscape_nb`` loads
no other library. The command line is ``landscape-nb``, and ``landscape-nb lab`` opens the pages.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

#: Module -> the public names it defines. The imports below say the same to editors and type checkers; a test compares.
_NAMES_OF = {
    "activations": (
        "ACTIVATIONS",
        "ERF",
        "RELU",
        "LEAKY_RELU",
        "LINEAR",
        "SQUARE",
        "CUBE",
        "SIN",
        "COS",
        "EXP",
        "GAUSSIAN",
        "STEP",
        "SIGN",
        "NORMAL_CDF",
        "GELU",
        "TANH",
        "SIGMOID",
        "SOFTPLUS",
        "SILU",
        "Activation",
        "leaky_relu",
        "register_activation",
    ),
    "networks": (
        "Network",
        "orthonormal_teacher",
        "equicorrelated_teacher",
        "gaussian_teacher",
        "permute",
        "flip",
        "rescale",
        "canonical",
        "split",
        "merge",
        "BiasedNetwork",
    ),
    "landscapes": ("ChannelLandscape", "PopulationLandscape", "SampledLandscape", "gaussian_line", "load_samples"),
    "critical": ("CriticalPoint", "NotConverged", "OutsideTheorem", "Statement", "refine"),
    "search": ("search_one_neuron",),
    "flows": ("Flow", "gradient_flow"),
    "plateaus": ("Plateau", "plateaus_of"),
    "descent": ("Descent", "OptimiserEndings", "gradient_descent", "optimiser_endings"),
    "long_flows": ("LongFlow", "long_flow"),
    "power_laws": ("PowerFit", "decade_exponent", "fit_power", "local_exponents"),
    "closed_forms": ("STATEMENTS",),
    "closed_forms.one_neuron": ("one_neuron",),
    "closed_forms.copy_average": (
        "copy_average",
        "copy_average_loss",
        "copy_average_points",
        "counts",
        "partitions",
        "threshold",
    ),
    "closed_forms.perturbed_copy": ("crossings", "perturbed_copy"),
    "closed_forms.perturbed_copy_average": ("perturbed_copy_average",),
    "closed_forms.symmetry_blocks": ("symmetry_blocks",),
    "closed_forms.channels": (
        "ChannelLimit",
        "ChannelPath",
        "ChannelPoint",
        "channel_limits",
        "channel_toy",
        "follow_channel",
        "from_channel",
        "limit_profile",
        "limits_on_a_line",
        "to_channel",
    ),
    "closed_forms.channel_detection": (
        "DetectedChannel",
        "DetectedGroup",
        "detect_channels",
        "detect_groups",
        "examine_pair",
    ),
    "closed_forms.splitting": ("SplittingLine", "splitting_line", "splitting_matrix"),
    "closed_forms.embeddings": ("Embedding",),
    "closed_forms.critical_subspaces": ("critical_subspaces", "minimal_subspaces"),
    "closed_forms.sad": (
        "POLYNOMIALS",
        "Valley",
        "frozen_valley",
        "nearest_valley",
        "normal_start",
        "polynomial_landscape",
        "tuned_biases",
        "valleys_to_infinity",
    ),
    "sweeps": ("Outcome", "PhaseDiagram", "Sweep", "outcome", "phase_diagram", "stored_phase_diagram", "sweep"),
}
_MODULE_OF = {name: module for module, names in _NAMES_OF.items() for name in names}
_SUBMODULES = ("figures", "labs")

if TYPE_CHECKING:
    from . import figures as figures
    from . import labs as labs
    from .activations import ACTIVATIONS as ACTIVATIONS
    from .activations import COS as COS
    from .activations import CUBE as CUBE
    from .activations import ERF as ERF
    from .activations import EXP as EXP
    from .activations import GAUSSIAN as GAUSSIAN
    from .activations import GELU as GELU
    from .activations import LEAKY_RELU as LEAKY_RELU
    from .activations import LINEAR as LINEAR
    from .activations import NORMAL_CDF as NORMAL_CDF
    from .activations import RELU as RELU
    from .activations import SIGMOID as SIGMOID
    from .activations import SIGN as SIGN
    from .activations import SILU as SILU
    from .activations import SIN as SIN
    from .activations import SOFTPLUS as SOFTPLUS
    from .activations import SQUARE as SQUARE
    from .activations import STEP as STEP
    from .activations import TANH as TANH
    from .activations import Activation as Activation
    from .activations import leaky_relu as leaky_relu
    from .activations import register_activation as register_activation
    from .closed_forms import STATEMENTS as STATEMENTS
    from .closed_forms.channel_detection import DetectedChannel as DetectedChannel
    from .closed_forms.channel_detection import DetectedGroup as DetectedGroup
    from .closed_forms.channel_detection import detect_channels as detect_channels
    from .closed_forms.channel_detection import detect_groups as detect_groups
    from .closed_forms.channel_detection import examine_pair as examine_pair
    from .closed_forms.channels import ChannelLimit as ChannelLimit
    from .closed_forms.channels import ChannelPath as ChannelPath
    from .closed_forms.channels import ChannelPoint as ChannelPoint
    from .closed_forms.channels import channel_limits as channel_limits
    from .closed_forms.channels import channel_toy as channel_toy
    from .closed_forms.channels import follow_channel as follow_channel
    from .closed_forms.channels import from_channel as from_channel
    from .closed_forms.channels import limit_profile as limit_profile
    from .closed_forms.channels import limits_on_a_line as limits_on_a_line
    from .closed_forms.channels import to_channel as to_channel
    from .closed_forms.copy_average import copy_average as copy_average
    from .closed_forms.copy_average import copy_average_loss as copy_average_loss
    from .closed_forms.copy_average import copy_average_points as copy_average_points
    from .closed_forms.copy_average import counts as counts
    from .closed_forms.copy_average import partitions as partitions
    from .closed_forms.copy_average import threshold as threshold
    from .closed_forms.critical_subspaces import critical_subspaces as critical_subspaces
    from .closed_forms.critical_subspaces import minimal_subspaces as minimal_subspaces
    from .closed_forms.embeddings import Embedding as Embedding
    from .closed_forms.one_neuron import one_neuron as one_neuron
    from .closed_forms.perturbed_copy import crossings as crossings
    from .closed_forms.perturbed_copy import perturbed_copy as perturbed_copy
    from .closed_forms.perturbed_copy_average import perturbed_copy_average as perturbed_copy_average
    from .closed_forms.sad import POLYNOMIALS as POLYNOMIALS
    from .closed_forms.sad import Valley as Valley
    from .closed_forms.sad import frozen_valley as frozen_valley
    from .closed_forms.sad import nearest_valley as nearest_valley
    from .closed_forms.sad import normal_start as normal_start
    from .closed_forms.sad import polynomial_landscape as polynomial_landscape
    from .closed_forms.sad import tuned_biases as tuned_biases
    from .closed_forms.sad import valleys_to_infinity as valleys_to_infinity
    from .closed_forms.splitting import SplittingLine as SplittingLine
    from .closed_forms.splitting import splitting_line as splitting_line
    from .closed_forms.splitting import splitting_matrix as splitting_matrix
    from .closed_forms.symmetry_blocks import symmetry_blocks as symmetry_blocks
    from .critical import CriticalPoint as CriticalPoint
    from .critical import NotConverged as NotConverged
    from .critical import OutsideTheorem as OutsideTheorem
    from .critical import Statement as Statement
    from .critical import refine as refine
    from .descent import Descent as Descent
    from .descent import OptimiserEndings as OptimiserEndings
    from .descent import gradient_descent as gradient_descent
    from .descent import optimiser_endings as optimiser_endings
    from .flows import Flow as Flow
    from .flows import gradient_flow as gradient_flow
    from .landscapes import ChannelLandscape as ChannelLandscape
    from .landscapes import PopulationLandscape as PopulationLandscape
    from .landscapes import SampledLandscape as SampledLandscape
    from .landscapes import gaussian_line as gaussian_line
    from .landscapes import load_samples as load_samples
    from .long_flows import LongFlow as LongFlow
    from .long_flows import long_flow as long_flow
    from .networks import BiasedNetwork as BiasedNetwork
    from .networks import Network as Network
    from .networks import canonical as canonical
    from .networks import equicorrelated_teacher as equicorrelated_teacher
    from .networks import flip as flip
    from .networks import gaussian_teacher as gaussian_teacher
    from .networks import merge as merge
    from .networks import orthonormal_teacher as orthonormal_teacher
    from .networks import permute as permute
    from .networks import rescale as rescale
    from .networks import split as split
    from .plateaus import Plateau as Plateau
    from .plateaus import plateaus_of as plateaus_of
    from .power_laws import PowerFit as PowerFit
    from .power_laws import decade_exponent as decade_exponent
    from .power_laws import fit_power as fit_power
    from .power_laws import local_exponents as local_exponents
    from .search import search_one_neuron as search_one_neuron
    from .sweeps import Outcome as Outcome
    from .sweeps import PhaseDiagram as PhaseDiagram
    from .sweeps import Sweep as Sweep
    from .sweeps import outcome as outcome
    from .sweeps import phase_diagram as phase_diagram
    from .sweeps import stored_phase_diagram as stored_phase_diagram
    from .sweeps import sweep as sweep

    __version__: str
else:

    def __getattr__(name: str) -> Any:
        """Load the module that defines the name, once."""
        if name == "__version__":
            from importlib.metadata import PackageNotFoundError, version

            try:
                value = version("landscape_nb")
            except PackageNotFoundError:  # a source tree that nobody installed
                value = "0+unknown"
        elif name in _SUBMODULES:
            value = import_module(f".{name}", __name__)
        elif name in _MODULE_OF:
            value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
        else:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules[__name__])  # Python adds "Did you mean ...?"
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*__all__, *(name for name in globals() if name.startswith("__")), "__version__"])


__all__ = [*_MODULE_OF, *_SUBMODULES]
