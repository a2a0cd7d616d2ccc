"""Nothing typed into a profile reaches the libraries unchecked: errors name the file, the entry, and what is allowed."""

import json
from dataclasses import is_dataclass
from typing import get_type_hints

import pytest
import yaml

from sketchlib.errors import DataError
from sketchlib.files import PROJECT
from sketchlib.report.profile import Profile, load_profile, origins

NAMES = ["smoke", "quick", "full", "published"]
SECTIONS = {name: kind for name, kind in get_type_hints(Profile).items() if is_dataclass(kind)}


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A profile of one's own beside full.yml, from its text; None: the text of full.yml itself is given."""
    monkeypatch.setenv("SKETCHLIB_PROFILES", str(tmp_path))
    (tmp_path / "full.yml").write_text((PROJECT / "profiles" / "full.yml").read_text())

    def load(text, encoding="utf-8"):
        (tmp_path / "mine.yml").write_bytes(text.encode(encoding))
        return load_profile("mine")

    return load


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_is_whole(name):
    profile = load_profile(name)
    assert profile.name == name and profile.single.hidden_size > 0
    assert profile.section("single")["steps"] == profile.single.steps
    assert set(profile.comparison.classes) <= set(profile.data.classes)
    assert json.loads(json.dumps(profile.values)) == profile.values and "name" not in profile.values


def test_full_has_every_entry_and_the_others_only_what_differs():
    full = yaml.safe_load((PROJECT / "profiles" / "full.yml").read_text())
    assert full.keys() == load_profile("full").values.keys()
    assert all(full[name].keys() == load_profile("full").section(name).keys() for name in SECTIONS)

    def same(values, schema):
        return [key for key in values if values[key] == schema[key] or (isinstance(values[key], dict) and same(values[key], schema[key]))]

    for name in set(NAMES) - {"full"}:
        assert same(yaml.safe_load((PROJECT / "profiles" / f"{name}.yml").read_text()), full) == []


@pytest.mark.parametrize("path", ["report/profile.py", "settings.py"])
def test_every_entry_has_a_comment_beside_it(path):
    lines = [line for line in (PROJECT / "sketchlib" / path).read_text().splitlines() if "= ranged(" in line or "Literal[" in line]
    assert len(lines) > 10 and [line for line in lines if "  # " not in line and not line.startswith("    seed: ")] == []


