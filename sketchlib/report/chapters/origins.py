"""Where the published value of each setting comes from: the tables of chapters 4 and 5."""

from __future__ import annotations

from ..profile import Profile
from ..profile import origins as rows_of

HEAD = ["name", "full", "this run", "origin of full"]
WHY = {
    "single": {
        "hidden_size": "report's table (dec_hidden_size)",
        "embedding_size": "not in the report; its notebook",
        "n_mixtures": "report's table (M)",
        "batch_size": "report's table",
        "lr": "its notebook (the table's 0.9999 is the decay of the next row)",
        "grad_clip": "report's table",
        "schedule": "report's text: halved on a plateau; elsewhere a cosine",
        "plateau_factor": "left blank in the report; its notebook",
        "plateau_patience": "its notebook, where it never acted",
        "steps": "report: 20 epochs; the profile says of what",
        "validations": "this book's choice; the notebook validated once",
        "weight_dropout": "this book's; the report's dropout never acted",
        "stretch": "paper: 0.15; the report has no augmentation",
        "merge": "paper's code: 0.1, points left out",
        "jitter": "this book's: points moved",
        "stray": "this book's: what is read moved, what is to be predicted leads back",
        "rotate": "this book's: drawings turned",
        "dequantise": "this book's: points moved within their cell, so that no density grows on the grid's lines",
        "ema": "this book's: a moving average of the weights is kept",
        "precision": "this book's: of the matrix products",
        "per_class": "training drawings of a class (None: all)",
    },
    "data": {
        "unrecognized": "this book's choice: all that a file has",
        "min_length": "left blank in the report; its notebook",
        "max_length": "report's table (max_seq_length)",
        "clamp": "report's text",
        "fractions": "report's text: stratified",
        "split_seed": "its notebook",
    },
    "vae": {
        "encoder_size": "report's table (enc_hidden_size); paper: 256 a direction",
        "decoder_size": "report's table (dec_hidden_size), paper",
        "latent_size": "report's table (Nz), paper",
        "n_mixtures": "report's table (M), paper",
        "batch_size": "report's table, paper",
        "lr": "its notebook: the table's 0.9999 is lr_decay; a short run takes a larger step",
        "schedule": "report's notebook: times lr_decay a step; a short run takes a cosine",
        "lr_decay": "its notebook, paper; the table gives its value to lr",
        "min_lr": "report's table, paper",
        "grad_clip": "report's table, paper",
        "steps": "its notebook (the report says epochs)",
        "w_kl": "report's table, paper",
        "kl_min": "report's table, paper",
        "eta_min": "report's table, where it is taken for a learning rate",
        "R": "report's table, paper; a short run takes a power of it",
        "weight_dropout": "this book's: what a dropout that acts would be; the report's did not",
        "stretch": "paper: 0.15; the report has no augmentation",
        "merge": "paper's code: 0.1, points left out; the report has no augmentation",
        "jitter": "this book's: points moved; the report has no augmentation",
        "stray": "this book's: what is read moved, what is to be predicted leads back",
        "rotate": "this book's: drawings turned; the report has no augmentation",
        "dequantise": "this book's: points moved within their cell, so that no density grows on the grid's lines",
        "ema": "this book's: a moving average of the weights is kept",
        "w_gist": "this book's: the weight of an auxiliary loss, what z must tell of the look of a drawing and of its counts",
        "row_dropout": "this book's: rows hidden from the decoder, so that z must tell what they would",
        "precision": "this book's: of the matrix products",
        "from_single": "this book's: whether the decoder starts as the single model's",
        "validations": "this book's choice",
        "stop_after": "this book's choice: validations without a new best",
        "per_class": "training drawings of a class (None: all); this book's choice",
    },
}
DROPOUT = {  # no setting of the profile: it never acted, and is 0
    "single": "table 0.4, notebook 0.5; neither acts in a one-layer LSTM",
    "vae": "table 0.4, notebook 0.9; one-layer LSTMs apply none",
}


def origins(profile: Profile, section: str) -> list[list]:
    """Rows below `HEAD` for the settings of a section: name, value of the profile `full`, of this run, and where the former is from."""
    dropout = [["`dropout`", 0, 0, DROPOUT[section]]] if section in DROPOUT else []
    return rows_of(profile, section, WHY[section]) + dropout
