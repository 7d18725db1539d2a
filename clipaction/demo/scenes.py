"""The demo's painted places: fourteen scenes with four layouts each, seen through a given camera.

A scene is painted back to front: sky or room, then things sorted by depth, then the light's colour. The layout fixes
the arrangement and the materials. All else (hour, light, mirroring, positions, bystander, distractor, foreground) is
drawn from the given generator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .draw import Camera, F
from .scenery import (
    Light,
    Painting,
    bricks,
    cell,
    flat,
    folds,
    grass,
    inside,
    lines,
    mix,
    noise,
    panels,
    planks,
    plaster,
    rgb,
    ring,
    speckled,
    tiles,
    windows,
)
from .things import (
    DISTRACTORS,
    bale,
    bed,
    bed_curtain,
    bench,
    big_window,
    cabinets,
    car,
    ceiling_lamp,
    chair,
    cliff,
    distractor,
    dome,
    drape,
    drip,
    drums,
    exercise_ball,
    fence,
    ficus,
    flag,
    footlight,
    frame_on_wall,
    fridge,
    fruit,
    halo,
    hedge,
    hoop,
    house,
    jar,
    kettlebell,
    lamp_post,
    lantern,
    litter_bin,
    locker,
    mats_on_shelf,
    microphone,
    monitor,
    nightstand,
    oven,
    person,
    plant,
    plates,
    power_rack,
    punch_bag,
    rack,
    rail,
    raised_ring,
    road_sign,
    ropes,
    seesaw,
    shelter,
    slide,
    speaker,
    sunlight,
    swings,
    table,
    tap,
    target,
    tree,
    wall_bars,
    wardrobe,
    wedge,
    weight_bench,
)

SCENES = (
    "archery range",
    "basketball court",
    "mountain road",
    "boxing gym",
    "weight room",
    "golf course",
    "school yard",
    "kitchen",
    "stage",
    "playground",
    "yoga studio",
    "street",
    "bedroom",
)
LAYOUTS = 4
SCENE_WORDS: dict[str, tuple[str, ...]] = {
    "archery range": ("at an archery range", "on a field with round targets", "in front of archery targets"),
    "basketball court": ("on a basketball court", "in a gym hall with a hoop", "in a sports hall"),
    "mountain road": ("on a mountain road", "on a road in the mountains", "beside a guard rail in the mountains"),
    "boxing gym": ("in a boxing gym", "next to a boxing ring", "in a gym with ring ropes"),
    "weight room": ("in a weight room", "in a fitness room with mirrors", "in front of a dumbbell rack"),
    "golf course": ("on a golf course", "on a green with a flag", "on a fairway"),
    "school yard": ("in a school yard", "in a playground outside a school", "in front of a school building"),
    "kitchen": ("in a kitchen", "in front of kitchen cabinets", "in a tiled kitchen"),
    "stage": ("on a stage", "on a stage with curtains", "under spotlights on a stage"),
    "playground": ("at a playground", "on a playground with a slide", "in a park with swings"),
    "yoga studio": ("in a yoga studio", "in a bright studio with plants", "in a studio with a wooden floor"),
    "street": ("on a street", "on the pavement of a street", "in front of houses"),
    "bedroom": ("in a bedroom", "in a room with a bed", "in a bedroom with a carpet"),
    "ward": ("in a hospital ward", "in a hospital room", "next to a hospital bed"),
}


@dataclass(frozen=True)
class Grade:
    """Last step for a whole frame [H, W, 3] in [0, 1]: tint and vignette; `infrared`: overexposed grey first."""

    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    vignette: float = 0.16
    infrared: bool = False

    def __call__(self, image: np.ndarray) -> np.ndarray:
        falloff = _falloff(*image.shape[:2], self.vignette)
        if self.infrared:  # a lamp beside the lens: bright where near the axis, everything pale glares
            grey = (image @ np.array([0.42, 0.4, 0.18], F)) * falloff
            image = np.clip(
                F(1.28) * (F(0.1) + F(0.9) * grey) ** F(1.3) + F(0.5) * np.clip(grey - F(0.72), 0, 1), 0, 1
            )[..., None]
            return np.clip(image * np.asarray(self.tint, F), 0, 1)
        return np.clip(image * (falloff[..., None] * np.asarray(self.tint, F)), 0, 1)


@dataclass(frozen=True)
class Stage:
    """A painted scene: the plate without foreground, its light, the foreground (rgb, alpha) and the frame's grade."""

    image: np.ndarray
    light: Light
    front: tuple[np.ndarray, np.ndarray] | None
    grade: Callable[[np.ndarray], np.ndarray]

    def plate(self) -> np.ndarray:
        """The clean plate [H, W, 3] float32: the graded scene with its foreground, without the actor."""
        if self.front is None:
            return self.grade(self.image)
        rgb, alpha = self.front
        return self.grade(self.image + alpha[..., None] * (rgb - self.image))


@lru_cache(maxsize=16)
def _falloff(h: int, w: int, strength: float) -> np.ndarray:
    """Vignette [h, w]: 1 in the centre, 1 - strength towards the corners."""
    v, u = np.linspace(-1, 1, h, dtype=F)[:, None], np.linspace(-1, 1, w, dtype=F)[None]
    q = np.clip((u * u + v * v) / 2, 0, 1)
    return (1 - F(strength) * q ** F(1.3)).astype(F)


# (sky zenith, sky at the horizon, clouds, cloud amount), light colour, shadow: the hours of an outdoor scene
HOURS = (
    ((rgb("5b93c9"), rgb("d2e4ec"), rgb("ffffff"), 0.45), (1.02, 1.0, 0.96), 0.55),
    ((rgb("7fa6cb"), rgb("f1e3cf"), rgb("fff6ea"), 0.6), (1.03, 0.97, 0.9), 0.45),
    ((rgb("9aa7b0"), rgb("cfd5d6"), rgb("eef0f0"), 0.95), (0.9, 0.94, 0.97), 0.22),
    ((rgb("6c86b0"), rgb("f4cf9f"), rgb("ffe3c2"), 0.55), (1.06, 0.95, 0.83), 0.5),
)
# the ward's hours: dim night light, infra-red, fluorescent: (share, light colour, shadow, grade)
WARD = (
    (0.4, (1.05, 0.98, 0.9), 0.45, Grade((0.72, 0.6, 0.48), 0.5)),
    (0.25, (1.0, 1.0, 1.0), 0.3, Grade((0.84, 1.0, 0.87), 0.6, True)),
    (0.35, (0.98, 1.0, 1.01), 0.3, Grade((0.97, 1.02, 1.0), 0.2)),
)
LAMPS = ((1.0, 1.0, 1.0), (1.05, 0.98, 0.89), (0.94, 0.99, 1.03), (0.86, 0.84, 0.82))  # light colours of a room
OUTDOOR = ("archery range", "mountain road", "golf course", "school yard", "playground", "street")


def _hills(
    height: float, colour, seed: float, freq: float = 0.03, rough: float = 0.15, dapple: float = 0.3
) -> tuple[Callable, Callable]:
    """(top, tex) of a wooded or grassy ridge for `Painting.ridge`."""

    def top(x):
        return F(height) * (
            0.55 + 0.6 * noise(x * freq + seed, 0 * x + seed, 3) + rough * (noise(x * freq * 9, 0 * x + 3, 3) - 0.5)
        )

    def tex(x, y, pa, pb, t):
        tone = (
            0.99
            - dapple / 2
            + dapple * noise(x * 16 / height, y * 18 / height, 3)
            + 0.12 * np.clip(y / np.maximum(t, 0.1), -1, 1)
        )
        return colour * tone[..., None]

    return top, tex


def _mountains(
    height: float, rock, haze, seed: int, snow: float, spacing: float, lit: float
) -> tuple[Callable, Callable]:
    """(top, tex) of peaks about `spacing` apart: a lit and a shaded flank, snow above `snow` of the height, haze."""
    rng = np.random.default_rng(seed)
    at = (np.arange(-14, 15) + rng.uniform(-0.35, 0.35, 29)).astype(F) * F(spacing)
    tall = F(height) * rng.uniform(0.55, 1.0, 29).astype(F)
    slope = F(height / spacing) * rng.uniform(0.7, 1.15, 29).astype(F)

    def peak(x):
        x = x + F(0.1 * spacing) * (noise(x / F(0.4 * spacing), 0 * x + 1, 3) - F(0.5))
        each = tall[:, None] - np.abs(x[None] - at[:, None]) * slope[:, None]
        return each.argmax(0), each.max(0), x

    def top(x):
        return np.maximum(peak(x)[1], F(0.12 * height)) + F(0.1 * height) * (
            noise(x / F(0.3 * spacing), 0 * x + 2, 4) - F(0.5)
        )

    def tex(x, y, pa, pb, t):
        n = noise(x / F(0.5 * spacing), y / F(0.35 * height))
        which, _, bent = peak(x[0])
        bend = (F(0.3 * spacing) * (n - F(0.5)) * (1 - y / F(height)) / pa).astype(
            np.int32
        )  # valleys wander instead of falling plumb
        columns = np.clip(np.arange(len(which))[None] + bend, 0, len(which) - 1)
        which, bent = which[columns], bent[columns]
        side = np.clip(
            (bent - at[which] + F(0.7 * spacing) * (n - F(0.5)) * (1 - y / tall[which])) / F(0.05 * spacing), -1, 1
        )
        tone = 0.86 + 0.2 * lit * side + 0.35 * (n - F(0.5))
        white = np.clip(
            (y / F(height) - F(snow) + F(0.4) * (noise(x / F(0.1 * spacing), y / F(0.2 * height)) - F(0.5))) * 12, 0, 1
        )
        body = mix(rock * tone[..., None], rgb("f2f5fb") * (0.97 + 0.1 * lit * side + 0.1 * n)[..., None], white)
        return mix(body, haze, np.clip(0.7 - 1.1 * y / F(height), 0, 0.7))

    return top, tex


