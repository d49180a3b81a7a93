"""D as productions, for making programs that are nearly right: deep enough in the checks to find what they forgot.

Each rule has its alternatives, one a line; ``<name>`` is another rule, a blank line the empty text, ``<nl>`` a line's end.
The names that D gives a meaning to come from the compiler's own tables, so what is added there is fuzzed from then on.
"""

from __future__ import annotations

import random
import re

from dtrace_py.lang.grammar.lexer import KEYWORDS
from dtrace_py.lang.tables.actions import ACTIONS
from dtrace_py.lang.tables.aggregating import AGGREGATING
from dtrace_py.lang.tables.subroutines import SUBROUTINES
from dtrace_py.lang.tables.variables import BUILTINS
from dtrace_py.options import OPTIONS

_RULES = {
    "program": """
        <items>
        <pragma><nl><items>
        <items><items>
    """,
    "items": """
        <clause>
        <clause>
        <declaration><nl><clause>
        <declaration><nl><declaration><nl><clause>
        <clause><nl><clause>
        <declaration><nl><items>
    """,
    "pragma": """
        #pragma D option <option>
        #pragma D option <option>=<value>
        #pragma D attributes <stability> <name>
        #pragma D attributes <stability> provider <name> <word>
        #pragma D binding "1.<digits>" <name>
        #pragma D depends_on <word> <name>
        #line <digits> "<name>"
        # <digits> "<name>" <digit>
        #error <name>
        #ident "<name>"
        #pragma <word> <word>
        #<word>
        #
    """,
    "stability": """
        Stable/Stable/Common
        Private/Evolving/ISA
        Stable/<word>
        <word>/<word>/<word>
    """,
    "clause": """
        <descriptions> <block>
        <descriptions> <block>
        <descriptions> / <expr> / <block>
        <descriptions> / <expr> / <block>
        <descriptions>
    """,
    "descriptions": """
        BEGIN
        BEGIN
        BEGIN
        END
        ERROR
        <description>, <descriptions>
        <description>
    """,
    "description": """
        syscall::read:entry
        syscall:::return
        fbt::vfs_read:entry
        fbt::vfs_read:return
        fbt:::
        profile-97
        tick-1<word>
        profile:::tick-<digits><word>
        dtrace:::BEGIN
        dtrace:::
        pid$target:::entry
        $1:::
        <digits>
        <name>:<name>:<name>:<name>
        *:[a-z]*:\\*?:!<name>
        :::<name>
    """,
    "block": """
        { }
        { <fine> }
        { <fine> <statements> }
        { <statements> }
        { <statements> }
    """,
    "statements": """
        <statement>
        <statement>;
        <statement>; <statements>
        <statement>; <statements>
        <if> <statements>
        <if>
        ;
    """,
    "fine": """
        <number> = <num>;
        <number> += <num>; <fine>
        this->v = <num>; trace(this->v); <fine>
        self->w = <str>; <fine>
        @c[<num>, <str>] = sum(<num>); <fine>
        @q = lquantize(<num>, 0, 100, 10);
        @l = llquantize(<num>, 10, 0, 6, 20); printa(@l);
        arr1[<str>, <num>] = <num>; <fine>
        printf("%d %s %p\\n", <num>, <str>, (void *)<num>);
        trace(<str>); stack(); <fine>
        if (<num>) { <fine> } else { <fine> }
        trace(curthread-><member>); <fine>
    """,
    "num": """
        <integer>
        <number>
        pid
        timestamp
        arg0
        (<num> <binary> <num>)
        (<num> ? <num> : <num>)
        -<num>
        !<num>
        strlen(<str>)
        (int)<num>
        (uint8_t)<num>
        <str> == <str>
        sizeof (<typename>)
    """,
    "str": """
        <string>
        execname
        probefunc
        strjoin(<str>, <str>)
        substr(<str>, <num>)
        (<num> ? <str> : <str>)
        stringof(<str>)
        lltostr(<num>)
    """,
    "number": "n1\nn2\nn3",
    "if": """
        if (<expr>) <statement>;
        if (<expr>) { <statements> }
        if (<expr>) { <statements> } else { <statements> }
        if (<expr>) { <statements> } else <if>
    """,
    "statement": """
        <expr>
        <lvalue> = <expr>
        <lvalue> = <expr>
        <lvalue> <assign> <expr>
        <lvalue>++
        --<lvalue>
        @<agg> = <aggregate>
        @<agg>[<keys>] = <aggregate>
        @<agg>[<keys>] = <aggregate>
        <action>(<args>)
        <action>(<args>)
        trace(<expr>)
        printf("<format>", <some>)
        printf("<format>")
        printa("<format>", @<agg>)
        printa(@<agg>)
        print(<expr>)
        tracemem(<expr>, <integer>)
        tracemem(<expr>, <integer>, <expr>)
        pcap(<expr>, <expr>)
        stack(<integer>)
        ustack(<integer>, <integer>)
        clear(@<agg>)
        trunc(@<agg>, <expr>)
        normalize(@<agg>, <expr>)
        speculate(<expr>)
        commit(<expr>)
        discard(<expr>)
        exit(<expr>)
        setopt("<option>", "<value>")
    """,
    "aggregate": """
        count()
        sum(<expr>)
        quantize(<expr>)
        quantize(<expr>, <expr>)
        lquantize(<expr>, <integer>, <integer>, <integer>)
        llquantize(<expr>, <integer>, <integer>, <integer>, <integer>)
        <aggregating>(<args>)
        <expr>
    """,
    "keys": """
        <expr>
        <expr>, <keys>
        execname, <keys>
        stack()
        ustack(), <keys>
        sym(<expr>)
    """,
    "args": """

        <some>
        <some>
        <some>
    """,
    "some": """
        <expr>
        <expr>
        <num>
        <str>
        @<agg>
        <expr>, <some>
        <num>, <some>
        <str>, <some>
    """,
    "expr": """
        <primary>
        <primary>
        <primary>
        <primary>
        <unary>
        <expr> <binary> <expr>
        <expr> <binary> <expr>
        <expr> ? <expr> : <expr>
        (<expr>)
        (<expr>, <expr>)
        <lvalue> <assign> <expr>
        <expr>-><member>
        <expr>.<member>
        <expr>[<keys>]
        (<typename>)<expr>
        <subroutine>(<args>)
        <subroutine>(<args>)
        xlate <<typename>>(<expr>)
        xlate <<typename>>(<expr>)-><member>
        <inline>[<keys>]
    """,
    "primary": """
        <integer>
        <integer>
        <string>
        <char>
        <builtin>
        <builtin>
        <lvalue>
        <lvalue>
        args[<integer>]
        `<symbol>
        vmlinux`<symbol>
        $<macro>
        $$<macro>
        <enumerator>
        NULL
        <inline>
        sizeof (<typename>)
        sizeof <expr>
        offsetof(<typename>, <member>)
        stringof(<expr>)
        <subroutine>(<args>)
        @<agg>
        copyinstr(<expr>)
        strjoin(<expr>, <expr>)
    """,
    "unary": """
        -<expr>
        !<expr>
        ~<expr>
        +<expr>
        *<expr>
        &<lvalue>
        &`<symbol>
        ++<lvalue>
        <lvalue>--
    """,
    "binary": " + \n - \n * \n / \n % \n << \n >> \n < \n <= \n > \n >= \n == \n != \n & \n ^ \n | \n && \n ^^ \n || ",
    "assign": " += \n -= \n *= \n /= \n %= \n &= \n |= \n ^= \n <<= \n >>= \n = ",
    "lvalue": """
        <name>
        <name>
        this-><name>
        self-><name>
        <name>[<keys>]
        self-><name>[<keys>]
        this-><name>[<keys>]
        *<name>
        <name>.<member>
    """,
    "declaration": """
        <type> <declarator>;
        <type> <declarator>;
        self <type> <declarator>;
        this <type> <declarator>;
        <type> <declarator>, <declarator>;
        typedef <type> <declarator>;
        typedef <type> <typedef>;
        struct <tag> { <members> };
        union <tag> { <members> };
        enum <tag> { <enumerators> };
        typedef struct { <members> } <typedef>;
        struct <tag>;
        extern <type> <declarator>;
        inline <type> <inline> = <expr>;
        inline <type> <inline>[<params>] = <expr>;
        translator <typename> < <typename> <name> > { <outputs> };
        provider <name> { <probes> };
        #pragma D attributes <stability> <inline>
    """,
    "declarator": """
        <name>
        <name>
        *<declarator>
        <declarator>[<integer>]
        <declarator>[<params>]
        (*<declarator>)(<params>)
        (<declarator>)
        * const <name>
        <declarator>[]
    """,
    "members": """
        <type> <member>;
        <type> <member>; <members>
        <type> <member>, *<member>; <members>
        <type> <member>[<integer>]; <members>
        <type> <member> : <integer>; <members>
        struct { <members> }; <members>
        union { <members> } <member>;
        struct <tag> *<member>;
        <type> (*<member>)(<params>);
    """,
    "enumerators": """
        <enumerator>
        <enumerator> = <expr>
        <enumerator>, <enumerators>
        <enumerator> = <integer>, <enumerators>
    """,
    "outputs": """
        <member> = <expr>;
        <member> = <name>-><member>; <outputs>
        <member> = <expr>; <outputs>
    """,
    "probes": """
        probe <name>(<params>);
        probe <name>(<params>) : (<params>);
        probe <name>__<name>(<params>); <probes>
    """,
    "params": """
        <type>
        <type> <name>
        <type> *<name>
        <type>, <params>
        <type> <name>, <params>
        <type>, ...
        void
    """,
    "typename": """
        <type>
        <type>
        <type> *
        <type> **
        <type>[<integer>]
        <type> (*)(<params>)
    """,
    "type": """
        int
        int
        char
        unsigned
        long
        unsigned long long
        short int
        float
        long double
        void
        string
        uint8_t
        int64_t
        uintptr_t
        size_t
        pid_t
        const <type>
        <typedef>
        <typedef>
        struct <tag>
        union <tag>
        enum <tag>
        struct task_struct
        struct file
        struct { <members> }
        psinfo_t
        userland int *
        vmlinux`pid_t
    """,
    "integer": """
        0
        1
        2
        -1
        <digits>
        <digits>
        0x<digits>
        0<digits>
        <digits>ULL
        <digits>l
        2147483647
        4294967296
        9223372036854775807
        18446744073709551615
        18446744073709551616
    """,
    "digits": "0\n1\n2\n7\n8\n9\n10\n16\n31\n32\n63\n64\n100\n255\n1000\n65535\n65536\n99999999999",
    "digit": "1\n2\n3",
    "string": """
        "<name>"
        "a"
        ""
        "%d"
        "\\n\\x41\\101\\q"
    """,
    "char": """
        'a'
        'ab'
        '\\''
        '\\n'
        ''
        'abcdefghi'
    """,
    "format": """
        <conversion>
        <conversion> <conversion>
        %s %d\\n
        %
        %@d
        %-*.*<letter>
    """,
    "conversion": "%<letter>\n%5<letter>\n%-20s\n%@<letter>\n%ll<letter>\n%h<letter>\n%.<digits><letter>\n%0<digits>x\n%%",
    "letter": "\n".join("a A b c C d e E f g G i k o p P s S t T u wc ws x X Y @ q".split()),
    "name": "\n".join("x y z a b i p s n arr str foo bar".split()),
    "member": "\n".join("a b c d m pid comm f_flags f_path dentry d_name name tv_sec pr_psargs".split()),
    "inline": "in1\nin2\nin3",
    "enumerator": "E1\nE2\nE3\nSIGKILL\nE_NONE",
    "typedef": "t1\nt2\nt3",
    "tag": "s1\ns1\ns2\ns3\nlist_head\ne1",
    "agg": "\na\nb\nc",
    "symbol": "\n".join("jiffies_64 init_task vfs_read current_task nosuch max_pfn".split()),
    "macro": "\n".join("1 2 3 0 pid uid target ppid nosuch".split()),
    "value": "1\n4k\n10hz\noff\nring\n",
    "word": "\n".join([*KEYWORDS, "provider", "module", "library", "name", "args", "ms", "hz", "Stable", "ISA"]),
    "builtin": "\n".join([*BUILTINS, "timestamp", "pid", "execname", "arg0", "curthread", "probefunc"]),
    "action": "\n".join(ACTIONS),
    "subroutine": "\n".join(SUBROUTINES),
    "aggregating": "\n".join(AGGREGATING),
    "option": "\n".join(OPTIONS),
    "nl": "\n",
}

