"""The rules of the house, read off the files: layers, doors, sizes, words.

A rule that has to be broken somewhere is broken in a table here, with the reason; a reason that nothing needs
any more is an error, too. The last test proves of every rule that it can fail.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DIRECTORIES = (
    "phoenix",
    "tests",
    "benchmarks",
    "templates",
    "playbooks",
    "terraform",
    "setup",
    "docs",
    ".ci",
)
HERE = "tests/unit/house/test_house_rules.py"

Files = Mapping[str, str]
"""The text of files by their path from the checkout's root."""
Offence = tuple[str, str]
"""What is excused by a table (a key of it), and what is wrong, for a person."""
Rule = Callable[[Files], Iterator[Offence]]

GROUND_FLOOR = (
    "errors",
    "clock",
    "wait",
    "names",
    "manner",
    "debs",
    "model",
    "stacks",
    "tell",
    "units",
    "data",
    "typed",
    "buckets",
    "__version__",
)
CLOUDS = ("clouds.local", "clouds.gcp", "clouds.aws")
SHARED = ("api", "bakers", "left_behind", "rules", "sight", "trials")
STORES = ("record.sqlite", "record.objects")
OF_EXECUTE = (
    "spec.images",
    "spec.project",
    "spec.relations_settings",
    "spec.repositories",
    "spec.services",
    "spec.stacks",
)
"""The rooms of the spec that are read where a plan is carried out; what is not here is handed on through the plan."""
OF_CLOUDS = ("spec.clouds", "spec.project", "spec.services")
"""Those that a cloud reads: its own entry of phoenix.yaml, and whose it is."""
SPEC = ("spec", *sorted({*OF_EXECUTE, *OF_CLOUDS}))
BELOW_ORDERS = (*SPEC, "observe", "plan", "execute", "record", "clouds.api")
MAY_IMPORT = {
    **dict.fromkeys(SPEC, SPEC),
    "observe": (*SPEC, "clouds.api"),
    "plan": SPEC,
    "execute": ("plan", "observe", "record", "clouds.api", "tools", *OF_EXECUTE),
    "record": ("plan",),
    "clouds.sight": (),
    "clouds.api": ("clouds.sight",),
    "clouds.rules": (),
    "clouds.bakers": ("tools",),
    "clouds.left_behind": ("clouds.api",),
    "clouds.trials": ("clouds.api", "clouds.rules", "tools"),
    **dict.fromkeys(CLOUDS, ("tools", *OF_CLOUDS, *(f"clouds.{name}" for name in SHARED))),
    "tools": (),
    "record.sqlite": ("record",),
    "record.objects": ("record", "tools"),
    "orders": (*BELOW_ORDERS, "orders.site", "orders.clouds"),
    "orders.clouds": (*BELOW_ORDERS, *CLOUDS),
    "orders.site": (*BELOW_ORDERS, *STORES, "orders", "orders.clouds"),
    "cli": ("orders", "orders.site", "demo"),
    "demo": ("tools", *SPEC),
    "__main__": ("cli",),
    **dict.fromkeys(GROUND_FLOOR, ()),
}
LAYER_EXCUSES = {
    "observe -> record": "what served before is known to the record, not to a cloud",
}

DOORS = {
    "subprocess": ("phoenix/tools/process.py",),
    "jinja2": ("phoenix/tools/render.py",),
    "python_terraform": ("phoenix/tools/terraform.py",),
    "sqlite3": ("phoenix/record/sqlite.py",),
    "obstore": ("phoenix/record/objects.py", "phoenix/tools/object_store.py"),
    "boto3": ("phoenix/clouds/aws/calls.py",),
    "botocore": ("phoenix/clouds/aws/calls.py",),
    "google": ("phoenix/clouds/gcp/",),
    "threading": (),
    "concurrent": (),
    "multiprocessing": (),
    "asyncio": (),
}
"""Modules that only these files and folders of phoenix may import."""
CALL_DOORS = {
    "print": ("phoenix/cli/output.py",),
    "typer.echo": (),
    "input": (),
    "time.sleep": ("phoenix/clock.py",),
    "SystemClock": ("phoenix/orders/site.py", "phoenix/clouds/", "phoenix/tools/", "phoenix/demo/"),
    "os.system": (),
    "os.execvpe": ("phoenix/tools/process.py",),
    "os.fork": (),
    "os.posix_spawnp": ("phoenix/tools/attended.py",),
    "sys.exit": ("phoenix/cli/app.py",),
}
DOOR_EXCUSES = {
    "phoenix/tools/serve.py sys.exit": "a program of its own, started beside phoenix",
    "phoenix/tools/fence_program.py sys.exit": "a program of its own, started around a bake's",
    "phoenix/tools/fence_program.py os.fork": "namespaces are entered by what is to be in them, before it is a program",
    "phoenix/clouds/local/bake/door.py os.fork": "each who knocks is served by a process, as there are no threads",
    "phoenix/clouds/local/bake/light_program.py sys.exit": "a program of its own, started around a bake's",
    "phoenix/tools/keeper.py os.fork": "a program of its own, which starts the program that it keeps",
    "phoenix/tools/keeper.py sys.exit": "a program of its own, started around a hook's",
    "phoenix/tools/namespaces.py os.fork": "a namespace is made by a process that enters it",
}

