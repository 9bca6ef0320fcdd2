"""Reads a page as a browser would, strictly."""

import html.parser

VOID = {'meta', 'img', 'br', 'link', 'source', 'input', 'hr'}


class Reader(html.parser.HTMLParser):
  """Checks that tags balance, and keeps what a test asks about."""

  def __init__(self):
    super().__init__()
    self.open, self.tags, self.text, self.ids = [], [], [], []

  def handle_starttag(self, tag, attrs):
    self.tags.append((tag, dict(attrs)))
    if tag not in VOID:
      self.open.append(tag)

  def handle_endtag(self, tag):
    assert self.open, f'</{tag}> closes nothing'
    assert self.open.pop() == tag

  def handle_data(self, data):
    if self.open and self.open[-1] != 'style':
      self.text.append(data)

  def all(self, name):
    return [attrs for tag, attrs in self.tags if tag == name]


def read(path):
  reader = Reader()
  reader.feed(path.read_text(encoding='utf-8'))
  reader.close()
  assert not reader.open
  return reader


def text_of(path):
  """What a person reads, with plain and single spaces."""
  return ' '.join(''.join(read(path).text).replace('\xa0', ' ').split())
