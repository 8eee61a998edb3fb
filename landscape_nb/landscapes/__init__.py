"""Loss landscapes: whatever has ``value``, ``gradient`` and ``hessian`` on flat parameter arrays (..., p)."""

from .population import PopulationLandscape

__all__ = ["PopulationLandscape"]
