"""What is hidden from CLIP: shapes of a given area, regions where the actor is, and the conditions that combine them.

shapes       what a percentage mask looks like (add one with @shape)
masks        masks of an exact area, placed and moved; how a mask is applied to frames
regions/     where actor, prop and background are, a file a source (add one with @source)
controls     equal-area controls of a region
fills        what hidden pixels become
conditions   a condition by name: it makes its own mask and the masked frames
plan         all conditions of a profile
batches      clips of a frame store under a condition
"""
