"""SSH libraries of Python in the race: asyncssh, parallel-ssh (libssh2) and pyinfra's API, each in one process.

    libraries.py LIBRARY once|keep HOSTS USER KEY PORT KNOWN_HOSTS SCRIPT PARALLEL

`once` connects, probes all hosts and prints what they say. `keep` says `ready`, and for each line it reads it probes all
hosts over the connections it has and says `done COUNT`.
"""

import asyncio
import logging
import sys
from pathlib import Path

LIBRARY, MODE, HOSTS, USER, KEY, PORT, KNOWN_HOSTS, SCRIPT, PARALLEL = sys.argv[1:]
PORT, PARALLEL = int(PORT), int(PARALLEL)
hosts = Path(HOSTS).read_text().split()
command = f"exec sh -c '{Path(SCRIPT).read_text()}'"
logging.disable(logging.CRITICAL)


def asyncssh_sweep():
    import asyncssh

    loop, kept, places = asyncio.new_event_loop(), {}, asyncio.Semaphore(PARALLEL)

    async def probe(host):
        async with places:
            if host not in kept:
                kept[host] = await asyncssh.connect(
                    host, PORT, username=USER, client_keys=[KEY], known_hosts=KNOWN_HOSTS, config=None, agent_path=None)
            return (await kept[host].run(command)).stdout

    async def sweep():
        return await asyncio.gather(*map(probe, hosts))

    return lambda: loop.run_until_complete(sweep())


def parallel_ssh_sweep():
    from pssh.clients import ParallelSSHClient

    client = ParallelSSHClient(hosts, user=USER, pkey=KEY, port=PORT, pool_size=PARALLEL, allow_agent=False, identity_auth=False)

    def sweep():
        outputs = client.run_command(command)
        client.join(outputs)
        return ["\n".join(output.stdout) for output in outputs]

    return sweep


def pyinfra_sweep():
    import gevent
    from pyinfra.api import Config, Inventory, State, StringCommand
    from pyinfra.api.connect import connect_all

    data = {"ssh_user": USER, "ssh_port": PORT, "ssh_key": KEY, "ssh_known_hosts_file": KNOWN_HOSTS,
            "ssh_look_for_keys": False, "ssh_allow_agent": False}
    state = State(Inventory((hosts, data)), Config(PARALLEL=PARALLEL))
    connect_all(state)

    def sweep():
        jobs = [state.pool.spawn(host.run_shell_command, StringCommand(command), print_output=False) for host in state.inventory]
        gevent.joinall(jobs)
        return [job.value[1].stdout for job in jobs]

    return sweep


sweep = {"asyncssh": asyncssh_sweep, "parallel-ssh": parallel_ssh_sweep, "pyinfra": pyinfra_sweep}[LIBRARY]()
if MODE == "once":
    for said in sweep():
        print(said)
else:
    print("ready", flush=True)
    for _ in sys.stdin:
        print("done", sum("== end" in said for said in sweep()), flush=True)
