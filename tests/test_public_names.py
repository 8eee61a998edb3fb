"""The package's front door: every public name is there, documented, and costs nothing before it is used."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import landscape_nb

ROOT = Path(__file__).parents[1]
FRONT_DOOR = ROOT / "landscape_nb" / "__init__.py"

# The names that notebooks and other people's code rely on. A name may be added here, never taken away.
PROMISED = """
ERF RELU LEAKY_RELU LINEAR SQUARE CUBE SIN COS EXP STEP SIGN NORMAL_CDF GELU TANH SIGMOID SOFTPLUS SILU GAUSSIAN
ACTIVATIONS leaky_relu register_activation Activation
Network orthonormal_teacher equicorrelated_teacher gaussian_teacher permute flip rescale canonical split merge BiasedNetwork
PopulationLandscape CriticalPoint refine NotConverged OutsideTheorem Statement STATEMENTS one_neuron search_one_neuron
SampledLandscape ChannelLandscape gaussian_line load_samples
copy_average copy_average_loss copy_average_points counts partitions threshold
perturbed_copy perturbed_copy_average crossings symmetry_blocks
SplittingLine splitting_line splitting_matrix Embedding critical_subspaces minimal_subspaces
ChannelPoint to_channel from_channel ChannelLimit channel_limits limits_on_a_line limit_profile ChannelPath follow_channel channel_toy
detect_channels detect_groups examine_pair DetectedChannel DetectedGroup
gradient_descent Descent optimiser_endings OptimiserEndings
gradient_flow Flow Plateau plateaus_of
sweep Sweep outcome Outcome phase_diagram PhaseDiagram stored_phase_diagram
long_flow LongFlow PowerFit local_exponents decade_exponent fit_power
POLYNOMIALS polynomial_landscape normal_start tuned_biases valleys_to_infinity Valley frozen_valley nearest_valley
figures labs
""".split()

METHODS = {
    "Activation": "__call__ derivative kernel kernel_slopes kernel_curvatures self_kernel symbol kernel_symbol "
    "hermite_coefficients mehler_kernel",
    "Network": "n d theta from_theta save load",
    "PopulationLandscape": "value gradient value_and_gradient hessian hessian_vector_product has_hessian network",
    "ChannelLandscape": "at student network from_network value gradient value_and_gradient hessian slope slope_derivatives "
    "excess symmetry_directions",
    "ChannelLimit": "w direction c a rest b loss h minimum stable kind fourth gram theta landscape gap_at_eps sharpness_at_eps "
    "edge_of_stability separation_at_time eps_at_time gap_at_time",
    "ChannelPath": "eps losses networks sharpness softest index",
    "ChannelPoint": "v inverse_gap theta",
    "Descent": "end sharpness edge sentence",
    "OptimiserEndings": "table",
    "Flow": "times students losses end at",
    "LongFlow": "end norms travelled bound until",
    "Valley": "network outgoing loss norm constant metric",
    "PhaseDiagram": "counts shares table exceptions save load",
    "Sweep": "counts table exceptions save load",
    "SplittingLine": "original B network point hessian spectrum escape index nullity verdicts plateau intervals",
    "Embedding": "network point hessian spectrum index nullity is_plateau",
    "CriticalPoint": "loss residual spectrum index nullity kind zero_modes describe",
}


def python(program):
    """stdout of a fresh interpreter."""
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, timeout=60).stdout.strip()


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_name_is_exported(name):
    assert name in landscape_nb.__all__
    assert name in dir(landscape_nb)
    assert getattr(landscape_nb, name) is not None


def test_nothing_is_exported_that_is_not_promised():
    assert sorted(landscape_nb.__all__) == sorted(PROMISED)


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_name_is_documented(name):
    assert len(inspect.getdoc(getattr(landscape_nb, name)) or "") > 10


@pytest.mark.parametrize("name", METHODS)
def test_every_promised_method_is_documented(name):
    cls = getattr(landscape_nb, name)
    for method in METHODS[name].split():
        assert inspect.getdoc(getattr(cls, method)), f"{name}.{method}"


def test_every_activation_has_its_name_in_capitals():
    for name, activation in landscape_nb.ACTIVATIONS.items():
        if activation.exact != "numerical":
            assert getattr(landscape_nb, name.upper()) is activation


def test_a_name_is_the_very_object_of_its_module():
    from landscape_nb.closed_forms.one_neuron import one_neuron
    from landscape_nb.networks import Network

    assert landscape_nb.one_neuron is one_neuron
    assert landscape_nb.Network is Network
    assert inspect.isfunction(landscape_nb.one_neuron)  # the module of that name lives one level below


def test_editors_and_type_checkers_see_the_names_that_exist():
    tree = ast.parse(FRONT_DOOR.read_text(encoding="utf-8"))
    typed = {
        alias.asname: (node.module, alias.name)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    found_at = {name: (module, name) for name, module in landscape_nb._MODULE_OF.items()}
    found_at |= {name: (None, name) for name in landscape_nb._SUBMODULES}
    assert typed == found_at
    assert (FRONT_DOOR.parent / "py.typed").exists()


def test_a_misspelt_name_is_an_attribute_error_that_suggests_the_right_one():
    with pytest.raises(AttributeError, match="module 'landscape_nb' has no attribute 'one_neurom'") as caught:
        landscape_nb.one_neurom  # noqa: B018
    assert caught.value.name == "one_neurom"
    assert "one_neuron" in dir(caught.value.obj)
    with pytest.raises(ImportError, match="cannot import name 'Netwerk'"):
        from landscape_nb import Netwerk  # noqa: F401


def test_importing_the_package_loads_no_library():
    heavy = ["numpy", "scipy", "sympy", "matplotlib", "ipywidgets", "IPython", "jupyterlab"]
    assert python(f"import sys, landscape_nb; print([m for m in {heavy} if m in sys.modules])") == "[]"


@pytest.mark.parametrize("module", landscape_nb._NAMES_OF)
def test_the_mathematics_loads_numpy_alone(module):
    names = ", ".join(landscape_nb._NAMES_OF[module])
    heavy = ["scipy", "sympy", "matplotlib", "ipywidgets", "IPython"]
    assert (
        python(f"import sys; from landscape_nb import {names}; print([m for m in {heavy} if m in sys.modules])") == "[]"
    )


def test_figures_load_matplotlib_and_no_widgets():
    program = "import sys, landscape_nb; landscape_nb.figures.kernels; print('ipywidgets' in sys.modules)"
    assert python("import landscape_nb; print(landscape_nb.figures.__name__)") == "landscape_nb.figures"
    assert python(program.replace("landscape_nb.figures.kernels", "import landscape_nb.figures.kernels")) == "False"


def test_a_star_import_brings_exactly_the_public_names():
    program = "names = {}; exec('from landscape_nb import *', names); print(*sorted(n for n in names if n[0] != '_'))"
    assert python(program).split() == sorted(PROMISED)


def test_the_first_lines_of_the_documentation_run():
    import doctest

    assert doctest.testmod(landscape_nb).attempted > 0
    assert doctest.testmod(landscape_nb).failed == 0
