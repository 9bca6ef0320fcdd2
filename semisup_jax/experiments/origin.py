"""The run that an encoder comes from, and what of its config goes on."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from semisup_jax.experiments import model_file
from semisup_jax.experiments.saved_model import SavedModel
from semisup_jax.types import InputError

# Fields of one section of which one is set: that one set here replaces any of
# them there.
_ALTERNATIVES = (
  ('labels_per_class', 'labels_total'),
  ('steps', 'epochs', 'examples'),
)


def resolve(config: Any) -> Any:
  """Fills in what a config takes from the run that its field `run` names.

  That is the section `model`; and, where `data.name` is None, every field that
  is None and that the run's config has. A config without `run` stays as it is,
  and so does one that was resolved, and one that names published weights.

  Args:
    config: The whole config; it is not changed.

  Raises:
    InputError: If there is no such run, if it is not finished, or if the config
      has another model.
  """
  if 'run' not in config or config.get('weights') is not None:
    return config
  folder = _folder(config)
  section = _frozen(model_file.read_card(folder)['model'])
  for name, value in config.get('model', {}).items():
    if value not in (None, section.get(name)):
      raise InputError(
        f'model.{name}={value} is not that of the run in {folder}, '
        f'{section.get(name)}; leave it out'
      )
  resolved = config.copy_and_resolve_references()
  with resolved.unlocked():
    if resolved.data.name is None:
      _fill(resolved, _config_in(folder))
    resolved.model = type(resolved)(section)
  return resolved


def model(config: Any) -> SavedModel | None:
  """The model of the run that a config names; None where it names none.

  Args:
    config: The whole config, resolved.

  Raises:
    InputError: If it cannot be read.
  """
  if 'run' not in config:
    return None
  return model_file.read(_folder(config))


def config_of(config: Any) -> Any:
  """The config of the run that a config names.

  Args:
    config: The whole config, with the field `run`.

  Raises:
    InputError: If it cannot be read.
  """
  return type(config)(_frozen(_config_in(_folder(config))))


def _folder(config: Any) -> pathlib.Path:
  if config.run is None:
    instead = ', or published weights, as --config.weights=resnet18.pth'
    raise InputError(
      'run is not set; give the workdir of a finished run, as '
      f'--config.run=runs/simclr{instead if "weights" in config else ""}'
    )
  return pathlib.Path(config.run).expanduser()


def _config_in(folder: pathlib.Path) -> dict[str, Any]:
  path = folder / 'config.json'
  try:
    config = json.loads(path.read_text())['config']
    if not config['data']['name']:
      raise ValueError('it names no data')
  except (KeyError, OSError, TypeError, ValueError) as error:
    raise InputError(f'{path} is not a config of ours: {error}') from error
  return config


def _fill(section: Any, theirs: Mapping[str, Any]) -> None:
  """Gives fields that are None what the other config has; in place."""
  set_here = {name for name, value in section.items() if value is not None}
  replaced = {
    name
    for names in _ALTERNATIVES
    for name in names
    if set_here.intersection(names)
  }
  for name, value in section.items():
    there = theirs.get(name)
    if hasattr(value, 'items') and isinstance(there, Mapping):
      _fill(value, there)
    elif value is None and name not in replaced:
      section[name] = _frozen(there)


def _frozen(value: Any) -> Any:
  """JSON's lists as tuples, which is what a config has."""
  if isinstance(value, list):
    return tuple(map(_frozen, value))
  if isinstance(value, Mapping):
    return {name: _frozen(inner) for name, inner in value.items()}
  return value
