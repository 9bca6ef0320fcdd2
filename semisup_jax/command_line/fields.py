"""What absl and config_flags cannot do with the fields of a config."""

from collections.abc import Sequence


class UsageError(ValueError):
  """The command line cannot be understood; the message is one line."""


def split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
  """Takes what absl and config_flags cannot do out of the arguments.

  They can set no field to None, and of a field of several values that is set
  twice they take both; here the last one holds, as of any other field. And
  `--multihost` gets the value that it means.

  Args:
    argv: The arguments, without the program's name.

  Returns:
    The arguments that are left, and the paths of the fields to unset, in order.
  """
  rest, fields = [], {}
  for argument in argv:
    name, equals, value = argument.partition('=')
    field = name.lstrip('-').removeprefix('config.')
    if argument in ('-multihost', '--multihost'):
      rest.append('--multihost=detect')
    elif not equals or field == name.lstrip('-'):
      rest.append(argument)
    else:
      fields.pop(field, None)
      fields[field] = None if value in ('None', 'none') else argument
  set_ = [argument for argument in fields.values() if argument is not None]
  unset = [name for name, argument in fields.items() if argument is None]
  return [*rest, *set_], unset


def split_words(config) -> None:
  """Makes `=knn,linear_probe` two words, which config_flags reads as one.

  Args:
    config: Of the recipe; it is changed.
  """
  for name, value in config.items():
    if hasattr(value, 'items'):
      split_words(value)
    elif isinstance(value, tuple) and len(value) == 1:
      (word,) = value
      if isinstance(word, str) and ',' in word:
        words = [w.strip(' \'"()') for w in word.split(',')]
        config[name] = tuple(int(w) if w.isdigit() else w for w in words if w)


def unset(config, path: str) -> None:
  """Sets a field to None, if its recipe says that it may be None.

  Args:
    config: Of the recipe; it is changed.
    path: Of the field, as `schedule.steps`.

  Raises:
    UsageError: If there is no such field, or it may not be None.
  """
  from ml_collections import config_dict

  *sections, name = path.split('.')
  for section in sections:
    config = config.get(section) if section in config else None
    if not isinstance(config, config_dict.ConfigDict):
      raise UsageError(f'unknown config field {path!r}')
  fields = dict(config.items(preserve_field_references=True))
  if name not in fields:
    raise UsageError(f'unknown config field {path!r}')
  if not isinstance(fields[name], config_dict.FieldReference):
    value = fields[name]
    if isinstance(value, config_dict.ConfigDict):
      value = 'a section'
    raise UsageError(f'--config.{path} cannot be None; it is {value}')
  config[name] = None
