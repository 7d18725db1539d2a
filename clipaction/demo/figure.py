"""The actor: an articulated 3-D figure, posed by joint angles or by where its hands and feet go.

Actor coordinates are metres: x to where the actor faces, y up, z to the actor's left, the floor at y = 0. A `Figure`
is posed in them. A `Sketch` collects its parts and the props, turns them to the viewpoint, projects all at once and
paints them far to near. Proportions follow Drillis and Contini (1966); the head is a little larger, so that it shows
in small frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, radians, sin, sqrt

import numpy as np

from .draw import HEAD, LIMBS, RIM, TORSO, Camera, Canvas

SKINS = ((0.98, 0.82, 0.70), (0.91, 0.70, 0.55), (0.78, 0.56, 0.40), (0.62, 0.42, 0.28), (0.44, 0.28, 0.19))
HAIRS = (
    (0.10, 0.08, 0.07),
    (0.28, 0.17, 0.09),
    (0.50, 0.31, 0.14),
    (0.85, 0.67, 0.33),
    (0.62, 0.26, 0.12),
    (0.72, 0.71, 0.70),
)
HAIR_STYLES = ("short", "short", "long", "bun", "afro", "bald", "cap")
CLOTHES = {
    "red": (0.83, 0.16, 0.15),
    "orange": (0.95, 0.52, 0.12),
    "yellow": (0.96, 0.82, 0.20),
    "green": (0.17, 0.56, 0.28),
    "blue": (0.16, 0.36, 0.78),
    "purple": (0.50, 0.25, 0.66),
    "pink": (0.94, 0.52, 0.66),
    "white": (0.94, 0.94, 0.92),
    "grey": (0.55, 0.57, 0.60),
    "black": (0.16, 0.16, 0.19),
}
BOTTOMS = (
    (0.18, 0.23, 0.40),
    (0.14, 0.14, 0.16),
    (0.42, 0.43, 0.46),
    (0.58, 0.47, 0.33),
    (0.30, 0.36, 0.26),
    (0.33, 0.45, 0.63),
    (0.38, 0.20, 0.22),
)
SHOES = ((0.93, 0.93, 0.93), (0.14, 0.13, 0.14), (0.74, 0.18, 0.16), (0.20, 0.36, 0.66), (0.42, 0.28, 0.18))
SKIRTS = 0.15  # how often the bottom is a skirt; shorts twice as often

THIGH, SHIN, ANKLE = 0.245, 0.245, 0.045  # lengths in statures; the ankle's height over the sole
UPPER_ARM, FOREARM = 0.170, 0.180  # the forearm to the middle of the hand
HIP_WIDTH, SHOULDER_WIDTH = 0.052, 0.104  # half widths
WAIST, CHEST, NECK, HEAD_UP = (
    0.115,
    0.175,
    0.035,
    0.115,
)  # hip to waist, waist to shoulders, shoulders to neck, shoulders to middle of head
STANDING = THIGH + SHIN + ANKLE  # hip height with straight legs


@dataclass(frozen=True)
class Person:
    """Who acts: stature in metres, build as a factor on widths, colours as rgb, words ('a person in a red shirt')."""

    height: float
    build: float
    skin: tuple
    hair: tuple
    hair_style: str
    shirt: tuple
    sleeves: str  # long, short, none
    trousers: tuple
    bottom: str  # trousers, shorts, skirt
    shoes: tuple
    words: str

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Person:

        def pick(options):
            return options[rng.integers(len(options))]

        colour = pick(tuple(CLOTHES))
        style = pick(HAIR_STYLES)
        hair = pick(tuple(CLOTHES.values())) if style == "cap" else pick(HAIRS)
        bottom = pick(BOTTOMS)
        while np.abs(np.subtract(bottom, CLOTHES[colour])).sum() < 0.35:  # the waist has to show
            bottom = pick(BOTTOMS)
        kind = rng.random()
        return cls(
            height=float(rng.uniform(1.6, 1.86)),
            build=float(rng.uniform(0.92, 1.2)),
            skin=pick(SKINS),
            hair=hair,
            hair_style=style,
            shirt=CLOTHES[colour],
            sleeves=pick(("long", "short", "short", "none")),
            trousers=bottom,
            bottom="skirt" if kind < SKIRTS else "shorts" if kind < 3 * SKIRTS else "trousers",
            shoes=pick(SHOES),
            words=f"a person in a {colour} shirt",
        )


def vec(x: float, y: float, z: float = 0.0) -> np.ndarray:
    return np.array((x, y, z), float)


def unit(v: np.ndarray) -> np.ndarray:
    return v / max(sqrt(v @ v), 1e-9)


def frame(lean: float = 0.0, turn: float = 0.0, tilt: float = 0.0) -> np.ndarray:
    """Rotation [3, 3] whose columns are forward, up and left.

    It tilts to the left, then leans forward, then turns to the left; angles are degrees.
    """
    (cl, sl), (ct, st), (ci, si) = ((cos(radians(a)), sin(radians(a))) for a in (lean, turn, tilt))
    tilted = np.array([[1, 0, 0], [0, ci, -si], [0, si, ci]])
    leant = np.array([[cl, sl, 0], [-sl, cl, 0], [0, 0, 1]])
    turned = np.array([[ct, 0, -st], [0, 1, 0], [st, 0, ct]])
    return turned @ leant @ tilted


def two_bone(
    root: np.ndarray, target: np.ndarray, upper: float, lower: float, pole: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Middle joint and end of a limb of two bones that reaches for `target` and bends towards `pole`.

    Where the target is out of reach, the end lies short of it on the straight line.
    """
    way = target - root
    reach = sqrt(way @ way)
    way = way / max(reach, 1e-9)
    reach = min(max(reach, abs(upper - lower) + 1e-3), 0.998 * (upper + lower))
    along = (upper**2 - lower**2 + reach**2) / (2 * reach)
    side = unit(pole - (pole @ way) * way)
    return root + way * along + side * sqrt(max(upper**2 - along**2, 0)), root + way * reach


