"""Networks that protocols train on labelled images, the best look kept."""

import functools

import jax
import numpy as np

from semisup_jax import data, evaluation, training
from semisup_jax.evaluation.label_efficiency import Protocol
from semisup_jax.experiments.embeddings import Embeddings
from semisup_jax.experiments.labelled_plans import TRAINED, plans
from semisup_jax.experiments.probing import probed_head
from semisup_jax.types import Variables


class LabelledTraining:
  """Trains a network on labelled images, as one of the protocols does.

  Where there are several learning rates it is trained with each, and the best
  look at validation of all of them is kept.

  Attributes:
    forward: The network's logits on images.
  """

  def __init__(
    self,
    embeddings: Embeddings,
    name: str,
    mesh: jax.sharding.Mesh | None = None,
  ):
    """Compiles nothing yet.

    Args:
      embeddings: Of the encoder to start from, unless it is from scratch; the
        courses of the trainings are added to it.
      name: Of the protocol, a key of `TRAINED`.
      mesh: Divides the batches; None is the recipe's, of all devices.
    """
    config, ingredients = embeddings.config, embeddings.ingredients
    planned = plans(config, name, ingredients)
    mode, method, _, recipe = next(iter(planned.values()))
    mesh = mesh or recipe.mesh()
    self.forward = ingredients.forward(method.model, mesh)
    self._finetuners = {
      rate: evaluation.Finetuner(
        method,
        self.forward,
        recipe,
        mesh=mesh,
        images=ingredients.images,
        labels=ingredients.splits.train.labels,
        phases=phases,
      )
      for rate, (_, method, phases, recipe) in planned.items()
    }
    self._variables = method.predict_variables
    self._select_by = recipe.select_by
    self._folds = config.evaluation[TRAINED[name][0]].cross_validation
    self._encoder = embeddings.variables if mode.pretrained else None
    self._probed = probed_head(embeddings) if mode.probed else None
    self._splits = ingredients.splits
    self._seed = config.seed
    self._name = name
    self._keep = embeddings.keep_courses

  def __call__(self, rows: np.ndarray, draw: int) -> Variables:
    """Returns the model that is best on validation, or by cross-validation.

    Args:
      rows: Of the training part, whose labels are seen, int [M].
      draw: Number of the draw, which seeds the training.

    Raises:
      NotFiniteError: Naming the protocol and the draw.
    """
    choose = self._by_folds if self._folds else self._by_validation
    try:
      return choose(rows, draw)
    except training.NotFiniteError as error:
      raise training.NotFiniteError(
        f'the protocol {self._name}, draw {draw}: {error}'
      ) from error

  def _by_validation(self, rows, draw) -> Variables:
    kept, looks, courses = [], [], {}
    head = self._probed and self._probed(rows)
    for rate in self._finetuners:
      state, courses[rate] = self._train(rate, rows, draw, head)
      kept.append(state.selection.variables)
      looks.append(courses[rate][int(state.selection.look)])
    best = evaluation.best_of(looks, self._select_by)
    self._note(courses, list(courses)[best], looks[best]['step'], rows, draw)
    return kept[best]

  def _by_folds(self, rows, draw) -> Variables:
    """Rate and length by cross-validation; then all rows are learned from."""
    train = self._splits.train
    fold_of = data.draw_folds(
      train.labels[rows],
      self._folds,
      seed=(self._seed, 7, draw),
      groups=None if train.groups is None else train.groups[rows],
    )
    courses = {rate: [] for rate in self._finetuners}
    for fold in range(self._folds):
      inside, apart = rows[fold_of != fold], train.take(rows[fold_of == fold])
      head = self._probed and self._probed(inside)
      for rate, found in courses.items():
        found.append(self._train(rate, inside, draw, head, apart)[1])
    courses = {k: evaluation.mean_looks(v) for k, v in courses.items()}
    places = [(rate, look) for rate in courses for look in courses[rate]]
    best = evaluation.best_of([look for _, look in places], self._select_by)
    rate, look = places[best]
    self._note(courses, rate, look['step'], rows, draw)
    head = self._probed and self._probed(rows)
    state, _ = self._train(rate, rows, draw, head, steps=int(look['step']))
    return self._variables(state)

  def _train(self, rate, rows, draw, head, validation=None, steps=None):
    """The last state, and the looks at validation on the way there."""
    course = evaluation.Course()
    state = self._finetuners[rate](
      rows,
      self._splits.validation if validation is None else validation,
      seed=(self._seed, 4, draw),
      encoder=self._encoder,
      head=head,
      steps=steps,
      log=course,
    )
    return state, course.looks

  def _note(self, courses, rate, step, rows, draw) -> None:
    """Keeps the courses, if there was a choice of rates, or of folds."""
    if len(courses) == 1 and not self._folds:
      return
    self._keep(
      {
        'protocol': self._name,
        'labels': len(rows),
        'draw': draw,
        'learning_rate': each,
        **look,
        'chosen': (each, look['step']) == (rate, step),
      }
      for each, looks in courses.items()
      for look in looks
    )


def protocol_of(
  name: str, embeddings: Embeddings, places: training.Places
) -> Protocol:
  """A network trained on the labelled images, best on validation kept.

  Args:
    name: A key of `TRAINED`.
    embeddings: Of the encoder to start from, unless it is from scratch.
    places: Where several of them are trained side by side.
  """
  trainings = {
    mesh: LabelledTraining(embeddings, name, mesh)
    for mesh in places.meshes or (None,)
  }

  def protocol(rows, draw):
    with places.borrowed() as mesh:
      train = trainings[mesh]
      variables = train(rows, draw)
      logits = functools.partial(train.forward, variables)
      return embeddings.ingredients.judged(logits)

  return protocol
