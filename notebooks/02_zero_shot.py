# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 · Zero shot: how well does CLIP name the action, and how steadily?
#
# A clip's embedding is the mean of its frames' unit embeddings, renormalised; its class is the nearest text prototype (several templates
# averaged). We ask three things: is it *right*, is it *right for the right reason* (does it need the usual scene?), and is it *steady*
# (do frames, wordings and moments agree?).
#
# *About half a minute on two cores.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from clipaction import stats
from clipaction.noise import pool
from clipaction.study import majority, open_study

study = open_study(profile, overrides)
tau, model = study.clip.tau, study.clip
print(f"{model.name}, {model.size} px, weights {model.weights_hash}, {model.dtype} on {model.device}")

# %% [markdown]
# ## Words
# Class names become phrases, phrases go into templates. **Predict:** every prototype has unit length.

# %%
head = study.head()
assert torch.allclose(head.norm(dim=1), torch.ones(len(head)), atol=1e-5)
pd.DataFrame({"class": study.classes[: study.n_source], "first prompt": [study.templates[0].format(study.dataset.phrases[c]) for c in study.classes[: study.n_source]]})

# %% [markdown]
# ## Judge every clip

# %%
test = study.clips("test")
with study.timed("zero shot", len(study.meta)):
    parts = [study.evaluate(study.clips(split), ["none"], "zero_shot_pieces") for split in ("val", "test") if len(study.clips(split))]
    away = study.meta[study.meta["domain"] != study.source].reset_index(drop=True)
    if len(away):
        parts.append(study.evaluate(away, ["none"], "zero_shot_away", head=study.head(source_only=False)))
zero_shot = study.save("predictions/zero_shot", pd.concat(parts, ignore_index=True))
clips = zero_shot[(zero_shot.level == "clip") & ~zero_shot.split.eq("val")]
stats.summarise(clips, by=["domain", "scene"])

# %% [markdown]
# **Read it.** Chance is one in the number of classes. Where the data says how a scene was chosen (the demo does), compare *usual* with *other*: the
# difference is what the scene, not the action, was worth.

# %%
by_scene = stats.summarise(clips[clips.domain == study.source], by=["scene"]).set_index("scene")["acc"]
if {"usual", "other"} <= set(by_scene.index):
    print(f"usual scene {by_scene['usual']:.2f}, another action's scene {by_scene['other']:.2f}: the scene is worth {by_scene['usual'] - by_scene['other']:+.2f} of accuracy")

# %% [markdown]
# ## Steadiness
# Three ways to disagree with oneself: frames against their clip, one template against another, one moment against the next.

# %%
features = torch.stack([model.encode_frames(study.store.get([r])[0], study.profile.batch) for r in test["row"]])
clip_pred = pool(features, head)[0].argmax(1)
frame_pred = (features @ head.T).argmax(2)
by_template = torch.stack([pool(features, study.head(templates=[t]))[0].argmax(1) for t in study.templates], 1)
halves = torch.stack([pool(features[:, offset::2], head)[0].argmax(1) for offset in (0, 1)], 1) if features.shape[1] > 1 else clip_pred[:, None]
instability = study.save("instability", test[["clip", "cls", "group", "scene"]].assign(
    disagree_frames=(frame_pred != clip_pred[:, None]).float().mean(1).numpy(),
    template_agreement=[(row == majority(row)).mean() for row in by_template.numpy()],
    offset_agreement=(halves == halves[:, :1]).all(1).float().numpy(),
))
instability[["disagree_frames", "template_agreement", "offset_agreement"]].mean().to_frame("mean over test clips")

# %% [markdown]
# ## Which classes fall into which

# %%
home = clips[clips.domain == study.source]
wrong = home[home.pred != home.label]
pairs = wrong.assign(taken_for=[study.classes[p] for p in wrong.pred]).groupby(["cls", "taken_for"]).size().sort_values(ascending=False)
pairs.head(8).to_frame("clips")

# %% [markdown]
# ## Beside a published number
# On all frames of UCF-101's test split OpenAI's ViT-B/32 reaches 58.15 % (MTEB, every frame judged alone).

# %%
frames = zero_shot[(zero_shot.level == "frame") & (zero_shot.split == "test") & (zero_shot.domain == study.source)]
accuracy = 100 * stats.accuracy(frames)
if study.profile.dataset.kind == "ucf101" and len(head) == 101:
    print(f"here {accuracy:.2f} % of sampled frames; published 58.15 %: {'within' if abs(accuracy - 58.15) < 3 else 'more than'} three points")
else:
    print(f"here {accuracy:.1f} % of sampled frames; this profile is not the 101-class test split, so the two are not comparable")