# Every row of the table of inputs that failed, and neighbours: what is put into a profile, and what is said.
NUMBER, WHOLE = "allowed: a number", "allowed: a whole number"
WRONG = {
    "data: {per_class: '120'}": f"data.per_class is '120'; {WHOLE} of at least 1, or null",
    "seed: 0.5": f"seed is 0.5; {WHOLE} from 0 to 4294967295",
    "seed: null": f"seed is None; {WHOLE} from",
    "seed: -1": f"seed is -1; {WHOLE} from",
    "seed: 99999999999": f"seed is 99999999999; {WHOLE} from",
    "seed: true": f"seed is True; {WHOLE} from",
    "data: {split_seed: -1}": f"data.split_seed is -1; {WHOLE}",
    "single: {steps: 0}": f"single.steps is 0; {WHOLE} of at least 1",
    "single: {steps: 10.5}": f"single.steps is 10.5; {WHOLE}",
    "single: {steps: null}": f"single.steps is None; {WHOLE}",
    "single: {steps: .inf}": f"single.steps is inf; {WHOLE}",
    "single: {validations: 0}": f"single.validations is 0; {WHOLE} of at least 1",
    "vae: {batch_size: 0}": f"vae.batch_size is 0; {WHOLE} of at least 1",
    "single: {lr: 0}": f"single.lr is 0; {NUMBER} above 0",
    "single: {lr: -0.1}": f"single.lr is -0.1; {NUMBER} above 0",
    "single: {lr: .nan}": f"single.lr is nan; {NUMBER} above 0",
    "single: {lr: .inf}": f"single.lr is inf; {NUMBER} above 0",
    "single: {lr: 0.001s}": f"single.lr is '0.001s'; {NUMBER} above 0",
    "single: {lr: [0.1]}": f"single.lr is [0.1]; {NUMBER} above 0",
    "single: {lr: 1" + "0" * 400 + "}": "single.lr is 1000",
    "single: {hidden_size: 0}": f"single.hidden_size is 0; {WHOLE} of at least 1",
    "single: {weight_dropout: 1.5}": f"single.weight_dropout is 1.5; {NUMBER} from 0 to below 1",
    "single: {weight_dropout: 1.0}": f"single.weight_dropout is 1.0; {NUMBER} from 0 to below 1",
    "vae: {merge: 1.0}": f"vae.merge is 1.0; {NUMBER} from 0 to below 1",
    "vae: {jitter: -0.1}": f"vae.jitter is -0.1; {NUMBER} of at least 0",
    "single: {grad_clip: 0}": f"single.grad_clip is 0; {NUMBER} above 0",
    "single: {plateau_factor: 1}": f"single.plateau_factor is 1; {NUMBER} above 0 and below 1",
    "vae: {R: 1.1}": f"vae.R is 1.1; {NUMBER} above 0 and at most 1",
    "vae: {stop_after: 0}": f"vae.stop_after is 0; {WHOLE} of at least 1, or null",
    "vae: {from_single: 1}": "vae.from_single is 1; allowed: true or false",
    "vae: {from_single: 'yes'}": "vae.from_single is 'yes'; allowed: true or false",
    "single: {keep: newest}": "single.keep is 'newest'; allowed: best or last",
    "single: {schedule: null}": "single.schedule is None; allowed: plateau or exponential or cosine",
    "vae: {precision: float16}": "vae.precision is 'float16'; allowed: float32 or bfloat16",
    "report: {weights: mine}": "report.weights is 'mine'; allowed: published or own",
    "report: {compare: true}": "report.compare is True; allowed: none or equal or close",
    "data: {fractions: [0.7, 0.3, 0]}": "data.fractions is [0.7, 0.3, 0]; allowed: a list of three above 0 that sum to 1, each a number",
    "data: {fractions: [0.7, 0.3]}": "data.fractions is [0.7, 0.3]; allowed",
    "data: {fractions: [0.7, 0.3, 0.2]}": "data.fractions is [0.7, 0.3, 0.2]; allowed",
    "data: {fractions: [70, 15, 15]}": "data.fractions is [70, 15, 15]; allowed",
    "data: {fractions: 0.7}": "data.fractions is 0.7; allowed",
    "data: {clamp: 0}": f"data.clamp is 0; {NUMBER} above 0",
    "data: {min_length: 20, max_length: 10}": "data.min_length is 20, above max_length, which is 10",
    "data: {classes: [cat, cat]}": "data.classes is ['cat', 'cat']; allowed: a list of at least one, each once, each a text",
    "data: {classes: []}": "data.classes is []; allowed: a list of at least one",
    "data: {classes: cat}": "data.classes is 'cat'; allowed: a list",
    "data: {classes: [1, true]}": "data.classes is [1, True]; allowed: a list of at least one, each once, each a text",
    "data: {classes: [no, cat]}": "data.classes is [False, 'cat']; allowed",
    "data: {classes: ['', cat]}": "data.classes is ['', 'cat']; allowed",
    "data: {classes: null}": "data.classes is None; allowed",
    "recogniser: {size: 33}": f"recogniser.size is 33; {WHOLE} of at least 16 that 8 divides",
    "second_judge: {per_class: null}": f"second_judge.per_class is None; {WHOLE}",
    "sampling: {temperature: 0}": f"sampling.temperature is 0; {NUMBER} above 0",
    "sampling: {pen_temperature: 0}": f"sampling.pen_temperature is 0; {NUMBER} above 0",
    "sampling: {guidance: -1}": f"sampling.guidance is -1; {NUMBER} of at least 0",
    "sampling: {resamples: 1}": f"sampling.resamples is 1; {WHOLE} of at least 2",
    "comparison: {drawings: [50, 0]}": "comparison.drawings is [50, 0]; allowed: a list, each a whole number of at least 1, or null",
    "comparison: {temperatures: [0]}": "comparison.temperatures is [0]; allowed: a list, each a number above 0",
    "comparison: {classes: [cat, dog]}": "comparison.classes: unknown class 'dog'",
    "comparison: {classes: 0}": "comparison.classes is 0; allowed",
    "comparison: {single: {steps: 0}}": f"comparison.single.steps is 0; {WHOLE}",
    "comparison: {alone: {lr: 1}}": "comparison.alone.lr is not known: nothing similar is known. Known: steps, batch_size",
    "single: {hiden_size: 8}": "single.hiden_size is not known: did you mean 'hidden_size'",
    "singel: {hidden_size: 8}": "singel is not known: did you mean 'single'?",
    "1: 2": "1 is not known",
    "name: mine": "name is not known",
    "sampling: 3": "sampling is 3; allowed: a section with temperature",
    "sampling:": "sampling is None; allowed: a section with temperature",
    "sampling: [1]": "sampling is [1]; allowed: a section with temperature",
    "- 1": "holds '[1]'; expected sections",
    "just words": "holds 'just words'; expected sections",
    "seed: 1\nseed: 2": ", line 2: not YAML (seed stands here twice)",
    "seed: 1\nsingle:\n\tsteps: 3": ", line 3: not YAML (found character '\\t' that cannot start any token)",
    "seed: [1": ", line 1: not YAML",
    "seed: !!python/object/apply:os.getcwd []": ", line 1: not YAML",
    "seed: \x07": "not YAML",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said(mine, text):
    with pytest.raises(DataError) as error:
        mine(text)
    said = str(error.value)
    assert said.startswith("mine.yml") and WRONG[text] in said.replace("mine.yml: ", "", 1) and "\n" not in said


def test_a_file_in_another_encoding_is_said(mine):
    with pytest.raises(DataError, match=r"mine\.yml: not YAML"):
        mine("data: {classes: [café]}", "utf-16")


def test_numbers_are_read_as_numbers_however_they_are_written(mine):
    profile = mine("single: {lr: 1e-3, steps: 1e3, jitter: 0}\ndata: {clamp: 1E3}\nvae: {lr: 5e-2, steps: 7.0}\nseed: 0x10")
    assert (profile.single.lr, profile.single.steps, profile.data.clamp, profile.vae.lr, profile.vae.steps) == (0.001, 1000, 1000, 0.05, 7)
    assert profile.seed == 16 and [type(n) for n in (profile.single.steps, profile.single.jitter)] == [int, float]


def test_a_profile_says_in_what_it_differs(mine):
    full, profile = load_profile("full"), mine("vae: {steps: 7}\ncomparison: {alone: {steps: 3}}")
    assert profile.vae.steps == 7 and profile.vae.lr == full.vae.lr
    assert (profile.comparison.alone.steps, profile.comparison.alone.batch_size) == (3, full.comparison.alone.batch_size)
    assert mine("").values == mine("# nothing\n").values == full.values


@pytest.mark.parametrize(
    ("some", "classes"), [("null", ("owl", "dog", "cat")), ("2", ("owl", "dog")), ("9", ("owl", "dog", "cat")), ("[cat]", ("cat",))]
)
def test_other_classes_are_said_once(mine, some, classes):
    profile = mine(f"data: {{classes: [owl, dog, cat]}}\ncomparison: {{classes: {some}}}")
    assert profile.data.classes == ("owl", "dog", "cat") and profile.comparison.classes == classes


def test_an_entry_that_full_lacks_is_an_error_there(mine, tmp_path):
    text = (tmp_path / "full.yml").read_text()
    assert "  min_length: 10\n" in text
    (tmp_path / "full.yml").write_text(text.replace("  min_length: 10\n", ""))
    with pytest.raises(DataError, match=r"^full\.yml: data\.min_length is missing$"):
        mine("data: {min_length: 3}")


def test_a_folder_of_ones_own_needs_no_full(mine, tmp_path):
    (tmp_path / "full.yml").unlink()
    shipped = yaml.safe_load((PROJECT / "profiles" / "full.yml").read_text())
    assert mine("vae: {steps: 7}").values == {**load_profile("full").values, "vae": shipped["vae"] | {"steps": 7}}
    with pytest.raises(DataError, match="'other' is not known; expected one of mine"):
        load_profile("other")


def test_the_lines_in_readme_make_a_profile_of_other_classes(mine, tmp_path):
    (tmp_path / "full.yml").unlink()
    lines = (PROJECT / "README.md").read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    quick = (PROJECT / "profiles" / "quick.yml").read_text(encoding="utf-8")
    made = mine(quick + lines)
    assert made.data.classes == ("bicycle", "dog", "owl") == made.comparison.classes
    assert made.single.steps == yaml.safe_load(quick)["single"]["steps"]


def test_an_unknown_profile_is_answered_with_those_there_are():
    with pytest.raises(DataError, match="full, published, quick, smoke"):
        load_profile("quik")


def test_origins_set_a_run_beside_the_published_values():
    profile = load_profile("smoke")
    rows = origins(profile, "single", {"hidden_size": "table"})
    assert rows == [["`hidden_size`", load_profile("full").single.hidden_size, profile.single.hidden_size, "table"]]
    with pytest.raises(DataError, match="hiden_size"):
        origins(profile, "single", {"hiden_size": "table"})
