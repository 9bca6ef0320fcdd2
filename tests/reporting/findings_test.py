import pytest

from semisup_jax.reporting import comparison, findings


def test_the_best_is_compared_with_the_baseline_and_the_second(results):
  sentences = findings.sentences(results)
  assert sentences[1] == (
    'At 5 labels a class the linear probe is best: 95.1 % ± 1.0 (n = 5 draws), '
    '9.8 points above supervised training (95 % interval 7.1 to 12.5). It is '
    'not distinguishable from kNN: difference 0.4 points, 95 % interval -0.6 '
    'to 1.4.'
  )
  assert sentences[0].startswith('At 1 label a class the linear probe is best')


def test_a_clear_second_is_said_to_be_clear(row, pair):
  results = {
    'rows': [row('knn', 5, 0.9), row('linear_probe', 5, 0.95)],
    'tables': {
      'differences': [pair('linear_probe', 'knn', 5, 0.05, 0.02, 0.08)]
    },
  }
  assert findings.sentences(results) == [
    'At 5 labels a class the linear probe is best: 95.0 % ± 1.0 '
    '(n = 5 draws). It is 5.0 points above kNN (95 % interval 2.0 to 8.0).'
  ]


def test_a_stored_pair_may_stand_the_other_way_round(row, pair):
  results = {
    'rows': [row('supervised', 5, 0.95), row('knn', 5, 0.9)],
    'tables': {
      'differences': [pair('knn', 'supervised', 5, -0.05, -0.08, -0.02)]
    },
  }
  assert findings.sentences(results) == [
    'At 5 labels a class supervised training is best: 95.0 % ± 1.0 '
    '(n = 5 draws). It is 5.0 points above kNN (95 % interval 2.0 to 8.0).'
  ]
  assert 'Over supervised' not in findings.headline(results)


def test_an_interval_with_zero_is_said_to_include_it(row, pair):
  results = {
    'rows': [row('knn', 5, 0.95), row('supervised', 5, 0.94)],
    'tables': {
      'differences': [pair('knn', 'supervised', 5, 0.01, -0.02, 0.04)]
    },
  }
  assert (
    '1.0 points above supervised training '
    '(95 % interval -2.0 to 4.0, which includes 0).'
  ) in findings.sentences(results)[0]


def test_an_unpaired_difference_says_that_it_has_no_interval(row):
  results = {'rows': [row('knn', 5, 0.9504), row('supervised', 5, 0.95)]}
  assert (
    'less than 0.1 points above supervised training '
    '(no interval of the difference).'
  ) in findings.sentences(results)[0]


def test_the_paired_mean_may_contradict_the_ranking(row, pair):
  results = {
    'rows': [row('knn', 5, 0.95), row('supervised', 5, 0.94, n=3)],
    'tables': {
      'differences': [pair('knn', 'supervised', 5, -0.01, -0.02, 0)],
    },
  }
  assert '1.0 points below supervised' in findings.sentences(results)[0]


def test_a_tie_names_all_and_calls_none_best(row):
  results = {
    'rows': [
      row('knn', 5, 0.9),
      row('linear_probe', 5, 0.9),
      row('supervised', 5, 0.8),
    ]
  }
  (sentence,) = findings.sentences(results)
  assert sentence == (
    'At 5 labels a class kNN and the linear probe are level: 90.0 % ± 1.0 '
    '(n = 5 draws), 10.0 points above supervised training (no interval of '
    'the difference).'
  )
  assert 'kNN and the linear probe are level' in findings.headline(results)


def test_one_fit_gives_its_interval_in_place_of_a_spread(row):
  results = {'rows': [row('knn', 'all', 0.978, n=1)]}
  assert findings.sentences(results) == [
    'With all labels kNN reaches 97.8 % (n = 1; 95 % interval 96.8 to 98.8, '
    'bootstrap over test images).'
  ]
  bare = {**results['rows'][0], 'low': None, 'high': None}
  (sentence,) = findings.sentences({'rows': [bare]})
  assert '97.8 % (n = 1, spread unknown)' in sentence


