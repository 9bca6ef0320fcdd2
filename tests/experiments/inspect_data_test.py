"""A look at data: one page, whatever is wrong with them."""

import numpy as np
import pytest
from PIL import Image

from semisup_jax import command_line

RECIPE = '--config=configs/inspect_data.py'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """Images with a table of labels, and much that is wrong."""
  root = tmp_path_factory.mktemp('images')
  random = np.random.default_rng(0)
  rows = ['file,label,group']
  for i in range(40):
    pixels = random.integers(0, 256, (20 + i % 2, 24, 3), np.uint8)
    if i == 7:
      pixels[:] = 9
    Image.fromarray(pixels).save(root / f'{i:02}.png')
    if i < 24:
      rows.append(f'{i:02}.png,{("ant", "bee")[i % 2]},nest {i // 2}')
  # The same image under both labels.
  (root / '01.png').write_bytes((root / '00.png').read_bytes())
  (root / 'cut.png').write_bytes((root / '02.png').read_bytes()[:300])
  rows.append('gone.png,ant,')
  (root / 'labels.csv').write_text('\n'.join(rows))
  return root


def test_a_page_says_what_is_there_and_what_is_wrong(folder, tmp_path, capsys):
  workdir = tmp_path / 'run'
  command = [RECIPE, f'--config.data.path={folder}', f'--workdir={workdir}']
  assert command_line.main(command) == 0
  page = (workdir / 'report.html').read_text()
  out = ' '.join(capsys.readouterr().out.split())
  for text in (
    '40 images of 32 x 32 pixels, 24 with one of 2 labels.',
    '2 file(s) or row(s) cannot be used',
    '1 image(s) are there with different labels, as 00.png (ant) and 01.png',
    '1 image(s) are of one colour all over.',
    '40 image(s) are smaller than 32 pixels',
  ):
    assert text in ' '.join(page.replace('&nbsp;', ' ').split())
    assert text in out
  assert 'cut.png cannot be decoded' in page
  assert 'there is no image' in page
  figures = {path.stem for path in (workdir / 'figures').iterdir()}
  names = ('class_balance', 'samples', 'views_grid', 'image_sizes')
  assert figures == {*names, *(f'{name}-dark' for name in names)}
  # Files may have changed since: the page is made anew.
  (workdir / 'report.html').unlink()
  assert command_line.main(command) == 0
  assert (workdir / 'report.html').exists()


def test_images_without_a_label_are_looked_at_too(tmp_path, capsys):
  images = tmp_path / 'images'
  images.mkdir()
  for i in range(4):
    Image.new('L', (8, 8), 40 * i).save(images / f'{i}.png')
  workdir = tmp_path / 'run'
  command = [RECIPE, f'--config.data.path={images}', f'--workdir={workdir}']
  assert command_line.main(command) == 0
  out = ' '.join(capsys.readouterr().out.split())
  assert '4 images of 32 x 32 pixels, none with a label.' in out
  assert 'A run would end at once: data.name=folder has no labelled' in out
  figures = {path.stem for path in (workdir / 'figures').iterdir()}
  assert 'class_balance' not in figures


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    ([], 'data.path is not set; give a folder: --config.data.path='),
    (['--config.data.path=nowhere'], 'there is no nowhere'),
    (['--config.data.path={empty}'], 'has no image file'),
    (['--config.data.path={one}', '--config.data.views=blur|normalize'],
     "unknown augmentation 'blur'"),
    (['--config.data.path={one}', '--fork=x'], '--fork=x is for what trains'),
  ],
)  # fmt: skip
def test_what_cannot_be_looked_at_is_one_line(
  tmp_path, capsys, arguments, message
):
  places = {name: tmp_path / name for name in ('empty', 'one')}
  for place in places.values():
    place.mkdir()
  Image.new('L', (8, 8)).save(places['one'] / '0.png')
  workdir = tmp_path / 'run'
  arguments = [argument.format(**places) for argument in arguments]
  status = command_line.main([RECIPE, *arguments, f'--workdir={workdir}'])
  out, err = capsys.readouterr()
  assert (status, err.count('\n'), out) == (2, 1, '')
  assert message in err
  assert not workdir.exists()
