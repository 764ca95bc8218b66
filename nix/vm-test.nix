# Three machines: one that watches, one where the start of nginx is allowed, and one where nothing is. A service fails
# on both; the repair that is approved runs on the one and is refused by the other.
{ module }:
{ pkgs, ... }:
let
  keys = import "${pkgs.path}/nixos/tests/ssh-keys.nix" pkgs;
  target = steps: {
    imports = [ module ];
    services.openssh.enable = true;
    services.nginx.enable = true;
    # It is to stay down until somebody repairs it.
    systemd.services.nginx.serviceConfig.Restart = pkgs.lib.mkForce "no";
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
  };

  testScript = ''
    import json

    start_all()
    controller.wait_for_unit("watchkeeper.service")
    webs = {"web1": web1, "web2": web2}
    for name, web in webs.items():
        web.wait_for_unit("sshd.service")
        web.wait_for_unit("nginx.service")
        shown = web.succeed("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
        # Nobody has compared the key yet, so nothing is looked at.
        assert "unknown" in controller.execute(f"hal-check {name} 2>&1")[1]
        controller.succeed(f"hal-enrol {name} --fingerprint {shown}")

    with subtest("looks as root are allowed, and nothing else is"):
        checked = json.loads(controller.execute("hal-check --output json")[1])
        assert len(checked["hosts"]) == 2
        web1.fail("sudo -u watchkeeper-target sudo -n true")
        web1.fail("sudo -u watchkeeper-target sudo -n sh -c id")

    for web in webs.values():
        web.succeed("systemctl kill --signal=KILL nginx.service")
    controller.execute("hal-check")
    held = json.loads(controller.succeed("hal-approve list --output json"))
    of = {action["host"]: action["number"] for action in held}

    with subtest("who is no operator does not approve"):
        controller.succeed("useradd eve || true")
        controller.fail(f"runuser -u eve -- hal-approve {of['web1']}")

    with subtest("what the host allows is repaired"):
        controller.succeed(f"runuser -u anna -- hal-approve {of['web1']}")
        web1.wait_for_unit("nginx.service")

    with subtest("what the host does not allow is refused there, and told"):
        controller.execute(f"runuser -u anna -- hal-approve {of['web2']}")
        told = controller.succeed(f"hal-approve show {of['web2']}")
        assert "does not allow this step" in told, told
        web2.fail("systemctl is-active nginx.service")

    with subtest("the log holds"):
        controller.succeed("hal-log verify")
  '';
}
