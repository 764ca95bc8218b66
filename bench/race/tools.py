"""The tools of the race: what each is called with, at its best settings for one script over many hosts."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from fleet import PORT, USER, Fleet
from measure import CACHE

HERE = Path(__file__).parent
SCRIPT = HERE / "probe.sh"
ANSIBLE = CACHE / "ansible/bin/ansible"
LIBRARIES_PYTHON = CACHE / "libraries/bin/python"
PYINFRA = CACHE / "libraries/bin/pyinfra"


@dataclass
class Call:
    """What one entrant is told: the fleet, whether connections are kept, and a folder of its own."""

    fleet: Fleet
    folder: Path
    kept: bool
    parallel: int
    kex: str

    @property
    def remote(self) -> str:
        return f"exec sh -c '{SCRIPT.read_text()}'"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def ssh(self) -> list:
        """Options of ssh. Kept connections are those of its ControlPersist."""
        options = ["BatchMode=yes", f"UserKnownHostsFile={self.fleet.known_hosts}"]
        if self.kept:
            options += ["ControlMaster=auto", "ControlPersist=600", f"ControlPath={self.folder}/%C"]
        else:
            options += ["ControlMaster=no", "ControlPath=none"]
        options += [f"KexAlgorithms={self.kex}"] if self.kex else []
        return ["-F", "none", "-i", str(self.fleet.key), *(word for option in options for word in ("-o", option))]

    def write(self, name: str, text: str) -> Path:
        (self.folder / name).write_text(text)
        return self.folder / name

    def filled(self, command: str) -> list:
        """A command line whose {holes} are filled."""
        holes = {"hosts": self.fleet.hosts, "user": USER, "key": self.fleet.key, "port": PORT,
                 "known_hosts": self.fleet.known_hosts, "script": SCRIPT, "parallel": self.parallel, "out": self.out}
        return [word.format(**holes) for word in shlex.split(command)]


def xargs_ssh(call: Call) -> list:
    remote = call.write("remote", call.remote)
    one = f'exec ssh {shlex.join(call.ssh())} -p {PORT} {USER}@$1 "$(cat {remote})" >{call.out}/$1'
    return ["xargs", "-a", call.fleet.hosts, "-P", call.parallel, "-n", 1, "sh", "-c", one, "ssh"]


def clush(call: Call) -> list:
    options = shlex.join([*call.ssh(), "-p", str(PORT)]).replace("%", "%%")
    return ["clush", "-q", "-S", "-n", "-f", call.parallel, "-l", USER, "-o", options, "--hostfile", call.fleet.hosts, call.remote]


def pssh(call: Call) -> list:
    hosts = call.write("pssh.hosts", "".join(f"{address}:{PORT}\n" for address in call.fleet.addresses))
    return ["parallel-ssh", "-h", hosts, "-p", call.parallel, "-t", 0, "-l", USER, "-o", call.out, "-x", shlex.join(call.ssh()), call.remote]


def ansible_raw(call: Call) -> list:
    lines = [f"{address} ansible_user={USER} ansible_port={PORT}\n" for address in call.fleet.addresses]
    inventory = call.write("inventory.ini", "".join(lines))
    config = call.write("ansible.cfg", "\n".join([
        "[defaults]", f"forks = {call.parallel}", f"private_key_file = {call.fleet.key}", f"local_tmp = {call.folder}",
        "[ssh_connection]", "pipelining = True", "ssh_args = " + shlex.join(call.ssh()), ""]))
    return ["env", f"ANSIBLE_CONFIG={config}", ANSIBLE, "all", "-i", inventory, "-m", "raw", "-a", call.remote]


def pyinfra(call: Call) -> list:
    data = {"ssh_user": USER, "ssh_port": PORT, "ssh_key": str(call.fleet.key), "ssh_known_hosts_file": str(call.fleet.known_hosts),
            "ssh_look_for_keys": False, "ssh_allow_agent": False}
    inventory = call.write("inventory.py", f"hosts = ({call.fleet.addresses!r}, {data!r})\n")
    return [PYINFRA, "-y", "--parallel", call.parallel, inventory, "exec", "--", SCRIPT.read_text()]


def library(name: str, mode: str) -> str:
    return f"{LIBRARIES_PYTHON} {HERE}/libraries.py {name} {mode} {{hosts}} {{user}} {{key}} {{port}} {{known_hosts}} {{script}} {{parallel}}"


# What is run once, from nothing to the last byte; those that call ssh are run the same way over kept connections.
ONCE = {
    "xargs-ssh": xargs_ssh,
    "clush": clush,
    "pssh": pssh,
    "ansible-raw": ansible_raw,
    "pyinfra": pyinfra,
    "asyncssh": lambda call: call.filled(library("asyncssh", "once")),
    "parallel-ssh": lambda call: call.filled(library("parallel-ssh", "once")),
}
# What stays up and keeps its connections by itself.
KEEPING = {name: library(name, "keep") for name in ("pyinfra", "asyncssh", "parallel-ssh")}
