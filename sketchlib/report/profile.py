"""Profiles: the sizes and durations of a run."""

from __future__ import annotations

from types import SimpleNamespace

from ..errors import DataError, did_you_mean
from ..files import profiles_folder


class Profile:
    """The sizes and durations of a run: `profile.single.hidden_size`; `name` and `seed` beside the sections."""

    def __init__(self, name: str, values: dict):
        self.name, self.seed, self.values = name, values["seed"], values
        for section, entries in values.items():
            if isinstance(entries, dict):
                setattr(self, section, SimpleNamespace(**entries))

    def section(self, name: str) -> dict:
        """The plain values of one section."""
        return dict(self.values[name])


def load_profile(name: str) -> Profile:
    """The profile profiles/NAME.yml; raises `DataError` unless it has exactly the keys of full.yml, the schema of all."""
    import yaml

    folder = profiles_folder()
    path = folder / f"{name}.yml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yml")))
        raise DataError(f"profile {name!r} is not known; expected one of {known}")
    values, schema = (yaml.safe_load(p.read_text(encoding="utf-8")) for p in (path, folder / "full.yml"))
    _compare_keys(values, schema, path.name, "")
    return Profile(name, values)


def _compare_keys(values: dict, schema: dict, file: str, where: str) -> None:
    for key in values.keys() - schema.keys():
        raise DataError(f"{file}: unknown key {where + key!r}: {did_you_mean(key, schema)} Known: {', '.join(schema)}")
    for key, expected in schema.items():
        if key not in values:
            raise DataError(f"{file}: key {where + key!r} is missing; full.yml has it")
        if isinstance(expected, dict) != isinstance(values[key], dict):
            raise DataError(f"{file}: {where + key!r} is {values[key]!r}; full.yml has {expected!r}")
        if isinstance(expected, dict):
            _compare_keys(values[key], expected, file, f"{key}.")


def origins(profile: Profile, section: str, why: dict[str, str]) -> list[list]:
    """Rows for the table of a section's values: name, published value (profile full), this run's, and where the published one is from.

    Raises `DataError` for a name that the section does not have.
    """
    published, own = load_profile("full").section(section), profile.section(section)
    if unknown := why.keys() - own.keys():
        raise DataError(f"section {section!r} has no {', '.join(sorted(unknown))}; it has {', '.join(own)}")
    return [[f"`{name}`", published[name], own[name], reason] for name, reason in why.items()]
