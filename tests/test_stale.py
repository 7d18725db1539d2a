"""Nothing stale: one constant is changed in each module of a copy of the package; which cached work is repeated?

`python tests/test_stale.py` prints the table: module -> what is computed again.
"""

from __future__ import annotations

import ast
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

import clipaction
from clipaction.base.cache import STEPS
from clipaction.base.code import notebook_symbols, symbol_of
from clipaction.base.graph import DATA_SUFFIXES, PACKAGE, Code, Symbol
from clipaction.base.source import parse
from clipaction.evaluate.methods import METHODS
from clipaction.masking.conditions import check
from clipaction.masking.controls import CONTROLS
from clipaction.masking.plan import SQUARE
from clipaction.masking.regions import SOURCES
from clipaction.masking.shapes import SHAPES
from clipaction.noise.apply import isolate
from clipaction.paper.figures import FIGURES
from clipaction.paper.tables import TABLES
from clipaction.profiles import load_profile
from clipaction.rivals.networks import network_names

for _module in walk_packages(clipaction.__path__, "clipaction."):
    if not _module.name.endswith("__main__"):
        import_module(_module.name)  # a step is known when its module is imported

NOTEBOOKS = sorted((PACKAGE.parent / "notebooks").glob("*.ipynb"))

# Modules that decide no result. A change in one of them repeats nothing.
NO_RESULT = {
    "__main__": "starts the command line",
    "base.alone": "who may work in a folder",
    "base.cache": "decides whether something is computed, not what",
    "base.code": "the same: which code a key covers",
    "base.content": "the same: values in keys",
    "base.graph": "the same: what reaches what",
    "base.source": "the same: how a file is read",
    "base.storage": "what a full disk means",
    "base.registry": "a dictionary; what it holds is followed",
    "base.errors": "an exception",
    "base.tensors": "how tensors are written, and whether they are whole",
    "base.files": "how files are written, not what is in them",
    "base.paths": "where files are",
    "base.words": "what is printed",
    "masking.regions.kept": "keeps what motion found, by the frames' content",
    "paper.findings": "writes the README's findings from what is published",
    "paper.tables.pooled": "several runs together, made anew each time",
    "profiles.load": "a profile's values are in every key",
    "profiles.names": "the same",
    "profiles.schema": "the same",
    "run.arguments": "the command line",
    "run.bench": "measures speed; nothing is kept",
    "run.cli": "the command line",
    "run.deep": "checks files",
    "run.cluster": "where work is done",
    "run.cluster_file": "describes a cluster",
    "run.forecast": "tells how long a run will take",
    "run.lab": "opens JupyterLab on copies of the notebooks",
    "run.live": "shows progress",
    "run.notebook": "executes a notebook",
    "run.pages": "shows a finished notebook",
    "run.records": "keeps records of notebooks",
    "run.runner": "which notebooks run",
    "run.scale": "measures memory and speed; nothing is kept",
    "run.watch": "ends a kernel that does not answer",
    "run.whole": "checks files",
    "run.tasks": "calls what notebooks call, ahead of them",
    "run.work": "counts, for the forecast",
    "run.worker": "does tasks on a cluster",
}