def archery_range(w: Painting, k: int):
    green = (rgb("6f9448"), rgb("86984f"), rgb("5d8a4c"), rgb("7f9a45"))[k]
    leaf = (rgb("3f6a3a"), rgb("5c7a3c"), rgb("33583f"), rgb("4b7340"))[k]
    seed = w.rng.uniform(0, 9)
    w.ridge(70, *_hills(11, mix(leaf, rgb("a9bcc4"), 0.55), seed))
    top, tex = _hills((5.5, 3.6, 5.2, 4.6)[k], leaf * 0.85, seed + 3, 0.09, 0.5)

    def spires(x):
        return top(x) + 2.4 * (1 - np.abs(2 * ((x * 0.42 + noise(x * 0.2, 0 * x)) % 1) - 1))

    w.ridge(26, spires if k == 2 else top, tex)
    w.surface(1, 0, -40, -6, 40, 26, grass(green, 0.07 if k % 2 else 0.0, 1.2, amp=0.26), ao=(0, 0, 0, 0.3))
    w.surface(1, 0.001, -9, 1.15, 9, 1.27, flat(rgb("f0efe6"), 0.8))
    spots = (
        ((-1.75, 5.2), (1.85, 5.6), (4.3, 6.4)),
        ((-1.6, 6.0), (1.75, 6.0)),
        ((-2.9, 8.0), (1.55, 4.6), (3.4, 9.0)),
        ((1.5, 4.6), (3.1, 6.8), (-4.6, 8)),
    )[k]
    for x, z in spots:
        w.put(target, w.jit(x, 0.15), z - 0.3 * (k == 1), 0.66 if k != 2 else 0.72, clear=0.9)
    if k == 1:
        for i in range(-4, 5):
            for j in range(3 - (i % 2)):
                w.put(bale, i * 1.25 + 0.1 * j, 7.2 - 0.02 * j, 1.2, 0.62 * j, 0.62 * (j + 1))
    if k == 3:  # a shooting shelter on the left
        w.put(shelter, -3.05, 5.9, clear=1.5)
        w.put(bench, -3.0, 6.2, rgb("8a6a45"), rgb("6e4f36"))
        w.put(flag, 2.2, 8.5, 2.8, rgb("e3b53c"))
    for i, (x, z) in enumerate(((-6.2, 12), (-3.4, 14), (5.4, 12.5), (2.6, 15), (0.3, 17))):
        w.put(
            tree,
            w.jit(x, 0.7),
            z,
            w.jit(4.6, 0.7),
            leaf * (0.95 + 0.12 * (i % 3)),
            "spire" if k == 2 or (k == 0 and i == 1) else "round",
        )
    w.depth = 5.0


def basketball_court(w: Painting, k: int):
    wood = (rgb("c98f52"), rgb("b9804a"), rgb("d6a468"), rgb("bb7b46"))[k]
    wall = (rgb("d8cfbf"), rgb("b7c3c9"), rgb("cdbfae"), rgb("c7cbb8"))[k]
    pad, key = (
        (rgb("2f5482"), rgb("8d3a35"), rgb("3a6b58"), rgb("5b4b80"))[k],
        (rgb("b5532f"), rgb("345f8f"), rgb("a8503a"), rgb("3c7367"))[k],
    )

    def back(a, b, pa, pb):
        base = panels(wall, wall * 0.7, 1.9, 6, line=0.04)(a, b, pa, pb)
        if k in (1, 3):
            base = mix(
                base,
                rgb("dfeaf0") * (0.95 + 0.1 * noise(a, b))[..., None],
                (inside(b, 3.2, 4.6, pb) * (1 - lines(a, 0.95, 0.1, pa)) * (lines(a - F(1.9), 3.8, 2.6, pa) > 0.5)),
            )
        cushions = pad * (0.95 + 0.1 * cell(np.floor(a / F(0.95))) - 0.4 * lines(a, 0.95, 0.03, pa))[..., None]
        base = mix(base, cushions + 0 * b[..., None], inside(b, -0.1, 1.45, pb))
        return mix(base, rgb("efe9dc"), 0.8 * inside(b, 1.46, 1.56, pb))

    z1 = 8.0
    w.room(
        planks(wood, 0.12, 2.2, 0.2, 0.12),
        back,
        z1,
        (-7, -4.6, -9, -6)[k],
        (6, 8.5, 9, 5)[k],
        5.6,
        ceiling=plaster(rgb("a8a49c")),
        gloss=0.16,
    )
    side = (1.6, -1.7, -1.5, 1.8)[k]
    white = rgb("f6f2e8")
    if k != 2:
        w.surface(1, 0, side - 1.25, 3.2, side + 1.25, z1 - 0.4, flat(key, 0.8))
        for x in (side - 1.25, side + 1.25):
            w.surface(1, 0, x - 0.05, 3.2, x + 0.05, z1 - 0.4, flat(white, 0.9))
        w.surface(1, 0, side - 3, 1.6, side + 3, 4.8, ring(white, side, 3.2, 1.25, 0.08))
        w.surface(1, 0, -9, 3.16, 9, 3.24, flat(white, 0.85))
        w.put(hoop, side, 6.6, 2.5, pole=rgb("4b5c78") if k == 3 else None)
    else:  # seen from the side line: the centre circle, a hoop at one end, bleachers opposite
        w.surface(1, 0, -2.6, -1.9, 2.6, 3.4, ring(key, 0, 0.6, 2.9, 2.9))
        w.put(hoop, 2.1, 6.0, 2.45, pole=rgb("3a3f48"))
    w.surface(1, 0, -2.2, -1.6, 2.2, 2.8, ring(white, 0.0, 0.6, 1.55, 0.08))
    if k in (0, 2):
        for i in range(3):
            w.put(
                Painting.box,
                -2.9 if k == 0 else -2.2,
                7.6 - 0.55 * i,
                4.2,
                0.55,
                0,
                1.3 - 0.42 * i,
                (rgb("8d6f50"), mix(rgb("8d6f50"), pad, 0.7), rgb("9b7a58"))[i],
                0,
                False,
                rgb("d6b98c"),
                clear=2.2,
            )
    if k == 1:
        w.put(bench, 2.2, 6.8, rgb("b08a58"), turn=0.05, length=2.2)
    if k == 3:
        for x in (-4.4, -3.2, -2.0):
            w.put(wall_bars, x, 7.9)
    w.depth = 5.5