class Figure:
    """A person in a pose. `side` is +1 for left and -1 for right; angles are degrees.

    hip: middle of the hips; pelvis, spine, head: (lean, turn, tilt) of each relative to what carries it.
    Give every limb with `leg`/`arm` (an end point) or `swing_leg`/`swing_arm` (joint angles), then `draw`.
    """

    def __init__(self, person: Person, hip, pelvis=(0, 0, 0), spine=(0, 0, 0), head=(0, 0, 0)):
        self.person, h = person, person.height
        self.hip, self.pelvis = np.asarray(hip, float), frame(*pelvis)
        self.chest = self.pelvis @ frame(*spine)
        self.gaze = self.chest @ frame(*head)
        self.waist = self.hip + h * WAIST * self.pelvis[:, 1]
        self.neck = self.waist + h * CHEST * self.chest[:, 1]
        self.head = self.neck + h * (NECK * self.chest[:, 1] + (HEAD_UP - NECK) * self.gaze[:, 1])
        self.hips = {s: self.hip + s * h * HIP_WIDTH * self.pelvis[:, 2] for s in (1, -1)}
        self.shoulders = {
            s: self.neck + h * (s * SHOULDER_WIDTH * self.chest[:, 2] - 0.012 * self.chest[:, 1]) for s in (1, -1)
        }
        self.knees: dict[int, np.ndarray] = {}
        self.ankles: dict[int, np.ndarray] = {}
        self.toes: dict[int, np.ndarray] = {}
        self.elbows: dict[int, np.ndarray] = {}
        self.hands: dict[int, np.ndarray] = {}

    def move(self, by: np.ndarray) -> None:
        """Shift the whole figure, limbs included."""
        self.hip, self.waist, self.neck, self.head = (j + by for j in (self.hip, self.waist, self.neck, self.head))
        for joints in (self.hips, self.shoulders, self.knees, self.ankles, self.elbows, self.hands):
            joints.update({side: j + by for side, j in joints.items()})

    def leg(self, side: int, ankle, toe=None, pole=None) -> None:
        """Put the ankle at a point; `toe` is the direction of the foot, `pole` that of the knee (default: forward)."""
        h, ahead = self.person.height, self.pelvis[:, 0]
        pole = ahead + 0.15 * side * self.pelvis[:, 2] if pole is None else np.asarray(pole, float)
        self.knees[side], self.ankles[side] = two_bone(
            self.hips[side], np.asarray(ankle, float), THIGH * h, SHIN * h, pole
        )
        self.toes[side] = unit(
            np.asarray(toe, float) if toe is not None else vec(ahead[0], 0, ahead[2]) + 0.2 * side * self.pelvis[:, 2]
        )

    def swing_leg(self, side: int, flex: float = 0, abduct: float = 0, knee: float = 0, foot: float = 90) -> None:
        """Thigh forward and outward, knee bent; `foot` is the angle of the foot to the shin."""
        h = self.person.height
        turned = self.pelvis @ frame(tilt=side * -abduct) @ frame(lean=-flex)
        shin = frame(lean=knee)
        self.knees[side] = self.hips[side] - THIGH * h * turned[:, 1]
        self.ankles[side] = self.knees[side] - SHIN * h * (turned @ shin)[:, 1]
        self.toes[side] = (turned @ shin @ frame(lean=foot - 90))[:, 0]

    def arm(self, side: int, hand, pole=None) -> None:
        """Hand to a point; `pole` is where the elbow points (down, out and back when left out)."""
        h = self.person.height
        pole = self.chest @ vec(-0.5, -1, 0.5 * side) if pole is None else np.asarray(pole, float)
        self.elbows[side], self.hands[side] = two_bone(
            self.shoulders[side], np.asarray(hand, float), UPPER_ARM * h, FOREARM * h, pole
        )

    def swing_arm(self, side: int, flex: float = 0, abduct: float = 6, elbow: float = 10, twist: float = 0) -> None:
        """Upper arm forward and outward, elbow bent; `twist` turns the bend inward."""
        h = self.person.height
        turned = self.chest @ frame(tilt=side * -abduct) @ frame(lean=-flex) @ frame(turn=-side * twist)
        self.elbows[side] = self.shoulders[side] - UPPER_ARM * h * turned[:, 1]
        self.hands[side] = self.elbows[side] - FOREARM * h * (turned @ frame(lean=-elbow))[:, 1]

    def draw(self, k: Sketch, shadow: bool = True) -> None:
        p, h, w = self.person, self.person.height, self.person.height * self.person.build
        legs = p.skin if p.bottom != "trousers" else p.trousers
        for s in (1, -1):
            hip, knee, ankle, toe = self.hips[s], self.knees[s], self.ankles[s], self.toes[s]
            shin = unit(ankle - knee)
            sole = shin - (shin @ toe) * toe if abs(shin @ toe) < 0.95 else -self.pelvis[:, 0]
            k.capsule(hip, 0.050 * w, knee, 0.035 * w, p.trousers, LIMBS, tip=legs, split=0.85, edge=True, joint=True)
            k.capsule(knee, 0.036 * w, ankle, 0.024 * w, legs, LIMBS, tip=p.skin, split=0.93, edge=True, joint=True)
            heel, tip = ankle + h * (0.022 * unit(sole) - 0.020 * toe), ankle + h * (0.026 * unit(sole) + 0.085 * toe)
            k.capsule(heel, 0.024 * h, tip, 0.018 * h, p.shoes, LIMBS, edge=True)

            shoulder, elbow, hand = self.shoulders[s], self.elbows[s], self.hands[s]
            wrist = hand + 0.022 * h * unit(elbow - hand)
            upper = p.shirt if p.sleeves != "none" else p.skin
            lower = p.shirt if p.sleeves == "long" else p.skin
            k.capsule(
                shoulder,
                0.036 * w,
                elbow,
                0.026 * w,
                upper,
                LIMBS,
                tip=lower,
                split=0.62,
                edge=True,
                joint=True,
                bias=0.02,
            )
            k.capsule(
                elbow,
                0.0265 * w,
                wrist,
                0.019 * w,
                lower,
                LIMBS,
                tip=p.skin,
                split=0.9,
                edge=True,
                joint=True,
                bias=0.02,
            )
            k.capsule(wrist, 0.021 * h, hand + 0.4 * (hand - wrist), 0.024 * h, p.skin, LIMBS, edge=True, bias=0.03)

        across, down = self.chest[:, 2] * w, self.chest[:, 1] * h
        chest = [self.neck + 0.068 * across - 0.034 * down, self.neck - 0.068 * across - 0.034 * down]
        belly = [self.waist - 0.036 * w * self.pelvis[:, 2], self.waist + 0.036 * w * self.pelvis[:, 2]]
        seat = [self.hip - 0.040 * w * self.pelvis[:, 2], self.hip + 0.040 * w * self.pelvis[:, 2]]
        k.hull(belly[::-1] + seat, 0.052 * w, p.trousers, TORSO, edge=True, bias=-0.03)
        k.hull(chest + belly, 0.054 * w, p.shirt, TORSO, edge=True)
        if p.bottom == "skirt":
            hem = [self.hips[s] + 0.72 * (self.knees[s] - self.hips[s]) for s in (-1, 1)]
            k.hull(
                seat[::-1] + [hem[0] - 0.02 * across, hem[1] + 0.02 * across],
                0.056 * w,
                p.trousers,
                TORSO,
                edge=True,
                bias=0.06,
            )
        self._draw_head(k)
        if shadow:
            for point, size in ((self.ankles[1], 0.16), (self.ankles[-1], 0.16), (self.hip, 0.26), (self.neck, 0.24)):
                k.shadow(point, size)

    def _draw_head(self, k: Sketch) -> None:
        p, h = self.person, self.person.height
        ahead, up, left = (self.gaze * h).T

        def at(a, b=0.0, c=0.0):  # a point of the head, in statures forward, up and left of its middle
            return self.head + a * ahead + b * up + c * left

        dark = tuple(0.8 * c for c in p.skin)
        k.capsule(self.neck - 0.01 * up, 0.032 * h, at(-0.01, -0.03), 0.030 * h, dark, HEAD, bias=-0.01)
        k.capsule(at(0.012, -0.024), 0.046 * h, at(0, 0.012), 0.062 * h, p.skin, HEAD, edge=True)
        for s in (1, -1):
            k.ball(at(0.055, -0.006, 0.025 * s), 0.0095 * h, (0.08, 0.07, 0.08), HEAD)
            k.ball(at(-0.004, -0.008, 0.060 * s), 0.013 * h, dark, HEAD, bias=0.04)
        k.ball(at(0.066, -0.020), 0.012 * h, dark, HEAD)
        if p.hair_style == "bald":
            return
        k.ball(at(-0.024, 0.014), (0.062 if p.hair_style != "afro" else 0.084) * h, p.hair, HEAD, edge=True, bias=0.02)
        k.capsule(at(0.004, 0.043, -0.026), 0.039 * h, at(0.004, 0.043, 0.026), 0.039 * h, p.hair, HEAD, bias=0.07)
        if p.hair_style == "long":
            k.capsule(at(-0.030, 0.0), 0.063 * h, at(-0.044, -0.10), 0.046 * h, p.hair, HEAD, edge=True)
        elif p.hair_style == "bun":
            k.ball(at(-0.066, 0.052), 0.030 * h, p.hair, HEAD, edge=True)
        elif p.hair_style == "cap":
            k.capsule(
                at(0.035, 0.034),
                0.026 * h,
                at(0.088, 0.026),
                0.015 * h,
                tuple(0.8 * c for c in p.hair),
                HEAD,
                bias=0.08,
            )


