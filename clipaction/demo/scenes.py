"""Painted places of the demo world: fourteen scenes with four layouts each, seen through a given camera.

A scene is painted back to front: sky or room, then things sorted by depth, then the light's colour. Surfaces are planes of the
world, textured in metres and faded where a pixel covers more than the pattern; things are boxes, cylinders, rods and leaf blobs.
A *texture* is a function (a, b, pa, pb) -> rgb [h, w, 3] or (rgb, alpha [h, w]) of in-plane metres and of the pixel's footprint
along both; in-plane axes are (z, y) on a side wall, (x, z) on a floor and (x, y) on a back wall.
A *thing* is a function (world, x, z, ...) that draws itself standing on the floor at (x, z).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from clipaction.demo.draw import Camera, Canvas, F

SCENES = ("archery range", "basketball court", "mountain road", "boxing gym", "weight room", "golf course", "school yard", "kitchen",
          "stage", "playground", "yoga studio", "street", "bedroom")
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
class Light:
    """Light of a scene: image-plane direction it comes from, colour multiplying every surface, contact shadow strength 0..1."""

    direction: tuple[float, float]
    colour: tuple[float, float, float]
    shadow: float


@dataclass(frozen=True)
class Grade:
    """Last step for a whole frame [H, W, 3] in [0, 1]: gain, tint, vignette; `infrared` first turns it to blown-out monochrome."""

    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    vignette: float = 0.16
    infrared: bool = False

    def __call__(self, image: np.ndarray) -> np.ndarray:
        falloff = _falloff(*image.shape[:2], self.vignette)
        if self.infrared:  # a lamp beside the lens: bright where near the axis, everything pale glares
            grey = (image @ np.array([0.42, 0.4, 0.18], F)) * falloff
            image = np.clip(1.55 * grey / (0.35 + grey) - 0.06, 0, 1)[..., None]
            return np.clip(image * np.asarray(self.tint, F), 0, 1)
        return np.clip(image * (falloff[..., None] * np.asarray(self.tint, F)), 0, 1)


@dataclass(frozen=True)
class Stage:
    """A painted scene: the plate without foreground, its light, what stands in front (rgb, alpha) and the frame's grade."""

    image: np.ndarray
    light: Light
    front: tuple[np.ndarray, np.ndarray] | None
    grade: Callable[[np.ndarray], np.ndarray]


@lru_cache(maxsize=16)
def _falloff(h: int, w: int, strength: float) -> np.ndarray:
    """Vignette [h, w]: 1 in the centre, 1 - strength towards the corners."""
    v, u = np.linspace(-1, 1, h, dtype=F)[:, None], np.linspace(-1, 1, w, dtype=F)[None]
    q = np.clip((u * u + v * v) / 2, 0, 1)
    return (1 - F(strength) * q ** F(1.3)).astype(F)


# ---------------------------------------------------------------------------------------------------------------- textures

_CELL = np.random.default_rng(11).random(4096, F)  # a random number for every brick, tile or plank


@lru_cache(maxsize=4)
def _noise_table(octaves: int) -> np.ndarray:
    """Tileable fractal noise [1024 * 1024], 16 features a side, mean near 1/2, in [0, 1]."""
    rng, n, total, weight = np.random.default_rng(5), 1024, np.zeros((1024, 1024), F), 0.0
    for k in range(octaves):
        cells = 16 << k
        at = np.arange(n, dtype=F) * (cells / n)
        i = at.astype(int)
        f = at - i
        f = f * f * (3 - 2 * f)
        j = (i + 1) % cells
        grid = rng.random((cells, cells), F)
        grid = grid[i] * (1 - f)[:, None] + grid[j] * f[:, None]
        total += (grid[:, i] * (1 - f) + grid[:, j] * f) * F(0.5**k)
        weight += 0.5**k
    return np.clip((total / F(weight) - 0.5) * 1.5 + 0.5, 0, 1).ravel()


def noise(x, y, octaves: int = 4) -> np.ndarray:
    """Fractal noise in [0, 1], one feature a unit, looked up in a table: an order cheaper than `value_noise`."""
    ix, iy = (np.asarray(x, F) * 64).astype(np.int32) & 1023, (np.asarray(y, F) * 64).astype(np.int32) & 1023
    return _noise_table(octaves).take(iy * 1024 + ix)


def rgb(code: str) -> np.ndarray:
    """Colour from six hex digits."""
    return np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], F) / 255


def mix(a, b, m) -> np.ndarray:
    """a where m = 0, b where m = 1; m [h, w] or a scalar."""
    return a + np.asarray(m, F)[..., None] * (b - a)


def fade(px, size: float) -> np.ndarray:
    """1 where a pattern of `size` metres is resolved by pixels of `px` metres, 0 where it is not."""
    return np.clip(1.6 - 2.2 * px / F(size), 0, 1)


def lines(x, period: float, width: float, px) -> np.ndarray:
    """Coverage of lines `width` wide at every multiple of `period`, fading to their mean where unresolved."""
    p = x / F(period)
    d = np.abs(p - np.floor(p + F(0.5))) * F(period)
    c = np.clip((F(width / 2) - d) / px + F(0.5), 0, 1) * np.minimum(1, F(width) / px)
    f = fade(px, period)
    return c * f + (1 - f) * F(width / period)


def inside(x, lo: float, hi: float, px) -> np.ndarray:
    """Anti-aliased indicator of lo < x < hi."""
    return np.clip(np.minimum(x - F(lo), F(hi) - x) / px + F(0.5), 0, 1)


def cell(i, j=0) -> np.ndarray:
    """A fixed random number in [0, 1] for integer-valued cell coordinates."""
    return _CELL.take((i.astype(np.int32) * 57 + np.asarray(j).astype(np.int32) * 131) & 4095)


def plaster(c, amp: float = 0.07, size: float = 1.2):
    return lambda a, b, pa, pb: c * (1 + F(2 * amp) * (noise(a / size + 3, b / size) - F(0.5)))[..., None]


def speckled(c, amp: float = 0.16, size: float = 0.05, patch: float = 0.1):
    """Asphalt, rubber, sand, carpet, lino: grain of `size` metres over broad patches."""
    def tex(a, b, pa, pb):
        grain = (noise(a / size, b / size, 2) - F(0.5)) * np.clip(F(size * 3) / pb, 0.25, 1)
        return c * (1 + F(2 * amp) * grain + F(2 * patch) * (noise(a * 0.55 + 9, b * 0.4) - F(0.5)))[..., None]
    return tex


def planks(c, width: float = 0.14, length: float = 1.7, gap: float = 0.35, grain: float = 0.16, across: bool = False):
    """Boards running away from the viewer, or from side to side with `across`."""
    def tex(a, b, pa, pb):
        if across:
            a, b, pa, pb = b, a, pb, pa
        i = np.floor(a / F(width))
        j = np.floor(b / F(length) + 9 * cell(i, 3))
        tone = (cell(i, j) - F(0.5)) * fade(pa, width) + (noise(a * (0.8 / width), b * 0.7 + i) - F(0.5)) * F(0.7)
        dark = lines(a, width, 0.012, pa)
        return c * (1 + F(2 * grain) * tone - F(gap) * dark)[..., None] + 0 * b[..., None]
    return tex


def tiles(c, size: float = 0.4, c2=None, grout: float = 0.25, amp: float = 0.05, width: float = 0.014):
    """Square tiles, chequered when c2 is given."""
    def wave(x, px):  # square wave +-1 with anti-aliased edges
        p = x / F(2 * size)
        return np.clip((np.abs(p - np.floor(p) - F(0.5)) - F(0.25)) * F(2 * size) / px, -0.5, 0.5) * 2
    def tex(a, b, pa, pb):
        tone = 1 + F(2 * amp) * (cell(np.floor(a / F(size)), np.floor(b / F(size))) - F(0.5)) * fade(pb, size)
        tone = tone + F(0.08) * (noise(a * 0.9, b * 0.9) - F(0.5)) - F(grout) * np.maximum(lines(a, size, width, pa), lines(b, size, width, pb))
        base = c if c2 is None else mix(c, c2, 0.5 + 0.5 * wave(a, pa) * wave(b, pb))
        return base * tone[..., None]
    return tex


