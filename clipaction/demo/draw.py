"""Analytic drawing: a pinhole camera and shapes with exact pixel coverage.

Conventions of all drawing modules
----------------------------------
World  metres; x to the camera's right, y up, z away from the camera. The actor stands near the origin, the floor is at
       y = 0.
Image  pixel centres at integer + 0.5; u to the right, v down; colours are linear-looking RGB in [0, 1], float32.
Labels one code a pixel (``PARTS``), the code of what covers at least half of it.

Every shape is drawn from its signed distance d (pixels, negative inside) with coverage clip(1/2 - d, 0, 1). Edges are
anti-aliased without supersampling, and only the pixels of the shape's bounding box are touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PARTS = ("background", "head", "torso", "limbs", "prop", "foreground", "text")
BACKGROUND, HEAD, TORSO, LIMBS, PROP, FOREGROUND, TEXT = range(len(PARTS))

F = np.float32
RIM = 0.45  # how much darker the drawn edges of shapes are


@dataclass(frozen=True)
class Camera:
    """Pinhole camera at (0, height, -distance), pitched down by `pitch` radians; `focal` is in image heights."""

    height: float = 1.5
    distance: float = 5.0
    pitch: float = 0.1
    focal: float = 1.6
    size: tuple[int, int] = (240, 320)  # H, W of the canvas, pixels
    shift: tuple[float, float] = (0.0, 0.0)  # principal point moved by (du, dv), in image heights

    @property
    def scale(self) -> float:
        """Focal length in pixels."""
        return self.focal * self.size[0]

    @property
    def centre(self) -> tuple[float, float]:
        h, w = self.size
        return w / 2 + self.shift[0] * h, h / 2 + self.shift[1] * h

    def project(self, points) -> tuple[np.ndarray, np.ndarray]:
        """World points [..., 3] to pixels [..., 2] and pixels a metre [...] at each point's depth."""
        p = np.asarray(points, F)
        c, s = np.cos(self.pitch), np.sin(self.pitch)
        y, z = p[..., 1] - self.height, p[..., 2] + self.distance
        depth = np.maximum(z * c - y * s, 1e-2)
        m = self.scale / depth
        cu, cv = self.centre
        return np.stack([cu + p[..., 0] * m, cv - (y * c + z * s) * m], -1).astype(F), m.astype(F)

    def rays(self) -> np.ndarray:
        """Unnormalised world directions [H, W, 3] through every pixel centre.

        Pixel (u, v) sees the points height * e_y - distance * e_z + t * ray, t > 0.
        """
        h, w = self.size
        cu, cv = self.centre
        x = (np.arange(w, dtype=F) + 0.5 - cu) / self.scale
        y = -(np.arange(h, dtype=F) + 0.5 - cv) / self.scale
        c, s = F(np.cos(self.pitch)), F(np.sin(self.pitch))
        x, y = np.broadcast_arrays(x[None, :], y[:, None])
        return np.stack([x, y * c - s, y * s + c], -1)

    def plane(self, axis: int, value: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where each pixel's ray meets the plane coordinate[axis] = value.

        Returns hit [H, W] bool, points [H, W, 3] (undefined where not hit) and the pixel footprint [H, W] in metres.
        Texture that is finer than the footprint has to be faded out.
        """
        rays = self.rays()
        eye = np.array([0, self.height, -self.distance], F)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (F(value) - eye[axis]) / rays[..., axis]
        hit = np.isfinite(t) & (t > 1e-3)
        t = np.where(hit, t, 0).astype(F)
        return hit, eye + t[..., None] * rays, t / self.scale


class Canvas:
    """An RGB image [H, W, 3] and its label map [H, W]; shapes are painted back to front.

    Colours are kept as planes [3, H, W] (numpy runs several times faster along rows than along triples); `image` is the
    usual [H, W, 3] view of them, so writing into it works. The array given is copied.
    """

    def __init__(self, image: np.ndarray, labels: np.ndarray | None = None):
        self.planes = np.array(np.moveaxis(np.asarray(image), -1, 0), F, order="C")
        h, w = self.planes.shape[1:]
        self.labels = np.zeros((h, w), np.uint8) if labels is None else labels
        self._u, self._v = np.arange(w, dtype=F)[None] + F(0.5), np.arange(h, dtype=F)[:, None] + F(0.5)

    @property
    def image(self) -> np.ndarray:
        return self.planes.transpose(1, 2, 0)

    @image.setter
    def image(self, value: np.ndarray) -> None:
        self.planes[:] = np.moveaxis(np.asarray(value), -1, 0)

    @classmethod
    def blank(cls, size: tuple[int, int], colour=(0, 0, 0)) -> Canvas:
        return cls(np.broadcast_to(np.asarray(colour, F), (*size, 3)))

    def _window(self, lo, hi):
        """Pixel window and centre grids of a bounding box (with a margin), or None when it is outside the image."""
        h, w = self.labels.shape
        u0, v0 = max(int(lo[0] // 1) - 1, 0), max(int(lo[1] // 1) - 1, 0)
        u1, v1 = min(int(hi[0]) + 2, w), min(int(hi[1]) + 2, h)
        if u0 >= u1 or v0 >= v1:
            return None
        return (slice(v0, v1), slice(u0, u1)), self._u[:, u0:u1], self._v[v0:v1]

    def blend(self, window, alpha: np.ndarray, colour, label: int | None) -> None:
        """Mix `colour` (rgb or [h, w, 3]) into a window with weight alpha [h, w]; set the label where alpha >= 1/2."""
        colour = np.asarray(colour, F)
        self._mix(
            window, alpha, np.moveaxis(colour, -1, 0) if colour.ndim == 3 else colour[:, None, None].copy(), label
        )

    def _mix(self, window, alpha, planes, label) -> None:
        """`blend` with the colour as planes, [3, h, w] (overwritten) or [3, 1, 1]."""
        view = self.planes[(slice(None), *window)]
        step = planes - view
        step *= alpha
        view += step
        if label is not None:
            np.copyto(self.labels[window], label, where=alpha >= 0.5)

    def polygon(self, uv, colour, label: int | None = None, alpha: float = 1.0) -> None:
        """A convex polygon uv [N, 2], any winding; colour is rgb, or a function (u, v) -> [h, w, 3] of its window."""
        uv = np.asarray(uv, F)
        found = self._window(uv.min(0), uv.max(0))
        if found is None:
            return
        window, u, v = found
        nxt = np.roll(uv, -1, 0)
        edge = nxt - uv
        area = (uv[:, 0] * nxt[:, 1] - nxt[:, 0] * uv[:, 1]).sum()
        if abs(area) < 1e-6:
            return
        n = np.stack([edge[:, 1], -edge[:, 0]], 1) * np.sign(area)  # outward normals
        n /= np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-6)
        d = np.full((v.shape[0], u.shape[1]), -1e9, F)
        for (nu, nv), (pu, pv) in zip(n, uv):
            np.maximum(d, nu * (u - pu) + nv * (v - pv), out=d)
        cover = _unit(F(0.5) - d)
        if alpha != 1:
            cover *= F(alpha)
        if callable(colour):
            colour = colour(*np.broadcast_arrays(u, v))
        self.blend(window, cover, colour, label)

    def capsule(
        self,
        a,
        ra: float,
        b,
        rb: float,
        colour,
        label: int | None = None,
        light=(-0.4, -0.6),
        round_: float = 0.55,
        alpha: float = 1.0,
        tip=None,
        split: float = 0.5,
        dome: bool = True,
    ) -> None:
        """A tapered limb from pixel a (radius ra) to b (rb), shaded as a cylinder lit from image direction `light`.

        round_ in [0, 1] is the strength of the shading; 0 is flat. With a == b it is a ball. `tip` is a second colour
        that begins at the fraction `split` of the way (a sleeve's end). dome=False shades the ends like the sides, so
        that neighbouring segments of a limb join smoothly.
        """
        (au, av), (bu, bv), ra, rb = map(float, a), map(float, b), float(ra), float(rb)
        r = max(ra, rb)
        found = self._window((min(au, bu) - r, min(av, bv) - r), (max(au, bu) + r, max(av, bv) + r))
        if found is None:
            return
        window, u, v = found
        u, v = u - F(au), v - F(av)
        eu, ev = bu - au, bv - av
        length2 = max(eu * eu + ev * ev, 1e-6)
        along = u * F(eu) + v * F(
            ev
        )  # dot products with the axis: |p - a|^2 - t (2 along - t length2) is the squared distance
        free = along * F(1 / length2)
        t = np.minimum(np.maximum(free, 0), 1)
        from_a = u * u + v * v
        dist2 = from_a - (2 * along - t * F(length2)) * t
        np.maximum(dist2, 0, out=dist2)
        radius = t * F(rb - ra) + F(ra) if ra != rb else np.full((1, 1), ra, F)
        cover = _unit(radius - np.sqrt(dist2) + F(0.5))
        if min(ra, rb) < 0.5:
            cover *= np.minimum(2 * radius, 1)  # hair-thin shapes fade instead of vanishing
        if alpha != 1:
            cover *= F(alpha)
        planes = np.asarray(colour, F)[:, None, None]
        if tip is not None:
            edge = _unit(t * F(length2**0.5) + F(0.5 - split * length2**0.5))
            planes = planes + edge * (np.asarray(tip, F)[:, None, None] - planes)
        if round_:
            lu, lv, lz = _unit_light(light)
            if not dome:
                t, dist2 = free, from_a - along * free
            facing = (u * F(lu) + v * F(lv)) - t * F(eu * lu + ev * lv)
            planes = planes * _shade(facing, dist2, np.maximum(radius, F(0.5)), lz, round_)
        self._mix(window, cover, planes, label)

    def hull(
        self,
        uv,
        radius: float,
        colour,
        label: int | None = None,
        light=(-0.4, -0.6),
        round_: float = 0.55,
        rim: float = 0.0,
    ) -> None:
        """A simple polygon uv [N, 2] grown by `radius` pixels (rounded corners) and shaded like a cushion.

        A rim of `rim` pixels around it is darker. Used for torsos and blankets.
        """
        uv = np.asarray(uv, F)
        lo, hi = uv.min(0) - radius - rim, uv.max(0) + radius + rim
        found = self._window(lo, hi)
        if found is None:
            return
        window, u, v = found
        dist2 = np.full((v.shape[0], u.shape[1]), 1e9, F)
        inside = np.zeros(dist2.shape, bool)
        points = uv.tolist()
        for (au, av), (bu, bv) in zip(
            points, points[1:] + points[:1]
        ):  # exact distance, even-odd sign (after I. Quilez)
            eu, ev, pu, pv = bu - au, bv - av, u - F(au), v - F(av)
            length2 = max(eu * eu + ev * ev, 1e-6)
            along = pu * F(eu) + pv * F(ev)
            t = _unit(along * F(1 / length2))
            along *= 2
            along -= t * F(length2)
            along *= t
            np.minimum(dist2, pu * pu + pv * pv - along, out=dist2)
            if ev:
                inside ^= ((pv >= 0) ^ (pv >= F(ev))) & (pu < pv * F(eu / ev))
        dist = np.sqrt(np.maximum(dist2, 0))
        np.negative(dist, out=dist, where=inside)
        cover = _unit(F(radius + rim + 0.5) - dist)
        planes = np.asarray(colour, F)[:, None, None]
        if rim:
            planes = planes * (1 - F(RIM) * _unit(dist - F(radius - 0.5)))
        if round_:
            lu, lv, lz = _unit_light(light)
            (cu, cv), (hu, hv) = (lo + hi) / 2, (hi - lo) / 2
            x, y = (u - cu) * F(0.9 / hu), (v - cv) * F(0.6 / hv)
            facing, q2 = x * F(lu) + y * F(lv), x * x + y * y
            planes = planes * _shade(facing, q2, F(1), lz, round_)
        self._mix(window, cover, planes, label)

    def ellipse(
        self,
        centre,
        ru: float,
        rv: float,
        colour,
        label: int | None = None,
        angle: float = 0.0,
        light=(-0.4, -0.6),
        round_: float = 0.55,
        alpha: float = 1.0,
        width: float | None = None,
    ) -> None:
        """A shaded ellipse with half axes ru and rv pixels, turned by `angle` radians.

        With `width`, only a rim of that many pixels is drawn.
        """
        ru, rv = max(float(ru), 0.3), max(float(rv), 0.3)
        cu, cv = map(float, centre)
        c, s = float(np.cos(angle)), float(np.sin(angle))
        hu, hv = np.hypot(ru * c, rv * s), np.hypot(ru * s, rv * c)
        found = self._window((cu - hu, cv - hv), (cu + hu, cv + hv))
        if found is None:
            return
        window, u, v = found
        u, v = u - F(cu), v - F(cv)
        x, y = u * F(c / ru) + v * F(s / ru), v * F(c / rv) - u * F(s / rv)
        x2, y2 = x * x, y * y
        q2 = x2 + y2
        q = np.sqrt(q2)
        x2 *= F(1 / ru**2)
        x2 += y2 * F(1 / rv**2)
        dist = (
            (q - 1) * q / np.sqrt(np.maximum(x2, F(1e-9)))
        )  # q - 1 over |grad q|: the distance to the edge, to first order
        if width is None:
            cover = _unit(F(0.5) - dist)
        else:
            cover = _unit(F(width / 2 + 0.5) - np.abs(dist + F(width / 2))) * F(min(1, width))
        if alpha != 1:
            cover *= F(alpha)
        planes = np.asarray(colour, F)[:, None, None]
        if round_:
            lu, lv, lz = _unit_light(light)
            facing = x * F(c * lu + s * lv) + y * F(c * lv - s * lu)
            planes = planes * _shade(facing, q2, F(1), lz, round_)
        self._mix(window, cover, planes, label)

    def shadow(self, centre, ru: float, rv: float, strength: float = 0.45) -> None:
        """A soft dark ellipse (a contact shadow): multiplies the image, leaves the labels."""
        cu, cv = centre
        found = self._window((cu - 1.6 * ru, cv - 1.6 * rv), (cu + 1.6 * ru, cv + 1.6 * rv))
        if found is None:
            return
        window, u, v = found
        q = ((u - F(cu)) / F(max(ru, 0.5))) ** 2 + ((v - F(cv)) / F(max(rv, 0.5))) ** 2
        q = np.maximum(1 - q * F(0.4), 0)
        self.planes[(slice(None), *window)] *= 1 - F(strength) * q * q


def _unit(x: np.ndarray) -> np.ndarray:
    """x limited to [0, 1], in place."""
    return np.minimum(np.maximum(x, 0, out=x), 1, out=x)


def _unit_light(light) -> tuple[float, float, float]:
    """Unit vector towards a light that comes from image direction (u, v) and from the viewer's side."""
    norm = (light[0] ** 2 + light[1] ** 2 + 0.49) ** 0.5
    return light[0] / norm, light[1] / norm, 0.7 / norm


def _shade(facing: np.ndarray, dist2: np.ndarray, radius, lz: float, round_: float) -> np.ndarray:
    """Lambert factor [h, w] of a round surface.

    facing: dot product of offset and light in the image plane; dist2: squared offset; both in pixels.
    """
    depth = radius * radius - dist2
    np.sqrt(np.maximum(depth, 0, out=depth), out=depth)
    depth *= F(lz)
    depth += facing
    depth *= 1 / radius
    np.maximum(depth, 0, out=depth)
    depth *= F(round_ * 1.25)
    depth += F(1 - round_)
    return depth


def value_noise(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Smooth noise in [0, 1] on the plane, one feature a unit; the same (x, y, seed) always gives the same value."""
    xi, yi = np.floor(x), np.floor(y)
    fx, fy = (x - xi).astype(F), (y - yi).astype(F)
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    xi, yi = xi.astype(np.int64), yi.astype(np.int64)
    table = np.random.default_rng(seed).random((64, 64), F)
    x0, x1, y0, y1 = xi & 63, (xi + 1) & 63, yi & 63, (yi + 1) & 63
    top = table[y0, x0] * (1 - fx) + table[y0, x1] * fx
    bottom = table[y1, x0] * (1 - fx) + table[y1, x1] * fx
    return top * (1 - fy) + bottom * fy
