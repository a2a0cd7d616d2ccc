"""The report's own way, written from its description and from how sketch-rnn's ports go about it: the yardstick of run.py.

Every batch is padded to N_max of the whole set and masked, targets are copied M times, probabilities are formed and then logged, the
encoder reads packed sequences, and sketches are read, batched and drawn one at a time through numpy. Not a part of the library.
Where the report's loss counts what the library's leaves out (the pen term over the padding, 1e-5 inside the logarithm), this one can do
without it, so that both sides have the same loss: `tests/test_reference.py` compares them.
"""

from __future__ import annotations

import json
import math
from struct import unpack

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from sketchlib.strokes import START

EPSILON = 1e-5  # what the ports add before they take the logarithm of a density
KL_MIN, W_KL, CLIP = 0.2, 0.5, 1.0


# --- batches ---


def make_batch(sketches, n_max: int):
    """Rows (B, N_max + 1, 5), padded with end rows, and the list of lengths, from normalised stroke-3 arrays."""
    rows, lengths = [], []
    for sketch in sketches:
        n = len(sketch)
        row = np.zeros((n_max + 1, 5))
        row[:n, :2] = sketch[:, :2]
        row[:n, 2] = 1 - sketch[:, 2]
        row[:n, 3] = sketch[:, 2]
        row[n:, 4] = 1
        rows.append(row)
        lengths.append(n)
    return torch.from_numpy(np.stack(rows, 0)).float(), lengths


def random_batch(sketches, labels, n_max: int, batch_size: int, rng):
    """A batch of sketches chosen at random, as `make_batch`, and their classes (B,)."""
    index = rng.choice(len(sketches), batch_size)
    rows, lengths = make_batch([sketches[i] for i in index], n_max)
    return rows, lengths, torch.tensor([int(labels[i]) for i in index])


def with_start(rows):
    """The decoder's input (B, N_max + 1, 5): S_0, then all rows but the last."""
    start = torch.stack([torch.tensor(START)] * len(rows)).unsqueeze(1)
    return torch.cat([start, rows[:, :-1]], 1)


def targets(rows, lengths, n_mixtures: int):
    """Masks of points and of pen states (B, T), dx and dy copied M times (B, T, M), pen states (B, T, 3)."""
    points, pens = torch.zeros(rows.shape[:2]), torch.zeros(rows.shape[:2])
    for i, n in enumerate(lengths):
        points[i, :n] = 1
        pens[i, : n + 1] = 1
    dx = torch.stack([rows[:, :, 0]] * n_mixtures, 2)
    dy = torch.stack([rows[:, :, 1]] * n_mixtures, 2)
    p = torch.stack([rows[:, :, 2], rows[:, :, 3], rows[:, :, 4]], 2)
    return points, pens, dx, dy, p


# --- the two models, with the library's names of weights where they are the same ---


class Decoder(nn.Module):
    """LSTM over the rows with the condition beside each, and the parameters of the next row from its state."""

    def __init__(self, condition_size: int, hidden_size: int, n_mixtures: int):
        super().__init__()
        self.n_mixtures = n_mixtures
        self.fc_init_hc = nn.Linear(condition_size, 2 * hidden_size)
        self.lstm = nn.LSTM(5 + condition_size, hidden_size, batch_first=True)
        self.fc_params = nn.Linear(hidden_size, 6 * n_mixtures + 3)

    def forward(self, rows, condition, state=None):
        """pi, mu_x, mu_y, sigma_x, sigma_y, rho, each (B, T, M), q (B, T, 3), and the LSTM's state."""
        if state is None:
            h, c = torch.split(torch.tanh(self.fc_init_hc(condition)), self.lstm.hidden_size, 1)
            state = (h.unsqueeze(0).contiguous(), c.unsqueeze(0).contiguous())
        stacked = torch.stack([condition] * rows.shape[1], 1)
        out, state = self.lstm(torch.cat([rows, stacked], 2), state)
        y = self.fc_params(out)
        pi, mu_x, mu_y, sigma_x, sigma_y, rho = torch.split(y[..., :-3], self.n_mixtures, 2)
        pi, q = torch.softmax(pi, -1), torch.softmax(y[..., -3:], -1)
        return (pi, mu_x, mu_y, torch.exp(sigma_x), torch.exp(sigma_y), torch.tanh(rho), q), state


