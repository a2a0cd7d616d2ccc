"""Drawings from files, and what is made of them for training."""
