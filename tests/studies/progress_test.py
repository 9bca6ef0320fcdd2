"""The time left is told from the points of this session."""

import io

from rich.console import Console

from semisup_jax.studies import progress


def test_the_time_left_is_the_mean_of_this_session_times_the_rest():
  now = [0.0]
  pace = progress.Pace(total=10, done=6, clock=lambda: now[0])
  pace.begin('a')
  assert pace.left() == ''
  now[0] = 60.0
  pace.finish()
  assert pace.done == 7
  pace.begin('b')
  assert pace.left() == 'about 3 min 0 s left'
  now[0] = 100.0  # 40 of its 60 seconds are over.
  assert pace.left() == 'about 2 min 20 s left'
  now[0] = 1000.0  # It takes longer than the others did.
  assert pace.left() == 'about 2 min 0 s left'


def test_a_terminal_has_one_bar_with_the_name_of_the_point():
  text = io.StringIO()
  console = Console(file=text, force_terminal=True, width=100)
  with progress.bar(console, total=3, done=1) as bar:
    bar.begin('method=[simclr]')
    bar.display.refresh()
    assert 'method=[simclr]' in text.getvalue()
    bar.finish()
  assert '2/3' in text.getvalue()
