"""What notebooks show: pictures of frames, masks and noises, live curves, and the two explorers.

pictures     plain functions that draw on Matplotlib and return the figure
curves       training curves, also while they grow
lessons      predictions that are checked
explorer     the two explorers: a page of knobs around plain functions
"""
