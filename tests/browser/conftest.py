"""One real JupyterLab, Notebook 7, Voila and Chromium for all browser tests; everything they start ends with them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from browser.page_in_jupyterlab import NOTEBOOKS

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --force-color-profile=srgb"
).split()
SETTINGS = {  # as a user has them, except for what would make a run depend on luck
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight stay in the document
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}


def chromium() -> str | None:
    return next((path for name in CHROMIUMS if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium_path():
    path = chromium()
    if path is None:
        sentence = (
            f"the browser test needs one of {', '.join(CHROMIUMS)} on the PATH (Debian: apt-get install chromium)"
        )
        if os.environ.get("CI"):
            pytest.fail(sentence)
        warnings.warn_explicit(f"BROWSER TEST SKIPPED: {sentence}", UserWarning, __file__, 1)
        pytest.skip(f"BROWSER TEST SKIPPED: {sentence}")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end(process: subprocess.Popen) -> None:
    """Ask the server's process group to stop, then insist: kernels are in it and must not outlive the test."""
    for sign, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 15)):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            return
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


class Server(NamedTuple):
    address: str
    pages: Path  # the folder that it serves


def copy_of_the_pages(home: Path) -> Path:
    return Path(shutil.copytree(NOTEBOOKS, home / "pages", ignore=shutil.ignore_patterns("*.py", ".*", "__pycache__")))


def environment(home: Path) -> dict[str, str]:
    """As for a user who has never started Jupyter; whatever is written goes to this folder."""
    return {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def store(settings: dict[str, dict], home: Path) -> None:
    """Settings as a user would have stored them, by the plugin's name."""
    for name, values in settings.items():
        file = home / "settings" / f"{name.replace(':', '/')}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))


@contextmanager
def served(name: str, home: Path, command: list[str], port: int, probe: str) -> Iterator[str]:
    """A server while it answers at its probe; its address."""
    log = home / "server.log"
    address = f"http://127.0.0.1:{port}"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            env=environment(home),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            for _ in range(240):
                if process.poll() is not None:
                    pytest.fail(f"{name} did not start:\n" + log.read_text()[-3000:])
                try:
                    with urllib.request.urlopen(address + probe, timeout=5):
                        break
                except OSError:
                    time.sleep(0.25)
            else:
                pytest.fail(f"{name} did not answer within a minute:\n" + log.read_text()[-3000:])
            yield address
        finally:
            end(process)


@contextmanager
def jupyter(name: str, module: str, home: Path, *options: str) -> Iterator[Server]:
    """JupyterLab or Notebook 7, serving a copy of the pages; their kernels end with it."""
    pages, port = copy_of_the_pages(home), free_port()
    command = [
        *(module, "--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
        *("--IdentityProvider.token=", f"--ServerApp.root_dir={pages}", *options),
        # should the tests be killed, the server ends by itself
        *("--ServerApp.shutdown_no_activity_timeout=900", "--MappingKernelManager.cull_idle_timeout=600"),
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
    ]
    with served(name, home, command, port, "/api") as address:
        yield Server(address, pages)
        for kernel in json.load(urllib.request.urlopen(f"{address}/api/kernels", timeout=10)):
            stop = urllib.request.Request(f"{address}/api/kernels/{kernel['id']}", method="DELETE")
            with urllib.request.urlopen(stop, timeout=30):
                pass


@pytest.fixture(scope="session")
def jupyterlab(chromium_path, tmp_path_factory):
    """A JupyterLab that serves a copy of the pages and knows no settings of this user."""
    home = tmp_path_factory.mktemp("jupyterlab")
    store(SETTINGS, home)
    options = "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"
    with jupyter("JupyterLab", "jupyterlab", home, *options) as server:
        yield server


@pytest.fixture(scope="session")
def notebook(chromium_path, tmp_path_factory):
    """A Notebook 7 that does the same, with the settings that Binder has: its own take the arrow keys from the sliders."""
    home = tmp_path_factory.mktemp("notebook")
    store(json.loads((NOTEBOOKS.parent / "binder" / "overrides.json").read_text()), home)
    with jupyter("Notebook 7", "notebook", home, "--JupyterNotebookApp.expose_app_in_browser=True") as server:
        yield server


@pytest.fixture(scope="session")
def voila(chromium_path, tmp_path_factory):
    """The pages in Voila, as `landscape-nb dashboard` serves them."""
    home = tmp_path_factory.mktemp("voila")
    pages, port = copy_of_the_pages(home), free_port()
    command = ["landscape_nb", "dashboard", str(pages / "00_start.ipynb"), "--no-browser", f"--port={port}"]
    with served("Voila", home, command, port, "/") as address:
        yield Server(address, pages)


@pytest.fixture(scope="session")
def site(chromium_path, tmp_path_factory):
    """The address of the static site of `make site`."""
    home = tmp_path_factory.mktemp("site")
    build = ["make", "site", f"SITE={home / 'dist'}"]
    subprocess.run(build, cwd=NOTEBOOKS.parent, check=True, timeout=300, stdout=subprocess.DEVNULL)
    port = free_port()
    command = ["http.server", str(port), "--bind", "127.0.0.1", "--directory", str(home / "dist")]
    with served("the site", home, command, port, "/") as address:
        yield address


@pytest.fixture(scope="session")
def browser(chromium_path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
