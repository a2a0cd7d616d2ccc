"""The report as a run: profiles, recipes, the artefact store, the chapters' numbers."""