def bivariate_normal(dx, dy, mu_x, mu_y, sigma_x, sigma_y, rho):
    """Exponent and norm of the density at (dx, dy): the density is exp(exponent) / norm."""
    z_x = ((dx - mu_x) / sigma_x) ** 2
    z_y = ((dy - mu_y) / sigma_y) ** 2
    z_xy = (dx - mu_x) * (dy - mu_y) / (sigma_x * sigma_y)
    exponent = -(z_x + z_y - 2 * rho * z_xy) / (2 * (1 - rho**2))
    return exponent, 2 * math.pi * sigma_x * sigma_y * torch.sqrt(1 - rho**2)


class Single(nn.Module):
    """The report's conditional decoder."""

    def __init__(self, model):
        super().__init__()
        self.n_max, self.scale, self.n_mixtures = model.n_max, model.scale, model.sizes["n_mixtures"]
        self.embedding = nn.Embedding(*model.embedding.weight.shape)
        self.decoder = Decoder(model.embedding.embedding_dim, model.sizes["hidden_size"], self.n_mixtures)
        self.load_state_dict(model.state_dict())

    def loss(self, rows, lengths, labels):
        """Nats per real point: log-sum-exp over the logarithms of pi (report, section IV.1)."""
        parameters, _ = self.decoder(with_start(rows), self.embedding(labels))
        return single_loss(parameters, rows, lengths, self.n_mixtures)


def single_loss(parameters, rows, lengths, n_mixtures: int):
    """L_S + L_P averaged over the real points of the batch."""
    pi, *normal, q = parameters
    points, pens, dx, dy, p = targets(rows, lengths, n_mixtures)
    exponent, norm = bivariate_normal(dx, dy, *normal)
    l_s = -torch.sum(points * torch.logsumexp(torch.log(pi) + exponent - torch.log(norm), 2))
    l_p = -torch.sum(pens.unsqueeze(2) * p * torch.log(q))
    return (l_s + l_p) / sum(lengths)


class Encoder(nn.Module):
    """Bidirectional LSTM over packed sequences."""

    def __init__(self, hidden_size: int, latent_size: int):
        super().__init__()
        self.lstm = nn.LSTM(5, hidden_size, batch_first=True, bidirectional=True)
        self.fc_mu = nn.Linear(2 * hidden_size, latent_size)
        self.fc_log_var = nn.Linear(2 * hidden_size, latent_size)

    def forward(self, rows, lengths):
        """mu and log sigma^2 (B, N_z); the end row of each drawing is read."""
        packed = pack_padded_sequence(rows, [n + 1 for n in lengths], batch_first=True, enforce_sorted=False)
        _, (hidden, _) = self.lstm(packed)
        forward, backward = torch.split(hidden, 1, 0)
        state = torch.cat([forward.squeeze(0), backward.squeeze(0)], 1)
        return self.fc_mu(state), self.fc_log_var(state)


class VAE(nn.Module):
    """The report's Sketch-RNN for one class."""

    def __init__(self, model):
        super().__init__()
        sizes = model.sizes
        self.n_max, self.n_mixtures = model.n_max, sizes["n_mixtures"]
        self.encoder = Encoder(sizes["encoder_size"], sizes["latent_size"])
        self.decoder = Decoder(sizes["latent_size"], sizes["decoder_size"], self.n_mixtures)
        self.load_state_dict(one_bidirectional(model.state_dict()))

    def loss(self, rows, lengths, eta: float = 1.0, generator=None, epsilon: float = EPSILON):
        """L_R + eta w_KL max(L_KL, KL_min): densities summed over the mixture, then logged (report, section IV.2)."""
        mu, log_var = self.encoder(rows, lengths)
        sigma = torch.exp(log_var / 2)
        z = mu + sigma * torch.randn(mu.shape, generator=generator)
        (pi, *normal, q), _ = self.decoder(with_start(rows), z)
        points, pens, dx, dy, p = targets(rows, lengths, self.n_mixtures)
        exponent, norm = bivariate_normal(dx, dy, *normal)
        density = torch.sum(pi * (torch.exp(exponent) / norm), 2)
        l_s = -torch.sum(points * torch.log(density + epsilon)) / (self.n_max * len(rows))
        l_p = -torch.sum(pens.unsqueeze(2) * p * torch.log(q + epsilon)) / (self.n_max * len(rows))
        l_kl = -0.5 * torch.sum(1 + log_var - mu**2 - torch.exp(log_var)) / (mu.shape[1] * len(rows))
        return l_s + l_p + eta * W_KL * torch.max(l_kl, torch.tensor(KL_MIN))


def one_bidirectional(weights: dict) -> dict:
    """The library's weights under the names of one bidirectional LSTM."""
    renamed = {}
    for name, value in weights.items():
        if ".back." in name:
            name = name.replace(".back.", ".lstm.") + "_reverse"
        renamed[name.replace(".ahead.", ".lstm.")] = value
    return renamed


