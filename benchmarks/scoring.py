"""What scoring costs: the endpoint judge beside its concurrency limit, and the memory of a job.

    python benchmarks/scoring.py                       a local server that answers in 50 ms
    python benchmarks/scoring.py --concurrency 32 --rows 4000
    python benchmarks/scoring.py --memory              peak memory of a job over 1,000 and over 100,000 rows

The limit is what the server could do at most: concurrency divided by the time of one answer. The server runs in a
process of its own, and the time of one answer is what it takes there, not what was asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from ecr_engine.config.sections.evaluation import JudgeSettings
from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.evaluation.responses import read_responses
from ecr_engine.scoring.cache import JudgementCache
from ecr_engine.scoring.dimensions import dimension_set
from ecr_engine.scoring.endpoint.judge import endpoint_judge
from ecr_engine.scoring.job import JobPlan, run_job
from ecr_engine.scoring.judge import Judgement

LATENCY_S = 0.05
GOAL = 0.95
MODEL = "benchmark"
RATINGS = json.dumps({"empathy": 3, "informativeness": 3, "recommendation": 3, "engagement": 3, "overall": 3})


def serve(latency: float, pipe: Connection) -> None:
    """Answers each request after `latency` seconds; says its port, and at the end the mean time of an answer."""
    times: list[float] = []
    body = json.dumps({"model": MODEL, "choices": [{"message": {"content": RATINGS}}]}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                start = time.perf_counter()
                length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
                await reader.readexactly(length)
                await asyncio.sleep(latency)
                writer.write(answer)
                await writer.drain()
                times.append(time.perf_counter() - start)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=512)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(pipe.recv)
        server.close()

    asyncio.run(run())
    pipe.send(sum(times) / len(times))


def sample(number: int) -> Sample:
    """A response of usual length."""
    said = f"I like old comedies, number {number}, and something to laugh about after a long day"
    turns = tuple(Turn(Role.SEEKER if n % 2 == 0 else Role.RECOMMENDER, said, said) for n in range(5))
    example = Example(f"{number}:5", str(number), 5, turns, "", (), (), (), "", 0)
    return Sample(example, f"You might enjoy <movie>, it is warm and funny. Number {number}.", finished=True, tokens=20)


def endpoint(rows: int, concurrency: int, latency: float) -> tuple[float, float]:
    """Rows judged in a second, and what the server could do at most."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(latency, theirs), daemon=True)
    server.start()
    address = f"openai:http://127.0.0.1:{ours.recv()}/v1#{MODEL}"
    judge = endpoint_judge(address, dimension_set("guide"), JudgeSettings(mode="generate", concurrency=concurrency))
    start = time.perf_counter()
    failed = sum(judgement.failure is not None for judgement in judge.judge(sample(n) for n in range(rows)))
    seconds = time.perf_counter() - start
    ours.send("stop")
    answer = ours.recv()
    server.join()
    if failed:
        raise SystemExit(f"{failed} of {rows} rows failed")
    return rows / seconds, concurrency / answer


class Constant:
    """A judge that costs nothing."""

    name = explanation = fingerprint = "constant"
    dimensions = dimension_set("guide")

    def judge(self, rows: Iterable[Sample]) -> Iterator[Judgement]:
        for row in rows:
            yield Judgement(row.example.example_id, dict.fromkeys(self.dimensions.names, 0.5), {})


def job(folder: str, rows: int, pipe: Connection) -> None:
    """Runs a job over `rows` rows, and says its peak memory in MiB and its rows in a second."""
    source = Path(folder) / f"{rows}.jsonl"
    with source.open("w", encoding="utf-8") as handle:
        for number in range(rows):
            turns = [turn.text for turn in sample(number).example.context]
            handle.write(json.dumps({"context": turns, "response": sample(number).response}) + "\n")
    start = time.perf_counter()
    with JudgementCache(Path(folder) / f"{rows}.sqlite3") as cache:
        run_job(read_responses(source), Constant(), JobPlan(Path(folder) / f"{rows}.out"), cache=cache)
    seconds = time.perf_counter() - start
    pipe.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, rows / seconds))


def memory(rows: int) -> tuple[float, float]:
    """Peak memory of a job in a process of its own, in MiB, and its rows in a second."""
    ours, theirs = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        worker = multiprocessing.get_context("spawn").Process(target=job, args=(folder, rows, theirs))
        worker.start()
        found: tuple[float, float] = ours.recv()
        worker.join()
    return found


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1600)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--latency", type=float, default=LATENCY_S)
    parser.add_argument("--memory", action="store_true")
    arguments = parser.parse_args()
    if arguments.memory:
        for rows in (1_000, 100_000):
            peak, pace = memory(rows)
            print(f"{rows:>9,} rows {peak:8.1f} MiB at most {pace:10,.0f} rows/s")
        return
    for concurrency in arguments.concurrency:
        pace, limit = endpoint(arguments.rows, concurrency, arguments.latency)
        print(
            f"concurrency {concurrency:3}: {pace:7.1f} rows/s, the limit is {limit:7.1f}: {pace / limit:6.1%}"
            f"   (goal {GOAL:.0%})"
        )


if __name__ == "__main__":
    main()
