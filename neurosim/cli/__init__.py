"""The command ``neurosim``: the only room that prints."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

from neurosim._memory import collect_rarely

__all__ = ["main"]

_INTERRUPTED = 130
#: As in workers, matrices are small here: NumPy would take longer to start more threads than they could gain.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
#: With these a run may have no workers here.
_ELSEWHERE = ("--cluster", "--workers", "--dry-run", "--help")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave with its status: 0 done, 1 some trials failed, 2 wrong input, 130 interrupted."""
    if arguments is None:
        # the first that is registered is called last
        atexit.register(_leave)
    collect_rarely()
    for library in _THREADS:
        os.environ.setdefault(library, "1")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with _workers_begun(given):
            _LEFT.append(_status(given))
    except KeyboardInterrupt:
        # before the command listens, or after it has said so
        _LEFT.append(_INTERRUPTED)
    sys.exit(_LEFT[-1])


#: Status of the commands that ended.
_LEFT: list[int] = []


def _leave() -> None:
    """End the process as soon as all threads and all who wanted to be told have ended.

    Its memory goes with it: the interpreter need not take apart what is there, which takes longer than to print a table.
    """
    for stream in (sys.stdout, sys.stderr):
        # None where its reader had gone
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    # 1: an error that is none of ours, whose traceback was printed
    os._exit(_LEFT[-1] if _LEFT else 1)


def _workers_begun(arguments: list[str]) -> contextlib.AbstractContextManager[None]:
    """Have workers of a run import while its command is read, unless it says that it has none here."""
    if arguments[:1] != ["run"] or any(word.startswith(_ELSEWHERE) for word in arguments):
        return contextlib.nullcontext()
    from neurosim.runner.place import early_nursery

    return early_nursery()


def _status(arguments: list[str]) -> int:
    from neurosim.cli.console import error
    from neurosim.errors import NeurosimError

    signal.signal(signal.SIGTERM, _interrupt)
    try:
        from neurosim.cli.app import app

        status = app(arguments, prog_name="neurosim", standalone_mode=False) or 0
        if status == _INTERRUPTED and not error.n_said:
            error("interrupted before anything ran")
        return status
    except KeyboardInterrupt:
        error("interrupted")
        return _INTERRUPTED
    except NeurosimError as problem:
        error(str(problem))
        return 2
    except (BrokenPipeError, SystemExit):
        # The reader of a pipe has gone (head, less): what it wanted it has. Typer makes an exit of it, and of nothing else.
        sys.stdout = None
        return 0
    except Exception as problem:
        # Wrong usage: typer brings its own tree of errors, which has moved between its versions.
        words = getattr(problem, "format_message", None)
        if words is None:
            raise
        if type(problem).__name__ == "NoArgsIsHelpError":
            print(words())
        else:
            error(f"{words().rstrip('.')} (see 'neurosim {_command(arguments)}--help')")
        return 2


def _command(arguments: list[str]) -> str:
    from neurosim.cli.app import COMMANDS

    return f"{arguments[0]} " if arguments and arguments[0] in COMMANDS else ""


def _interrupt(*_: object) -> None:
    """A polite request to end is treated like Ctrl-C, so that workers and programs end too."""
    raise KeyboardInterrupt
