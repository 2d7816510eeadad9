"""Measure the web page with many visitors: samples per second, errors and memory.

    python -m benchmarks.page_load.measure

`textgan demo` is started as a user starts it. The visitors are coroutines of another process and
send the requests of a browser: they join Gradio's queue, read its stream until the images arrive,
and request the next caption with another seed. Phases with one visitor and with all visitors take
turns. From time to time a visitor requests an animation, or leaves and returns with a new session.
With `--animations 0` no animation is requested.
"""

import argparse
import asyncio
import datetime
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.table import markdown_table

COLORS = ("red", "green", "blue", "yellow", "purple")
SHAPES = ("circle", "square", "triangle", "star")
HEADS = ("visitors", "requests", "requests/s", "median s", "95 % s", "CPU ms each")
HEADS += ("animations", "5xx", "wrong", "MB")
SENTENCES = [
    f"a {c} {s} left of a {d} {t}" for c in COLORS for s in SHAPES for d in COLORS for t in SHAPES
]


@dataclass
class Tally:
    """The results of one phase.

    Attributes:
        statuses: number of HTTP responses by status.
        waits: seconds from a request to its images, one value for each request.
        animations: number of animations.
        wrong: the responses that do not belong to their request.
        memory: memory of the page's process in MB, once a second.
        processor: CPU seconds of the page's process.
        seconds: duration of the phase.
    """

    statuses: Counter = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    animations: int = 0
    wrong: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    processor: float = 0.0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Return answered requests per second."""
        return len(self.waits) / self.seconds


@contextmanager
def served(command: list[str]) -> Iterator[tuple[str, int]]:
    """Start the page -> its address and process id; end it at the exit of the context."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            found = re.search(r"http://\S+", line)
            if found:
                break
        else:
            raise RuntimeError(f"the page did not start: {' '.join(command)}")
        yield found[0].rstrip("/"), process.pid
    finally:
        process.terminate()
        process.wait(20)


