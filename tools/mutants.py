"""Do the tests notice when what decides is changed? Mutants of the code, drawn by a seed, against its tests.

    make test-mutants
    python tools/mutants.py [--places 200] [--seed 0] [--minutes 20] [--only bench/gate]

A mutant is a file with one operator, comparison, number, constant, decorator or loop exchanged by cosmic-ray; at each
place that is drawn, one. An operator is exchanged for the one beside it (`+` for `-`, never `+` for `>>`): what raises
at once is killed by any test. What differs in annotations alone, in how an argument may be passed, in `strict=` of a
zip, in `@final`, or in the arguments of a dataclass' decorator changes nothing that runs well and is not drawn.

A mutant is killed where a test fails or takes too long. The first run of the tests says which of them reach which
line; a mutant meets those and the tests of its own module, and where it lives, every file of tests that reaches its
module, and at last those that start `bench` as a process. `survivors.toml` beside this file says of each that lives
why it may. Exit code 1 where less than 95 % are killed, one lives without a reason, or one with a reason is dead.
"""

import ast
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from argparse import ArgumentParser
from collections import Counter, defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from coverage import CoverageData

ROOT = Path(__file__).parents[1]
SURVIVORS = Path(__file__).with_name("survivors.toml")
MODULES = ("bench/analysis", "bench/gate", "bench/records", "bench/runs/rounds.py", "bench/worker/sizing.py")
TESTS = ("tests/bench/analysis", "tests/bench/gate", "tests/bench/records", "tests/bench/runs", "tests/bench/worker")
THROUGH = {
    "bench/gate/pytest_plugin.py": ("tests/cli/test_pytest_plugin.py",),
    "bench/gate/": ("tests/cli/test_gate.py", "tests/cli/test_gate_cases.py"),
}
"""What processes reach that the tests start."""
AT_LEAST = 0.95
PATIENCE_SECONDS = 180
BESIDE = {
    "Binary": {"Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul", "FloorDiv": "Div", "Mod": "FloorDiv"}
    | {"Pow": "Mul", "BitOr": "BitAnd", "BitAnd": "BitOr", "BitXor": "BitOr", "LShift": "RShift", "RShift": "LShift"},
    "Comparison": {"Lt": "LtE GtE", "LtE": "Lt Gt", "Gt": "GtE LtE", "GtE": "Gt Lt", "Eq": "NotEq", "NotEq": "Eq"}
    | {"Is": "IsNot", "IsNot": "Is", "In": "NotIn", "NotIn": "In"},
}
COPIES = 2


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a file can be mutated, and by what: operators of cosmic-ray, each with its occurrence.

    Its `rank` says when it is drawn. What the line says decides, not its number: a change elsewhere draws no others.
    """

    module: str
    line: int
    rank: bytes
    choices: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A file with one change: what is changed as it is, as it reads then, and the whole text."""

    module: str
    line: int
    before: str
    after: str
    text: str

    @property
    def identity(self):
        return self.module, self.before, self.after


def places_of(module, *, seed):
    """Return all places of a file."""
    code = (ROOT / module).read_text()
    tree, lines = get_ast(code), code.splitlines()
    choices = defaultdict(list)
    for name in filter(is_drawn, operator_names()):
        operator = get_operator(name)
        positions = (where for node in ast_nodes(tree) for where in operator().mutation_positions(node))
        for occurrence, ((line, column), _) in enumerate(positions):
            choices[line, column].append((name, occurrence))
    alike, places = Counter(), []
    for (line, column), options in sorted(choices.items()):
        text = lines[line - 1]
        alike[text, column] += 1
        key = seed, module, text, column, alike[text, column]
        ordered = sorted(options, key=lambda option: ranked(*key, option[0]))
        places.append(Place(module=module, line=line, rank=ranked(*key), choices=tuple(ordered)))
    return places


def ranked(*what):
    """Return a draw that is the same for the same things."""
    return sha256(repr(what).encode()).digest()


