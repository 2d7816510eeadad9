"""An evaluation as an HTML page that is one file, with its images inside."""

import json
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import Any

from textgan.comparison.digits import count, interval, significant
from textgan.evaluation import gallery
from textgan.evaluation.report import Report
from textgan.file.atomic import whole

FILE = "evaluation.html"
_STYLE = Path(__file__).with_name("style.css")


def save(report: Report, folder: str | Path) -> tuple[Path, Path]:
    """Write `evaluation.json` and `evaluation.html` into the folder, and return their paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    with whole(file, durable=True) as beside:
        beside.write_text(page(report), encoding="utf-8")
    return report.save_json(folder), file


def page(report: Report) -> str:
    """The report as HTML: numbers, captions with images, and the protocol of each number.

    It loads no other file and runs no script.
    """
    source = str(report.model["source"] or "a model")
    sections = [_section("Numbers", _numbers(report))] if report.numbers else []
    if report.skipped:
        sections.append(_section("Left out", _skipped(report.skipped)))
    if report.shown:
        shown = gallery.captions(report.shown)
        sections.append(_section("Captions, real images and samples", shown))
    for title, image in report.images.items():
        sections.append(_section(title, gallery.figure(title, image)))
    for title, series in report.histograms.items():
        sections.append(_section(title, gallery.histogram(title, series)))
    sections.append(_section("Protocols", _protocols(report.protocols)))
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Evaluation of {escape(source)}</title>",
            f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>",
            _header(report, source),
            *sections,
            "</main>\n</body>\n</html>\n",
        ]
    )


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>"


def _header(report: Report, source: str) -> str:
    model, data = report.model, report.data
    facts = {
        "images seen": count(model["images_seen"]),
        "parameters": count(model["parameters"]),
        "weights": _short(model["weights_sha256"]),
        "data": escape(f"{data.get('class', '')} {data.get('split', '')}".strip()),
        "images": count(data.get("pictures")),
        "fingerprint": _short(data.get("fingerprint", "")),
    }
    inside = "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>\n" for k, v in facts.items() if v)
    return (
        f'<header>\n<p class="kind">Evaluation</p>\n<h1>{escape(source)}</h1>\n'
        f'<dl class="facts">\n{inside}</dl>\n</header>'
    )


def _short(digest: str) -> str:
    return f'<code title="{escape(digest)}">{escape(digest[:8])}</code>' if digest else ""


def _numbers(report: Report) -> str:
    """A table with a `tbody` for each metric."""
    groups = defaultdict(list)
    for name, number in report.numbers.items():
        groups[number["metric"]].append((name, number))
    places = {metric: place for place, metric in enumerate(report.protocols, start=1)}
    bodies = []
    for metric, group in groups.items():
        digest = report.protocols[metric]["hash"]
        link = f'<a href="#protocol-{places[metric]}"><code>{escape(digest[:8])}</code></a>'
        rows = "\n".join(_number(name, number, link) for name, number in group)
        bodies.append(f"<tbody>\n{rows}\n</tbody>")
    names = ("number", "value", "95&nbsp;% interval", "spread", "n", "protocol")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        f'<table class="numbers">\n<thead><tr>{head}</tr></thead>\n' + "\n".join(bodies)
    ) + "\n</table>"


def _number(name: str, number: dict[str, Any], link: str) -> str:
    metric, slash, last = name.partition("/")
    label = f'<span class="quiet">{escape(metric)}/</span>{escape(last)}' if slash else escape(name)
    spread = number["spread"]
    more = {
        "95 % interval": interval(number["low"], number["high"]),
        "spread": "" if spread is None else significant(spread),
        "n": count(number["n"]),
        "": link,
    }
    cells = "".join(f'<td class="more" data-name="{k}">{v}</td>' for k, v in more.items())
    value = significant(number["value"])
    return f'<tr><th scope="row">{label}</th><td class="value">{value}</td>{cells}</tr>'


def _skipped(skipped: dict[str, str]) -> str:
    inside = "\n".join(
        f"<dt>{escape(name)}</dt><dd>{escape(why)}</dd>" for name, why in skipped.items()
    )
    return f'<dl class="left-out">\n{inside}\n</dl>'


def _protocols(protocols: dict[str, dict[str, Any]]) -> str:
    """Everything that each metric's numbers depend on besides the model.

    The target of a link is inside its `details` element, so that a browser opens it.
    """
    parts = []
    for place, (metric, protocol) in enumerate(protocols.items(), start=1):
        text = json.dumps(
            {k: v for k, v in protocol.items() if k != "hash"}, indent=2, ensure_ascii=False
        )
        digest = escape(protocol["hash"])
        parts.append(
            f"<details><summary>{escape(metric)}<code>{digest[:8]}</code></summary>\n"
            f'<div class="protocol" id="protocol-{place}"><p><code>sha256 {digest}</code></p>\n'
            f"<pre>{escape(text)}</pre></div></details>"
        )
    note = (
        "<p>A protocol lists everything that a number depends on besides the model. Compare two "
        "numbers only if their protocols differ in nothing but the seed.</p>\n"
    )
    return note + "<div>\n" + "\n".join(parts) + "\n</div>"
