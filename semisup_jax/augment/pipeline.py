"""A string of ops, made one function; and that function over a batch.

A pipeline is written `'random_resized_crop(0.2, 1.0)|flip_left_right'`: names
from a table, each with literal arguments, applied from left to right. An op is
`(key, image, *arguments) -> image` on one image, float [H, W, C] in [0, 1].
"""

import ast
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from semisup_jax.types import InputError, lookup

Op = Callable[..., jax.Array]
Transform = Callable[[jax.Array, jax.Array], jax.Array]  # (key, image) -> image


def _read(text: str) -> tuple[str, list[Any], dict[str, Any]]:
  """Returns name, arguments and keyword arguments of one op of the string."""
  try:
    node = ast.parse(text, mode='eval').body
    call = ast.Call(node, [], []) if isinstance(node, ast.Name) else node
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
      raise ValueError
    names = [keyword.arg for keyword in call.keywords]
    if None in names or len(set(names)) < len(names):
      raise ValueError
    args = [ast.literal_eval(arg) for arg in call.args]
    values = [ast.literal_eval(keyword.value) for keyword in call.keywords]
  except (SyntaxError, TypeError, ValueError, RecursionError):
    raise InputError(
      f'cannot read augmentation {text!r}; write name or name(1, p=0.5), with '
      'literal arguments and | between ops'
    ) from None
  return call.func.id, args, dict(zip(names, values, strict=True))


def _usage(name: str, op: Op) -> str:
  """Returns how the op is written in a string, `blur(sigma, p=0.5)`."""
  empty = inspect.Parameter.empty
  parameters = list(inspect.signature(op).parameters.values())[2:]
  plain = [parameter.replace(annotation=empty) for parameter in parameters]
  return f'{name}{inspect.Signature(plain)}'


def _bind(
  text: str, table: Mapping[str, Op], image_shape: tuple[int, int, int]
) -> Transform:
  """Returns one op of the string with its arguments bound and checked."""
  name, args, kwargs = _read(text)
  op = lookup(table, name, 'augmentation')
  key = jax.eval_shape(lambda: jax.random.key(0))
  image = jax.ShapeDtypeStruct(image_shape, jnp.float32)
  try:
    inspect.signature(op).bind(key, image, *args, **kwargs)
  except TypeError as error:
    usage = _usage(name, op)
    raise InputError(f'augmentation {text!r}: {error}; use {usage}') from None

  def bound(key, image):
    return op(key, image, *args, **kwargs)

  try:
    jax.eval_shape(bound, key, image)
  except (TypeError, ValueError, OverflowError) as error:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    raise InputError(f'augmentation {text!r}: {reason}') from None
  return bound


def parse(
  spec: str,
  table: Mapping[str, Op],
  *,
  image_shape: tuple[int, int, int] = (8, 8, 3),
) -> Transform:
  """Makes one function of a string of ops.

  Names, arguments and their ranges are checked here, by running each op on
  shapes alone: nothing is compiled, and a bad string fails before training.

  Args:
    spec: Ops with `|` between them; the empty string is the identity.
    table: What can be named; `(key, image, *arguments) -> image`.
    image_shape: An [H, W, C] that the ops are checked on. The result takes
      images of any size that its ops take.

  Returns:
    `(key, image) -> image` on one image, float [H, W, C], in which the op at
    position i uses the key `fold_in(key, i)`.

  Raises:
    InputError: If an op is unknown, or its arguments are wrong.
  """
  texts = [text.strip() for text in spec.split('|')] if spec.strip() else []
  ops = [_bind(text, table, image_shape) for text in texts]

  def transform(key, image):
    for position, op in enumerate(ops):
      image = op(jax.random.fold_in(key, position), image)
    return image

  return transform


def parse_pixels(
  spec: str,
  table: Mapping[str, Op],
  *,
  image_shape: tuple[int, int, int] = (8, 8, 3),
) -> Transform:
  """As `parse`, without the last op: views to be seen or reconstructed.

  Args:
    spec: Ops that end in a normalization.
    table: See `parse`.
    image_shape: See `parse`.

  Raises:
    InputError: If an op is unknown, or its arguments are wrong.
  """
  ops, _, _ = spec.rpartition('|')
  return parse(ops, table, image_shape=image_shape)


def _to_float(images: jax.Array, dtype: jax.typing.DTypeLike) -> jax.Array:
  """Returns uint8 [N, H, W, C] as `dtype` in [0, 1], checking both."""
  if images.dtype != jnp.uint8 or images.ndim != 4:
    raise ValueError(
      f'images must be uint8 [N, H, W, C], got {images.dtype} '
      f'{list(images.shape)}'
    )
  if jnp.dtype(dtype) not in (jnp.dtype('float32'), jnp.dtype('float64')):
    raise ValueError(f'dtype must be float32 or float64, got {dtype}')
  return images.astype(dtype) / 255


def view_keys(key: jax.Array, images: int, count: int) -> jax.Array:
  """Returns the key of every view of every image, [images, count].

  View v of the image at row i has the key `fold_in(fold_in(key, v), i)`: it
  depends on neither the number of views nor the size of the batch.
  """
  fold_in = jax.random.fold_in
  of_view = jax.vmap(fold_in, (None, 0))(key, jnp.arange(count))
  of_row = jax.vmap(fold_in, (None, 0))
  rows = jnp.arange(images)
  return jax.vmap(of_row, (0, None), 1)(of_view, rows)


def views(
  transform: Transform,
  key: jax.Array,
  images: jax.Array,
  count: int,
  dtype: jax.typing.DTypeLike = jnp.float32,
) -> jax.Array:
  """Draws random views of a batch of images, each with a key of its own.

  Args:
    transform: `(key, image) -> image` on one image, from `parse`.
    key: A PRNG key, a new one each step.
    images: uint8 [N, H, W, C].
    count: The number of views of each image, >= 1, static.
    dtype: float32 or float64, of the views and of everything drawn for them.

  Returns:
    `dtype` [N, count, H, W, C]; see `view_keys` for who uses which key.

  Raises:
    ValueError: If the images are not uint8 [N, H, W, C], or `dtype` is another.
  """
  images = _to_float(images, dtype)
  keys = view_keys(key, images.shape[0], count)
  return jax.vmap(jax.vmap(transform, (0, None)))(keys, images)


def preprocess(
  transform: Transform,
  images: jax.Array,
  dtype: jax.typing.DTypeLike = jnp.float32,
) -> jax.Array:
  """Prepares a batch for evaluation, the same each time.

  Args:
    transform: As for `views`, and without randomness: parsed of 'normalize'
      or ''. A random op would draw the same amounts for every image.
    images: uint8 [N, H, W, C].
    dtype: float32 or float64.

  Returns:
    `dtype` [N, H, W, C].

  Raises:
    ValueError: If the images are not uint8 [N, H, W, C], or `dtype` is another.
  """
  fixed = functools.partial(transform, jax.random.key(0))
  return jax.vmap(fixed)(_to_float(images, dtype))
