"""-C: scripts go through the C preprocessor before they are read (contract 2.4)."""

from __future__ import annotations

import os
import re
import subprocess

from dtrace_py.errors import DtpyError
from dtrace_py.lang.source import Source, as_text
from dtrace_py.lang.tables.versions import VERSION, encoded
from dtrace_py.options import Options

_ARCHITECTURES = {"x86_64": "__amd64", "aarch64": "__aarch64__"}

_FLAGS = {"define": "-D", "undef": "-U", "incdir": "-I", "cppargs": ""}
"""Options that stand for a flag of the preprocessor each time that they are set."""

_DIALECTS = {"s": ["-traditional-cpp", "-U__STDC__"]}
"""What -X asks for (L49): traditional C, or in all other cases the standard."""


def preprocess(script: Source, options: Options) -> Source:
    """The script as the preprocessor leaves it; places in it keep the line numbers that they had."""
    program = options.text("cpppath") or "cpp"
    name = re.sub(r'([\\"])', r"\\\1", script.path or "")
    # Its messages are to name the script; and it would not know what to do with a first line of #!.
    text = f'# 1 "{name}"\n' + re.sub(r"\A#!.*", "", script.text)
    try:
        ran = subprocess.run(
            [program, *arguments(options), "-"], input=text.encode("latin-1"), stdout=subprocess.PIPE, check=False
        )
    except FileNotFoundError:
        advice = f"there is no {program}: install it, or name another one with -x cpppath=PATH"
        raise _failed(script, f"Preprocessor not found: {advice}") from None
    except OSError as error:
        raise _failed(script, f"Failed to exec preprocessor: {program}: {error.strerror}") from None
    if ran.returncode != 0:
        raise _failed(script, "Preprocessor failed to process input program")
    # In our own messages only what else it read needs a name.
    markers = re.compile(rf'^(# \d+) "(?:<stdin>|{re.escape(name)})".*$', re.MULTILINE)
    return script._replace(text=markers.sub(r'\1 ""', ran.stdout.decode("latin-1")))


def arguments(options: Options) -> list[str]:
    """What the preprocessor is called with: DTrace's own macros first, then what options add, in their order."""
    predefined = {
        "__linux": None,
        "__unix": None,
        "__SVR4": None,
        "__SUNW_D": "1",
        "__SUNW_D_64": None,
        "__Linux": None,
        "__SUNW_D_VERSION": f"{encoded(VERSION):#010x}",
        _ARCHITECTURES.get(os.uname().machine, f"__{os.uname().machine}"): None,
    }
    made = [f"-D{name}={value}" if value is not None else f"-D{name}" for name, value in predefined.items()]
    made += ["-U__GNUC__", *_DIALECTS.get(options.word("stdc"), ())]
    if options.flag("cpphdrs"):
        made.append("-H")
    return made + [f"{_FLAGS[name]}{text}" for name, text in options.all if name in _FLAGS]


def _failed(script: Source, reason: str) -> DtpyError:
    return DtpyError(as_text(f"failed to compile script {script.path}: {reason}"))
