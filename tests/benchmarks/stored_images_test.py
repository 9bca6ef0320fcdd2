"""The files are what a run reads, and the table is of what it held."""

import os
import subprocess
import sys

from benchmarks import stored_images
from benchmarks.stored_images import Look
from semisup_jax import data

from ..data_section import of_folder


def test_the_files_are_labelled_images_and_others_none_twice(
  tmp_path, monkeypatch
):
  monkeypatch.setattr(stored_images, 'LABELLED', 20)
  stored_images.write(tmp_path, 30)
  train = data.load(of_folder(tmp_path, in_memory=False))['train']
  assert train.images.shape == (30, 32, 32, 3)
  assert sorted(train.labels) == [*[-1] * 10, *sorted([*range(10)] * 2)]
  assert not data.repeated(data.digests(train.images))


def test_a_table_has_the_largest_memory_of_each_part_of_the_epoch():
  looks = [Look(1, 0, 9 * 10**8, (), 8 * 10**8)] + [
    Look(s + 1, s, s * 10**7, (10**8,), s * 10**7 + 10**8) for s in range(1, 21)
  ]
  table = list(stored_images.rows(looks))
  assert table[2] == '| the first | 1 | 900 | none | 800 |'
  assert table[3] == '| 2 | 2 | 10 | 100 | 110 |'
  assert table[4] == '| 4 | 4 | 30 | 100 | 130 |'
  assert table[-1] == '| the end | 21 | 200 | 100 | 300 |'
  assert stored_images.pace(looks) == 1


def test_a_look_at_this_process(tmp_path):
  look = stored_images.look(os.getpid(), tmp_path, 1.5)
  assert look.step == 0
  assert 0 < look.main < 10**11


def test_a_look_while_a_process_ends(tmp_path):
  with subprocess.Popen([sys.executable, '-c', '']) as child:
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    look = stored_images.look(os.getpid(), tmp_path, 1.5)
  assert look.main > 0