WAITING_EXCUSES = {
    "phoenix/cli/logs.py": "shows what is new until somebody ends it",
    "phoenix/wait.py": "the only waiting loop",
    "phoenix/execute/claims.py": "watches that a lease stands still, to its end: nothing to be waited for",
    "phoenix/orders/runs.py": "its deadline starts anew at every sign of life of another process",
    "phoenix/cli/tend.py": "tends for ever, by order (--every)",
}
THAW_EXCUSES = {
    "phoenix/cli/session.py Session": "global options arrive one by one, wherever they stand on the command line",
    "phoenix/demo/rehearsal.py Rehearsal": "collects its phases as they end",
    "phoenix/spec/reader.py _Builder": "collects the tree of a YAML file",
}

NO_TERMINAL = ("typer", "rich", "sys")
"""What an order has no use for: whoever asks may be a person, a pipeline or another program."""
LATE_EXCUSES = {
    "phoenix/cli/session.py": "opens a site for the commands that need one; `phoenix --help` opens none",
    "phoenix/cli/completion.py": "is read for every command line; asks only when a shell completes",
    "phoenix/cli/progress.py": "rich is dear, and only a terminal needs it",
    "phoenix/cli/app.py": "a command's file is loaded when the command is used",
    "phoenix/cli/junit.py": "most bakes and rolls write no report",
    "phoenix/orders/clouds.py": "a cloud's SDK when the cloud is chosen",
    "phoenix/orders/site.py": "each part when it is first asked for",
    "phoenix/orders/kinds.py": "what performs the actions of a plan is loaded when one is carried out",
    "phoenix/orders/bake.py": "a bake that is a hit needs no engine and no record",
    "phoenix/orders/ingredients.py": "an image without packages needs no repository",
    "phoenix/orders/planned.py": "only a roll has hooks",
    "phoenix/orders/shown.py": "a bake that is a hit shows no plan",
    "phoenix/orders/release.py": "only images of type os get a stack at boot, by a package",
}
KIND_EXCUSES: Mapping[str, str] = {}
WORDS = r"\bTODO\b|\bFIXME\b|\bXXX\b|NotImplementedError|pytest\.skip|mark\.skip|importorskip"
LINES_OF_A_FILE = 400
LINES_OF_A_SHELL = 150
"""Of a file of the command line: it parses, plans, shows, asks, carries out and shows."""
LINES_OF_A_FUNCTION = 50


def modules(files: Files) -> Iterator[tuple[str, ast.Module]]:
    """The syntax trees of phoenix itself."""
    for path, text in files.items():
        if path.startswith("phoenix/") and path.endswith(".py"):
            yield path, ast.parse(text, path)


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def room(dotted: str) -> str:
    """The room of design.md that a dotted name below `phoenix.` is in."""
    return max((name for name in MAY_IMPORT if f"{dotted}.".startswith(f"{name}.")), key=len, default=dotted)


def layers(files: Files) -> Iterator[Offence]:
    """Every room imports only what its arrow in the design allows, and the ground floor."""
    for path, tree in modules(files):
        own = room(path.removeprefix("phoenix/").removesuffix(".py").replace("/", "."))
        for line, name in imported(tree):
            other = room(name.removeprefix("phoenix."))
            if name.startswith("phoenix.") and other not in (own, *GROUND_FLOOR, *MAY_IMPORT.get(own, ())):
                yield f"{own} -> {other}", f"{path}:{line} imports {name}: {own} may not import {other}"


