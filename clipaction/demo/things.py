# ruff: noqa: B008 (defaults of colours are calls of rgb, which are constants)
"""Furniture, plants, apparatus and bystanders of the demo's scenes.

A *thing* is a function (painting, x, z, ...) that draws itself on the floor at (x, z), its parts back to front.
Lengths are metres, angles radians, colours rgb in [0, 1].
"""

from __future__ import annotations

import numpy as np

from .draw import F
from .scenery import Painting, cell, flat, folds, inside, lines, mix, noise, panels, plaster, rgb, ring, windows


def tree(w: Painting, x, z, h, colour, kind="round", trunk=rgb("5b4636")):
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


def plant(w: Painting, x, z, h, colour, pot=rgb("b9836a")):
    """A potted plant with long leaves."""
    w.cylinder(x, z, 0.13 * h, 0, 0.26 * h, pot, r1=0.17 * h, top=rgb("4a382c"))
    for i in range(9):
        t = (i * 0.37) % 1 * 2 - 1
        tip, mid = (x + 0.42 * h * t, h * (1.02 - 0.42 * t * t), z - 0.05), (x + 0.2 * h * t, 0.62 * h, z - 0.03)
        w.rod((x, 0.25 * h, z), mid, 0.012 * h, colour * 0.75, r1=0.04 * h)
        w.rod(mid, tip, 0.045 * h, colour * (0.85 + 0.3 * ((i * 0.61) % 1)), r1=0.008 * h)


def target(w: Painting, x, z, r):
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


def bale(w: Painting, x, z, ww, y0, y1, colour=rgb("c9a55b")):
    w.box(x, z, ww, 0.7, y0, y1, colour)
    w.surface(
        2,
        z - 0.351,
        x - ww / 2,
        y0,
        x + ww / 2,
        y1,
        lambda a, b, pa, pb: (
            colour * (0.78 + 0.4 * noise(a * 2.5, b * 9) - 0.3 * lines(b - F(y0), 0.28, 0.02, pb))[..., None]
        ),
    )


def hoop(w: Painting, x, z, y=2.6, colour=rgb("d2452f"), pole=None):
    """A basketball backboard with rim and net; on a pole when its colour is given."""
    if pole is not None:
        w.shadow(x, z + 0.6, 0.5, 0.3)
        w.rod((x, 0, z + 0.7), (x, y, z + 0.7), 0.09, pole)
        w.rod((x, y - 0.1, z + 0.7), (x, y + 0.3, z), 0.06, pole)

    def board(a, b, pa, pb):
        a, b = a - F(x), b - F(y)
        edge = 1 - inside(a, -0.86, 0.86, pa) * inside(b, -0.02, 1.02, pb)
        inner = (
            inside(a, -0.31, 0.31, pa)
            * inside(b, 0.1, 0.56, pb)
            * (1 - inside(a, -0.24, 0.24, pa) * inside(b, 0.17, 0.49, pb))
        )
        return mix(rgb("f2f1ec") * (1 - F(0.1) * b)[..., None], colour, np.maximum(edge, inner))

    w.surface(2, z, x - 0.92, y - 0.08, x + 0.92, y + 1.08, board)
    rim = y + 0.1
    for i in range(6):
        t = np.pi * (i + 0.5) / 6
        w.rod(
            (x + 0.25 * np.cos(t), rim, z - 0.28 - 0.1 * np.sin(t)),
            (x + 0.13 * np.cos(t + 0.5), rim - 0.45, z - 0.28),
            0.012,
            rgb("f5f3ee"),
            0,
        )
    w.surface(1, rim, x - 0.32, z - 0.6, x + 0.32, z, ring(colour, x, z - 0.29, 0.26, 0.06))
    w.rod((x - 0.26, rim, z - 0.3), (x + 0.26, rim, z - 0.3), 0.03, colour)


def rail(w: Painting, _x, _z, points, y=0.75, colour=rgb("b9bec2")):
    """A road's guard rail along floor points [(x, z), ...], far to near."""
    for (x0, z0), (x1, z1) in zip(points, points[1:]):
        w.rod((x0, 0, z0), (x0, y, z0), 0.06, colour * 0.6)
        for lo, hi, k in ((-0.32, -0.16, 0.78), (-0.16, 0.0, 1.0)):
            w.face([(x0, y + lo, z0), (x1, y + lo, z1), (x1, y + hi, z1), (x0, y + hi, z0)], colour * k)


def ropes(w: Painting, _x, _z, corners, y0=0.0, colours=("c8372f", "e9e6df", "2f57a8"), posts=("c8372f", "2f57a8")):
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


def rack(w: Painting, x, z, width=2.2, frame=rgb("3a3d42"), accent=rgb("2b2d31")):
    """A two-tier dumbbell rack."""
    n = int(width / 0.36)

    def row(y):
        def tex(a, b, pa, pb):
            p = (a - F(x - width / 2)) * F(n / width)
            i = np.floor(p)
            p, r = (p - i - F(0.5)) * F(width / n), F(0.08) + F(0.05 / n) * i
            weight = ((np.abs(p) - F(0.11)) / F(0.05)) ** 2 + ((b - F(y + 0.11)) / r) ** 2
            bar = inside(b, y + 0.09, y + 0.13, pb) * inside(p, -0.1, 0.1, pa)
            cover = np.clip((1 - np.sqrt(weight)) * F(0.05) / pa + F(0.5), 0, 1)
            shade = accent * (1.2 - 0.9 * (b - F(y + 0.22)) / F(-0.22))[..., None]
            return mix(rgb("aeb3b8"), shade + 0 * p[..., None], cover), np.maximum(cover, bar)

        return tex

    w.shadow(x, z, width / 2 + 0.15, 0.4)
    for s in (-1, 1):
        w.box(x + s * width / 2, z, 0.08, 0.5, 0, 1.05, frame, shadow=False)
    for y, dz in ((0.92, 0.12), (0.45, -0.08)):
        w.box(x, z + dz, width, 0.3, y - 0.07, y, frame * 1.3, shadow=False)
        w.surface(2, z + dz - 0.05, x - width / 2, y, x + width / 2, y + 0.26, row(y))


