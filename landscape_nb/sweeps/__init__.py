"""Where gradient flow ends: sweeps over seeds, outcomes named by closed forms, phase diagrams."""

from .outcomes import Outcome, outcome
from .over_seeds import Sweep, sweep
from .phases import PhaseDiagram, phase_diagram, stored_phase_diagram
from .rows import Row, Settings, starts

__all__ = [
    "Outcome",
    "PhaseDiagram",
    "Row",
    "Settings",
    "Sweep",
    "outcome",
    "phase_diagram",
    "starts",
    "stored_phase_diagram",
    "sweep",
]
