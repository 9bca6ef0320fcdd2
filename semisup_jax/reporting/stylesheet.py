"""The report's stylesheet, kept beside the page so that it needs no file."""

CSS = """
:root {
  color-scheme: light dark;
  --page: #ffffff;
  --ink: #1b1f23;
  --muted: #59616a;
  --line: #d9dee3;
  --soft: #f4f6f8;
  --accent: #0b5cad;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #14171a;
    --ink: #e7e9eb;
    --muted: #a3abb4;
    --line: #343a41;
    --soft: #1d2126;
    --accent: #7db9f5;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0;
  background: var(--page);
  color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
    "Liberation Sans", Arial, sans-serif;
}
main {
  max-width: 76rem;
  margin: 0 auto;
  padding: 2rem clamp(1rem, 4vw, 2.5rem) 4rem;
}
h1, h2, h3, p, ul, figure, table, pre, dl, dd { margin: 0; }
h1, h2, h3, summary, figcaption b { font-weight: 650; text-wrap: balance; }
h1 { font-size: 1.625rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { font-size: 1.125rem; line-height: 1.3; }
h3 { font-size: 1rem; }
p, li { max-width: 68ch; text-wrap: pretty; }
.meta, .hint, figcaption, dt { color: var(--muted); }
.meta, .hint, figcaption, dl, .small { font-size: .875rem; }
.meta { margin-top: .375rem; overflow-wrap: anywhere; }
.lead, li { overflow-wrap: anywhere; }
.lead { margin-top: 1.25rem; font-size: 1.1875rem; line-height: 1.45; }
.hint { margin-top: .5rem; }
.rows { font-size: .8125rem; }
.rows thead th { font-size: inherit; }
section, .overview { margin-top: 2.5rem; min-width: 0; }
.overview { display: grid; gap: 2.25rem 3rem; }
.overview > * { margin-top: 0; }
section > h2 + * { margin-top: .75rem; }
.plain { padding-left: 1.125rem; }
.plain li + li { margin-top: .5rem; }

.scroll { overflow-x: auto; }
.scroll:focus-visible, summary:focus-visible {
  outline: 2px solid var(--accent);
  outline-offset: 2px;
}
table {
  border-collapse: collapse;
  font-variant-numeric: tabular-nums lining-nums;
  line-height: 1.3;
}
caption { text-align: left; padding-bottom: .5rem; font-weight: 650; }
th, td { padding: .4375rem 0 .4375rem 1.25rem; vertical-align: baseline; }
th:first-child, td:first-child { padding-left: 0; }
thead th:first-child { white-space: nowrap; }
th { font-weight: 400; text-align: left; }
thead th { color: var(--muted); font-size: .875rem; vertical-align: bottom; }
thead tr:last-child th { border-bottom: 1px solid var(--ink); }
tbody tr + tr > * { border-top: 1px solid var(--line); }
.number { text-align: right; white-space: nowrap; }
.spread, .interval { color: var(--muted); }
.spread { display: inline-block; min-width: 3.1em; text-align: left; }
.interval { display: block; font-size: .8125rem; padding-right: .75em; }
.mark { display: inline-block; width: .7em; text-align: left; }
.nowrap { white-space: nowrap; }
strong { font-weight: 700; }
.n { display: block; }
.wide { width: 100%; }

figure { min-width: 0; }
figure img {
  width: 100%;
  max-width: 36rem;
  height: auto;
}
figure img, figure .light { display: block; }
figure .dark { display: none; }
@media screen and (prefers-color-scheme: dark) {
  figure .light { display: none; }
  figure .dark { display: block; }
}
figcaption { margin-top: .5rem; max-width: 62ch; text-wrap: pretty; }
figcaption b { color: var(--ink); }
.figures {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr));
  gap: 2.25rem 3rem;
  align-items: start;
}

details { border-top: 1px solid var(--line); }
details:last-of-type { border-bottom: 1px solid var(--line); }
summary { cursor: pointer; padding: .625rem 0; }
details > :not(summary) { margin-bottom: 1.25rem; }
.tables {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 29rem), 1fr));
  gap: 1.75rem 3rem;
}
section > p + .tables { margin-top: 1rem; }
.tables table { font-size: .875rem; }
.tables > *, .columns > * { min-width: 0; }
.columns { columns: 3 14rem; column-gap: 3rem; }
.columns td, .columns th { overflow-wrap: anywhere; }

pre {
  padding: .75rem 1rem;
  background: var(--soft);
  border-radius: 4px;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
  tab-size: 2;
}
.word {
  display: inline-block;
  max-width: 100%;
  vertical-align: top;
}
pre, code, .code {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas,
    "Liberation Mono", monospace;
  font-size: .8125rem;
}
.code td, .code th { overflow-wrap: anywhere; }
.side-by-side tbody th { overflow-wrap: normal; }
.side-by-side td, .side-by-side thead th { min-width: 8rem; }
/* A run is called by its folder, which may be one long word. */
.runs tbody th { min-width: 8rem; overflow-wrap: anywhere; }
.facts {
  display: grid;
  grid-template-columns: max-content minmax(0, 1fr);
  gap: .375rem 1.5rem;
  margin-top: 1rem;
}
.facts dd { overflow-wrap: anywhere; }

@media (min-width: 62rem) {
  .beside { grid-template-columns: minmax(0, 1fr) minmax(0, 30rem); }
  /* Two columns of two, read across: table, figure, differences, words. */
  .beside { grid-template-rows: auto auto 1fr; }
  .beside > * { grid-column: 1; }
  .beside > figure { grid-column: 2; grid-row: 1 / span 2; }
  .beside > .differences { grid-row: 2 / span 2; }
  .beside > .words { grid-column: 2; grid-row: 3; font-size: .9375rem; }
}
@media (max-width: 32rem) {
  main { padding-top: 1.25rem; }
  th, td { padding-left: .625rem; }
  .differences table { font-size: .875rem; }
  .interval { font-size: .75rem; padding-right: 0; }
  .spread {
    display: block;
    min-width: 0;
    padding-right: .7em;
    text-align: right;
  }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd { margin-bottom: .625rem; }
}
@media print {
  @page { margin: 16mm 14mm; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  h2, h3, summary, caption, thead { break-after: avoid; }
  figure, tr, pre, li { break-inside: avoid; }
  figure img { max-width: 100%; max-height: 170mm; width: auto; }
  .overview > figure img { width: 130mm; }
  .scroll { overflow: visible; }
  .rows { font-size: 6.5pt; }
  .rows th, .rows td { padding: .125rem 0 .125rem .5rem; }
  .rows :first-child { padding-left: 0; }
  .figures, .tables { display: block; }
  .figures > *, .tables > * { margin-bottom: 1.5rem; }
  .figures figure img { width: 120mm; }
  details::details-content {
    content-visibility: visible;
    display: block;
    height: auto;
  }
  summary { list-style: none; }
  summary::-webkit-details-marker { display: none; }
}
"""