def plates(w: Painting, x, z, colours=("c23a31", "2d5f9e", "e0b73a")):
    """A stand with coloured weight plates."""
    w.shadow(x, z, 0.4, 0.25)
    w.rod((x, 0, z), (x, 1.25, z), 0.04, rgb("4a4d52"))
    for i, c in enumerate(colours):
        for s in (-1, 1):
            xx, y, r = x + 0.2 * s, 0.3 + 0.38 * i, 0.21 - 0.03 * i
            w.disc(xx + 0.03, y, z - 0.02, r, rgb(c) * 0.6)
            w.disc(xx, y, z - 0.04, r, rgb(c))
            w.disc(xx, y, z - 0.05, 0.35 * r, rgb("c9ccce"))


def weight_bench(w: Painting, x, z, colour, turn=0.0):
    """A padded bench with a raised back rest."""
    c, s = np.cos(turn), np.sin(turn)
    w.shadow(x, z, 0.7, 0.3)
    for p in (-0.45, 0.35):
        w.box(x + p * c, z + p * s, 0.07, 0.34, 0, 0.38, rgb("4b4e53"), turn, shadow=False)
    w.box(x - 0.2 * c, z - 0.2 * s, 0.75, 0.32, 0.38, 0.47, colour, turn, shadow=False)
    q, e = [], 0.16
    for p, y in ((0.2, 0.42), (0.75, 0.98)):
        q += [(x + p * c + e * s, y, z + p * s - e * c), (x + p * c - e * s, y, z + p * s + e * c)]
    w.rod((x + 0.35 * c, 0.1, z + 0.35 * s), (x + 0.62 * c, 0.8, z + 0.62 * s), 0.03, rgb("4b4e53"))
    w.face([q[0], q[2], q[3], q[1]], colour * 1.15)
    w.face(
        [q[0], q[2], (q[2][0] + 0.07, q[2][1] - 0.04, q[2][2]), (q[0][0] + 0.07, q[0][1] - 0.04, q[0][2])], colour * 0.8
    )


def ficus(w: Painting, x, z, h, colour, pot=rgb("8f9a94")):
    """A small tree in a pot."""
    w.cylinder(x, z, 0.13 * h, 0, 0.24 * h, pot, r1=0.16 * h, top=rgb("4a382c"))
    w.rod((x, 0.24 * h, z), (x + 0.02, 0.6 * h, z), 0.018 * h, rgb("6b5138"))
    w.leaves(x - 0.08 * h, 0.68 * h, z, 0.2 * h, 0.2 * h, colour * 0.85)
    w.leaves(x + 0.06 * h, 0.8 * h, z, 0.22 * h, 0.22 * h, colour)


def bench(w: Painting, x, z, colour, legs=rgb("3b3d41"), turn=0.0, length=1.2, y=0.45, width=0.34):
    for s in (-1, 1):
        c, n = s * length * 0.4 * np.cos(turn), s * length * 0.4 * np.sin(turn)
        w.box(x + c, z + n, 0.08, width * 0.8, 0, y - 0.06, legs, turn)
    w.box(x, z, length, width, y - 0.07, y, colour, turn, shadow=False)


def flag(w: Painting, x, z, h=2.2, colour=rgb("d8332b"), side=1):
    w.shadow(x, z, 0.2, 0.1)
    w.disc(x, 0.005, z, 0.16, rgb("1f2a1c"), axis=1)
    w.rod((x, 0, z), (x, h, z), 0.035, rgb("f2efe6"))
    w.face([(x, h, z), (x + 0.95 * side, h - 0.24, z), (x, h - 0.55, z)], colour)


def slide(w: Painting, x, z, side=1, colour=rgb("d8453a"), post=rgb("3a6ea5"), roof=rgb("e8b93c")):
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
    near, far = (base[1], base[2]) if x < 0 else (base[0], base[3])
    w.face([near, far, tip], colour * 0.7)
    a, b = x + 0.5 * side, x + 2.3 * side
    w.shadow(x + 1.6 * side, z, 0.9, 0.35, 0.8)
    w.face([(a, 1.3, z + 0.3), (b, 0.22, z + 0.3), (b, 0.42, z + 0.3), (a, 1.52, z + 0.3)], colour * 0.8)
    w.face([(a, 1.28, z - 0.3), (b, 0.2, z - 0.3), (b, 0.2, z + 0.3), (a, 1.28, z + 0.3)], mix(colour, 1, 0.3))
    w.face([(a, 1.24, z - 0.3), (b, 0.16, z - 0.3), (b, 0.4, z - 0.3), (a, 1.5, z - 0.3)], colour)


