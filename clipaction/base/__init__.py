"""What every room stands on: errors, paths, files, seeds, threads, registries, and how finished work is recognised.

Nothing here knows of videos, CLIP or noise, and nothing here imports from another room.
"""
