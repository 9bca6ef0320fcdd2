"""Wrong input: one clear line, exit status 2, and nothing is written."""

import numpy as np
import pytest
from PIL import Image

from semisup_jax import command_line

from .tiny_study import STUDY

RECIPE = '--config=configs/simclr.py'
NPZ = '--config=configs/simclr.py:npz'
FOLDER = '--config=configs/simclr.py:folder'
BATCH_NORM = '--config.evaluation.batch_norm'
COMPARE = '--config=configs/compare.py'
SEVERAL = (
  '--config.data.path={files}/several.npz',
  '--config.data.labels_per_class=all',
  '--config.batch_size=16',
)
TUNE = '--config.evaluation.fine_tune'
PROTOCOLS = '--config.evaluation.protocols'
IN_FILES = '--config.data.in_memory=False'
SHIFT = ('--config=configs/supervised.py', f'{BATCH_NORM}.modes=source')


@pytest.fixture(autouse=True)
def _from_the_checkout(monkeypatch, request):
  monkeypatch.chdir(request.config.rootpath)
  monkeypatch.syspath_prepend(request.config.rootpath)


@pytest.fixture(scope='module')
def files(tmp_path_factory):
  """A folder of files and folders, each wrong in one way."""
  root = tmp_path_factory.mktemp('files')
  write_archives(root)
  write_folders(root)
  (root / 'run').mkdir()
  (root / 'run' / 'config.json').write_text('{"config": {}}')
  return root