def doors(files: Files) -> Iterator[Offence]:
    """What goes outside the process goes through one door."""
    for path, tree in modules(files):
        for line, name in imported(tree):
            if not path.startswith(DOORS.get(name.partition(".")[0], ("phoenix/",))):
                yield f"{path} {name.partition('.')[0]}", f"{path}:{line} imports {name}"
        for node in ast.walk(tree):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and not path.startswith(CALL_DOORS.get(name, ("phoenix/",))):
                yield f"{path} {name}", f"{path}:{node.lineno} calls {name}()"


def waits(files: Files) -> Iterator[Offence]:
    """Whoever waits for something calls wait.py, which has a deadline."""
    for path, tree in modules(files):
        for loop in (node for node in ast.walk(tree) if isinstance(node, ast.While)):
            calls = [node.func for node in ast.walk(loop) if isinstance(node, ast.Call)]
            if any(isinstance(call, ast.Attribute) and call.attr == "sleep" for call in calls):
                yield path, f"{path}:{loop.lineno} waits in a loop of its own"


def frozen(files: Files) -> Iterator[Offence]:
    """Every dataclass is frozen."""
    for path, tree in modules(files):
        for node in ast.walk(tree):
            marks = [ast.unparse(mark) for mark in node.decorator_list] if isinstance(node, ast.ClassDef) else []
            if isinstance(node, ast.ClassDef) and any("dataclass" in m and "frozen=True" not in m for m in marks):
                yield f"{path} {node.name}", f"{path}:{node.lineno} {node.name} is not frozen"


def terminals(files: Files) -> Iterator[Offence]:
    """Orders know of no terminal: nothing is printed, asked or read from the process's own environment there."""
    for path, tree in modules(files):
        if not path.startswith("phoenix/orders/"):
            continue
        for line, name in imported(tree):
            if name.partition(".")[0] in NO_TERMINAL:
                yield path, f"{path}:{line} imports {name}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv"):
                yield path, f"{path}:{node.lineno} reads {ast.unparse(node)}"


def commands(files: Files) -> Iterator[Offence]:
    """No file of the command line imports a command: what two of them need has a file of its own."""
    made = {path for path, text in files.items() if path.startswith("phoenix/cli/") and "\napp = " in text}
    names = {path.removesuffix(".py").replace("/", ".") for path in made} - {"phoenix.cli.app"}
    for path, tree in modules(files):
        for line, name in imported(tree) if path.startswith("phoenix/cli/") else ():
            if any(f"{name}.".startswith(f"{command}.") for command in names):
                yield path, f"{path}:{line} imports the command {name}"


def late_imports(files: Files) -> Iterator[Offence]:
    """Imports stand at the top of a file of the command line and of an order."""
    for path, tree in modules(files):
        if not path.startswith(("phoenix/cli/", "phoenix/orders/")):
            continue
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for node in ast.walk(function):
                called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
                if isinstance(node, ast.Import | ast.ImportFrom) or called == "importlib.import_module":
                    yield path, f"{path}:{function.lineno} {function.name} imports something when it is called"


def kinds_of_clouds(files: Files) -> Iterator[Offence]:
    """What kind a cloud is, the spec knows and the table that opens it; everybody else asks what it can."""
    for path, tree in modules(files):
        if path.startswith("phoenix/spec/") or path in ("phoenix/orders/clouds.py", "phoenix/model.py"):
            continue
        for line, name in imported(tree):
            if name == "phoenix.model.CloudKind":
                yield path, f"{path}:{line} imports CloudKind"


def sizes(files: Files) -> Iterator[Offence]:
    """Files and functions that fit into a head. A signature is a table and not counted."""
    for path, text in files.items():
        most = LINES_OF_A_SHELL if path.startswith("phoenix/cli/") else LINES_OF_A_FILE
        if path.endswith((".py", ".j2", ".yml", ".sh", ".hcl", ".tf")) and text.count("\n") > most:
            yield path, f"{path} has {text.count(chr(10))} lines"
        for node in ast.walk(ast.parse(text)) if path.endswith(".py") else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.body[0].lineno + 1
                if lines > LINES_OF_A_FUNCTION:
                    yield path, f"{path}:{node.lineno} {node.name} has {lines} lines"


def words(files: Files) -> Iterator[Offence]:
    """Nothing unfinished, nothing skipped, no path of somebody's workplace."""
    for path, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if path != HERE and (found := re.search(WORDS, line)):
                yield path, f"{path}:{number} says {found[0]}"


