"""A fleet on one machine: N real OpenSSH servers on 127.20.x.y, each with its own host key, all in one cgroup."""

import fcntl
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

from measure import STATE, Group

PORT, USER = 2299, "wkbench"
HOSTS_PER_NET = 200
CONFIG = """\
Port {port}
ListenAddress {address}
HostKey {folder}/{address}.key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
UseDNS no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 1000
MaxSessions 100
PrintLastLog no
PrintMotd no
LogLevel {log_level}
"""


class Fleet:
    """Up while the block is in force; nothing is left of it afterwards."""

    def __init__(self, count: int, log_level: str = "INFO"):
        self.folder, self.log_level = STATE / "fleet", log_level
        self.addresses = [f"127.20.{number // HOSTS_PER_NET}.{number % HOSTS_PER_NET + 1}" for number in range(count)]
        self.hosts, self.key, self.known_hosts = (self.folder / name for name in ("hosts", "id", "known_hosts"))
        self.log = self.folder / "sshd.log"

    def __enter__(self) -> "Fleet":
        STATE.mkdir(parents=True, exist_ok=True)
        self.lock = open(STATE / "lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)  # Two fleets would end each other: the second waits.
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        STATE.chmod(0o755)
        make_account(self.folder / "home")
        make_key(self.key)
        shutil.copy(f"{self.key}.pub", self.folder / "authorized_keys")
        Path("/run/sshd").mkdir(exist_ok=True)
        self.group = Group("fleet")
        known = [self.start(address) for address in self.addresses]
        self.known_hosts.write_text("".join(known))
        self.hosts.write_text("".join(f"{address}\n" for address in self.addresses))
        for address in self.addresses:
            wait_for(address)
        return self

    def start(self, address: str) -> str:
        """Starts one server and gives its line for a file of known hosts."""
        key, config = self.folder / f"{address}.key", self.folder / f"{address}.conf"
        make_key(key)
        config.write_text(CONFIG.format(port=PORT, address=address, folder=self.folder, log_level=self.log_level))
        self.group.start(["/usr/sbin/sshd", "-D", "-E", self.log, "-f", config], process_group=0)
        return f"[{address}]:{PORT} {Path(f'{key}.pub').read_text()}"

    def __exit__(self, *_) -> None:
        self.group.end()
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run(["userdel", USER], stderr=subprocess.DEVNULL)
        self.lock.close()


def make_account(home: Path) -> None:
    home.mkdir()
    try:
        pwd.getpwnam(USER)
    except KeyError:
        # A password that can never match; unlike `!` it does not lock the account for keys.
        subprocess.run(["useradd", "--system", "--shell", "/bin/sh", "--password", "*", "--home-dir", home, USER], check=True)
    shutil.chown(home, USER)


def make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)


def wait_for(address: str) -> None:
    for _ in range(200):
        try:
            socket.create_connection((address, PORT), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{address} does not listen")
