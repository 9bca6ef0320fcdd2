"""What an encoder is worth: frozen, fine-tuned, and against labels alone."""

from semisup_jax.evaluation import (
  courses,
  features,
  finetune,
  knn,
  label_efficiency,
  linear_probe,
  modes,
)

Forward = features.Forward
make_forward = features.make_forward
padded = features.padded
knn_logits = knn.knn_logits
Course = courses.Course
Finetuner = finetune.Finetuner
best_of = courses.best_of
mean_looks = courses.mean_looks
score_of = finetune.score_of
FINETUNE_MODES = modes.FINETUNE_MODES
LinearClassifier = linear_probe.LinearClassifier
Outcome = label_efficiency.Outcome
standardization = linear_probe.standardization
unstandardized = linear_probe.unstandardized
