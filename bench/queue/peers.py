"""An entrant of the race: procrastinate, or the least SQL that is a queue at all. One JSON line for each phase.

    peers.py procrastinate|bare-sql CONNINFO JOBS SAMPLES
"""

import asyncio
import json
import logging
import os
import random
import resource
import sys
import time

import procrastinate
import psycopg

CONNINFO, JOBS, SAMPLES = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
AT_ONCE = 1_000


def cpu_of_database():
    with open(os.environ["DATABASE_CPU_STAT"]) as stat:
        return int(stat.readline().split()[1]) / 1e6


def cpu_of_ours():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Phase:
    """Says what is spent within it."""

    def __init__(self, name, count):
        self.name, self.count = name, count

    def __enter__(self):
        self.own, self.database, self.began = cpu_of_ours(), cpu_of_database(), time.perf_counter()

    def __exit__(self, *_):
        wall = time.perf_counter() - self.began
        spent = {"wall_s": wall, "cpu_s": cpu_of_ours() - self.own, "db_cpu_s": cpu_of_database() - self.database}
        print(json.dumps({"phase": self.name, "count": self.count, **spent}), flush=True)


async def pick_up(send, begun):
    """Each job finds the queue idle: the next one is sent 20 to 120 ms after the last one began."""
    waits = []
    for _ in range(SAMPLES):
        await asyncio.sleep(random.uniform(0.02, 0.12))
        sent = time.perf_counter()
        await send()
        waits.append((await begun.get() - sent) * 1e3)
    waits.sort()
    print(json.dumps({"phase": "latency", "count": SAMPLES, "p50_ms": waits[SAMPLES // 2], "p99_ms": waits[int(SAMPLES * 0.99)]}), flush=True)


async def race_procrastinate():
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=CONNINFO))
    begun = asyncio.Queue()

    @app.task(name="nothing")
    async def nothing(n):
        pass

    @app.task(name="tell", queue="soon")
    async def tell():
        begun.put_nowait(time.perf_counter())

    async def serve(workers):
        await app.run_worker_async(wait=False, concurrency=workers, listen_notify=False, install_signal_handlers=False)

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        with Phase("insert_one", JOBS // 5):
            for n in range(JOBS // 5):
                await nothing.defer_async(n=n)
        await serve(4)
        for workers in (1, 4):
            with Phase("insert_batch", JOBS):
                for first in range(0, JOBS, AT_ONCE):
                    await nothing.batch_defer_async(*({"n": n} for n in range(first, first + AT_ONCE)))
            with Phase(f"process_{workers}", JOBS):
                await serve(workers)
        worker = asyncio.create_task(app.run_worker_async(queues=["soon"], install_signal_handlers=False))
        await asyncio.sleep(1)
        await pick_up(tell.defer_async, begun)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


TABLE = """
create table job (number bigint generated always as identity primary key, payload jsonb not null, state text not null default 'queued');
create index job_queued on job (number) where state = 'queued'"""
QUEUE = "insert into job (payload) values (%s)"
QUEUE_MANY = "insert into job (payload) select unnest(%s::jsonb[])"
CLAIM = """
update job set state = 'leased' where number = (
    select number from job where state = 'queued' order by number limit 1 for update skip locked) returning number"""
COMPLETE = "update job set state = 'done' where number = %s and state = 'leased'"


async def race_bare_sql():
    connect = lambda: psycopg.AsyncConnection.connect(CONNINFO, autocommit=True)
    db, begun = await connect(), asyncio.Queue()
    await db.execute(TABLE)

    async def serve_one(began=lambda: None):
        async with await connect() as own:
            while job := await (await own.execute(CLAIM)).fetchone():
                began()
                await own.execute(COMPLETE, job)

    with Phase("insert_one", JOBS // 5):
        for n in range(JOBS // 5):
            await db.execute(QUEUE, [json.dumps({"n": n})])
    await serve_one()
    for workers in (1, 4):
        with Phase("insert_batch", JOBS):
            for first in range(0, JOBS, AT_ONCE):
                await db.execute(QUEUE_MANY, [[json.dumps({"n": n}) for n in range(first, first + AT_ONCE)]])
        with Phase(f"process_{workers}", JOBS):
            await asyncio.gather(*(serve_one() for _ in range(workers)))

    async def listen():
        async with await connect() as ears, await connect() as own:
            await ears.execute("listen job")
            async for _ in ears.notifies():
                job = await (await own.execute(CLAIM)).fetchone()
                if job:
                    begun.put_nowait(time.perf_counter())
                    await own.execute(COMPLETE, job)

    async def send():
        async with db.transaction():
            await db.execute(QUEUE, ["{}"])
            await db.execute("notify job")

    listener = asyncio.create_task(listen())
    await asyncio.sleep(1)
    await pick_up(send, begun)
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)


logging.disable(logging.CRITICAL)
asyncio.run({"procrastinate": race_procrastinate, "bare-sql": race_bare_sql}[sys.argv[1]]())
