"""Odd and hostile image files: each is read, or has its one line."""

import io
import pathlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from semisup_jax import data
from semisup_jax.types import InputError

from ..data_section import of_folder

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (8, 8, 3), np.uint8)


def encoded(image, kind='png', **options):
  buffer = io.BytesIO()
  image.save(buffer, kind, **options)
  return buffer.getvalue()


def plain(path, count=2):
  """Two classes of images that nothing is wrong with."""
  for name in ('ant', 'cat'):
    (path / name).mkdir(parents=True)
    for i in range(count):
      pixels = RANDOM.integers(0, 256, (8, 8, 3), np.uint8)
      Image.fromarray(pixels).save(path / name / f'{i}.png')
  return path


def read_beside(path, content, suffix='png', **fields):
  """What is read of one more file of the class ant, and the notes."""
  (plain(path) / 'ant' / f'odd.{suffix}').write_bytes(content)
  train = data.load(of_folder(path, **fields))['train']
  return train.images[train.files.index(f'ant/odd.{suffix}')], train.reading


def turned(orientation):
  exif = Image.Exif()
  exif[0x0112] = orientation
  return exif


@pytest.mark.parametrize(
  ('orientation', 'upright'),
  [
    (1, lambda x: x),
    (2, lambda x: x[:, ::-1]),
    (3, lambda x: x[::-1, ::-1]),
    (4, lambda x: x[::-1]),
    (5, lambda x: x.transpose(1, 0, 2)),
    (6, lambda x: np.rot90(x, -1)),
    (7, lambda x: np.rot90(x, 2).transpose(1, 0, 2)),
    (8, lambda x: np.rot90(x)),
    (77, lambda x: x),
  ],
)
@pytest.mark.parametrize('kind', ['png', 'tiff', 'webp'])
def test_exif_says_which_way_is_up(tmp_path, kind, orientation, upright):
  options = {'lossless': True} if kind == 'webp' else {}
  content = encoded(
    Image.fromarray(PIXELS), kind, exif=turned(orientation), **options
  )
  image, reading = read_beside(tmp_path, content, kind)
  np.testing.assert_array_equal(image, upright(PIXELS))
  note = 'Of 5 image files were read 1 turned as the EXIF orientation says.'
  assert reading.notes == ((note,) if 1 < orientation < 9 else ())


@pytest.mark.parametrize('kind', ['jpeg', 'tiff'])
def test_a_picture_on_its_side_has_the_size_of_the_turned_one(tmp_path, kind):
  for name in ('ant', 'cat'):
    (tmp_path / name).mkdir()
    for i in range(2):
      Image.new('RGB', (6, 10)).save(tmp_path / name / f'{i}.png')
  wide = Image.new('RGB', (10, 6))
  wide.save(tmp_path / 'ant' / f'odd.{kind}', exif=turned(6))
  train = data.load(of_folder(tmp_path))['train']
  assert train.images.shape == (5, 10, 6, 3)
  assert train.reading.sizes == {(6, 10): 5}


@pytest.mark.parametrize('kind', ['png', 'tiff'])
def test_16_bits_of_grey_are_scaled_to_8(tmp_path, kind):
  for name in ('ant', 'cat'):
    (tmp_path / name).mkdir()
    for i in range(2):
      Image.new('L', (4, 2)).save(tmp_path / name / f'{i}.png')
  values = np.array([[0, 128, 129, 257], [25700, 32768, 65406, 65535]])
  content = encoded(Image.fromarray(values.astype(np.uint16)), kind)
  (tmp_path / 'cat' / f'odd.{kind}').write_bytes(content)
  train = data.load(of_folder(tmp_path))['train']
  assert train.images.shape[-1] == 1
  expected = np.round(values / 257)
  np.testing.assert_array_equal(train.images[-1, ..., 0], expected)
  assert train.reading.notes == (
    'Of 5 image files were read 1 of 16 bits scaled to 8.',
  )


def flat(mode, color):
  return Image.new(mode, (8, 8), color)


@pytest.mark.parametrize(
  ('content', 'suffix', 'pixel', 'change'),
  [
    (encoded(flat('CMYK', (0, 255, 255, 0)), 'tiff'), 'tif', (255, 0, 0),
     'of CMYK converted to RGB'),
    (encoded(flat('RGBA', (9, 8, 7, 0))), 'png', (9, 8, 7),
     'without their transparency'),
    (encoded(flat('LA', (7, 9))), 'png', (7, 7, 7),
     'without their transparency'),
    (encoded(flat('L', 7)), 'png', (7, 7, 7), None),
    (encoded(flat('1', 1), 'bmp'), 'bmp', (255, 255, 255), None),
    (encoded(flat('RGB', (7, 8, 9)), 'bmp'), 'bmp', (7, 8, 9), None),
    (encoded(flat('RGB', (7, 8, 9)).quantize()), 'png', (7, 8, 9), None),
    (
      encoded(
        flat('RGB', (7, 8, 9)), 'gif', save_all=True,
        append_images=[flat('RGB', (0, 0, 0))],
      ),
      'gif', (7, 8, 9),
      'of several frames or pages, of which the first was taken',
    ),
    (
      encoded(
        flat('RGB', (7, 8, 9)), 'tiff', save_all=True,
        append_images=[flat('RGB', (0, 0, 0))],
      ),
      'tiff', (7, 8, 9),
      'of several frames or pages, of which the first was taken',
    ),
    # What a file is, its content says; its name says that it is an image.
    (encoded(flat('RGB', (7, 8, 9))), 'JPG', (7, 8, 9), None),
  ],
)  # fmt: skip
def test_other_images_become_rgb_and_it_is_said_once(
  tmp_path, content, suffix, pixel, change
):
  image, reading = read_beside(tmp_path, content, suffix)
  np.testing.assert_array_equal(image, np.broadcast_to(pixel, (8, 8, 3)))
  sentence = f'Of 5 image files were read 1 {change}.'
  assert reading.notes == ((sentence,) if change else ())


