"""The models of magenta's sketch-rnn-js files, and what other models become in that format. `magenta_json` reads and writes the files.

The format's own conventions: a drawing begins with a row of zeros in place of S_0, the pen comes first in the head's output, gates are
in the order i, g, f, o with 1 added to f, the cell comes before the output in a first state, and at a temperature T the logits are divided
by 0.5 + 0.5 T. Rows, units and all else are as in this library. Source: sketch-rnn-js and @magenta/sketch.
"""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import DataError
from ..strokes import START
from .decoder import Decoder, State
from .single import ConditionalDecoder
from .vae import SketchVAE

N_MIXTURES = 20  # which the format's readers take for granted
FORGET_BIAS = 1.0  # which they add to f
MAX_CELL = 0.99  # how far from 0 a cell can be after one step that begins with zeros; 1 is never reached
OPEN, SHUT = 10.0, -9.0  # of gates that are as good as open and shut, within the format's range


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


TICK = _sigmoid(OPEN) * math.tanh(_sigmoid(OPEN) * math.tanh(OPEN) / (1 - _sigmoid(SHUT)))  # what a clock shows from the first step on


class MagentaState(NamedTuple):
    """How far the LSTM has come: `State`, and `begun` (B, 1), which is 0 before a drawing's first row and 1 after it."""

    h: Tensor
    c: Tensor
    bias: Tensor
    from_row: Tensor
    from_state: Tensor
    begun: Tensor

    def keep(self, rows: Tensor) -> MagentaState:
        """The state of these rows of the batch only: indices (n,)."""
        return self._replace(h=self.h[rows], c=self.c[rows], bias=self.bias[rows], begun=self.begun[rows])


