"""What a tree of processes uses: exact processor time by a cgroup of its own, memory by looking every 50 ms.

Root and a mounted cgroup v2 hierarchy are needed; no controller has to be enabled in it.
"""

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(os.environ.get("BENCH_CACHE", "/var/cache/watchkeeper-bench"))
STATE = Path(os.environ.get("BENCH_STATE", "/tmp/watchkeeper-bench"))
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MIB = 2**20
# How long a measurement waits for a quiet machine, and what counts as quiet: CPU seconds in a look of 0.4 s.
QUIET_WAIT_S, QUIET_LOOK_S, QUIET_CPU_S = 3, 0.4, 0.06


def hierarchy() -> Path:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, folder, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(folder)
    sys.exit("no cgroup v2 hierarchy is mounted: mount -t cgroup2 none SOMEWHERE")


class Group:
    """A cgroup: processes are started in it, and it knows what all of them and their children have used."""

    def __init__(self, name: str):
        self.path = hierarchy() / "watchkeeper-bench" / name
        self.path.mkdir(parents=True, exist_ok=True)

    def start(self, argv: list, **kwargs) -> subprocess.Popen:
        enter = lambda: (self.path / "cgroup.procs").write_text(str(os.getpid()))
        return subprocess.Popen([str(word) for word in argv], preexec_fn=enter, **kwargs)

    def cpu_s(self) -> float:
        first = (self.path / "cpu.stat").read_text().split("\n", 1)[0]
        return int(first.removeprefix("usage_usec ")) / 1e6

    def memory(self, shared: bool) -> int:
        """Resident bytes of all processes. With `shared`, a page that several have counts once (PSS)."""
        pids = (self.path / "cgroup.procs").read_text().split()
        return sum(pss(pid) if shared else rss(pid) for pid in pids)

    def end(self) -> None:
        """Ends what is left in it, which is ours alone, and removes it."""
        (self.path / "cgroup.kill").write_text("1")
        for _ in range(250):
            try:
                self.path.rmdir()
                return
            except OSError:  # The last of them is still going.
                time.sleep(0.02)


def rss(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):  # It has ended.
        return 0


def pss(pid: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


@contextmanager
def peak_memory(group: Group, shared: bool):
    """Looks at the memory of a group until the block is left; the list that it gives then holds the most in bytes."""
    over, most = threading.Event(), [0]

    def look() -> None:
        while True:
            most[0] = max(most[0], group.memory(shared))
            if over.wait(0.05):
                return

    looker = threading.Thread(target=look, daemon=True)
    looker.start()
    try:
        yield most
    finally:
        over.set()
        looker.join()


def measured(work, group: Group, fleet: Group, shared: bool) -> dict:
    """Does `work`, which returns a dict, and adds what it took. Memory as PSS is dear to read: not in a timed run."""
    wait_for_quiet()
    load, machine, own, theirs = os.getloadavg()[0], machine_cpu_s(), group.cpu_s(), fleet.cpu_s()
    begun = time.perf_counter()
    with peak_memory(group, shared) as most:
        result = work()
        wall = time.perf_counter() - begun
    own, theirs = group.cpu_s() - own, fleet.cpu_s() - theirs
    others = max(0.0, machine_cpu_s() - machine - own - theirs)
    memory = {"pss_mib" if shared else "rss_mib": round(most[0] / MIB, 2)}
    spent = {"wall_s": wall, "cpu_s": own, "fleet_cpu_s": theirs, "others_cpu_s": others, "load": load}
    return {**result, **{name: round(value, 4) for name, value in spent.items()}, **memory}


def machine_cpu_s() -> float:
    """What the whole machine has worked, niced work left out: what no side explains was somebody else's."""
    user, _nice, system, _idle, _wait, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def wait_for_quiet() -> None:
    give_up = time.monotonic() + QUIET_WAIT_S
    while time.monotonic() < give_up:
        before = machine_cpu_s()
        time.sleep(QUIET_LOOK_S)
        if machine_cpu_s() - before <= QUIET_CPU_S:
            return


def median(values) -> float:
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def table(head: list, rows: list) -> str:
    """Markdown. Numbers get three digits."""
    text = lambda cell: (f"{cell:.3g}" if abs(cell) < 100 else f"{cell:.0f}") if isinstance(cell, float) else str(cell)
    cells = [head] + [[text(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