def checkout() -> Files:
    """Every text file of this checkout that we wrote."""
    paths = [path for name in DIRECTORIES for path in (ROOT / name).rglob("*") if "__pycache__" not in path.parts]
    paths += [path for path in ROOT.iterdir() if path.suffix in (".md", ".toml") or path.name == "Makefile"]
    files = {}
    for path in sorted(path for path in paths if path.is_file()):
        try:
            files[str(path.relative_to(ROOT))] = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture or an archive
    return files


RULES: dict[Rule, Mapping[str, str]] = {
    layers: LAYER_EXCUSES,
    doors: DOOR_EXCUSES,
    waits: WAITING_EXCUSES,
    frozen: THAW_EXCUSES,
    terminals: {},
    commands: {},
    late_imports: LATE_EXCUSES,
    kinds_of_clouds: KIND_EXCUSES,
    sizes: {},
    words: {},
}


@pytest.fixture(scope="module")
def files() -> Files:
    found = checkout()
    assert len([path for path in found if path.startswith("phoenix/")]) > 20
    return found


@pytest.mark.parametrize("rule", RULES)
def test_the_checkout_keeps_the_rule(rule: Rule, files: Files) -> None:
    offences, excuses = list(rule(files)), RULES[rule]
    assert "\n".join(what for key, what in offences if key not in excuses) == ""
    assert set(excuses) - {key for key, _what in offences} == set(), "excuses that nothing needs"


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (layers, "phoenix/plan/canary.py", "from phoenix.execute import engine"),
        (layers, "phoenix/clouds/gcp/groups.py", "import phoenix.clouds.aws.client"),
        (layers, "phoenix/clouds/gcp/groups.py", "from phoenix.spec.images import Recipe"),
        (layers, "phoenix/execute/engine.py", "from phoenix.spec.load import load"),
        (layers, "phoenix/execute/engine.py", "from phoenix.spec.clouds import AwsCloud"),
        (layers, "phoenix/names.py", "from phoenix.spec.project import Project"),
        (layers, "phoenix/observe.py", "def late():\n    from phoenix.clouds.local import groups"),
        (doors, "phoenix/execute/engine.py", "import subprocess"),
        (doors, "phoenix/clouds/gcp/client.py", "from botocore import session"),
        (doors, "phoenix/tools/aptly.py", "print('done')"),
        (doors, "phoenix/execute/probe.py", "time.sleep(1)"),
        (waits, "phoenix/tools/aptly.py", "while not done():\n    clock.sleep(1)"),
        (frozen, "phoenix/model.py", "@dataclass(kw_only=True)\nclass Image:\n    name: str"),
        (layers, "phoenix/orders/roll.py", "from phoenix.record.sqlite import SqliteStore"),
        (layers, "phoenix/orders/roll.py", "from phoenix.clouds.local import cloud"),
        (layers, "phoenix/orders/site.py", "from phoenix.clouds.local import cloud"),
        (layers, "phoenix/orders/roll.py", "from phoenix.tools import git"),
        (layers, "phoenix/cli/roll.py", "from phoenix.plan import actions"),
        (layers, "phoenix/plan/roll.py", "from phoenix.orders import places"),
        (doors, "phoenix/cli/tend.py", "clock = SystemClock()"),
        (terminals, "phoenix/orders/roll.py", "import sys"),
        (terminals, "phoenix/orders/roll.py", "from rich.console import Console"),
        (terminals, "phoenix/orders/roll.py", "import os\nci = os.environ.get('CI')"),
        (late_imports, "phoenix/cli/roll.py", "def roll():\n    from phoenix.orders import roll"),
        (kinds_of_clouds, "phoenix/orders/status.py", "from phoenix.model import CloudKind"),
        (sizes, "phoenix/cli/roll.py", "x = 1\n" * 151),
        (sizes, "tests/unit/test_long.py", "x = 1\n" * 401),
        (sizes, "benchmarks/long.py", "def long():\n" + "    x = 1\n" * 51),
        (words, "docs/tutorial.md", "TODO: say how"),
        (words, "tests/unit/test_names.py", "    pytest.skip('later')"),
    ],
)
def test_the_rule_can_be_broken(rule: Rule, path: str, text: str) -> None:
    assert [what for _key, what in rule({path: text}) if path in what]


def test_a_command_that_is_imported_by_another_is_found() -> None:
    files = {"phoenix/cli/roll.py": "x = 1\napp = 2", "phoenix/cli/bake.py": "from phoenix.cli.roll import app"}
    assert list(commands(files))