class MagentaDecoder(Decoder):
    """The decoder of a sketch-rnn-js file: it reads zeros where others read S_0, and tempers as that format does.

    `condition_size` is 0 where drawings have no z.
    """

    box = None  # a file does not say how large its canvas was

    def __init__(self, condition_size: int, hidden_size: int, n_mixtures: int, dropout: float, weight_dropout: float = 0.0):
        with warnings.catch_warnings():  # torch wonders at a condition of size 0
            warnings.filterwarnings("ignore", "Initializing zero-element tensors")
            super().__init__(condition_size, hidden_size, n_mixtures, dropout, weight_dropout)

    def forward(self, rows: Tensor, condition: Tensor, at_start: Tensor | None = None) -> Tensor:
        """Parameters (B, T, 6M + 3) of the rows that follow `rows` (B, T, 5), S_0 the first of them."""
        return super().forward(torch.cat([torch.zeros_like(rows[:, :1]), rows[:, 1:]], 1), condition, at_start)

    def start(self, condition: Tensor) -> MagentaState:
        """The state before S_0 of drawings with these conditions (B, C)."""
        return MagentaState(*super().start(condition), condition.new_zeros(condition.shape[0], 1))

    def step(self, row: Tensor, state: MagentaState) -> tuple[Tensor, MagentaState]:
        """Parameters (B, 6M + 3) of the row that follows `row` (B, 5), S_0 at first, and the state after it."""
        *lstm, begun = state
        raw, after = super().step(row * begun, State(*lstm))
        return raw, MagentaState(*after, torch.ones_like(begun))

    def softmax_temperature(self, temperature: float) -> float:
        """What the logits of pi and q are divided by at a temperature T: 0.5 + 0.5 T."""
        return 0.5 + 0.5 * temperature

    @torch.no_grad()
    def copy_from(self, other: Decoder, condition: Tensor | None = None) -> None:
        """Take over the weights of another decoder as `Decoder` does; one that begins with S_0 begins with it here too."""
        super().copy_from(other, condition)
        given = self.fc_init_hc.weight.new_zeros(1, self.fc_init_hc.in_features)
        (own, _), (theirs, _) = _first_step(self, given), _first_step(other, given if condition is None else condition[None])
        if not torch.allclose(own, theirs.to(own.device), atol=1e-5):
            self._put_pen_down_into_bias()

    def _put_pen_down_into_bias(self) -> None:
        # The pen's three inputs sum to 1 but for the row of zeros: so moved, the weights do to that row what they did to S_0.
        lstm = self.lstm
        down = lstm.weight_ih_l0[:, 2].clone()
        lstm.weight_ih_l0[:, 2:5] -= down[:, None]
        lstm.bias_ih_l0 += down

    # --- the layout of the file ---

    def blobs(self) -> list[np.ndarray]:
        """output_w, output_b, W_xh, W_hh and bias, in the file's layout."""
        head = (_array(self.fc_params.weight).T, _array(self.fc_params.bias))
        return [*(np.roll(part, 3, -1) for part in head), *_lstm_blobs(self.lstm)]

    def state_blobs(self) -> list[np.ndarray]:
        """From z to the first state: w, b, in the file's layout."""
        size = self.lstm.hidden_size
        return [np.roll(part, size, -1) for part in (_array(self.fc_init_hc.weight).T, _array(self.fc_init_hc.bias))]

    @torch.no_grad()
    def fill(self, state: list[np.ndarray], blobs: list[np.ndarray]) -> None:
        """Take the weights of `state_blobs` and `blobs`."""
        _fill_linear(self.fc_init_hc, *(np.roll(part, -self.lstm.hidden_size, -1) for part in state))
        _fill_linear(self.fc_params, *(np.roll(part, -3, -1) for part in blobs[:2]))
        _fill_lstm(self.lstm, *blobs[2:])

    # --- a first state in a format that has none ---

    @torch.no_grad()
    def beginning_at_zero(self, cut: bool = False) -> MagentaDecoder:
        """This decoder, of conditions of size 0, as one that begins with a state of zeros.

        Where it begins with another state, it gets further units, clocks, that are 0 before the first step and `TICK` after it. The
        biases make what comes of the first step, and the clocks take back in later steps what these differ by. A cell is below 1 after a
        first step from zeros: raises `DataError` where it has to be more, unless `cut`, which cuts it to `MAX_CELL`. Rows of zeros and
        S_0 are the same to it: readers of the format begin with one or the other.
        """
        if not _array(self.fc_init_hc.bias).any():
            return self
        _, state = _first_step(self, torch.zeros(1, 0))
        self._put_pen_down_into_bias()
        usual = _array(self.lstm.bias_ih_l0 + self.lstm.bias_hh_l0).reshape(4, -1)  # of gates i, f, g, o
        first = _gates_that_make(_array(state.h)[0], _array(state.c)[0], usual, cut)
        return self._with_clocks(first, usual - first)

    def _with_clocks(self, first: np.ndarray, later: np.ndarray) -> MagentaDecoder:
        # The same units with the biases `first`, to which the clocks add `later` from the second step on; each (4, H), gates i, f, g, o.
        size, clocks = self.lstm.hidden_size, max(1, math.ceil(np.abs(later).max() / (9 * TICK)))  # weights of at most 9
        out = MagentaDecoder(0, size + clocks, N_MIXTURES, 0.0)
        for weight in out.parameters():
            weight.zero_()
        own, lstm = out.lstm, self.lstm
        own.weight_ih_l0.view(4, -1, 5)[:, :size] = lstm.weight_ih_l0.view(4, size, 5)
        recurrent = own.weight_hh_l0.view(4, size + clocks, size + clocks)
        recurrent[:, :size, :size] = lstm.weight_hh_l0.view(4, size, size)
        recurrent[:, :size, size:] = torch.from_numpy(later / (clocks * TICK)).float()[..., None]
        biases = np.concatenate([first, np.tile([[OPEN], [SHUT], [OPEN], [OPEN]], clocks)], 1)  # a clock's cell is 1 at each step
        own.bias_ih_l0.copy_(torch.from_numpy(biases.ravel()))
        out.fc_params.weight[:, :size] = self.fc_params.weight
        out.fc_params.bias.copy_(self.fc_params.bias)
        return out


def _first_step(decoder: Decoder, condition: Tensor) -> tuple[Tensor, NamedTuple]:
    return decoder.step(condition.new_tensor([START]), decoder.start(condition))


