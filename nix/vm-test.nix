# Four machines: one that watches, one where the start of nginx is allowed, one where nothing is, and one that watches
# itself. A service fails on each; the repair that is approved runs where the host's own configuration allows it, and is
# refused by the host that does not.
{ module }:
{ pkgs, ... }:
let
  keys = import (pkgs.path + "/nixos/tests/ssh-keys.nix") pkgs;
  nginx = {
    imports = [ module ];
    services.openssh.enable = true;
    services.nginx.enable = true;
    # It is to stay down until somebody repairs it.
    systemd.services.nginx.serviceConfig.Restart = pkgs.lib.mkForce "no";
  };
  target = steps: {
    imports = [ nginx ];
    services.watchkeeper.target = {
      enable = true;
      controllerKeys = [ keys.snakeOilEd25519PublicKey ];
      inherit steps;
    };
  };
  host = address: { inherit address; login = "watchkeeper-target"; become_root = true; };
in
{
  name = "watchkeeper";

  nodes = {
    controller = {
      imports = [ module ];
      # A key for a test; a real one comes from where secrets come from.
      systemd.tmpfiles.rules = [ "C /run/watch-key 0400 root root - ${keys.snakeOilEd25519PrivateKey}" ];
      users.users.anna.isNormalUser = true;
      users.users.eve.isNormalUser = true;
      services.watchkeeper = {
        enable = true;
        aiName = "hal";
        operators = [ "anna" ];
        sshKeyFile = "/run/watch-key";
        hosts = { web1 = host "web1"; web2 = host "web2"; };
      };
    };
    web1 = target { start = [ "nginx.service" ]; };
    web2 = target { };
    box = {
      imports = [ nginx ];
      services.watchkeeper = { enable = true; target.steps.start = [ "nginx.service" ]; };
    };
  };

  # The driver runs each command in bash with `set -euo pipefail` and its own channel as input, so input is closed.
  testScript = ''
    import json


    def state(machine, name, number):
        shown = machine.succeed(f"{name}-approve show {number} --output json </dev/null")
        return json.dumps(json.loads(shown)["action"]["state"])


    def held(machine, name):
        listed = machine.succeed(f"{name}-approve list --output json </dev/null")
        return {action["host"]: action["number"] for action in json.loads(listed)}


    def fail(machine):
        machine.succeed("systemctl kill --signal=KILL nginx.service")
        machine.wait_until_succeeds("systemctl is-failed nginx.service")


    start_all()
    controller.wait_for_unit("watchkeeper.service")
    webs = {"web1": web1, "web2": web2}
    for name, web in webs.items():
        web.wait_for_unit("sshd.service")
        web.wait_for_unit("nginx.service")
        report = controller.execute(f"hal-check {name} --output json </dev/null")[1]
        assert "host_key_unknown" in report, report
        shown = web.succeed("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
        controller.succeed(f"hal-enrol {name} --fingerprint {shown} </dev/null")

    with subtest("looks as root are allowed, and nothing else is"):
        report = json.loads(controller.execute("hal-check --output json </dev/null")[1])
        assert len(report["hosts"]) == 2, report
        assert "host_key_unknown" not in json.dumps(report), report
        web1.fail("sudo -u watchkeeper-target sudo -n true </dev/null")
        web1.fail("sudo -u watchkeeper-target sudo -n sh -c id </dev/null")

    for web in webs.values():
        fail(web)
    controller.execute("hal-check </dev/null")
    waiting = held(controller, "hal")

    with subtest("who is no operator does not approve"):
        controller.fail(f"runuser -u eve -- hal-approve {waiting['web1']} </dev/null")
        web1.fail("systemctl is-active nginx.service")

    with subtest("what the host allows is repaired"):
        controller.succeed(f"runuser -u anna -- hal-approve {waiting['web1']} </dev/null")
        web1.wait_for_unit("nginx.service")

    with subtest("what the host does not allow is refused there, and told"):
        controller.execute(f"runuser -u anna -- hal-approve {waiting['web2']} </dev/null")
        told = state(controller, "hal", waiting["web2"])
        assert "does not allow this step" in told, told
        web2.fail("systemctl is-active nginx.service")

    with subtest("a machine that watches itself is repaired, with nothing said but that"):
        box.wait_for_unit("watchkeeper-enrol-this-machine.service")
        box.wait_for_unit("nginx.service")
        fail(box)
        box.execute("box-check </dev/null")
        number = held(box, "box")["box"]
        box.succeed(f"box-approve {number} </dev/null")
        box.wait_for_unit("nginx.service")

    with subtest("the log holds"):
        controller.succeed("hal-log verify </dev/null")
        box.succeed("box-log verify </dev/null")
  '';
}
