"""Print the installed packages as exact pins, for `make pins`: name==version and nothing of this machine."""

import argparse
import re
from importlib.metadata import distributions
from pathlib import Path

NOT_PINNED = {"pip", "setuptools", "wheel", "landscape-nb"}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> list[str]:
    installed = {normalised(found.metadata["Name"]): found.version.split("+")[0] for found in distributions()}
    return [f"{name}=={version}" for name, version in sorted(installed.items()) if name not in NOT_PINNED]


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--without", type=Path, help="leave out the pins that stand in this file")
    known = arguments.parse_args().without
    already = set(known.read_text().splitlines()) if known else set()
    print("# Written by `make pins`. Exact versions of the environment that the tests ran in.")
    print("\n".join(pin for pin in pins() if pin not in already))