def bricks(c, mortar, w: float = 0.28, h: float = 0.1, amp: float = 0.22):
    def tex(a, b, pa, pb):
        row = np.floor(b / F(h))
        a = a + F(w / 2) * (row % 2)
        tone = 1 + F(2 * amp) * (cell(np.floor(a / F(w)), row) - F(0.5)) * fade(pb, h) + F(0.3) * (noise(a * 1.1, b * 1.1) - F(0.5))
        return mix(c * tone[..., None], mortar, 0.75 * np.maximum(lines(b, h, 0.014, pb), lines(a, w, 0.014, pa)))
    return tex


def grass(c, mow: float = 0.0, stripe: float = 1.6, slant: float = 0.0, amp: float = 0.2):
    """Lawn; `mow` is the contrast of mowing stripes `stripe` metres wide."""
    def tex(a, b, pa, pb):
        tone = F(amp) * (noise(a * 0.7, b * 0.45) - F(0.5)) + F(1.6 * amp) * (noise(a * 11, b * 3.2, 2) - F(0.5)) * np.clip(0.05 / pa, 0.2, 1)
        if mow:
            p = (a + F(slant) * b) / F(2 * stripe)
            tone = tone + F(mow) * np.clip((np.abs(p - np.floor(p) - F(0.5)) - F(0.25)) * F(stripe) / (pa + abs(slant) * pb), -0.5, 0.5)
        warm = np.array([0.35, 0.12, 0.1], F) * (noise(a * 0.33 + 7, b * 0.25) - F(0.5))[..., None]
        return c * (1 + tone[..., None] + warm)
    return tex


def folds(c, period: float = 0.35, depth: float = 0.55):
    """A hanging curtain."""
    def tex(a, b, pa, pb):
        x = a / F(period) + F(0.5) * noise(a * 0.9, b * 0.12, 2)
        s = np.abs(2 * (x - np.floor(x)) - 1) ** F(1.4)
        return c * (1 - F(depth) * fade(pa, period) * (1 - s) + F(0.1) * (noise(a * 3, b * 0.5) - F(0.5)))[..., None]
    return tex


def panels(c, dark, w: float, h: float, y0: float = 0.0, line: float = 0.03, handle=None):
    """A front divided into doors w x h metres; `handle` is the colour of a small bar on each."""
    def tex(a, b, pa, pb):
        out = mix(c * (1 + F(0.06) * (noise(a * 1.5, b * 1.5) - F(0.5)))[..., None], dark,
                  0.8 * np.maximum(lines(a, w, line, pa), lines(b - F(y0), h, line, pb)))
        if handle is not None:
            p, q = a / F(w), (b - F(y0)) / F(h)
            out = mix(out, handle, inside((p - np.floor(p)) * F(w), w - 0.13, w - 0.09, pa) * inside((q - np.floor(q)), 0.55, 0.85, pb / h))
        return out
    return tex


def windows(wall, w: float, h: float, y0: float, gw: float, gh: float, glass, frame, bars: int = 2):
    """A facade: windows gw x gh in cells w x h starting at y0, each with a frame and `bars` panes a side."""
    def tex(a, b, pa, pb):
        i, j = np.floor(a / F(w)), np.floor((b - F(y0)) / F(h))
        x, y = a - (i + F(0.5)) * F(w), b - F(y0) - (j + F(0.5)) * F(h)
        outer = inside(x, -gw / 2 - 0.07, gw / 2 + 0.07, pa) * inside(y, -gh / 2 - 0.07, gh / 2 + 0.07, pb) * (j >= 0)
        inner = inside(x, -gw / 2, gw / 2, pa) * inside(y, -gh / 2, gh / 2, pb) * (j >= 0)
        bar = np.maximum(lines(x + F(gw / 2), gw / bars, 0.05, pa), lines(y + F(gh / 2), gh / bars, 0.05, pb))
        pane = glass * (0.72 + 0.4 * cell(i, j) + 0.3 * (y / gh) + 0.16 * (noise(a * 1.2 + 4, b * 0.9) - F(0.5)))[..., None]
        return mix(mix(wall(a, b, pa, pb), frame, outer), mix(pane, frame, bar), inner)
    return tex


def ring(colour, x: float, y: float, r: float, width: float):
    """A painted circle line (a disc when width >= 2 r) as an overlay texture."""
    def tex(a, b, pa, pb):
        da, db = a - F(x), b - F(y)
        d = np.maximum(np.hypot(da, db), 1e-3)
        px = np.hypot(da / d * pa, db / d * pb)
        return colour, np.clip((F(width / 2) - np.abs(d - F(r))) / px + F(0.5), 0, 1) * np.minimum(1, F(width) / px)
    return tex


# ------------------------------------------------------------------------------------------------------------------- world


