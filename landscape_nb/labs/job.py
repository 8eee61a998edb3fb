"""Long computations in the background: they tell how far they are and can be stopped."""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from .computation import Interrupted, Progress

#: WebAssembly has no threads: there long computations run in place.
THREADS = sys.platform != "emscripten"
_SECONDS_BETWEEN_REPORTS = 0.15


class Job:
    """One computation on a thread of its own.

    work(progress) computes. done(job, result, error) is called on that thread at the end, unless the job was stopped; report(job, share)
    in between, a few times a second.
    """

    def __init__(
        self,
        work: Callable[[Progress], Any],
        done: Callable[[Job, Any, Exception | None], None],
        report: Callable[[Job, float], None],
    ) -> None:
        self._work, self._done, self._report = work, done, report
        self._stopped = threading.Event()
        self._began = self._reported = time.monotonic()
        # in the context of the caller, from which the kernel knows to whom its messages go
        self._thread = threading.Thread(target=contextvars.copy_context().run, args=(self._run,), daemon=True)

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._began

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the computation to stop; it does at the next step, and then reports nothing."""
        self._stopped.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the thread has ended; whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _progress(self, share: float) -> None:
        if self._stopped.is_set():
            raise Interrupted
        now = time.monotonic()
        if now - self._reported >= _SECONDS_BETWEEN_REPORTS:
            self._reported = now
            self._report(self, share)

    def _run(self) -> None:
        result, error = None, None
        try:
            result = self._work(self._progress)
        except Interrupted:
            return
        except Exception as caught:
            error = caught
        if not self._stopped.is_set():
            self._done(self, result, error)
