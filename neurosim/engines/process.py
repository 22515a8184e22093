"""A compiled program at work: plans go to its standard input, results come from its standard output."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from neurosim.engines.base import NotFiniteError, Progress
from neurosim.errors import EngineError

__all__ = ["Process"]

#: Exit status of the program when a number is not finite (see driver.py).
_EXIT_NOT_FINITE = 4
_LAST_LINES = 5
#: Bytes in which the program says how long its results are.
_LENGTH = 8
_PART = 1 << 16


class Process:
    """A program that was started; a context manager.

    It has a session of its own, so that an interrupt reaches Python alone, which then ends it; should Python be killed, the
    program notices that its parent has changed and stops by itself.

    Parameters
    ----------
    directory : Path
        Of the program.

    Raises
    ------
    EngineError
        It cannot be started.
    """

    def __init__(self, directory: Path):
        self.words: deque[str] = deque(maxlen=_LAST_LINES)
        self.line = b""
        try:
            self.process = subprocess.Popen(
                [str(directory / "main")],
                cwd=directory,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise EngineError(f"{directory / 'main'} cannot be started: {error.strerror or error}") from error

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, chunks: Iterable[bytes | memoryview], progress: Progress | None = None) -> memoryview:
        """Hand over a plan, or what changes in it; returns the results.

        Raises
        ------
        EngineError
            The program has stopped before the end of its results; the message has its last words.
        """
        self._send(chunks)
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            ready.register(self.process.stderr, selectors.EVENT_READ)
            results = self._receive(ready, progress)
        if results is None:
            raise self._failure(self.process.wait())
        if progress is not None:
            progress(1.0)
        return results

    def _send(self, chunks: Iterable[bytes | memoryview]) -> None:
        left = memoryview(b"".join(chunks))
        # a program that has stopped says why by its exit status and its last words
        with contextlib.suppress(BrokenPipeError):
            while left:
                left = left[self.process.stdin.write(left) :]

    def _receive(self, ready: selectors.BaseSelector, progress: Progress | None) -> memoryview | None:
        """Results once they are whole, None if both ends close before; words are heard on the way."""
        buffer, place, has_length = memoryview(bytearray(_LENGTH)), 0, False
        while ready.get_map():
            for key, _ in ready.select():
                if key.fileobj is self.process.stderr:
                    if not self._hear(progress):
                        ready.unregister(key.fileobj)
                    continue
                n = self.process.stdout.readinto(buffer[place:])
                place += n
                if not n:
                    ready.unregister(key.fileobj)
                elif place == len(buffer) and has_length:
                    return buffer
                elif place == len(buffer):
                    buffer, place, has_length = memoryview(bytearray(int.from_bytes(buffer, "little"))), 0, True
        return None

    def _hear(self, progress: Progress | None) -> bool:
        """Take what was said on the standard error; False once that has ended."""
        part = os.read(self.process.stderr.fileno(), _PART)
        *lines, self.line = (self.line + part).split(b"\n") if part else (self.line, b"")
        for line in lines:
            words = line.decode(errors="replace").strip()
            if words.startswith("@P "):
                if progress is not None:
                    progress(float(words[3:]))
            elif words:
                self.words.append(words)
        return bool(part)

    def _failure(self, status: int) -> EngineError:
        words = " | ".join(self.words) or "it said nothing"
        if status == _EXIT_NOT_FINITE:
            return NotFiniteError(f"the numbers ran away: {words}")
        if status < 0:
            return EngineError(f"the compiled program was stopped by {signal.Signals(-status).name}: {words}")
        if status == 0:
            return EngineError(f"the compiled program ended before its results did: {words}")
        return EngineError(f"the compiled program stopped with status {status}: {words}")

    def close(self) -> None:
        """End the program, and the copies of itself that it made, if it is still at work."""
        # before its input is closed, at which it would end by itself with a status that depends on who is faster
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
