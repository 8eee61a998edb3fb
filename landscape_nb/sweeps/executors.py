"""Batches of seeds in this process, in processes of our own, or through any executor; interrupted, what is done is kept."""

from __future__ import annotations

import math
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import FrameType

import numpy as np

from ..flows import Interrupted
from .rows import Job, Row, Settings, flow_of_a_batch, job_of

#: Seeds that flow together in one process, and the entries of their Hessians together: 160 MB.
_BATCH, _ENTRIES = 25, 2e7


_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@contextmanager
def worker_processes(executor: Executor | str | int | None) -> Iterator[tuple[Executor | None, int]]:
    """The executor that was asked for, and how many seeds wait in parallel: None, "processes", a number of them, or an Executor.

    Processes that are started here have one BLAS thread each, and end with the block. Other executors are used and left open.
    """
    if executor is None or isinstance(executor, Executor):
        yield executor, 1 if executor is None else 4
        return
    if executor == "processes":
        executor = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(executor, bool) or not isinstance(executor, (int, np.integer)) or executor < 1:
        raise ValueError(
            "executor is None, 'processes', a number of processes of at least 1, or a concurrent.futures.Executor "
            f"(for dask: client.get_executor()); {executor!r:.80} was given"
        )
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    others = {process.pid for process in multiprocessing.active_children()}
    pool = ProcessPoolExecutor(
        int(executor), mp_context=multiprocessing.get_context("spawn"), initializer=_leave_interrupts_to_the_parent
    )
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))  # read by BLAS when a worker loads NumPy
    try:
        yield pool, int(executor)
        pool.shutdown()
    except BaseException:
        for process in multiprocessing.active_children():
            if process.pid not in others:
                process.terminate()
        pool.shutdown()  # what was waiting is marked as broken: a future cancelled before would make Python 3.11 print a traceback
        raise
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Stopped(Exception):
    """Ends the block of the worker processes after an interruption."""


Take = Callable[["Settings", tuple[Row, ...]], None]
Show = Callable[[float], None]


def work(
    todo: Sequence[tuple[Settings, tuple[int, ...]]],
    executor: Executor | str | int | None,
    batch: int | None,
    take: Take,
    show: Show,
) -> bool:
    """Flow on all seeds in batches, hand over the rows as they finish; whether everything was done."""
    if batch is not None and (isinstance(batch, bool) or not isinstance(batch, (int, np.integer)) or batch < 1):
        raise ValueError(f"batch is the number of seeds that flow together, at least 1; {batch!r} was given")
    total = sum(len(seeds) for _, seeds in todo)
    if not total:
        return True
    try:
        with worker_processes(executor) as (pool, parallel):
            jobs = []
            for settings, seeds in todo:
                size = batch or _batch_size(settings.parameters, total, 1 if pool is None else 2 * parallel)
                for place in range(0, len(seeds), size):
                    jobs.append((settings, job_of(settings, seeds[place : place + size], pool is not None)))
            done = (
                _here(jobs, total, take, show)
                if pool is None
                else _elsewhere(pool, jobs, total, take, show, isinstance(executor, Executor))
            )
            if not done:
                raise _Stopped
    except _Stopped:
        return False
    except BrokenProcessPool:
        raise ChildProcessError(
            "the worker processes ended before their work was done (too little memory, or a script that calls sweep outside of "
            "`if __name__ == '__main__':`, which every worker then runs again); rows in the results file are kept"
        ) from None
    return True


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C waits until the block is done: rows are in the file and in the sweep, or in neither."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    waiting: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: waiting.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if waiting:
        before(*waiting[0])


def _batch_size(p: int, seeds: int, parts: int) -> int:
    """How many seeds flow together: few enough for the memory, and so that there is work for all."""
    return max(1, min(_BATCH, int(_ENTRIES // p**2), math.ceil(seeds / parts)))


def _here(jobs: Sequence[tuple[Settings, Job]], total: int, take: Take, show: Show) -> bool:
    """The work in this process."""
    done = 0

    def share_of_all(share: float) -> None:
        show((done + share * len(job.seeds)) / total)

    try:
        for settings, job in jobs:
            share_of_all(0.0)
            rows = flow_of_a_batch(job, share_of_all)
            with _undisturbed():
                take(settings, rows)
            done += len(job.seeds)
            if len(rows) < len(job.seeds):
                return False
    except (KeyboardInterrupt, Interrupted):
        return False
    return _shown(show)


def _shown(show: Show) -> bool:
    try:
        show(1.0)
    except (KeyboardInterrupt, Interrupted):
        pass  # everything is done
    return True


def _elsewhere(
    pool: Executor, jobs: Sequence[tuple[Settings, Job]], total: int, take: Take, show: Show, cancel: bool
) -> bool:
    """The work through an executor. cancel : whether what waits is cancelled after an interruption; workers of our own are ended."""
    try:
        pickle.dumps(jobs[0][1])
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        name = jobs[0][0].landscape.activation.name
        raise ValueError(
            f"the activation {name} cannot be sent to other processes ({error}); leave executor out for a sweep in this one"
        ) from None
    futures: dict[Future[tuple[Row, ...]], Settings] = {}
    done = 0

    def keep(future: Future[tuple[Row, ...]]) -> int:
        """Take the rows of a future, once."""
        rows = future.result()
        with _undisturbed():
            take(futures.pop(future), rows)
        return len(rows)

    try:
        for settings, job in jobs:
            futures[pool.submit(flow_of_a_batch, job)] = settings
        show(0.0)
        for future in as_completed(list(futures)):
            done += keep(future)
            if done < total:
                show(done / total)
    except BaseException as error:
        if cancel:
            for future in futures:
                future.cancel()
        for future in list(futures):
            if future.done() and not future.cancelled() and future.exception() is None:
                keep(future)
        if isinstance(error, (KeyboardInterrupt, Interrupted)):
            return False
        raise
    return _shown(show)


@contextmanager
def progress_bar(progress: bool | Callable[[float], None], total: int, what: str) -> Iterator[Show]:
    """A progress bar that counts seeds, or the user's function of the share done."""
    if callable(progress):
        yield progress
        return
    if not progress or not total:
        yield lambda share: None
        return
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    with tqdm(
        total=total,
        desc=what,
        unit="seed",
        bar_format="{desc} {percentage:3.0f}% |{bar}| {n:.0f}/{total} [{elapsed}<{remaining}]",
    ) as bar:

        def show(share: float) -> None:
            bar.update(share * total - bar.n)

        yield show