def mountain_road(w: Painting, k: int):
    rock = (rgb("74808f"), rgb("8b7f78"), rgb("6f7f88"), rgb("81788a"))[k]
    haze = mix(HOURS[w.hour][0][1], rgb("aebfd0"), 0.5)
    seed, lit = int(w.rng.integers(1 << 20)), float(np.sign(w.light.direction[0]))
    w.ridge(
        900,
        *_mountains(
            (150, 125, 165, 135)[k],
            mix(rock, haze, 0.3),
            haze,
            seed,
            (0.5, 0.62, 0.4, 0.7)[k],
            (150, 190, 130, 170)[k],
            lit,
        ),
    )
    w.ridge(500, *_mountains(42, mix(rock * 0.8, haze, 0.2), mix(haze, rock, 0.3), seed + 1, 1.6, 80, lit))
    pine = (rgb("4a6650"), rgb("6a7350"), rgb("3d5a4f"), rgb("57694a"))[k]
    w.ridge(150, *_hills(8, mix(pine, haze, 0.35), seed % 9, 0.03, 0.25), base=-40)
    w.ridge(60, *_hills(1.2, mix(pine, haze, 0.12), seed % 7, 0.08, 0.6), base=-20)
    verge = (rgb("7f8a58"), rgb("9b8e62"), rgb("6f7f5d"), rgb("8a8a55"))[k]
    asphalt, yellow = (
        (rgb("6d7075"), rgb("77736f"), rgb("62676e"), rgb("726f75"))[k],
        (rgb("e6c355"), rgb("f0ede2"), rgb("e9c04a"), rgb("f0ede2"))[k],
    )
    grain, land = speckled(asphalt, 0.14, 0.05, 0.12), grass(verge, amp=0.4)
    bend = (0, 0.028, -0.016, 0)[k]
    across = k in (0, 3)

    def mid(b):
        return F(bend) * np.maximum(b, 0) ** 2 + F((0.5, -0.6)[k == 2])

    def ground(a, b, pa, pb):
        if across:  # the road runs from left to right
            d, pd, along, pl = b - F(0.9), pb, a, pa
        else:
            d, pd, along, pl = a - mid(b), pa * (1 + 0.4 * np.abs(b) * abs(bend)), b, pb
        half = 2.7 if across else 2.9
        road = np.clip((F(half) - np.abs(d)) / pd + 0.5, 0, 1)
        mark = inside(d - F(0.4 if across else 0), -0.08, 0.08, pd) * np.clip(lines(along, 2.6, 1.5, pl), 0, 1)
        edge = inside(np.abs(d), half - 0.35, half - 0.2, pd)
        return mix(
            mix(mix(land(a, b, pa, pb), grain(a, b, pa, pb), road), yellow, 0.92 * mark), rgb("ece9e0"), 0.85 * edge
        )

    w.surface(1, 0, -60, -6, 60, (9, 60, 60, 9)[k], ground)
    if across:
        w.put(rail, 0, 3.95, [(x, 3.95) for x in np.arange(-8, 8.1, 1.6)])
    else:
        s = 1 if k == 1 else -1
        zs = np.array([26, 20, 15, 11, 8, 6, 4.4, 3, 1.8, 0.8, -0.2, -1.2])
        w.put(rail, 0, 3, [(float(mid(b)) - s * 3.25, b) for b in zs])
        w.put(rail, 0, 6.2, [(float(mid(b)) + s * 3.25, b) for b in zs[:6]])
    if k == 3:  # a rock face on one side
        w.put(cliff, 0, 7.0, rock, pine)
    spots = (
        ((-5.5, 8, 5), (-3.6, 10, 6), (5.2, 9, 6)),
        ((-7, 14, 6), (-5.2, 9, 5), (6.5, 8, 5)),
        ((3.9, 7, 5), (5.4, 10, 7), (-7.5, 14, 7), (6.4, 6.4, 6)),
        ((4.3, 8.5, 6), (6.3, 8, 5)),
    )
    for x, z, h in spots[k]:
        w.put(tree, w.jit(x, 0.3), z, w.jit(h, 0.5), pine * 0.9, "spire")
    if k in (1, 2):  # a warning sign with a bend arrow
        w.put(road_sign, (3.1, -3.0)[k - 1] * 0.78, 4.4)
    w.depth = 3.4


def boxing_gym(w: Painting, k: int):
    brick = (rgb("9a5a45"), rgb("8b4f40"), rgb("a86a50"), rgb("7d5a50"))[k]
    wall = bricks(brick, (rgb("c9b9a6"), rgb("b3a596"), rgb("d2c4b0"), rgb("b9aca0"))[k])
    mat = (rgb("5f87a8"), rgb("4a4a4e"), rgb("c9c3b4"), rgb("53575c"))[k]
    z1 = (4.6, 6.2, 4.2, 5.6)[k]
    w.room(
        speckled(mat, 0.07, 0.06, 0.12),
        wall,
        z1,
        (-4.5, -3.4, -5, -4)[k],
        (4.0, 5.0, 3.2, 4)[k],
        4.2,
        ceiling=plaster(rgb("4a4541")),
    )
    w.surface(2, z1 - 0.01, w.walls[0], 0, w.walls[1], 1.0, flat(mix(brick, rgb("2c2f36"), 0.8), 0.85))
    for x, y, c in (
        ((-1.8, 2.3, "d8b23f"), (1.7, 2.35, "3b648f")),
        ((-2.3, 2.5, "b8433a"), (2.6, 2.6, "d9cfb8")),
        ((-1.5, 2.2, "3f6f63"), (2.0, 2.2, "d8b23f")),
        ((1.9, 2.4, "c24a3a"), (-2.2, 2.5, "e0d6c0")),
    )[k]:
        frame_on_wall(w, x, z1 - 0.02, y, 0.85, 1.1, rgb("1f1f22"), rgb(c))
    if k in (0, 2):  # inside the ring
        z, e = (2.1, 1.9)[k == 2], (2.5, 2.3)[k == 2]
        w.surface(1, 0, -e, -3, e, z, plaster(mat * 1.05, 0.05))
        w.surface(
            1,
            0,
            -1.7,
            -1.2,
            1.7,
            1.9,
            ring(mix(mat, rgb("b5392f") if k == 0 else rgb("33609a"), 0.75), 0, 0.35, 1.25, 0.3),
        )
        w.put(ropes, 0, z, [(-e, -1.0), (-e, z), (e, z), (e, -1.0)], posts=("c8372f", "c8372f", "2f57a8", "2f57a8"))
    else:  # a raised ring behind
        w.put(
            raised_ring,
            (0.15, -1.35)[k == 3],
            2.45,
            (5.5, 4.9)[k == 3],
            (rgb("2c3f66"), rgb("8d2f2b"))[k == 3],
            clear=2.4,
        )
        w.put(bench, (-2.0, 2.2)[k == 3], 1.4, rgb("3a2c26"), turn=0.2)
    for x in ((-0.9, 2.6), (), (1.2,), (2.4, 3.2))[k]:
        w.put(punch_bag, x, z1 - 0.8, rgb("3a2a24") if k != 3 else rgb("8d2f2b"))
    for x in (-1.6, 1.6):
        w.put(ceiling_lamp, x, z1 - 1.4, 2.85)
    w.depth = z1 - 1.0


def weight_room(w: Painting, k: int):
    floor = (rgb("3c4045"), rgb("4a4a4c"), rgb("34414b"), rgb("45423f"))[k]
    wall = (rgb("c3c8ca"), rgb("a3574a"), rgb("b9c4cc"), rgb("cfc6b4"))[k]
    z1 = (4.4, 4.8, 4.2, 5.2)[k]

    def base(a, b, pa, pb):
        return (
            speckled(floor, 0.17, 0.045, 0.12)(a, b, pa, pb)
            * (1 - 0.3 * np.maximum(lines(a, 1.0, 0.02, pa), lines(b, 1.0, 0.02, pb)))[..., None]
        )

    w.room(
        base, plaster(wall), z1, (-4.2, -3.2, -5, -3.6)[k], (3.4, 4.6, 5, 4.2)[k], 3.6, ceiling=plaster(rgb("77797b"))
    )
    deep = mix(floor, rgb("8fa3ad"), 0.55)

    def glass(a, b, pa, pb):  # a mirror: the room's far side, pale streaks, joints between panes
        t = np.clip(b / F(2.4), 0, 1)
        out = (
            mix(deep, mix(rgb("b5c6cd"), wall, 0.3), np.clip((b - F(0.95)) * 6, 0, 1) * 0.9 + 0 * a)
            + (0.08 * t)[..., None]
        )
        streak = np.clip(1 - np.abs(((a * 0.5 + b * 0.35) % 1.3) - 0.4) * 5, 0, 1) + 0.5 * np.clip(
            1 - np.abs(((a * 0.5 + b * 0.35) % 1.3) - 0.75) * 9, 0, 1
        )
        out = out + (0.1 * streak)[..., None]
        return mix(out, rgb("5c676d"), 0.85 * lines(a, 1.5, 0.03, pa) + 0 * b)

    m0, m1 = ((-3.6, 3.0), (-2.6, 4.2), (-4.6, 4.6), (-3.0, 3.6))[k]
    w.surface(2, z1 - 0.02, m0 - 0.05, 0.35, m1 + 0.05, 2.45, flat(rgb("6a6f73")))
    w.surface(2, z1 - 0.03, m0, 0.4, m1, 2.4, glass)
    w.surface(
        2,
        z1 - 0.03,
        w.walls[0],
        2.62,
        w.walls[1],
        2.82,
        flat((rgb("c8452f"), rgb("e7e2d6"), rgb("2f6fa0"), rgb("d99a35"))[k]),
    )
    accent = (rgb("2b2d31"), rgb("2b2d31"), rgb("9a3f37"), rgb("2b2d31"))[k]
    for x in ((-1.7, 1.75), (1.5, 3.6), (-1.75, 3.4), (-1.8,))[k]:
        w.put(rack, x, z1 - 0.7, (1.9, 1.9, 2.0, 2.2)[k], accent=accent)
    if k in (1, 3):  # a power rack
        x, z = (-1.75, 2.9) if k == 1 else (1.9, 3.2)
        w.put(power_rack, x, z, rgb("c23a31") if k == 1 else rgb("2d3136"))
    w.put(plates, (2.3, -3.0, 1.55, 3.2)[k], (2.2, 2.2, 2.8, 2.4)[k])
    w.put(
        weight_bench,
        (-1.75, 1.75, -2.0, -1.8)[k],
        (1.5, 1.6, 1.6, 1.5)[k],
        rgb(("7a2f2b", "2b2d31", "2c4f78", "8d5a2b")[k]),
        (0.3, -0.3, 0.4, 0.25)[k],
        clear=1.0,
    )
    if k in (0, 2):
        for i in range(3):
            w.put(kettlebell, (2.0, -1.6)[k == 2] + 0.36 * i, 1.4 + 0.1 * i, rgb(("33363b", "7a2f2b", "2c4f78")[i]))
    w.depth = 2.6


