import numpy as np
import pytest

from semisup_jax.reporting import figures

RATES = (0.1, 1e-4)


def looks(*chosen):
  return [
    {
      'learning_rate': rate,
      'step': step,
      'train_loss': 2.0 - step / 100,
      'nll': 2.0 - step / 200,
      'top1': step / 100 * (rate == 0.1),
      'chosen': (rate, step) == chosen,
    }
    for rate in RATES
    for step in (10, 20, 30)
  ]


@pytest.mark.parametrize('theme', ['light', 'dark'])
def test_a_line_a_rate_and_a_mark_where_one_was_chosen(theme, tmp_path):
  panels = {'Fine-tune': looks(0.1, 20), 'Supervised': looks(1e-4, 30)}
  figure = figures.rate_curves(panels, 'top1', theme)
  assert [axes.get_title() for axes in figure.axes[:3]] == [
    'training loss',
    'validation loss',
    'accuracy, %',
  ]
  assert [figure.axes[i].get_ylabel() for i in (0, 3)] == list(panels)
  (legend,) = figure.legends
  assert [text.get_text() for text in legend.get_texts()] == ['0.0001', '0.1']
  lines = [line for line in figure.axes[2].lines if len(line.get_xdata()) > 1]
  np.testing.assert_allclose(lines[0].get_ydata(), [0, 0, 0])
  np.testing.assert_allclose(lines[1].get_ydata(), [10, 20, 30])
  marks = [
    [
      tuple(line.get_xydata()[0])
      for line in axes.lines
      if len(line.get_xdata()) == 1
    ]
    for axes in figure.axes
  ]
  assert marks[0] == marks[3] == []
  assert marks[1] == [(20, 1.9)]
  assert marks[2] == [(20, pytest.approx(20))]
  assert marks[5] == [(30, 0)]
  path = tmp_path / 'figure.png'
  figures.save(figure, path)
  assert path.stat().st_size < 300_000


def test_one_look_and_many_rates_can_be_drawn(tmp_path):
  look = {**looks()[0], 'roc_auc': 0.5}
  many = [{**look, 'learning_rate': 0.1 / i} for i in range(1, 13)]
  figure = figures.rate_curves({'x' * 30: many}, 'roc_auc')
  figures.save(figure, tmp_path / 'figure.png')
  assert figure.axes[2].get_title() == 'ROC-AUC'
