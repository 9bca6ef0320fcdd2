"""From the same weights and views our step is PyTorch's."""

import tempfile

import pytest

from benchmarks import racing, step

for name in ('torch', 'kornia', 'safetensors'):
  pytest.importorskip(name, reason="pip install -e '.[bench]'")


@pytest.mark.parametrize(
  ('case', 'batch_size'), [('digits', 16), ('resnet18', 4)]
)
def test_a_first_step_is_that_of_pytorch(
  case, batch_size, monkeypatch, request
):
  monkeypatch.chdir(request.config.rootpath)
  with tempfile.TemporaryDirectory() as folder:
    forms = step.forms(case, batch_size, 'float32', folder)
    eager = [form for form in forms if not form.arguments.get('compiled')]
    assert len(eager) == 3
    racing.compare(eager, step.TOLERANCES['float32'])
