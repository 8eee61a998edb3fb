"""Loss landscapes: whatever has ``value``, ``gradient`` and ``hessian`` on flat parameter arrays (..., p)."""

from .channel import ChannelLandscape, ChannelStudent
from .population import PopulationLandscape
from .sampled import BiasedNetwork, SampledLandscape, Samples, gaussian_line, load_samples

__all__ = [
    "BiasedNetwork",
    "ChannelLandscape",
    "ChannelStudent",
    "PopulationLandscape",
    "SampledLandscape",
    "Samples",
    "gaussian_line",
    "load_samples",
]