def golf_course(w: Painting, k: int):
    lawn = (rgb("86b44e"), rgb("93b85a"), rgb("79ad58"), rgb("9ab553"))[k]
    leaf = (rgb("4d7d40"), rgb("6b8a42"), rgb("3f6f4a"), rgb("7a8a3f"))[k]
    seed = w.rng.uniform(0, 9)
    w.ridge(90, *_hills((9, 13, 7, 10)[k], mix(leaf, rgb("b5c8cf"), 0.5), seed, 0.025, 0.12, 0.2))
    w.ridge(45, *_hills((3.5, 5, 4, 2.5)[k], mix(lawn * 0.9, leaf, 0.3), seed + 2, 0.045, 0.02, 0.12))
    w.surface(1, 0, -50, -6, 50, 45, grass(lawn, 0.17, 1.5, (0.0, 0.6, -0.5, 0.25)[k], 0.12))

    def patch(x, z, rx, rz, colour, rough=0.25, lip=None):
        def tex(a, b, pa, pb):
            d = (
                np.hypot((a - F(x)) / F(rx), (b - F(z)) / F(rz))
                - 1
                + F(rough) * (noise(a * 0.5 + x, b * 0.35) - F(0.5))
            )
            cover = np.clip(-d * F(rz) / pb + 0.5, 0, 1)
            c = colour * (1 + 0.14 * (noise(a * 1.5, b * 1.5) - 0.5))[..., None]
            return (c if lip is None else mix(c, lip, np.clip(1 + d * 5, 0, 1) * (b > z))), cover

        w.surface(1, 0, x - 1.2 * rx, z - 1.25 * rz, x + 1.2 * rx, z + 1.25 * rz, tex)

    gx, gz = ((1.8, 11), (-2.4, 10), (2.6, 13), (-1.9, 9))[k]
    patch(gx, gz, 4.5, 3.6, mix(lawn, rgb("c4e088"), 0.6))
    for x, z, rx, rz in (
        ((-2.6, 6.6, 1.6, 0.9), (5.2, 9, 1.6, 0.8)),
        ((2.4, 6.0, 1.9, 1.0), (-6, 9, 1.5, 0.8)),
        ((-3.0, 8.0, 2.2, 1.1), (1.9, 5.4, 1.1, 0.6)),
        ((2.3, 7.0, 1.7, 0.9),),
    )[k]:
        patch(x, z, rx, rz, rgb("e8d7a6"), lip=rgb("a98f5c"))
    if k in (1, 2):
        patch((3.5, -4.5)[k == 2], 13, 3.6, 2.0, rgb("8fb6cc"), 0.4)
    w.put(flag, gx, gz - 1, 2.9, rgb(("d8332b", "e9c22f", "d8332b", "e8662a")[k]), 1 if gx < 0 else -1)
    for i, (x, z, h) in enumerate(
        (
            ((-5.0, 13, 5), (-7, 11, 6), (6.3, 15, 5), (8, 13, 6)),
            ((4.8, 14, 5), (6.6, 10, 6), (-8, 14, 6), (1.5, 19, 4)),
            ((-7, 12, 7), (-5.2, 17, 6), (7, 13, 7), (0, 21, 5)),
            ((5.2, 12, 6), (3.2, 16, 5), (-7, 13, 5)),
        )[k]
    ):
        w.put(tree, w.jit(x, 0.5), z, w.jit(h, 0.5), leaf * (0.95 + 0.1 * (i % 2)), "spire" if k == 2 else "round")
    w.depth = 6.0


def school_yard(w: Painting, k: int):
    ground = (rgb("8d8f92"), rgb("9a948d"), rgb("84898c"), rgb("a39a90"))[k]
    facade = (rgb("d9c59c"), rgb("b8735a"), rgb("d6d3c8"), rgb("c9a58a"))[k]
    z1 = (8.0, 9.0, 7.6, 8.5)[k]
    w.surface(1, 0, -40, -6, 40, z1, speckled(ground, 0.08, 0.05, 0.12), ao=(0, 0, 0, 0.3))
    wall = bricks(facade, rgb("cdbfae"), amp=0.14) if k in (1, 3) else plaster(facade)
    glass, frame = (rgb("7f9db0"), rgb("f2f0ea")) if k != 2 else (rgb("86a4b2"), rgb("3f6f8f"))
    left, right = ((-20, 4.5), (-20, 20), (-3.2, 20), (-20, 20))[k]
    leaf = rgb("5b8446")
    if right < 20 or left > -20:
        w.ridge(30, *_hills(6, mix(leaf, rgb("a9bcc4"), 0.3), 3.0 + k, 0.1, 0.4))
    w.box((left + right) / 2, z1 + 4, right - left, 8, 0, 7, facade)
    w.surface(
        2,
        z1,
        left,
        0,
        right,
        7,
        windows(wall, 1.9, 2.5, 0.55, 1.35, 1.5, glass, frame, (2, 3, 2, 2)[k]),
        ao=(0, 0.35, 0, 0),
    )
    w.surface(2, z1 - 0.01, left, 0, right, 0.4, flat(facade * F(0.6)))
    dx = (-2.3, 2.6, 2.0, -2.7)[k]
    w.box(dx, z1 - 0.1, 1.7, 0.2, 0, 2.5, frame, shadow=False)
    w.surface(
        2,
        z1 - 0.22,
        dx - 0.75,
        0,
        dx + 0.75,
        2.4,
        panels(
            rgb(("3f6f8f", "4f7a55", "a8503a", "355a86")[k]),
            rgb("222a30"),
            0.75,
            2.4,
            handle=rgb("e6e2d8"),
            span=(0.38, 0.52),
        ),
    )
    w.box(dx, z1 - 0.6, 2.4, 1.2, 2.55, 2.7, mix(facade, 1, 0.3), shadow=False)
    # hopscotch and court lines
    hx, hz, s = (1.05, -1.35, 1.2, -1.3)[k], 1.3, 0.62
    colours = ("e8c547", "d8634f", "5b9ac4", "6fae6b", "e8c547", "d8634f", "5b9ac4", "6fae6b")
    for i, (dx, row) in enumerate(((0, 0), (-0.5, 1), (0.5, 1), (0, 2), (-0.5, 3), (0.5, 3), (0, 4), (0, 5))):
        x, z = hx + dx * s, hz + row * s * 0.95
        colour = rgb(colours[i])

        def square(a, b, pa, pb, x=x, z=z, c=colour):
            inner = inside(a, x - s / 2 + 0.05, x + s / 2 - 0.05, pa) * inside(
                b, z - s / 2 + 0.06, z + s / 2 - 0.06, pb
            )
            return mix(rgb("f4f1e6"), c, inner), F(0.55) + F(0.5) * noise(a * 2.5, b * 2.5)

        w.surface(1, 0, x - s / 2, z - s / 2, x + s / 2, z + s / 2, square)
    w.surface(1, 0, -6, -3, 6, 7, ring(rgb("f0ede2"), (-2.8, 2.6, -2.4, 3.0)[k], 3.4, 1.4, 0.09))
    if k in (0, 2):
        w.put(fence, (4.5, -14)[k == 2], z1 - 0.6, (14, -3.2)[k == 2], 2.0, rgb("6f7f78"))
    if k in (1, 3):
        w.put(fence, (-12, 1.2)[k == 3], 5.2, (-1.0, 12)[k == 3], 1.1, rgb(("d9a441", "4f7fa8")[k == 3]), mesh=False)
    w.put(tree, (4.9, -4.6, -4.9, 4.6)[k], 6.3, 4.8, leaf)
    w.put(bench, (2.9, -2.6, 2.9, -2.8)[k], z1 - 1.2, rgb("a9794a"), length=1.8)
    if k in (0, 3):
        w.put(hoop, (3.0, 2.9)[k == 3], 6.2, 2.3, rgb("3b648f"), rgb("5c646a"))
    w.depth = 5.0