def swings(w: Painting, x, z, width=2.6, h=2.3, colour=rgb("3a6ea5"), seats=("d8453a", "e8b93c")):
    w.shadow(x, z, width / 2, 0.4, 0.6)
    for s in (-1, 1):
        for dz in (0.7, -0.7):
            w.rod((x + s * width / 2, 0, z + dz), (x + s * width / 2.2, h, z), 0.055, colour)
    w.rod((x - width / 2.2, h, z), (x + width / 2.2, h, z), 0.06, colour)
    for i, c in enumerate(seats):
        xx, swing = x + (i - (len(seats) - 1) / 2) * width / (len(seats) + 0.4), 0.25 * (i - 0.4)
        for dx in (-0.2, 0.2):
            w.rod((xx + dx, h, z), (xx + dx, 0.55, z - swing), 0.012, rgb("6c6f73"), 0)
        w.box(xx, z - swing, 0.46, 0.18, 0.5, 0.56, rgb(c), shadow=False)


def dome(w: Painting, x, z, r=1.3, colour=rgb("4c9a6a")):
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


def speaker(w: Painting, x, z, y0=0.0, h=1.1, width=0.62, colour=rgb("26262b"), turn=0.0):
    w.box(x, z, width, 0.5, y0, y0 + h, colour, turn)
    zz = z - 0.26 - abs(np.sin(turn)) * 0.12
    for y, r in ((0.32, 0.24), (0.74, 0.16)):
        w.disc(x, y0 + y * h / 1.1, zz, r, colour * 2.0)
        w.disc(x, y0 + y * h / 1.1, zz, 0.78 * r, colour * 0.6)
        w.disc(x, y0 + y * h / 1.1, zz, 0.3 * r, colour * 1.8)


def drums(w: Painting, x, z, colour=rgb("b4352d")):
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


def house(w: Painting, x, z, width, h, wall, roof, door, depth=4.0, gable=False):
    """A house front with door and windows; the roof slopes to the viewer or shows its `gable`."""
    glass, frame = rgb("7d93a3"), rgb("f0ece2")
    front = windows(plaster(wall), width / 3, 1.5, 0.35, 0.75, 1.0, glass, frame)
    w.box(x, z + depth / 2, width, depth, 0, h, wall)
    w.surface(
        2,
        z,
        x - width / 2,
        0,
        x + width / 2,
        h,
        lambda a, b, pa, pb: front(a - F(x - width / 2), b, pa, pb),
        ao=(0, 0.3, 0, 0.2),
    )
    w.box(x, z - 0.05, 0.95, 0.1, 0, 2.05, frame, shadow=False)
    w.box(x, z - 0.08, 0.75, 0.1, 0, 1.95, door, shadow=False)
    a, b, e = x - width / 2 - 0.2, x + width / 2 + 0.2, 0.35
    if gable:
        w.face([(a + 0.2, h, z), (b - 0.2, h, z), (x, h + 0.42 * width, z)], wall)
        for s, q in ((a, 0.75), (b, 1.0)):
            w.face(
                [
                    (s, h - 0.1, z - e),
                    (x, h + 0.42 * width + 0.1, z - e),
                    (x, h + 0.42 * width + 0.35, z - e),
                    (s, h + 0.15, z - e),
                ],
                roof * q,
            )
    else:
        w.box(x + width * 0.28, z + depth * 0.4, 0.5, 0.5, h, h + 2.0, rgb("8b5a48"), shadow=False)
        w.face(
            [
                (a, h - 0.12, z - e),
                (b, h - 0.12, z - e),
                (b - 0.25, h + 1.5, z + depth / 2),
                (a + 0.25, h + 1.5, z + depth / 2),
            ],
            roof,
        )
        for t in (0.25, 0.5, 0.75):
            w.rod((a, h + 1.5 * t, z - e + t * 2), (b, h + 1.5 * t, z - e + t * 2), 0.02, roof * 0.8, 0)
        w.face([(a, h - 0.26, z - e), (b, h - 0.26, z - e), (b, h - 0.1, z - e), (a, h - 0.1, z - e)], frame * 0.95)


def lamp_post(w: Painting, x, z, h=3.6, colour=rgb("33383b"), arm=0.0):
    w.shadow(x, z, 0.3, 0.2)
    w.cylinder(x, z, 0.11, 0, 0.4, colour, r1=0.08, shadow=False)
    w.rod((x, 0, z), (x, h, z), 0.05, colour)
    w.rod((x, h, z), (x + arm, h + 0.05, z), 0.04, colour)
    w.ball(x + arm, h + (0.18 if not arm else -0.06), z, 0.2, rgb("f7eecb"), ry=0.2 if not arm else 0.1, round_=0.2)


def car(w: Painting, x, z, colour, length=3.6):
    """A parked car seen from the side."""
    w.shadow(x, z, length / 2 + 0.2, 0.9, 1.1)
    w.box(x, z, length, 1.5, 0.28, 0.82, colour, shadow=False)
    lo, hi, n, f = 0.82, 1.36, z - 0.7, z + 0.7
    a, b = x - 0.3 * length, x + 0.36 * length
    w.face([(a, lo, n), (b, lo, n), (b - 0.5, hi, n + 0.12), (a + 0.45, hi, n + 0.12)], colour * 0.95)
    w.face(
        [(a + 0.45, hi, n + 0.12), (b - 0.5, hi, n + 0.12), (b - 0.5, hi, f), (a + 0.45, hi, f)],
        colour,
        normal=(0, 1, 0),
    )
    for p, q in ((a + 0.16, x - 0.02), (x + 0.06, b - 0.16)):
        s, t = 0.3 if p < x else 0.04, 0.04 if p < x else 0.34
        w.face(
            [
                (p, lo + 0.04, n - 0.01),
                (q, lo + 0.04, n - 0.01),
                (q - t, hi - 0.08, n + 0.1),
                (p + s, hi - 0.08, n + 0.1),
            ],
            rgb("4c5d69"),
        )
    for s in (-0.3, 0.31):
        w.ball(x + s * length, 0.32, z - 0.74, 0.32, rgb("1f2022"), round_=0.2)
        w.ball(x + s * length, 0.32, z - 0.76, 0.16, rgb("a9adb0"), round_=0.2)


