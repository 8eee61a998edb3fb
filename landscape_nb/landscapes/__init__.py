"""Loss landscapes: whatever has ``value``, ``gradient`` and ``hessian`` on flat parameter arrays (..., p)."""

from .population import PopulationLandscape
from .sampled import BiasedNetwork, SampledLandscape, Samples, gaussian_line, load_samples

__all__ = ["BiasedNetwork", "PopulationLandscape", "SampledLandscape", "Samples", "gaussian_line", "load_samples"]
