"""The processes of -c and -p: started or grabbed in the order of the command line, held until tracing goes on."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from dtrace_py.errors import DtpyError
from dtrace_py.process.objects import Objects
from dtrace_py.process.target import Target


class Targets:
    """All of them."""

    def __init__(self, each: Sequence[Target]) -> None:
        self._each = each
        self._told: set[int] = set()

    @property
    def first(self) -> int:
        """The id that $target stands for (L36)."""
        return self._each[0].process if self._each else 0

    def release(self, before_exit: Callable[[int], object]) -> None:
        """Let them run. ``before_exit`` is called with the id of each that is about to exit."""
        for target in self._each:
            target.before_exit = before_exit
            target.release()

    def ended(self, say: Callable[[str], object]) -> bool:
        """Whether all are gone, if there were any (M37); what there is to say of each is said once."""
        for target in self._each:
            if target.ended.is_set() and target.process not in self._told:
                self._told.add(target.process)
                say(notice(target))
        return bool(self._each) and len(self._told) == len({target.process for target in self._each})

    def leave(self) -> None:
        """Be done with them."""
        for target in self._each:
            target.leave()


def environment(options: Iterable[tuple[str, str | None]], before: Mapping[str, str]) -> dict[str, str]:
    """The environment of what -c starts: options setenv and unsetenv change it, in order."""
    changed = dict(before)
    for name, text in options:
        if name == "setenv" and text:
            variable, _, value = text.partition("=")
            changed[variable] = value
        elif name == "unsetenv" and text:
            changed.pop(text, None)
    return changed


@contextmanager
def targets(
    wanted: Iterable[tuple[str, str]], when: str, variables: Mapping[str, str] = os.environ
) -> Iterator[Targets]:
    """The processes that flags name: ("c", command), with these variables in its environment, or ("p", id).
    Raises DtpyError."""
    objects = Objects()
    with ExitStack() as stack:
        each: list[Target] = []
        for letter, text in wanted:
            target = created(text, when, objects, variables) if letter == "c" else grabbed(text)
            stack.callback(target.leave)
            each.append(target)
        yield Targets(each)


def notice(target: Target) -> str:
    """What is said of its end (U65)."""
    status = target.status
    if status is not None and os.WIFSIGNALED(status):
        return f"pid {target.process} terminated by {_signal_name(os.WTERMSIG(status))}"
    if status is not None and os.WEXITSTATUS(status):
        return f"pid {target.process} exited with status {os.WEXITSTATUS(status)}"
    return f"pid {target.process} has exited"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"SIG#{number}"


def grabbed(text: str) -> Target:
    """The process of -p. Raises DtpyError."""
    if not re.fullmatch(r"\s*[-+]?\d+", text, re.ASCII):
        raise DtpyError(f"invalid pid: {text}")
    number = int(text)
    target = Target(number if 0 < number < 1 << 31 else 0, created=False)
    try:
        target.follow(lambda: None, "", Objects())
    except OSError as error:
        raise DtpyError(f"failed to grab pid {number}: {error.strerror}") from error
    if target.ended.is_set():
        raise DtpyError(f"failed to grab pid {number}: No such process")
    return target


def created(command: str, when: str, objects: Objects, variables: Mapping[str, str]) -> Target:
    """The process of -c: its words are split at blanks, as no shell would (contract 11.2). Raises DtpyError (M35)."""
    words = command.split()
    if not words:
        raise DtpyError("failed to execute : No such file or directory")
    ready, begin = os.pipe()
    failed, failure = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(begin)
        _exec(words, variables, ready, failure)
    os.close(ready)
    os.close(failure)
    target = Target(process, created=True)
    try:
        target.follow(lambda: os.write(begin, b"."), when, objects)
        if number := os.read(failed, 4):  # nothing is left of the other end but in a child that could not exec()
            raise OSError(int.from_bytes(number, "little"), os.strerror(int.from_bytes(number, "little")))
    except OSError as error:
        target.leave()
        raise DtpyError(f"failed to execute {words[0]}: {error.strerror}") from error
    finally:
        os.close(begin)
        os.close(failed)
    return target


def _exec(words: list[str], variables: Mapping[str, str], ready: int, failure: int) -> None:
    """The life of the child up to exec(): it waits until it is followed."""
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python has set aside
            signal.signal(number, signal.SIG_DFL)
        if not os.read(ready, 1):
            os._exit(127)  # whoever wanted it is gone
        os.execvpe(words[0], words, variables)
    except OSError as error:
        os.write(failure, (error.errno or 0).to_bytes(4, "little"))
    finally:
        os._exit(127)
