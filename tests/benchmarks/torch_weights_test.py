"""With weights from torch our networks compute what torch's do."""

import pytest

pytest.importorskip('torch', reason="pip install -e '.[bench]'")
pytest.importorskip('safetensors', reason="pip install -e '.[bench]'")

from benchmarks import torch_weights


@pytest.mark.parametrize('name', torch_weights.NETWORKS)
def test_logits_are_those_of_torch(tmp_path, name):
  for kind, difference, apart in torch_weights.differences(name, 64, tmp_path):
    assert apart > 0.1, kind
    assert difference < 1e-4, kind
