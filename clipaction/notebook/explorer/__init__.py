"""The explorers: what one can turn, draw and ask, in JupyterLab.

widget       the front end that both share (front.js, front.css)
clips        the clips that can be opened
panels       CLIP's answers, pictures and words
knobs        what can be chosen, what cannot and why
masks        the mask explorer
drawings     drawn masks as mask shapes
quiz         predict, then measure
noises       the noise explorer
answers      what it says beside its pictures
offline      the mask explorer as one page, with a few clips and no Python

Everything that is shown comes from plain functions that run without a front end.
"""

from .masks import MaskExplorer
from .noises import NoiseExplorer

__all__ = ["MaskExplorer", "NoiseExplorer"]
