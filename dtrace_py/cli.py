"""The command ``dtpy``: the flags of dtrace(1M) (contract section 11), turned into a Job."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO, NoReturn, TextIO

import click

from dtrace_py import __version__
from dtrace_py.errors import DtpyError, InternalError, UsageError
from dtrace_py.job import Job, Mode
from dtrace_py.lang.source import Field, Source, as_bytes
from dtrace_py.options import Options
from dtrace_py.output.sink import Sink

_CONTEXTS = {"P": Field.PROVIDER, "m": Field.MODULE, "f": Field.FUNCTION, "n": Field.NAME, "i": Field.NAME}

_UNSUPPORTED = {
    "3": "the 32-bit data model (-32) is not supported: the kernel's is of 64 bits",
    "a": "anonymous tracing (-a) is not supported: nothing traces before there are processes",
    "A": "anonymous tracing (-A) is not supported: nothing traces before there are processes",
}
"""Flags that DTrace has and that mean nothing here; they are refused rather than ignored."""

_MODES = {"h": Mode.HEADER, "G": Mode.OBJECT, "l": Mode.LIST, "e": Mode.COMPILE}

_WITH_VALUE = frozenset("36bcDfiILmnopPsUxX")
_SHORTHANDS = {
    "C": "cpp",
    "D": "define",
    "F": "flowindent",
    "H": "cpphdrs",
    "I": "incdir",
    "L": "libdir",
    "U": "undef",
    "X": "stdc",
    "Z": "zdefs",
    "b": "bufsize",
    "q": "quiet",
    "w": "destructive",
}
"""The options that flags set."""

_WITH_POSTMORTEM = frozenset({"o", "q", "F", "x", "postmortem"})
"""What of the command line concerns how records are printed."""

_HELP = {
    "P": "Trace or list probes of a provider.",
    "m": "... of [provider:]module.",
    "f": "... of [[provider:]module:]function.",
    "n": "... of [[[provider:]module:]function:]name.",
    "i": "... with an id.",
    "s": "Trace or list by a script; what follows are its $1, $2, ...",
    "c": "Run a command while tracing; its id is $target.",
    "p": "Trace with this process as $target.",
    "l": "List probes instead of tracing.",
    "e": "Stop after compiling.",
    "q": "Quiet: print only what programs print.",
    "F": "Indent by function entry and return.",
    "x": "Set an option: name or name=value.",
    "b": "Size of each CPU's buffer, such as 4m.",
    "o": "Append trace output to a file.",
    "B": "Write output in blocks, not line by line; it always is.",
    "C": "Put scripts through the C preprocessor first.",
    "D": "... with a macro: name or name=value.",
    "U": "... without a macro.",
    "I": "... with a folder to look for headers in.",
    "L": "Compile the D libraries of a folder before the programs.",
    "H": "... with a list of the headers it reads, on standard error.",
    "X": "... in a dialect: a, c, s or t; s is traditional C.",
    "S": "Show the generated C on standard error.",
    "v": "Verbose: stability, and what was left out and why.",
    "h": "Write a C header for the probes of the providers that programs declare, to -o or after the script.",
    "G": "Write an object for them to be linked with, likewise; what follows are the objects that use them.",
    "V": "Print the version of the D language.",
    "w": "Permit destructive actions.",
    "Z": "Permit descriptions that match no probe.",
}


class _Command(click.Command):
    """A command that also remembers its options in the order given, which click by itself does not."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            values, _, order = self.make_parser(ctx).parse_args(args=list(args))
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # for the usage line
            raise
        left = {name: iter(given) for name, given in values.items() if isinstance(given, list)}
        ctx.meta["given"] = [
            (str(parameter.name), next(left[parameter.name]) if parameter.name in left else None)
            for parameter in order
            if isinstance(parameter, click.Option) and parameter.name is not None
        ]
        return super().parse_args(ctx, args)


def _flags() -> list[click.Parameter]:
    flags: list[click.Parameter] = []
    for letter in [*_HELP, *_UNSUPPORTED, "6"]:
        hidden = letter not in _HELP
        if letter in _WITH_VALUE:
            flags.append(
                click.Option([f"-{letter}", f"f_{letter}"], multiple=True, help=_HELP.get(letter), hidden=hidden)
            )
        else:
            flags.append(
                click.Option([f"-{letter}", f"f_{letter}"], is_flag=True, help=_HELP.get(letter), hidden=hidden)
            )
    return [
        *flags,
        click.Option(["--report"], metavar="FILE", help="Write what the run cost and counted as JSON."),
        click.Option(["--postmortem"], metavar="FILE", help="Print the records in the memory dump of a dead machine."),
        click.Argument(["operands"], nargs=-1, type=click.UNPROCESSED),
    ]


def _command(handle: Callable[..., Any]) -> _Command:
    return _Command(
        "dtpy",
        params=_flags(),
        callback=handle,
        help="Trace the running kernel with D programs, as DTrace does.",
        epilog="Exit status: 0; 1 after a fatal error; 2 for a wrong command line; or what a program gave to exit().",
        context_settings={"help_option_names": ["--help"], "max_content_width": 100},
    )


def main() -> None:
    """The entry point."""
    # A short run has no cycles worth looking for among the tens of thousands of tuples it makes; tracing turns it on again.
    gc.disable()
    _reserve_standard_files()
    stdout = open(1, "wb", buffering=0, closefd=False)  # noqa: SIM115
    name = os.path.basename(sys.argv[0])
    # Python calls it by the name of a file when it is run as a module.
    status = run(sys.argv[1:], stdout, sys.stderr, "dtpy" if name in ("", "__main__.py") else name)
    # Everything is closed and written by now; taking the interpreter apart object by object would only cost time.
    os._exit(status)