PRELUDE = """
typedef int t1; typedef struct { int a; char b[8]; t1 *c; } t2; typedef t2 *t3;
struct s1 { int a; unsigned b : 3; struct s1 *c; string d; union { long pid; char comm[16]; }; };
struct s2 { struct s1 a; uint8_t b[4][2]; int (*c)(int); };
union s3 { int a; long b; };
enum e1 { E1, E2 = 5, E3 };
int x; string str; struct s1 foo; struct s1 *p; int64_t arr[string, int]; int s[10]; self int i; this struct s2 bar;
inline int in1 = 5; inline string in2[int n] = n ? "a" : "b"; inline int in3[int a, int b] = a + b;
translator struct s1 < t2 *T > { a = T->a; d = stringof(T->b); };
provider prov { probe one(int b, char *a) : (int b); probe two__three(t3); };
BEGIN { y = 1; z = "z"; a["k"] = 1; self->x = x; this->y = z; @a = count(); @b[1, "s"] = sum(x); @c[1, "a"] = sum(1); n1 = 1; }
"""
"""Declares the names that the rules use, so that more than the first of a program's uses of them is looked at."""

_PIECE = re.compile(r"<([a-z]+)>")


def _parse(text: str) -> list[list[tuple[bool, str]]]:
    """The alternatives of a rule, each a list of (is a rule, name or text)."""
    lines = [line.strip() for line in text.split("\n")[1:-1]] if text.startswith("\n    ") else text.split("\n")
    made = []
    for line in lines:
        parts = _PIECE.split(line)
        made.append([(bool(place % 2), part) for place, part in enumerate(parts) if part or place % 2])
    return made


