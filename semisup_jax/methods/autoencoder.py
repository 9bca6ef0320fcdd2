"""The autoencoder: images through a narrow place, and back."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
from flax import linen as nn

from semisup_jax import augment
from semisup_jax.augment import Transform
from semisup_jax.methods import fields, passes
from semisup_jax.models import (
  DTYPES,
  Autoencoder,
  Decoder,
  batch_norm_fields,
)
from semisup_jax.objectives import mean_squared_error, ssim
from semisup_jax.types import InputError, Method, Task, lookup

FIELDS = ('objective', 'ssim_window', 'decoder_width', 'input_noise')


def _dissimilarity(prediction, target, *, window):
  return 1 - ssim(prediction, target, data_range=1.0, window=window)


OBJECTIVES: dict[str, Callable[..., jax.Array]] = {
  'mse': lambda prediction, target, *, window: mean_squared_error(
    prediction, target
  ),
  'ssim': _dissimilarity,
}


def autoencoder(
  encoder: nn.Module,
  decoder: Decoder,
  view: Transform,
  normalize: Transform,
  objective: Callable[[jax.Array, jax.Array], jax.Array],
  *,
  input_noise: float,
  dtype: Any,
) -> Method:
  """Reconstructs the pixels of a view from its embedding.

  With noise on the input alone it is a denoising autoencoder (Vincent et al.
  2008, https://doi.org/10.1145/1390156.1390294). BatchNorm sees one view of the
  batch. The raw weights are evaluated; the decoder is thrown away.

  Args:
    encoder: Images to embeddings.
    decoder: Embeddings to pixels.
    view: `(key, image) -> view` in [0, 1]: what is encoded and reconstructed.
    normalize: `(key, view) -> x`: what the encoder is given.
    objective: `(prediction, target) -> loss` of pixels in [0, 1].
    input_noise: Standard deviation of Gaussian noise on the normalized input.
    dtype: Of the network; the views are float32 or wider.
  """
  model = Autoencoder(encoder, decoder)
  dtype = passes.wide(dtype)

  def loss(params, state, batch, key):
    view_key, noise_key = jax.random.split(key)
    pixels = passes.one_view(
      view, view_key, batch['unlabelled']['image'], dtype
    )
    x = jax.vmap(partial(normalize, view_key))(pixels)
    x += input_noise * jax.random.normal(noise_key, x.shape, x.dtype)
    _, features, batch_stats = passes.train_pass(
      model, params, state.batch_stats, x, key
    )
    reconstruction = features['reconstruction']
    value = objective(reconstruction, pixels)
    metrics = {'squared_error': mean_squared_error(reconstruction, pixels)}
    return value, (metrics, batch_stats, state.method_state)

  return Method(
    streams={'unlabelled': 1},
    model=model,
    classifies=False,
    init=passes.plain_init(model, dtype),
    loss=loss,
  )


def from_config(
  config: Mapping[str, Any], encoder: nn.Module, task: Task
) -> Method:
  """Builds the method of a recipe.

  Args:
    config: The whole config; `method` has `objective` ('mse', or 'ssim', which
      minimizes 1 - SSIM over windows of `ssim_window` pixels), `decoder_width`
      and `input_noise`; `data.views` is the string of ops, ending in
      `normalize`.
    encoder: The encoder of `config.model`.
    task: What is learned from.

  Raises:
    InputError: If a field's value is out of its range.
  """
  section, ops = config['method'], config['data']['views']
  objective = lookup(OBJECTIVES, section['objective'], 'method.objective')
  window = fields.whole_number(section, 'ssim_window', 3)
  side = min(task.image_shape[:2])
  if section['objective'] == 'ssim' and (window % 2 == 0 or window > side):
    raise InputError(
      f"method.ssim_window must be odd and at most the images' {side} pixels, "
      f'got {window}'
    )
  task.transform(ops)  # Checks it; what is reconstructed are pixels, though.
  dtype = DTYPES[config['model']['dtype']]
  return autoencoder(
    encoder,
    Decoder(
      width=fields.whole_number(section, 'decoder_width', 1),
      dtype=dtype,
      **batch_norm_fields(config['model']),
    ),
    augment.parse_pixels(ops, augment.OPS, image_shape=task.image_shape),
    task.transform('normalize'),
    partial(objective, window=window),
    input_noise=fields.check(section, 'input_noise', 0),
    dtype=dtype,
  )
