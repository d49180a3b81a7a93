"""Layouts of structures that nobody thought of, against what the C compiler makes of the same text (contract D1, D2)."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from dtrace_py.lang.compiler import Compiler, Settings
from dtrace_py.lang.facts import NoTypes
from dtrace_py.lang.grammar.macros import Macros
from dtrace_py.lang.source import Source
from dtrace_py.lang.types import StructType

STRUCTURES = 120
INTEGERS = {"char": 8, "unsigned char": 8, "short": 16, "int": 32, "unsigned int": 32, "long": 64}


def members(chance: random.Random, known: list[str]) -> list[tuple[str, str | None, bool]]:
    """Lines of a structure, each with the name of the member and whether it is a bit-field."""
    lines: list[tuple[str, str | None, bool]] = []
    for n in range(chance.randint(1, 8)):
        kind, bits = chance.choice(list(INTEGERS.items()))
        match chance.choice("bbbiiapfn"):
            case "b":
                lines.append((f"{kind} m{n} : {chance.randint(1, bits)};", f"m{n}", True))
            case "i":
                lines.append((f"{kind} m{n};", f"m{n}", False))
            case "a":
                lines.append((f"{kind} m{n}[{chance.randint(1, 4)}];", f"m{n}", False))
            case "p":
                lines.append((f"void *(*m{n})(int);", f"m{n}", False))
            case "f":
                lines.append((f"{chance.choice(['float', 'double', 'long double'])} m{n};", f"m{n}", False))
            case _ if known and chance.random() < 0.5:
                lines.append((f"{chance.choice(known)} m{n};", f"m{n}", False))
            case _:
                lines.append((f"struct {{ {kind} x{n}; char y{n} : 3; }};", f"x{n}", False))
    return lines


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler")
def test_layouts_are_those_of_the_c_compiler(tmp_path: Path) -> None:
    chance = random.Random(4)
    text, ask = "", ""
    made: dict[str, list[tuple[str, str | None, bool]]] = {}
    for n in range(STRUCTURES):
        name = f"{chance.choice(['struct', 'struct', 'union'])} s{n}"
        made[name] = lines = members(chance, list(made))
        text += f"{name} {{ {' '.join(line for line, _, _ in lines)} }};\n"
        ask += f'printf("%zu", sizeof({name}));'
        for _, member, bits in lines:
            if bits:  # where the lowest bit is that is set
                ask += f"{{ union {{ {name} s; unsigned char b[sizeof({name})]; }} u; int n = 0;"
                ask += f" memset(&u, 0, sizeof u); u.s.{member} = -1; while (!(u.b[n / 8] >> n % 8 & 1)) n++;"
                ask += ' printf(" %d", n); }\n'
            else:
                ask += f'printf(" %zu", 8 * offsetof({name}, {member}));'
        ask += 'printf("\\n");\n'
    source = tmp_path / "layouts.c"
    heads = "".join(f"#include <{head}.h>\n" for head in ("stddef", "stdio", "string"))
    source.write_text(f"{heads}{text}int main(void) {{\n{ask}return 0; }}\n")
    subprocess.run(["gcc", "-w", "-o", tmp_path / "layouts", source], check=True)
    wanted = subprocess.run([tmp_path / "layouts"], check=True, capture_output=True, text=True).stdout.splitlines()

    settings = Settings(lambda name: 256, lambda name: name == "empty", lambda *_: None)
    compiler = Compiler(NoTypes, settings, lambda *_: ())
    compiler.compile(Source(text, path="x.d"), Macros({}))
    types = compiler.scope.source
    for (name, lines), line in zip(made.items(), wanted, strict=True):
        kind = StructType(name)
        found = [types.member(kind, member or "") for _, member, _ in lines]
        assert " ".join(map(str, [types.size(kind), *(field and field.bit_offset for field in found)])) == line, name