@dataclass(frozen=True)
class Work:
    """Something that is computed once and kept: what it is, and all definitions and data files that it rests on."""

    kind: str
    name: str
    reach: frozenset[Symbol]
    files: frozenset[str]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Copy:
    """A copy of the package, and all work that rests on it."""

    def __init__(self, folder: Path):
        self.folder = folder / "clipaction"
        shutil.copytree(PACKAGE, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.code = Code(self.folder)
        self.works = list(self.all_works())

    def all_works(self) -> Iterable[Work]:
        networks = [METHODS[name].build for name in network_names()]
        anchor = SOURCES[load_profile("demo").noise.anchor].function
        # chosen by name, so named in the key
        square = check(SQUARE).functions
        also = {"noise": [*square, anchor], "views": [*square, anchor, isolate], "networks": [*networks, *square]}
        for name, step in STEPS.items():
            yield self.work("step", name, [symbol(f) for f in (*step.functions, *also.get(name, ()))])
        for name, shape in SHAPES.items():
            yield self.work("shape", name, [symbol(shape.field)])
        for name, source in SOURCES.items():
            yield self.work("source", name, [symbol(f) for f in (source.function, source.finder) if f])
        for name, control in CONTROLS.items():
            yield self.work("control", name, [symbol(control)])
        for name, method in METHODS.items():
            if method.build:
                yield self.work("method", name, [symbol(method.build)])
        for kind, items in (("figure", FIGURES), ("table", TABLES)):
            for name, item in items.items():
                yield self.work(kind, name, [symbol(item.function), *(symbol(f) for f in STEPS[kind].functions)])
        for book in NOTEBOOKS:
            name = book.stem[:2] if book.stem[:2].isdecimal() else book.stem
            yield self.work("notebook", name, cell_symbols(book), everything=True)

    def work(self, kind: str, name: str, roots: Iterable[Symbol], everything: bool = False) -> Work:
        symbols, _, files = self.code.reach(roots, everything)
        return Work(kind, name, frozenset(symbols), frozenset(files))

    def modules(self) -> list[str]:
        """The names of all modules, without 'clipaction.'."""
        names = [".".join(path.relative_to(self.folder).with_suffix("").parts) for path in self.folder.rglob("*.py")]
        return sorted(name.removesuffix("__init__").rstrip(".") for name in names if name != "__init__")

    def path(self, module: str) -> Path:
        path = self.folder.joinpath(*module.split("."))
        return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

    def changed(self, module: str, text: str) -> set[Symbol]:
        """The definitions whose code is another one when the module has this text. What they reach must not change."""
        name = f"clipaction.{module}"
        self.path(module).write_text(text)
        try:
            edited = Code(self.folder)
            now, before = edited.module(name), self.code.module(name)
            assert now is not None and before is not None and list(now.definitions) == list(before.definitions)
            symbols = [(name, "")] + [(name, defined) for defined in now.definitions]
            found = {symbol for symbol in symbols if edited.hash(symbol) != self.code.hash(symbol)}
            assert all(edited.direct(symbol)[0] == self.code.direct(symbol)[0] for symbol in found)
            return found
        finally:
            shutil.copy(PACKAGE / self.path(module).relative_to(self.folder), self.path(module))

    def repeated(self, module: str, definition: str | None = None) -> list[Work]:
        """What is computed again when the first number in a definition (in the first that is reached) is one higher."""
        text = self.path(module).read_text()
        if definition is None:
            found = [
                name
                for name in self.with_numbers(module)
                if any((f"clipaction.{module}", name) in w.reach for w in self.works)
            ]
            definition = found[0] if found else None
        edited = self.changed(module, one_higher(text, definition))
        assert edited, f"{module}: the edit changed nothing"
        return [work for work in self.works if work.reach & edited]

    def with_numbers(self, module: str) -> list[str]:
        """The definitions of a module in which there is a number."""
        known = self.code.module(f"clipaction.{module}")
        assert known is not None
        return [name for name, nodes in known.definitions.items() if any(map(numbers, nodes))]

    def names(self, module: str, definition: str | None = None) -> set[str]:
        return {str(work) for work in self.repeated(module, definition)}


def symbol(function) -> Symbol:
    found = symbol_of(function)
    assert found is not None, function
    return found


@cache
def cell_symbols(book: Path) -> frozenset[Symbol]:
    """What a notebook's code cells name, as `run.records` finds it."""
    transform = TransformerManager().transform_cell
    cells = [cell.source for cell in nbformat.read(book, as_version=4).cells if cell.cell_type == "code"]
    return frozenset(notebook_symbols(map(transform, cells))[0])


def numbers(tree: ast.AST) -> list[ast.Constant]:
    """The numbers in a tree, in the order of the text; none of f-strings, where they may be formats."""
    texts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) in (int, float)]
    return sorted((node for node in found if id(node) not in texts), key=lambda node: (node.lineno, node.col_offset))


def one_higher(text: str, definition: str | None = None) -> str:
    """The source with its first number, or the first one of a definition, raised by one."""
    tree: ast.AST = ast.parse(text)
    if definition is not None:
        defined = parse(text, "", "").definitions[definition]
        tree = next(node for node in defined if numbers(node))
    node = numbers(tree)[0]
    lines = text.splitlines(keepends=True)
    line = lines[node.lineno - 1].encode()
    assert node.end_col_offset is not None
    raised = repr(node.value + 1).encode()  # type: ignore[operator]
    changed = line[: node.col_offset] + raised + line[node.end_col_offset :]
    lines[node.lineno - 1] = changed.decode()
    return "".join(lines)