class Sketch:
    """Parts in actor coordinates, to be painted far to near.

    `bias` (metres) brings a part nearer in the order of painting, not in the image. edge=True puts a darker, slightly
    larger copy a little behind the part: neighbours of one limb cover it, other parts do not.
    """

    EDGE, EDGE_BEHIND = 0.011, 0.07  # metres

    def __init__(self):
        self.origin = vec(0, 0, 0)  # where in the picture the actor's (0, 0, 0) is
        self.points, self.items, self.shadows = [], [], []

    def _add(self, points, bias: float, paint) -> None:
        self.items.append((len(self.points), len(points), bias, paint))
        self.points.extend(points)

    def capsule(
        self, a, ra, b, rb, colour, label, tip=None, split=0.5, edge=False, bias=0.0, round_=0.55, joint=False
    ) -> None:
        """A tapered limb from a to b, radii in metres; joint=True where its ends run on into other parts."""
        if edge:
            tip_dim, start, end = None if tip is None else _dim(tip), a, b
            if joint:  # no dark ring around a knee: the edge starts past the joint
                along = unit(b - a)
                start, end = a + 0.75 * ra * along, b - 0.75 * rb * along
            self.capsule(
                start,
                ra + self.EDGE,
                end,
                rb + self.EDGE,
                _dim(colour),
                label,
                tip_dim,
                split,
                False,
                bias - self.EDGE_BEHIND,
                0,
            )
        tip = None if tip is colour else tip
        self._add(
            (a, b),
            bias,
            lambda c, uv, m, depth, tint, light: c.capsule(
                uv[0],
                ra * m[0],
                uv[1],
                rb * m[1],
                tint * colour,
                label,
                light,
                round_,
                tip=None if tip is None else tint * tip,
                split=split,
                dome=not joint,
            ),
        )

    def ball(self, centre, radius, colour, label, edge=False, bias=0.0, round_=0.55) -> None:
        self.capsule(centre, radius, centre, radius, colour, label, edge=edge, bias=bias, round_=round_)

    def lines(self, points, radius, colour, label, bias=0.0) -> None:
        """A thin flat line through points [N, 3], every stretch at its own depth."""
        for a, b in zip(points, points[1:]):
            self.capsule(a, radius, b, radius, colour, label, bias=bias, round_=0)

    def hull(self, points, radius, colour, label, edge=False, bias=0.0, round_=0.5) -> None:
        """A polygon in space, thickened by `radius`."""
        rim = self.EDGE if edge else 0.0
        self._add(
            points,
            bias,
            lambda c, uv, m, depth, tint, light: c.hull(
                uv, radius * m[0], tint * colour, label, light, round_, rim * m[0]
            ),
        )

    def patch(self, points, colour, label, bias=0.0) -> None:
        """A flat convex polygon."""
        self._add(points, bias, lambda c, uv, m, depth, tint, light: c.polygon(uv, tint * colour, label))

    def ring(self, centre, axis_a, axis_b, width, colour, label, bias=0.0) -> None:
        """The rim of a circle with (perpendicular) radius vectors axis_a, axis_b; a wheel's tyre, a hoop."""

        def paint(c, uv, m, depth, tint, light):
            (ux, uy), (vx, vy) = uv[1] - uv[0], uv[2] - uv[0]
            p, q = (
                hypot(ux + vy, uy - vx) / 2,
                hypot(ux - vy, uy + vx) / 2,
            )  # the singular values of [u v] are p + q and |p - q|
            angle = (np.arctan2(uy - vx, ux + vy) + np.arctan2(uy + vx, ux - vy)) / 2
            w = width * m[0]
            c.ellipse(uv[0], p + q, max(abs(p - q), w / 2), tint * colour, label, angle, light, 0, width=w)

        self._add((centre, centre + axis_a, centre + axis_b), bias, paint)

    def drum(self, a, ra, b, rb, colour, label, cap=None, bias=0.0) -> None:
        """A (tapered) cylinder with flat ends of colour `cap`: plates, buckets, a guitar's body."""
        length = max(sqrt(np.sum((b - a) ** 2)), 1e-6)

        def paint(c, uv, m, depth, tint, light):
            slope = min(abs(float(depth[1] - depth[0])) / length, 1.0)
            du, dv = (uv[1] - uv[0]).tolist()
            n = max(hypot(du, dv), 1e-6)
            side, angle = np.array((-dv / n, du / n)), np.arctan2(du, -dv)
            r = (ra * m[0], rb * m[1])
            near = int(depth[1] < depth[0])
            far = 1 - near
            c.ellipse(uv[far], r[far], r[far] * slope, tint * colour, label, angle, light, 0.4)
            c.hull(
                (uv[0] - side * r[0], uv[0] + side * r[0], uv[1] + side * r[1], uv[1] - side * r[1]),
                0.2,
                tint * colour,
                label,
                light,
                0.5,
            )
            c.ellipse(
                uv[near], r[near], r[near] * slope, tint * (colour if cap is None else cap), label, angle, light, 0.25
            )

        self._add((a, b), bias, paint)

    def box(self, centre, half, colour, label, bias=0.0) -> None:
        """An axis-aligned block (in actor coordinates): its faces towards the viewer, tops lighter than sides."""
        centre, half = np.asarray(centre, float), np.asarray(half, float)
        corners = [centre + half * (x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
        faces = (
            (0, 1, 3, 2, 0.78),
            (4, 5, 7, 6, 0.86),
            (0, 1, 5, 4, 0.5),
            (2, 3, 7, 6, 1.08),
            (0, 2, 6, 4, 0.80),
            (1, 3, 7, 5, 0.80),
        )

        def paint(c, uv, m, depth, tint, light):
            middle = depth.mean()
            for *quad, shade in sorted(faces, key=lambda f: -depth[list(f[:4])].mean()):
                if depth[quad].mean() <= middle:
                    c.polygon(uv[quad], tint * colour * shade, label)

        self._add(corners, bias, paint)

    def shadow(self, point, size: float, strength: float = 1.0) -> None:
        """A contact shadow of radius `size` under a point; fainter and wider the higher the point is."""
        self.shadows.append((point[0], max(point[1], 0), point[2], size, strength))

    def paint(self, canvas: Canvas, camera: Camera, yaw: float, mirror: bool, light) -> None:
        """Turn all parts by `yaw` degrees (0: the actor faces right, 90: the viewer), mirror if asked, and draw."""
        c, s = cos(radians(yaw)), sin(radians(yaw))
        turn = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) * (np.array([-1, 1, 1]) if mirror else 1)
        tint = np.asarray(light.colour, np.float32)
        if self.shadows and light.shadow > 0:
            x, y, z, size, strength = np.array(self.shadows).T
            ground = (np.stack([x, 0 * y, z], 1) + self.origin) @ turn
            ground[:, 0] -= 0.15 * light.direction[0] * np.minimum(y, 1.2)
            size = size * (1 + 0.5 * y)
            uv, m = camera.project(np.stack([ground, ground + np.stack([0 * x, 0 * y, size], 1)]))
            strength = strength * light.shadow * np.exp(-1.3 * y)
            for (u, v), width, height, value in zip(
                uv[0].tolist(), (size * m[0]).tolist(), np.abs(uv[1, :, 1] - uv[0, :, 1]).tolist(), strength.tolist()
            ):
                if value > 0.02:
                    canvas.shadow((u, v), 1.25 * width, 1.25 * height, value)
        uv, m = camera.project((np.array(self.points) + self.origin) @ turn)
        depth = camera.scale / m
        order = sorted(self.items, key=lambda item: item[2] - float(depth[item[0] : item[0] + item[1]].sum()) / item[1])
        for start, count, _, paint in order:
            where = slice(start, start + count)
            paint(canvas, uv[where], m[where], depth[where], tint, light.direction)


def _dim(colour) -> tuple:
    return tuple((1 - RIM) * c for c in colour)