def test_without_the_baseline_nothing_is_said_of_it(results):
  results['rows'] = [
    row for row in results['rows'] if row['protocol'] != 'supervised'
  ]
  text = ' '.join([findings.headline(results), *findings.sentences(results)])
  assert 'upervised' not in text


def test_one_protocol_is_compared_with_nothing(row):
  results = {'rows': [row('linear_probe', k, 0.8 + k / 100) for k in (1, 5)]}
  assert findings.headline(results) == (
    'The linear probe reaches 81.0 % ± 1.0 (n = 5 draws) at 1 label a class '
    'and 85.0 % ± 1.0 (n = 5 draws) at 5 labels a class.'
  )
  assert not any('best' in sentence for sentence in findings.sentences(results))
  assert 'second' not in findings.scope(results)


def test_the_headline_says_who_wins_where_and_by_how_much(results):
  assert findings.headline(results) == (
    'The linear probe is best at 1 and 5 labels a class, fine-tuning at 20, '
    'though not distinguishable from the second at 5 labels a class. Over '
    'supervised training from scratch the gain is 29.5 points at 1 label a '
    'class (no interval of the difference) and 2.6 points at 20 (95 % '
    'interval 1.1 to 4.1).'
  )


def test_the_headline_uses_all_labels_where_there_is_nothing_else(row):
  rows = [row('knn', 'all', 0.9, n=1), row('linear_probe', 'all', 0.95, n=1)]
  assert findings.headline({'rows': rows}) == (
    'The linear probe is best with all labels.'
  )


@pytest.mark.parametrize('mean', [None, float('nan')])
def test_a_missing_mean_is_left_out(row, mean):
  results = {'rows': [row('knn', 5, 0.9), row('supervised', 5, 0.5)]}
  results['rows'][1]['mean'] = mean
  assert findings.sentences(results)[0].startswith(
    'At 5 labels a class kNN reaches'
  )


def test_repeats_are_named_as_the_interval_names_them(row):
  one = {**row('knn', 5, 0.9), 'interval': "Student's t over seeds"}
  assert '(n = 5 seeds)' in findings.sentences({'rows': [one]})[0]


def test_no_rows_are_said_to_be_none():
  assert findings.headline({'rows': []}) == 'No protocol was evaluated.'
  assert findings.sentences({'rows': []}) == []
  assert findings.scope({'rows': []}) == ''


def test_an_error_is_best_where_it_is_lowest(row):
  rows = [
    row('knn', 5, 0.3, metric='nll'),
    row('supervised', 5, 0.5, metric='nll'),
  ]
  (sentence,) = findings.sentences({'rows': rows})
  assert 'kNN is best: 0.300 ± 0.010' in sentence
  assert '0.200 below supervised training' in sentence


def test_the_scope_names_what_no_interval_covers(results):
  text = findings.scope(results)
  assert 'not the randomness of pre-training' in text
  assert 'choice of the test images alone' in text


@pytest.mark.parametrize(
  ('low', 'high', 'verdict'),
  [
    (0.1, 0.2, 'higher'),
    (-0.2, -0.1, 'lower'),
    (-0.1, 0.2, 'not distinguishable'),
    (0.0, 0.2, 'not distinguishable'),
    (None, None, 'no interval'),
  ],
)
def test_the_verdict_is_that_of_the_interval(low, high, verdict):
  assert comparison.Gap(0.1, low, high).verdict == verdict


@pytest.mark.parametrize(('mean', 'said'), [(0.60, True), (0.65, False)])
def test_an_accuracy_below_one_answer_for_all_is_said_to_be(row, mean, said):
  results = {
    'rows': [row('knn', 'all', mean, n=1)],
    'tables': {'majority': [{'class': 'none', 'top1': 0.625, 'n': 80}]},
  }
  (sentence,) = findings.sentences(results)
  below = " That is below 62.5 %, what always saying 'none' gives."
  assert sentence.endswith(below) == said
