// An entrant of the race: graphile-worker or pg-boss, each singly and in batches. One JSON line for each phase.
//   node peers.mjs graphile-worker|pg-boss URL JOBS SAMPLES
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const [tool, url, jobs, samples] = process.argv.slice(2).map((word, place) => (place < 2 ? word : Number(word)));
const require = createRequire(`${process.env.NODE_PATH}/`);
const AT_ONCE = 1_000;

function databaseCpu() {
  return Number(readFileSync(process.env.DATABASE_CPU_STAT, "utf8").split(/\s+/)[1]) / 1e6;
}

async function phase(name, count, work) {
  const [own, database, began] = [process.cpuUsage(), databaseCpu(), performance.now()];
  await work();
  const wall_s = (performance.now() - began) / 1e3;
  const { user, system } = process.cpuUsage(own);
  console.log(JSON.stringify({ phase: name, count, wall_s, cpu_s: (user + system) / 1e6, db_cpu_s: databaseCpu() - database }));
}

// A promise that is kept by the call that comes as the `count`th.
function after(count) {
  let keep;
  const kept = new Promise((resolve) => (keep = resolve));
  return { kept, count: (more = 1) => (count -= more) <= 0 && keep() };
}

// Each job finds the queue idle: the next one is sent 20 to 120 ms after the last one began.
async function pickUp(send, begun) {
  const waits = [];
  for (let n = 0; n < samples; n++) {
    await sleep(20 + Math.random() * 100);
    const began = new Promise((resolve) => (begun.tell = () => resolve(performance.now())));
    const sent = performance.now();
    await send();
    waits.push((await began) - sent);
  }
  waits.sort((a, b) => a - b);
  console.log(JSON.stringify({ phase: "latency", count: samples, p50_ms: waits[samples >> 1], p99_ms: waits[Math.floor(samples * 0.99)] }));
}

// The phases that every queue goes through, by what it can do.
async function race({ queueOne, queueMany, serve, batched }) {
  await phase("insert_one", jobs / 5, async () => {
    for (let n = 0; n < jobs / 5; n++) await queueOne(n);
  });
  await serve(jobs / 5, 4);
  for (const [how, name] of [[serve, ""], [batched, "_batched"]]) {
    for (const workers of [1, 4]) {
      await phase("insert_batch", jobs, async () => {
        for (let first = 0; first < jobs; first += AT_ONCE) await queueMany(Array.from({ length: AT_ONCE }, (_, n) => ({ n: first + n })));
      });
      await phase(`process_${workers}${name}`, jobs, () => how(jobs, workers));
    }
  }
}

async function graphileWorker() {
  const { Logger, makeWorkerUtils, run } = require("graphile-worker");
  const logger = new Logger(() => () => {});
  const common = { connectionString: url, logger, maxPoolSize: 12 };
  const utils = await makeWorkerUtils({ connectionString: url, logger });
  await utils.migrate();
  const serving = (more) => async (count, concurrentJobs) => {
    const all = after(count);
    const runner = await run({ preset: { worker: { ...common, concurrentJobs, ...more } }, noHandleSignals: true, taskList: { nothing: async () => all.count() } });
    await all.kept;
    await runner.stop();
  };
  await race({
    queueOne: (n) => utils.addJob("nothing", { n }),
    queueMany: (payloads) => utils.addJobs(payloads.map((payload) => ({ identifier: "nothing", payload }))),
    serve: serving({}),
    batched: serving({ localQueue: { size: 100 }, completeJobBatchDelay: 0 }),
  });
  const begun = {};
  const runner = await run({ preset: { worker: { ...common, concurrentJobs: 1 } }, noHandleSignals: true, taskList: { tell: async () => begun.tell() } });
  await sleep(1_000);
  await pickUp(() => utils.addJob("tell", {}), begun);
  await runner.stop();
}

async function pgBoss() {
  const { PgBoss } = require("pg-boss");
  const boss = new PgBoss({ connectionString: url, useListenNotify: true, supervise: false, schedule: false });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  await boss.createQueue("nothing");
  await boss.createQueue("tell", { notify: true });
  await race({
    queueOne: (n) => boss.send("nothing", { n }),
    queueMany: (payloads) => boss.insert("nothing", payloads.map((data) => ({ data }))),
    // Its `work` waits out a polling interval between single jobs, so this is what it does, in a loop.
    serve: (_, workers) => Promise.all(Array.from({ length: workers }, async () => {
      for (let jobs; (jobs = await boss.fetch("nothing")).length > 0; ) await boss.complete("nothing", jobs[0].id);
    })),
    batched: async (count, localConcurrency) => {
      const all = after(count);
      await boss.work("nothing", { batchSize: 100, burstWhenBatchFull: true, localConcurrency, pollingIntervalSeconds: 0.5 }, async (jobs) => all.count(jobs.length));
      await all.kept;
      await boss.offWork("nothing");
    },
  });
  const begun = {};
  await boss.work("tell", async () => begun.tell());
  await sleep(1_000);
  await pickUp(() => boss.send("tell", {}), begun);
  await boss.stop({ graceful: false });
}

await { "graphile-worker": graphileWorker, "pg-boss": pgBoss }[tool]();
process.exit(0);