def kitchen(w: Painting, k: int):
    cab = (rgb("e9e6dc"), rgb("8fa38c"), rgb("41566e"), rgb("b98a5c"))[k]
    top = (rgb("9b7148"), rgb("d9d4c7"), rgb("e3e1da"), rgb("4c4a48"))[k]
    wall = (rgb("e3d6bd"), rgb("efe9da"), rgb("cfd8da"), rgb("f0e6d0"))[k]
    a_, b_ = (
        (rgb("e9e4d8"), rgb("8c9aa0")),
        (rgb("c98e6d"), None),
        (rgb("e6e6e2"), rgb("3d4248")),
        (rgb("d8cfbf"), rgb("b08d6c")),
    )[k]
    z1 = (3.2, 3.0, 3.4, 3.2)[k]
    floor = tiles(a_, (0.42, 0.34, 0.45, 0.4)[k], b_)
    w.room(
        floor,
        plaster(wall),
        z1,
        (-3.0, -2.6, -3.4, -4)[k],
        (3.0, 4.0, 2.7, 3.0)[k],
        2.7,
        ceiling=plaster(rgb("efece4")),
        gloss=0.1,
    )
    w.surface(
        2,
        z1 - 0.01,
        w.walls[0],
        0.85,
        w.walls[1],
        1.5,
        tiles((rgb("f2f0ea"), rgb("e8dcc4"), rgb("8fb0b8"), rgb("f0eee6"))[k], 0.15, None, 0.3, 0.08),
    )
    knob = rgb("b4863f") if k in (1, 2) else rgb("6f7376")
    x0, x1 = ((-3, 1.2), (-1.2, 3.5), (-3, 2.7), (-2.4, 2.0))[k]
    zf = z1 - 0.62
    w.put(cabinets, x0, zf, x1, 0.62, 0.14, 0.88, cab, knob, top)
    for lo, hi in (((-3, -1.2),), ((1.5, 3.5),), ((-3, -1.4), (1.0, 2.7)), ((-2.4, -1.0),))[k]:
        w.put(cabinets, lo, z1 - 0.365, hi, 0.36, 1.5, 2.25, cab, knob)
    win = ((-0.7, 0.6), (-0.6, 0.7), (-0.6, 0.5), (-0.5, 1.0))[k]
    big_window(w, win[0], win[1], 1.15, 2.2, z1 - 0.015)
    w.put(oven, (-0.98, 1.05, 0.75, -0.7)[k], zf - 0.02, 2.7)
    w.put(
        fridge, (1.65, -1.7, -1.95, 1.55)[k], z1 - 0.72, (rgb("dfe2e3"), rgb("b8403a"), rgb("c4c9cc"), rgb("7fa6a8"))[k]
    )
    sink = (-0.05, 0.05, -0.1, 0.3)[k]
    w.put(tap, sink, zf - 0.03)
    for dx, c, h in ((0.45, "c8703f", 0.22), (0.62, "e2dccb", 0.16), (0.8, "6f8f6a", 0.26)):
        w.put(jar, sink + dx * (1 if k != 1 else -1.2), zf - 0.04, 0.94, h, rgb(c))
    if k in (0, 3):
        s = -1 if k == 0 else 1
        w.put(table, 1.95 * s, 1.1, 1.1, 0.8, 0.74, rgb("a9794a"))
        w.put(chair, 1.35 * s, 1.75, rgb("8d6239"))
        w.put(fruit, 1.9 * s, 1.0, 0.74)
    if k == 2:
        w.put(plant, 2.0, 1.4, 1.0, rgb("5f8a55"))
    if k == 1:
        w.put(ceiling_lamp, -0.95, 1.9, 2.15, rgb("b4863f"), 2.7)
    w.depth = 1.9


def stage(w: Painting, k: int):
    cloth = (rgb("8e2430"), rgb("2c3c78"), rgb("5a2a66"), rgb("7a2b22"))[k]
    boards = (rgb("5a4030"), rgb("463a38"), rgb("382f33"), rgb("6a4a34"))[k]
    z1 = (4.4, 4.8, 4.6, 4.2)[k]
    w.surface(2, z1, -8, 0, 8, 6, folds(cloth * (0.62, 0.6, 0.5, 0.62)[k], 0.42), ao=(0, 0.5, 0, 0))
    w.surface(1, 0, -8, -6, 8, z1, planks(boards, 0.2, 3.0, 0.4, 0.2, across=k in (0, 2)), ao=(0, 0, 0, 0.6))
    w.mirror(z1, 0.1)
    lamps = ((-1.7, 1.9), (-2.0, 0.1, 2.1), (-1.6, 0.4, 1.8), (-1.2, 1.5))[k]
    tints = ((1.0, 0.9, 0.7), (0.75, 0.85, 1.0), (1.0, 0.6, 0.85), (1.0, 0.85, 0.6), (0.55, 0.8, 1.0))
    if k in (1, 2):  # a lighting truss
        for y in (2.95, 3.15):
            w.rod((-6, y, z1 - 0.8), (6, y, z1 - 0.8), 0.03, rgb("8b8f94"))
        for i in range(-12, 12):
            w.rod(
                (i * 0.4, 2.95 + 0.2 * (i % 2), z1 - 0.8),
                (i * 0.4 + 0.4, 3.15 - 0.2 * (i % 2), z1 - 0.8),
                0.016,
                rgb("8b8f94"),
                0,
            )
    if k == 2:  # a light wall

        def screen(a, b, pa, pb):
            lit = mix(rgb("3a2f9a"), rgb("e05fa8"), cell(np.floor(a * F(2.5)), np.floor(b * F(2.5))))
            return mix(rgb("1b1830"), lit, 0.75 * (1 - np.maximum(lines(a, 0.4, 0.05, pa), lines(b, 0.4, 0.05, pb))))

        w.surface(2, z1 - 0.3, -1.9, 0.5, 1.9, 2.4, screen)
    for s in (-1, 1):  # side curtains
        x = s * (2.55, 2.7, 2.6, 2.35)[k]
        w.put(drape, x, 2.6, x + 4 * s, cloth)
        w.put(speaker, s * (1.95, 2.1, 2.2, 1.85)[k], 2.1, 0, (1.25, 0.9, 1.6, 0.8)[k], turn=-0.2 * s)
    if k in (0, 3):  # valance
        w.put(drape, -6, 2.5, 6, cloth * 0.9, 2.7, 4.5, 0.3, 0.3)
    if k in (1, 3):
        w.put(drums, (1.35, -1.4)[k == 3], z1 - 1.2, rgb(("b4352d", "2f6f8f")[k == 3]))
    if k in (0, 1):
        w.put(microphone, (1.3, -1.35)[k], 1.8)
    w.put(speaker, (-1.35, 1.5, -1.3, 1.4)[k], (2.9, 2.8, 2.6, 2.6)[k], 0, 0.6, 0.75, rgb("3a2f2a"))
    for s in range(-4, 5) if k in (0, 3) else ():  # footlights
        w.put(footlight, s * 0.7, z1 - 0.25)

    def beams(w, x, z):
        for i, x in enumerate(lamps):
            tint = np.array(tints[(i + 2 * k) % 5], F)
            w.rod((x, 3.05, z1 - 1.0), (x - 0.06 * x, 2.85, z1 - 1.1), 0.13, rgb("1b1b1e"))
            w.surface(2, z1 - 1.1, -5, 0.0, 5, 3.0, wedge(x, 2.95, x * 0.45, 0.0, 0.1, 0.75, tint, 0.42), glow=True)
            w.surface(
                1,
                0,
                x * 0.45 - 1.8,
                z1 - 3.6,
                x * 0.45 + 1.8,
                z1 - 0.2,
                halo(x * 0.45, z1 - 1.7, 1.13, tint, 0.3),
                glow=True,
            )

        def pool(a, b, pa, pb):
            d = (a / F(1.45)) ** 2 + ((b - F(0.05)) / F(1.2)) ** 2
            return np.array([1, 0.9, 0.7], F), F(0.42) * np.clip(1.5 - 1.5 * d, 0, 1) ** F(0.7)

        w.surface(1, 0, -2.6, -2.4, 2.6, 2.2, pool, glow=True)

    w.put(beams, 0, 0.9)
    w.depth = 2.8


