"""Style sheet of the page of an evaluation: light, dark, and for narrow screens."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fcfcfb; --ink: #1d1f22; --quiet: #686d75; --line: #e7e7e3; --accent: #2b65c7;
  --panel: #f4f4f1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #151719; --ink: #e7e7e4; --quiet: #9aa0a8; --line: #2d3136; --accent: #86adff;
    --panel: #1d2024;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
main { max-width: 62rem; margin: 0 auto; padding: 4rem 2rem 6rem; }
section { margin-top: 4rem; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 1.75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 1rem; }
h1, h2 { font-weight: 650; letter-spacing: -0.01em; }
p { margin: 0 0 1rem; max-width: 44rem; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
code, pre { font: 0.8125rem/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.quiet, .kind { color: var(--quiet); }
.kind { margin: 0 0 0.5rem; font-size: 0.8125rem; }

.facts { display: flex; flex-wrap: wrap; gap: 1.25rem 2.5rem; margin: 0; }
.facts dt { color: var(--quiet); font-size: 0.8125rem; }
.facts dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }

table { border-collapse: collapse; width: 100%; }
th { font-weight: 400; text-align: left; }
thead th { color: var(--quiet); font-size: 0.8125rem; padding: 0 0 0.5rem 1rem; }
.numbers td, .numbers tbody th { padding: 0.45rem 0 0.45rem 1rem; }
.numbers td, .numbers th { text-align: right; white-space: nowrap; }
.numbers tr > :first-child { text-align: left; padding-left: 0; overflow-wrap: anywhere; }
.numbers tbody { border-top: 1px solid var(--line); font-variant-numeric: tabular-nums; }
.numbers tbody:last-child { border-bottom: 1px solid var(--line); }
.numbers .value { font-weight: 650; }

.left-out { display: grid; grid-template-columns: max-content 1fr; gap: 0.5rem 2rem; margin: 0; }
.left-out dd { margin: 0; color: var(--quiet); overflow-wrap: anywhere; }

.captions td, .captions tbody th { padding: 0.6rem 0 0.6rem 1rem; }
.captions tbody tr { border-top: 1px solid var(--line); }
.captions tr > :first-child { padding-left: 0; width: 99%; overflow-wrap: anywhere; }
.captions img { display: block; width: 8rem; border-radius: 3px; background: #fff; }
.captions .real { color: var(--accent); font-weight: 650; }
.captions .real img { outline: 3px solid var(--accent); outline-offset: 2px; }
.pixels { image-rendering: pixelated; }

figure { margin: 0; }
.wide { overflow-x: auto; }
.wide img {
  display: block; height: auto; max-width: max(100%, 40rem); border-radius: 4px; background: #fff;
}
.drawn img { display: block; width: 45rem; max-width: 100%; height: auto; }

details { border-top: 1px solid var(--line); }
details:last-child { border-bottom: 1px solid var(--line); }
summary { cursor: pointer; padding: 0.7rem 0; }
summary code { color: var(--quiet); margin-left: 0.75rem; }
.protocol { scroll-margin-top: 4rem; padding-bottom: 1rem; }
.protocol:target { border-left: 3px solid var(--accent); padding-left: 1rem; }
.protocol p { overflow-wrap: anywhere; }
pre {
  margin: 0; padding: 1rem 1.25rem; overflow-x: auto; background: var(--panel); border-radius: 6px;
}

@media (max-width: 44rem) {
  main { padding: 2.25rem 1rem 4rem; }
  section { margin-top: 3rem; }
  h1 { font-size: 1.35rem; }
  .facts { gap: 0.9rem 1.75rem; }
  .numbers thead { display: none; }
  .numbers, .numbers tbody { display: block; }
  .numbers tr { display: flex; flex-wrap: wrap; gap: 0 1.1rem; padding: 0.55rem 0; }
  .numbers tr > * { padding: 0 !important; }
  .numbers tr > :first-child { flex: 1 1 calc(100% - 8rem); white-space: normal; }
  .numbers .value { flex: 0 0 6.5rem; }
  .numbers .more { font-size: 0.8125rem; color: var(--quiet); text-align: left; }
  .numbers .more::before { content: attr(data-name) " "; }
  .numbers .more:empty { display: none; }
  .left-out { grid-template-columns: 1fr; gap: 0; }
  .left-out dd { margin-bottom: 0.9rem; }
  .captions, .captions thead, .captions tbody { display: block; }
  .captions tr { display: flex; flex-wrap: wrap; gap: 0.6rem; }
  .captions tr > * { flex: 1 1 0; padding: 0; }
  .captions thead tr { padding-bottom: 0.4rem; }
  .captions thead tr > :first-child { display: none; }
  .captions tbody tr { padding: 0.9rem 0; }
  .captions tbody tr > :first-child { flex: 1 0 100%; }
  .captions img { width: 100%; }
}
"""
