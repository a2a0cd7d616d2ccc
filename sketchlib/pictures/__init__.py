"""Drawings as pictures and animations."""