def playground(w: Painting, k: int):
    ground = (rgb("dcc48d"), rgb("b9795a"), rgb("d8c9a0"), rgb("8f9b5c"))[k]
    leaf = (rgb("5f8f45"), rgb("4d7f4d"), rgb("7a9a4a"), rgb("56804a"))[k]
    seed = w.rng.uniform(0, 9)
    w.ridge(30, *_hills((5, 6, 4, 6)[k], mix(leaf, rgb("b7c8c4"), 0.35), seed, 0.08, 0.5))
    lawn = grass(mix(leaf, rgb("9dbb5e"), 0.6), amp=0.25)
    sand = speckled(ground, 0.16, 0.06, 0.16) if k != 3 else grass(rgb("8fae55"), amp=0.25)
    edge = (6.5, 7.5, 6.0, 4.5)[k]

    def ground_(a, b, pa, pb):
        beyond = np.clip((b - F(edge) - F(1.6) * (noise(a * 0.3, 0 * a + seed) - F(0.5))) / pb + F(0.5), 0, 1)
        return mix(sand(a, b, pa, pb), lawn(a, b, pa, pb), beyond)

    w.surface(1, 0, -40, -6, 40, 30, ground_)
    if k == 3:  # a round sand pit
        w.surface(1, 0, -5, -3, 5, 6, ring(rgb("dcc48d"), 0, 1.2, 1.6, 3.2))
        w.surface(1, 0, -5, -3, 5, 6, ring(rgb("9b7148"), 0, 1.2, 3.2, 0.16))
    c = (
        ("d8453a", "3a6ea5", "e8b93c"),
        ("3f8f6a", "c8702f", "d8453a"),
        ("3f7fb8", "d8453a", "5fae5b"),
        ("e29a2f", "5b4b90", "3f8fb0"),
    )[k]
    sx, sz, side = ((-2.3, 4.8, -1), (2.2, 4.6, 1), (-2.9, 4.4, 1), (2.6, 5.4, -1))[k]
    if k == 2:
        sx = -3.3
    w.put(slide, sx, sz, side, rgb(c[0]), rgb(c[1]), rgb(c[2]))
    w.put(swings, (2.3, -2.4, 2.2, -2.5)[k], (4.6, 4.9, 5.0, 4.6)[k], 2.7, 2.3, rgb(c[1]), (c[0], c[2]))
    if k in (1, 3):
        w.put(dome, (-5.0, 5.6)[k == 3], 7.5, 1.3, rgb(c[2]))
    if k in (0, 2):  # a seesaw
        w.put(seesaw, (4.4, 0.2)[k == 2], (6.6, 7.4)[k == 2], rgb(c[2]), rgb(c[1]), clear=1.2)
    w.put(fence, -14, 10.5, 14, 1.0, rgb(("c9b58f", "6b8f72", "b98a5c", "d9d4c4")[k]), mesh=False)
    for x, z, h in (
        ((-6.5, 12, 5), (0.6, 13, 5), (6.8, 12, 6)),
        ((-7, 13, 6), (-1.2, 12, 5), (6.6, 11.5, 5)),
        ((-7.5, 12, 6), (5.6, 12, 6), (8, 14, 5)),
        ((-6, 11.5, 6), (0.2, 14, 6), (7, 12, 5)),
    )[k]:
        w.put(tree, w.jit(x, 0.4), z, w.jit(h, 0.4), leaf)
    w.put(bench, (0.9, 1.2, -0.6, -0.9)[k], 8.6, rgb("a9794a"), length=1.6)
    w.depth = 3.6


def yoga_studio(w: Painting, k: int):
    wood = (rgb("dcbd90"), rgb("cfa878"), rgb("e3cba6"), rgb("c9a581"))[k]
    wall = (rgb("f0ebe0"), rgb("e3e4d8"), rgb("ead8c8"), rgb("dfe5e4"))[k]
    z1 = (4.4, 4.0, 4.8, 4.2)[k]
    w.room(
        planks(wood, 0.13, 2.0, 0.18, 0.1),
        plaster(wall, 0.04),
        z1,
        (-3.4, -4.4, -4.5, -2.9)[k],
        (4.4, 3.2, 4.5, 4.6)[k],
        3.5,
        ceiling=plaster(rgb("f2efe8")),
        gloss=0.18,
    )
    frame = (rgb("f6f4ee"), rgb("3c3f3c"), rgb("b98f63"), rgb("f6f4ee"))[k]
    for x0, x1 in (
        ((-2.6, -0.7), (-0.4, 1.5), (1.8, 3.7)),
        ((-3.9, 0.9),),
        ((-3.6, -1.6), (1.5, 3.5)),
        ((-0.9, 1.4), (1.8, 4.1)),
    )[k]:
        big_window(
            w, x0, x1, 0.45 if k != 1 else 0.15, 2.75, z1 - 0.01, frame, ((2, 2), (4, 2), (2, 3), (2, 1))[k], 0.42
        )
        sunlight(w, x0 + 0.1, z1 - 0.9, x1 - x0 - 0.2, 1.9, 0.9 * (1 if w.light.direction[0] < 0 else -1), 0.3)
    mats = [
        rgb(c)
        for c in (
            ("8c5f8f", "4f8f8a", "c97f6a", "6a7fb0"),
            ("5f8a6a", "b98a9a", "6a7fb0", "c9a24f"),
            ("4f7f9a", "b5685a", "7d6f9a", "8fa37a"),
            ("b5685a", "5f8f8a", "8c5f8f", "c9a24f"),
        )[k]
    ]
    mx = (-2.6, 1.9, 0.0, -1.9)[k]
    w.put(mats_on_shelf, mx, z1 - 0.55, mats)
    leaf = (rgb("5f8a55"), rgb("4f7f5a"), rgb("6a8f55"), rgb("4f8560"))[k]
    for x, z, h in (
        ((-1.9, 2.9, 1.3), (2.3, 3.2, 1.6)),
        ((-2.0, 2.9, 1.7), (2.6, 2.5, 1.0)),
        ((-1.7, 3.6, 1.5), (1.75, 3.6, 1.4)),
        ((1.9, 2.9, 1.6), (-2.3, 2.2, 0.9)),
    )[k]:
        w.put(
            (plant, ficus)[k % 2],
            w.jit(x, 0.1),
            z,
            w.jit(h, 0.1) * (1, 1.15)[k % 2],
            leaf,
            (rgb("c98a6d"), rgb("efeae0"), rgb("8f9a94"), rgb("d6b089"))[k],
        )
    if k in (0, 2):  # paper lanterns
        for x in ((-1.2, 1.4), (-1.0, 1.0))[k == 2]:
            w.put(lantern, x, 2.6)
    if k in (1, 3):  # exercise ball
        w.put(exercise_ball, (2.3, 2.4)[k == 3], 1.9, mats[0])
    if k == 2:
        frame_on_wall(w, 0, z1 - 0.01, 1.75, 1.5, 1.5, rgb("b98f63"), rgb("e6b58f"))
    w.depth = 2.6


def street(w: Painting, k: int):
    slab = (rgb("b5b0a6"), rgb("a9aaa8"), rgb("bda793"), rgb("aeb2b0"))[k]
    sets = (
        (
            ("d9b48a", "a8503f", "355a86"),
            ("c7d0cf", "5c6470", "8d3a35"),
            ("b8735a", "6b4a3c", "3f6f55"),
            ("e6d9b8", "8d4f3d", "4b4b60"),
        ),
        (
            ("a86a55", "5a5f68", "2f4f3f"),
            ("b5715c", "6a5a52", "d9d4c4"),
            ("a05f4c", "5a5f68", "355a86"),
            ("b87a66", "4f545c", "8d3a35"),
        ),
        (
            ("e3c9a0", "b5684a", "4f7a55"),
            ("d8a08a", "9a5a45", "e6e1d4"),
            ("a9c0c4", "b5684a", "7a3f3a"),
            ("efe0be", "9a5a45", "355a86"),
        ),
        (
            ("cfd4d6", "4f5a66", "c9a24f"),
            ("9fb0a0", "5c5550", "6a3f3a"),
            ("d6c7b0", "4f5a66", "3f5f7a"),
            ("b9a9b5", "5c5550", "2f4f3f"),
        ),
    )[k]
    z1 = (9.0, 8.0, 10.0, 8.6)[k]
    seed = w.rng.uniform(0, 9)
    w.ridge(60, *_hills(8, rgb("93a8a0"), seed, 0.05, 0.3))
    road0, road1 = 2.0, z1 - 2.2
    pave = tiles(slab, (0.6, 0.5, 0.42, 0.75)[k], None, 0.3, 0.07, 0.02)
    tar = speckled(rgb("63666a"), 0.12, 0.05, 0.12)

    def ground(a, b, pa, pb):
        out = mix(pave(a, b, pa, pb), tar(a, b, pa, pb), inside(b, road0, road1, pb) + 0 * a)
        out = mix(
            out, rgb("d6d2c8"), 0.9 * (inside(b, road0 - 0.16, road0, pb) + inside(b, road1, road1 + 0.14, pb)) + 0 * a
        )
        out = out * (1 - 0.35 * inside(b, road0, road0 + 0.12, pb))[..., None]
        return mix(
            out,
            rgb("e9e5da"),
            0.85 * inside(b, (road0 + road1) / 2 - 0.06, (road0 + road1) / 2 + 0.06, pb) * lines(a, 2.4, 1.3, pa),
        )

    w.surface(1, 0, -40, -6, 40, z1 + 0.2, ground, ao=(0, 0, 0, 0.3))
    x = -10.5 + (0, 1.2, 0.6, 2.0)[k]
    for i in range(6):
        width = (3.6, 3.1, 4.4, 3.8)[k] + 0.5 * ((i * 0.37 + k * 0.21) % 1)
        wall, roof, door = (rgb(c) for c in sets[(i + k) % 4])
        gap = (0.7, 0.02, 1.2, 0.4)[k]
        w.put(
            house,
            x + width / 2,
            z1 + 0.001 * abs(x),
            width,
            (3.0, 3.5, 2.7, 3.2)[k] + 0.35 * ((i * 0.61) % 1),
            wall,
            roof,
            door,
            gable=(k == 3 or (k == 0 and i % 2 == 1) or (k == 2 and i % 3 == 0)),
        )
        x += width + gap
    for px in ((-2.0, 4.6), (2.0, -5.2), (-3.6, 2.3), (1.85, -2.9))[k]:
        w.put(lamp_post, px, 1.75 if abs(px) < 2.5 else z1 - 1.9, 3.1, arm=(0, 0.5, 0, -0.5)[k] * (1 if px < 0 else -1))
    if k != 2:
        w.put(car, (2.9, -2.6, 0, -3.0)[k], road1 - 1.1, rgb(("b5483c", "3f6d8f", "", "d9d4c4")[k] or "ffffff"))
    leaf = rgb(("5f8a4a", "6a8f4a", "4f7f45", "8a9a45")[k])
    for tx in ((2.4, -4.6), (-2.9, 5.4), (1.9, -2.4, 6), (3.0, -5.6))[k]:
        w.put(tree, w.jit(tx, 0.2), z1 - 1.4, w.jit(3.6, 0.3), leaf)
    if k in (1, 2):
        for hx in (-7, -4.4, 3.4, 6.2):
            w.put(hedge, hx, z1 - 0.6, 2.2, leaf)
    if k in (0, 3):
        w.put(litter_bin, (1.75, -1.9)[k == 3], 1.5, rgb(("8d3a35", "355a6a")[k == 3]))
    w.depth = 2.0


