# What the module takes from the machine around it, where that is not as usual: each with what is seen, and what should be.
let
  lib = import ./lib;
  pkgs = import ./pkgs.nix lib;
  system = import ./system.nix { };
  watch = more: { services.openssh.enable = true; services.watchkeeper = { enable = true; aiName = "hal"; } // more; };
  of = modules: (system { imports = modules; }).result;
  is = name: is: expected: { inherit name is expected; };
  sshd = more: of [ (watch { }) { services.openssh = more; } ];
  port = result: result.settings.hosts.nixos.port;
  model = watch { hosts.web1 = { }; model = "m"; acceleration = "rocm"; };
  ollama = modules: let inherit (of ([ model ] ++ modules)) ollama; in [ ollama.package (ollama.acceleration or null) ];
  before = { lib, ... }: { options.services.ollama.acceleration = lib.mkOption { type = lib.types.nullOr lib.types.str; default = null; }; };
  after = lib.mkRemovedOptionModule [ "services" "ollama" "acceleration" ] "Set the package.";
  # A machine of another kind than the one that builds.
  other = pkgs // {
    stdenv = { hostPlatform.system = "aarch64-linux"; buildPlatform.canExecute = _: false; };
    buildPackages.callPackage = _: _: { outPath = "/nix/store/of-the-builder"; meta.mainProgram = "watchkeeper"; };
  };
  crossed = (import ./system.nix { pkgs = other; } (watch { })).result;
  commands = (lib.head (lib.filter (package: package.name == "hal-commands") crossed.packages)).text;
  ours = "${pkgs.watchkeeper}/bin/watchkeeper";
in
[
  (is "the host keys of sshd are looked for where it has them, and the kind that is asked for first comes first"
    (builtins.match ".*for key in ([^;]*); do.*" (sshd {
      hostKeys = [ { type = "rsa"; path = "/persist/rsa"; } { type = "ed25519"; path = "/persist/ed25519"; } ];
    }).scripts.watchkeeper-enrol-this-machine)
    [ "/persist/ed25519.pub /persist/rsa.pub" ])
  (is "the port of sshd" (port (sshd { ports = [ 2222 22 ]; })) 2222)
  (is "the port at which sshd listens for this machine" (port (sshd { listenAddresses = [ { addr = "10.0.0.5"; port = 22; } { addr = "127.0.0.1"; port = 2200; } ]; })) 2200)
  (is "a list of accounts that may log in, with the place they come from" (sshd { settings.AllowUsers = [ "anna" "watchkeeper-target@127.0.0.1" ]; }).failed [ ])
  (is "a list with a pattern is taken at its word" (sshd { settings.AllowUsers = [ "watchkeeper-*" ]; }).failed [ ])
  (is "a list of groups that may log in" (sshd { settings.AllowGroups = [ "wheel" "watchkeeper-target" ]; }).failed [ ])
  (is "no sudo where none is needed" (of [ (watch { target.root = "no"; }) { security.sudo.enable = false; } ]).failed [ ])
  (is "the Ollama of nixpkgs as it is" (ollama [ ]) [ "ollama-rocm" null ])
  (is "the Ollama of nixpkgs before 26.05, whose option counts more than the package" (ollama [ before ]) [ "ollama" "rocm" ])
  (is "the Ollama of nixpkgs after that" (lib.head (ollama [ after { services.ollama.port = 11434; } ])) "ollama-rocm")
  (is "the socket of a PostgreSQL server with another port" (of [ (watch { database.type = "postgresql"; }) { services.postgresql.settings.port = 5433; } ]).settings.store.url
    "postgres:///watchkeeper?host=/run/postgresql&user=watchkeeper&port=5433")
  (is "the port of the Qdrant server" (of [ (watch { qdrant.enable = true; }) { services.qdrant.settings.service.grpc_port = 7000; } ]).settings.knowledge.qdrant "http://127.0.0.1:7000")
  (is "more of this machine than the module says, and other hosts beside it"
    (of [ (watch { thisMachine = true; hosts.nixos.groups = [ "home" ]; hosts.web1.port = 2222; }) ]).settings.hosts
    { nixos = { address = "127.0.0.1"; become_root = true; groups = [ "home" ]; login = "watchkeeper-target"; port = 22; }; web1.port = 2222; })
  (is "a machine without a name" (lib.attrNames (of [ (watch { }) { networking.hostName = ""; } ]).settings.hosts) [ "this-machine" ])
  (is "what is built elsewhere is checked by a program that runs there" (builtins.match ".*\n/nix/store/of-the-builder/bin/watchkeeper config check.*" crossed.check != null) true)
  (is "and its commands are made there, and lead to the program that runs here"
    [ (builtins.match ".*/of-the-builder/bin/watchkeeper links .*" commands != null) (builtins.match ".*ln -sfn ${ours} .*" commands != null) ] [ true true ])
]