def step(parts, optimisers, loss) -> None:
    """One step of each part's own optimiser, each part's gradient clipped."""
    for optimiser in optimisers:
        optimiser.zero_grad()
    loss.backward()
    for part, optimiser in zip(parts, optimisers, strict=True):
        nn.utils.clip_grad_norm_(part.parameters(), CLIP)
        optimiser.step()


# --- drawing ---


def adjusted(probabilities, temperature: float):
    """Probabilities at a temperature, as a numpy array whose sum is 1."""
    logits = np.log(probabilities.astype(np.float64)) / temperature
    exp = np.exp(logits - logits.max())
    return exp / exp.sum()


@torch.no_grad()
def sample_one(model: Single, label: int, temperature: float, rng, begun=()):
    """One sketch as stroke-3 (N, 3) in data units; every parameter of every step goes through numpy. `begun`: its first rows."""
    condition = model.embedding(torch.tensor([label]))
    row, state, rows = torch.tensor([[START]]), None, []
    for dx, dy, lift in begun:
        _, state = model.decoder(row, condition, state)
        row = torch.tensor([[[dx / model.scale, dy / model.scale, 1 - lift, lift, 0.0]]], dtype=torch.float32)
    for _ in range(model.n_max - len(begun)):
        parameters, state = model.decoder(row, condition, state)
        pi, mu_x, mu_y, sigma_x, sigma_y, rho, q = [p.cpu().numpy()[0, 0] for p in parameters]
        k = rng.choice(len(pi), p=adjusted(pi, temperature))
        s_x, s_y = sigma_x[k] * np.sqrt(temperature), sigma_y[k] * np.sqrt(temperature)
        covariance = [[s_x * s_x, rho[k] * s_x * s_y], [rho[k] * s_x * s_y, s_y * s_y]]
        dx, dy = rng.multivariate_normal([mu_x[k], mu_y[k]], covariance)
        pen = rng.choice(3, p=adjusted(q, temperature))
        if pen == 2:
            break
        rows.append([dx * model.scale, dy * model.scale, float(pen == 1)])
        row = torch.tensor([[[dx, dy, float(pen == 0), float(pen == 1), 0.0]]], dtype=torch.float32)
    return np.array(rows, np.float32).reshape(-1, 3)


# --- files ---


def to_rows(strokes):
    """Strokes [[x...], [y...]] as stroke-3 from the first point on, point by point."""
    rows, (last_x, last_y) = [], (strokes[0][0][0], strokes[0][1][0])
    for stroke in strokes:
        for x, y in zip(stroke[0], stroke[1], strict=True):
            rows.append([x - last_x, y - last_y, 0])
            last_x, last_y = x, y
        rows[-1][2] = 1
    return np.array(rows[1:] if len(strokes[0][0]) > 1 else rows, np.float32).reshape(-1, 3)


def load_npz(path):
    """All drawings of a sketch-rnn file; its pickles are trusted, as the ports do."""
    parts = np.load(path, allow_pickle=True, encoding="latin1")
    return list(np.concatenate([parts["train"], parts["valid"], parts["test"]]))


def load_ndjson(path):
    """All drawings of a simplified file."""
    drawings = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            drawings.append(to_rows(json.loads(line)["drawing"]))
    return drawings


def load_binary(path):
    """All drawings of a .bin file."""
    drawings = []
    with open(path, "rb") as file:
        while head := file.read(17):
            (n_strokes,) = unpack("<H", head[15:])
            strokes = []
            for _ in range(n_strokes):
                (n,) = unpack("<H", file.read(2))
                strokes.append([unpack(f"{n}B", file.read(n)), unpack(f"{n}B", file.read(n))])
            drawings.append(to_rows(strokes))
    return drawings


def preprocess(drawings, low: int = 10, high: int = 200, limit: float = 1000):
    """The drawings of low to high rows, clamped, divided by the standard deviation of all movements; and that deviation."""
    kept = []
    for rows in drawings:
        if low <= len(rows) <= high:
            rows = np.array(rows, np.float32)
            rows[:, :2] = np.maximum(np.minimum(rows[:, :2], limit), -limit)
            kept.append(rows)
    movements = []
    for rows in kept:
        movements.extend(rows[:, 0])
        movements.extend(rows[:, 1])
    scale = float(np.std(np.array(movements, np.float64)))
    for rows in kept:
        rows[:, :2] /= scale
    return kept, scale
