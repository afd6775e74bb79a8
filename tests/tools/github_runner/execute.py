"""Runs a launch to its end, feeds its output to a processor, and cancels it the way the runner cancels a job."""

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

from .lines import LineSplitter

CANCEL = ((0.0, signal.SIGINT), (7.5, signal.SIGTERM), (10.0, signal.SIGKILL))
"""Seconds after the cancellation, and the signal which the docker client then gets."""


@dataclass
class Cancellation:
    """When the job is cancelled: some seconds after its start, or as soon as a line contains a text."""

    after: float | None = None
    text: str | None = None
    _began: float = field(default_factory=time.monotonic)
    _at: float | None = None

    def start(self):
        """The step begins now."""
        self._began = time.monotonic()
        self._at = None if self.after is None else self._began + self.after

    def hear(self, line):
        """Takes a line of the step's output."""
        if self.text and self._at is None and self.text in line:
            self._at = time.monotonic()

    def due(self, already_sent):
        """The signal that is to be sent now, or `None`."""
        if self._at is None or already_sent == len(CANCEL):
            return None
        delay, number = CANCEL[already_sent]
        return number if time.monotonic() >= self._at + delay else None


@dataclass
class Ended:
    """How a process ended."""

    exit: int
    """The exit code; for a process that a signal ended, 128 and the signal's number."""
    seconds: float
    signals: list = field(default_factory=list)
    timed_out: bool = False
    left_running: bool = False
    """Whether the container outlived its client, as it does after the last signal."""


def execute(launch, processor, watch=None, cancellation=None, timeout=600.0):
    """Runs until the end. `watch` gets every line as it comes; at `timeout` everything is killed, which no runner does."""
    cancellation = cancellation or Cancellation()
    began = time.monotonic()
    cancellation.start()
    process = _start(launch)
    readers = _read_both(process, lambda line, end: _take(processor, cancellation, watch, line, end))
    signals = _wait(process, began + timeout, cancellation)
    ended = Ended(_code(process.returncode), 0.0, signals, timed_out=signals[-1:] == ["TIMEOUT"])
    ended.left_running = _remove_container(launch.container)
    for reader in readers:
        reader.join(timeout=10)
    ended.seconds = round(time.monotonic() - began, 3)
    return ended


def _start(launch):
    pipe = subprocess.PIPE
    return subprocess.Popen(
        launch.command,
        env=launch.environment,
        cwd=launch.folder,
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        # A signal for us is not meant for the step: the runner decides what a step gets.
        start_new_session=True,
        # A shell starts what it puts in the background with interrupts ignored, and a child inherits that: the runner's does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def _read_both(process, take):
    """Reads both streams in threads; `take` gets one line at a time, whichever stream it came from."""
    lock = threading.Lock()
    readers = [threading.Thread(target=_read, args=(pipe, lock, take), daemon=True) for pipe in (process.stdout, process.stderr)]
    for reader in readers:
        reader.start()
    return readers


def _read(pipe, lock, take):
    splitter = LineSplitter()
    while chunk := os.read(pipe.fileno(), 65536):
        _hand_over(splitter.feed(chunk), lock, take)
    _hand_over(splitter.close(), lock, take)
    pipe.close()


def _hand_over(lines, lock, take):
    with lock:
        for line, end in lines:
            take(line, end)


def _take(processor, cancellation, watch, line, end):
    processor.take(line, end)
    cancellation.hear(line)
    if watch:
        watch(line)


def _wait(process, deadline, cancellation):
    """Waits for the end and sends what is due meanwhile; the names of the signals that were sent."""
    sent = []
    while process.poll() is None:
        if (number := cancellation.due(len(sent))) is not None:
            process.send_signal(number)
            sent.append(number.name)
        elif time.monotonic() >= deadline:
            process.kill()
            process.wait()
            return [*sent, "TIMEOUT"]
        time.sleep(0.01)
    return sent


def _code(returncode):
    return returncode if returncode >= 0 else 128 - returncode


def _remove_container(name):
    """Removes a container that outlived its client; whether there was one that still ran."""
    if name is None:
        return False
    found = subprocess.run(["docker", "ps", "-q", "--filter", f"name=^{name}$"], capture_output=True, text=True, check=False)
    if found.stdout.strip():
        subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)
    return bool(found.stdout.strip())