def bedroom(w: Painting, k: int):
    wall = (rgb("b9c7cf"), rgb("dcc9b8"), rgb("b7bfa6"), rgb("c9b9c9"))[k]
    floor = (rgb("b08558"), rgb("8f6a4c"), rgb("c9a578"), rgb("9a7a5c"))[k]
    z1 = (3.4, 3.6, 3.2, 3.6)[k]
    w.room(
        planks(floor, 0.16, 1.6, 0.3, 0.16),
        plaster(wall, 0.05),
        z1,
        (-2.7, -3.3, -3.0, -3.6)[k],
        (3.3, 2.8, 3.0, 2.7)[k],
        2.75,
        ceiling=plaster(rgb("ece7de")),
        gloss=0.06,
    )
    w.surface(2, z1 - 0.01, w.walls[0], 0, w.walls[1], 0.12, flat(rgb("f0ece2")))
    rug = (rgb("8d4a4a"), rgb("5b7a8c"), rgb("cfc3ad"), rgb("4f6a5f"))[k]

    def carpet(a, b, pa, pb):
        d = (
            np.hypot(a / 1.75, (b - F(0.35)) / 1.25)
            if k in (1, 2)
            else np.maximum(np.abs(a) / F(1.75), np.abs(b - F(0.35)) / F(1.15))
        )
        band = inside(d, 0.8, 0.88, pa)
        c = mix(speckled(rug, 0.12, 0.05, 0.14)(a, b, pa, pb), mix(rug, rgb("f0e6d0"), 0.5), band)
        return c, np.clip((1 - d) * F(1.2) / pb + 0.5, 0, 1)

    w.surface(1, 0.001, -2, -1.2, 2, 1.9, carpet)
    sheet, blanket, wood = (
        (rgb("f2f0ea"), rgb("f0e9da"), rgb("e6ecec"), rgb("f2eee6"))[k],
        (rgb("4f73a0"), rgb("b5685a"), rgb("d0a24a"), rgb("6a5b8f"))[k],
        (rgb("8a6244"), rgb("e9e4d8"), rgb("6b4f3c"), rgb("a9794a"))[k],
    )
    bx = (-1.45, 1.4, -0.25, 1.35)[k]
    if k == 2:
        w.put(bed, bx, 2.3, sheet, blanket, wood, across=1, length=2.2, width=1.2, clear=1.3)
    else:
        w.put(bed, bx, 2.4, sheet, blanket, wood, across=0, length=2.1, width=1.5, clear=1.2)
    win = ((0.5, 1.9), (-1.9, -0.5), (-0.9, 0.7), (-1.9, -0.6))[k]
    big_window(w, win[0], win[1], 0.95, 2.2, z1 - 0.015, green=0.3, dark=k == 3)
    drape = (rgb("e3d6b8"), rgb("7f9a9a"), rgb("9a5a4f"), rgb("8f7fa8"))[k]
    w.surface(2, z1 - 0.12, win[0] - 0.45, 0.3, win[0] + 0.12, 2.45, folds(drape, 0.16, 0.4))
    w.surface(2, z1 - 0.12, win[1] - 0.12, 0.3, win[1] + 0.45, 2.45, folds(drape, 0.16, 0.4))
    w.rod((win[0] - 0.6, 2.46, z1 - 0.14), (win[1] + 0.6, 2.46, z1 - 0.14), 0.025, wood * 0.8)
    nx = (-0.42, 0.38, 1.35, 0.33)[k]
    w.put(nightstand, nx, z1 - 0.35, wood)
    w.put(wardrobe, (2.5, -2.4, -2.2, 2.1)[k], z1 - 0.64, wood)
    for x, y, ww, h, c in (
        ((-1.45, 1.75, 0.9, 0.65, "c9a27a"),),
        ((1.4, 1.8, 0.7, 0.9, "7f9aa8"),),
        ((-1.9, 1.7, 0.1, 0.1, "a9794a"), (1.6, 1.7, 0.6, 0.8, "8fa37a")),
        ((1.35, 1.8, 1.0, 0.7, "a87f8f"),),
    )[k]:
        frame_on_wall(w, x, z1 - 0.02, y, ww, h, rgb("3f342c"), rgb(c))
    w.put(plant, (1.75, -1.7, 2.05, -1.8)[k], (2.2, 2.1, 1.6, 2.0)[k], 0.9, rgb("5f8a55"))
    w.depth = 1.6


def ward(w: Painting, k: int):
    wall = (rgb("d5e0dc"), rgb("dfe0d2"), rgb("d3dce4"), rgb("e6ddd0"))[k]
    lino = (rgb("a9bab8"), rgb("b9b5a3"), rgb("9fb0be"), rgb("b5a99a"))[k]
    cloth = (rgb("6fa3a3"), rgb("7d9ec4"), rgb("8fae8a"), rgb("c4a86f"))[k]
    z1 = (2.9, 3.1, 3.0, 3.2)[k]
    band = mix(wall, cloth, 0.55)

    def back(a, b, pa, pb):
        base = mix(plaster(wall, 0.03)(a, b, pa, pb), band, 0.85 * inside(b, -0.1, 1.0, pb) + 0 * a)
        return mix(base, rgb("a98f6f"), 0.9 * inside(b, 0.82, 0.96, pb) + 0 * a)

    w.room(
        speckled(lino, 0.06, 0.07, 0.08),
        back,
        z1,
        (-3.2, -2.8, -3.6, -3.0)[k],
        (2.9, 3.3, 3.0, 3.6)[k],
        3.0,
        ceiling=plaster(rgb("e3e3de")),
        gloss=0.14,
    )
    frame = (rgb("c9b592"), rgb("d6d9da"), rgb("b98f63"), rgb("cfd4d6"))[k]
    blanket = (rgb("7fa8bf"), rgb("c98f7f"), rgb("8fb59a"), rgb("8f8fb8"))[k]
    beds = (
        ((-1.55, 1.75, 0), (1.75, 1.75, 0)),
        ((0.5, 1.95, 1), (-2.3, 1.6, 0)),
        ((-0.6, 1.95, -1),),
        ((1.6, 1.7, 0), (-1.9, 1.9, 0)),
    )[k]
    for x, z, across in beds:
        w.put(bed, x, z, rgb("f1f3f1"), blanket, frame, True, across, 0.3, 2.0, 0.95, clear=1.1)
    # bed head panel, window, wall fittings
    for x in ((-1.55, 1.75), (1.9,), (-2.0,), (1.6, -1.9))[k]:

        def panel(a, b, pa, pb):
            return mix(rgb("c9cdca"), rgb("5f7d94"), lines(a, 0.28, 0.09, pa) * inside(b, 1.29, 1.38, pb))

        w.surface(2, z1 - 0.02, x - 0.7, 1.25, x + 0.7, 1.42, panel)
        if w.night:  # the reading light over the bed
            w.surface(2, z1 - 0.03, x - 1.5, 0.3, x + 1.5, 2.9, halo(x, 1.4, 0.9, rgb("ffc47a"), 0.6), glow=True)
    if k in (0, 1, 3):
        x0 = (-0.55, -1.5, -0.9)[(0, 1, 0, 2)[k]]
        big_window(w, x0, x0 + 1.2, 1.15, 2.3, z1 - 0.015, sky=rgb("b9cbd6"), dark=w.night)
    # curtain on a ceiling rail
    cx = (0.25, 2.55, 1.0, -0.35)[k]
    if abs(cx) > 0.9:
        w.put(bed_curtain, cx, 1.6, z1 - 0.1, cloth)
    else:
        w.put(drape, cx - 0.3, z1 - 0.2, cx + 0.3, cloth, 0.3, 2.3, 0.14)
    w.put(drip, (-0.75, -0.75, 0.75, 0.85)[k], (2.2, 2.2, 2.2, 2.3)[k])
    w.put(monitor, (0.95, -1.3, -1.95, -1.0)[k], 2.45, 1.3, True, rgb("58d68a") if k != 2 else rgb("f0c75a"))
    if k in (1, 2):
        w.put(chair, (2.1, 1.9)[k == 2], 1.5, rgb("8f9498"), cloth)
    if k in (0, 3):
        w.put(table, (0.6, 0.45)[k == 3], 2.5, 0.5, 0.4, 0.75, rgb("cfc3ad"), rgb("a9adb0"))
    if k == 2:
        w.put(locker, 2.1, 2.4)
    w.depth = 1.6


