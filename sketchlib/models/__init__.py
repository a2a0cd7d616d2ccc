"""The architectures and their weights files.

Every model has `classes`, `n_max`, `scale`, `latent_size` (0 without a z), `started_from`, `config`, `start_from`, `for_class`,
`for_new_class`, `draw_condition`, `as_known`, `parts`, `loss`, `averaged_over`, `clipped_parts` and `weights_per_row`, and a `decoder`.
Every decoder has `forward`, `start`, `step`, `softmax_temperature`, `copy_from`, `weights_per_row` and `box`. Nothing outside asks which
kind it has. A new architecture is a file here and an entry in `weights.ARCHITECTURES`.
"""
