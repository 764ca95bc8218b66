# The options of the machine that watches. What they do is in the files beside this one; those of hosts that are
# watched stand in target.nix.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkOption types;
  file = types.nullOr (types.either types.str types.path);
  toml = (pkgs.formats.toml { }).type;
  secret = what: mkOption {
    type = file;
    default = null;
    example = "/run/secrets/watchkeeper";
    description = ''
      A file that holds ${what} and nothing else, written as a string so that it is not copied into the store.
      Only systemd reads it and hands it to the unit as a credential; it need not be readable by anybody but root.
      Another content counts after `systemctl restart` of that unit.
    '';
  };
  host = types.submodule {
    freeformType = toml;
    options = {
      address = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "10.0.0.5";
        description = "The name or address to connect to; the host's name if null.";
      };
      hostKey = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "ssh-ed25519 AAAAC3Nza...";
        description = ''
          The host's public key, pinned. Without it the first look is refused until somebody has compared the key
          with `<aiName>-enrol`.
        '';
      };
    };
  };
in
{
  options.services.watchkeeper = {
    enable = mkEnableOption "Watchkeeper, which watches over hosts and repairs what you approve";

    package = mkOption {
      type = types.package;
      default = pkgs.watchkeeper or (pkgs.callPackage ../package.nix { });
      defaultText = lib.literalMD "`pkgs.watchkeeper`, or built from this source";
      description = "The package that is run.";
    };

    aiName = mkOption {
      type = types.str;
      default = if config.networking.hostName == "" then "watch" else config.networking.hostName;
      defaultText = lib.literalExpression "config.networking.hostName";
      example = "hal";
      description = "What the watch is called: in messages, and in its commands, `hal-check`, `hal-approve` and so on.";
    };

    autonomyLevel = mkOption {
      type = types.enum [ "observe" "suggest" "auto-safe" "auto-full" ];
      default = "suggest";
      description = ''
        How much the watch may do by itself: `observe` records, `suggest` waits for a person, `auto-safe` runs what
        has a low risk, `auto-full` what has a medium one, too. What is forbidden never runs.
      '';
    };

    checkInterval = mkOption {
      type = types.either types.ints.positive types.str;
      default = 300;
      example = "10m";
      description = "How often every host is looked at: seconds, or a time with its unit.";
    };

    ollamaHost = mkOption {
      type = types.str;
      default = "http://127.0.0.1:11434";
      description = ''
        The Ollama server that is asked. Where it is on this machine, the module runs it (unless `model` and
        `embeddingModel` are both null).
      '';
    };

    model = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "qwen3:8b";
      description = "The model that is asked. Null: none is, and runbooks diagnose alone.";
    };

    embeddingModel = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "nomic-embed-text";
      description = "The model that makes vectors, so that what is known is found by meaning, too.";
    };

    acceleration = mkOption {
      type = types.nullOr (types.enum [ false "cuda" "rocm" "vulkan" ]);
      default = null;
      description = ''
        What the Ollama server of this machine computes with; null leaves it to nixpkgs, false is the processor.
        `cuda` needs `nixpkgs.config.allowUnfree`.
      '';
    };

    preloadModels = mkOption {
      type = types.either types.bool (types.listOf types.str);
      default = false;
      example = [ "qwen3:8b" "qwen3:1.7b" ];
      description = ''
        Models that are fetched once the Ollama server runs: true for those that `model` and `embeddingModel` name,
        or a list.
      '';
    };

    user = mkOption {
      type = types.str;
      default = "watchkeeper";
      description = "The account that the daemon runs as. It has no rights on this machine, and never approves anything.";
    };

    group = mkOption {
      type = types.str;
      default = "watchkeeper";
      description = "The group of the daemon. Its members are the operators: they approve, enrol and change issues by the socket.";
    };

    uid = mkOption {
      type = types.nullOr types.ints.positive;
      default = null;
      example = 2501;
      description = "The number of the account, for those who keep it the same on several machines.";
    };

    operators = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "anna" ];
      description = "Accounts that become members of `group`.";
    };

    hosts = mkOption {
      type = types.attrsOf host;
      default = { };
      example = { web1 = { address = "10.0.0.5"; login = "watchkeeper-target"; groups = [ "production" ]; }; };
      description = "The hosts that are watched, each with any key of `[hosts.NAME]`, and `hostKey`.";
    };

    remoteSystems = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "web1" "ops@10.0.0.7:2222" ];
      description = "Hosts in short, each as `[login@]host[:port]`. Their login is `watchkeeper-target` where none is said.";
    };

    thisMachine = mkOption {
      type = types.bool;
      default = config.services.watchkeeper.hosts == { } && config.services.watchkeeper.remoteSystems == [ ];
      defaultText = lib.literalMD "true where no other host is named";
      description = ''
        Whether this machine watches itself, by SSH to 127.0.0.1 as `target.user`: the daemon's own unit is too
        well locked away to see the machine as it is. It is a host of the machine's name, of which `hosts` may say more.
      '';
    };

    settings = mkOption {
      type = toml;
      default = { };
      example = { watch.parallel = 50; thresholds.disk.warning_percent = 85.0; };
      description = ''
        Anything that config.toml may say (docs/config.example.toml). It is checked when the system is built, by
        `watchkeeper config check`; what cannot be used breaks the build.
      '';
    };

    orders = mkOption {
      type = types.nullOr (types.either types.path types.lines);
      default = null;
      example = lib.literalExpression "./orders.toml";
      description = "The standing orders: a file, or its text. Checked when the system is built, examples and all.";
    };

    runbooks = mkOption {
      type = types.attrsOf (types.either types.path types.lines);
      default = { };
      example = lib.literalExpression "{ restart-api = ./restart-api.toml; }";
      description = "Your own runbooks by name, each a file or its text. One named as one that ships takes its place.";
    };

    gotifyUrl = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "https://gotify.example.org";
      description = "A Gotify server that is told what happens.";
    };
    gotifyTokenFile = secret "the token of the Gotify application";

    sshKeyFile = secret "the private key that the daemon logs in with; without it one is made at the first start";

    credentials = mkOption {
      type = types.attrsOf (types.either types.str types.path);
      default = { };
      example = { claude = "/run/secrets/claude"; };
      description = ''
        More secrets for the daemon, by name. `settings` then names the file
        `/run/credentials/watchkeeper.service/NAME`, for example as `api_key_file` of a lane.
      '';
    };

    database = {
      type = mkOption {
        type = types.enum [ "sqlite" "postgresql" "url" ];
        default = "sqlite";
        description = ''
          Where everything is kept: a file of this machine, a PostgreSQL server that this module sets up here
          (reached by its socket, without a password), or the server that `url` names.
        '';
      };
      url = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "postgres://watch@db.example.org/watch";
        description = "The address of the database, without a password.";
      };
      passwordFile = secret "the password of the database";
    };

    qdrant = {
      enable = mkOption {
        type = types.bool;
        default = false;
        description = "Whether this machine runs a Qdrant server for the vectors. It is used after `<aiName>-knowledge move --to qdrant`.";
      };
      url = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "http://vectors.example.org:6334";
        description = "A Qdrant server elsewhere.";
      };
      keyFile = secret "the key of that server";
    };

    configRepo = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "git@git.example.org:me/nixos.git";
      description = ''
        A git repository with your NixOS configuration. It is fetched regularly; its newest commit whose files can be
        read as Nix is kept, and what it says is found by `<aiName>-configs search`. Nothing in it is evaluated or run.
      '';
    };

    configBranch = mkOption {
      type = types.str;
      default = "main";
      description = "The branch that is followed.";
    };

    configRepoInterval = mkOption {
      type = types.str;
      default = "1h";
      description = "How often it is fetched, as systemd writes times.";
    };

    configRepoKeyFile = secret "the private SSH key that may read the repository";
    configRepoTokenFile = secret "the token for a repository by https";

    configRepoKnownHosts = mkOption {
      type = types.lines;
      default = "";
      example = "git.example.org ssh-ed25519 AAAAC3Nza...";
      description = "The keys of its SSH server, as in a known_hosts file. Others are refused.";
    };
  };
}