PAINTERS = {
    "archery range": archery_range,
    "basketball court": basketball_court,
    "mountain road": mountain_road,
    "boxing gym": boxing_gym,
    "weight room": weight_room,
    "golf course": golf_course,
    "school yard": school_yard,
    "kitchen": kitchen,
    "stage": stage,
    "playground": playground,
    "yoga studio": yoga_studio,
    "street": street,
    "bedroom": bedroom,
    "ward": ward,
}


def _front(w: Painting, outdoor: bool, kind: int, s: float, tint: float) -> None:
    """Something near the lens at the frame's lower corner on side s = +-1."""
    z = 1.9 - w.camera.distance  # just under two metres from the lens
    edge = 0.5 * w.camera.size[1] / w.camera.scale * 1.9
    x = s * edge * 0.8
    y = (
        float(w.camera.height) - 1.9 * np.tan(w.camera.pitch) - 0.5 * w.camera.size[0] / w.camera.scale * 1.9
    )  # bottom of the frame
    if outdoor and kind < 2:
        for i in range(4):
            w.leaves(
                x + s * 0.1 * i - 0.12 * s,
                y + 0.02 + 0.11 * (i % 2) + 0.05 * i,
                z - 0.02 * i,
                0.2,
                0.2,
                rgb("4f7a3c") * (0.75 + 0.15 * i) * (0.8 + 0.4 * tint),
                rough=0.7,
            )
    elif outdoor:
        wood = rgb("8a6a48") * (0.7 + 0.4 * tint)
        for yy in (0.06, 0.22):
            w.rod((x - s * 0.08, y + yy, z), (x + s * 0.6, y + yy + 0.02, z), 0.02, wood)
        w.rod((x - s * 0.02, y - 0.1, z), (x - s * 0.02, y + 0.3, z), 0.028, wood * 0.85)
    elif kind == 0:
        for i in range(9):
            t = (i * 0.41) % 1 * 2 - 1
            mid = (x + 0.1 * s + 0.14 * t, y + 0.22, z)
            w.rod((x + 0.1 * s, y - 0.1, z), mid, 0.008, rgb("4f7a48"), r1=0.024)
            w.rod(
                mid,
                (x + 0.08 * s + 0.3 * t, y + 0.47 - 0.3 * t * t, z),
                0.026,
                rgb("5f8a55") * (0.7 + 0.4 * tint) * (0.75 + 0.06 * i),
                r1=0.004,
            )
    elif kind == 1:
        c = mix(rgb("8d6239"), rgb("3f4a55"), np.clip(tint * 1.4 - 0.2, 0, 1))
        for yy in (0.06, 0.14):
            w.rod((x - 0.13, y + yy, z), (x + 0.13, y + yy, z), 0.012, c * 0.85)
        for p, q in ((-0.16, -0.13), (0.16, 0.13)):
            w.rod((x + q, y - 0.1, z), (x + p, y + 0.26, z), 0.018, c)
        w.face([(x - 0.17, y + 0.19, z), (x + 0.17, y + 0.19, z), (x + 0.16, y + 0.27, z), (x - 0.16, y + 0.27, z)], c)
    else:
        c = mix(rgb("b9bec2"), rgb("3a3d42"), tint)
        for yy in (0.22, 0.08):
            w.rod((x - s * 0.12, y + yy, z), (x + s * 0.6, y + yy + 0.03, z), 0.02, c)
        w.rod((x - s * 0.12, y + 0.22, z), (x - s * 0.12, y - 0.2, z), 0.022, c)


def _blur(image: np.ndarray, n: int) -> np.ndarray:
    """Box blur of 2n + 1 pixels along both image axes, edges repeated: a near thing out of focus."""
    for axis in (0, 1):
        padded = np.pad(image, [(n, n) if a == axis else (0, 0) for a in range(image.ndim)], mode="edge")
        shifts = (np.take(padded, range(i, i + image.shape[axis]), axis) for i in range(2 * n + 1))
        image = np.asarray(sum(shifts) / F(2 * n + 1))
    return image


def _spot(w: Painting, lo: float, hi: float, z0: float, z1: float) -> tuple[float, float] | None:
    """A free place at depth z0 to z1, `lo` to `hi` of the viewing distance left or right of the middle, or None."""
    for side, part, depth in zip(w.rng.choice((-1, 1), 12), w.rng.uniform(lo, hi, 12), w.rng.uniform(z0, z1, 12)):
        x = float(side * max(part * (depth + w.camera.distance), 1.1))
        if w.free(x, depth):
            return x, float(depth)
    return None


def paint(scene: str, layout: int, rng: np.random.Generator, camera: Camera) -> Stage:
    """Paint one scene.

    scene: one of SCENES or 'ward'; layout: 0 to LAYOUTS - 1; rng: draws hour, light, mirroring, positions, bystander,
    distractor and foreground; camera: its size is that of the canvas. Returns a Stage of float32 images in [0, 1].
    """
    mirrored = rng.random() < 0.5
    view = replace(camera, shift=(-camera.shift[0], camera.shift[1])) if mirrored else camera
    outdoor = scene in OUTDOOR
    hour, lamps = int(rng.choice(4, p=(0.4, 0.22, 0.2, 0.18))), LAMPS[int(rng.choice(4, p=(0.4, 0.3, 0.2, 0.1)))]
    side = rng.choice((-1, 1)) * rng.uniform(0.25, 0.7)
    gain = rng.uniform(0.94, 1.05)
    colour, shadow = (HOURS[hour][1], HOURS[hour][2]) if outdoor else (lamps, 0.35)
    if scene == "stage":
        colour, shadow = (1.08, 1.0, 0.86), 0.6
    grade, night = Grade(), False
    if scene == "ward":
        hour = int(rng.choice(3, p=[row[0] for row in WARD]))
        (_, colour, shadow, grade), night = WARD[hour], hour == 0
    red, green, blue = (float(gain * c) for c in colour)
    light = Light((float(side), -0.7), (red, green, blue), shadow)
    w = Painting(view, rng, light)
    w.hour, w.night = hour, night
    if outdoor:
        w.sky(HOURS[hour][0])
    PAINTERS[scene](w, layout % LAYOUTS)
    if rng.random() < 0.2:
        spot = _spot(w, 0.2, 0.34, w.depth * 0.6, w.depth)
        if spot:
            w.put(person, *spot, int(rng.integers(1 << 30)))
    if rng.random() < 0.2:
        spot = _spot(w, 0.19, 0.25, 0.8, 1.6)
        if spot:
            w.put(distractor, *spot, str(rng.choice(DISTRACTORS)), rng.random())
    w.settle()
    tint = np.asarray(light.colour, F)
    image = np.clip(w.canvas.image * tint, 0, 1)
    front = None
    if rng.random() < 0.17:
        kind, s, hue = int(rng.integers(3)), float(rng.choice((-1, 1))), rng.random()
        layers = []
        for ground in (0.0, 1.0):  # over black and over white: their difference is what shines through
            layer = Painting(view, rng, light, (ground,) * 3)
            _front(layer, outdoor, kind, s, hue)
            layers.append(_blur(layer.canvas.image, max(1, camera.size[0] // 130)))
        alpha = np.clip(1 - (layers[1] - layers[0]).mean(-1), 0, 1)
        front = (np.clip(layers[0] / np.maximum(alpha, 1e-3)[..., None] * tint, 0, 1).astype(F), alpha.astype(F))
    if mirrored:
        image = image[:, ::-1].copy()
        light = replace(light, direction=(-light.direction[0], light.direction[1]))
        if front is not None:
            front = np.ascontiguousarray(front[0][:, ::-1]), np.ascontiguousarray(front[1][:, ::-1])
    return Stage(image.astype(F), light, front, grade)