RULES = {name: _parse(text) if name != "nl" else [[(False, "\n")]] for name, text in _RULES.items()}

SYMBOLS = sorted(
    {name for alternatives in RULES.values() for each in alternatives for is_rule, name in each if is_rule}
)
assert set(SYMBOLS) <= set(RULES), set(SYMBOLS) - set(RULES)


def _depths() -> dict[str, int]:
    """How deep the shallowest text of each rule is."""
    depths: dict[str, int] = {}
    while len(depths) < len(RULES):
        for name, alternatives in RULES.items():
            known = [depth for each in alternatives if (depth := _depth(each, depths)) is not None]
            if known:
                depths[name] = min(known)
    return depths


def _depth(parts: list[tuple[bool, str]], depths: dict[str, int]) -> int | None:
    inner = [depths.get(part) for is_rule, part in parts if is_rule]
    return None if None in inner else 1 + max((each for each in inner if each is not None), default=0)


DEPTHS = _depths()

_SHALLOW = {
    name: [each for each in alternatives if _depth(each, DEPTHS) == DEPTHS[name]]
    for name, alternatives in RULES.items()
}


def make(rng: random.Random, rule: str = "program", depth: int = 14) -> str:
    """A text of a rule; below ``depth`` rules end as soon as they can."""
    alternatives = (RULES if depth > 0 else _SHALLOW)[rule]
    parts = alternatives[int(rng.random() * len(alternatives))]
    return "".join([make(rng, part, depth - 1) if is_rule else part for is_rule, part in parts])
