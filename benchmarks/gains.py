"""Where the gains come from: one change at a time, the reference's way before it and the library's after it, everything else the same."""

from __future__ import annotations

import numpy as np
import reference
import torch
from rows import N_BATCHES, Row, reference_batch, single_model, vae_model
from world import World

from sketchlib.data.batches import Batch, make_batch
from sketchlib.models.decoder import reconstruction


def gradient(loss, module) -> None:
    """The gradient of a loss, thrown away."""
    module.zero_grad(set_to_none=True)
    loss.backward()


def to_n_max(batch: Batch, n_max: int) -> Batch:
    """The same batch with end rows up to N_max."""
    more = batch.x.new_zeros(len(batch), n_max + 2 - batch.x.shape[1], 5)
    more[..., 4] = 1
    return Batch(torch.cat([batch.x, more], 1), batch.lengths, batch.labels)


def batching(world: World) -> Row:
    """Batches made without a loop over drawings, and only as long as the longest of each."""
    order = world.batches(N_BATCHES)

    def library():
        for index in order:
            make_batch(world.sketches, index, world.scale)
        return sum(map(len, order))

    def before():
        for index in order:
            reference_batch(world, index)
        return sum(map(len, order))

    def check():
        mine, (theirs, _) = make_batch(world.sketches, order[0], world.scale).x[:, 1:], reference_batch(world, order[0])
        return float((mine - theirs[:, : mine.shape[1]]).abs().max())

    return Row("making batches", "sketches", library, before, check, memory=())


def padding(world: World) -> Row:
    """Batches of like lengths padded to their own longest, against N_max: loss and gradient of the library's single model."""
    model, n_max = single_model(world), world.sketches.n_max
    short = [make_batch(world.sketches, index, world.scale) for index in world.batches(N_BATCHES)]
    long = [to_n_max(batch, n_max) for batch in short[:: max(1, len(short) // 2)]]

    def over(batches):
        for batch in batches:
            gradient(model.loss(model.parts(batch)), model)
        return sum(map(len, batches))

    def check():
        return abs(model.loss(model.parts(short[0])) - model.loss(model.parts(long[0]))).item()

    return Row("padding: single model, loss and gradient", "sketches", lambda: over(short), lambda: over(long), check, memory=())


def encoder(world: World) -> Row:
    """The encoder's two directions over plain batches, each drawing reversed in place, against packed sequences."""
    model = vae_model(world).encoder
    other = reference.VAE(vae_model(world)).encoder
    batches = [make_batch(world.sketches, index, world.scale) for index in world.batches(5)]

    def library():
        for batch in batches:
            gradient(sum(part.sum() for part in model(batch.x[:, 1:], batch.lengths + 1)), model)
        return sum(map(len, batches))

    def before():
        for batch in batches:
            gradient(sum(part.sum() for part in other(batch.x[:, 1:], batch.lengths.tolist())), other)
        return sum(map(len, batches))

    def check():
        mine, theirs = model(batches[0].x[:, 1:], batches[0].lengths + 1), other(batches[0].x[:, 1:], batches[0].lengths.tolist())
        return max((a - b).abs().max().item() for a, b in zip(mine, theirs, strict=True))

    return Row("encoder, not packed: output and gradient", "sketches", library, before, check, memory=())


def mixture_loss(world: World) -> Row:
    """The loss of given parameters in log space without copies, against copies, probabilities and logarithms of them."""
    batch = make_batch(world.sketches, world.batches(3)[1], world.scale)
    raw = torch.randn(len(batch), batch.x.shape[1] - 1, 123, generator=torch.Generator().manual_seed(0)) / 4
    raw.requires_grad_()

    def mine():
        stroke, pen = reconstruction(raw, batch)
        return (stroke.sum() + pen.sum()) / batch.lengths.sum()

    def theirs():
        pi, mu_x, mu_y, sigma_x, sigma_y, rho = torch.split(raw[..., :-3], 20, 2)
        parameters = (torch.softmax(pi, -1), mu_x, mu_y, torch.exp(sigma_x), torch.exp(sigma_y), torch.tanh(rho))
        q = torch.softmax(raw[..., -3:], -1)
        return reference.single_loss((*parameters, q), batch.x[:, 1:], batch.lengths.tolist(), 20)

    def timed(loss):
        for _ in range(5):
            raw.grad = None
            loss().backward()
        return 5 * len(batch)

    def check():
        return abs(mine() - theirs()).item()

    return Row("loss in log space, with gradient", "sketches", lambda: timed(mine), lambda: timed(theirs), check, memory=())


def optimiser(world: World) -> Row:
    """Adam over all parameters in a few calls, against one parameter after the other."""
    models = single_model(world), single_model(world)
    generator = torch.Generator().manual_seed(0)
    for pair in zip(*(model.parameters() for model in models), strict=True):
        pair[0].grad = torch.randn(pair[0].shape, generator=generator)
        pair[1].grad = pair[0].grad.clone()
    together, apart = (torch.optim.Adam(m.parameters(), 1e-3, foreach=f) for m, f in zip(models, (True, False), strict=True))

    def timed(optimiser):
        for _ in range(20):
            optimiser.step()
        return 20

    def check():
        together.step()
        apart.step()
        pairs = zip(*(model.parameters() for model in models), strict=True)
        return max(float(np.abs((a - b).detach().numpy()).max()) for a, b in pairs)

    return Row("Adam", "steps", lambda: timed(together), lambda: timed(apart), check, memory=())
