"""The sixteen actions of the demo: how body and prop move, from which viewpoints they are seen, and their words.

Every action is a function (sketch, person, u, style) that poses a `Figure` and its props. u is the time in cycles;
for an action that happens once, it is the progress from 0 to 1. Lengths are metres, `h` is the person's stature, and
+1 and -1 are the left and the right side. The twelve at home carry the names of UCF-101 classes; the four clinical
ones have no counterpart there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import cos, pi, radians, sin

import numpy as np

from .draw import PROP, Camera, Canvas
from .figure import ANKLE, HIP_WIDTH, SHIN, STANDING, THIGH, Figure, Person, Sketch, unit, vec

RED, BLUE, YELLOW, GREEN = (0.84, 0.17, 0.14), (0.15, 0.38, 0.80), (0.95, 0.76, 0.15), (0.18, 0.60, 0.33)
PROP_COLOURS = (RED, BLUE, YELLOW, GREEN, (0.93, 0.48, 0.12), (0.45, 0.24, 0.62), (0.20, 0.62, 0.68))
STEEL, DARK, WOOD, PALE = (0.66, 0.68, 0.72), (0.13, 0.13, 0.15), (0.58, 0.38, 0.21), (0.93, 0.93, 0.90)


@dataclass(frozen=True)
class Style:
    """What is constant over a clip: viewpoint (yaw in degrees), whether it is mirrored, tempo and reach as factors,
    prop colour, phase and variant in [0, 1)."""

    yaw: float
    mirror: bool
    tempo: float
    amplitude: float
    prop_colour: tuple
    phase: float
    variant: float

    @classmethod
    def sample(cls, rng: np.random.Generator, action: str) -> Style:
        views = ACTIONS[action].views
        yaw = float(rng.uniform(*views[rng.integers(len(views))]))
        colour = PROP_COLOURS[rng.integers(len(PROP_COLOURS))]
        mirror, tempo, amplitude = (
            bool(rng.random() < 0.5),
            float(rng.uniform(0.85, 1.15)),
            float(rng.uniform(0.85, 1.1)),
        )
        return cls(yaw, mirror, tempo, amplitude, colour, float(rng.random()), float(rng.random()))

    def vary(self, rng: np.random.Generator) -> Style:
        """Another take by the same person from the same viewpoint: other moment, slightly other tempo and reach."""
        yaw = self.yaw + float(rng.uniform(-4, 4))
        tempo, amplitude = float(self.tempo * rng.uniform(0.93, 1.07)), float(self.amplitude * rng.uniform(0.94, 1.04))
        return replace(self, yaw=yaw, tempo=tempo, amplitude=amplitude, phase=float(rng.random()))


@dataclass(frozen=True)
class Action:
    """An action of the demo and how it is drawn.

    name: as UCF-101 spells it. words: phrases for captions; the first fits 'a photo of a person {phrase}.'. views:
    ranges of yaw in degrees. scene: where it usually happens.

    period: seconds of a cycle, or of the whole action when `once` (it starts at time 0 and then rests).
    """

    name: str
    pose: Callable[..., None]  # (sketch, person, u, style)
    words: tuple[str, ...]
    prop_words: tuple[str, ...]
    scene: str
    views: tuple[tuple[float, float], ...]
    period: float
    clinical: bool = False
    once: bool = False


def draw_action(canvas: Canvas, camera: Camera, action: str, person: Person, time: float, style: Style, light) -> None:
    """Draw contact shadows, actor and props at `time` seconds, with labels.

    `light` has direction (u, v), colour (factors on rgb) and shadow (0 to 1), as scenes.Light.
    """
    what = ACTIONS[action]
    u = time * style.tempo / what.period
    u = min(max(u - 0.06 * style.phase, 0), 1) if what.once else u + style.phase
    k = Sketch()
    what.pose(k, person, u, style)
    k.paint(canvas, camera, style.yaw, style.mirror, light)


# ---- curves


def ease(a: float, b: float, x: float) -> float:
    """0 before a, 1 after b, smooth between."""
    t = min(max((x - a) / (b - a), 0.0), 1.0)
    return t * t * (3 - 2 * t)


def bump(centre: float, width: float, x: float) -> float:
    """A smooth hill of height 1 at `centre` of a cycle, 0 farther than `width` from it."""
    d = abs((x - centre + 0.5) % 1 - 0.5)
    return 0.5 + 0.5 * cos(pi * d / width) if d < width else 0.0


def keys(x: float, rows, cyclic: bool = False) -> np.ndarray:
    """Rows (time, values ...) joined by a Catmull-Rom spline, at time x.

    cyclic: times run from 0 to 1, and the last row repeats the first.
    """
    rows = np.array(rows, float)
    t, v = rows[:, 0], rows[:, 1:]
    x = x % 1 if cyclic else min(max(x, t[0]), t[-1])
    i = min(int(np.searchsorted(t, x, side="right")) - 1, len(t) - 2)

    def slope(j):
        if 0 < j < len(t) - 1:
            return (v[j + 1] - v[j - 1]) / (t[j + 1] - t[j - 1])
        return (v[1] - v[-2]) / (1 - t[-2] + t[1]) if cyclic else 0 * v[0]

    d = t[i + 1] - t[i]
    s = (x - t[i]) / d
    s2, s3 = s * s, s * s * s
    return (
        (2 * s3 - 3 * s2 + 1) * v[i]
        + (s3 - 2 * s2 + s) * d * slope(i)
        + (3 * s2 - 2 * s3) * v[i + 1]
        + (s3 - s2) * d * slope(i + 1)
    )


def wave(u: float, phase: float = 0.0) -> float:
    return sin(2 * pi * (u + phase))


def stand(p: Person, feet, hip=(0.0, 0.0), drop: float = 0.0, toes=(None, None), **turns) -> Figure:
    """A standing figure: feet = ((x, z) left, (x, z) right) on the floor, hips over `hip`, lowered by `drop` metres."""
    f = Figure(p, vec(hip[0], STANDING * 0.985 * p.height - drop, hip[1]), **turns)
    for s, (x, z), toe in zip((1, -1), feet, toes):
        f.leg(s, vec(x, ANKLE * p.height, z), toe)
    return f


def walk(p: Person, u: float, step: float, **turns) -> Figure:
    """A figure walking on the spot at x = 0, one stride a cycle; arms are left to the caller."""
    h = p.height
    f = Figure(p, vec(0, (STANDING - 0.012) * h - 0.5 * step * step / h + 0.02 * wave(2 * u, 0.05), 0), **turns)
    for s in (1, -1):
        q = (u + (0.5 if s < 0 else 0)) % 1
        swing = max(q - 0.6, 0) / 0.4
        x = step * (1 - 2 * q / 0.6) if q < 0.6 else -step * cos(pi * swing)
        lift = 0.09 * h * sin(pi * swing) ** 1.5 + 0.035 * h * ease(0.42, 0.6, q) * (1 - ease(0, 0.5, swing))
        toe_off, heel_strike = ease(0.42, 0.62, q) * (1 - ease(0.7, 0.85, q)), ease(0.85, 0.98, q) + 1 - ease(0, 0.1, q)
        pitch = 18 * heel_strike - 45 * toe_off
        f.leg(
            s, vec(x, ANKLE * h + lift, s * HIP_WIDTH * 0.9 * h), vec(cos(radians(pitch)), sin(radians(pitch)), 0.1 * s)
        )
    return f


# ---- at home


def archery(k: Sketch, p: Person, u: float, s: Style) -> None:
    h, u = p.height, u % 1
    f = stand(
        p,
        ((0.22, 0.03), (-0.2, -0.03)),
        toes=(vec(0.4, 0, -1), vec(-0.15, 0, -1)),
        pelvis=(0, -78, 0),
        spine=(-2, -8, 0),
        head=(0, 82, 0),
    )
    level, grip_x, z = 0.825 * h, 0.335 * h, -0.05
    drawn = ease(0.05, 0.45, u) * (u < 0.7)
    hand_x = keys(
        u,
        (
            (0, grip_x - 0.2),
            (0.05, grip_x - 0.2),
            (0.45, 0.07),
            (0.7, 0.05),
            (0.78, -0.1),
            (0.9, grip_x - 0.3),
            (1, grip_x - 0.2),
        ),
    )[0]
    f.arm(1, vec(grip_x, level, z), vec(-0.2, -1, -0.4))
    f.arm(-1, vec(hand_x, level - 0.25 * bump(0.88, 0.09, u), z), vec(-0.3, 0.2, 0.35))
    f.draw(k)
    bow = [
        vec(grip_x + 0.05 - (0.2 + 0.16 * drawn) * t * t, level + t * (0.72 - 0.06 * drawn), z)
        for t in np.linspace(-1, 1, 9)
    ]
    for a, b, ra, rb in zip(bow, bow[1:], *(2 * [[0.013, 0.018, 0.022, 0.027, 0.027, 0.022, 0.018, 0.013, 0.013]])):
        k.capsule(a, ra, b, rb, s.prop_colour, PROP, bias=0.05)
    nock = vec(hand_x + 0.02 if u < 0.7 else bow[0][0], level, z)
    k.lines([bow[0], nock, bow[-1]], 0.008, PALE, PROP, bias=0.06)
    flight = 12 * max(u - 0.7, 0)
    if flight < 1.2 or u > 0.92:
        tail = vec((hand_x if u < 0.7 or u > 0.92 else flight) + 0.02, level, z)
        tip = tail + vec(0.8 * 0.5 * h, 0)
        k.capsule(tail, 0.011, tip, 0.011, WOOD, PROP, bias=0.08, round_=0)
        k.capsule(tip, 0.022, tip + vec(0.06, 0), 0.006, DARK, PROP, bias=0.08)
        k.capsule(tail, 0.026, tail + vec(0.1, 0), 0.022, (0.9, 0.25, 0.2), PROP, bias=0.08, round_=0)
    back = f.neck + 0.10 * h * -f.chest[:, 0]
    k.capsule(back + vec(0.05, 0.1), 0.05, back - 0.3 * h * f.chest[:, 1] - vec(0.06, 0), 0.05, WOOD, PROP, edge=True)


def basketball(k: Sketch, p: Person, u: float, s: Style) -> None:
    h, u = p.height, u % 1
    if s.variant < 0.5:  # dribbling, two bounces a cycle
        b = (2 * u) % 1
        up = abs(cos(pi * b)) ** 0.75
        f = stand(
            p,
            ((0.22, 0.16), (-0.2, -0.16)),
            (-0.06, 0),
            0.11 * h - 0.01 * up,
            pelvis=(26, 10, 0),
            spine=(10, 5, 0),
            head=(-22, -6, 0),
        )
        ball = vec(0.42, 0.14 + (0.42 * h - 0.14) * up * s.amplitude, -0.26)
        f.arm(-1, vec(ball[0] - 0.02, max(ball[1] + 0.17, 0.40 * h), ball[2]), vec(-0.6, 0.3, -1))
        f.arm(1, vec(0.34, 0.62 * h, 0.34), vec(-0.5, -0.6, 1))
    else:  # a jump shot; the ball comes back from above the picture
        hip_drop, jump, ball_x, ball_y = keys(
            u,
            (
                (0, 0.06, 0, 0.3, 0.66),
                (0.2, 0.13, 0, 0.3, 0.60),
                (0.42, 0.0, 0.1, 0.16, 1.02),
                (0.5, 0, 0.16, 0.3, 1.22),
                (0.62, 0.03, 0.06, 0.5, 1.5),
                (0.8, 0.07, 0, 0.6, 1.6),
                (1, 0.06, 0, 0.3, 0.66),
            ),
            cyclic=True,
        )
        lift = max(jump, 0) * s.amplitude
        hip = vec(-0.05, (STANDING * 0.985 - hip_drop + lift) * h, 0)
        f = Figure(p, hip, pelvis=(60 * hip_drop, 0, 0), spine=(40 * hip_drop, 0, 0), head=(-14, 0, 0))
        for side in (1, -1):
            f.leg(side, vec(0.06 * side, (ANKLE + lift) * h, side * 0.12), vec(1, -4 * lift, 0.2 * side))
        aloft = ease(0.47, 0.53, u) * (1 - ease(0.9, 0.98, u))
        w = min(max((u - 0.5) / 0.45, 0), 1)
        ball = (
            vec(ball_x, ball_y * h, 0)
            if w in (0, 1)
            else vec(0.3 + 0.5 * sin(pi * w), (1.22 - 0.56 * w) * h + 4.6 * w * (1 - w), 0)
        )
        follow = vec(0.40, (1.12 - 0.42 * ease(0.6, 0.9, u)) * h, 0)
        for side in (1, -1):
            hold = ball + vec(-0.06, -0.08, side * 0.11)
            f.arm(side, hold * (1 - aloft) + (follow + vec(0, 0, side * 0.12)) * aloft, vec(0.6, -0.8, 0.6 * side))
    f.draw(k)
    spin = 6 * u
    k.ball(ball, 0.145, (0.93, 0.47, 0.13), PROP, edge=True)
    k.ring(ball, 0.14 * vec(cos(spin), sin(spin)), vec(0, 0, 0.14), 0.014, (0.25, 0.12, 0.05), PROP, bias=0.15)
    k.ring(ball, 0.14 * vec(-sin(spin), cos(spin)), vec(0, 0, 0.14), 0.014, (0.25, 0.12, 0.05), PROP, bias=0.15)
    k.shadow(ball, 0.14)


def biking(k: Sketch, p: Person, u: float, s: Style) -> None:
    h, r = p.height, 0.34
    roll = 2 * pi * u
    crank, rear, front = vec(0, 0.30), vec(-0.44, r), vec(0.62, r)
    seat, head, bar = vec(-0.17, 0.13 + 0.435 * h), vec(0.44, 0.52 + 0.2 * h), vec(0.52, 0.60 + 0.22 * h)
    f = Figure(p, seat + vec(0.0, 0.07), pelvis=(34, 0, 0), spine=(16 + 2 * wave(2 * u), 0, 0), head=(-38, 0, 0))
    for side in (1, -1):
        pedal = crank + 0.17 * side * vec(cos(roll), -sin(roll)) + vec(0, 0, 0.12 * side)
        f.leg(side, pedal + vec(-0.06, 0.10), vec(1, -0.25 + 0.15 * side * cos(roll)), vec(1, 0.4, 0.1 * side))
        k.capsule(pedal - vec(0.05, 0), 0.022, pedal + vec(0.05, 0), 0.022, DARK, PROP, round_=0)
        k.capsule(crank + vec(0, 0, 0.07 * side), 0.014, pedal - vec(0, 0, 0.05 * side), 0.014, STEEL, PROP, round_=0)
        f.arm(side, bar + vec(0.02, 0.03, 0.22 * side), vec(-0.4, -1, 0.8 * side))
    f.draw(k, shadow=False)
    for hub in (rear, front):
        for i in range(4):
            spoke = (r - 0.03) * vec(cos(i * pi / 4 - 0.5 * roll), sin(i * pi / 4 - 0.5 * roll))
            k.capsule(hub - spoke, 0.005, hub + spoke, 0.005, STEEL, PROP, bias=-0.02, round_=0)
        k.ring(hub, vec(r, 0), vec(0, r), 0.042, DARK, PROP)
        k.ring(hub, vec(r - 0.045, 0), vec(0, r - 0.045), 0.016, STEEL, PROP, bias=0.01)
        k.ball(hub, 0.035, STEEL, PROP, bias=0.02)
        k.shadow(vec(hub[0], 0), 0.3, 0.9)
    k.shadow(vec(0.1, 0), 0.45, 0.6)
    for a, b, width in (
        (seat - vec(0, 0.05), crank, 0.026),
        (seat - vec(-0.01, 0.12), head, 0.026),
        (crank, head - vec(-0.03, 0.1), 0.030),
        (crank, rear, 0.018),
        (seat - vec(0, 0.12), rear, 0.018),
        (head, front, 0.022),
        (head, bar, 0.022),
    ):
        k.capsule(a, width, b, width, s.prop_colour, PROP)
    k.capsule(bar - vec(0, 0, 0.27), 0.022, bar + vec(0, 0, 0.27), 0.022, DARK, PROP)
    k.capsule(seat - vec(0.11, 0.01), 0.05, seat + vec(0.12, -0.01), 0.022, DARK, PROP)
    k.ring(crank, vec(0.09, 0), vec(0, 0.09), 0.03, STEEL, PROP, bias=0.05)


def boxing(k: Sketch, p: Person, u: float, s: Style) -> None:
    h, u = p.height, u % 1
    jab, cross, hook = bump(0.1, 0.14, u) + bump(0.58, 0.14, u), bump(0.34, 0.15, u), bump(0.83, 0.16, u)
    sway = (
        0.05 * (bump(0.18, 0.15, u) + bump(0.66, 0.15, u))
        + 0.09 * (bump(0.43, 0.18, u) + bump(0.92, 0.18, u)) * s.amplitude
    )
    twist = -24 + 18 * (cross + hook) - 12 * jab
    f = stand(
        p,
        ((-0.04, 0.16), (-0.50, -0.16)),
        (-0.26 + 0.05 * (cross + hook), 0),
        0.05 * h + 0.01 * wave(2 * u),
        pelvis=(8, twist, 0),
        spine=(8, 0.8 * twist + 15, 0),
        head=(-8, 20 - twist, 0),
    )
    x = 0.60
    guard = {1: vec(0.08, 0.80 * h, 0.10), -1: vec(-0.02, 0.80 * h, -0.11)}
    aims = {1: (jab, vec(x - 0.25, 0.80 * h, 0.03)), -1: (cross + hook, vec(x - 0.23, 0.78 * h - 0.1 * hook, -0.04))}
    for side, (punch, aim) in aims.items():
        f.arm(side, guard[side] * (1 - punch) + aim * punch, vec(-0.3, -1, (0.35 + 0.5 * hook) * side))
    f.draw(k)
    glove = (0.82, 0.12, 0.12) if s.variant < 0.7 else (0.15, 0.3, 0.75)
    for side in (1, -1):
        along = unit(f.hands[side] - f.elbows[side])
        k.capsule(
            f.hands[side] - 0.03 * along, 0.055, f.hands[side] + 0.05 * along, 0.085, glove, PROP, edge=True, bias=0.08
        )
    hook_at = vec(x, 3.4)
    tilt = vec(sin(sway), -cos(sway))
    top, low = hook_at + 1.62 * tilt, hook_at + 2.68 * tilt
    leather = s.prop_colour if s.variant > 0.5 else (0.22, 0.16, 0.14)
    k.capsule(hook_at, 0.014, top, 0.014, STEEL, PROP, round_=0)
    k.capsule(top, 0.17, low, 0.18, leather, PROP, edge=True, round_=0.7)
    k.shadow(vec(low[0], 0.25), 0.3)


def clean_and_jerk(k: Sketch, p: Person, u: float, s: Style) -> None:
    h = p.height
    bar_y, bar_x, hip_y, hip_x, lean, split = keys(
        u,
        (
            (0, 0.13, 0.10, 0.32, -0.16, 50, 0),
            (0.08, 0.13, 0.10, 0.32, -0.16, 50, 0),
            (0.2, 0.45, 0.07, 0.50, -0.04, 16, 0),
            (0.28, 0.74, 0.08, 0.40, -0.06, 8, 0),
            (0.36, 0.80, 0.07, 0.31, -0.1, 10, 0),
            (0.46, 0.835, 0.06, 0.52, 0, 2, 0),
            (0.54, 0.80, 0.06, 0.49, 0, 2, 0),
            (0.62, 1.11, 0.02, 0.475, 0, 0, 1),
            (0.72, 1.15, 0.02, 0.50, 0, 0, 0.6),
            (0.8, 1.165, 0.02, 0.52, 0, 0, 0),
            (0.9, 0.76, 0.12, 0.47, -0.04, 8, 0),
            (1, 0.13, 0.10, 0.32, -0.16, 50, 0),
        ),
        cyclic=True,
    )
    split = max(split, 0) * s.amplitude
    f = Figure(p, vec(hip_x, hip_y * h, 0), pelvis=(lean, 0, 0), spine=(0.2 * lean, 0, 0), head=(-0.8 * lean, 0, 0))
    for side in (1, -1):
        f.leg(
            side, vec(side * 0.24 * split - 0.02, ANKLE * h, side * 0.17), vec(1, 0, 0.4 * side), vec(1, 0, 0.7 * side)
        )
    bar, rack = vec(bar_x, bar_y * h), ease(0.5, 0.85, bar_y)  # elbows go from behind the bar to in front of it
    for side in (1, -1):
        f.arm(side, bar + vec(0, 0, side * 0.30), vec(2 * rack - 1, -0.4 * rack, 0.5 * side))
    f.draw(k)
    k.capsule(bar - vec(0, 0, 0.86), 0.02, bar + vec(0, 0, 0.86), 0.02, STEEL, PROP, bias=0.04)
    for side in (1, -1):
        for z, r, colour in ((0.60, 0.21, s.prop_colour), (0.69, 0.155, DARK)):
            k.drum(
                bar + vec(0, 0, side * z),
                r,
                bar + vec(0, 0, side * (z + 0.075)),
                r,
                colour,
                PROP,
                tuple(0.8 * c for c in colour),
            )
        k.capsule(bar + vec(0, 0, side * 0.60), 0.03, bar + vec(0, 0, side * 0.86), 0.03, STEEL, PROP, bias=-0.01)
        k.shadow(bar + vec(0, -0.2, side * 0.66), 0.2)


def golf_swing(k: Sketch, p: Person, u: float, s: Style) -> None:
    h, u = p.height, u % 1
    reach = 0.5 + 0.5 * s.amplitude
    swing, club, twist, hips = keys(
        u,
        (
            (0, 0, 0, 0, 0),
            (0.1, 0, 0, 0, 0),
            (0.24, -70, -110, -35, -14),
            (0.38, -142 * reach, -226 * reach, -70, -30),
            (0.44, -140 * reach, -226 * reach, -64, -22),
            (0.5, -60, -140, -26, 4),
            (0.55, 0, -8, 4, 16),
            (0.6, 55, 68, 28, 30),
            (0.72, 132 * reach, 225 * reach, 66, 52),
            (0.84, 134 * reach, 235 * reach, 68, 54),
            (1, 0, 0, 0, 0),
        ),
        cyclic=True,
    )
    through = ease(0.58, 0.72, u) * (1 - ease(0.86, 0.98, u))
    toes = vec(1, 0, 0.3), vec(1, -1.2 * through, -0.15 + 0.9 * through)
    look = -(0.9 - 0.8 * through) * twist
    f = stand(
        p,
        ((0, 0.22), (0, -0.22)),
        (-0.08 * (1 - through), 0.06 * through),
        0.035 * h,
        toes,
        pelvis=(24 - 16 * through, hips, 0),
        spine=(12 - 8 * through, twist - hips, 0),
        head=(4 - 10 * through, look, 0),
    )
    centre = f.neck - 0.02 * h * f.chest[:, 1]
    ball = vec(0.74, 0.03, 0.06)
    plane = ball - vec(0.17, 0.79 * h)  # the swing's plane holds this and the line to the target
    down, r, level = unit(plane), 0.275 * h, vec(0, 0, 1)
    hands = (
        centre
        + r * (cos(radians(swing)) * down + sin(radians(swing)) * level)
        + 0.10 * abs(sin(radians(0.5 * swing))) * f.chest[:, 0]
    )
    shaft = cos(radians(club)) * down + sin(radians(club)) * level
    f.arm(1, hands, vec(-0.2, -1, 0.4))
    f.arm(-1, hands + 0.07 * shaft, vec(-0.3, -1, -0.4))
    f.draw(k)
    length = (0.97 - 0.12 * abs(sin(radians(club / 2)))) * (np.linalg.norm(plane) - r)
    grip, tip = f.hands[1] - 0.1 * shaft, f.hands[1] + length * shaft
    k.capsule(grip, 0.020, f.hands[1] + 0.18 * shaft, 0.017, DARK, PROP, bias=0.05)
    k.capsule(f.hands[1] + 0.18 * shaft, 0.018, tip, 0.015, tuple(0.7 * c for c in STEEL), PROP, round_=0)
    k.capsule(tip, 0.035, tip + 0.11 * unit(np.cross(level, shaft) + 0.2 * down), 0.045, s.prop_colour, PROP, bias=0.02)
    w = max(u - 0.555, 0)
    ball = ball + vec(0, 5 * w - 12 * w * w, 14 * w) * (u < 0.9)
    k.ball(ball, 0.04, (1, 1, 1), PROP, edge=True)
    k.shadow(ball, 0.06)


def jump_rope(k: Sketch, p: Person, u: float, s: Style) -> None:
    h = p.height
    lift = 0.055 * h * s.amplitude * max(cos(2 * pi * u) + 0.3, 0)
    f = Figure(p, vec(0, 0.955 * STANDING * h + 1.2 * lift, 0), pelvis=(4, 0, 0), spine=(2, 0, 0))
    for side in (1, -1):
        f.leg(side, vec(-0.02, ANKLE * h + lift, side * 0.08), vec(1, -8 * lift, 0.15 * side))
        f.arm(
            side,
            vec(0.14 + 0.05 * cos(2 * pi * u), 0.56 * h + 0.05 * sin(2 * pi * u), side * 0.36),
            vec(-0.8, -0.4, 0.5 * side),
        )
    f.draw(k)
    middle, radial = (
        (f.hands[1] + f.hands[-1]) / 2,
        vec(-wave(u), -cos(2 * pi * u)),
    )  # under the feet when the jump is highest
    bulge = [
        (0.57 * h * sin(t) ** 0.8, f.hands[1][2] * cos(t) * (1 + 0.28 * sin(t) ** 2)) for t in np.linspace(0, pi, 15)
    ]
    arc = [middle + r * radial + vec(0, 0, z) for r, z in bulge]
    k.lines(arc, 0.019, s.prop_colour, PROP)
    for side in (1, -1):
        k.capsule(
            f.hands[side] - vec(0.04, 0), 0.024, f.hands[side] + vec(0.0, 0, 0.1 * side), 0.02, DARK, PROP, bias=0.06
        )


def mopping(k: Sketch, p: Person, u: float, s: Style) -> None:
    h = p.height
    push, across = 0.23 * s.amplitude * wave(u), 0.10 * wave(u, 0.25)
    f = stand(
        p,
        ((0.12, 0.13), (-0.38, -0.13)),
        (-0.14 + 0.35 * push, 0),
        0.05 * h,
        (vec(1, 0, 0.3), vec(1, 0, -0.3)),
        pelvis=(20 + 20 * push, -12, 0),
        spine=(14, -8, 0),
        head=(8, 8, 0),
    )
    mop = vec(0.64 + push, 0.07, -0.08 + across)
    along = unit(vec(0.16 + 0.6 * push, 0.70 * h, -0.12 + 0.3 * across) - mop)
    top = mop + 1.42 * along
    f.arm(-1, mop + (0.70 * h + 0.02) * along, vec(-1, -0.3, -0.8))
    f.arm(1, mop + 0.47 * h * along, vec(-0.2, -0.8, 1))
    f.draw(k)
    k.capsule(mop, 0.021, top, 0.021, s.prop_colour, PROP, bias=0.06)
    k.capsule(mop + 0.2 * along, 0.035, mop + 0.09 * along, 0.075, s.prop_colour, PROP, bias=0.1)
    for i in range(8):
        end = vec(mop[0] + 0.17 * cos(i * pi / 4) - 0.3 * push, 0.03, mop[2] + 0.17 * sin(i * pi / 4))
        k.capsule(mop + vec(0, 0.09), 0.05, end, 0.045, PALE if i % 2 else (0.78, 0.82, 0.86), PROP)
    k.shadow(vec(mop[0], 0, mop[2]), 0.26)
    bucket = vec(-0.74, 0, -0.15) if s.variant < 0.5 else vec(-0.35, 0, -0.62)
    pail = (0.85, 0.2, 0.2) if s.prop_colour[2] > 0.4 else (0.2, 0.45, 0.85)
    k.drum(bucket + vec(0, 0.01), 0.135, bucket + vec(0, 0.31), 0.18, pail, PROP, (0.55, 0.72, 0.82))
    k.ring(bucket + vec(0, 0.31), vec(0.18, 0), vec(0, 0, 0.18), 0.022, pail, PROP, bias=0.05)
    k.shadow(bucket, 0.24)


def playing_guitar(k: Sketch, p: Person, u: float, s: Style) -> None:
    h = p.height
    strum, sway = wave(2 * u), wave(0.5 * u)
    f = stand(
        p,
        ((0.08, 0.15), (-0.04, -0.15)),
        (0, 0.02 * sway),
        0.012 * h + 0.006 * h * wave(2 * u, 0.3),
        pelvis=(2, 0, 2 * sway),
        spine=(4, 4 * sway, -3 * sway),
        head=(14 + 3 * wave(2 * u, 0.1), 22, 4 * sway),
    )
    neck = unit(vec(0.05, 0.42, 1))
    out = unit(vec(1, 0.22, -0.08) - neck * (vec(1, 0.22, -0.08) @ neck))
    low = np.cross(neck, out)
    low = low if low[1] < 0 else -low
    body = f.hip + vec(0.19, 0.125 * h, -0.09)
    f.arm(-1, body + 0.06 * out + 0.02 * neck + 0.10 * s.amplitude * strum * low, vec(-0.4, 0.1, -1))
    f.arm(1, body + (0.52 + 0.07 * wave(0.5 * u, 0.2)) * neck + 0.02 * out + 0.02 * low, vec(0.2, -1, 0.5))
    f.draw(k)
    face = tuple(0.25 + 0.75 * c for c in s.prop_colour) if s.variant < 0.4 else (0.86, 0.60, 0.30)
    rim = tuple(0.5 * c for c in face)
    for along, r in ((-0.15, 0.215), (0.11, 0.155)):
        c = body + along * neck
        k.drum(c - 0.075 * out, r, c, r, rim, PROP, face, bias=0.02)
        k.ring(c, r * neck, r * low, 0.018, rim, PROP, bias=0.02)
    k.drum(body - 0.003 * out, 0.15, body + 0.003 * out, 0.15, face, PROP, face, bias=0.05)
    k.drum(body + 0.06 * neck, 0.062, body + 0.06 * neck + 0.004 * out, 0.062, DARK, PROP, DARK, bias=0.06)
    k.capsule(
        body - 0.2 * neck - 0.07 * low, 0.018, body - 0.2 * neck + 0.07 * low, 0.018, DARK, PROP, bias=0.06, round_=0
    )
    k.capsule(body + 0.12 * neck, 0.032, body + 0.72 * neck, 0.026, (0.33, 0.19, 0.11), PROP, bias=0.02)
    k.capsule(body + 0.72 * neck, 0.036, body + 0.86 * neck, 0.046, (0.33, 0.19, 0.11), PROP, bias=0.02)
    k.lines([body - 0.2 * neck + 0.01 * out, body + 0.72 * neck + 0.03 * out], 0.006, PALE, PROP, bias=0.07)
    k.lines([body + 0.25 * neck, f.shoulders[1] + vec(0.09, 0.02, -0.02)], 0.018, DARK, PROP)


def pull_ups(k: Sketch, p: Person, u: float, s: Style) -> None:
    h, bar = p.height, vec(0.10, 1.09 * p.height)
    pull = (0.5 - 0.5 * cos(2 * pi * u)) * (0.9 + 0.1 * s.amplitude)
    neck_y = bar[1] - 0.325 * h + pull * 0.28 * h
    kick = 8 * wave(u, 0.1)
    f = Figure(
        p, vec(-0.06, neck_y - 0.29 * h, 0), pelvis=(-4 + 8 * pull, 0, 0), spine=(-6, 0, 0), head=(-14 - 6 * pull, 0, 0)
    )
    for side in (1, -1):
        f.swing_leg(side, 30 + kick + 4 * side, 4, 92 + 8 * side + kick, 60)
        f.arm(side, bar + vec(0, -0.015, side * 0.33), vec(-0.25, -1, 0.9 * side))
    f.draw(k)
    wide = 0.66
    k.capsule(
        bar - vec(0, 0, wide),
        0.026,
        bar + vec(0, 0, wide),
        0.026,
        STEEL if s.variant < 0.4 else s.prop_colour,
        PROP,
        bias=-0.01,
    )
    for side in (1, -1):
        post = vec(bar[0], 0, side * wide)
        k.capsule(post, 0.038, post + vec(0, bar[1]), 0.038, s.prop_colour, PROP)
        k.capsule(post - vec(0.25, -0.03), 0.034, post + vec(0.25, 0.03), 0.034, s.prop_colour, PROP)
        k.shadow(post, 0.2)


def push_ups(k: Sketch, p: Person, u: float, s: Style) -> None:
    h = p.height
    low = (0.5 - 0.5 * cos(2 * pi * u)) * (0.85 + 0.15 * s.amplitude)
    toe = vec(-0.93 * 0.5 * h - 0.12, 0.065)
    neck_y = 0.315 * h + 0.06 - 0.19 * h * low
    slope = np.degrees(np.arcsin((neck_y - toe[1] - 0.05) / (0.78 * h)))
    along = vec(cos(radians(slope)), sin(radians(slope)))
    ankle = toe + vec(-0.03, 0.075)
    f = Figure(
        p,
        ankle + (THIGH + SHIN) * 0.995 * h * along,
        pelvis=(90 - slope - 1, 0, 0),
        spine=(1.5, 0, 0),
        head=(-24, 0, 0),
    )
    for side in (1, -1):
        f.leg(side, ankle + vec(0, 0, side * 0.09), vec(0.35, -1), vec(0, -1, 0))
    hand_x = f.neck[0] + 0.0
    for side in (1, -1):
        f.arm(side, vec(toe[0] + 0.80 * h, 0.05, side * 0.27), vec(-1, 0.1, 0.9 * side))
    f.draw(k, shadow=False)
    for x in np.linspace(toe[0], hand_x, 4):
        k.shadow(vec(x, 0.12), 0.24)
    for inset, shade, order in ((0, 1, -5), (0.04, 0.85, -4.9)):
        x, z = (-0.98 + inset, 0.92 - inset), 0.38 - inset
        corners = [vec(x[0], 0, -z), vec(x[1], 0, -z), vec(x[1], 0, z), vec(x[0], 0, z)]
        k.patch(corners, tuple(shade * c for c in s.prop_colour), PROP, order)


def walking_with_dog(k: Sketch, p: Person, u: float, s: Style) -> None:
    h = p.height
    k.origin = vec(-0.42 + 0.06 * wave(0.23 * u), 0, 0)
    f = walk(
        p, u, 0.17 * h * s.amplitude, pelvis=(3, 5 * wave(u), 0), spine=(1, -9 * wave(u), 0), head=(2, 4 * wave(u), 0)
    )
    f.swing_arm(1, 26 * cos(2 * pi * (u + 0.5)), 7, 18)
    f.arm(-1, vec(0.30, 0.55 * h + 0.015 * wave(2 * u), -0.22), vec(-1, -0.6, -0.4))
    f.draw(k)
    coat = ((0.55, 0.35, 0.18), (0.86, 0.72, 0.50), (0.17, 0.15, 0.15), (0.92, 0.90, 0.86), (0.45, 0.43, 0.42))[
        int(s.variant * 5)
    ]
    collar = dog(k, vec(0.84 + 0.04 * wave(0.5 * u), 0, -0.18), 2 * u, coat, s.prop_colour)
    hand, slack = f.hands[-1], 0.25 + 0.1 * wave(2 * u)
    leash = [hand + t * (collar - hand) - vec(0, slack * t * (1 - t)) for t in np.linspace(0, 1, 6)]
    k.lines(leash, 0.012, s.prop_colour, PROP, bias=0.1)
    k.ball(hand, 0.03, s.prop_colour, PROP, bias=0.1)


def dog(k: Sketch, at: np.ndarray, u: float, coat, collar) -> np.ndarray:
    """A trotting dog; diagonal legs move together. Returns where the leash meets the collar."""
    bob = 0.015 * wave(2 * u)
    rump, chest = at + vec(-0.27, 0.46 + bob), at + vec(0.17, 0.47 - bob)
    skull = at + vec(0.38, 0.71 + bob)
    dark = tuple(0.6 * c for c in coat)
    k.capsule(rump, 0.105, chest, 0.13, coat, PROP, edge=True)
    k.capsule(chest + vec(0.06, 0.05), 0.09, skull - vec(0.02, 0.02), 0.075, coat, PROP, edge=True)
    k.ball(skull, 0.095, coat, PROP, edge=True)
    k.capsule(skull + vec(0.05, -0.02), 0.062, skull + vec(0.17, -0.05), 0.042, coat, PROP, edge=True)
    k.ball(skull + vec(0.205, -0.035), 0.026, (0.06, 0.05, 0.05), PROP, bias=0.02)
    for side in (1, -1):
        k.capsule(
            skull + vec(-0.03, 0.06, side * 0.065), 0.034, skull + vec(-0.075, -0.05, side * 0.085), 0.04, dark, PROP
        )
        k.ball(skull + vec(0.07, 0.03, side * 0.055), 0.015, (0.06, 0.05, 0.05), PROP, bias=0.03)
        for x, joint, bend, shift in (
            (-0.27, rump, 1, 0.0 if side > 0 else 0.5),
            (0.15, chest, -1, 0.5 if side > 0 else 0.0),
        ):
            q = (u + shift) % 1
            paw = at + vec(x - 0.03 + 0.14 * cos(2 * pi * q), 0.035 + 0.10 * max(-sin(2 * pi * q), 0), side * 0.085)
            hip = joint + vec(-0.0, -0.03, side * 0.07)
            knee = (hip + paw) / 2 + vec(0.05 * bend, 0.02)
            k.capsule(hip, 0.062, knee, 0.042, coat, PROP, edge=True)
            k.capsule(knee, 0.040, paw, 0.030, coat, PROP, edge=True)
            k.capsule(paw, 0.032, paw + vec(0.05, -0.005), 0.026, dark, PROP)
    wag = 0.12 * wave(2 * u)
    k.capsule(rump + vec(-0.08, 0.05), 0.036, rump + vec(-0.22, 0.25, wag), 0.022, coat, PROP, edge=True)
    loop = (chest + vec(0.06, 0.05)) * 0.5 + skull * 0.5
    k.capsule(loop + vec(-0.05, 0.06), 0.028, loop + vec(0.07, -0.05), 0.028, collar, PROP, bias=0.12, round_=0)
    for x in (-0.27, 0.2):
        k.shadow(at + vec(x, 0), 0.2)
    return loop + vec(-0.05, 0.07)


# ---- clinical


def falling_down(k: Sketch, p: Person, u: float, s: Style) -> None:
    h = p.height
    if s.variant < 0.5:  # backwards: the knees give way, then seat and back
        x, lean, spine, flex, knee, arm, spread, elbow, head = keys(
            u,
            (
                (0, 0.42, 0, 2, 0, 2, 5, 8, 10, 0),
                (0.1, 0.40, -6, 4, 4, 10, 40, 20, 25, -4),
                (0.3, 0.20, -26, 16, 30, 62, 95, 28, 20, 12),
                (0.48, -0.06, -48, 22, 62, 84, 90, 34, 15, 20),
                (0.62, -0.16, -68, 12, 66, 76, 85, 45, 15, 14),
                (0.78, -0.18, -87, 0, 40, 60, 40, 66, 15, 0),
                (1, -0.18, -90, 0, 20, 34, 2, 66, 8, 0),
            ),
        )
        feet = 90.0
    else:  # forwards: a trip, on to the knees and hands, then flat
        x, lean, spine, flex, knee, arm, spread, elbow, head = keys(
            u,
            (
                (0, -0.5, 0, 2, 0, 2, 5, 8, 10, 0),
                (0.1, -0.46, 10, 4, 12, 14, 40, 15, 25, -4),
                (0.3, -0.26, 32, 14, 14, 60, 95, 20, 15, -12),
                (0.48, -0.12, 56, 14, 20, 92, 120, 22, 12, -24),
                (0.64, -0.08, 77, 8, 8, 52, 140, 26, 15, -28),
                (0.8, -0.06, 89, 1, 2, 14, 168, 30, 8, -22),
                (1, -0.06, 90, 0, 0, 2, 178, 34, 4, -14),
            ),
        )
        feet = 90 - 62 * ease(0.4, 0.7, u)
    f = Figure(p, vec(x, 0.5 * h, 0), pelvis=(lean, 0, 6 * bump(0.4, 0.3, u)), spine=(spine, 0, 0), head=(head, 12, 0))
    uneven = 12 * bump(0.35, 0.3, u) + 6 * ease(0.6, 1, u) * (s.variant < 0.5)
    for side in (1, -1):
        f.swing_leg(side, flex + side * uneven, 5 + 5 * ease(0.5, 1, u), knee + max(side * uneven, 0), feet)
        f.swing_arm(side, arm + 8 * side * bump(0.35, 0.4, u), spread, elbow)
    low = [f.hip[1] - 0.062 * h, f.neck[1] - 0.055 * h, f.head[1] - 0.07 * h]
    low += [j[1] - r * h for joints, r in ((f.knees, 0.04), (f.ankles, ANKLE)) for j in joints.values()]
    f.move(vec(0, -min(low)))  # whatever is lowest rests on the floor
    for side, hand in f.hands.items():  # and hands that would sink into it push
        if min(hand[1], f.elbows[side][1]) < 0.03 * h:
            f.arm(side, vec(hand[0], 0.03 * h, hand[2]), f.elbows[side] - f.shoulders[side] + vec(0, 0.3))
    f.draw(k)


def sitting_up_in_bed(k: Sketch, p: Person, u: float, s: Style) -> None:
    h, top = p.height, 0.66
    rise = ease(0.12, 0.92, u)
    lead = ease(0.05, 0.7, u)
    f = Figure(
        p,
        vec(-0.12, top + 0.06 * h, 0),
        pelvis=(-86 + 64 * rise, 0, 0),
        spine=(-2 + 30 * lead - 8 * rise, 0, 0),
        head=(8 + 16 * bump(0.4, 0.35, u), 10 * rise, 0),
    )
    for side in (1, -1):
        f.leg(
            side,
            vec(-0.12 + 0.488 * h - 0.05 * rise, top + 0.05 * h, side * 0.1),
            vec(1, 0.7, 0.1 * side),
            vec(0, 1, 0),
        )
        lying, pushing = vec(0.10, top + 0.06, side * 0.27), vec(-0.38, top + 0.05, side * 0.30)
        sitting, push, rest = vec(0.18, top + 0.20, side * 0.15), ease(0.0, 0.3, u), ease(0.65, 1.0, u)
        f.arm(side, (lying * (1 - push) + pushing * push) * (1 - rest) + sitting * rest, vec(-1, 0.2, 0.8 * side))
    f.draw(k, shadow=False)
    sheet, cover, metal = (0.93, 0.95, 0.97), tuple(0.35 + 0.6 * c for c in s.prop_colour), (0.78, 0.80, 0.82)
    k.box((0, top - 0.09, 0), (0.98, 0.09, 0.43), sheet, PROP, bias=-4)
    k.box((0, top - 0.22, 0), (1.0, 0.04, 0.44), metal, PROP, bias=-4.1)
    for x in (-0.92, 0.92):
        for z in (-0.38, 0.38):
            k.capsule(vec(x, 0.03, z), 0.026, vec(x, top - 0.22, z), 0.026, metal, PROP, bias=-4.2)
            k.shadow(vec(x, 0, z), 0.2)
    for x in (-0.7, -0.25, 0.25, 0.7):
        k.shadow(vec(x, 0.1), 0.4)
    pillow = [vec(x, top + 0.05, z) for x, z in ((-0.88, -0.24), (-0.70, -0.24), (-0.70, 0.24), (-0.88, 0.24))]
    k.hull(pillow, 0.07, (0.98, 0.98, 0.98), PROP, edge=True, bias=-2)
    k.box((-1.01, 0.72, 0), (0.03, 0.34, 0.45), WOOD if s.variant < 0.5 else metal, PROP, bias=-0.4)
    k.box((1.01, 0.62, 0), (0.03, 0.24, 0.45), WOOD if s.variant < 0.5 else metal, PROP, bias=0.3)
    blanket = [
        vec(x, top + y, z)
        for x, y, z in ((0.02, 0.13, -0.36), (0.93, 0.10, -0.38), (0.93, 0.10, 0.38), (0.02, 0.13, 0.36))
    ]
    k.hull(blanket, 0.055, cover, PROP, edge=True, bias=0.5)
    hanging = [
        vec(x, top + y, -z)
        for x, y, z in ((0.0, 0.14, 0.42), (0.98, 0.12, 0.45), (0.98, -0.20, 0.45), (0.0, -0.20, 0.45))
    ]
    k.patch(hanging, tuple(0.85 * c for c in cover), PROP, bias=0.55)
    for y in (0.03, 0.17):
        k.capsule(vec(-0.62, top + y, -0.48), 0.018, vec(0.32, top + y, -0.48), 0.018, metal, PROP, bias=0.9)
    for x in (-0.62, -0.15, 0.32):
        k.capsule(vec(x, top - 0.2, -0.48), 0.018, vec(x, top + 0.17, -0.48), 0.018, metal, PROP, bias=0.9)


def walking_with_frame(k: Sketch, p: Person, u: float, s: Style) -> None:
    h = p.height
    lift = bump(0.12, 0.12, u)
    ahead = 0.30 + 0.10 * ease(0.02, 0.24, u % 1) - 0.10 * ease(0.24, 1.0, u % 1)
    f = walk(p, u + 0.3, 0.055 * h * s.amplitude, pelvis=(20, 0, 0), spine=(16, 0, 0), head=(-14, 0, 0))
    f.move(vec(-0.10, -0.025 * h))
    top = 0.50 * h
    grips = {}
    for side in (1, -1):
        f.leg(side, f.ankles[side] + vec(0, 0.025 * h), f.toes[side])
        grips[side] = vec(ahead, top + 0.06 * lift, side * 0.27)
        f.arm(side, grips[side] + vec(0.02, 0.03), vec(-1, 0, 0.5 * side))
    f.draw(k)
    for side in (1, -1):
        g, low = grips[side], 0.06 * lift
        a, b = g + vec(-0.10, 0), g + vec(0.22, -0.02)
        for knob, foot in (
            (a, vec(a[0] - 0.10, low + 0.02, a[2] * 1.1)),
            (b, vec(b[0] + 0.10, low + 0.02, b[2] * 1.1)),
        ):
            k.capsule(knob, 0.022, foot, 0.022, STEEL, PROP)
            k.capsule(foot, 0.034, foot + vec(0, 0.05), 0.03, DARK, PROP)
            k.shadow(foot, 0.09)
        k.capsule(a, 0.022, b, 0.022, STEEL, PROP)
        k.capsule(a + vec(-0.02, 0), 0.034, a + vec(0.16, -0.01), 0.034, DARK, PROP, bias=0.02)
        k.capsule(
            a * 0.5 + vec(a[0] - 0.1, 0, a[2]) * 0.5,
            0.017,
            b * 0.5 + vec(b[0] + 0.1, 0, b[2]) * 0.5,
            0.017,
            STEEL,
            PROP,
        )
    for y in (0.0, -0.22):
        k.capsule(
            grips[1] + vec(0.22 - 0.1 * y, y - 0.02),
            0.022,
            grips[-1] + vec(0.22 - 0.1 * y, y - 0.02),
            0.022,
            STEEL,
            PROP,
        )


def standing_up_from_chair(k: Sketch, p: Person, u: float, s: Style) -> None:
    h, seat = p.height, 0.27 * p.height
    hip_x, hip_y, lean, spine, head = keys(
        u,
        (
            (0, -0.26, 0.315, -4, 4, 4),
            (0.12, -0.26, 0.315, 0, 6, 4),
            (0.36, -0.20, 0.32, 40, 14, -28),
            (0.5, -0.10, 0.37, 44, 12, -26),
            (0.75, 0.02, 0.47, 22, 6, -12),
            (0.92, 0.10, 0.522, 3, 2, 0),
            (1, 0.10, 0.525, 0, 2, 0),
        ),
    )
    f = Figure(p, vec(hip_x, hip_y * h, 0), pelvis=(lean, 0, 0), spine=(spine, 0, 0), head=(head, 0, 0))
    up = ease(0.45, 0.9, u)
    for side in (1, -1):
        f.leg(side, vec(0.14 - 0.03 * side, ANKLE * h, side * 0.12))
        rest = vec(-0.02, seat + 0.24, side * 0.27)
        hang = f.shoulders[side] + vec(0.06, -0.335 * h, 0.05 * side)
        f.arm(side, rest * (1 - up) + hang * up, vec(-1, -0.1, 0.5 * side))
    f.draw(k)
    wood, pad = (WOOD, s.prop_colour) if s.variant < 0.6 else ((0.35, 0.36, 0.4), s.prop_colour)
    k.box((-0.27, seat - 0.03, 0), (0.24, 0.045, 0.25), pad, PROP, bias=-0.1)
    k.box((-0.53, seat + 0.34, 0), (0.03, 0.24, 0.25), pad, PROP, bias=-0.05)
    for side in (1, -1):
        for x, y in ((-0.48, seat), (-0.06, seat + 0.2)):
            k.capsule(vec(x, 0.02, side * 0.25), 0.022, vec(x, y, side * 0.25), 0.022, wood, PROP)
            k.shadow(vec(x, 0, side * 0.25), 0.13)
        k.capsule(vec(-0.52, 0.1, side * 0.25), 0.022, vec(-0.54, seat + 0.56, side * 0.25), 0.022, wood, PROP)
        k.capsule(vec(-0.5, seat + 0.21, side * 0.26), 0.026, vec(0.0, seat + 0.21, side * 0.26), 0.026, wood, PROP)
    k.shadow(vec(-0.27, 0.1), 0.4)


SIDE, THREE_QUARTER, FRONT, AWAY = (-14, 14), (32, 55), (74, 106), (-52, -30)

ACTIONS = {
    a.name: a
    for a in (
        Action(
            "Archery",
            archery,
            ("shooting an arrow with a bow", "practising archery", "drawing a bow", "aiming a bow and arrow"),
            ("a bow", "a bow and arrow"),
            "archery range",
            (SIDE, (24, 46), AWAY),
            2.2,
        ),
        Action(
            "Basketball",
            basketball,
            ("playing basketball", "shooting a basketball", "bouncing a basketball"),
            ("a ball", "a basketball"),
            "basketball court",
            (SIDE, THREE_QUARTER, (60, 85)),
            1.6,
        ),
        Action(
            "Biking",
            biking,
            ("riding a bicycle", "cycling", "riding a bike"),
            ("a bicycle", "a bike"),
            "mountain road",
            (SIDE, (28, 50), AWAY),
            1.1,
        ),
        Action(
            "BoxingPunchingBag",
            boxing,
            ("punching a boxing bag", "hitting a punching bag", "boxing with a punching bag"),
            ("a punching bag", "boxing gloves"),
            "boxing gym",
            (SIDE, THREE_QUARTER, AWAY),
            1.7,
        ),
        Action(
            "CleanAndJerk",
            clean_and_jerk,
            ("lifting a barbell overhead", "doing a clean and jerk", "lifting weights"),
            ("a barbell", "weights"),
            "weight room",
            (FRONT, (45, 65)),
            3.2,
        ),
        Action(
            "GolfSwing",
            golf_swing,
            ("swinging a golf club", "playing golf", "hitting a golf ball"),
            ("a golf club", "a golf club and a ball"),
            "golf course",
            (FRONT, THREE_QUARTER, SIDE),
            2.2,
        ),
        Action(
            "JumpRope",
            jump_rope,
            ("jumping rope", "skipping with a rope", "jumping over a skipping rope"),
            ("a rope", "a skipping rope"),
            "school yard",
            (FRONT, THREE_QUARTER, (10, 30)),
            0.62,
        ),
        Action(
            "MoppingFloor",
            mopping,
            ("mopping the floor", "cleaning the floor with a mop", "wiping the floor"),
            ("a mop", "a mop and a bucket"),
            "kitchen",
            (SIDE, THREE_QUARTER, (60, 80)),
            1.5,
        ),
        Action(
            "PlayingGuitar",
            playing_guitar,
            ("playing the guitar", "strumming a guitar", "making music with a guitar"),
            ("a guitar",),
            "stage",
            (FRONT, THREE_QUARTER),
            1.2,
        ),
        Action(
            "PullUps",
            pull_ups,
            ("doing pull ups", "pulling up on a bar", "hanging from a pull-up bar"),
            ("a bar", "a pull-up bar"),
            "playground",
            (FRONT, (40, 62), (-105, -75)),
            1.9,
        ),
        Action(
            "PushUps",
            push_ups,
            ("doing push ups", "doing press ups on the floor", "pushing up from the floor"),
            ("a mat",),
            "yoga studio",
            (SIDE, (24, 45), AWAY),
            1.5,
        ),
        Action(
            "WalkingWithDog",
            walking_with_dog,
            ("walking a dog", "walking with a dog", "taking a dog for a walk"),
            ("a dog", "a dog on a leash"),
            "street",
            (SIDE, (24, 46), AWAY),
            1.15,
        ),
        Action(
            "FallingDown",
            falling_down,
            ("falling down", "falling to the floor", "collapsing on the floor"),
            (),
            "bedroom",
            (SIDE, THREE_QUARTER, AWAY),
            1.35,
            clinical=True,
            once=True,
        ),
        Action(
            "SittingUpInBed",
            sitting_up_in_bed,
            ("sitting up in bed", "getting up in bed", "rising in bed"),
            ("a bed", "a blanket"),
            "bedroom",
            (SIDE, (22, 42)),
            1.5,
            clinical=True,
            once=True,
        ),
        Action(
            "WalkingWithFrame",
            walking_with_frame,
            ("walking with a walking frame", "using a walking frame", "leaning on a walker"),
            ("a walking frame", "a walker"),
            "bedroom",
            (SIDE, THREE_QUARTER, (58, 80)),
            1.9,
            clinical=True,
        ),
        Action(
            "StandingUpFromChair",
            standing_up_from_chair,
            ("standing up from a chair", "getting up from a chair", "rising from a chair"),
            ("a chair",),
            "bedroom",
            (SIDE, THREE_QUARTER, AWAY),
            1.45,
            clinical=True,
            once=True,
        ),
    )
}