def test_a_large_jpeg_is_scaled_as_closely_as_a_small_one(tmp_path):
  # Decoded at a fraction of its size; the picture is a gradient.
  ramp = np.linspace(0, 255, 1024)
  pixels = np.broadcast_to(ramp[:, None, None], (1024, 1024, 3))
  content = encoded(Image.fromarray(pixels.astype(np.uint8)), 'jpeg')
  image, _ = read_beside(tmp_path, content, 'jpg', image_size=32)
  expected = pixels.reshape(32, 32, 32, 32, 3).mean((1, 3))
  np.testing.assert_allclose(image, expected, atol=2)


def png_of_size(width, height):
  """A PNG that claims a size, and has next to nothing of it."""

  def chunk(kind, body):
    crc = zlib.crc32(kind + body).to_bytes(4, 'big')
    return len(body).to_bytes(4, 'big') + kind + body + crc

  header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
  pixels = zlib.compress(bytes(100))
  return (
    b'\x89PNG\r\n\x1a\n'
    + chunk(b'IHDR', header)
    + chunk(b'IDAT', pixels)
    + chunk(b'IEND', b'')
  )


def text_bomb():
  """A PNG whose comment unpacks to far more than it is."""
  from PIL import PngImagePlugin

  info = PngImagePlugin.PngInfo()
  info.add_text('comment', 'x' * 10**8, zip=True)
  return encoded(Image.fromarray(PIXELS), pnginfo=info)


HOSTILE = {
  'empty': (b'', 'odd.png cannot be read as an image: cannot identify'),
  'text': (b'no image at all', 'odd.png cannot be read as an image'),
  'cut off': (
    encoded(Image.fromarray(RANDOM.integers(0, 256, (64, 64), np.uint8)))[
      :3000
    ],
    'odd.png cannot be decoded: ',
  ),
  'a bomb': (
    png_of_size(60_000, 60_000),
    'odd.png is too large to be decoded: Image size (3600000000 pixels) '
    'exceeds limit',
  ),
  'a bomb of text': (text_bomb(), 'odd.png cannot be read as an image: '),
  'floating point': (
    encoded(Image.new('F', (8, 8)), 'tiff'),
    'odd.png is of the mode F; save it as grey or RGB, with 8 bits or 16',
  ),
  '32 bits': (
    encoded(Image.new('I', (8, 8), 70_000), 'tiff'),
    'odd.png has values from 70000 to 70000, beyond 16 bits; scale them to 0',
  ),
  'a program': (
    b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nquit\n',
    'odd.png cannot be',
  ),
}


@pytest.mark.parametrize('name', HOSTILE)
def test_a_file_that_cannot_be_used_is_named_in_one_line(tmp_path, name):
  content, line = HOSTILE[name]
  (plain(tmp_path) / 'ant' / 'odd.png').write_bytes(content)
  with pytest.raises(InputError) as error:
    data.load(of_folder(tmp_path, image_size=8))
  message = str(error.value)
  assert f'{tmp_path}/ant/{line}' in message
  assert message.endswith(
    '; --config.data.skip_unreadable=True goes on without such'
  )
  assert '\n' not in message
  assert len(message) < 400


def test_files_that_cannot_be_used_are_passed_over_and_counted(tmp_path):
  plain(tmp_path)
  for i, (content, _) in enumerate(HOSTILE.values()):
    (tmp_path / 'ant' / f'{i}odd.png').write_bytes(content)
  (tmp_path / 'out.png').symlink_to('/etc/hostname')
  before = {
    path.name: np.asarray(Image.open(path))
    for name in ('ant/0', 'ant/1', 'cat/0', 'cat/1')
    for path in [tmp_path / f'{name}.png']
  }
  config = of_folder(tmp_path, image_size=8, skip_unreadable=True)
  train = data.load(config)['train']
  assert train.files == ('ant/0.png', 'ant/1.png', 'cat/0.png', 'cat/1.png')
  assert train.labels.tolist() == [0, 0, 1, 1]
  for image, file in zip(train.images[2:], train.files[2:], strict=True):
    name = pathlib.PurePath(file).name
    np.testing.assert_array_equal(image, before[name])
  assert len(train.reading.skipped) == len(HOSTILE) + 1
  assert train.reading.notes[-1].startswith(
    f'{len(HOSTILE) + 1} file(s) or row(s) were passed over, the first: '
  )


@pytest.mark.parametrize('in_memory', [True, False])
def test_large_images_are_read_without_a_warning(tmp_path, recwarn, in_memory):
  plain(tmp_path)
  # Above the size at which Pillow warns, below the one at which it refuses.
  Image.new('1', (9600, 9600)).save(tmp_path / 'cat' / 'large.png')
  parts = data.load(of_folder(tmp_path, image_size=8, in_memory=in_memory))
  assert parts['train'].images[:].shape == (5, 8, 8, 3)
  assert not recwarn.list


def test_a_link_to_a_folder_above_ends(tmp_path):
  plain(tmp_path)
  (tmp_path / 'cat' / 'again').symlink_to(tmp_path / 'cat')
  train = data.load(of_folder(tmp_path))['train']
  assert len(train) == 4
