"""The page under a crowd: drawings per second, what was answered, and the memory that it takes.

    python experiments/page_load/measure.py

`textgan demo` is started as it is for a user. Visitors, in one process beside it, do what the page
in a browser does: they join Gradio's queue and read its stream until the drawing is there, then ask
for the next one, of another caption and another seed. In turn one visitor alone draws for a while,
then all of them at once. Now and then a visitor asks for an animation, leaves, and comes back as
somebody new. Without `--animations` only drawings are asked for.
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

COLORS = ("red", "green", "blue", "yellow", "purple")
SHAPES = ("circle", "square", "triangle", "star")
SENTENCES = [
    f"a {c} {s} left of a {d} {t}" for c in COLORS for s in SHAPES for d in COLORS for t in SHAPES
]


@dataclass
class Tally:
    """What came of one phase.

    Attributes:
        statuses: of all answers by HTTP.
        waits: seconds from a visitor's wish to its pictures, one a drawing.
        animations: how many were drawn.
        wrong: answers that are not what was asked for, in words.
        memory: of the page's process, in MB, each second.
        processor: seconds that the page's process computed.
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
        """Drawings a second."""
        return len(self.waits) / self.seconds


@contextmanager
def served(command: list[str]) -> Iterator[tuple[str, int]]:
    """The page's address and its process, as long as it is needed."""
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
    """What the process has in memory now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1000


def computed(pid: int) -> float:
    """Seconds that the process has computed, in all of its threads."""
    words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


async def ask(http: httpx.AsyncClient, tally: Tally, session: str, function: int, data: list):
    """Join the queue and read the stream -> the values of the answer, or None."""
    wish = {"data": data, "fn_index": function, "session_hash": session, "trigger_id": None}
    joined = await http.post("/gradio_api/queue/join", json=wish)
    tally.statuses[joined.status_code] += 1
    if joined.status_code != 200:
        return None
    values = None
    async with http.stream(
        "GET", "/gradio_api/queue/data", params={"session_hash": session}
    ) as told:
        tally.statuses[told.status_code] += 1
        async for line in told.aiter_lines():
            message = json.loads(line[6:]) if line.startswith("data: ") else {}
            if message.get("msg") == "process_completed":
                values = message["output"].get("data")
    return values


async def visit(
    http: httpx.AsyncClient, number: int, until: float, options, functions, tally: Tally
):
    """One visitor after the other at the same place of the crowd, until the time is over."""
    for turn in itertools.count():
        if time.perf_counter() >= until:
            return
        session = f"v{number}x{turn // options.stay}x{int(until)}"
        caption, seed = SENTENCES[(37 * number + turn) % len(SENTENCES)], 1000 * number + turn
        if options.animations and (turn + number) % options.animations == 0:
            data = [True, caption, SENTENCES[number], seed, 16, 1.0]
            values = await ask(http, tally, session, functions["animation"], data)
            tally.animations += 1
            right = values and values[0] == seed and values[1].count("<img") == 17
        else:
            start = time.perf_counter()
            data = [True, caption, seed, 4, 1.0]
            values = await ask(http, tally, session, functions["drawing"], data)
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
    """A crowd of so many visitors for so long."""
    tally = Tally(seconds=seconds)
    # The page's server ends a connection that nobody used for five seconds.
    limits = httpx.Limits(max_connections=2 * visitors + 2, keepalive_expiry=2)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as http:
        config = (await http.get("/config")).json()
        names = {one["api_name"]: one["id"] for one in config["dependencies"]}
        before, until = computed(pid), time.perf_counter() + seconds
        crowd = [visit(http, n, until, options, names, tally) for n in range(visitors)]
        await asyncio.gather(*crowd, watch(pid, until, tally))
        tally.processor = computed(pid) - before
    return tally


def row(name: str, tally: Tally) -> str:
    waits = sorted(tally.waits)
    if not waits:
        raise SystemExit(f"{name} visitors got no drawing in {tally.seconds:.0f} s")
    slow = waits[int(0.95 * len(waits))]
    work = 1000 * tally.processor / max(1, len(waits) + tally.animations)
    bad = sum(count for status, count in tally.statuses.items() if status >= 500)
    memory = statistics.median(tally.memory[-20:])
    return (
        f"| {name} | {len(waits):,} | **{tally.rate:.1f}** | {statistics.median(waits):.2f} |"
        f" {slow:.2f} | {work:.0f} | {tally.animations} | {bad} | {len(tally.wrong)} |"
        f" {memory:,.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--model", default="textgan/weights/shapes", help="what `textgan demo` draws with"
    )
    parser.add_argument("--visitors", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60, help="of each phase with the crowd")
    parser.add_argument("--phases", type=int, default=3, help="with the crowd")
    parser.add_argument(
        "--alone", type=float, default=20, help="seconds of each phase with one visitor"
    )
    parser.add_argument(
        "--animations", type=int, default=16, help="every so many requests; 0: none"
    )
    parser.add_argument(
        "--stay", type=int, default=8, help="requests until a visitor is another one"
    )
    parser.add_argument(
        "--command", nargs="+", help="serve with this instead, which prints the address"
    )
    options = parser.parse_args()
    command = options.command or [sys.executable, "-m", "textgan", "demo", options.model]
    print(f"{datetime.date.today()}, load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} CPUs")
    head = "visitors | drawings | drawings/s | median s | 95 % s | CPU ms each | animations"
    head += " | 5xx | wrong | MB"
    print(f"| {head} |\n|{'---|' * 10}")
    with served(command) as (address, pid):
        alone, crowds = [], []
        asyncio.run(phase(address, pid, 1, 5, options))  # the first ones load what is loaded late
        for _ in range(options.phases):
            alone.append(asyncio.run(phase(address, pid, 1, options.alone, options)))
            print(row("1", alone[-1]), flush=True)
            tally = asyncio.run(phase(address, pid, options.visitors, options.seconds, options))
            crowds.append(tally)
            print(row(str(options.visitors), crowds[-1]), flush=True)
    ratio = sum(len(t.waits) for t in crowds) / sum(t.seconds for t in crowds)
    ratio /= sum(len(t.waits) for t in alone) / sum(t.seconds for t in alone)
    ends = [statistics.median(tally.memory[-20:]) for tally in crowds]
    growth = max(ends) / ends[0] - 1
    print(f"\ncrowd / alone: {ratio:.2f} times the drawings; memory after the first: {growth:+.1%}")
    for tally in [*alone, *crowds]:
        for said in tally.wrong[:2]:
            print(f"wrong: {said}")


if __name__ == "__main__":
    main()
