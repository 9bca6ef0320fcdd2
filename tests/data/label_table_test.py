"""Tables of labels, good and odd ones: each is read, or has its one line."""

import re

import numpy as np
import pytest
from PIL import Image

from semisup_jax import data
from semisup_jax.types import InputError

from ..data_section import of_folder

FILES = ('a.png', 'b.png', 'c.png', 'd.png', 'sub/a.png', 'sub/e.png')


@pytest.fixture
def root(tmp_path):
  """Six images, of which each says which it is."""
  (tmp_path / 'sub').mkdir()
  for i, name in enumerate(FILES):
    Image.new('L', (4, 4), 10 * i).save(tmp_path / name)
  return tmp_path


def read(root, text, **fields):
  """By split, the class of each file; and the notes."""
  table = root / 'labels.csv'
  table.write_bytes(text.encode() if isinstance(text, str) else text)
  parts = data.load(of_folder(root, **fields))
  found = {}
  for split, part in parts.items():
    numbers = [FILES.index(file) for file in part.files]
    np.testing.assert_array_equal(part.images[:, 0, 0, 0] // 10, numbers)
    names = [*part.class_names, None]
    found[split] = {
      file: names[label]
      for file, label in zip(part.files, part.labels, strict=True)
    }
  return found, parts['train']


TWO_EACH = {'a.png': 'x', 'b.png': 'y', 'c.png': 'x', 'd.png': 'y'}
REST = {'sub/a.png': None, 'sub/e.png': None}


@pytest.mark.parametrize(
  'text',
  [
    'file,label\na.png,x\nb.png,y\nc.png,x\nd.png,y\n',
    'Label ; FILE\nx;a.png\ny;b.png\nx;c.png\ny; d.png \n',
    'file\tage\tlabel\r\na.png\t3\tx\r\nb.png\t4\ty\r\nc.png\t5\tx\r\n'
    'd.png\t6\ty\r\n',
    '\ufefffile,label\n"a.png","x"\nb.png,y\n\n,\nc.png,x\nd.png,y',
    'file,label\n./a.png,x\nb.png,y\nc.png,x\nd.png,y\nsub\\a.png,\n',
  ],
  ids=['commas', 'semicolons', 'tabs', 'a mark and quotes', 'paths'],
)
def test_a_table_says_the_labels_of_the_images_that_it_names(root, text):
  found, train = read(root, text)
  assert found == {'train': {**TWO_EACH, **REST}}
  assert train.class_names == ('x', 'y')
  assert train.groups is None
  assert train.reading.notes == ()


def test_a_table_may_name_splits_and_groups(root):
  found, train = read(
    root,
    'file,label,split,group\na.png,x,train,p1\nb.png,y,,p1\nc.png,x,Val,p2\n'
    'd.png,y,test,p3\ne.png,,,p3\n',
  )
  assert found == {
    'train': {'a.png': 'x', 'b.png': 'y', **REST},
    'validation': {'c.png': 'x'},
    'test': {'d.png': 'y'},
  }
  # By file: p1, p1, nobody's, p3.
  assert train.files == ('a.png', 'b.png', 'sub/a.png', 'sub/e.png')
  assert train.groups.tolist() == [0, 0, -1, 2]


SEVERAL = """file,Ill,old,age,split
a.png,1,0,72,
b.png,0.0,1.0,15,train
c.png,0,0,33,
d.png,,,,
sub/a.png,1,1,60,val
sub/e.png,0,1,61,test
"""


def test_columns_of_0_and_1_are_labels_of_which_an_image_has_any_number(root):
  table = root / 'labels.csv'
  table.write_text(re.sub(',age|,72|,15|,33|,60|,61|(?<=d.png),', '', SEVERAL))
  parts = data.load(of_folder(root))
  train = parts['train']
  assert train.class_names == ('Ill', 'old')
  assert train.multi_label
  assert train.files == ('a.png', 'b.png', 'c.png', 'd.png')
  labels = [[1, 0], [0, 1], [0, 0], [-1, -1]]
  np.testing.assert_array_equal(train.labels, labels)
  np.testing.assert_array_equal(parts['validation'].labels, [[1, 1]])
  np.testing.assert_array_equal(parts['test'].labels, [[0, 1]])


def test_classes_say_which_columns_are_labels(root):
  (root / 'labels.csv').write_text(SEVERAL)
  with pytest.raises(InputError, match='age must be 0 or 1, or all'):
    data.load(of_folder(root))
  train = data.load(of_folder(root, classes=('old', 'Ill')))['train']
  assert train.class_names == ('old', 'Ill')
  labels = [[0, 1], [1, 0], [0, 0], [-1, -1]]
  np.testing.assert_array_equal(train.labels, labels)


def test_classes_that_are_numbers_are_in_the_order_of_these(root):
  _, train = read(root, 'file,label\na.png,10\nb.png,9\nc.png,10\nd.png,9\n')
  assert train.class_names == ('9', '10')


def test_a_table_may_lie_elsewhere(root, tmp_path_factory):
  table = tmp_path_factory.mktemp('tables') / 'mine.csv'
  table.write_text('file,label\na.png,x\nb.png,y\nc.png,x\nd.png,y\n')
  train = data.load(of_folder(root, labels=str(table)))['train']
  assert train.class_names == ('x', 'y')
  with pytest.raises(
    InputError, match=r'data\.labels: there is no file nowhere'
  ):
    data.load(of_folder(root, labels='nowhere'))


GOOD = 'a.png,x\nb.png,y\nc.png,x\nd.png,y\n'
# What is wrong with a table, and the one line that says so after its path.
WRONG = {
  'empty': ('', 'needs a header with the columns file and label, and perhaps '
   'split and group, or for label two columns of 0 and 1 or more; it has '
   'nothing'),
  'no header': (GOOD, 'it has a.png, x'),
  'no rows': ('file,label\n', 'has a header, but no rows'),
  'other columns': ('image;class\na;b\n', 'it has image, class'),
  'one column of 0 and 1': ('file,ill\na.png,1\n', 'it has file, ill'),
  'a label twice': ('file,ill,old,Ill\n', "the column 'ill' twice"),
  'a word for a label': (
    'file,ill,old\na.png,1,0\nb.png,0,72\n',
    ", line 3: old must be 0 or 1, or all labels of the image empty; got '72'; "
    'without a column label every column but file, split and group is a label',
  ),
  'a part of the labels': (
    'file,ill,old\na.png,1,\n', ", line 2: old must be 0 or 1, or all labels"
  ),
  'an image with other labels': (
    'file,ill,old\na.png,1,1\nb.png,0,1\na.png,0,0\n',
    ', line 4: a.png is none of the labels, train here, and ill and old, train '
    'in line 2',
  ),
  'a label that is only tested on': (
    'file,ill,old,split\na.png,1,0,\nb.png,0,0,\nc.png,0,1,test\n',
    "the test part has the class 'old', which is not in the train part",
  ),
  'labels that do not vary': (
    'file,ill,old\na.png,1,0\nb.png,1,0\n',
    'each label is on all labelled images or on none of them, so nothing can',
  ),
  'a column twice': ('file,label,Label\n', "the column 'label' twice"),
  'not UTF-8': (
    'file,label\na.png,\xe9\n'.encode('latin-1'),
    "cannot be read as a table: 'utf-8' codec can't decode",
  ),
  'a picture': (b'\x89PNG\r\n\x1a\n\x00\x00', 'cannot be read as a table: '),
  'an open quote': (
    f'file,label\n{GOOD}"sub/e.png,x\n', 'cannot be read as a table: unexpected'
  ),
  'too many cells': (
    f'file,label\n{GOOD}sub/e.png,x,y\n',
    ', line 6 has 3 cells, the header 2; a name with a comma in it needs',
  ),
  'a split of another name': (
    'file,label,split\na.png,x,dev\n',
    ", line 2: split must be train, validation or test, or empty; got 'dev'",
  ),
  'a test image without a label': (
    'file,label,split\na.png,,test\n',
    ', line 2: an image of the test part needs a label',
  ),
  'labels that differ': (
    f'file,label\n{GOOD}a.png,y\n',
    ', line 6: a.png is y, train here, and x, train in line 2',
  ),
  'labels that differ by the path': (
    f'file,label\n{GOOD}sub/e.png,x\ne.png,\n',
    ', line 7: e.png is without a label, train here, and x, train in line 6',
  ),
  'nothing that is there': (
    'file,label\nold/1.png,x\nold/2.png,y\n',
    "none of the 2 images of the table is in ROOT, the first is 'old/1.png'; "
    'files are named from there, as a.png',
  ),
  'a group on both sides': (
    'file,label,group,split\na.png,x,p,\nb.png,y,,\nc.png,x,p,test\n',
    "the group 'p' is in two parts: a.png is train, c.png is test; whose "
    'images are tested on must not be learned from',
  ),
  'a class that is only tested on': (
    'file,label,split\na.png,x,\nb.png,y,\nc.png,z,test\nd.png,z,test\n'
    'sub/a.png,x,\nsub/e.png,y,\n',
    "the test part has the class 'z', which is not in the train part",
  ),
  'no label': (
    'file,label\na.png,\n', 'has no labelled image; a table labels.csv with'
  ),
  'one class': (
    'file,label\na.png,x\nb.png,x\n', 'has one class; two are needed'
  ),
}  # fmt: skip


@pytest.mark.parametrize('name', WRONG)
def test_what_is_wrong_with_a_table_is_said_in_one_line(root, name):
  text, line = WRONG[name]
  with pytest.raises(InputError) as error:
    # What contradicts itself is not passed over either.
    read(root, text, skip_unreadable=True)
  assert line.replace('ROOT', str(root)) in str(error.value)
  assert '\n' not in str(error.value)


PASSED_OVER = {
  'a file that is not there': (
    'gone.png,x', ", line 6: there is no image 'gone.png' in ROOT"
  ),
  'a file outside': (
    '../secret.png,x', ", line 6: there is no image '../secret.png' in ROOT"
  ),
  'no file': (',x', ', line 6 names no file'),
  'the same row twice': (
    'a.png,x', ', line 6: a.png was named in line 2 already'
  ),
  'a class with one image': (
    'sub/e.png,z',
    "the class 'z' has one image, ROOT/sub/e.png; two are needed, to learn "
    'from and to test on',
  ),
}  # fmt: skip


@pytest.mark.parametrize('name', PASSED_OVER)
def test_a_row_that_cannot_be_used_is_named_or_passed_over(root, name):
  row, line = PASSED_OVER[name]
  line = line.replace('ROOT', str(root))
  with pytest.raises(InputError) as error:
    read(root, f'file,label\n{GOOD}{row}\n')
  assert line in str(error.value)
  assert 'data.skip_unreadable=True' in str(error.value)
  found, train = read(root, f'file,label\n{GOOD}{row}\n', skip_unreadable=True)
  left = {'sub/a.png': None} if 'sub/e.png' in row else REST
  assert found == {'train': {**TWO_EACH, **left}}
  (note,) = train.reading.notes
  assert note.startswith('1 file(s) or row(s) were passed over, the first: ')
  assert line in note


def test_a_name_that_lies_in_several_folders_is_asked_for(root):
  Image.new('L', (4, 4)).save(root / 'sub' / 'f.png')
  (root / 'other').mkdir()
  Image.new('L', (4, 4)).save(root / 'other' / 'f.png')
  with pytest.raises(
    InputError,
    match=r'line 6: f\.png lies in several folders, as other/f\.png and sub/',
  ):
    read(root, f'file,label\n{GOOD}f.png,x\n')


def test_images_in_no_sub_folder_are_unlabelled(tmp_path):
  for name in ('x/1', 'x/2', 'y/3', 'y/deep/4', '5'):
    path = tmp_path / f'{name}.png'
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new('L', (4, 4)).save(path)
  (tmp_path / 'notes').mkdir()
  train = data.load(of_folder(tmp_path))['train']
  assert train.files == (
    *('x/1.png', 'x/2.png', 'y/3.png', 'y/deep/4.png'),
    '5.png',
  )
  assert train.labels.tolist() == [0, 0, 1, 1, -1]
  assert train.reading.notes == (
    f'1 image(s) lie in {tmp_path} itself, in no sub-folder: they are '
    'unlabelled.',
    f'{tmp_path / "notes"} has no image and is no class.',
  )


def test_a_folder_without_an_image_is_named(tmp_path):
  (tmp_path / 'x').mkdir()
  with pytest.raises(InputError, match=r'has no image file \(\.png, \.jpg'):
    data.load(of_folder(tmp_path))
