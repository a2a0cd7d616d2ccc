"""Numbers and Markdown tables as the book prints them."""

from __future__ import annotations


def format_number(value) -> str:
    """A number as the book prints it: whole ones in full, others with four significant digits."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def table(head: list[str], rows: list[list], numbers: int = 0) -> str:
    """A Markdown table; the last `numbers` columns are set flush right."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in [head, rule, *rows]) + "\n"
