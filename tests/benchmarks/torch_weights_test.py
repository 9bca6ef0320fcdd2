"""With weights from torch our networks compute what torch's do."""

import numpy as np
import pytest

from semisup_jax import weights
from semisup_jax.types import InputError

torch = pytest.importorskip('torch', reason="pip install -e '.[bench]'")
pytest.importorskip('safetensors', reason="pip install -e '.[bench]'")

from benchmarks import torch_weights  # noqa: E402


@pytest.mark.parametrize('name', torch_weights.NETWORKS)
def test_logits_are_those_of_torch(tmp_path, name):
  for kind, difference, apart in torch_weights.differences(name, 64, tmp_path):
    assert apart > 0.1, kind
    assert difference < 1e-4, kind


@pytest.mark.parametrize('new', [True, False])
def test_tensors_of_torch_are_read_as_they_are(tmp_path, new):
  base = torch.arange(24.0).reshape(2, 3, 4)
  tensors = {
    'permuted': base.permute(2, 0, 1),
    'strided': base[:, 1:, ::2],
    'expanded': base[0, 0, :1].expand(3),
    'narrow': base.to(torch.bfloat16)[1],
    'half': base.half(),
    'parameter': torch.nn.Parameter(base[1]),
    'scalar': torch.tensor(5),
    'empty': torch.zeros(0, 3),
    'channels last': torch.randn(2, 3, 4, 5).to(
      memory_format=torch.channels_last
    ),
  }
  optimizer = torch.optim.AdamW([tensors['parameter']]).state_dict()
  torch.save(
    {'epoch': 3, 'state_dict': tensors, 'optimizer': optimizer},
    tmp_path / 'x',
    _use_new_zipfile_serialization=new,
  )
  found = weights.read(tmp_path / 'x')
  assert list(found) == list(tensors)
  for name, tensor in tensors.items():
    np.testing.assert_array_equal(
      found[name].astype(np.float64), tensor.detach().double().numpy()
    )


@pytest.mark.parametrize('new', [True, False])
def test_a_whole_module_of_torch_is_refused(tmp_path, new):
  module = torch.nn.Linear(2, 3)
  torch.save(module, tmp_path / 'x', _use_new_zipfile_serialization=new)
  with pytest.raises(InputError, match=r"asks for 'torch\.nn\.modules\.linear"):
    weights.read(tmp_path / 'x')
