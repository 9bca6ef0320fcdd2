# ruff: noqa: E501, the lines of XLA are long
"""What is sent is counted as it stands in the text of a program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, PartitionSpec

from benchmarks import collectives, hlo

# Shortened, but for the names as XLA writes them on CPU, GPU and TPU.
TEXT = """HloModule jit_step, is_scheduled=true

FileNames
1 "/x/semisup_jax/objectives/contrastive.py"
2 "/x/flax/linen/linear.py"

FunctionNames
1 "nt_xent"

FileLocations
1 {file_name_id=1 function_name_id=1 line=1 end_line=1 column=1 end_column=1}
2 {file_name_id=2 function_name_id=1 line=1 end_line=1 column=1 end_column=1}

StackFrames
1 {file_location_id=2 parent_frame_id=1}
2 {file_location_id=1 parent_frame_id=2}

%add (x: f32[], y: f32[]) -> f32[] {
  %x = f32[] parameter(0)
  ROOT %sum = f32[] add(%x, %x)
}

%body (carry: f32[8]) -> f32[8] {
  %carry = f32[8]{0} parameter(0)
  ROOT %permute = f32[8]{0} collective-permute(%carry), channel_id=3
}

%condition (carry.1: f32[8]) -> pred[] {
  %carry.1 = f32[8]{0} parameter(0)
  ROOT %less = pred[] constant(true)
}

%inside (p: bf16[16,4]) -> bf16[4,4] {
  %p = bf16[16,4]{1,0} parameter(0)
  ROOT %scatter = bf16[4,4]{1,0} reduce-scatter(%p), dimensions={0}, to_apply=%add
}

ENTRY %main (a: f32[2,3], b: f32[]) -> f32[8] {
  %a = f32[2,3]{1,0:T(2,128)S(1)} fusion(), metadata={op_name="jit(f)/transpose(jvp(M))/head/Dense_0/dot_general" stack_frame_id=1}
  %b = f32[] fusion(), metadata={op_name="jit(f)/jvp()/reduce_sum" stack_frame_id=2}
  %copy = f32[]{:T(128)} copy(%b)
  %all-reduce.1 = (f32[2,3]{1,0:T(2,128)S(1)}, /*index=1*/f32[]) all-reduce(%a, %copy), to_apply=%add, metadata={op_name="jit(f)/(one:two)" stack_frame_id=1}
  %gather = (f32[2,3]{1,0}, f32[8,3]{1,0}) all-gather-start(%a), dimensions={0}, metadata={op_name="jit(f)/jvp()/dot_general" stack_frame_id=2}
  %gathered = f32[8,3]{1,0} all-gather-done(%gather), metadata={op_name="jit(f)/jvp()/dot_general" stack_frame_id=2}
  %call = bf16[4,4]{1,0} fusion(%gathered), kind=kCustom, calls=%inside
  %tuple = f32[8]{0} copy(%gathered)
  ROOT %while = f32[8]{0} while(%tuple), condition=%condition, body=%body, backend_config={"known_trip_count":{"n":"5"},"known_init_step":{"init":"0"}}
}
"""


def test_arrays_are_counted_once_with_their_size_and_source():
  found = [
    (s.kind, str(s.array), s.bytes, s.times, s.op_name[7:], s.source[3:])
    for s in hlo.collectives(TEXT)
  ]
  dense = 'transpose(jvp(M))/head/Dense_0/dot_general'
  objective = 'semisup_jax/objectives/contrastive.py'
  assert found == [
    ('all-reduce', 'f32[2,3]', 24, 1, dense, 'flax/linen/linear.py'),
    ('all-reduce', 'f32[]', 4, 1, 'jvp()/reduce_sum', objective),
    ('all-gather', 'f32[8,3]', 96, 1, 'jvp()/dot_general', objective),
    ('reduce-scatter', 'bf16[16,4]', 128, 1, '', ''),
    ('collective-permute', 'f32[8]', 5 * 32, 5, '', ''),
  ]


def test_a_loop_of_unknown_length_is_refused():
  with pytest.raises(ValueError, match='permute lies in a loop of unknown'):
    hlo.collectives(TEXT.replace('known_trip_count', 'trip_count'))


def test_what_is_no_program_is_refused():
  with pytest.raises(ValueError, match='no ENTRY'):
    hlo.collectives('module @jit_f {}')


def test_a_table_has_a_row_for_each_class_and_kind():
  program = hlo.collectives(TEXT)
  lines = collectives.table({2: program, 4: []}).splitlines()
  assert lines[0] == '| what | collective | 2 devices | 4 devices |'
  assert '| embeddings | all-gather | 1: 96 B | 0 |' in lines
  assert '| gradients | all-reduce | 1: 24 B | 0 |' in lines
  assert '| unexplained | collective-permute | 5: 160 B | 0 |' in lines
  # One combined all-reduce, a gather, a scatter, and five permutes.
  assert '| *messages, combined* |  | 8 | 0 |' in lines


def test_a_real_program_sends_what_was_written():
  mesh = Mesh(np.array(jax.devices()[:4]), ('data',))

  def share(x):
    x = jax.lax.fori_loop(0, 3, lambda i, x: jax.lax.psum(x, 'data') / 4, x)
    return jax.lax.all_gather(x, 'data').sum()

  f = jax.jit(
    jax.shard_map(
      share,
      mesh=mesh,
      in_specs=PartitionSpec('data'),
      out_specs=PartitionSpec(),
      check_vma=False,
    )
  )
  sent = hlo.collectives(f.lower(jnp.zeros((8, 5))).compile().as_text())
  found = sorted((s.kind, s.array.shape, s.times, s.bytes) for s in sent)
  assert found == [
    ('all-gather', (4, 2, 5), 1, 160),
    ('all-reduce', (2, 5), 3, 120),
  ]


def test_an_estimate_adds_work_bytes_and_turns():
  program = [s for s in hlo.collectives(TEXT) if s.kind == 'all-reduce']
  (row,) = [
    line
    for line in collectives.estimate(program, 0.014).splitlines()
    if '2 machines, 10 Gb/s' in line
  ]
  # 14 ms / 2; 28 B / 0.8 GB/s; one message, twice round, 50 us each.
  cells = ['2', '0.8', '50', '7.00 ms', '0.00 ms', '0.10 ms', '7.10 ms']
  assert row.split(' | ')[1:] == [*cells[:-1], cells[-1] + ' |']
