"""Work on a thread of its own: it reports, ends, fails and stops."""

import contextvars
import threading
import time

import pytest

from landscape_nb.labs.job import Job

WHO = contextvars.ContextVar("who", default="nobody")


@pytest.fixture
def ends():
    return []


def started(work, ends, report=lambda job, share: None):
    job = Job(work, lambda job, result, error: ends.append((result, error)), report)
    job.start()
    return job


def test_the_result_is_handed_over_once_the_work_is_done(ends):
    job = started(lambda progress: 42, ends)
    assert job.wait(10) and ends == [(42, None)]


def test_what_the_work_raises_is_handed_over(ends):
    error = ZeroDivisionError("planted")

    def work(progress):
        raise error

    assert started(work, ends).wait(10) and ends == [(None, error)]


def test_a_stopped_job_ends_at_its_next_step_and_hands_nothing_over(ends):
    entered = threading.Event()

    def work(progress):
        while True:
            entered.set()
            progress(0.1)
            time.sleep(0.001)

    job = started(work, ends)
    assert entered.wait(10) and not job.wait(0)
    job.stop()
    assert job.wait(1.0) and ends == []


def test_a_job_that_is_stopped_after_its_last_step_hands_nothing_over(ends):
    entered, go_on = threading.Event(), threading.Event()

    def work(progress):
        entered.set()
        go_on.wait(10)
        return 42

    job = started(work, ends)
    assert entered.wait(10)
    job.stop()
    go_on.set()
    assert job.wait(10) and ends == []


def test_it_reports_how_far_it_is_a_few_times_a_second_and_not_at_each_step(ends):
    shares = []

    def work(progress):
        began = time.monotonic()
        while (passed := time.monotonic() - began) < 0.6:
            progress(passed)
            time.sleep(0.001)

    assert started(work, ends, lambda job, share: shares.append(share)).wait(30)
    assert 1 <= len(shares) <= 4 and shares == sorted(shares)


def test_the_work_runs_in_the_context_of_the_caller(ends):
    token = WHO.set("somebody")
    try:
        assert started(lambda progress: WHO.get(), ends).wait(10)
    finally:
        WHO.reset(token)
    assert ends == [("somebody", None)]