def is_drawn(name):
    """Return whether an operator of cosmic-ray, such as `core/ReplaceBinaryOperator_Add_Sub`, is used."""
    kind, _, exchange = name.partition("/Replace")[2].partition("Operator_")
    if kind in BESIDE:
        old, new = exchange.split("_")
        return new in BESIDE[kind].get(old, "").split()
    return not get_operator(name).arguments()


def mutant_at(place):
    """Return one mutant of a place, or None where none changes what runs."""
    code = (ROOT / place.module).read_text()
    before = code.splitlines()
    for name, occurrence in place.choices:
        text = mutate_code(code, get_operator(name)(), occurrence)
        if text is None or not runs_otherwise(code, text):
            continue
        after = text.splitlines()
        codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        changes = [where for tag, *where in codes if tag != "equal"]
        return Mutant(
            module=place.module,
            line=changes[0][0] + 1,
            before=in_one_line(before[i:j] for i, j, _, _ in changes),
            after=in_one_line(after[k:m] for _, _, k, m in changes),
            text=text,
        )
    return None


def in_one_line(pieces):
    """Return lines in one, as they are named in the list of survivors."""
    return " ".join(line.strip() for piece in pieces for line in piece if line.strip())


def runs_otherwise(code, mutated):
    """Return whether a mutant is Python, and differs in more than declarations."""
    try:
        return what_runs(mutated) != what_runs(code)
    except SyntaxError:
        return False