def bed(
    w: Painting,
    x,
    z,
    sheet=rgb("f2f0ea"),
    blanket=rgb("5d7fa3"),
    frame=rgb("8a6244"),
    hospital=False,
    across=1,
    raised=0.0,
    length=2.0,
    width=1.0,
):
    """A bed from side to side (`across` = +-1: the pillow's end) or along the view (0: pillow at the far end).

    With `hospital` it has rails, wheels and a raised back rest.
    """

    def part(l0, l1, s0, s1, y0, y1, colour, top=None, shadow=False):
        # l0, l1: along the bed, the head at +; s0, s1: across it, the far or right side at +
        at, s, dl, ds = (l0 + l1) / 2, (s0 + s1) / 2, l1 - l0, s1 - s0
        if across:
            w.box(x + at * across, z + s, dl, ds, y0, y1, colour, top=top, shadow=shadow)
        else:
            w.box(x + s, z + at, ds, dl, y0, y1, colour, top=top, shadow=shadow)

    hl, hw, y = length / 2, width / 2, 0.5 if hospital else 0.34
    w.shadow(x, z, (hl if across else hw) + 0.25, (hw if across else hl) + 0.2, 1.2)
    steel = rgb("c3c8cb")
    part(hl - 0.02, hl + 0.06, -hw, hw, 0.12, y + 0.62 + raised, frame)
    if hospital:
        for at in (-0.75, 0.75):
            for s in (0.35, -0.35):
                px, pz = (x + at * across, z + s) if across else (x + s, z + at)
                w.rod((px, 0.08, pz), (px, y, pz), 0.035, steel * 0.8)
                w.ball(px, 0.07, pz, 0.07, rgb("333639"))
    else:
        part(-hl, hl, -hw, hw, 0.1, y, frame)
    part(-hl, hl, -hw, hw, y - 0.06, y + 0.16, sheet * 0.96)
    if raised:
        e, t = 0.25, y + 0.16 + raised
        pts = (
            [
                (x + e * across, y + 0.16, z - hw),
                (x + hl * across, t, z - hw),
                (x + hl * across, t, z + hw),
                (x + e * across, y + 0.16, z + hw),
            ]
            if across
            else [(x - hw, y + 0.16, z + e), (x + hw, y + 0.16, z + e), (x + hw, t, z + hl), (x - hw, t, z + hl)]
        )
        if across:
            w.face([pts[0], pts[1], (x + hl * across, y + 0.1, z - hw)], sheet * 0.8)
        w.face(pts, sheet * 0.98)
    part(
        hl - 0.5,
        hl - 0.08,
        -hw + 0.12,
        hw - 0.12,
        y + 0.14 + 0.75 * raised,
        y + 0.29 + 0.85 * raised,
        mix(sheet, 1, 0.4),
    )
    part(-hl - 0.03, 0.3, -hw - 0.03, hw + 0.03, y - (0.08 if hospital else 0.2), y + 0.24, blanket)
    part(0.18, 0.34, -hw - 0.025, hw + 0.025, y - 0.02, y + 0.25, mix(sheet, 1, 0.2))
    if hospital:
        part(-hl - 0.09, -hl - 0.03, -hw, hw, 0.25, y + 0.3, frame)
    for s in (hw + 0.04, -hw - 0.04) if hospital else ():
        for yy in (y + 0.28, y + 0.46):
            p, q = (
                ((x - 0.5, yy, z + s), (x + 0.6, yy, z + s)) if across else ((x + s, yy, z - 0.5), (x + s, yy, z + 0.6))
            )
            w.rod(p, q, 0.022, steel)
        for at in (-0.5, 0.05, 0.6):
            px, pz = (x + at, z + s) if across else (x + s, z + at)
            w.rod((px, y, pz), (px, y + 0.46, pz), 0.02, steel)


def drip(w: Painting, x, z, h=1.9):
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


def monitor(w: Painting, x, z, y=1.35, stand=True, trace=rgb("58d68a")):
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


def chair(w: Painting, x, z, colour=rgb("a9794a"), seat=None, back=1, turn=0.0):
    """A chair; its back is at the far side (back = 1) or the near one (-1)."""
    c, s = np.cos(turn), np.sin(turn)

    def at(p, q):
        return x + p * c - q * s, z + p * s + q * c

    w.shadow(x, z, 0.32, 0.28)

    def backrest():
        for p in (-0.19, 0.19):
            px, pz = at(p, 0.2 * back)
            w.rod((px, 0.45, pz), (px, 0.92, pz), 0.025, colour)
        px, pz = at(0, 0.2 * back)
        w.box(px, pz, 0.44, 0.04, 0.66, 0.92, colour, turn, shadow=False)

    if back > 0:
        backrest()
    for p, q in ((-0.19, 0.19), (0.19, 0.19), (-0.19, -0.19), (0.19, -0.19)):
        px, pz = at(p, q)
        w.rod((px, 0, pz), (px, 0.43, pz), 0.024, colour * 0.85)
    w.box(x, z, 0.46, 0.46, 0.42, 0.48, colour if seat is None else seat, turn, shadow=False)
    if back < 0:
        backrest()


