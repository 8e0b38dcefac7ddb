"""Makes `_castline.pyi` of what maturin reads out of the compiled library: `python stubs.py GENERATED.pyi`, to standard output.

Signatures in Rust do not say all: a dictionary is `Any` there, a sequence something with `__getitem__`. What they cannot say is
in the table below. A line of it that fits nothing any more is an error, and so is an `Any` that no line is for.
"""

import ast
import re
import sys
from pathlib import Path

DICTIONARY = "dict[str, Any]"
PLATFORM = "Platform | str | None"
PROGRESS = "Callable[[int, int, int, int], object] | None"
TEXT = "str | bytes"

# `function` is what it returns, `function(name)` a parameter; `*` stands for any class.
REFINED = {
    "*.to_dict": DICTIONARY,
    "*.from_dict(value)": "Mapping[str, Any]",
    "*.__reduce__": "tuple[Any, ...]",
    "*.findings": f"list[{DICTIONARY}]",
    "DriftReport.__iter__": f"Iterator[{DICTIONARY}]",
    "Fleet.__contains__(item)": "object",
    "Fleet.__iter__": "Iterator[Instance]",
    "Fleet.__new__(instances)": "Iterable[Instance]",
    "Image.identities": DICTIONARY,
    "Instance.__new__(labels)": "Mapping[str, str] | None",
    "Ledger.append(record)": "Mapping[str, Any]",
    "Ledger.entries": f"list[{DICTIONARY}]",
    "Ledger.history": f"list[{DICTIONARY}]",
    "Plan.limits": f"list[{DICTIONARY}]",
    "Plan.replacements": f"list[{DICTIONARY}]",
    "Plan.stages": f"list[{DICTIONARY}]",
    "Policy.__new__(members)": "Any",
    "Release.of_provider_image(provenance)": "Mapping[str, str]",
    "Report.__iter__": f"Iterator[{DICTIONARY}]",
    "Report.images": f"list[{DICTIONARY}]",
    "Rollout.__deepcopy__(_memo)": "dict[int, Any]",
    "Rollout.__new__(targets)": "Target",
    "Rollout.next": DICTIONARY,
    "Rollout.on(event)": "Mapping[str, Any]",
    "Rollout.progress": "dict[str, int]",
    "Rollout.status": DICTIONARY,
    "Rollout.waits": f"list[{DICTIONARY}]",
    "Image.__copy__": "Self",
    "Image.__deepcopy__": "Self",
    "Image.__deepcopy__(_memo)": "dict[int, Any]",
    "bounds": "dict[str, int]",
    "bounds(targets)": "Target",
    "bounds(world)": "Mapping[str, Any] | None",
    "build": DICTIONARY,
    "build(description)": "Mapping[str, Any] | str | PathLike[str]",
    "build(progress)": PROGRESS,
    "check": DICTIONARY,
    "check(targets)": "Target",
    "explore": DICTIONARY,
    "explore(targets)": "Target",
    "import_aws": DICTIONARY,
    "import_aws(documents)": TEXT,
    "import_docker": DICTIONARY,
    "import_docker(documents)": TEXT,
    "import_kubernetes": DICTIONARY,
    "import_kubernetes(documents)": TEXT,
    "import_packer": DICTIONARY,
    "inspect": DICTIONARY,
    "inspect(platform)": PLATFORM,
    "plan(targets)": "Target",
    "scan(progress)": PROGRESS,
    "simulate(targets)": "Target",
    "simulate(world)": "Mapping[str, Any] | None",
    "tree(platform)": PLATFORM,
    "tree(progress)": PROGRESS,
    "verify(platform)": PLATFORM,
    "verify(progress)": PROGRESS,
}

# The same everywhere. A number is an `int`: that others have `__index__`, too, nobody needs.
USUAL = [
    (r"SupportsGetItem\[int, SupportsIndex\]", "bytes"),
    (r"SupportsGetItem\[int, (.+)\]", r"Sequence[\1]"),
    (r"\bSupportsIndex\b", "int"),
]

HEADER = '''"""The compiled half of castline. What it says of dictionaries is in the JSON Schemas of the project."""

# Made by `cargo xtask stubs`.

import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final, Self, final
'''


class Refine(ast.NodeTransformer):
    def __init__(self) -> None:
        self.place: list[str] = []
        self.hidden: set[str] = set()
        self.used: set[str] = set()
        self.vague: list[str] = []

    def refined(self, name: str, given: ast.expr | None) -> ast.expr:
        anywhere = "*." + name.split(".", 1)[1] if "." in name else name
        for key in (name, anywhere):
            if key in REFINED:
                self.used.add(key)
                return ast.parse(REFINED[key], mode="eval").body
        text = "Any" if given is None else ast.unparse(given)
        for pattern, instead in USUAL:
            text = re.sub(pattern, instead, text)
        if "bytes" in self.hidden:
            text = re.sub(r"\bbytes\b", "builtins.bytes", text)
        if re.search(r"\bAny\b|Supports|Iterator$", text):
            self.vague.append(f"{name}: {text}")
        return ast.parse(text, mode="eval").body

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        names = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
        self.place.append(node.name)
        # Where a class has a member of that name, the name is the member's.
        self.hidden = names
        self.generic_visit(node)
        self.hidden = set()
        self.place.pop()
        if "__eq__" in names and "__hash__" not in names:
            node.body.append(ast.parse("__hash__: None  # type: ignore[assignment]").body[0])
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        name = ".".join([*self.place, node.name])
        every = node.args
        for one in [*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg]:
            if one is not None and one.arg not in ("self", "cls"):
                one.annotation = self.refined(f"{name}({one.arg})", one.annotation)
        constructor = node.name == "__new__"
        node.returns = ast.Name("Self") if constructor else self.refined(name, node.returns)
        return node


def stubs(generated: str) -> str:
    tree = ast.parse(generated)
    # Its imports are in the header. The function `__getattr__`, instead of a list of names, says that there may be more than the
    # library knows beforehand; there is not, which stubtest sees.
    tree.body = [
        one for one in tree.body if not isinstance(one, ast.ImportFrom) and getattr(one, "name", "") != "__getattr__"
    ]
    names = [one.name for one in tree.body if isinstance(one, ast.ClassDef | ast.FunctionDef)]
    names += [ast.unparse(one.target) for one in tree.body if isinstance(one, ast.AnnAssign)]
    refine = Refine()
    refine.visit(tree)
    faults = [f"no line says what {one} is" for one in refine.vague]
    faults += [f"nothing is called {one} any more" for one in sorted(set(REFINED) - refine.used)]
    if faults:
        sys.exit("stubs.py: " + "\n".join(faults))
    text = ast.unparse(ast.fix_missing_locations(tree))
    text = re.sub(r"(__hash__: None)$", r"\1  # type: ignore[assignment]", text, flags=re.MULTILINE)
    return f"{HEADER}\n__all__ = {sorted(names)}\n{text}\n"


if __name__ == "__main__":
    sys.stdout.write(stubs(Path(sys.argv[1]).read_text(encoding="utf-8")))
