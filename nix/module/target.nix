# Hosts that are watched: an account that may look, a key that may log in to it from where it says, and the one door to
# root. The watch runs everything that needs root through `sudo -n sh -c …`, with what is to be done on standard input,
# so a rule of sudoers for single commands could hold nothing. What holds is a program in the place of `sh`
# (target/root-helper.sh) that knows the texts of the protocol and the steps that are allowed here.
{ config, lib, pkgs, ... }:
let
  cfg = config.services.watchkeeper.target;
  inherit (lib) mkEnableOption mkIf mkOption types;
  unit = types.strMatching "[A-Za-z0-9:_.@\\-]+\\.(service|socket|timer|mount|path|target|slice)";
  units = what: mkOption {
    type = types.listOf unit;
    default = [ ];
    example = [ "nginx.service" ];
    description = "Units that the watch may ${what}.";
  };
  protocol = import ../target/texts.nix lib;
  texts = pkgs.linkFarm "watchkeeper-texts"
    (lib.mapAttrsToList (name: text: { inherit name; path = pkgs.writeText name text; }) protocol.texts);
  # One digest a line.
  steps = pkgs.writeText "watchkeeper-steps"
    (lib.concatMapStrings (script: builtins.hashString "sha256" script + "\n") (lib.unique (protocol.scripts cfg.steps)));
  helper = pkgs.writeTextFile {
    name = "watchkeeper-root";
    executable = true;
    destination = "/bin/sh";
    text = ''
      #!${pkgs.runtimeShell}
      texts=${texts}
      steps=${steps}
      look=${if cfg.lookAsRoot then "yes" else "no"}
      system_path=/run/wrappers/bin:/run/current-system/sw/bin
      PATH=${lib.makeBinPath [ pkgs.coreutils pkgs.gnugrep ]}
    '' + lib.readFile ../target/root-helper.sh;
  };
  options = "restrict" + lib.optionalString (cfg.from != [ ]) ",from=\"${lib.concatStringsSep "," cfg.from}\"";
in
{
  options.services.watchkeeper.target = {
    enable = mkEnableOption "the account by which a watch elsewhere looks at this host and repairs it";

    user = mkOption {
      type = types.str;
      default = "watchkeeper-target";
      description = "The account that the watch logs in as.";
    };

    controllerKeys = mkOption {
      type = types.listOf types.singleLineStr;
      default = [ ];
      example = [ "ssh-ed25519 AAAAC3Nza... watchkeeper@hal" ];
      description = "The public keys of the watch, without options: each is pinned with `restrict` and `from`.";
    };

    from = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "10.0.0.2" ];
      description = "Addresses from which those keys are taken, as in `from=` of sshd. None: from anywhere.";
    };

    root = mkOption {
      type = types.enum [ "no" "steps" "all" ];
      default = "steps";
      description = ''
        What the watch may do as root here. `no`: nothing, it only looks as its account. `steps`: exactly the steps
        below, and the look if `lookAsRoot` is set. `all`: anything that was approved; the account is then root.
      '';
    };

    lookAsRoot = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the look may run as root. It sees more then; its text is fixed, and it changes nothing.";
    };

    steps = {
      start = units "start, and stop again to undo it";
      stop = units "stop, and start again to undo it";
      restart = units "restart";
      reload = units "reload";
      resetFailed = units "reset the failed state of";
      vacuumJournalTo = mkOption {
        type = types.listOf (types.ints.between 16 1048576);
        default = [ ];
        example = [ 500 ];
        description = "Sizes in MiB to which the journal may be vacuumed; what ships proposes 500.";
      };
      collectGarbage = mkOption {
        type = types.bool;
        default = false;
        description = "Whether `nix-collect-garbage` may be run, which removes no generation.";
      };
    };
  };

  # What the door to root is made of; for tests, and for hosts that are not NixOS.
  options.services.watchkeeper.target.door = mkOption {
    type = types.raw;
    internal = true;
    readOnly = true;
    default = { inherit helper texts steps options; };
  };

  config = mkIf cfg.enable {
    users.users.${cfg.user} = {
      isSystemUser = true;
      group = cfg.user;
      home = "/var/lib/${cfg.user}";
      createHome = true;
      # sshd runs every command by it.
      shell = "${pkgs.bash}/bin/bash";
      # Looking needs the journal of all units, and nothing else that anybody may not read.
      extraGroups = [ "systemd-journal" ];
      description = "Watchkeeper, by which the watch logs in";
      openssh.authorizedKeys.keys = map (key: "${options} ${key}") cfg.controllerKeys;
    };
    users.groups.${cfg.user} = { };

    # Whether there is a sudo at all is the machine's; assertions.nix says so where there is none.
    security.sudo = mkIf (cfg.root != "no") {
      extraConfig = mkIf (cfg.root == "steps") ''
        Defaults:${cfg.user} secure_path="${helper}/bin"
      '';
      extraRules = [
        {
          users = [ cfg.user ];
          runAs = "root";
          commands = [
            {
              command = if cfg.root == "all" then "ALL" else "${helper}/bin/sh";
              options = [ "NOPASSWD" ];
            }
          ];
        }
      ];
    };
  };
}