def _reserve_standard_files() -> None:
    """Where the caller has closed one, no map or program of ours may become it; writing to standard output still fails (U78)."""
    for number, how in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, how), True)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def run(arguments: list[str], stdout: BinaryIO, stderr: TextIO, name: str = "dtpy") -> int:
    """Run the command; returns its exit status. Messages go to ``stderr``, trace output to ``stdout``."""

    def complain(text: str) -> None:
        # What nobody can read is no reason to stop.
        with suppress(OSError):
            print(f"{name}: {text}", file=stderr, flush=True)

    command = _command(lambda **given: _handle(given, stdout, complain, name))
    try:
        with command.make_context(name, list(arguments)) as context:
            if not arguments:
                print(context.get_usage(), file=stderr)
                return 2
            status: int = command.invoke(context)
            return status
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.UsageError as error:
        error.show(stderr)
        return 2
    except DtpyError as error:
        complain(str(error))
        return error.status
    except KeyboardInterrupt:
        return 130


def _handle(given: dict[str, Any], stdout: BinaryIO, complain: Callable[[str], None], name: str) -> int:
    order: list[tuple[str, str | None]] = click.get_current_context().meta["given"]
    flags = [(key.removeprefix("f_"), value) for key, value in order]
    letters = {letter for letter, _ in flags}
    if wrong := _combination(flags):
        raise UsageError(wrong)
    for letter, value in flags:
        if (letter, value) not in {("3", "2"), ("6", "4")} and letter in "36":
            raise UsageError(f"illegal option -- {letter}{value}")
        if letter in _UNSUPPORTED:
            raise DtpyError(_UNSUPPORTED[letter])
    if given["postmortem"] is not None and (given["operands"] or letters - _WITH_POSTMORTEM):
        raise UsageError("--postmortem traces nothing: it goes with -o, -q, -F and -x only")
    if "V" in letters:
        sink = Sink(stdout, "stdout")
        sink.write(f"{name}: Sun D 1.13\n")
        if "v" in letters:
            sink.write(f"This is dtpy {__version__}\n")
        sink.flush()
        return 0
    job = Job(
        sources=tuple(_sources(flags)),
        operands=() if "G" in letters else tuple(map(as_bytes, given["operands"])),
        objects=given["operands"] if "G" in letters else (),
        options=_options(flags),
        mode=next((mode for letter, mode in _MODES.items() if letter in letters), Mode.TRACE),
        verbose="v" in letters,
        show_code="S" in letters,
        output=next((value for letter, value in reversed(flags) if letter == "o"), None),
        report=given["report"],
        targets=tuple((letter, value) for letter, value in flags if letter in "cp" and value is not None),
        dump=given["postmortem"],
        command=name,
    )
    # Imported late: what only says how it is used has no need of the rest.
    from dtrace_py.kernel.machine import Machine
    from dtrace_py.session import Session

    try:
        return Session(job, Machine(), stdout, complain).run()
    except Exception as error:
        if job.options.flag("core") and (isinstance(error, InternalError) or not isinstance(error, DtpyError)):
            _dump_core()
        raise


def _dump_core() -> NoReturn:
    """End with a core dump: something is wrong within dtpy (option core)."""
    import resource
    import traceback

    traceback.print_exc()
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    os.abort()


def _combination(flags: list[tuple[str, str | None]]) -> str | None:
    """What is wrong with these flags together (M3, M29, M30, -B)."""
    given = {letter for letter, _ in flags}
    programs = [(letter, value or "") for letter, value in flags if letter in {"s", *_CONTEXTS}]
    unnamed = "h" in given and "o" not in given
    rules = {
        "only one of the [-AGhlV] options can be specified at a time": len(given & set("AGhlV")) > 1,
        "-B not valid in combination with [-AGl] options": "B" in given and given & set("AGl"),
        "-B not valid in combination with -o option": {"B", "o"} <= given,
        "-G requires one or more scripts or enabling options": "G" in given and not programs,
        "-h requires one or more scripts or enabling options": "h" in given and not programs,
        "-h requires an output file if multiple scripts are specified": unnamed and len(programs) > 1,
        "-h requires an output file if no scripts are specified": unnamed
        and not any(letter == "s" and value.endswith(".d") for letter, value in programs),
    }
    return next((text for text, broken in rules.items() if broken), None)


def _options(flags: list[tuple[str, str | None]]) -> Options:
    """The options that flags set, in order, so that the last one wins (X9)."""
    options = Options()
    options.set_from(os.environ)
    for letter, value in flags:
        try:
            if letter in _SHORTHANDS:
                options.set(_SHORTHANDS[letter], value)
            elif letter == "x" and value is not None:
                name, equals, text = value.partition("=")
                options.set(name, text if equals else None)
        except ValueError as error:
            what = f"{letter} {value}" if value is not None else letter
            raise DtpyError(f"failed to set -{what}: {error}{_notes(error)}") from None
    return options


def _notes(error: Exception) -> str:
    return "".join(f"\n  {note}" for note in getattr(error, "__notes__", ()))


def _sources(flags: list[tuple[str, str | None]]) -> Iterator[Source]:
    """The programs, in order (M5, M7)."""
    for letter, value in flags:
        if letter in _CONTEXTS and value is not None:
            yield Source(as_bytes(value), _CONTEXTS[letter])
        elif letter == "s" and value is not None:
            try:
                with open(value, encoding="latin-1", newline="") as file:
                    text = file.read()
            except OSError as error:
                raise DtpyError(f"failed to open {value}: {error.strerror}") from error
            yield Source(text, path=as_bytes(value))
