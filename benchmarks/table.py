"""The table of a benchmark's JSON, for the terminal and for the book."""

from __future__ import annotations

HEAD = ["what", "unit", "library", "reference", "times", "peak MB", "differ by", "set out for"]
KINDS = {"ratio": "at least {:g} times", "rate": "at least {:g} a second", "seconds": "at most {:g} s"}
KINDS["busy"] = "at most {:g} times slower where all cores are busy"
KINDS["share"] = "at least {:.0%} of the matrix-product rate"


def number(value: float) -> str:
    """Three significant digits, with thousands separated."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(side: dict | None) -> str:
    """The median of a second's work, and its quartiles."""
    return "-" if side is None else f"{number(side['median'])} ({number(side['low'])} to {number(side['high'])})"


def memory(row: dict) -> str:
    """Peak memory over what was there before, library / reference."""
    found = [row["memory"].get(side) for side in ("library", "reference")]
    return "" if found == [None, None] else " / ".join("-" if value is None else number(value) for value in found)


def target(entry: dict) -> str:
    """What was set out for, whether it was reached, and where."""
    text = KINDS[entry["kind"]].format(entry["target"])
    measured = f"{entry['measured']:.0%}" if entry["kind"] == "share" else number(entry["measured"])
    return f"{text}: {'reached' if entry['reached'] else 'not reached'} ({measured})"


def rows_of(result: dict) -> list[list[str]]:
    """One line a row of the benchmark, as `HEAD` names the columns."""
    lines = []
    for row in result["rows"].values():
        differ = "" if row["differ"] is None else f"{row['differ']:.1g}"
        targets = "; ".join(map(target, row["targets"]))
        cells = [row["what"], f"{row['unit']}/s", spread(row["library"]), spread(row["reference"]), spread(row["ratio"])]
        lines.append([*cells, memory(row), differ, targets])
    return lines


def about(result: dict) -> list[list[str]]:
    """What was measured on: commit, versions, machine, drawings, and the matrix-product rate of the same run."""
    lines = [[name, str(value)] for name, value in result["made"].items()]
    lines += [["drawings", f"{result['drawings']['drawings']:,} of {result['drawings']['where']}"]]
    return [*lines, ["matrix products, GFLOP/s", spread(result["ceiling"])], ["the whole run, s", number(result["seconds"])]]


def text_of(result: dict) -> str:
    """Both tables as columns for a terminal."""
    blocks = []
    for lines in (about(result), [HEAD, *rows_of(result)]):
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        blocks.append("\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines))
    return "\n\n".join(blocks)