class World:
    """A scene while it is painted: canvas, camera, random numbers, light, and things waiting to be drawn far to near."""

    def __init__(self, camera: Camera, rng: np.random.Generator, light: Light, ground=(0.3, 0.3, 0.3)):
        self.camera, self.rng, self.light = camera, rng, light
        self.canvas = Canvas.blank(camera.size, ground)
        self.eye = np.array([0, camera.height, -camera.distance], F)
        lu, lv = light.direction
        sun = np.array([lu, -lv, -0.6], F)
        self.sun = sun / np.linalg.norm(sun)
        self.things: list = []
        self.grade = Grade()
        self.depth = 3.0  # how far back a bystander may stand
        self.front: Callable[[World], None] | None = None

    def jit(self, value: float, spread: float = 0.1) -> float:
        return float(value + self.rng.uniform(-spread, spread))

    def put(self, thing, x: float, z: float, *args, **kwargs) -> None:
        """Draw `thing` later, in its place between those behind and those before it."""
        self.things.append((z, lambda: thing(self, x, z, *args, **kwargs)))

    def settle(self) -> None:
        for _, draw in sorted(self.things, key=lambda t: -t[0]):
            draw()
        self.things = []

    def shade(self, n) -> float:
        return 0.66 + 0.46 * max(0.0, float(n[0] * self.sun[0] + n[1] * self.sun[1] + n[2] * self.sun[2]))

    def project(self, points):
        return self.camera.project(points)

    def metre(self, x: float, z: float, y: float = 0.0) -> float:
        """Pixels a metre at a point."""
        return float(self.camera.project((x, y, z))[1])

    def _visible(self, points) -> np.ndarray | None:
        """Polygon [N, 3] cut at a plane just before the lens, projected to pixels [M, 2]."""
        p = np.asarray(points, F)
        cam = self.camera
        d = (p[:, 2] + cam.distance) * np.cos(cam.pitch) - (p[:, 1] - cam.height) * np.sin(cam.pitch) - 0.25
        if (d <= 0).all():
            return None
        if (d < 0).any():
            kept = []
            for i in range(len(p)):
                j = (i + 1) % len(p)
                if d[i] >= 0:
                    kept.append(p[i])
                if (d[i] < 0) != (d[j] < 0):
                    kept.append(p[i] + (p[j] - p[i]) * (d[i] / (d[i] - d[j])))
            p = np.array(kept)
        return cam.project(p)[0]

    def face(self, points, colour, alpha: float = 1.0, normal=None) -> None:
        """A flat convex polygon of world points; shaded by `normal` when given."""
        uv = self._visible(points)
        if uv is not None:
            self.canvas.polygon(uv, np.asarray(colour, F) * (1 if normal is None else self.shade(normal)), alpha=alpha)

    def surface(self, axis: int, value: float, a0: float, b0: float, a1: float, b1: float, tex, ao=(0, 0, 0, 0), glow: bool = False) -> None:
        """A textured rectangle on the plane coordinate[axis] = value; `ao` darkens towards its edges (a0, b0, a1, b1).

        With `glow` the texture's alpha adds light instead of covering.
        """
        corners = ((a0, b0), (a1, b0), (a1, b1), (a0, b1))
        place = (lambda a, b: (value, b, a), lambda a, b: (a, value, b), lambda a, b: (a, b, value))[axis]
        uv = self._visible([place(a, b) for a, b in corners])
        if uv is None:
            return
        cam = self.camera
        cu, cv = cam.centre
        c, s = F(np.cos(cam.pitch)), F(np.sin(cam.pitch))

        def colour(u, v):
            x, y = (u[:1] - F(cu)) / F(cam.scale), (F(cv) - v[:, :1]) / F(cam.scale)
            ray = (x, y * c - s, y * s + c)
            t = F(value - self.eye[axis]) / np.where(np.abs(ray[axis]) < 1e-5, F(1e-5), ray[axis])
            t = np.where(t <= 0, F(200), np.minimum(t, 200))
            px = t / F(cam.scale)
            if axis == 1:
                a, b, pa, pb = x * t, ray[2] * t - F(cam.distance), px, px / np.maximum(np.abs(ray[1]), 1e-3)
            elif axis == 2:
                a, b, pa, pb = x * t, ray[1] * t + F(cam.height), px, px
            else:
                a, b, pa, pb = ray[2] * t - F(cam.distance), ray[1] * t + F(cam.height), px / np.maximum(np.abs(x), 1e-3), px
            out = tex(a, b, pa, pb)
            out, alpha = out if isinstance(out, tuple) else (out, None)
            dark = 1
            for k, edge, x in ((ao[0], a0, a), (ao[1], b0, b), (ao[2], a1, a), (ao[3], b1, b)):
                if k:
                    dark = dark * (1 - F(k) / (1 + (np.abs(x - F(edge)) / F(0.3)) ** 2))
            if ao != (0, 0, 0, 0):
                out = out * dark[..., None]
            if alpha is not None:
                v0, u0 = int(v[0, 0]), int(u[0, 0])
                under = self.canvas.image[v0 : v0 + u.shape[0], u0 : u0 + u.shape[1]]
                out = under + alpha[..., None] * (out if glow else out - under)
            return out

        self.canvas.polygon(uv, colour)

    def box(self, x, z, w, d, y0, y1, colour, turn: float = 0.0, shadow: bool = True, top=None) -> None:
        """A box w x d metres on the ground, from height y0 to y1, turned about the vertical; `top` recolours its lid."""
        c, s = np.cos(turn), np.sin(turn)
        at = [(x + p * w / 2 * c - q * d / 2 * s, z + p * w / 2 * s + q * d / 2 * c) for p, q in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        if shadow and y0 < 0.3:
            self.shadow(x, z, abs(w * c) / 2 + abs(d * s) / 2 + 0.1, abs(d * c) / 2 + abs(w * s) / 2 + 0.1)
        colour = np.asarray(colour, F)
        for (px, pz), (qx, qz) in zip(at, at[1:] + at[:1]):
            n = np.array([qz - pz, 0, px - qx], F) / max(np.hypot(qx - px, qz - pz), 1e-6)
            if (self.eye[0] - px) * n[0] + (self.eye[2] - pz) * n[2] > 0:
                self.face([(px, y0, pz), (qx, y0, qz), (qx, y1, qz), (px, y1, pz)], colour, normal=n)
        if self.eye[1] > y1:
            self.face([(p, y1, q) for p, q in at], colour if top is None else top, normal=(0, 1, 0))
        elif self.eye[1] < y0:
            self.face([(p, y0, q) for p, q in at], colour, normal=(0, -1, 0))

    def cylinder(self, x, z, r, y0, y1, colour, r1: float | None = None, top=None, shadow: bool = True) -> None:
        """An upright cylinder, or a cone frustum of top radius r1."""
        r1 = r if r1 is None else r1
        if shadow and y0 < 0.2:
            self.shadow(x, z, 1.3 * r + 0.04, 1.3 * r + 0.04)
        ring_ = np.linspace(0, 2 * np.pi, 17)[:-1]
        near = np.linspace(np.pi, 2 * np.pi, 8)
        bottom = [(x + r * np.cos(t), y0, z + r * np.sin(t)) for t in near]
        uv = self._visible(bottom + [(x + r1, y1, z), (x - r1, y1, z)])
        if uv is None:
            return
        colour, mid, half = np.asarray(colour, F), uv[:, 0].mean(), max(float(np.ptp(uv[:, 0])) / 2, 0.5)
        lu = F(self.sun[0])

        def side(u, v):
            q = np.clip((u[:1] - mid) / half, -1, 1)
            return colour * (0.62 + 0.4 * np.clip(q * lu + np.sqrt(1 - q * q) * F(0.75), 0, 1))[..., None] + np.zeros((*u.shape, 1), F)

        self.canvas.polygon(uv, side)
        if self.eye[1] > y1:
            self.face([(x + r1 * np.cos(t), y1, z + r1 * np.sin(t)) for t in ring_], colour if top is None else top, normal=(0, 1, 0))

    def rod(self, p, q, r: float, colour, round_: float = 0.5, r1: float | None = None) -> None:
        """A round bar between two world points."""
        uv, m = self.project([p, q])
        if (np.abs(uv) < 4000).all():
            self.canvas.capsule(uv[0], r * m[0], uv[1], (r if r1 is None else r1) * m[1], colour, light=self.light.direction, round_=round_)

    def ball(self, x, y, z, r, colour, ry: float | None = None, round_: float = 0.55) -> None:
        uv, m = self.project((x, y, z))
        self.canvas.ellipse(uv, r * m, (r if ry is None else ry) * m, colour, light=self.light.direction, round_=round_)

    def disc(self, x, y, z, r, colour, axis: int = 2) -> None:
        """A flat disc facing along x (axis 0), up (1) or the viewer (2)."""
        t = np.linspace(0, 2 * np.pi, 19)[:-1]
        a, b, o = r * np.cos(t), r * np.sin(t), np.zeros(18)
        self.face(np.array([x, y, z]) + np.stack(((o, a, b), (a, o, b), (a, b, o))[axis], -1), colour)

    def shadow(self, x, z, rx, rz, strength: float = 1.0, y: float = 0.0) -> None:
        """Contact shadow of something standing on (x, z), leaning away from the light."""
        x = x - 0.25 * rx * self.light.direction[0]
        uv, m = self.project([(x, y, z), (x, y, z + rz), (x, y, z - rz)])
        if abs(uv).max() < 4000:
            self.canvas.shadow(uv[0], rx * m[0], max(abs(uv[1, 1] - uv[2, 1]) / 2, 1.0), strength * (0.25 + 0.6 * self.light.shadow))

    def leaves(self, x, y, z, rx, ry, colour, kind: str = "round", rough: float = 0.5) -> None:
        """Foliage filling an ellipse (`round`) or a spire (`spire`): ragged noisy edge, dappled, lit from the light's side."""
        (cu, cv), m = self.project((x, y, z))
        ru, rv = float(rx * m), float(ry * m)
        found = self.canvas._window((cu - 1.2 * ru, cv - 1.2 * rv), (cu + 1.2 * ru, cv + 1.2 * rv))
        if found is None or ru < 0.7:
            return
        window, u, v = found
        p, q = (u - F(cu)) / F(ru), (v - F(cv)) / F(rv)
        ox, oy = x * 3.7 + z * 1.3, y * 2.1 + z * 0.7
        n = noise(p * 1.7 + ox, q * (1.7 * ry / rx) + oy)
        if kind == "spire":
            d = np.abs(p) - (q + 1) * F(0.5) + F(0.22) * ((q * 3.5) - np.floor(q * 3.5)) - F(rough * 0.8) * (n - F(0.5)) + 8 * np.clip(q - F(0.95), 0, 1)
        else:
            d = np.sqrt(p * p + q * q) - F(0.92) - F(rough) * (n - F(0.5))
        lu, lv = self.light.direction
        tone = F(0.8) + F(0.26) * (p * F(lu) + q * F(lv)) + F(0.95) * (noise(p * 3.1 + ox, q * (3.1 * ry / rx) + oy, 3) - F(0.5)) * min(1, ru / 12)
        self.canvas.blend(window, np.clip(F(0.5) - d * F(min(ru, rv)), 0, 1), np.asarray(colour, F) * tone[..., None], None)

    def ridge(self, z: float, top, tex, base: float = 0.0) -> None:
        """A skyline at depth z: filled from height `base` up to top(x) metres, coloured by tex(x, y, pa, pb)."""
        cam = self.camera
        h, w = cam.size
        (cu, foot), m = cam.project((0, base, z))
        x = (np.arange(w, dtype=F) + F(0.5) - cu) / m
        y = top(x)
        crest = foot - y * m
        v0, v1 = max(int(crest.min()) - 1, 0), min(int(foot) + 2, h)
        if v0 >= v1:
            return
        v = np.arange(v0, v1, dtype=F)[:, None] + F(0.5)
        cover = np.clip(v - crest + F(0.5), 0, 1) * np.clip(foot + 1 - v + F(0.5), 0, 1)
        height = (foot - v) / m
        self.canvas.blend((slice(v0, v1), slice(0, w)), cover, tex(x[None], height, 1 / m, 1 / m, y[None]), None)

    def sky(self, preset) -> None:
        """Gradient with clouds seen in perspective, down to the horizon."""
        zenith, low, cloud, amount = preset
        cam = self.camera
        h, w = cam.size
        cu, cv = cam.centre
        rows = min(int(cv - np.tan(cam.pitch) * cam.scale) + 3, h)
        if rows <= 0:
            return
        x, y = (np.arange(w, dtype=F)[None] - cu) / cam.scale, (cv - np.arange(rows, dtype=F)[:, None]) / cam.scale
        up = np.clip(y - np.tan(cam.pitch), 0, 1) if cam.pitch < 1 else y
        ox, oy = self.rng.uniform(0, 16, 2)
        far = 1 / (up + F(0.07))
        n = noise(x * far * 0.45 + ox, far * 0.3 + oy, 4)
        sheet = np.clip((n - F(0.62 - 0.3 * amount)) * F(3.2), 0, 1) * np.clip(up * 9, 0, 1)
        base = mix(low, zenith, np.clip(up * 2.4, 0, 1) ** F(0.8))
        shade = 1 - F(0.22) * np.clip((n - F(0.6)) * 3, 0, 1)
        self.canvas.image[:rows] = mix(base, cloud * shade[..., None], F(0.85) * sheet)

    def room(self, floor, wall, z1: float, x0: float = -4.0, x1: float = 4.0, height: float = 3.4, side=None, ceiling=None, gloss: float = 0.0) -> None:
        """Floor, back wall at z1, side walls at x0 and x1 and a ceiling, darker where they meet; `gloss` mirrors the wall in the floor."""
        side = wall if side is None else side
        left, right = (self.shade((1, 0, 0)), self.shade((-1, 0, 0)))
        if ceiling is not None:
            self.surface(1, height, x0, -6, x1, z1, ceiling, ao=(0.3, 0, 0.3, 0.35))
        self.surface(2, z1, x0, 0, x1, height, wall, ao=(0.32, 0.38, 0.32, 0.12))
        for x, k in ((x0, left), (x1, right)):
            self.surface(0, x, -6, 0, z1, height, lambda a, b, pa, pb, k=k: side(a, b, pa, pb) * F(k), ao=(0, 0.38, 0.34, 0))
        self.surface(1, 0, x0, -6, x1, z1, floor, ao=(0.3, 0, 0.3, 0.36))
        if gloss:
            self.mirror(z1, gloss)

    def mirror(self, z: float, gloss: float) -> None:
        """Blend what stands above the floor line at depth z into the floor below it, as polish does."""
        h, _ = self.camera.size
        foot = int(round(float(self.project((0, 0, z))[0][1])))
        rows = min(h - foot, foot)
        if rows > 2:
            weight = F(gloss) * np.linspace(1, 0.15, rows, dtype=F)[:, None, None]
            view = self.canvas.image[foot : foot + rows]
            view += weight * (self.canvas.image[foot - rows : foot][::-1] - view)


# ------------------------------------------------------------------------------------------------------------------ things


def tree(w: World, x, z, h, colour, kind="round", trunk=rgb("5b4636")):
    """A broad-leaved (`round`) or coniferous (`spire`) tree of height h."""
    w.shadow(x, z, 0.32 * h, 0.16 * h, 0.9)
    r = 0.03 * h
    w.rod((x, 0, z), (x, 0.5 * h, z), r, trunk, r1=0.6 * r)
    if kind == "spire":
        w.leaves(x, 0.56 * h, z, 0.21 * h, 0.46 * h, colour, "spire", 0.35)
    else:
        w.leaves(x - 0.14 * h, 0.6 * h, z, 0.22 * h, 0.2 * h, colour * 0.86)
        w.leaves(x + 0.13 * h, 0.63 * h, z, 0.22 * h, 0.22 * h, colour * 0.94)
        w.leaves(x, 0.76 * h, z, 0.25 * h, 0.23 * h, colour)


def bush(w: World, x, z, r, colour):
    w.shadow(x, z, 1.1 * r, 0.5 * r)
    w.leaves(x, 0.62 * r, z, r, 0.72 * r, colour)


def plant(w: World, x, z, h, colour, pot=rgb("b9836a")):
    """A potted plant with long leaves."""
    w.cylinder(x, z, 0.13 * h, 0, 0.26 * h, pot, r1=0.17 * h, top=rgb("4a382c"))
    for i in range(9):
        t = (i * 0.37) % 1 * 2 - 1
        tip, mid = (x + 0.42 * h * t, h * (1.02 - 0.42 * t * t), z - 0.05), (x + 0.2 * h * t, 0.62 * h, z - 0.03)
        w.rod((x, 0.25 * h, z), mid, 0.012 * h, colour * 0.75, r1=0.04 * h)
        w.rod(mid, tip, 0.045 * h, colour * (0.85 + 0.3 * ((i * 0.61) % 1)), r1=0.008 * h)


def target(w: World, x, z, r):
    """A round straw archery target on a wooden tripod."""
    wood, y = rgb("8a6a45"), r + 0.55
    w.shadow(x, z, 1.2 * r, 0.4 * r)
    w.rod((x, y + r, z + 0.1), (x, 0, z + 0.7), 0.05, wood * 0.8)
    for s in (-1, 1):
        w.rod((x + 0.15 * s, y + r * 1.1, z), (x + 0.85 * r * s, 0, z), 0.05, wood)
    w.disc(x + 0.06, y - 0.02, z + 0.1, 1.13 * r, rgb("a3824f"))
    w.disc(x, y, z - 0.02, 1.1 * r, rgb("cfae74"))
    for k, c in zip((1, 0.8, 0.6, 0.4, 0.2), ("f3f0e6", "26282c", "3c86c4", "d23b34", "f6d143")):
        w.disc(x, y, z - 0.03, k * r, rgb(c))


def bale(w: World, x, z, ww, y0, y1, colour=rgb("c9a55b")):
    w.box(x, z, ww, 0.7, y0, y1, colour)
    w.surface(2, z - 0.351, x - ww / 2, y0, x + ww / 2, y1,
              lambda a, b, pa, pb: colour * (0.78 + 0.4 * noise(a * 2.5, b * 9) - 0.3 * lines(b - F(y0), 0.28, 0.02, pb))[..., None])


def hoop(w: World, x, z, y=2.6, colour=rgb("d2452f"), pole=None):
    """A basketball backboard with rim and net; on a pole when its colour is given."""
    if pole is not None:
        w.shadow(x, z + 0.6, 0.5, 0.3)
        w.rod((x, 0, z + 0.7), (x, y, z + 0.7), 0.09, pole)
        w.rod((x, y - 0.1, z + 0.7), (x, y + 0.3, z), 0.06, pole)
    def board(a, b, pa, pb):
        a, b = a - F(x), b - F(y)
        edge = 1 - inside(a, -0.86, 0.86, pa) * inside(b, -0.02, 1.02, pb)
        inner = inside(a, -0.31, 0.31, pa) * inside(b, 0.1, 0.56, pb) * (1 - inside(a, -0.24, 0.24, pa) * inside(b, 0.17, 0.49, pb))
        return mix(rgb("f2f1ec") * (1 - F(0.1) * b)[..., None], colour, np.maximum(edge, inner))
    w.surface(2, z, x - 0.92, y - 0.08, x + 0.92, y + 1.08, board)
    rim = y + 0.1
    for i in range(6):
        t = np.pi * (i + 0.5) / 6
        w.rod((x + 0.25 * np.cos(t), rim, z - 0.28 - 0.1 * np.sin(t)), (x + 0.13 * np.cos(t + 0.5), rim - 0.45, z - 0.28), 0.012, rgb("f5f3ee"), 0)
    w.surface(1, rim, x - 0.32, z - 0.6, x + 0.32, z, ring(colour, x, z - 0.29, 0.26, 0.06))
    w.rod((x - 0.26, rim, z - 0.3), (x + 0.26, rim, z - 0.3), 0.03, colour)


def rail(w: World, points, y=0.75, colour=rgb("b9bec2")):
    """A road's guard rail along floor points [(x, z), ...], far to near."""
    for (x0, z0), (x1, z1) in zip(points, points[1:]):
        w.rod((x0, 0, z0), (x0, y, z0), 0.06, colour * 0.6)
        for lo, hi, k in ((-0.32, -0.16, 0.78), (-0.16, 0.0, 1.0)):
            w.face([(x0, y + lo, z0), (x1, y + lo, z1), (x1, y + hi, z1), (x0, y + hi, z0)], colour * k)


def ropes(w: World, corners, y0=0.0, colours=("c8372f", "e9e6df", "2f57a8"), posts=("c8372f", "2f57a8")):
    """Boxing ring: padded corner posts at floor points and three ropes between neighbours."""
    for (x0, z0), (x1, z1) in zip(corners, corners[1:]):
        for k, c in enumerate(colours):
            w.rod((x0, y0 + 0.45 + 0.36 * k, z0), (x1, y0 + 0.45 + 0.36 * k, z1), 0.03, rgb(c))
        xm, zm = (x0 + x1) / 2, (z0 + z1) / 2
        w.rod((xm, y0 + 0.45, zm), (xm, y0 + 1.17, zm), 0.012, rgb("dedad0"))
    for i, (x, z) in enumerate(corners):
        w.shadow(x, z, 0.25, 0.2, y=y0)
        w.rod((x, y0, z), (x, y0 + 1.45, z), 0.06, rgb("55585c"))
        w.box(x, z, 0.2, 0.2, y0 + 0.35, y0 + 1.35, rgb(posts[i % len(posts)]), shadow=False)


def dumbbell(w: World, x, y, z, r=0.09, colour=rgb("2b2d31")):
    w.rod((x - 0.1, y, z), (x + 0.1, y, z), 0.02, rgb("aeb3b8"))
    for s in (-0.11, 0.11):
        w.ball(x + s, y, z, 0.05, colour, ry=r, round_=0.4)


def rack(w: World, x, z, width=2.2, frame=rgb("3a3d42"), accent=rgb("2b2d31")):
    """A two-tier dumbbell rack."""
    w.shadow(x, z, width / 2 + 0.15, 0.4)
    for s in (-1, 1):
        w.box(x + s * width / 2, z, 0.08, 0.5, 0, 1.05, frame, shadow=False)
    for y, dz in ((0.92, 0.12), (0.45, -0.08)):
        w.box(x, z + dz, width, 0.3, y - 0.07, y, frame * 1.3, shadow=False)
        n = int(width / 0.36)
        for i in range(n):
            dumbbell(w, x + (i + 0.5 - n / 2) * width / n, y + 0.1, z + dz - 0.05, 0.08 + 0.05 * i / n, accent)


def plates(w: World, x, z, colours=("c23a31", "2d5f9e", "e0b73a")):
    """A stand with coloured weight plates."""
    w.shadow(x, z, 0.4, 0.25)
    w.rod((x, 0, z), (x, 1.25, z), 0.04, rgb("4a4d52"))
    for i, c in enumerate(colours):
        for s in (-1, 1):
            xx, y, r = x + 0.2 * s, 0.3 + 0.38 * i, 0.21 - 0.03 * i
            w.disc(xx + 0.03, y, z - 0.02, r, rgb(c) * 0.6)
            w.disc(xx, y, z - 0.04, r, rgb(c))
            w.disc(xx, y, z - 0.05, 0.35 * r, rgb("c9ccce"))


def bench(w: World, x, z, colour, legs=rgb("3b3d41"), turn=0.0, length=1.2, y=0.45, width=0.34):
    for s in (-1, 1):
        c, n = s * length * 0.4 * np.cos(turn), s * length * 0.4 * np.sin(turn)
        w.box(x + c, z + n, 0.08, width * 0.8, 0, y - 0.06, legs, turn)
    w.box(x, z, length, width, y - 0.07, y, colour, turn, shadow=False)


def flag(w: World, x, z, h=2.2, colour=rgb("d8332b"), side=1):
    w.shadow(x, z, 0.2, 0.1)
    w.disc(x, 0.005, z, 0.16, rgb("1f2a1c"), axis=1)
    w.rod((x, 0, z), (x, h, z), 0.035, rgb("f2efe6"))
    w.face([(x, h, z), (x + 0.95 * side, h - 0.24, z), (x, h - 0.55, z)], colour)


def slide(w: World, x, z, side=1, colour=rgb("d8453a"), post=rgb("3a6ea5"), roof=rgb("e8b93c")):
    """A playground tower with a roof, a ladder and a chute going down to `side`."""
    w.shadow(x, z, 0.9, 0.6)
    for dx, dz in ((-0.5, 0.5), (0.5, 0.5), (-0.5, -0.5), (0.5, -0.5)):
        w.rod((x + dx, 0, z + dz), (x + dx, 2.2, z + dz), 0.06, post)
    w.box(x, z, 1.1, 1.1, 1.15, 1.28, rgb("a9794a"), shadow=False)
    for y in (0.3, 0.6, 0.9):
        w.rod((x - 0.5, y, z - 0.52), (x + 0.5, y, z - 0.52), 0.035, roof)
    w.box(x, z - 0.5, 1.0, 0.05, 1.3, 1.65, roof, shadow=False)
    tip = (x, 3.0, z)
    base = [(x - 0.7, 2.2, z - 0.7), (x + 0.7, 2.2, z - 0.7), (x + 0.7, 2.2, z + 0.7), (x - 0.7, 2.2, z + 0.7)]
    w.face([base[0], base[1], tip], colour * 0.95)
    w.face([base[1 if side * x < 0 or x < 0 else 3], base[2], tip], colour * 0.7)
    a, b = x + 0.5 * side, x + 2.3 * side
    w.shadow(x + 1.6 * side, z, 0.9, 0.35, 0.8)
    w.face([(a, 1.3, z + 0.3), (b, 0.22, z + 0.3), (b, 0.42, z + 0.3), (a, 1.52, z + 0.3)], colour * 0.8)
    w.face([(a, 1.28, z - 0.3), (b, 0.2, z - 0.3), (b, 0.2, z + 0.3), (a, 1.28, z + 0.3)], mix(colour, 1, 0.3))
    w.face([(a, 1.24, z - 0.3), (b, 0.16, z - 0.3), (b, 0.4, z - 0.3), (a, 1.5, z - 0.3)], colour)


def swings(w: World, x, z, width=2.6, h=2.3, colour=rgb("3a6ea5"), seats=("d8453a", "e8b93c")):
    w.shadow(x, z, width / 2, 0.4, 0.6)
    for s in (-1, 1):
        for dz in (0.7, -0.7):
            w.rod((x + s * width / 2, 0, z + dz), (x + s * width / 2.2, h, z), 0.055, colour)
    w.rod((x - width / 2.2, h, z), (x + width / 2.2, h, z), 0.06, colour)
    for i, c in enumerate(seats):
        xx, swing = x + (i - (len(seats) - 1) / 2) * width / (len(seats) + 0.4), 0.25 * (i - 0.4)
        for s in (-0.2, 0.2):
            w.rod((xx + s, h, z), (xx + s, 0.55, z - swing), 0.012, rgb("6c6f73"), 0)
        w.box(xx, z - swing, 0.46, 0.18, 0.5, 0.56, rgb(c), shadow=False)


def dome(w: World, x, z, r=1.3, colour=rgb("4c9a6a")):
    """A climbing dome of bars."""
    w.shadow(x, z, r, 0.6 * r, 0.6)
    t = np.linspace(0, np.pi, 7)
    for turn in (0.5, 1.5, 2.6):
        arc = [(x + r * np.cos(a) * np.cos(turn), r * np.sin(a), z + r * np.cos(a) * np.sin(turn)) for a in t]
        for p, q in zip(arc, arc[1:]):
            w.rod(p, q, 0.035, colour)
    for y in (0.5, 0.95):
        rr = np.sqrt(r * r - y * y)
        circle = [(x + rr * np.cos(a), y, z + rr * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 11)]
        for p, q in zip(circle, circle[1:]):
            w.rod(p, q, 0.03, colour * 0.9)


def speaker(w: World, x, z, y0=0.0, h=1.1, width=0.62, colour=rgb("26262b"), turn=0.0):
    w.box(x, z, width, 0.5, y0, y0 + h, colour, turn)
    zz = z - 0.26 - abs(np.sin(turn)) * 0.12
    for y, r in ((0.32, 0.24), (0.74, 0.16)):
        w.disc(x, y0 + y * h / 1.1, zz, r, colour * 2.0)
        w.disc(x, y0 + y * h / 1.1, zz, 0.78 * r, colour * 0.6)
        w.disc(x, y0 + y * h / 1.1, zz, 0.3 * r, colour * 1.8)


def drums(w: World, x, z, colour=rgb("b4352d")):
    """A drum kit seen from the hall."""
    w.shadow(x, z, 0.9, 0.5)
    brass, chrome = rgb("d3a94a"), rgb("b8bcc0")
    w.cylinder(x + 0.62, z + 0.1, 0.24, 0.1, 0.62, colour, top=rgb("ece8dd"))
    w.cylinder(x - 0.55, z + 0.05, 0.2, 0.45, 0.65, colour, top=rgb("ece8dd"), shadow=False)
    for s, y in ((-0.8, 1.25), (0.75, 1.4)):
        w.rod((x + s, 0, z + 0.2), (x + s, y, z + 0.2), 0.02, chrome)
        w.ball(x + s, y, z + 0.2, 0.34, brass, ry=0.07)
    for s in (-0.22, 0.22):
        w.cylinder(x + s, z, 0.18, 0.68, 0.92, colour, top=rgb("ece8dd"), shadow=False)
    for r, c in ((0.36, colour), (0.32, rgb("ece8dd")), (0.1, colour)):
        w.disc(x, 0.37, z - 0.25, r, c)


def house(w: World, x, z, width, h, wall, roof, door, depth=4.0, gable=False):
    """A house front with door and windows; the roof slopes to the viewer or shows its `gable`."""
    glass, frame = rgb("7d93a3"), rgb("f0ece2")
    front = windows(plaster(wall), width / 3, 1.5, 0.35, 0.75, 1.0, glass, frame)
    w.box(x, z + depth / 2, width, depth, 0, h, wall)
    w.surface(2, z, x - width / 2, 0, x + width / 2, h, lambda a, b, pa, pb: front(a - F(x - width / 2), b, pa, pb), ao=(0, 0.3, 0, 0.2))
    w.box(x, z - 0.05, 0.95, 0.1, 0, 2.05, frame, shadow=False)
    w.box(x, z - 0.08, 0.75, 0.1, 0, 1.95, door, shadow=False)
    a, b, e = x - width / 2 - 0.2, x + width / 2 + 0.2, 0.35
    if gable:
        w.face([(a + 0.2, h, z), (b - 0.2, h, z), (x, h + 0.42 * width, z)], wall)
        for s, q in ((a, 0.75), (b, 1.0)):
            w.face([(s, h - 0.1, z - e), (x, h + 0.42 * width + 0.1, z - e), (x, h + 0.42 * width + 0.35, z - e), (s, h + 0.15, z - e)], roof * q)
    else:
        w.box(x + width * 0.28, z + depth * 0.4, 0.5, 0.5, h, h + 2.0, rgb("8b5a48"), shadow=False)
        w.face([(a, h - 0.12, z - e), (b, h - 0.12, z - e), (b - 0.25, h + 1.5, z + depth / 2), (a + 0.25, h + 1.5, z + depth / 2)], roof)
        for t in (0.25, 0.5, 0.75):
            w.rod((a, h + 1.5 * t, z - e + t * 2), (b, h + 1.5 * t, z - e + t * 2), 0.02, roof * 0.8, 0)
        w.face([(a, h - 0.26, z - e), (b, h - 0.26, z - e), (b, h - 0.1, z - e), (a, h - 0.1, z - e)], frame * 0.95)


def lamp_post(w: World, x, z, h=3.6, colour=rgb("33383b"), arm=0.0):
    w.shadow(x, z, 0.3, 0.2)
    w.cylinder(x, z, 0.11, 0, 0.4, colour, r1=0.08, shadow=False)
    w.rod((x, 0, z), (x, h, z), 0.05, colour)
    w.rod((x, h, z), (x + arm, h + 0.05, z), 0.04, colour)
    w.ball(x + arm, h + (0.18 if not arm else -0.06), z, 0.2, rgb("f7eecb"), ry=0.2 if not arm else 0.1, round_=0.2)


def car(w: World, x, z, colour, length=3.6):
    """A parked car seen from the side."""
    w.shadow(x, z, length / 2 + 0.2, 0.9, 1.1)
    w.box(x, z, length, 1.5, 0.28, 0.82, colour, shadow=False)
    lo, hi, n, f = 0.82, 1.36, z - 0.7, z + 0.7
    a, b = x - 0.3 * length, x + 0.36 * length
    w.face([(a, lo, n), (b, lo, n), (b - 0.5, hi, n + 0.12), (a + 0.45, hi, n + 0.12)], colour * 0.95)
    w.face([(a + 0.45, hi, n + 0.12), (b - 0.5, hi, n + 0.12), (b - 0.5, hi, f), (a + 0.45, hi, f)], colour, normal=(0, 1, 0))
    for p, q in ((a + 0.16, x - 0.02), (x + 0.06, b - 0.16)):
        s, t = 0.3 if p < x else 0.04, 0.04 if p < x else 0.34
        w.face([(p, lo + 0.04, n - 0.01), (q, lo + 0.04, n - 0.01), (q - t, hi - 0.08, n + 0.1), (p + s, hi - 0.08, n + 0.1)], rgb("4c5d69"))
    for s in (-0.3, 0.31):
        w.ball(x + s * length, 0.32, z - 0.74, 0.32, rgb("1f2022"), round_=0.2)
        w.ball(x + s * length, 0.32, z - 0.76, 0.16, rgb("a9adb0"), round_=0.2)


def bed(w: World, x, z, sheet=rgb("f2f0ea"), blanket=rgb("5d7fa3"), frame=rgb("8a6244"), hospital=False, across=1, raised=0.0, length=2.0, width=1.0):
    """A bed lying from side to side (`across` = +-1: which end the pillow is) or along the view (0: pillow at the far end).

    With `hospital` it has rails, wheels and a raised back rest.
    """
    def part(l0, l1, s0, s1, y0, y1, colour, top=None, shadow=False):  # l along the bed (head at +), s sideways (far or right at +)
        l, s, dl, ds = (l0 + l1) / 2, (s0 + s1) / 2, l1 - l0, s1 - s0
        if across:
            w.box(x + l * across, z + s, dl, ds, y0, y1, colour, top=top, shadow=shadow)
        else:
            w.box(x + s, z + l, ds, dl, y0, y1, colour, top=top, shadow=shadow)
    hl, hw, y = length / 2, width / 2, 0.5 if hospital else 0.34
    w.shadow(x, z, (hl if across else hw) + 0.25, (hw if across else hl) + 0.2, 1.2)
    steel = rgb("c3c8cb")
    part(hl - 0.02, hl + 0.06, -hw, hw, 0.12, y + 0.62 + raised, frame)
    if hospital:
        for l in (-0.75, 0.75):
            for s in (0.35, -0.35):
                px, pz = (x + l * across, z + s) if across else (x + s, z + l)
                w.rod((px, 0.08, pz), (px, y, pz), 0.035, steel * 0.8)
                w.ball(px, 0.07, pz, 0.07, rgb("333639"))
    else:
        part(-hl, hl, -hw, hw, 0.1, y, frame)
    part(-hl, hl, -hw, hw, y - 0.06, y + 0.16, sheet * 0.96)
    if raised:
        e, t = 0.25, y + 0.16 + raised
        pts = ([(x + e * across, y + 0.16, z - hw), (x + hl * across, t, z - hw), (x + hl * across, t, z + hw), (x + e * across, y + 0.16, z + hw)] if across
               else [(x - hw, y + 0.16, z + e), (x + hw, y + 0.16, z + e), (x + hw, t, z + hl), (x - hw, t, z + hl)])
        if across:
            w.face([pts[0], pts[1], (x + hl * across, y + 0.1, z - hw)], sheet * 0.8)
        w.face(pts, sheet * 0.98)
    part(hl - 0.5, hl - 0.08, -hw + 0.12, hw - 0.12, y + 0.14 + 0.75 * raised, y + 0.29 + 0.85 * raised, mix(sheet, 1, 0.4))
    part(-hl - 0.01, 0.3, -hw - 0.02, hw + 0.02, y - 0.05, y + 0.24, blanket)
    part(0.18, 0.34, -hw - 0.025, hw + 0.025, y - 0.02, y + 0.25, mix(sheet, 1, 0.2))
    part(-hl - 0.07, -hl, -hw, hw, 0.12, y + (0.5 if hospital else 0.2), frame)
    for s in ((hw + 0.04, -hw - 0.04) if hospital else ()):
        for yy in (y + 0.28, y + 0.46):
            p, q = ((x - 0.5, yy, z + s), (x + 0.6, yy, z + s)) if across else ((x + s, yy, z - 0.5), (x + s, yy, z + 0.6))
            w.rod(p, q, 0.022, steel)
        for l in (-0.5, 0.05, 0.6):
            px, pz = (x + l, z + s) if across else (x + s, z + l)
            w.rod((px, y, pz), (px, y + 0.46, pz), 0.02, steel)


def drip(w: World, x, z, h=1.9):
    """An infusion stand with a bag."""
    steel = rgb("c9cdd0")
    w.shadow(x, z, 0.35, 0.3)
    for t in (0.3, 1.5, 2.6, 3.8, 5.2):
        w.rod((x, 0.1, z), (x + 0.28 * np.cos(t), 0.04, z + 0.28 * np.sin(t)), 0.02, steel * 0.7)
    w.rod((x, 0.05, z), (x, h, z), 0.02, steel)
    w.rod((x - 0.16, h, z), (x + 0.16, h, z), 0.015, steel)
    w.box(x + 0.15, z, 0.16, 0.05, h - 0.38, h - 0.06, rgb("e6efe9"), shadow=False)
    w.box(x, z - 0.05, 0.14, 0.12, 1.0, 1.25, rgb("5f7d94"), shadow=False)
    w.rod((x + 0.15, h - 0.38, z), (x + 0.03, 1.2, z), 0.008, rgb("e8ecec"), 0)


def monitor(w: World, x, z, y=1.35, stand=True, trace=rgb("58d68a")):
    """A patient monitor with two traces."""
    if stand:
        w.shadow(x, z, 0.3, 0.25)
        w.rod((x, 0.05, z), (x, y, z), 0.035, rgb("b9bec2"))
        w.box(x, z, 0.45, 0.4, 0.03, 0.09, rgb("9ba1a6"))
    w.box(x, z, 0.52, 0.16, y, y + 0.42, rgb("d7dadb"), shadow=False)
    def screen(a, b, pa, pb):
        a, b = a - F(x), b - F(y)
        q = a / F(0.16)
        beat = F(0.27) + F(0.09) * np.clip(1 - 9 * np.abs(q - np.floor(q) - F(0.5)), 0, 1)
        out = mix(rgb("12212b") + 0 * a[..., None], trace, np.clip((0.012 - np.abs(b - beat)) / pb + 0.5, 0, 1))
        return mix(out, rgb("5ab4e0"), np.clip((0.01 - np.abs(b - 0.14 - 0.03 * np.sin(a * 38))) / pb + 0.5, 0, 1))
    w.surface(2, z - 0.085, x - 0.22, y + 0.05, x + 0.22, y + 0.37, screen)


def chair(w: World, x, z, colour=rgb("a9794a"), seat=None, back=1, turn=0.0):
    """A chair; its back is at the far side (back = 1) or the near one (-1)."""
    c, s = np.cos(turn), np.sin(turn)
    at = lambda p, q: (x + p * c - q * s, z + p * s + q * c)  # noqa: E731
    w.shadow(x, z, 0.32, 0.28)
    def backrest():
        for p in (-0.19, 0.19):
            px, pz = at(p, 0.2 * back)
            w.rod((px, 0.45, pz), (px, 0.92, pz), 0.025, colour)
        w.box(*at(0, 0.2 * back), 0.44, 0.04, 0.66, 0.92, colour, turn, shadow=False)
    if back > 0:
        backrest()
    for p, q in ((-0.19, 0.19), (0.19, 0.19), (-0.19, -0.19), (0.19, -0.19)):
        px, pz = at(p, q)
        w.rod((px, 0, pz), (px, 0.43, pz), 0.024, colour * 0.85)
    w.box(x, z, 0.46, 0.46, 0.42, 0.48, colour if seat is None else seat, turn, shadow=False)
    if back < 0:
        backrest()


def table(w: World, x, z, ww, d, y, colour, legs=None):
    legs = colour * 0.8 if legs is None else legs
    w.shadow(x, z, ww / 2, d / 2)
    for p, q in ((-1, 1), (1, 1), (-1, -1), (1, -1)):
        w.rod((x + p * (ww / 2 - 0.06), 0, z + q * (d / 2 - 0.06)), (x + p * (ww / 2 - 0.06), y, z + q * (d / 2 - 0.06)), 0.03, legs)
    w.box(x, z, ww, d, y - 0.05, y, colour, shadow=False)


def lamp(w: World, x, z, y0, h, shade=rgb("f3dfb0"), foot=rgb("7a6a58"), r=0.2):
    """A lamp with a glowing shade."""
    if y0 == 0:
        w.shadow(x, z, 0.25, 0.2)
    w.cylinder(x, z, 0.45 * r, y0, y0 + 0.04, foot, shadow=False)
    w.rod((x, y0, z), (x, y0 + h, z), 0.02, foot)
    w.cylinder(x, z, r, y0 + h - 0.05, y0 + h + 0.28, shade, r1=0.65 * r, shadow=False)
    w.surface(2, z + 0.05, x - 1.2, y0 + h - 1, x + 1.2, y0 + h + 1.3, halo(x, y0 + h + 0.12, 0.9, rgb("ffdf9a"), 0.4), glow=True)


def halo(x, y, r, colour, strength):
    """Overlay texture of a glow fading with distance from (x, y)."""
    return lambda a, b, pa, pb: (colour, F(strength) * np.exp(-(((a - F(x)) / F(r)) ** 2 + ((b - F(y)) / F(r)) ** 2) * 2))


def wedge(x, y0, x1, y1, r0, r1, colour, strength):
    """Overlay texture of a light beam from (x, y0) down to (x1, y1), widening from r0 to r1."""
    def tex(a, b, pa, pb):
        t = np.clip((F(y0) - b) / F(y0 - y1), 0, 1)
        q = (a - F(x) - F(x1 - x) * t) / (F(r0) + F(r1 - r0) * t)
        return colour, F(strength) * np.exp(-2.2 * q * q) * (1 - F(0.75) * t) * (b < y0) * np.ones_like(q)
    return tex


def frame_on_wall(w: World, x, z, y, ww, h, colour, picture):
    w.surface(2, z, x - ww / 2, y - h / 2, x + ww / 2, y + h / 2, lambda a, b, pa, pb: mix(
        picture * (0.75 + 0.5 * noise((a - F(x)) / ww * 2 + x, (b - F(y)) / h * 2))[..., None], colour,
        1 - inside(a, x - ww / 2 + 0.05, x + ww / 2 - 0.05, pa) * inside(b, y - h / 2 + 0.05, y + h / 2 - 0.05, pb)))


def big_window(w: World, x0, x1, y0, y1, z, frame=rgb("f3f1ea"), bars=(2, 2), green=0.35, sky=rgb("cfe3ee")):
    """A window in a back wall with sky and foliage behind its panes."""
    def tex(a, b, pa, pb):
        t = (b - F(y0)) / F(y1 - y0)
        n = noise(a * 0.9 + 2, b * 0.9 + 5, 3)
        view = mix(sky * (0.92 + 0.12 * t)[..., None], mix(rgb("7f9c68"), rgb("a9bf8d"), n), np.clip((F(green) + 0.5 * (n - F(0.5)) - t) * 9, 0, 1))
        bar = np.maximum(lines(a - F(x0), (x1 - x0) / bars[0], 0.07, pa), lines(b - F(y0), (y1 - y0) / bars[1], 0.06, pb))
        return mix(view, frame, bar)
    w.surface(2, z, x0 - 0.06, y0 - 0.06, x1 + 0.06, y1 + 0.06, lambda a, b, pa, pb: frame * 0.92 + 0 * (a + b)[..., None])
    w.surface(2, z - 0.01, x0, y0, x1, y1, tex)
    w.box((x0 + x1) / 2, z - 0.08, x1 - x0 + 0.3, 0.16, y0 - 0.1, y0 - 0.04, frame, shadow=False)


def sunlight(w: World, x, z, width, depth, skew=0.6, strength=0.2):
    """A patch of window light on the floor."""
    w.face([(x, 0.001, z), (x + width, 0.001, z), (x + width + skew, 0.001, z - depth), (x + skew, 0.001, z - depth)], (1.0, 0.95, 0.8), alpha=strength)


def fence(w: World, z, x0, x1, h, colour, mesh=True, y0=0.0):
    """A wire-mesh (or picket) fence across the view."""
    if mesh:
        tex = lambda a, b, pa, pb: (colour, np.maximum(lines(a + b, 0.12, 0.02, pa), lines(a - b, 0.12, 0.02, pa)) * 0.75)  # noqa: E731
    else:
        tex = lambda a, b, pa, pb: (colour * (0.9 + 0.2 * cell(np.floor(a / F(0.16))))[..., None] + 0 * b[..., None],  # noqa: E731
                                    np.maximum(1 - lines(a, 0.16, 0.06, pa), inside(b, y0 + 0.25 * h, y0 + 0.35 * h, pb)) * inside(b, y0, y0 + h * 0.98, pb))
    w.surface(2, z, x0, y0, x1, y0 + h, tex)
    if mesh:
        w.rod((x0, y0 + h, z), (x1, y0 + h, z), 0.03, colour)
        for x in np.arange(np.ceil(x0 / 2) * 2, x1, 2.0):
            w.rod((x, y0, z), (x, y0 + h, z), 0.035, colour)


def person(w: World, x, z, seed: int):
    """A simple standing bystander."""
    rng = np.random.default_rng(seed)
    pick = lambda *codes: rgb(codes[rng.integers(len(codes))])  # noqa: E731
    skin, hair = pick("e3b690", "c08a62", "8a5a3b", "5f3d2a"), pick("2a211c", "5b3f28", "a67c45", "8d8d8d")
    top, legs = pick("8c4a4a", "4a6a8c", "5b7a5a", "b59a62", "6b5b7d", "c9c4b8"), pick("3a4250", "4b4238", "2d2d33", "6a6d72")
    k, dx = rng.uniform(0.93, 1.06), 0.1
    w.shadow(x, z, 0.34, 0.2)
    for s in (-1, 1):
        w.rod((x + s * dx, 0.08 * k, z), (x + s * 0.8 * dx, 0.86 * k, z), 0.065, legs, r1=0.09)
        w.rod((x + s * dx, 0.04, z - 0.1), (x + s * dx, 0.05, z + 0.03), 0.05, rgb("2b2624"))
        w.rod((x + s * 0.21, 1.38 * k, z), (x + s * 0.26, 0.86 * k, z - 0.03), 0.06, top * 0.9, r1=0.045)
        w.ball(x + s * 0.26, 0.8 * k, z - 0.03, 0.05, skin)
    w.rod((x, 0.92 * k, z), (x, 1.34 * k, z), 0.15, top, r1=0.17)
    w.rod((x, 1.44 * k, z), (x, 1.52 * k, z), 0.05, skin)
    w.ball(x, 1.63 * k, z, 0.105, skin, ry=0.125)
    w.ball(x, 1.68 * k, z + 0.02, 0.11, hair, ry=0.09)


def distractor(w: World, x, z, kind: str, hue: float):
    """Something that belongs to another place: a ball, a leaning guitar, a parked bike, a mop bucket, a rolled mat, a golf bag or weights."""
    tint = mix(rgb("b5483c"), rgb("3f6d9a"), np.clip(hue, 0, 1))
    w.shadow(x, z, 0.3, 0.2)
    if kind == "ball":
        w.ball(x, 0.12, z, 0.12, rgb("d0722f"))
        w.rod((x - 0.1, 0.14, z - 0.1), (x + 0.1, 0.14, z - 0.1), 0.006, rgb("40240f"), 0)
    elif kind == "guitar":
        w.rod((x, 0.65, z), (x + 0.12, 1.2, z + 0.1), 0.025, rgb("3b2a1e"))
        for y, r in ((0.22, 0.2), (0.5, 0.15)):
            w.ball(x - 0.02 + 0.2 * (y - 0.22), y, z, r, mix(rgb("c08445"), tint, 0.25), round_=0.35)
        w.ball(x + 0.03, 0.42, z - 0.05, 0.055, rgb("2a1a10"), round_=0)
    elif kind == "bike":
        wheels = np.linspace(0, 2 * np.pi, 15)
        for s in (-0.52, 0.52):
            circle = [(x + s + 0.33 * np.cos(t), 0.34 + 0.33 * np.sin(t), z) for t in wheels]
            for p, q in zip(circle, circle[1:]):
                w.rod(p, q, 0.022, rgb("232426"), 0.2)
        joints = {"r": (-0.52, 0.34), "b": (-0.05, 0.3), "s": (-0.16, 0.82), "h": (0.38, 0.85), "f": (0.52, 0.34)}
        for a, b in ("rb", "bs", "rs", "sh", "bh", "hf"):
            w.rod((x + joints[a][0], joints[a][1], z - 0.02), (x + joints[b][0], joints[b][1], z - 0.02), 0.024, tint)
        w.rod((x - 0.27, 0.9, z), (x - 0.06, 0.9, z), 0.035, rgb("26211e"))
        w.rod((x + 0.38, 0.85, z), (x + 0.36, 1.0, z), 0.02, rgb("26211e"))
    elif kind == "bucket":
        w.cylinder(x, z, 0.14, 0, 0.28, tint, r1=0.18, top=rgb("8fa6ad"))
        w.rod((x + 0.05, 0.2, z), (x + 0.3, 1.25, z + 0.15), 0.018, rgb("c9a76a"))
    elif kind == "mat":
        w.rod((x - 0.3, 0.09, z), (x + 0.3, 0.09, z), 0.09, tint)
    elif kind == "golf bag":
        w.cylinder(x, z, 0.13, 0, 0.85, tint, r1=0.15, top=rgb("202225"))
        for dx in (-0.08, 0.0, 0.07):
            w.rod((x + dx, 0.85, z), (x + 1.4 * dx, 1.12, z), 0.012, rgb("b9bdc1"))
            w.ball(x + 1.4 * dx + 0.03, 1.13, z, 0.045, rgb("55585c"), ry=0.03)
    else:
        w.rod((x - 0.35, 0.2, z), (x + 0.35, 0.2, z), 0.02, rgb("b4b8bc"))
        for s in (-0.3, 0.3):
            w.ball(x + s, 0.2, z, 0.05, tint * 0.8, ry=0.2, round_=0.4)


DISTRACTORS = ("ball", "guitar", "bike", "bucket", "mat", "golf bag", "weights")