def table(w: Painting, x, z, ww, d, y, colour, legs=None):
    legs = colour * 0.8 if legs is None else legs
    w.shadow(x, z, ww / 2, d / 2)
    for p, q in ((-1, 1), (1, 1), (-1, -1), (1, -1)):
        w.rod(
            (x + p * (ww / 2 - 0.06), 0, z + q * (d / 2 - 0.06)),
            (x + p * (ww / 2 - 0.06), y, z + q * (d / 2 - 0.06)),
            0.03,
            legs,
        )
    w.box(x, z, ww, d, y - 0.05, y, colour, shadow=False)


def lamp(w: Painting, x, z, y0, h, shade=rgb("f3dfb0"), foot=rgb("7a6a58"), r=0.2):
    """A lamp with a glowing shade."""
    if y0 == 0:
        w.shadow(x, z, 0.25, 0.2)
    w.cylinder(x, z, 0.45 * r, y0, y0 + 0.04, foot, shadow=False)
    w.rod((x, y0, z), (x, y0 + h, z), 0.02, foot)
    w.cylinder(x, z, r, y0 + h - 0.05, y0 + h + 0.28, shade, r1=0.65 * r, shadow=False)
    w.surface(
        2,
        z + 0.05,
        x - 1.2,
        y0 + h - 1,
        x + 1.2,
        y0 + h + 1.3,
        halo(x, y0 + h + 0.12, 0.9, rgb("ffdf9a"), 0.4),
        glow=True,
    )


def cliff(w: Painting, _x, z, rock, moss):
    """A rock face at depth z, rising to the left."""

    def top(x):
        return np.clip(-1.1 - x, 0, 9) * 1.9 * (0.55 + 0.9 * noise(x * 0.35, 0 * x + 1, 3)) + 0.5 * (
            noise(x * 2, 0 * x, 3) - 0.5
        )

    def tex(x, y, pa, pb, t):
        strata = noise(x * 0.3 + y * 0.12, y * 0.9 - x * 0.25, 4)
        crack = np.clip(1 - np.abs(noise(x * 0.8, y * 0.35 + 5, 4) - 0.5) * 30, 0, 1)
        tone = 0.5 + 0.45 * strata + 0.45 * (noise(x * 1.6 + y * 0.5, y * 2.2, 4) - 0.3) - 0.22 * crack
        return mix(
            rock * tone[..., None],
            moss * (0.7 + 0.5 * strata)[..., None],
            np.clip((y - t + 0.4) * 2 + (strata - 0.5) * 4, 0, 0.85),
        )

    w.ridge(z, top, tex)


def road_sign(w: Painting, x, z):
    w.rod((x, 0, z), (x, 2.0, z), 0.035, rgb("9a9ea2"))
    for r, c in ((0.42, rgb("c8372f")), (0.3, rgb("f3efe4"))):
        w.face([(x - r, 1.85 - 0.55 * r, z - r * 0.01), (x + r, 1.85 - 0.55 * r, z), (x, 1.85 + 1.1 * r, z)], c)


def punch_bag(w: Painting, x, z, colour):
    w.shadow(x, z, 0.25, 0.2, 0.5)
    w.rod((x, 1.8, z), (x, 4.2, z), 0.015, rgb("8d8f92"), 0)
    w.cylinder(x, z, 0.2, 0.75, 1.75, colour, shadow=False)
    w.cylinder(x, z, 0.205, 1.3, 1.4, rgb("d9d2c4"), shadow=False)


def ceiling_lamp(w: Painting, x, z, y, colour=rgb("2d2f33"), top=4.2):
    w.rod((x, y, z), (x, top, z), 0.012, colour, 0)
    w.cylinder(x, z, 0.3, y - 0.18, y, colour, r1=0.08, shadow=False)
    w.ball(x, y - 0.18, z, 0.2, rgb("fff2cc"), ry=0.06, round_=0)
    w.surface(2, z, x - 1.4, y - 1.7, x + 1.4, y + 0.6, halo(x, y - 0.25, 0.8, rgb("ffe0a0"), 0.16), glow=True)


def power_rack(w: Painting, x, z, colour):
    w.shadow(x, z, 0.8, 0.5)
    for dz in (0.6, -0.3):
        for s in (-0.6, 0.6):
            w.rod((x + s, 0, z + dz), (x + s, 2.3, z + dz), 0.05, colour)
        w.rod((x - 0.6, 2.28, z + dz), (x + 0.6, 2.28, z + dz), 0.05, colour)
    w.rod((x - 1.0, 1.3, z - 0.4), (x + 1.0, 1.3, z - 0.4), 0.025, rgb("c5c9cc"))
    for s in (-0.85, 0.85):
        w.ball(x + s, 1.3, z - 0.4, 0.07, rgb("26282c"), ry=0.3, round_=0.4)


def kettlebell(w: Painting, x, z, colour):
    w.shadow(x, z, 0.16, 0.12)
    w.ball(x, 0.13, z, 0.13, colour)
    w.rod((x - 0.07, 0.24, z), (x + 0.07, 0.3, z), 0.03, colour)


def wall_bars(w: Painting, x, z, colour=rgb("b98a55")):
    """Gymnastic wall bars a metre wide."""

    def tex(a, b, pa, pb):
        return colour, np.maximum(lines(b, 0.19, 0.06, pb) + 0 * a, 1 - inside(a, x - 0.45, x + 0.45, pa))

    w.surface(2, z, x - 0.5, 0.2, x + 0.5, 2.7, tex)


def shelter(w: Painting, x, z, wood=rgb("6e4f36"), roof=rgb("8d4f3d")):
    """A pent roof on two posts."""
    for dx in (-1.35, 1.35):
        w.rod((x + dx, 0, z + 0.1), (x + dx, 2.5, z + 0.1), 0.08, wood)
    w.face([(x - 1.8, 2.35, z), (x + 1.7, 2.35, z), (x + 1.5, 3.2, z + 2.6), (x - 1.6, 3.2, z + 2.6)], roof)