def write_archives(root):
  images, labels = np.zeros((8, 8, 8), np.uint8), np.arange(8) % 2
  good = {'train_images': images, 'train_labels': labels}
  several = (np.arange(40)[:, None] % [2, 3, 5] == 0).astype(int)
  many = np.zeros((40, 8, 8), np.uint8)
  for name, change in {
    'good': {},
    'unlabelled': {'train_labels': None},
    'floats': {'train_images': images / 2},
    'rgba': {'train_images': np.zeros((8, 8, 8, 4), np.uint8)},
    'short': {'train_labels': labels[:7]},
    'many': {'train_labels': np.full((8, 14), 2)},
    'several': {'train_labels': several, 'train_images': many},
    'one_class': {'train_labels': 0 * labels},
    'empty': {'train_images': images[:0], 'train_labels': labels[:0]},
    'pickled': {'train_labels': np.array([None] * 8)},
    'sizes': {'test_images': images[:, :6], 'test_labels': labels},
  }.items():
    arrays = {k: v for k, v in (good | change).items() if v is not None}
    np.savez(root / f'{name}.npz', **arrays)
  np.savez_compressed(root / 'compressed.npz', **good)
  whole = (root / 'good.npz').read_bytes()
  (root / 'cut.npz').write_bytes(whole[: len(whole) // 2])
  (root / 'text.npz').write_text('years of work')


def write_folders(root):
  def image(path, size=8, dtype=np.uint8):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 255, (size, size))
    Image.fromarray(pixels.astype(dtype)).save(path)

  for name in ('broken', 'cut', 'deep', 'leading_out', 'mixed'):
    for label in ('ant', 'bee'):
      image(root / name / label / '0.png')
  for i in range(2):
    image(root / 'one' / 'ant' / f'{i}.png')
  (root / 'broken' / 'bee' / '1.png').write_text('no image')
  image(root / 'cut' / 'bee' / '1.png', 64)
  whole = (root / 'cut' / 'bee' / '1.png').read_bytes()
  (root / 'cut' / 'bee' / '1.png').write_bytes(whole[: len(whole) // 2])
  image(root / 'deep' / 'bee' / '1.tif', dtype=np.float32)
  (root / 'leading_out' / 'bee' / '1.png').symlink_to('/etc/hostname')
  image(root / 'mixed' / 'bee' / '1.png', 9)
  for split, labels in (('train', 'ab'), ('test', ('a', 'yak'))):
    for label in labels:
      image(root / 'strange' / split / label / '0.png')
  for label in 'ab':
    image(root / 'untrained' / 'test' / label / '0.png')


ROWS = [
  ([], 'no recipe was given; try --config=configs/simclr.py'),
  (['--config'], 'cannot read the recipe --workdir='),
  (
    ['--config=configs/simclrr.py'],
    'cannot read the recipe configs/simclrr.py',
  ),
  ([RECIPE + ':mnist'], "unknown variant 'mnist'; known: cifar100, digits"),
  ([RECIPE, '--config.sede=1'], "'sede'; did you mean 'seed'?"),
  ([RECIPE, '--config.optimiser.name=sgd'], "did you mean 'optimizer'?"),
  ([RECIPE, '--config.model.xyzzy=1'], "unknown config field 'xyzzy'"),
  ([RECIPE, '--config.batch_size=big'], 'batch_size=big'),
  ([RECIPE, '--config.batch_size=1.5'], 'batch_size=1.5'),
  ([RECIPE, '--config.batch_size=None'], 'batch_size cannot be None'),
  ([RECIPE, '--config.data.nam=None'], "unknown config field 'data.nam'"),
  ([RECIPE, '--wordkir=x'], "'wordkir'"),
  ([RECIPE, '--points=1/2'], 'configs/simclr.py is one run'),
  ([RECIPE, '--points=3'], 'must be I/N, as 3/8 for the 3rd of 8 parts'),
  ([RECIPE, '--points=3/2'], '--points=3/2: parts are numbered 1/2 to 2/2'),
  ([RECIPE, '--multihost=localhost'], 'must be HOST:PORT,N,I'),
  ([RECIPE, '--multihost=localhost:1234,2,2'], 'numbered 0 to 1, got 2'),
  ([RECIPE, '--multihost', 'x:1,2,0'], "stray argument 'x:1,2,0'"),
  ([RECIPE, 'batch_size=4'], "stray argument 'batch_size=4'"),
  (
    [RECIPE, '--config.experiment=x'],
    "unknown experiment 'x'; known: ",
  ),
  (
    [RECIPE, '--config.report_split=train'],
    "'train'; known: test, validation",
  ),
  ([RECIPE, '--config.seed=-1'], 'seed must be in 0 to 2**32 - 1, got -1'),
  ([RECIPE, '--config.data.name=mnist'], "unknown data.name 'mnist'"),
  ([RECIPE + ':npz'], 'data.path is not set; give an .npz file'),
  ([RECIPE + ':folder', '--config.data.path=nowhere'], 'there is no nowhere'),
  ([RECIPE, '--config.method.name=moco'], "unknown method.name 'moco'"),
  ([RECIPE, '--config.model.name=vit'], "unknown model.name 'vit'"),
  ([RECIPE, '--config.data.views=flip|normalize'], "'flip'"),
  ([RECIPE, '--config.data.views=noise(0.1)'], "must end in '|normalize'"),
  ([RECIPE, '--config.seed=4294967296'], 'got 4294967296'),
  ([RECIPE, '--config.schedule=None'], 'it is a section'),
  ([RECIPE, '--config.model.name=resnet9'], 'needs model.dropout'),
  ([RECIPE, '--config.method.name=supervised'], 'needs method.label_smooth'),
  ([RECIPE, '--config.model.dtype=float64'], 'JAX_ENABLE_X64=1'),
  ([RECIPE, '--config.method.projector_output=0'], 'at least 1; got 0'),
  ([RECIPE, '--config.model.batch_norm_groups=0'], 'at least 1; got 0'),
  (
    [
      RECIPE,
      '--config.model.name=pixels',
      '--config.model.batch_norm_groups=0',
    ],
    'batch_norm_groups must be a whole number, at least 1; got 0',
  ),
  (
    [RECIPE, '--config.model.batch_norm_groups=3'],
    'batch_size=256 cannot be divided into model.batch_norm_groups=3 parts '
    'of at least 2 images each; use 255 or 258',
  ),
  (
    [RECIPE, '--config.model.batch_norm_groups=256'],
    'of at least 2 images each; use 512 or 768',
  ),
  (
    [RECIPE, '--config.model.batch_norm_groups=64'],
    'in evaluation.fine_tune: batch_size=32 cannot be divided',
  ),
  ([RECIPE, '--config.model.remat=perhaps'], 'remat=perhaps'),
  ([RECIPE, '--config.optimizer.accumulate=0'], 'at least 1; got 0'),
  ([RECIPE, '--config.optimizer.accumulate=1.5'], 'accumulate=1.5'),
  (
    [RECIPE, '--config.optimizer.accumulate=5'],
    'batch_size=256 cannot be divided into optimizer.accumulate=5 parts of '
    'at least 2 images each; use 255 or 260',
  ),
  (
    [
      RECIPE,
      '--config.optimizer.accumulate=16',
      '--config.model.batch_norm_groups=16',
    ],
    'optimizer.accumulate=16 x model.batch_norm_groups=16 parts of at least '
    '2 images each; use 512 or 768',
  ),
  (
    [RECIPE, '--config.evaluation.supervised.optimizer.accumulate=3'],
    'in evaluation.supervised: batch_size=32',
  ),
  (
    [
      '--config=configs/self_training.py',
      '--config.self_training.student.optimizer.accumulate=5',
    ],
    'in self_training.student: batch_size=32',
  ),
  (
    [RECIPE, '--config.data.views=normalize((0, 0, 0), 1)|normalize'],
    'normalize',
  ),
  ([RECIPE, '--config.evaluation.fine_tune.augment=flip'], 'normalize'),
  ([RECIPE, '--config.evaluation.fine_tune.label_smoothing=7'], 'got 7.0'),
  (
    [RECIPE, f'{TUNE}.head_init=he'],
    "unknown method.head_init 'he'; known: xavier, zeros",
  ),
  (
    [RECIPE, '--config.data.test_seed=-1'],
    'data.test_seed must be at least 0, got -1',
  ),
  (
    [RECIPE, f'{TUNE}.class_weights=rare'],
    "in evaluation.fine_tune: method.class_weights must be 'none' or",
  ),
  ([RECIPE, f'{TUNE}.focal_gamma=-1'], 'focal_gamma must be at least 0, got'),
  ([RECIPE, '--config.evaluation.labels_per_class=5,5'], 'names one twice'),
  ([RECIPE, '--config.evaluation.protocols=knn,knn'], 'names one twice'),
  (
    [
      RECIPE,
      '--config.data.labels_per_class=5',
      '--config.evaluation.labels_per_class=5',
    ],
    "use 'all' for it",
  ),
  (
    [
      RECIPE,
      '--config.evaluation.protocols=fine_tune',
      '--config.evaluation.labels_per_class=all',
    ],
    'nothing would be evaluated',
  ),
  (
    [RECIPE, f'{TUNE}.layer_decay=0.0', f'{PROTOCOLS}=layerwise'],
    'in evaluation.fine_tune: layer_decay must be in (0, 1], got 0.0',
  ),
  ([RECIPE, f'{TUNE}.layer_decay=1.5', f'{PROTOCOLS}=layerwise'], 'got 1.5'),
  (
    [RECIPE, f'{TUNE}.partial_stages=4', f'{PROTOCOLS}=partial'],
    'partial_stages must be 1 to 3, the stages of the encoder; got 4',
  ),
  ([RECIPE, f'{TUNE}.partial_stages=0', f'{PROTOCOLS}=partial'], 'got 0'),
  (
    [RECIPE, f'{TUNE}.unfrozen_by=1.0', f'{PROTOCOLS}=gradual'],
    'unfrozen_by=1.0 must leave a step to each stage',
  ),
  (
    [RECIPE, f'{TUNE}.batch_norm_statistics=off', f'{PROTOCOLS}=frozen'],
    "batch_norm_statistics must be 'fixed' or 'moving', got 'off'",
  ),
  ([RECIPE, f'{PROTOCOLS}=thawed'], "unknown evaluation.protocols 'thawed'"),
  ([RECIPE, f'{TUNE}.select_by=loss'], 'in evaluation.fine_tune: unknown sel'),
  ([RECIPE, f'{TUNE}.select_by=roc_auc'], 'needs 2 classes, got 10'),
  ([RECIPE, f'{TUNE}.select_by=nll,roc_auc'], 'needs 2 classes, got 10'),
  ([RECIPE, f'{TUNE}.select_by=nll,top1,nll'], 'nll names a metric twice'),
  ([RECIPE, f'{TUNE}.select_by=nll,loss'], "unknown select_by 'loss'"),
  ([RECIPE, f'{TUNE}.learning_rates=0.1,0.1'], 'names one twice: (0.1, 0.1)'),
  ([RECIPE, f'{TUNE}.learning_rates=0.1,-1.0'], 'must be positive, got -1.0'),
  ([RECIPE, f'{TUNE}.cross_validation=1'], 'must be 2 or more folds, or 0'),
  (
    [RECIPE, f'{TUNE}.cross_validation=3', f'{TUNE}.patience=2'],
    'cross_validation=3 needs trainings of one length',
  ),
  (
    [RECIPE, '--config.evaluation.select_by=nll'],
    'evaluation.select_by=nll needs a method that learns a classifier',
  ),
  ([RECIPE, '--config.schedule.decay=plateau'], 'decay=plateau needs a method'),
  (
    ['--config=configs/supervised.py', '--config.schedule.decay=plateau'],
    "schedule 'plateau' needs schedule.factor",
  ),
  (
    [
      '--config=configs/transfer.py',
      '--config.schedule.decay=plateau',
      '--config.schedule.factor=0.5',
    ],
    'a transfer looks at nothing on the way',
  ),
  ([RECIPE, '--config.data.labels_total=100'], 'exactly one of'),
  (
    [
      '--config=configs/supervised.py',
      '--config.evaluation.protocols=supervised',
    ],
    'is trained already',
  ),
  ([RECIPE, '--config.data.views=noise(much)'], 'noise'),
  (
    [RECIPE, '--config.batch_size=4096'],
    '4096 is larger than the unlabelled',
  ),
  ([RECIPE, '--config.batch_size=1'], 'at least 2, got 1'),
  ([RECIPE, '--config.schedule.epochs=5'], 'exactly one of steps, epochs'),
  ([RECIPE, '--config.schedule.steps=None'], 'got none of them'),
  ([RECIPE, '--config.schedule.warmup=9999'], '9999'),
  ([RECIPE, '--config.schedule.decay=linear'], "'linear'; known"),
  ([RECIPE, '--config.optimizer.name=adam'], "'adam'; known: adamw, lars"),
  ([RECIPE, '--config.optimizer.learning_rate=0'], 'rate must be positive'),
  ([RECIPE, '--config.optimizer.clip_norm=-1'], 'clip_norm'),
  ([RECIPE, '--config.evaluation.labels_per_class=999'], 'asks for 999'),
  ([RECIPE, '--config.evaluation.labels_per_class=some'], "got 'some'"),
  ([RECIPE, '--config.evaluation.protocols=svm'], "'svm'; known: fine_tune"),
  ([RECIPE, '--config.evaluation.draws=0'], 'at least 1, got 0'),
  ([RECIPE, '--config.evaluation.every=0'], '1 or more steps, got 0'),
  (
    [RECIPE, '--config.evaluation.fine_tune.schedule.warmup=9999'],
    '9999',
  ),
  ([RECIPE, '--config.checkpoint.every=0'], 'got 0 and 2'),
  ([RECIPE, '--config.evaluation.knn.neighbours=0'], 'got 0 and'),
  ([RECIPE, '--config.evaluation.patience=3'], 'nothing to stop by'),
  (
    ['--config=configs/supervised.py', '--config.evaluation.patience=0'],
    '1 or more looks at validation, or None; got 0',
  ),
  ([RECIPE, '--config.data.validation_fraction=1'], 'between 0 and 1'),
  ([RECIPE, '--config.data.test_fraction=0'], 'between 0 and 1'),
  ([RECIPE, '--config.data.labels_per_class=0'], 'a positive integer'),
  (
    [
      RECIPE,
      '--config.data.labels_per_class=None',
      '--config.data.labels_total=99999',
    ],
    '99999 labelled images were asked for',
  ),
  (
    [RECIPE, '--config.data.unlabelled_includes_labelled=False'],
    'none is left unlabelled',
  ),
  (
    [RECIPE, '--config.data.unlabelled_total=0'],
    'data.unlabelled_total must be',
  ),
  ([RECIPE, '--config.data.labels_skip=5'], 'needs data.labels_total'),
  (
    [RECIPE, '--config.evaluation.batch_norm.modes=source'],
    'needs experiment=',
  ),
  ([*SHIFT, '--config.model.name=pixels'], 'has none'),
  ([*SHIFT, f'{BATCH_NORM}.modes=tenth'], 'known: alpha, batch'),
  ([*SHIFT, f'{BATCH_NORM}.batch_sizes=4,2000'], '1 to 1024'),
  ([*SHIFT, f'{BATCH_NORM}.batch_sizes=4,4'], 'names one twice'),
  ([*SHIFT, f'{BATCH_NORM}.orders=random'], 'among iid and sorted'),
  ([*SHIFT, f'{BATCH_NORM}.shifts=fog'], "unknown augmentation 'fog'"),
  ([*SHIFT, f"{BATCH_NORM}.shifts='appearance(2)'"], 'in [0, 1], got 2'),
  ([*SHIFT, f'{BATCH_NORM}.corruptions=smoke'], "'smoke'; known: brightness"),
  (
    [*SHIFT, f'{BATCH_NORM}.corruptions=fog', f'{BATCH_NORM}.severities=6'],
    'among 1 to 5, got (6,)',
  ),
  ([*SHIFT, f'{BATCH_NORM}.corruptions=saturate'], 'needs images with colour'),
  ([*SHIFT, f'{BATCH_NORM}.images=9999'], 'must be 1 to 449 here'),
  ([*SHIFT, f'{BATCH_NORM}.tent_learning_rate=0.0'], 'must be above 0'),
  ([RECIPE, '--config.data.mean=(0.5,0.5)'], 'data.mean and data.std need 1'),
  ([RECIPE, '--config.data.image_size=2'], 'at least 4 px, got 2'),
  (
    [RECIPE, '--config.data.name=tfds:nosuch', '--config.data.dir={files}'],
    "TFDS knows no data set 'nosuch'",
  ),
  (
    [RECIPE, '--config.data.name=tfds:cifar100', '--config.data.dir={files}'],
    'is not prepared in',
  ),
  (
    [RECIPE, '--config.data.name=tfds:cifar100', '--config.data.dir=nowhere'],
    'there is no folder nowhere',
  ),
  ([RECIPE, '--fork=nowhere'], '--fork: nowhere holds no run of ours'),
  ([RECIPE, '--fork={files}/run'], 'has no checkpoint to go on from'),
  (
    ['--config=configs/studies/methods.py', '--fork={files}/run'],
    '--fork is for one run',
  ),
  (
    ['--config=configs/studies/methods.py', '--config.methods=moco'],
    "unknown method 'moco'; known: raw_pixels",
  ),
  (
    [
      '--config=configs/self_training.py',
      '--config.self_training.threshold=2',
    ],
    'in [0, 1], got 2',
  ),
  (
    ['--config=configs/self_training.py', '--config.self_training.rounds=0'],
    'at least 1, got 0',
  ),
  (
    [
      '--config=configs/self_training.py',
      '--config.data.labels_per_class=all',
    ],
    'there is nothing to label',
  ),
  (
    ['--config=configs/untrained.py', '--config.evaluation.protocols=()'],
    'nothing would be done',
  ),
  ([COMPARE + ':digits'], "unknown variant 'digits'; known: none"),
  ([RECIPE, '--config.experiment=compare'], 'needs config.runs, which this'),
  ([COMPARE, '--config.runs=a,b', '--fork={files}/run'], 'so leave --fork out'),
  (
    [COMPARE, '--config.experiment=x'],
    'compare, evaluate, inspect_data, look_inside, predict, pretrain',
  ),
  ([NPZ, '--config.data.path={files}/text.npz'], 'cannot be read as .npz'),
  ([NPZ, '--config.data.path={files}/cut.npz'], 'cannot be read as .npz'),
  ([NPZ, '--config.data.path={files}/pickled.npz'], 'cannot be read as .npz'),
  ([NPZ, '--config.data.path={files}'], 'cannot be read as .npz'),
  ([NPZ, '--config.data.path={files}/unlabelled.npz'], 'and train_labels'),
  ([NPZ, '--config.data.path={files}/floats.npz'], 'must be images, uint8'),
  ([NPZ, '--config.data.path={files}/rgba.npz'], '1 or 3 channels'),
  ([NPZ, '--config.data.path={files}/short.npz'], 'one for each image'),
  ([NPZ, '--config.data.path={files}/many.npz'], 'must be 0 or 1; got 2 to 2'),
  (
    [RECIPE, '--config.data.targets=any_positive'],
    'needs several labels an image; here each has one of the classes 0, 1, 2',
  ),
  (
    [RECIPE, '--config.data.targets=all'],
    "unknown data.targets 'all'; known: any_positive",
  ),
  (
    [
      NPZ,
      *SEVERAL,
      '--config.data.targets=any_positive',
      '--config.data.classes=7',
    ],
    'data.classes must be numbers, 0 to 2',
  ),
  (
    [*SEVERAL, '--config=configs/sup_con.py:npz'],
    'method.name=sup_con needs one class an image',
  ),
  (
    [*SEVERAL, '--config=configs/fixmatch.py:npz'],
    'method.name=fixmatch needs one class an image',
  ),
  (
    [*SEVERAL, '--config=configs/mean_teacher.py:npz'],
    'method.name=mean_teacher needs one class an image',
  ),
  (
    [*SEVERAL, '--config=configs/self_training.py:npz'],
    'experiment=self_training needs one class an image',
  ),
  (
    [
      *SEVERAL,
      '--config=configs/supervised.py:npz',
      f'{BATCH_NORM}.modes=source',
    ],
    "modes=('source',) needs one class an image",
  ),
  (
    [NPZ, *SEVERAL, '--config.evaluation.labels_per_class=1,9'],
    "asks for 9, but class '2' has 5 labelled images",
  ),
  (
    [NPZ, *SEVERAL, '--config.data.labels_per_class=9'],
    '9 labels a class were asked for, but class 2 has 5 images',
  ),
  (
    [NPZ, *SEVERAL, '--config.data.test_fraction=0.01'],
    'test_fraction=0.01 of 40 images leaves a part empty',
  ),
  ([NPZ, '--config.data.path={files}/one_class.npz'], 'two are needed'),
  (
    [
      NPZ,
      '--config.data.path={files}/sizes.npz',
      '--config.data.image_size=None',
    ],
    'must be of one shape',
  ),
  ([NPZ, '--config.data.path={files}/empty.npz'], 'must be images, uint8'),
  (
    [NPZ, IN_FILES, '--config.data.path={files}/compressed.npz'],
    'save it by np.savez',
  ),
  (
    [NPZ, IN_FILES, '--config.data.path={files}/floats.npz'],
    'must be images, uint8',
  ),
  ([RECIPE, IN_FILES], 'is for folder and npz; data.name=digits is read into'),
  ([RECIPE, '--config.data.workers=2'], 'set --config.data.in_memory=False'),
  ([RECIPE, '--config.data.workers=-1'], 'at least 0; got -1'),
  ([RECIPE, '--config.data.workers=1.5'], 'workers=1.5'),
  ([FOLDER, '--config.data.path={files}/text.npz'], 'must be a folder'),
  ([FOLDER, '--config.data.path={files}/one'], 'has one class; two are needed'),
  ([FOLDER, '--config.data.path={files}/broken'], 'cannot be read as an'),
  ([FOLDER, '--config.data.path={files}/cut'], 'cannot be decoded'),
  ([FOLDER, IN_FILES, '--config.data.path={files}/cut'], 'cannot be decoded'),
  (
    [FOLDER, '--config.data.path={files}/deep'],
    'is of the mode F; save it as grey',
  ),
  ([FOLDER, '--config.data.path={files}/untrained'], 'but no train folder'),
  ([FOLDER, '--config.data.path={files}/strange'], "the class 'yak', which"),
  ([FOLDER, '--config.data.path={files}/leading_out'], 'leads outside of'),
  (
    [
      FOLDER,
      '--config.data.path={files}/mixed',
      '--config.data.image_size=None',
    ],
    'have 2 different sizes',
  ),
]


def test_the_table_is_as_long_as_it_should_be():
  assert len({repr(row) for row in ROWS}) == len(ROWS) > 100


@pytest.mark.parametrize(('arguments', 'message'), ROWS)
def test_bad_input_is_one_line_status_2_and_nothing_written(
  capsys, tmp_path, files, arguments, message
):
  workdir = tmp_path / 'run'
  arguments = [
    argument.replace('{files}', str(files)) for argument in arguments
  ]
  refused(capsys, workdir, arguments, message)


def refused(capsys, workdir, arguments, message):
  status = command_line.main([*arguments, f'--workdir={workdir}'])
  out, err = capsys.readouterr()
  assert status == 2
  assert err.startswith('error: ')
  assert err.count('\n') == 1, err
  assert message in err
  assert 'Traceback' not in err + out
  assert not list(workdir.parent.glob('run*'))


@pytest.mark.parametrize(
  ('text', 'arguments', 'message'),
  [
    (STUDY, ['--points=0/2'], 'numbered 1/2 to 2/2'),
    (STUDY, ['--points=3/2'], 'numbered 1/2 to 2/2'),
    (STUDY, ['--points=two'], 'must be I/N, as 3/8 for the 3rd of 8 parts'),
    (STUDY, ['--points=1/2/3'], "got '1/2/3'"),
    (STUDY, ['--points=-1/3'], 'must be I/N'),
    (STUDY, ['--multihost'], 'shared out over hosts by --points=I/N'),
    (STUDY, ['--multihost=a:1,2,0'], '--multihost is for one run'),
    (STUDY, [], "seed=0: unknown experiment 'none'; known: "),
    (STUDY, ['--config.seeds=()'], 'the sweep has no points'),
    (STUDY, ['--config.seeds=1,1'], 'two points are called seed=1'),
    (STUDY, ['--config.variant=b'], 'no such sweep: unknown variant b; known'),
    (STUDY.replace('sweep(', 'swep('), [], 'but no sweep(config)'),
    (STUDY.replace('study=', 'name='), [], 'config has no field study'),
  ],
)
def test_a_bad_study_is_one_line_status_2_and_nothing_written(
  capsys, tmp_path, text, arguments, message
):
  (tmp_path / 'study.py').write_text(text)
  arguments = [f'--config={tmp_path / "study.py"}', *arguments]
  refused(capsys, tmp_path / 'run', arguments, message)