def _gates_that_make(h: np.ndarray, c: np.ndarray, usual: np.ndarray, cut: bool) -> np.ndarray:
    # What goes into the gates i, f, g, o (4, H) of one step from zeros that ends with output h and cell c; f does nothing there.
    beyond = np.abs(c) > MAX_CELL
    if beyond.any() and not cut:
        raise DataError(
            f"{beyond.sum()} of {len(c)} cells are up to {np.abs(c).max():.2f} after the first row, and a .gen.json, which begins with "
            f"zeros, reaches {MAX_CELL}: write a .vae.json, which holds a first state, or cut them with cut=True"
        )
    c = np.clip(c, -MAX_CELL, MAX_CELL)
    let_in = np.sqrt(np.abs(c)).clip(0.05, 1)
    let_out = np.divide(h, np.tanh(c), out=np.full_like(h, 0.5), where=np.abs(c) > 1e-9).clip(1e-3, 1 - 1e-3)
    return np.stack([_logit(let_in), usual[1], np.arctanh(c / let_in), _logit(let_out)])


def _logit(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p))


class MagentaGen(ConditionalDecoder):
    """A decoder of one class without a z: what a .gen.json holds. `embedding_size` is 0: there is nothing to tell apart."""

    decoder_kind = MagentaDecoder

    def blobs(self) -> list[np.ndarray]:
        """Its weights in the file's order and layout."""
        return self.decoder.blobs()


class MagentaVAE(SketchVAE):
    """Sketch-RNN as a .vae.json holds it; the encoder reads the end row too, as that of sketch-rnn-js and ours."""

    decoder_kind = MagentaDecoder

    def blobs(self) -> list[np.ndarray]:
        """Its weights in the file's order and layout."""
        one = self.encoder
        heads = [part for head in (one.fc_mu, one.fc_log_var) for part in (_array(head.weight).T, _array(head.bias))]
        return [*_lstm_blobs(one.ahead), *_lstm_blobs(one.back), *heads, *self.decoder.state_blobs(), *self.decoder.blobs()]


def shapes(hidden_size: int, encoder_size: int = 0, latent_size: int = 0) -> list[tuple[int, ...]]:
    """The shapes of a file's blobs, in order: 5 without a latent vector, 17 with one."""
    width, encoder = 6 * N_MIXTURES + 3, _lstm_shapes(5, encoder_size)
    decoder = [(hidden_size, width), (width,), *_lstm_shapes(5 + latent_size, hidden_size)]
    if not latent_size:
        return decoder
    to_z, to_state = [(2 * encoder_size, latent_size), (latent_size,)], [(latent_size, 2 * hidden_size), (2 * hidden_size,)]
    return encoder + encoder + to_z + to_z + to_state + decoder


def _lstm_shapes(inputs: int, size: int) -> list[tuple[int, ...]]:
    return [(inputs, 4 * size), (size, 4 * size), (4 * size,)]


@torch.no_grad()
def model_of(name: str, n_max: int, scale: float, blobs: list[np.ndarray]) -> MagentaGen | MagentaVAE:
    """The model of a file's blobs, whose shapes are those of `shapes`; `scale` is in the pixels of the canvas that was drawn on."""
    if len(blobs) == 5:
        gen = MagentaGen((name,), n_max, scale, blobs[3].shape[0], 0, N_MIXTURES)
        size = gen.decoder.lstm.hidden_size
        gen.decoder.fill([np.zeros((0, 2 * size)), np.zeros(2 * size)], blobs)
        return gen.eval()
    vae = MagentaVAE((name,), n_max, scale, blobs[1].shape[0], blobs[15].shape[0], blobs[10].shape[0], N_MIXTURES)
    _fill_lstm(vae.encoder.ahead, *blobs[:3])
    _fill_lstm(vae.encoder.back, *blobs[3:6])
    _fill_linear(vae.encoder.fc_mu, *blobs[6:8])
    _fill_linear(vae.encoder.fc_log_var, *blobs[8:10])
    vae.decoder.fill(blobs[10:12], blobs[12:])
    return vae.eval()


def as_gen(model: nn.Module, word: str, cut: bool = False) -> MagentaGen:
    """A model's drawings of one class as a decoder without a z: the class is folded into the biases, and the first state too.

    Raises `DataError` for what a .gen.json does not hold: a z, another cell than an LSTM, a place that is read, another M than 20, and a
    first state that asks for cells of 1 or more after the first row, unless `cut`; see `MagentaDecoder.beginning_at_zero`.
    """
    if model.latent_size:
        raise DataError(f"a {type(model).__name__} has a latent vector, which a .gen.json does not hold: write a .vae.json")
    whole = MagentaDecoder(0, _hidden_size(model), N_MIXTURES, 0.0)
    whole.copy_from(model.decoder, model.draw_condition(word, 1, torch.Generator())[0])
    decoder = whole.beginning_at_zero(cut)
    gen = MagentaGen((word,), model.n_max, model.scale, decoder.lstm.hidden_size, 0, N_MIXTURES)
    gen.decoder.copy_from(decoder)
    return gen.eval()


