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
# **The question.** CLIP has never been trained on these classes; it only knows their names. How often is it right? Is
# it right because of the action, or because of the scene? And is it *steady* over frames, wordings and moments?
#
# **Afterwards you can** compute a zero-shot answer in six lines, and tell an answer that comes from the action from
# one that comes from the place.
#
# **It needs** notebook 01. *About half a minute on two cores.*

# %% tags=["parameters"]
profile = "demo"  # or quick, ucf101-mini, ucf101, a path to a .yaml
overrides = {}  # e.g. {"noise.eps": 8}

# %%
import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from clipaction.analysis.bias import majority
from clipaction.evaluate.predictions import accuracy
from clipaction.evaluate.summaries import frame_disagreement, summarise
from clipaction.notebook.lessons import check, forecast_line
from clipaction.study import open_study
from clipaction.vision.clip import clips_to_input, to_input
from clipaction.vision.zero_shot import clip_scores, encode_clips
from clipaction.vision.zero_shot import zero_shot as zero_shot_scores

print(forecast_line(profile, overrides, "02"))
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
# ## One clip by hand
# Six lines: embed each frame, average, bring to length 1, compare with every prototype, soften, choose. tau is the
# model's own temperature: the smaller it is, the more a small lead in cosine is worth.

# %%
test = study.clips("test")
x = to_input(study.store.get([test["row"][0]])[0])  # frames [T, 3, S, S] in [0, 1]

f = model.encode_image(x)  # a vector of length 1 for each frame [T, D]
v = f.mean(0)  # one for the clip
v = v / v.norm()
s = head @ v  # its cosine with each prototype [C]
p = (s / tau).softmax(0)  # probabilities
answer = names[p.argmax()]

assert torch.allclose(s, zero_shot_scores(model, head, x[None])[0][0], atol=1e-5)  # what the package computes
print(f"{test['cls'][0]}: CLIP says {answer}, with probability {p.max().item():.2f}")

# %% [markdown]
# ## Judge every clip
# **Predict** before you run the cell: in which kind of scene is CLIP right least often? Each clip of the demo shows its
# action in its *usual* scene, in a *random* one, or in that of *other* actions.

# %%
guess = ""  # "usual", "random" or "other"

# %%
# every clip of the validation and test splits, and of the other domain
away = study.meta[study.meta["domain"] != study.source].reset_index(drop=True)
with study.timed("zero shot", len(study.meta)):
    splits = [study.clips(split) for split in ("val", "test")]
    parts = [study.evaluate(clips, ["none"], "zero_shot_pieces") for clips in splits if len(clips)]
    if len(away):
        parts.append(study.evaluate(away, ["none"], "zero_shot_pieces", head=study.head(source_only=False)))
zero_shot = study.save("predictions/zero_shot", pd.concat(parts, ignore_index=True))
clips = zero_shot[(zero_shot.level == "clip") & ~zero_shot.split.eq("val")]
by_scene = summarise(clips[clips.domain == study.source], by=["scene"]).set_index("scene")["acc"]
print(check(guess, by_scene))
columns = ["domain", "scene", "n_clips", "n_groups", "acc", "acc_low", "acc_high", "confidence", "ece"]
summarise(clips, by=["domain", "scene"])[columns].round(3)

# %% [markdown]
# **Read it.** Chance is one over the number of classes. Where the data says how a scene was chosen (the demo does),
# compare *usual* with *other*: the difference is due to the scene, not to the action.

# %%
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
parts = np.array_split(test["row"].to_numpy(), len(test) // 16 + 1)
bar = tqdm(parts, desc="embedding test clips", unit="batch", leave=False)
with study.timed("steadiness", len(test)):
    features = torch.cat([encode_clips(model, clips_to_input(study.store.get(rows))) for rows in bar]).cpu()
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

# %% [markdown]
# ## What was found

# %%
right = accuracy(home)
steady = instability[["disagree_frames", "template_agreement", "offset_agreement"]].mean()
print(f"CLIP names {right:.1%} of {len(home)} test clips rightly; chance is {1 / len(head):.1%}.")
if {"usual", "other"} <= set(by_scene.index):
    print(f"Another action's scene instead of the usual one costs {by_scene['usual'] - by_scene['other']:.1%} of them.")
print(f"A frame's answer differs from its clip's in {steady['disagree_frames']:.1%} of frames.")

# %% [markdown]
# ## Exercises
# 1. Templates are averaged. How much accuracy is lost with the first one alone?
# 2. Is CLIP surer when it is right?
# 3. How often is the true class at least among the best two?
#
# <details><summary>Solutions</summary>
#
# ```python
# labels = torch.tensor(test["label"].tolist())
# one = study.head(templates=study.templates[:1]).cpu()
# for name, words_used in (("all templates", words), ("the first one", one)):
#     print(name, (clip_scores(features, words_used)[0].argmax(1) == labels).float().mean().item())
# ```
#
# ```python
# print(home.groupby(home.pred == home.label)["p_pred"].mean())
# ```
#
# ```python
# best_two = clip_scores(features, words)[0].topk(2, dim=1).indices
# print((best_two == labels[:, None]).any(1).float().mean().item())
# ```
#
# </details>
#
# **Next:** notebook 03 hides parts of the picture. On zero-shot heads: Radford et al. 2021,
# arXiv:2103.00020, section 3.
