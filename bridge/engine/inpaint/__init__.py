"""Repainting a part of a picture: which part to show the model, what to put there first, how to blend it back.

Pure functions of numpy arrays; torch stays out.
"""
