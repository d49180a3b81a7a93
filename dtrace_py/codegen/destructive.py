"""What changes the system: signals, time, memory of a process (contract 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtrace_py.codegen.operands import Number, constant
from dtrace_py.codegen.scratch import arguments
from dtrace_py.lang import acts, typed
from dtrace_py.lang.types import STRING, StringType

if TYPE_CHECKING:
    from dtrace_py.codegen.expressions import Expressions

_SIGSTOP, _LAST_SIGNAL = 19, 64


def perform(make: Expressions, statement: acts.Perform) -> None:
    """Generate an action that takes effect at once and leaves no record."""
    given = [make.save(make.number(argument)) for argument in statement.arguments]
    match statement.action.name:
        case "raise":
            (signal,) = given
            make.writer.line(f"CHECK((u64){signal} <= {_LAST_SIGNAL}, ILLOP, 0);")
            make.writer.line(f"bpf_send_signal({signal.text});")
        case "stop":
            make.writer.line(f"bpf_send_signal({_SIGSTOP});")
        case "chill":
            (time,) = given
            make.needs |= {"chill", "timestamp"}
            make.writer.line(f"CHECK(chill({time.text}), ILLOP, 0);")
            make.writer.line("timestamp = bpf_ktime_get_ns();")
        case "panic":
            make.environment.panics = True
            make.writer.line("firing_panic(f);")


def copyout(make: Expressions, call: typed.Call) -> Number:
    """A42."""
    make.needs |= {"scratch", "copyout"}
    address, to, size = arguments(make, call)
    outcome = make.writer.fresh("outcome")
    make.writer.line(f"u64 {outcome} = copyout(f, {address.text}, {to.text}, {size.text});")
    make.writer.line(f"CHECK({outcome} != COPYOUT_CANNOT_READ, BADADDR, {address.text});")
    make.writer.line(f"CHECK({outcome} != COPYOUT_CANNOT_WRITE, BADADDR, {to.text});")
    return constant(0)


def copyoutstr(make: Expressions, call: typed.Call) -> Number:
    """A43."""
    make.needs |= {"scratch", "copyout"}
    string, *others = call.arguments
    if not isinstance(string.type, StringType):
        string = typed.StringAt(STRING, string.span, string)
    source = make.strings.whole(string)
    to, most = (make.save(make.number(each)) for each in others)
    outcome = make.writer.fresh("outcome")
    make.writer.line(
        f"u64 {outcome} = copyout_string({make.strings.temporary()}, {source.text}, {to.text}, {most.text});"
    )
    make.writer.line(f"CHECK({outcome} != COPYOUT_CANNOT_WRITE, BADADDR, {to.text});")
    return constant(0)


NUMBERS = {"copyout": copyout, "copyoutstr": copyoutstr}
