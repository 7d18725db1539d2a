"""What each step of a run computes, counted before it begins: frames embedded, videos read.

`Study.timed` counts the same while a run goes on, and a test holds the two together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from .. import rivals  # noqa: F401  (importing it registers its methods)
from ..analysis import search, unseen
from ..analysis.dose import FEW, STEPS
from ..data.dataset import load_dataset
from ..demo.dose import DOSES
from ..demo.plan import plan_clips
from ..evaluate.sweep import blocks, chunk_size
from ..masking.plan import plan
from ..masking.regions import gives
from ..noise.learning import RECIPES, recipe_config
from ..noise.protocols import HEADLINE
from ..notebook.lessons import steps_by_hand
from ..rivals.video import KINETICS, SCRATCH

CLIPS_A_GROUP = 5.3  # of UCF-101: 13,320 clips of 101 classes in 25 groups
PROMPT_STEPS = 300  # of `rivals.prompts`
PROBES = 5.0  # seconds for all linear probes
VARIATIONS = 30  # of the ablation
MASKS, BOXES = 1.7, 4.4  # `Work.masked` of a frame: masked, or with the action's box found and a picture composed
COSTS = {"cnn": 1.0, "cnn-gru": 1.05, SCRATCH: 8.1, KINETICS: 65.0}  # of a frame, in training; the frame CNN's is 1
# Passes over a frame, of all methods that need few, where exact masks are not known and where they are. A test counts
# them in a toy run.
PASSES, VALIDATED, AWAY = (14.9, 16.1), (13, 14), 6
EXPLORED = 5  # clips of the explorer's page


@dataclass(frozen=True)
class Sizes:
    """Clips of each split of the source domain, and of the other domain; classes of the source domain; frames a
    clip."""

    train: int
    val: int
    test: int
    away: int
    classes: int
    frames: int


@dataclass(frozen=True)
class Work:
    """frames: embedded. learned: of which with gradients. videos: rendered or decoded. prompts: sentences in steps of
    prompt tuning. trained: frames that a frame CNN would learn from in the same time. seconds: of anything else.
    masked: how many times each frame that is embedded is masked or the like, for masks, regions and tables."""

    frames: float = 0
    learned: float = 0
    videos: int = 0
    prompts: int = 0
    trained: float = 0
    seconds: float = 0
    masked: float = MASKS


def sizes(profile) -> Sizes:
    """How many clips a profile has, by its plan; videos that are to be fetched are counted from UCF-101's own
    numbers."""
    config = profile.dataset
    if config.kind == "demo":
        planned = plan_clips(config, profile.seed)
        home = [(group, clips) for group, clips in planned if group.domain == "home"]
        splits = {split: sum(n for group, n in home if group.split == split) for split in ("train", "val", "test")}
        away = sum(n for _, n in planned) - sum(splits.values())
        classes = len({group.action for group, _ in home})
        return Sizes(**splits, away=away, classes=classes, frames=profile.frames)
    if config.kind == "ucf101" and config.root is None:
        classes = len(config.classes or range(101))

        def clips(groups: int, most: int | None) -> int:
            return round(classes * groups * (most or CLIPS_A_GROUP))

        train = min(config.train_groups, 18 - config.val_groups)
        counts = clips(train, config.train_clips), clips(config.val_groups, config.val_clips)
        return Sizes(*counts, clips(config.test_groups, config.test_clips), 0, classes, profile.frames)
    data = load_dataset(profile)
    train, val, test = (len(data.select(split)) for split in ("train", "val", "test"))
    return Sizes(train, val, test, 0, len(data.classes), profile.frames)


def training(profile, name: str, n: Sizes) -> Work:
    """What one noise of RECIPES takes: see `noise.objective`, and `validation_score`."""
    recipe, config = RECIPES[name], recipe_config(profile.noise, name)
    loss, known = config.loss, regions_known(profile)
    batch = min(config.batch // 2, n.train * n.frames)
    seen = 2 * batch + (batch // 2 if known and loss.confidence else 0)
    first = seen if loss.ce or loss.agreement or (known and loss.confidence) else 0
    learned, plain = first, first if recipe.gate else 0
    if recipe.use != "shared" and (recipe.use != "anchored" or recipe.gate):
        learned += batch // 2 * ((loss.pair > 0 or loss.hinge > 0) + (loss.pair > 0))
        plain += batch // 2 * (loss.hinge > 0)
    validations = 0 if recipe.use == "oracle" else math.ceil(config.steps / config.validate_every)
    judged = validations * validation_frames(profile, n) * (2 if recipe.gate else 1)
    return Work(config.steps * (learned + plain) + judged, config.steps * learned)


def masking_pieces(profile) -> int:
    """How many files the masking sweep leaves: `evaluate.sweep.blocks` of each condition."""
    clips = pd.DataFrame(index=range(sizes(profile).test))
    return len(plan(profile)) * len(blocks(clips, chunk_size(profile.frames, profile.batch)))


def exact(profile) -> bool:
    """Whether exact masks are known."""
    return profile.dataset.kind == "demo"


def regions_known(profile) -> bool:
    """Whether training knows where actor and prop are, by exact masks or a region source."""
    return exact(profile) or any(gives(source, "actor+prop") for source in profile.regions.sources)


def validation_frames(profile, n: Sizes) -> int:
    """Frames of `validation_batches`."""
    return n.val * n.frames * (3 if regions_known(profile) else 2)


def noises(profile) -> list[str]:
    return [name for name, recipe in RECIPES.items() if exact(profile) or not recipe.real]


def steps(profile, n: Sizes) -> list[tuple[str, str, str, Work]]:
    """(notebook, step as `Study.timed` calls it, what it computes, work) of a whole run, in order."""
    f, names, conditions = n.frames, noises(profile), plan(profile)
    clips, train, val, test, away = n.train + n.val + n.test + n.away, n.train * f, n.val * f, n.test * f, n.away * f
    known = exact(profile)
    ways = 5 if known else 3  # whole, isolated and unswapped frames; the first two once more as on real videos
    views = ways * (profile.noise.views * train + validation_frames(profile, n))
    trainings = [training(profile, name, n) for name in names]
    learned = Work(sum(work.frames for work in trainings), sum(work.learned for work in trainings))
    relevance = test * any("relevant" in name for name in conditions)
    kinds = 3 + (2 if known else regions_known(profile))  # of validation frames
    turns = n.classes + profile.noise.shortlist  # passes of the methods that try classes in turn
    mapped = known * len(range(0, n.test, max(1, n.test // 96)))  # clips whose relevance is shown with noise
    found = [
        ("01", "videos", f"{clips:,} videos", Work(videos=clips)),
        ("02", "zero shot", f"{clips - n.train:,} clips", Work(val + test + away)),
        ("02", "steadiness", f"{n.test:,} clips", Work(test)),
        (
            "03",
            "masking sweep",
            f"{len(conditions)} conditions x {n.test:,} clips",
            Work(len(conditions) * test + 2 * relevance, relevance),
        ),
        ("04", "embedding views", f"{views:,} frames", Work(views, masked=BOXES)),
        ("04", "noise trainings", f"{len(names)} noises", learned),
        (
            "04",
            "rivals",
            f"prompts of {n.classes} classes, probes",
            Work(prompts=PROMPT_STEPS * n.classes, seconds=PROBES),
        ),
        (
            "04",
            "attack rates",
            f"{n.classes} noises of each kind",
            Work(test * n.classes + n.test * (3 * n.classes - 2)),
        ),
        (
            "04",
            "noise protocols",
            f"4 conditions x {n.test:,} clips",
            Work(test * (4 * PASSES[known] + turns), masked=BOXES),
        ),
        (
            "04",
            "validation",
            f"{kinds} kinds of frames x {n.val:,} clips",
            Work(val * kinds * VALIDATED[known], masked=BOXES),
        ),
        ("04", "relevance shares", "4 methods", Work(mapped * (4 + 2 * f), 4 * mapped)),
        *on_demand(profile, n),
    ]
    if n.away:
        found.append(("05", "ward", f"{n.away:,} clips", Work(away * 2 * AWAY, masked=BOXES)))
    if profile.baselines.enabled:
        found.append(("05", "baselines", "3 networks", networks(profile, n)))
    if known and profile.model.name == "clipaction-compact":
        found.append(("05", "doses of bias", f"{len(DOSES) + 1} models", doses(profile, n)))
    return found


def outside(profile, n: Sizes) -> dict[str, Work]:
    """What notebooks compute outside their steps: the explorer's page, trainings by hand, methods that know the
    label."""
    steps = steps_by_hand(profile.noise.steps)
    terms = 8 * steps * (1 + 2 + 3 + 3)  # frames with gradients, of one to four terms of the loss
    learned, judged = 16 * steps + terms, 4 * n.val + 5 * (min(n.train, 256) + n.val)
    shown = EXPLORED * n.frames * len(plan(profile))
    return {"03": Work(shown), "04": Work(learned + terms / 3 + judged + 2 * n.test * n.frames, learned)}


def networks(profile, n: Sizes) -> Work:
    """What training the networks takes, with their validation after each pass, and judging them. Without gradients a
    frame takes a third of the time."""
    config = profile.baselines
    video = SCRATCH if config.weights == "none" else KINETICS
    epochs = {name: config.epochs_of.get(name, config.epochs) for name in ("cnn", "cnn-gru", video)}
    a_pass, judged = n.train * n.frames + validation_frames(profile, n) / 3, (3 * n.test + 2 * n.away) * n.frames / 3
    return Work(trained=sum(COSTS[name] * (count * a_pass + judged) for name, count in epochs.items()))


def on_demand(profile, n: Sizes) -> list[tuple[str, str, str, Work]]:
    """The steps of notebook 04 that are only done where the profile gives them steps: mostly trainings."""
    wanted = (
        ("ablation", profile.noise.ablation_steps, [HEADLINE] * VARIATIONS),
        ("search for settings", profile.noise.search_steps, [setting.noise for setting in search.settings()]),
        ("unseen classes", profile.noise.unseen_steps, [*unseen.NOISES] * unseen.DIVISIONS),
    )
    found = []
    for step, count, names in wanted:
        few = profile.model_copy(update={"noise": profile.noise.model_copy(update={"steps": count})})
        trained = [training(few, name, n) for name in names if count]
        work = Work(sum(each.frames for each in trained), sum(each.learned for each in trained))
        found.append(("04", step, f"{len(trained)} trainings", work))
    return found


def doses(profile, n: Sizes) -> Work:
    """What `analysis.dose` takes for all its models: views, one anchored noise, validation and test clips,
    relevance."""
    few = profile.noise.model_copy(update={"steps": min(profile.noise.steps, STEPS)})
    config = recipe_config(few, "anchored")
    learned = config.steps * 2 * min(config.batch // 2, n.train * n.frames)
    validations = math.ceil(config.steps / config.validate_every)
    maps = len(range(0, n.test, max(1, n.test // FEW)))
    frames = n.train * n.frames + 2 * n.val * n.frames * (3 + validations) + 7 * n.test * n.frames
    models = len(DOSES) + 1
    return Work(models * (frames + learned + maps), models * (learned + maps))