def raised_ring(w: Painting, x, z, width, apron):
    """A boxing ring on a platform whose front is at depth z; `apron` is the colour of its skirt."""
    x0, x1, posts = x - width / 2, x + width / 2, ("c8372f", "c8372f", "2f57a8", "2f57a8")
    a, b = x0 + 0.2, x1 - 0.2
    w.box(x, z + 1.2, width, 2.4, 0, 0.62, apron, top=rgb("b9c3c6"))
    w.surface(2, z - 0.01, x0, 0.5, x1, 0.62, flat(rgb("e6e1d4")))
    ropes(w, x, z, [(a, z + 0.2), (a, z + 2.2), (b, z + 2.2), (b, z + 0.2)], 0.62, posts=posts)
    ropes(w, x, z, [(a, z + 0.2), (b, z + 0.2)], 0.62, posts=(posts[0], posts[2]))


def tap(w: Painting, x, z, y=0.94, steel=rgb("c9cdd0")):
    """A tap at the back of a worktop whose front is at depth z."""
    z = z + 0.42
    w.rod((x, y, z), (x, y + 0.26, z), 0.018, steel)
    w.rod((x, y + 0.26, z), (x, y + 0.22, z - 0.2), 0.018, steel)


def jar(w: Painting, x, z, y, h, colour):
    """A jar at the back of a worktop whose front is at depth z."""
    w.cylinder(x, z + 0.4, 0.07, y, y + h, colour, shadow=False)


def fruit(w: Painting, x, z, y):
    """A bowl of fruit."""
    w.ball(x, y + 0.06, z, 0.16, rgb("e9e4d8"), ry=0.07)
    for dx, c in ((-0.06, "d0522f"), (0.06, "e0b73a")):
        w.ball(x + dx, y + 0.13, z, 0.06, rgb(c))


def microphone(w: Painting, x, z):
    w.shadow(x, z, 0.25, 0.2)
    w.cylinder(x, z, 0.17, 0, 0.04, rgb("1f1f22"))
    w.rod((x, 0, z), (x, 1.5, z), 0.016, rgb("a9adb2"))
    w.rod((x, 1.5, z), (x + 0.14, 1.6, z - 0.1), 0.04, rgb("2a2a2e"))


def drape(w: Painting, x, z, x1, colour, y0=0.0, y1=6.0, period=0.36, scallop=0.0):
    """A hanging cloth from x to x1 at depth z; `scallop` metres of waves along its lower hem."""
    cloth = folds(colour, period)

    def tex(a, b, pa, pb):
        hem = F(y0 + scallop / 2) + F(scallop) * np.abs(np.sin(a * F(2.1)))
        return cloth(a, b, pa, pb), np.clip((b - hem) / pb + F(0.5), 0, 1)

    w.surface(2, z, min(x, x1), y0, max(x, x1), y1, tex if scallop else cloth, ao=(0, 0 if y0 else 0.4, 0, 0))


def footlight(w: Painting, x, z):
    w.ball(x, 0.06, z, 0.08, rgb("ffe9b0"), round_=0)


def seesaw(w: Painting, x, z, beam, post):
    w.shadow(x, z, 1.1, 0.25)
    w.cylinder(x, z, 0.16, 0, 0.4, post, r1=0.08)
    w.rod((x - 1.2, 0.18, z), (x + 1.2, 0.66, z), 0.06, beam)
    for dx, y in ((-0.95, 0.22), (0.95, 0.62)):
        w.rod((x + dx, y, z), (x + dx, y + 0.23, z), 0.03, post)


def lantern(w: Painting, x, z, y=2.5):
    """A paper lantern hanging from the ceiling."""
    w.rod((x, y, z), (x, y + 1.1, z), 0.01, rgb("8a8578"), 0)
    w.ball(x, y, z, 0.26, rgb("f7efdb"), round_=0.25)


def exercise_ball(w: Painting, x, z, colour):
    w.shadow(x, z, 0.36, 0.25)
    w.ball(x, 0.33, z, 0.33, colour)


def hedge(w: Painting, x, z, width, colour):
    w.box(x, z, width, 0.5, 0, 0.8, colour * 0.85)
    w.leaves(x, 0.75, z, 0.52 * width, 0.3, colour)


def litter_bin(w: Painting, x, z, colour):
    w.box(x, z, 0.42, 0.36, 0, 0.95, colour)
    w.box(x, z, 0.48, 0.42, 0.95, 1.05, rgb("3a3f44"), shadow=False)


def locker(w: Painting, x, z, colour=rgb("cfd4d6")):
    """A bedside locker with drawers."""
    w.box(x, z, 0.6, 0.45, 0, 0.85, colour)
    w.surface(2, z - 0.23, x - 0.3, 0.1, x + 0.3, 0.83, panels(colour, rgb("7f868a"), 0.6, 0.24, 0.1))


def bed_curtain(w: Painting, x, z, z1, colour):
    """A curtain drawn along the view on its ceiling rail, from depth z to the wall at z1."""
    w.surface(0, x, z, 0.35, z1, 2.25, folds(colour, 0.22, 0.4))
    w.rod((x, 2.28, z - 0.9), (x, 2.28, z1), 0.02, rgb("c3c8cb"))