def what_runs(code):
    """Return the syntax tree of code without declarations that only a caller's mistake would meet, as text."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.arguments):
            node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            node.defaults = [*node.defaults, *filter(None, node.kw_defaults)]
            node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
            node.decorator_list = [one for one in node.decorator_list if not is_final(one)]
        elif isinstance(node, ast.Call):
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "strict"]
        elif isinstance(node, ast.ClassDef):
            node.decorator_list = [one for one in node.decorator_list if not is_final(one)]
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call):
                    decorator.keywords = []
    return ast.dump(tree)


def is_final(decorator):
    """Return whether a decorator is `@final` or `@override`, which only type checkers read."""
    return isinstance(decorator, ast.Name) and decorator.id in ("final", "override")


def draw(modules, *, places, seed):
    """Return mutants at so many places, drawn over all modules alike."""
    every = [place for module in modules for place in places_of(module, seed=seed)]
    mutants = {}
    for place in sorted(every, key=lambda place: place.rank):
        mutant = mutant_at(place)
        if mutant is not None:
            mutants.setdefault(mutant.identity, mutant)
        if len(mutants) == places:
            break
    return list(mutants.values())


def copy_to(folder):
    """Copy what git knows or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def passes(copy, *arguments, patience=PATIENCE_SECONDS):
    """Return whether tests pass in a copy; None where there are none."""
    # Without stored bytecode: a mutant is as old and often as long as the one before.
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments]
    with subprocess.Popen(
        command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            return False
    if process.returncode in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        raise SystemExit(said.decode())
    return (
        None if process.returncode == pytest.ExitCode.NO_TESTS_COLLECTED else process.returncode == pytest.ExitCode.OK
    )


def reach(copy):
    """Return which tests reach which lines: module -> line -> names of tests."""
    print("which tests reach which line", file=sys.stderr)
    arguments = ["-n", str(COPIES), "--dist", "loadscope", "--cov=bench", "--cov-context=test", "--cov-report="]
    if not passes(copy, *arguments, *TESTS, patience=None):
        raise SystemExit("the tests fail without a mutant: mend them first")
    data = CoverageData(copy / ".coverage")
    data.read()
    reached = {}
    for path in data.measured_files():
        lines = {
            line: {context.rpartition("|")[0] for context in contexts if context}
            for line, contexts in data.contexts_by_lineno(path).items()
        }
        reached[Path(path).relative_to(copy).as_posix()] = lines
    return reached


def lives(mutant, copy, reached):
    """Return whether all tests pass that could notice a mutant."""
    target = copy / mutant.module
    original = target.read_text()
    lines = reached.get(mutant.module, {})
    own = Path("tests") / Path(mutant.module).with_name(f"test_{Path(mutant.module).name}")
    near = [str(own)] if (copy / own).exists() else []
    near += sorted(name for name in lines.get(mutant.line, ()) if not name.startswith(f"{own}::"))
    far = {name.partition("::")[0] for names in lines.values() for name in names} - {str(own)}
    through = [name for start, names in THROUGH.items() if mutant.module.startswith(start) for name in names]
    target.write_text(mutant.text)
    try:
        return all(
            passes(copy, f"@{named(tests, copy)}") is not False for tests in (near, sorted(far), through) if tests
        )
    finally:
        target.write_text(original)


def named(tests, copy):
    """Return a file with names of tests, one per line: there are too many for a command line."""
    path = copy / ".tests"
    path.write_text("\n".join(tests))
    return path


def try_all(mutants, copies, reached, *, deadline):
    """Return mutants with whether they live, of those that were tried in time."""
    waiting, tried = queue.SimpleQueue(), []
    for mutant in mutants:
        waiting.put(mutant)

    def work(copy):
        while time.monotonic() < deadline:
            try:
                mutant = waiting.get_nowait()
            except queue.Empty:
                return
            living = lives(mutant, copy, reached)
            tried.append((mutant, living))
            word = "lives" if living else "killed"
            print(f"{len(tried)}/{len(mutants)} {word} {mutant.module}:{mutant.line}", file=sys.stderr, flush=True)

    threads = [threading.Thread(target=work, args=(copy,)) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tried


def report(tried, reasons, *, drawn):
    """Print the share that was killed and each survivor with its reason; return whether that is enough."""
    alive = [mutant for mutant, living in tried if living]
    share = 1 - len(alive) / len(tried)
    unfounded = [mutant for mutant in alive if mutant.identity not in reasons]
    risen = [mutant for mutant, living in tried if not living and mutant.identity in reasons]
    for mutant in alive:
        print(f"\n{mutant.module}:{mutant.line} lives: {reasons.get(mutant.identity, 'NO REASON GIVEN')}")
        print(f"  - {mutant.before}\n  + {mutant.after}")
    for mutant in risen:
        print(f"\n{mutant.module}:{mutant.line} is dead; take it out of {SURVIVORS.name}: {mutant.before}")
    print(f"\n{len(tried)} of {drawn} mutants tried, {len(tried) - len(alive)} killed: {share:.1%}")
    return share >= AT_LEAST and not unfounded and not risen


def main():
    """Draw, try and report."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--places", type=int, default=200, help="how many mutants, each at a place of its own")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=20, help="stop then, whatever was tried")
    parser.add_argument("--only", help="folder or file, in place of all that decides")
    arguments = parser.parse_args()
    deadline = time.monotonic() + 60 * arguments.minutes
    modules = [
        path.relative_to(ROOT).as_posix()
        for name in ((arguments.only,) if arguments.only else MODULES)
        for path in (sorted((ROOT / name).rglob("*.py")) if (ROOT / name).is_dir() else [ROOT / name])
    ]
    mutants = draw(modules, places=arguments.places, seed=arguments.seed)
    listed = tomllib.loads(SURVIVORS.read_text())["survivor"]
    reasons = {(one["module"], one["before"], one["after"]): one["reason"] for one in listed}
    with TemporaryDirectory() as folder:
        copies = [copy_to(Path(folder) / str(number)) for number in range(COPIES)]
        tried = try_all(mutants, copies, reach(copies[0]), deadline=deadline)
    return 0 if report(tried, reasons, drawn=len(mutants)) else 1


if __name__ == "__main__":
    raise SystemExit(main())
