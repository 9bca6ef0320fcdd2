"""The section `data` of a config, as the sources take it."""


def section(**fields):
  names = ('path', 'dir', 'image_size', 'classes', 'targets', 'labels')
  return {
    **dict.fromkeys(names),
    'skip_unreadable': False,
    'in_memory': True,
    'workers': 0,
    **fields,
  }


def of_folder(path, **fields):
  return section(name='folder', path=str(path), **fields)