class OtherWords(ast.NodeTransformer):
    """Other docstrings and other texts of errors."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return (
            ast.Expr(ast.Constant("other words")) if isinstance(node.value, ast.Constant) else self.generic_visit(node)
        )

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                part.value = "other words"
        return node


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("package"))


def has_number(module: str) -> bool:
    path = PACKAGE.joinpath(*module.split("."))
    return bool(numbers(ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())))


MODULES = Copy.modules(type("Package", (), {"folder": PACKAGE})())  # type: ignore[arg-type]


def of_kind(names: Iterable[str], *kinds: str) -> set[str]:
    return {name for name in names if name.split(" ")[0] in kinds}


@pytest.mark.parametrize("module", [module for module in MODULES if has_number(module)])
def test_a_changed_number_repeats_something(copy, module):
    """Every module decides a result, or it is in the list of those that decide none."""
    repeated = copy.names(module)
    assert bool(repeated) != (module in NO_RESULT), repeated or f"{module}: nothing rests on it"


def test_every_module_is_reached_or_in_the_list(copy):
    reached = {module.removeprefix("clipaction.") for work in copy.works for module, _ in work.reach}
    doors = {module for module in MODULES if copy.path(module).name == "__init__.py"}  # imports, and a docstring
    assert set(MODULES) - reached - doors == set(NO_RESULT) - doors
    assert all(not numbers(ast.parse(copy.path(module).read_text())) for module in doors - reached)


def test_every_packaged_file_is_reached(copy):
    found = {
        path.name for path in PACKAGE.rglob("*") if path.suffix in DATA_SUFFIXES and path.parent.name != "profiles"
    }
    tolerance = {"tolerance.yaml"}  # of the comparison, which notebook 06 makes anew each time
    assert found - tolerance <= {name for work in copy.works for name in work.files}


@pytest.mark.parametrize("module", MODULES)
def test_a_changed_comment_docstring_or_error_text_repeats_nothing(copy, module):
    tree = OtherWords().visit(ast.parse(copy.path(module).read_text()))  # unparsing drops comments and layout
    assert not copy.changed(module, "# another comment\n" + ast.unparse(ast.fix_missing_locations(tree)))


@pytest.mark.parametrize("name", SHAPES)
def test_a_changed_shape_repeats_its_own_conditions_alone(copy, name):
    repeated = copy.names("masking.shapes", SHAPES[name].field.__name__)
    behind_a_square = {"step noise", "step views", "step networks"}  # their validation clips
    expected = {f"shape {name}"} | (behind_a_square if name == check(SQUARE).shape else set())
    assert repeated - of_kind(repeated, "notebook") == expected
    assert {"notebook 03", "notebook explore_masks"} <= repeated


@pytest.mark.parametrize("name", SOURCES)
def test_a_changed_source_repeats_its_own_conditions_alone(copy, name):
    """The part of its file that only it uses."""
    edits = {"truth": "CHANNELS", "motion": "moving", "relevance": "relevant", "detector": "SIDE", "boxes": "rasterise"}
    edits["homography"] = "moving"
    repeated = of_kind(
        copy.names(f"masking.regions.{name}", edits[name]), "step", "shape", "source", "control", "figure"
    )
    steps = {
        "motion": {"step noise", "step views", "step what moves"},  # motion is the anchor of noise
        "detector": {"step detections"},
        "truth": {"step networks", "step relevance at each dose"},
    }
    assert repeated == {f"source {name}"} | steps.get(name, set())


@pytest.mark.parametrize("kind, items", [("figure", FIGURES), ("table", TABLES)])
def test_a_changed_plot_repeats_its_plot_alone(copy, kind, items):
    for name, item in items.items():
        module = item.function.__module__.removeprefix("clipaction.")
        if has_number(module):
            assert copy.names(module) == {f"{kind} {name}", "notebook 06"}, module


@pytest.mark.parametrize(
    "module, definition, works",
    [
        # what keys left out before: networks, validation clips, detections, boxes, seeds
        ("rivals.networks", "features", "step networks"),
        ("rivals.networks", "SIZE", "step networks"),
        ("rivals.fitting", "fit", "step networks"),
        ("rivals.fitting", "validated", "step networks"),
        ("noise.views", "validation_batches", "step noise"),
        ("masking.regions.detector", "SCORE", "step detections, source detector"),
        ("masking.regions.detector", "SIDE", "step detections, source detector"),
        ("masking.regions.detector", "detect", "step detections, source detector"),
        ("masking.regions.boxes", "rasterise", "source boxes"),
        ("base.seeds", "stable_hash", "step predictions, step noise, step rendered clips, notebook 03"),
        # from the file to the frames
        ("data.video", "segment_centres", "step frames, notebook 01"),
        ("data.preprocess", "resize", "step frames, source boxes"),
        ("data.preprocess", "coverage", "step frames"),
        ("demo.truth", "load_truth", "step frames"),
        ("demo.render", "render_group", "step rendered clips"),
        ("demo.scenes", "paint", "step rendered clips, step training images"),
        # the model
        ("vision.clip", "CLIP", "step predictions, step noise, method gated, method probe"),
        ("vision.zero_shot", "clip_scores", "method none, method gated, method offset, method prompts"),
        ("vision.zero_shot", "encode_clips", "method none, method shared, method probe, method oracle"),
        ("vision.load", "create", "step predictions, step noise"),
        ("demo.tower", "clipaction_hybrid_p12_96", "step predictions, step noise, step compact CLIP"),
        ("vision.relevance", "relevance", "source relevance, notebook 04, notebook 05"),
        # masks and predictions
        ("masking.masks", "pixels", "step predictions, step noise"),
        ("masking.masks", "apply", "step predictions, step noise"),
        ("masking.conditions", "Condition", "step predictions, step noise"),
        ("masking.conditions", "RegionCondition", "step predictions"),
        ("masking.controls", "elsewhere", "control control"),
        ("masking.cells", "CELLS", "shape patches, control cells"),
        ("masking.fills", "feathered", "step predictions"),
        ("masking.regions.camera", "camera_shifts", "source motion"),
        ("masking.regions.planes", "homography", "source homography"),
        ("masking.regions.plausible", "RIM", "notebook 03"),
        ("masking.regions.geometry", "box", "step predictions, step noise, method anchored, method red-circle"),
        ("evaluate.predictions", "_rows", "step predictions"),
        ("evaluate.sweep", "_predict", "step predictions"),
        # noise and rivals
        ("noise.gates", "gate_weights", "step noise, method gated, method random, method anchored-class"),
        ("noise.apply", "isolate", "step noise, method anchored-class, method isolated, method probe-both"),
        ("noise.frames", "TrainingFrames", "step noise, step networks"),
        ("noise.frames", "scene_behind", "step networks, notebook 04"),
        ("masking.regions.motion", "moving", "source motion, step noise"),
        ("noise.parameters", "ClassNoise", "step noise"),
        ("noise.parameters", "add", "step noise, method gated, method shared, method oracle"),
        ("noise.losses", "pair_term", "step noise"),
        ("noise.objective", "objective", "step noise"),
        ("noise.training", "train", "step noise"),
        ("noise.learning", "RECIPES", "step noise"),
        ("noise.probe", "linear_probe", "notebook 04"),
        ("rivals.prompts", "tune_prompts", "method prompts, notebook 04"),
        ("rivals.offset", "class_offset", "method offset, notebook 04"),
        ("rivals.probe", "scores_of", "method probe, method probe-both, notebook 04"),
        ("rivals.probe", "isolated_probe_scores", "method probe-isolated, method probe-both, notebook 04"),
        ("rivals.seen", "red_circle", "method red-circle, notebook 04"),
        ("rivals.seen", "blurred_background", "method blurred-background, notebook 04"),
        # what is read from predictions
        ("evaluate.intervals", "bootstrap_groups", "figure fig02, table tab03, notebook 03, notebook 06"),
        ("analysis.bias", "bias", "notebook 03"),
        ("analysis.attack", "attack_rates", "step attack rates, notebook 04"),
        ("notebook.pictures", "contact_sheet", "notebook 01"),
        ("notebook.pictures", "judged", "notebook explore_masks, notebook explore_noise"),
    ],
)
def test_what_rests_on_a_change_is_repeated(copy, module, definition, works):
    assert set(works.split(", ")) <= copy.names(module, definition)


@pytest.mark.parametrize(
    "modules, kinds",
    [
        ("noise.training noise.losses noise.objective noise.learning", "step predictions, step frames, step networks"),
        ("rivals.networks rivals.fitting rivals.prompts rivals.offset", "step noise, step predictions, step frames"),
        ("masking.masks masking.conditions masking.controls", "step frames, step detections"),
        ("masking.shapes masking.regions.detector", "step frames, step networks, step noise"),
        ("masking.regions.motion", "step frames, step networks, step predictions, step detections"),
        ("evaluate.summaries evaluate.calibration evaluate.significance", "step predictions, step noise, step frames"),
        (
            "analysis.bias analysis.sources analysis.attack analysis.ablation",
            "step predictions, step noise, step frames",
        ),
        (
            "paper.style paper.typeset paper.drawing paper.claims",
            "step predictions, step noise, step frames, notebook 04",
        ),
        (
            "notebook.pictures notebook.curves notebook.explorer.masks",
            "step predictions, step noise, step frames, notebook 06",
        ),
        ("data.ucf101.archive data.ucf101.copies data.folder", "step predictions, step noise, step frames"),
        ("run.environment", "step predictions, step noise, step frames, step networks"),
    ],
)
def test_what_does_not_rest_on_a_change_is_not_repeated(copy, modules, kinds):
    for module in filter(has_number, modules.split()):
        definition = "stripes" if module == "masking.shapes" else None
        assert not set(kinds.split(", ")) & copy.names(module, definition), module


def test_the_digests_say_the_same(copy):
    """The table is made from what each work reaches. Here the digests themselves are compared, before and after."""

    def digests() -> dict[str, list[str]]:
        code, found = Code(copy.folder), {}
        for name, step in STEPS.items():
            found[f"step {name}"] = code.lines([symbol(function) for function in step.functions])
        for name, shape in SHAPES.items():
            found[f"shape {name}"] = code.lines([symbol(shape.field)])
        for name in ("03", "06"):
            (book,) = (book for book in NOTEBOOKS if book.name.startswith(name))
            found[f"notebook {name}"] = code.lines(cell_symbols(book), everything=True)
        return found

    before = digests()
    for module, definition in (
        ("masking.shapes", "circle"),
        ("noise.gates", None),
        ("paper.figures.fig02_masked_area", None),
    ):
        path, expected = copy.path(module), copy.names(module, definition) & before.keys()
        path.write_text(one_higher(path.read_text(), definition))
        after = digests()
        shutil.copy(PACKAGE / path.relative_to(copy.folder), path)
        assert {name for name in before if before[name] != after[name]} == expected and expected


def shortened(works: list[Work], everything: list[Work]) -> str:
    """'step noise; methods gated, random; every figure'."""
    found = []
    for kind in dict.fromkeys(work.kind for work in everything):
        names, known = ([w.name for w in ws if w.kind == kind] for ws in (works, everything))
        if names:
            several = (
                f"every {kind}"
                if len(names) == len(known) > 2
                else f"{kind}{'s' * (len(names) > 1)} {', '.join(names)}"
            )
            found.append(several)
    return "; ".join(found) or "nothing"


def table() -> str:
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        rows = {}
        for module in MODULES:
            if not has_number(module):
                reached = [work for work in copy.works if any(name == f"clipaction.{module}" for name, _ in work.reach)]
                rows[module] = f"(no number to change) reached by {shortened(reached, copy.works)}"
            else:
                rows[module] = shortened(copy.repeated(module), copy.works)
            if module in NO_RESULT:
                rows[module] += f" ({NO_RESULT[module]})"
    width = max(map(len, rows))
    return "\n".join(f"{module:{width}}  {text}" for module, text in rows.items())


if __name__ == "__main__":
    print(
        "A number is changed in each module: what is computed again? (Frames follow from rendered clips; predictions,"
    )
    print("noise and networks follow from frames: not by their code, but by the content of what they are made of.)\n")
    print(table())
