"""Worker processes: many small questions in order and in bounded memory, and an end that leaves nothing behind."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing import active_children, get_context
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

#: Questions per worker that wait or are being answered.
AHEAD = 8
_asked: list[Callable[[int], Any]] = []


def packed(question: Callable[[int], Any]) -> bytes | None:
    """Return a question as other processes can read it; ``None`` where they cannot (it is defined in a script)."""
    try:
        text = pickle.dumps(question)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return None if b"__main__" in text else text


def ask(question: bytes, numbers: range, workers: int) -> Iterator[Any]:
    """Yield the answers to a packed question for each number, in order.

    Parameters
    ----------
    question
        From :func:`packed`.
    numbers
        What to ask for.
    workers
        Processes to start; all end with the iteration, however it ends.
    """
    waiting: deque[Future[Any]] = deque()
    left = iter(numbers)
    with crew(workers, partial(_start, question)) as pool:
        with deaf(), _no_script():
            waiting.extend(pool.submit(_answer, number) for number in islice(left, AHEAD * workers))
        while waiting:
            told = waiting.popleft().result()
            waiting.extend(pool.submit(_answer, number) for number in islice(left, 1))
            yield told


@contextmanager
def crew(workers: int, start: Callable[[], None] | None = None) -> Iterator[ProcessPoolExecutor]:
    """Yield fresh processes of one thread each; an error or an interrupt ends them at once.

    Parameters
    ----------
    workers
        How many.
    start
        Called in each before its first work.
    """
    others = active_children()
    with _one_thread_each(), ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(start,)
    ) as pool:  # fmt: skip
        try:
            yield pool
        except BaseException:
            with deaf():
                _hang_up(pool)
                for worker in active_children():
                    if worker not in others:
                        worker.terminate()
                pool.shutdown(wait=True, cancel_futures=True)
            raise


def _hang_up(pool: ProcessPoolExecutor) -> None:
    """Close our own end of the pipe that workers answer through.

    A worker that is ended while it writes leaves half an answer. As long as any end to write to is open, the pool waits
    for the other half, for ever; with ours closed it sees that nobody is left.
    """
    writer = getattr(getattr(pool, "_result_queue", None), "_writer", None)
    if writer is not None:
        writer.close()


def _begin(start: Callable[[], None] | None) -> None:
    """Let the progress bars of a worker lock within it: a semaphore shared by processes would outlive its end."""
    from tqdm.std import tqdm

    tqdm.set_lock(threading.RLock())
    if start is not None:
        start()


def _start(question: bytes) -> None:
    _asked[:] = [pickle.loads(question)]  # noqa: S301 - from the parent process


def _answer(number: int) -> Any:
    return _asked[0](number)


@contextmanager
def deaf() -> Iterator[None]:
    """Hold an interrupt back until the end; processes started meanwhile never hear one.

    The terminal sends an interrupt to every process: only the parent answers it, and ends the workers itself. A worker
    that handled it on its own would miss one that comes before its handler is set, and work on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears interrupts
        return
    heard: list[tuple[Any, ...]] = []
    # Blocking is inherited by what is started; but another thread may take the signal for us, so it is also caught.
    before = signal.signal(signal.SIGINT, lambda *caught: heard.append(caught))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None
    try:
        yield
    finally:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
    if heard and callable(before):
        before(*heard[0])


@contextmanager
def _no_script() -> Iterator[None]:
    """Start processes that do not run the user's script again; what they are asked is not defined there."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let each worker's linear algebra run on one thread: several to a core only wait for each other."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    added = [name for name in names if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