def megabytes(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000


def computed(pid: int) -> float:
    """Return the CPU seconds of a process, summed over its threads."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


async def request(http: httpx.AsyncClient, tally: Tally, session: str, function: int, data: list):
    """Join the queue and read the stream -> the values of the response, or None."""
    body = {"data": data, "fn_index": function, "session_hash": session, "trigger_id": None}
    joined = await http.post("/gradio_api/queue/join", json=body)
    tally.statuses[joined.status_code] += 1
    if joined.status_code != 200:
        return None
    values = None
    async with http.stream(
        "GET", "/gradio_api/queue/data", params={"session_hash": session}
    ) as events:
        tally.statuses[events.status_code] += 1
        async for line in events.aiter_lines():
            message = json.loads(line[6:]) if line.startswith("data: ") else {}
            if message.get("msg") == "process_completed":
                values = message["output"].get("data")
    return values


async def visit(
    http: httpx.AsyncClient, number: int, until: float, options, functions, tally: Tally
):
    """Send the requests of one visitor, with a new session now and then, until a time."""
    for turn in itertools.count():
        if time.perf_counter() >= until:
            return
        session = f"v{number}x{turn // options.stay}x{int(until)}"
        caption, seed = SENTENCES[(37 * number + turn) % len(SENTENCES)], 1000 * number + turn
        if options.animations and (turn + number) % options.animations == 0:
            data = [True, caption, SENTENCES[number], seed, 16, 1.0]
            values = await request(http, tally, session, functions["animation"], data)
            tally.animations += 1
            right = values and values[0] == seed and values[1].count("<img") == 17
        else:
            start = time.perf_counter()
            data = [True, caption, seed, 4, 1.0]
            values = await request(http, tally, session, functions["samples"], data)
            if time.perf_counter() <= until:
                tally.waits.append(time.perf_counter() - start)
            right = values and values[0] == seed and values[2].count(f": {caption}") == 4
        if not right:
            tally.wrong.append(str(values)[:200])


async def watch(pid: int, until: float, tally: Tally) -> None:
    while time.perf_counter() < until:
        tally.memory.append(megabytes(pid))
        await asyncio.sleep(1)


async def phase(address: str, pid: int, visitors: int, seconds: float, options) -> Tally:
    """Run a number of visitors for a number of seconds."""
    tally = Tally(seconds=seconds)
    # The server closes a connection that was idle for five seconds.
    limits = httpx.Limits(max_connections=2 * visitors + 2, keepalive_expiry=2)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as http:
        config = (await http.get("/config")).json()
        names = {one["api_name"]: one["id"] for one in config["dependencies"]}
        before, until = computed(pid), time.perf_counter() + seconds
        crowd = [visit(http, n, until, options, names, tally) for n in range(visitors)]
        await asyncio.gather(*crowd, watch(pid, until, tally))
        tally.processor = computed(pid) - before
    return tally


def row(name: str, tally: Tally) -> list[str]:
    """Return the cells of one phase, in the order of `HEADS`."""
    waits = sorted(tally.waits)
    if not waits:
        raise SystemExit(f"{name} visitors received no images in {tally.seconds:.0f} s")
    slow = waits[int(0.95 * len(waits))]
    work = 1000 * tally.processor / max(1, len(waits) + tally.animations)
    bad = sum(count for status, count in tally.statuses.items() if status >= 500)
    memory = statistics.median(tally.memory[-20:])
    speed = [f"**{tally.rate:.1f}**", f"{statistics.median(waits):.2f}", f"{slow:.2f}"]
    errors = [str(bad), str(len(tally.wrong))]
    found = [name, f"{len(waits):,}", *speed, f"{work:.0f}", str(tally.animations), *errors]
    return [*found, f"{memory:,.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--model",
        default="textgan/weights/shapes",
        help="the model of `textgan demo` (%(default)s)",
    )
    parser.add_argument("--visitors", type=int, default=64, help="number of visitors (64)")
    parser.add_argument(
        "--seconds", type=float, default=60, help="seconds of each phase with all visitors (60)"
    )
    parser.add_argument(
        "--phases", type=int, default=3, help="number of phases with all visitors (3)"
    )
    parser.add_argument(
        "--alone", type=float, default=20, help="seconds of each phase with one visitor (20)"
    )
    parser.add_argument(
        "--animations",
        type=int,
        default=16,
        help="one of this many requests is an animation; 0: none (16)",
    )
    parser.add_argument(
        "--stay", type=int, default=8, help="requests until a visitor gets a new session (8)"
    )
    parser.add_argument(
        "--command", nargs="+", help="another command that starts the page and prints its address"
    )
    options = parser.parse_args()
    command = options.command or [sys.executable, "-m", "textgan", "demo", options.model]
    print(f"{datetime.date.today()}, load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} CPUs")
    with served(command) as (address, pid):
        alone, crowds, rows = [], [], []
        asyncio.run(
            phase(address, pid, 1, 5, options)
        )  # warm-up, as some parts are loaded by the first request
        for turn in range(1, options.phases + 1):
            alone.append(asyncio.run(phase(address, pid, 1, options.alone, options)))
            tally = asyncio.run(phase(address, pid, options.visitors, options.seconds, options))
            crowds.append(tally)
            rows += [row("1", alone[-1]), row(str(options.visitors), tally)]
            print(f"phase {turn} of {options.phases} is done", file=sys.stderr, flush=True)
    print(markdown_table(HEADS, rows))
    ratio = sum(len(t.waits) for t in crowds) / sum(t.seconds for t in crowds)
    ratio /= sum(len(t.waits) for t in alone) / sum(t.seconds for t in alone)
    ends = [statistics.median(tally.memory[-20:]) for tally in crowds]
    growth = max(ends) / ends[0] - 1
    print(f"\ncrowd / alone: {ratio:.2f} times the samples; memory after the first: {growth:+.1%}")
    for tally in [*alone, *crowds]:
        for response in tally.wrong[:2]:
            print(f"wrong: {response}")


if __name__ == "__main__":
    main()