def mats_on_shelf(w: Painting, x, z, colours):
    """Rolled yoga mats seen end-on, on two low boards."""
    for y in (0.0, 0.4):
        w.box(x, z + 0.2, 1.5, 0.36, y, y + 0.07, rgb("b98f63"), shadow=not y)
        for i in range(6):
            if y and i % 3 == 2:
                continue
            c, xx = colours[(i + bool(y)) % len(colours)], x - 0.6 + 0.24 * i
            w.disc(xx, y + 0.19, z, 0.11, c)
            w.disc(xx, y + 0.19, z - 0.005, 0.05, c * 0.6)


def cabinets(w: Painting, x, z, x1, depth, y0, y1, colour, knob, top=None):
    """Cupboards from x to x1 whose doors are at depth z; with a worktop colour `top` they stand on a plinth."""
    mid, ww = (x + x1) / 2, x1 - x
    if top is not None:
        w.box(mid, z + depth / 2 + 0.03, ww, depth - 0.06, 0, y0, colour * 0.4)
    w.box(mid, z + depth / 2, ww, depth, y0, y1, colour, shadow=False)
    w.surface(2, z - 0.005, x, y0, x1, y1, panels(colour, colour * 0.55, 0.6, y1 - y0, y0, handle=knob))
    if top is not None:
        w.box(mid, z + depth / 2 - 0.01, ww + 0.04, depth + 0.06, y1, y1 + 0.06, top, shadow=False)


def oven(w: Painting, x, z, ceiling):
    """An oven front in a run of cupboards at depth z, with a hob, a pot and a hood up to the ceiling."""

    def front(a, b, pa, pb):
        across = inside(a, x - 0.25, x + 0.25, pa)
        out = mix(rgb("c9cccd"), rgb("22262a"), across * inside(b, 0.2, 0.62, pb))
        return mix(out, rgb("4f5458"), across * inside(b, 0.66, 0.69, pb))

    w.surface(2, z - 0.01, x - 0.3, 0.14, x + 0.3, 0.86, front)
    w.box(x, z + 0.3, 0.56, 0.5, 0.94, 0.955, rgb("2a2d30"), shadow=False)
    w.cylinder(x - 0.1, z + 0.3, 0.13, 0.955, 1.12, rgb("b5483c"), shadow=False)
    w.box(x, z + 0.42, 0.6, 0.4, 1.65, 1.75, rgb("b9bec1"), shadow=False)
    w.box(x, z + 0.5, 0.26, 0.24, 1.75, ceiling, rgb("c9cdd0"), shadow=False)


def fridge(w: Painting, x, z, colour):
    w.box(x, z + 0.34, 0.78, 0.68, 0.02, 1.85, colour)

    def front(a, b, pa, pb):
        handles = inside(a, x - 0.33, x - 0.29, pa) * np.maximum(inside(b, 0.75, 1.15, pb), inside(b, 1.28, 1.55, pb))
        return mix(
            colour * (0.9 + 0.08 * b)[..., None] + 0 * a[..., None],
            colour * 0.45,
            np.maximum(inside(b, 1.2, 1.23, pb) + 0 * a, handles),
        )

    w.surface(2, z - 0.01, x - 0.39, 0.02, x + 0.39, 1.85, front)


def wardrobe(w: Painting, x, z, wood, knob=rgb("d9b36a")):
    w.box(x, z + 0.3, 1.1, 0.6, 0, 2.05, wood)
    doors = panels(wood, wood * 0.5, 0.55, 1.92, 0.08, handle=knob)
    w.surface(2, z - 0.005, x - 0.55, 0.08, x + 0.55, 2.0, lambda a, b, pa, pb: doors(a - F(x - 0.55), b, pa, pb))


def nightstand(w: Painting, x, z, wood):
    """A bedside cabinet with a lamp."""
    w.box(x, z, 0.46, 0.4, 0, 0.52, wood)
    w.surface(
        2, z - 0.205, x - 0.23, 0.05, x + 0.23, 0.5, panels(wood, wood * 0.6, 0.46, 0.23, 0.04, handle=rgb("d9b36a"))
    )
    lamp(w, x, z, 0.52, 0.3)


def halo(x, y, r, colour, strength):
    """Overlay texture of a glow fading with distance from (x, y)."""
    return lambda a, b, pa, pb: (
        colour,
        F(strength) * np.exp(-(((a - F(x)) / F(r)) ** 2 + ((b - F(y)) / F(r)) ** 2) * 2),
    )


def wedge(x, y0, x1, y1, r0, r1, colour, strength):
    """Overlay texture of a light beam from (x, y0) down to (x1, y1), widening from r0 to r1."""

    def tex(a, b, pa, pb):
        t = np.clip((F(y0) - b) / F(y0 - y1), 0, 1)
        q = (a - F(x) - F(x1 - x) * t) / (F(r0) + F(r1 - r0) * t)
        return colour, F(strength) * np.exp(-2.2 * q * q) * (1 - F(0.75) * t) * (b < y0) * np.ones_like(q)

    return tex


def frame_on_wall(w: Painting, x, z, y, ww, h, colour, picture):
    w.surface(
        2,
        z,
        x - ww / 2,
        y - h / 2,
        x + ww / 2,
        y + h / 2,
        lambda a, b, pa, pb: mix(
            picture * (0.75 + 0.5 * noise((a - F(x)) / ww * 2 + x, (b - F(y)) / h * 2))[..., None],
            colour,
            1 - inside(a, x - ww / 2 + 0.05, x + ww / 2 - 0.05, pa) * inside(b, y - h / 2 + 0.05, y + h / 2 - 0.05, pb),
        ),
    )


