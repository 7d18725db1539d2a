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
# A clip's embedding is the mean of its frames' unit embeddings, renormalised. Its class is the nearest text prototype
# (several templates averaged). We ask three things: is the answer *right*; is it right because of the action, or
# because of the scene; and is it *steady* over frames, wordings and moments?
#
# *About half a minute on two cores.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import pandas as pd
import torch

from clipaction.analysis.bias import majority
from clipaction.evaluate.predictions import accuracy
from clipaction.evaluate.summaries import frame_disagreement, summarise
from clipaction.study import open_study
from clipaction.vision.zero_shot import clip_scores

study = open_study(profile, overrides)
tau, model = study.clip.tau, study.clip
print(f"{model.name}, {model.size} px, weights {model.weights_hash}, {model.dtype} on {model.device}")

# %% [markdown]
# ## Words
# Class names become phrases, and phrases are put into templates. **Predict:** every prototype has unit length.

# %%
head = study.head()
assert torch.allclose(head.norm(dim=1), torch.ones(len(head), device=head.device), atol=1e-5)
names = study.classes[: study.n_source]
pd.DataFrame(
    {"class": names, "first prompt": [study.templates[0].format(study.dataset.phrases[name]) for name in names]}
)

# %% [markdown]
# ## Judge every clip

# %%
test = study.clips("test")
away = study.meta[study.meta["domain"] != study.source].reset_index(drop=True)
with study.timed("zero shot", len(study.meta)):
    splits = [study.clips(split) for split in ("val", "test")]
    parts = [study.evaluate(clips, ["none"], "zero_shot_pieces") for clips in splits if len(clips)]
    if len(away):
        parts.append(study.evaluate(away, ["none"], "zero_shot_pieces", head=study.head(source_only=False)))
zero_shot = study.save("predictions/zero_shot", pd.concat(parts, ignore_index=True))
clips = zero_shot[(zero_shot.level == "clip") & ~zero_shot.split.eq("val")]
summarise(clips, by=["domain", "scene"])

# %% [markdown]
# **Read it.** Chance is one over the number of classes. Where the data says how a scene was chosen (the demo does),
# compare *usual* with *other*: the difference is due to the scene, not to the action.

# %%
by_scene = summarise(clips[clips.domain == study.source], by=["scene"]).set_index("scene")["acc"]
if {"usual", "other"} <= set(by_scene.index):
    usual, other = by_scene["usual"], by_scene["other"]
    print(
        f"usual scene {usual:.2f}, another action's scene {other:.2f}:",
        f"the scene changes accuracy by {usual - other:+.2f}",
    )

# %% [markdown]
# ## Steadiness
# Three kinds of disagreement: frames with their clip, one template with the majority of templates, even frames with
# odd frames.

# %%
features = torch.stack([model.encode_frames(study.store.get([r])[0], study.profile.batch) for r in test["row"]]).cpu()
words = head.cpu()
templates = [study.head(templates=[template]).cpu() for template in study.templates]
by_template = torch.stack([clip_scores(features, each)[0].argmax(1) for each in templates], 1)
starts = (0, 1) if features.shape[1] > 1 else (0,)
halves = torch.stack([clip_scores(features[:, start::2], words)[0].argmax(1) for start in starts], 1)
own = zero_shot[(zero_shot.split == "test") & (zero_shot.domain == study.source)]
disagreement = frame_disagreement(own).set_index("clip")["disagree_frames"]
instability = test[["clip", "cls", "group", "scene"]].assign(
    disagree_frames=disagreement.loc[test["clip"]].to_numpy(),
    template_agreement=[(row == majority(row)).mean() for row in by_template.numpy()],
    offset_agreement=(halves == halves[:, :1]).all(1).float().numpy(),
)
study.save("instability", instability)
instability[["disagree_frames", "template_agreement", "offset_agreement"]].mean().to_frame("mean over test clips")

# %% [markdown]
# ## Which classes are confused with which

# %%
home = clips[clips.domain == study.source]
wrong = home[home.pred != home.label]
pairs = wrong.assign(taken_for=[study.classes[p] for p in wrong.pred]).groupby(["cls", "taken_for"]).size()
pairs.sort_values(ascending=False).head(8).to_frame("clips")

# %% [markdown]
# ## Beside a published number
# On all frames of UCF-101's test split, OpenAI's ViT-B/32 reaches 58.15 % (MTEB, every frame judged alone).

# %%
frames = zero_shot[(zero_shot.level == "frame") & (zero_shot.split == "test") & (zero_shot.domain == study.source)]
percent = 100 * accuracy(frames)
if study.profile.dataset.kind == "ucf101" and len(head) == 101:
    near = "within" if abs(percent - 58.15) < 3 else "more than"
    print(f"here {percent:.2f} % of sampled frames; published 58.15 %: {near} three points")
else:
    print(
        f"here {percent:.1f} % of sampled frames; this profile is not the 101-class test split,",
        "so the two are not comparable",
    )
