"""Materials, and the canvas on which the demo's scenes are painted.

Surfaces are planes, textured in metres and faded where a pixel covers more than the pattern. Things are boxes,
cylinders, rods and leaf blobs, lit by the scene's light. A *texture* is a function (a, b, pa, pb) -> rgb [h, w, 3] or
(rgb, alpha [h, w]). a and b are in-plane metres and broadcast; pa and pb are the pixel's footprint along both.
In-plane axes: (z, y) on a side wall, (x, z) on a floor, (x, y) on a back wall.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .draw import Camera, Canvas, F


@dataclass(frozen=True)
class Light:
    """Light of a scene: image-plane direction it comes from, colour factors, strength of contact shadows (0 to 1)."""

    direction: tuple[float, float]
    colour: tuple[float, float, float]
    shadow: float


# ---- textures

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


def flat(c, alpha: float | None = None):
    """One colour; an overlay of strength `alpha` when given."""

    def tex(a, b, pa, pb):
        zero = 0 * (a + b)
        return c + zero[..., None] if alpha is None else (c, zero + F(alpha))

    return tex


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
        tone = (
            tone
            + F(0.08) * (noise(a * 0.9, b * 0.9) - F(0.5))
            - F(grout) * np.maximum(lines(a, size, width, pa), lines(b, size, width, pb))
        )
        base = c if c2 is None else mix(c, c2, 0.5 + 0.5 * wave(a, pa) * wave(b, pb))
        return base * tone[..., None]

    return tex


def bricks(c, mortar, w: float = 0.28, h: float = 0.1, amp: float = 0.22):
    def tex(a, b, pa, pb):
        row = np.floor(b / F(h))
        a = a + F(w / 2) * (row % 2)
        tone = (
            1
            + F(2 * amp) * (cell(np.floor(a / F(w)), row) - F(0.5)) * fade(pb, h)
            + F(0.3) * (noise(a * 1.1, b * 1.1) - F(0.5))
        )
        return mix(c * tone[..., None], mortar, 0.75 * np.maximum(lines(b, h, 0.014, pb), lines(a, w, 0.014, pa)))

    return tex


def grass(c, mow: float = 0.0, stripe: float = 1.6, slant: float = 0.0, amp: float = 0.2):
    """Lawn; `mow` is the contrast of mowing stripes `stripe` metres wide."""

    def tex(a, b, pa, pb):
        tone = F(amp) * (noise(a * 0.7, b * 0.45) - F(0.5)) + F(1.6 * amp) * (
            noise(a * 11, b * 3.2, 2) - F(0.5)
        ) * np.clip(0.05 / pa, 0.2, 1)
        if mow:
            p = (a + F(slant) * b) / F(2 * stripe)
            tone = tone + F(mow) * np.clip(
                (np.abs(p - np.floor(p) - F(0.5)) - F(0.25)) * F(stripe) / (pa + abs(slant) * pb), -0.5, 0.5
            )
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


def panels(c, dark, w: float, h: float, y0: float = 0.0, line: float = 0.03, handle=None, span=(0.55, 0.85)):
    """A front of doors, w x h metres each; `handle` is the colour of a bar on each, `span` its share of the height."""

    def tex(a, b, pa, pb):
        out = mix(
            c * (1 + F(0.06) * (noise(a * 1.5, b * 1.5) - F(0.5)))[..., None],
            dark,
            0.8 * np.maximum(lines(a, w, line, pa), lines(b - F(y0), h, line, pb)),
        )
        if handle is not None:
            p, q = a / F(w), (b - F(y0)) / F(h)
            out = mix(
                out,
                handle,
                inside((p - np.floor(p)) * F(w), w - 0.13, w - 0.09, pa)
                * inside((q - np.floor(q)), span[0], span[1], pb / h),
            )
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
        pane = (
            glass
            * (0.72 + 0.4 * cell(i, j) + 0.3 * (y / gh) + 0.16 * (noise(a * 1.2 + 4, b * 0.9) - F(0.5)))[..., None]
        )
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


# ---- painting


class Painting:
    """A scene while it is painted: canvas, camera, random numbers, light, and things still to be drawn, far to near."""

    def __init__(self, camera: Camera, rng: np.random.Generator, light: Light, ground=(0.3, 0.3, 0.3)):
        self.camera, self.rng, self.light = camera, rng, light
        self.canvas = Canvas.blank(camera.size, ground)
        self.eye = np.array([0, camera.height, -camera.distance], F)
        lu, lv = light.direction
        sun = np.array([lu, -lv, -0.6], F)
        self.sun = sun / np.linalg.norm(sun)
        self.things: list = []  # (depth, draw), waiting for `settle`
        self.taken: list = []  # (x, z, radius) where something stands
        self.depth = 3.0  # how far back a bystander may stand
        self.hour = 0  # row of the scene module's table of hours
        self.night = False  # lamps are on
        self.walls = (-40.0, 40.0)  # x of the side walls

    def jit(self, value: float, spread: float = 0.1) -> float:
        return float(value + self.rng.uniform(-spread, spread))

    def put(self, thing, x: float, z: float, *args, clear: float = 0.55, **kwargs) -> None:
        """Draw `thing` at (x, z) later, sorted by depth; it needs `clear` free metres around it."""
        self.taken.append((x, z, clear))
        self.things.append((z, lambda: thing(self, x, z, *args, **kwargs)))

    def free(self, x: float, z: float, radius: float = 0.3) -> bool:
        """Whether nothing put so far stands within `radius` of (x, z), which is between the walls."""
        inside_walls = self.walls[0] + radius < x < self.walls[1] - radius
        return inside_walls and all(np.hypot(x - a, z - b) > r + radius for a, b, r in self.taken)

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

    def surface(
        self,
        axis: int,
        value: float,
        a0: float,
        b0: float,
        a1: float,
        b1: float,
        tex,
        ao=(0, 0, 0, 0),
        glow: bool = False,
    ) -> None:
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
                a, b, pa, pb = (
                    ray[2] * t - F(cam.distance),
                    ray[1] * t + F(cam.height),
                    px / np.maximum(np.abs(x), 1e-3),
                    px,
                )
            out = tex(a, b, pa, pb)
            out, alpha = out if isinstance(out, tuple) else (out, None)
            dark = 1
            for k, edge, x in ((ao[0], a0, a), (ao[1], b0, b), (ao[2], a1, a), (ao[3], b1, b)):
                if k:
                    dark = dark * (1 - F(k) / (1 + (np.abs(x - F(edge)) / F(0.3)) ** 2))
            if ao != (0, 0, 0, 0):
                out = out * np.asarray(dark)[..., None]
            if alpha is not None:
                v0, u0 = int(v[0, 0]), int(u[0, 0])
                under = self.canvas.image[v0 : v0 + u.shape[0], u0 : u0 + u.shape[1]]
                out = under + alpha[..., None] * (out if glow else out - under)
            return out

        self.canvas.polygon(uv, colour)

    def box(self, x, z, w, d, y0, y1, colour, turn: float = 0.0, shadow: bool = True, top=None) -> None:
        """A box w x d metres, from height y0 to y1, turned about the vertical; `top` is the colour of its lid."""
        c, s = np.cos(turn), np.sin(turn)
        at = [
            (x + p * w / 2 * c - q * d / 2 * s, z + p * w / 2 * s + q * d / 2 * c)
            for p, q in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
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
        to_eye = np.arctan2(self.eye[2] - z, self.eye[0] - x)
        near = to_eye + np.linspace(-np.pi / 2, np.pi / 2, 8)
        if self.eye[1] > y0:
            outline = [(x + r * np.cos(t), y0, z + r * np.sin(t)) for t in near]
        else:
            outline = [(x + r * np.cos(t), y0, z + r * np.sin(t)) for t in (near[0], near[-1])]
        tops = near[::-1] if self.eye[1] < y1 else near[[-1, 0]]
        uv = self._visible(outline + [(x + r1 * np.cos(t), y1, z + r1 * np.sin(t)) for t in tops])
        if uv is None:
            return
        colour, mid, half = np.asarray(colour, F), uv[:, 0].mean(), max(float(np.ptp(uv[:, 0])) / 2, 0.5)
        lu = F(self.sun[0])

        def side(u, v):
            q = np.clip((u[:1] - mid) / half, -1, 1)
            return colour * (0.62 + 0.4 * np.clip(q * lu + np.sqrt(1 - q * q) * F(0.75), 0, 1))[..., None] + np.zeros(
                (*u.shape, 1), F
            )

        self.canvas.polygon(uv, side)
        if self.eye[1] > y1:
            self.face(
                [(x + r1 * np.cos(t), y1, z + r1 * np.sin(t)) for t in ring_],
                colour if top is None else top,
                normal=(0, 1, 0),
            )

    def rod(self, p, q, r: float, colour, round_: float = 0.5, r1: float | None = None) -> None:
        """A round bar between two world points."""
        uv, m = self.project([p, q])
        if (np.abs(uv) < 4000).all():
            self.canvas.capsule(
                uv[0],
                r * m[0],
                uv[1],
                (r if r1 is None else r1) * m[1],
                colour,
                light=self.light.direction,
                round_=round_,
            )

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
            self.canvas.shadow(
                uv[0], rx * m[0], max(abs(uv[1, 1] - uv[2, 1]) / 2, 1.0), strength * (0.25 + 0.6 * self.light.shadow)
            )

    def leaves(self, x, y, z, rx, ry, colour, kind: str = "round", rough: float = 0.5) -> None:
        """Foliage that fills an ellipse (`round`) or a spire (`spire`): ragged, dappled, lit from the light's side."""
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
            tier = q * F(3.2) - np.floor(q * F(3.2))
            width = (q + 1) * F(0.5) * (F(0.62) + F(0.38) * tier)
            d = np.maximum(np.abs(p) - width * (1 + F(rough) * (n - F(0.5))), q - F(0.9) - F(0.3) * (n - F(0.5)))
        else:
            d = np.sqrt(p * p + q * q) - F(0.92) - F(rough) * (n - F(0.5))
        lu, lv = self.light.direction
        tone = (
            F(0.8)
            + F(0.26) * (p * F(lu) + q * F(lv))
            + F(0.95) * (noise(p * 3.1 + ox, q * (3.1 * ry / rx) + oy, 3) - F(0.5)) * min(1, ru / 12)
        )
        self.canvas.blend(
            window, np.clip(F(0.5) - d * F(min(ru, rv)), 0, 1), np.asarray(colour, F) * tone[..., None], None
        )

    def ridge(self, z: float, top, tex, base: float = 0.0) -> None:
        """A skyline at depth z: filled from height `base` up to top(x) metres, coloured by tex(x, y, pa, pb)."""
        cam = self.camera
        h, w = cam.size
        (cu, foot), m = cam.project((0, base, z))
        x = (np.arange(w, dtype=F) + F(0.5) - cu) / m
        y = top(x)
        crest = foot - (y - F(base)) * m
        v0, v1 = max(int(crest.min()) - 1, 0), min(int(foot) + 2, h)
        if v0 >= v1:
            return
        v = np.arange(v0, v1, dtype=F)[:, None] + F(0.5)
        cover = np.clip(v - crest + F(0.5), 0, 1) * np.clip(foot + 1 - v + F(0.5), 0, 1)
        height = (foot - v) / m + F(base)
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

    def room(
        self,
        floor,
        wall,
        z1: float,
        x0: float = -4.0,
        x1: float = 4.0,
        height: float = 3.4,
        side=None,
        ceiling=None,
        gloss: float = 0.0,
    ) -> None:
        """Floor, back wall at z1, side walls at x0 and x1, ceiling; darker where they meet.

        `gloss` in [0, 1] mirrors the wall in the floor.
        """
        side = wall if side is None else side
        self.walls = (x0, x1)
        left, right = (self.shade((1, 0, 0)), self.shade((-1, 0, 0)))
        if ceiling is not None:
            self.surface(1, height, x0, -6, x1, z1, ceiling, ao=(0.3, 0, 0.3, 0.35))
        self.surface(2, z1, x0, 0, x1, height, wall, ao=(0.32, 0.38, 0.32, 0.12))
        for x, k in ((x0, left), (x1, right)):
            self.surface(
                0, x, -6, 0, z1, height, lambda a, b, pa, pb, k=k: side(a, b, pa, pb) * F(k), ao=(0, 0.38, 0.34, 0)
            )
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