def as_vae(model: nn.Module, word: str) -> MagentaVAE:
    """A model's drawings of one class as a Sketch-RNN of this format; that of a model without a z heeds none and encodes nothing.

    Raises `DataError` for what a .vae.json does not hold: another cell than an LSTM, a place that is read, and another M than 20.
    """
    size = _hidden_size(model)
    if not model.latent_size:
        vae = MagentaVAE((word,), model.n_max, model.scale, 1, size, 1, N_MIXTURES)
        vae.start_from(model)
        for weight in vae.encoder.parameters():
            nn.init.zeros_(weight)
        return vae.eval()
    encoder = model.encoder.state_dict()
    vae = MagentaVAE((word,), model.n_max, model.scale, encoder["fc_mu.weight"].shape[1] // 2, size, model.latent_size, N_MIXTURES)
    _check_names(encoder, vae.encoder, model, "encoder")
    vae.encoder.load_state_dict(encoder)
    vae.decoder.copy_from(model.decoder)
    return vae.eval()


def _hidden_size(model: nn.Module) -> int:
    weights, of_lstm = model.decoder.state_dict(), MagentaDecoder(1, 1, 1, 0.0)
    _check_names(weights, of_lstm, model, "decoder")
    read = weights["lstm.weight_ih_l0"].shape[1] - weights["fc_init_hc.weight"].shape[1]
    if read != Decoder.row_size:
        raise DataError(f"a {type(model).__name__} also reads where the pen is, and the sketch-rnn-js format has rows alone: use ONNX")
    width, size = weights["fc_params.weight"].shape
    if width != 6 * N_MIXTURES + 3:
        mixtures = (width - 3) // 6
        raise DataError(
            f"this model has M = {mixtures}, and readers of the sketch-rnn-js format know M = {N_MIXTURES}: train one with that"
        )
    return size


def _check_names(weights, of_format: nn.Module, model: nn.Module, part: str) -> None:
    if weights.keys() != of_format.state_dict().keys():
        raise DataError(f"the {part} of a {type(model).__name__} is no LSTM, and the sketch-rnn-js format holds nothing else: use ONNX")


# --- weights of layers in the file's layout ---


def _array(weight: Tensor) -> np.ndarray:
    return weight.detach().cpu().double().numpy()


def _swapped(weights: np.ndarray) -> np.ndarray:
    # Gates i, g, f, o as i, f, g, o, or back, along the last axis.
    parts = weights.reshape(*weights.shape[:-1], 4, -1)
    return parts[..., [0, 2, 1, 3], :].reshape(weights.shape)


def _lstm_blobs(lstm: nn.LSTM) -> list[np.ndarray]:
    bias = _array(lstm.bias_ih_l0) + _array(lstm.bias_hh_l0)
    bias[lstm.hidden_size : 2 * lstm.hidden_size] -= FORGET_BIAS
    return [_swapped(part) for part in (_array(lstm.weight_ih_l0).T, _array(lstm.weight_hh_l0).T, bias)]


@torch.no_grad()
def _fill_lstm(lstm: nn.LSTM, from_row: np.ndarray, from_state: np.ndarray, bias: np.ndarray) -> None:
    bias = _swapped(bias)
    bias[lstm.hidden_size : 2 * lstm.hidden_size] += FORGET_BIAS
    lstm.weight_ih_l0.copy_(torch.from_numpy(_swapped(from_row).T))
    lstm.weight_hh_l0.copy_(torch.from_numpy(_swapped(from_state).T))
    lstm.bias_ih_l0.copy_(torch.from_numpy(bias))
    lstm.bias_hh_l0.zero_()


@torch.no_grad()
def _fill_linear(layer: nn.Linear, weight: np.ndarray, bias: np.ndarray) -> None:
    layer.weight.copy_(torch.from_numpy(weight.T.copy()))
    layer.bias.copy_(torch.from_numpy(bias.copy()))
