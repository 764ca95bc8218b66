# Options into config.toml, the orders, the runbooks, the pinned host keys, and the commands of `aiName`. What is
# written is checked by the program itself when the system is built.
{ config, lib, pkgs, ... }:
let
  parts = import ./parts.nix { inherit config lib pkgs; };
  inherit (parts) cfg credential;
  inherit (lib) mkDefault mkIf mkMerge optionalAttrs;
  toml = pkgs.formats.toml { };

  # A file, or the text of one.
  asFile = name: value: if builtins.isString value && !(lib.hasPrefix "/" value) then pkgs.writeText name value else value;
  orders = asFile "orders.toml" cfg.orders;
  runbooks = pkgs.linkFarm "watchkeeper-runbooks"
    (lib.mapAttrsToList (name: value: { name = "${name}.toml"; path = asFile "${name}.toml" value; }) cfg.runbooks);

  section = host: lib.filterAttrs (name: value: name != "hostKey" && value != null) host;
  short = lib.filter (host: host != null) (map parts.remoteSystem cfg.remoteSystems);
  pinned = lib.filterAttrs (_: host: host.hostKey != null) cfg.hosts;
  placeOf = name: host:
    let address = if host.address == null then name else host.address;
    in if host ? port && host.port != 22 then "[${address}]:${toString host.port}" else address;

  # TOML has no null: a value that is null is not said.
  written = value:
    if builtins.isAttrs value then lib.mapAttrs (_: written) (lib.filterAttrs (_: one: one != null) value)
    else if builtins.isList value then map written value
    else value;
  # The same with files that will only be there later, so that the program can check the rest now.
  placeholder = pkgs.writeText "placeholder" "checked-without-the-secret\n";
  forBuild = value:
    if builtins.isAttrs value then
      lib.mapAttrs (name: one: if lib.hasSuffix "_file" name && builtins.isString one && !(lib.hasPrefix builtins.storeDir one) then "${placeholder}" else forBuild one) value
    else if builtins.isList value then map forBuild value
    else value;
  said = written cfg.settings;
  tried = forBuild said
    // { runbooks = { dir = "${runbooks}"; }; }
    // optionalAttrs (cfg.orders != null) { orders = { file = "${orders}"; }; };

  checked = pkgs.runCommand "watchkeeper-config.toml"
    { written = toml.generate "config.toml" said; tried = toml.generate "config.toml" tried; }
    ''
      export HOME=$TMPDIR
      ${lib.optionalString (cfg.orders != null) "${parts.builder} orders check ${orders}"}
      ${parts.builder} config check "$tried"
      cp "$written" "$out"
    '';

  # hal-check, hal-approve, …, each with its completions and its page.
  name = lib.escapeShellArg cfg.aiName;
  commands = pkgs.runCommand "${cfg.aiName}-commands" { } ''
    mkdir -p "$out/bin"
    ${parts.builder} links --name ${name} --dir "$out/bin"
    # bash and fish look for a file of the command's name; zsh for one that begins with what it is for.
    share=$out/share/watchkeeper
    bash=$out/share/bash-completion/completions fish=$out/share/fish/vendor_completions.d zsh=$out/share/zsh/site-functions
    mkdir -p "$share" "$bash" "$fish" "$zsh"
    ${parts.builder} completions bash --name ${name} >"$share/completions.bash"
    ${parts.builder} completions fish --name ${name} >"$share/completions.fish"
    ${parts.builder} completions zsh --name ${name} |
      awk -v dir="$zsh" '/^#compdef / { file = dir "/_" $2 } file { print >file }'
    for link in "$out"/bin/*; do
      ln -sfn ${parts.main} "$link"
      ln -s "$share/completions.bash" "$bash/''${link##*/}"
      ln -s "$share/completions.fish" "$fish/''${link##*/}.fish"
    done
    ${parts.builder} man "$out/share/man/man1" --name ${name} >"$share/pages"
  '';
in
{
  config = mkIf cfg.enable {
    services.watchkeeper.settings = mkMerge [
      {
        name = mkDefault cfg.aiName;
        policy.autonomy = mkDefault cfg.autonomyLevel;
        watch.interval = mkDefault parts.interval;
        server = { socket = mkDefault parts.socket; operators_group = mkDefault cfg.group; };
        ssh = {
          known_hosts = mkDefault "${parts.state}/known_hosts";
          identity_files = mkDefault [ (if cfg.sshKeyFile == null then parts.generatedKey else credential "watchkeeper" "ssh-key") ];
          agent = mkDefault false;
        };
        runbooks.dir = mkDefault "/etc/watchkeeper/runbooks";
        hosts = mkMerge [ (lib.mapAttrs (_: section) cfg.hosts) (builtins.listToAttrs short) ];
      }
      (mkIf (pinned != { }) { ssh.user_known_hosts = mkDefault true; })
      (mkIf (cfg.orders != null) { orders.file = mkDefault "/etc/watchkeeper/orders.toml"; })
      (mkIf parts.asksModels {
        lanes = [
          ({ name = "ollama"; provider = "ollama"; url = cfg.ollamaHost; }
            // optionalAttrs (cfg.model != null) { inherit (cfg) model; }
            // optionalAttrs (cfg.embeddingModel != null) { embedding_model = cfg.embeddingModel; })
        ];
      })
      (mkIf (cfg.gotifyUrl != null) {
        notify.channels = [
          { name = "gotify"; kind = "gotify"; url = cfg.gotifyUrl; token_file = credential "watchkeeper" "gotify"; }
        ];
      })
    ];

    environment.etc = mkMerge [
      { "watchkeeper/config.toml".source = checked; }
      (mkIf (cfg.orders != null) { "watchkeeper/orders.toml".source = orders; })
      (mkIf (cfg.runbooks != { }) { "watchkeeper/runbooks".source = runbooks; })
    ];
    environment.systemPackages = [ cfg.package commands ];
    environment.pathsToLink = [ "/share/bash-completion" "/share/fish" "/share/zsh" ];

    programs.ssh.knownHosts = lib.mapAttrs'
      (name: host: lib.nameValuePair "watchkeeper-${name}" { hostNames = [ (placeOf name host) ]; publicKey = host.hostKey; })
      pinned;
  };
}
