"""Draw with a model that `sketchlib.export.write_onnx` wrote, with onnxruntime and numpy alone.

    python examples/draw_onnx.py FOLDER cat --n 9 --temperature 0.4 --seed 0 > cats.svg

A model with a z draws what a random z says; temperature 0 is greedy.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime


class Model:
    """The files of a folder: `start` gives a state, `step` what comes next and the state after it."""

    def __init__(self, folder):
        folder = Path(folder)
        self.about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.sessions = {part: onnxruntime.InferenceSession(folder / f"{part}.onnx") for part in ("start", "step")}
        self.names = [one.name for one in self.sessions["start"].get_outputs()]

    def conditions(self, word, n, rng):
        if word not in self.about["classes"]:
            raise SystemExit(f"unknown class {word!r}; known: {', '.join(self.about['classes'])}")
        z = rng.standard_normal((n, self.about["latent_size"]))
        return np.concatenate([z, np.tile(self.about["conditions"][word], (n, 1))], -1).astype(np.float32)

    def start(self, condition):
        return dict(zip(self.names, self.run("start", {"condition": condition}), strict=True))

    def step(self, row, state):
        parameters, *after = self.run("step", {"row": row, **state})
        return parameters, dict(zip(self.names, after, strict=True))

    def run(self, part, feeds):
        used = {one.name for one in self.sessions[part].get_inputs()}  # a condition of size 0, say, is left out of the graph
        return self.sessions[part].run(None, {name: value for name, value in feeds.items() if name in used})


def chances(logits, temperature):
    scaled = logits / temperature
    exp = np.exp(scaled - scaled.max(-1, keepdims=True))
    return exp / exp.sum(-1, keepdims=True)


def one_of(probabilities, rng):
    """An index (n,) by each row's probabilities (n, k)."""
    cumulative = probabilities.cumsum(-1)
    return (cumulative <= rng.random((len(cumulative), 1)) * cumulative[:, -1:]).sum(-1).clip(max=cumulative.shape[1] - 1)


def choose(parameters, temperature, softmax_temperature, rng):
    """Movements (n, 2) and pen states (n,) from the mixture's parameters (n, 6M + 3)."""
    pi, mu_x, mu_y, s_x, s_y, rho = np.split(parameters[:, :-3], 6, -1)
    pen, rows = parameters[:, -3:], np.arange(len(parameters))
    if temperature == 0:
        best = pi.argmax(-1)
        return np.stack([mu_x[rows, best], mu_y[rows, best]], -1), pen.argmax(-1)
    low, high = softmax_temperature
    of_choices = low + (high - low) * temperature
    at = rows, one_of(chances(pi, of_choices), rng)
    x, y = rng.standard_normal((2, len(rows))) * np.sqrt(temperature)
    r = np.tanh(rho[at])
    move = np.stack([mu_x[at] + np.exp(s_x[at]) * x, mu_y[at] + np.exp(s_y[at]) * (r * x + np.sqrt(1 - r**2) * y)], -1)
    return move, one_of(chances(pen, of_choices), rng)


def draw(model, word, n, temperature, rng):
    """Drawings as arrays (N, 3): dx, dy in the model's data units, and whether the pen is lifted after this point."""
    about, row = model.about, np.tile(np.float32(model.about["first_row"]), (n, 1))
    state, rows = model.start(model.conditions(word, n, rng)), []
    for _ in range(about["n_max"]):
        parameters, state = model.step(row, state)
        move, pen = choose(parameters, temperature, about["softmax_temperature"], rng)
        row = np.concatenate([move, np.eye(3)[pen]], -1).astype(np.float32)
        rows.append(row)
        if np.stack(rows)[..., 4].any(0).all():
            break
    whole = np.stack(rows, 1)
    lengths = [int(one[:, 4].argmax()) if one[:, 4].any() else len(one) for one in whole]
    return [np.c_[one[:k, :2] * about["scale"], one[:k, 3]] for one, k in zip(whole, lengths, strict=True)]


def svg(drawings, side=100):
    """A row of drawings, each fitted into a square."""
    paths = []
    for place, rows in enumerate(drawings):
        points = np.r_[np.zeros((1, 2)), rows[:, :2].cumsum(0)]
        points = (points - points.min(0)) * 0.9 * side / max(np.ptp(points, 0).max(), 1e-9) + (place * side + 0.05 * side, 0.05 * side)
        for line in np.split(points, np.flatnonzero(rows[:-1, 2]) + 2):
            paths.append('<polyline points="{}"/>'.format(" ".join(f"{x:.1f},{y:.1f}" for x, y in line)))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {len(drawings) * side} {side}" fill="none" stroke="black">'
    return "\n".join([head, *paths, "</svg>"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="the folder that write_onnx wrote")
    parser.add_argument("word", help="the class")
    parser.add_argument("--n", type=int, default=9, help="how many drawings")
    parser.add_argument("--temperature", type=float, default=0.4)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(svg(draw(Model(asked.folder), asked.word, asked.n, asked.temperature, np.random.default_rng(asked.seed))))


if __name__ == "__main__":
    main()
