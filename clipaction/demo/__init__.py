"""The demo world: synthetic action videos with exact truth, and the compact CLIP trained on captions of them."""
