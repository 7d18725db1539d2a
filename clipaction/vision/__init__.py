"""CLIP: load it, encode images and text, judge clips zero-shot, and see where it looks. Nothing here masks or learns.

clip (the frozen model) · load (weights, preprocessing, what is supported) · dosed (the compact CLIPs with a known
scene bias) · zero_shot (clip and frame scores) · relevance (maps of the image regions that speak for a class).
"""