def big_window(
    w: Painting, x0, x1, y0, y1, z, frame=rgb("f3f1ea"), bars=(2, 2), green=0.35, sky=rgb("cfe3ee"), dark=False
):
    """A window in a back wall with sky and foliage behind its panes, by night when `dark`."""

    def tex(a, b, pa, pb):
        t = (b - F(y0)) / F(y1 - y0)
        n = noise(a * 2.6 + 2, b * 2.6 + 5, 3)
        crown = np.clip((F(green) + 0.55 * (noise(a * 1.3 + 2, 0 * b + 5, 4) - F(0.5)) - t) * 14, 0, 1)
        view = mix(sky * (0.92 + 0.12 * t)[..., None], mix(rgb("6f8f5c"), rgb("b5c995"), n), 0.85 * crown)
        view = mix(view, rgb("9fb87f"), 0.8 * np.clip((0.13 - t) * 30, 0, 1) + 0 * a)
        if dark:
            view = view * rgb("4a5c86")
        bar = np.maximum(
            lines(a - F(x0), (x1 - x0) / bars[0], 0.07, pa), lines(b - F(y0), (y1 - y0) / bars[1], 0.06, pb)
        )
        return mix(view, frame, bar)

    w.surface(
        2, z, x0 - 0.06, y0 - 0.06, x1 + 0.06, y1 + 0.06, lambda a, b, pa, pb: frame * 0.92 + 0 * (a + b)[..., None]
    )
    w.surface(2, z - 0.01, x0, y0, x1, y1, tex)
    w.box((x0 + x1) / 2, z - 0.08, x1 - x0 + 0.3, 0.16, y0 - 0.1, y0 - 0.04, frame, shadow=False)


def sunlight(w: Painting, x, z, width, depth, skew=0.6, strength=0.2):
    """A patch of window light on the floor."""
    w.face(
        [(x, 0.001, z), (x + width, 0.001, z), (x + width + skew, 0.001, z - depth), (x + skew, 0.001, z - depth)],
        (1.0, 0.95, 0.8),
        alpha=strength,
    )


def fence(w: Painting, x0, z, x1, h, colour, mesh=True, y0=0.0):
    """A wire-mesh (or picket) fence across the view."""

    def tex(a, b, pa, pb):
        if mesh:
            return colour, np.maximum(lines(a + b, 0.12, 0.02, pa), lines(a - b, 0.12, 0.02, pa)) * F(0.75)
        slat = colour * (0.9 + 0.2 * cell(np.floor(a / F(0.16))))[..., None] + 0 * b[..., None]
        return slat, np.maximum(1 - lines(a, 0.16, 0.06, pa), inside(b, y0 + 0.25 * h, y0 + 0.35 * h, pb)) * inside(
            b, y0, y0 + h * 0.98, pb
        )

    w.surface(2, z, x0, y0, x1, y0 + h, tex)
    if mesh:
        w.rod((x0, y0 + h, z), (x1, y0 + h, z), 0.03, colour)
        for x in np.arange(np.ceil(x0 / 2) * 2, x1, 2.0):
            w.rod((x, y0, z), (x, y0 + h, z), 0.035, colour)


def person(w: Painting, x, z, seed: int):
    """A simple standing bystander."""
    rng = np.random.default_rng(seed)

    def pick(*codes):
        return rgb(codes[rng.integers(len(codes))])

    skin, hair = pick("e3b690", "c08a62", "8a5a3b", "5f3d2a"), pick("2a211c", "5b3f28", "a67c45", "8d8d8d")
    top, legs = (
        pick("8c4a4a", "4a6a8c", "5b7a5a", "b59a62", "6b5b7d", "c9c4b8"),
        pick("3a4250", "4b4238", "2d2d33", "6a6d72"),
    )
    k, dx = rng.uniform(0.93, 1.06), 0.1
    w.shadow(x, z, 0.34, 0.2)
    for s in (-1, 1):
        w.rod((x + s * dx, 0.08 * k, z), (x + s * 0.8 * dx, 0.86 * k, z), 0.065, legs, r1=0.09)
        w.rod((x + s * dx, 0.04, z - 0.1), (x + s * dx, 0.05, z + 0.03), 0.05, rgb("2b2624"))
        w.rod((x + s * 0.21, 1.38 * k, z), (x + s * 0.26, 0.86 * k, z - 0.03), 0.06, top * 0.9, r1=0.045)
        w.ball(x + s * 0.26, 0.8 * k, z - 0.03, 0.05, skin)
    w.rod((x, 0.92 * k, z), (x, 1.34 * k, z), 0.15, top, r1=0.17)
    w.rod((x, 1.44 * k, z), (x, 1.52 * k, z), 0.05, skin)
    w.ball(x, 1.65 * k, z, 0.108, hair, ry=0.125)
    if rng.random() < 0.75:  # else seen from behind
        w.ball(x + 0.008, 1.61 * k, z, 0.088, skin, ry=0.098)


def distractor(w: Painting, x, z, kind: str, hue: float):
    """Something that belongs to another place, one of DISTRACTORS."""
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
        for s in (-0.52, 0.52):
            w.surface(2, z, x + s - 0.4, 0, x + s + 0.4, 0.75, ring(rgb("232426"), x + s, 0.34, 0.32, 0.045))
            for t in np.arange(0.2, np.pi, np.pi / 5):
                w.rod(
                    (x + s - 0.31 * np.cos(t), 0.34 - 0.31 * np.sin(t), z),
                    (x + s + 0.31 * np.cos(t), 0.34 + 0.31 * np.sin(t), z),
                    0.004,
                    rgb("a9acb0"),
                    0,
                )
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
