# What cannot be meant, told in plain words when the system is evaluated.
{ config, lib, pkgs, ... }:
let
  parts = import ./parts.nix { inherit config lib pkgs; };
  inherit (parts) cfg;
  inherit (lib) mkIf optional;
  option = name: "services.watchkeeper.${name}";
  check = holds: message: { assertion = holds; inherit message; };

  # Files with secrets: where they may not lie, and how they may not be written.
  fileNames = lib.filterAttrs (_: file: file != null) {
    gotifyTokenFile = cfg.gotifyTokenFile;
    sshKeyFile = cfg.sshKeyFile;
    "database.passwordFile" = cfg.database.passwordFile;
    "qdrant.keyFile" = cfg.qdrant.keyFile;
    configRepoKeyFile = cfg.configRepoKeyFile;
    configRepoTokenFile = cfg.configRepoTokenFile;
  } // lib.mapAttrs' (name: file: lib.nameValuePair "credentials.${name}" file) cfg.credentials;
  inStore = file: builtins.isPath file || lib.isDerivation file || lib.hasPrefix "${builtins.storeDir}/" (toString file);
  ofFile = name: file: [
    (check (!inStore file) ''
      ${option name} names a file of the Nix store, which everybody on this machine can read. Write it as a string that
      names a file outside of it, "/run/secrets/…".'')
    (check (builtins.isPath file || lib.hasPrefix "/" file) ''
      ${option name} is not an absolute path, so it looks like the secret itself, and that would stand in the store.
      Put the secret into a file and name the file.'')
    (check (builtins.isPath file || builtins.match "[^:[:space:]]*" file != null) "${option name} may hold neither a colon nor a blank: systemd could not read it.")
  ];

  # Secrets in plain settings: by their key, or by how they look.
  secretKey = key: builtins.match "(.*_)?(token|password|passwd|passphrase|secret|api_key|key)" key != null;
  secretLooking = text:
    builtins.match ".*://[^/@:]*:[^/@]+@.*" text != null
    || builtins.match ".*[?&]password=.*" text != null
    || builtins.match ".*-----BEGIN [A-Z ]*PRIVATE KEY-----.*" (lib.replaceStrings [ "\n" ] [ " " ] text) != null
    || builtins.match "(sk-|ghp_|gho_|glpat-|xox[abp]-|AKIA|AGE-SECRET-KEY-).{12,}" text != null;
  isSecret = key: value: builtins.isString value && (secretKey key || secretLooking value);
  # The places below this one of which `is KEY VALUE` holds; what stands in a list has the list's key.
  places = is: place: key: value:
    if builtins.isAttrs value && !(lib.isDerivation value) then
      lib.concatLists (lib.mapAttrsToList (key: places is "${place}.${key}" key) value)
    else if builtins.isList value then lib.concatLists (lib.imap0 (at: places is "${place}[${toString at}]" key) value)
    else optional (is key value) place;
  # An address that `database.url` says is looked at as that.
  store = removeAttrs (cfg.settings.store or { }) (optional (cfg.settings.store.url or null == cfg.database.url) "url");
  settings = cfg.settings // { inherit store; };
  stored = places (key: value: lib.hasSuffix "_file" key && inStore value) "settings" "" settings;
  leaking = lib.unique (places isSecret "settings" "" settings
    ++ optional (cfg.configRepo != null && secretLooking cfg.configRepo) "configRepo"
    ++ optional (cfg.gotifyUrl != null && secretLooking cfg.gotifyUrl) "gotifyUrl"
    ++ optional (secretLooking cfg.ollamaHost) "ollamaHost"
    ++ optional (cfg.database.url != null && secretLooking cfg.database.url) "database.url");

  # How a secret of such a place is handed over.
  instead = place:
    let own = { configRepo = "configRepoTokenFile"; "database.url" = "database.passwordFile"; gotifyUrl = "gotifyTokenFile"; }.${place} or null; in
    if own != null then "and name that file by ${option own}"
    else "hand that over by ${option "credentials"}, and name it: …_file = \"/run/credentials/watchkeeper.service/NAME\"";

  agrees = name: said: key: meant: check (said == meant)
    "${option name} says ${builtins.toJSON meant}, and ${option "settings.${key}"} says ${builtins.toJSON said}. Say it once.";
  names = map (host: host.name) (lib.filter (host: host != null) (map parts.remoteSystem cfg.remoteSystems));
  twice = lib.filter (name: cfg.hosts ? ${name}) names;
  unreadable = lib.filter (text: parts.remoteSystem text == null) cfg.remoteSystems;
  target = cfg.target;
  sshd = config.services.openssh;
  listening = sshd.listenAddresses == [ ] || lib.any (one: lib.elem one.addr parts.loopback) sshd.listenAddresses;
  # Whether a list of sshd lets one of these names in; one with a pattern is taken at its word.
  admits = list: names:
    let said = sshd.settings.${list} or null;
    in said == null || lib.any (one: lib.elem (lib.head (lib.splitString "@" one)) names || builtins.match ".*[*?!].*" one != null) said;
  noSteps = (import ../target/texts.nix lib).scripts target.steps == [ ];
  units = import ../target/units.nix lib;
  inherit (target) steps;
  critical = lib.unique (lib.filter units.critical (steps.stop ++ steps.start));
  power = lib.unique (lib.filter units.power (steps.start ++ steps.stop ++ steps.restart));
in
{
  config.assertions =
    lib.optionals cfg.enable (
      lib.concatLists (lib.mapAttrsToList ofFile fileNames)
      ++ map (place: check false ''
        ${option place} looks like a secret, and everything that is written here stands in the store, which everybody on
        this machine can read. Put it into a file, ${instead place}.'') leaking
      ++ map (place: check false ''
        ${option place} names a file of the Nix store, which everybody on this machine can read. Hand it over by
        services.watchkeeper.credentials, as a string that names a file outside of it.'') stored
      ++ map
        (name: check (builtins.match "[A-Za-z0-9_.-]+" name != null && !(parts.ownSecrets ? ${name})) ''
          ${option "credentials"} has one called ${builtins.toJSON name}. Its name is that of a file, and
          ${lib.concatStringsSep ", " (lib.attrNames parts.ownSecrets)} are those of other options.'')
        (lib.attrNames cfg.credentials)
      ++ [
        (check (builtins.match "[a-z0-9]([a-z0-9-]*[a-z0-9])?" (lib.toLower cfg.aiName) != null) "${option "aiName"} is ${builtins.toJSON cfg.aiName}; commands are named after it, so use letters, digits and dashes.")
        (check (cfg.user != "root") "${option "user"} is root. The daemon has an account of its own, and needs no rights on this machine.")
        (check (cfg.user != target.user) "${option "user"} and ${option "target.user"} are one account. The daemon could then become root; give them two names.")
        (check (!(lib.elem cfg.user cfg.operators)) "${option "operators"} names the daemon's own account, which must never approve anything.")
        (check ((cfg.gotifyUrl == null) == (cfg.gotifyTokenFile == null)) "${option "gotifyUrl"} and ${option "gotifyTokenFile"} belong together, and one of them is missing.")
        (check ((cfg.database.type == "url") == (cfg.database.url != null)) "${option "database.url"} is for database.type = \"url\", and that needs it.")
        (check (cfg.database.passwordFile == null || cfg.database.type == "url") "${option "database.passwordFile"} is for database.type = \"url\"; the others need no password.")
        (check (!(cfg.qdrant.enable && cfg.qdrant.url != null)) "${option "qdrant.enable"} runs a server here, and ${option "qdrant.url"} names another. Choose one.")
        (check (cfg.qdrant.keyFile == null || cfg.qdrant.url != null) "${option "qdrant.keyFile"} is for the server of ${option "qdrant.url"}, and there is none.")
        (check (cfg.acceleration == null || parts.runsOllama) "${option "acceleration"} is for the Ollama server of this machine, and there is none: no model is named, or ollamaHost is elsewhere.")
        (check (cfg.preloadModels == false || cfg.preloadModels == [ ] || parts.asksModels) "${option "preloadModels"} wants models, and neither ${option "model"} nor ${option "embeddingModel"} names one that is asked.")
        (check (builtins.match "https?://.+" cfg.ollamaHost != null) "${option "ollamaHost"} is ${builtins.toJSON cfg.ollamaHost}; write it as http://host:11434.")
        (check (unreadable == [ ]) "${option "remoteSystems"} holds ${builtins.toJSON unreadable}; write each as [login@]host[:port].")
        (check (twice == [ ]) "${lib.concatStringsSep ", " twice} stands in ${option "hosts"} and in ${option "remoteSystems"}. Say it once.")
        (check (names == lib.unique names) "${option "remoteSystems"} names a host twice.")
        (check (!(cfg.thisMachine && !sshd.enable)) "${option "thisMachine"} is watched by SSH to 127.0.0.1: set services.openssh.enable = true (and services.openssh.openFirewall = false if nobody else is to reach it), or name other hosts.")
        (check (!cfg.thisMachine || listening) "${option "thisMachine"} is watched by SSH to 127.0.0.1, and sshd does not listen there: add { addr = \"127.0.0.1\"; } to services.openssh.listenAddresses.")
        (check (!(cfg.thisMachine && !target.enable)) "${option "thisMachine"} needs ${option "target.enable"}, by which the watch looks at it.")
        (check (cfg.configRepo != null || (cfg.configRepoKeyFile == null && cfg.configRepoTokenFile == null && cfg.configRepoKnownHosts == "")) "${option "configRepoKeyFile"}, configRepoTokenFile and configRepoKnownHosts are for ${option "configRepo"}, which is not set.")
        (check (builtins.match "[A-Za-z0-9][A-Za-z0-9._/-]*" cfg.configBranch != null) "${option "configBranch"} is ${builtins.toJSON cfg.configBranch}, which is no name of a branch.")
        (check (builtins.match "([0-9]+ *(ms|s|sec|min|m|h|hr|d|w) *)+" cfg.configRepoInterval != null) "${option "configRepoInterval"} is ${builtins.toJSON cfg.configRepoInterval}; write it as \"30min\" or \"1h\".")
        (check (cfg.configRepo == null || builtins.match "[-].*|ext::.*|.*[[:space:]].*" cfg.configRepo == null) "${option "configRepo"} is ${builtins.toJSON cfg.configRepo}, which is no address of a repository.")
        (agrees "aiName" cfg.settings.name "name" cfg.aiName)
        (agrees "autonomyLevel" cfg.settings.policy.autonomy "policy.autonomy" cfg.autonomyLevel)
        (agrees "checkInterval" cfg.settings.watch.interval "watch.interval" parts.interval)
        (agrees "group" cfg.settings.server.operators_group "server.operators_group" cfg.group)
      ]
    )
    ++ lib.optionals target.enable [
      (check (target.controllerKeys != [ ] || (cfg.enable && cfg.thisMachine)) "${option "target.controllerKeys"} is empty, so that nobody could log in as ${target.user}. It takes what `cat /var/lib/watchkeeper/ssh/id_ed25519.pub` prints on the machine that watches.")
      (check (lib.all (key: builtins.match "(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\n]*)?" key != null) target.controllerKeys) "${option "target.controllerKeys"} takes public keys alone, as \"ssh-ed25519 AAAA… name\": the options before it are ours.")
      (check (lib.all (from: builtins.match "[A-Za-z0-9.:*?!/-]+" from != null) target.from) "${option "target.from"} takes addresses and patterns as from= of sshd does, without quotes and blanks.")
      (check (target.root == "steps" || noSteps) "${option "target.steps"} is for target.root = \"steps\", and target.root is ${builtins.toJSON target.root}.")
      (check (critical == [ ]) "${option "target.steps"} would allow to stop ${lib.concatStringsSep ", " critical}, which the watch never stops.")
      (check (power == [ ]) "${option "target.steps"} would allow to start ${lib.concatStringsSep ", " power}, which takes the host down or throws everybody out.")
      (check (target.user != "root") "${option "target.user"} is root. The watch logs in as an account of its own, and becomes root for what is allowed here alone.")
      (check (sshd.enable || (cfg.enable && cfg.thisMachine)) "${option "target.enable"} is of no use without services.openssh.enable = true.")
      (check (admits "AllowUsers" [ target.user ]) "services.openssh.settings.AllowUsers does not name ${target.user}, so that sshd would let nobody in as it. Add it there.")
      (check (admits "AllowGroups" [ target.user "systemd-journal" ]) "services.openssh.settings.AllowGroups does not name the group ${target.user}, so that sshd would let nobody in as that account. Add it there.")
      (check (target.root == "no" || config.security.sudo.enable) "${option "target.root"} is ${builtins.toJSON target.root}, which needs security.sudo.enable = true; nothing else was tried in its place. With target.root = \"no\" the watch looks as its account alone.")
      (check (target.root == "no" || !(config.security.sudo.execWheelOnly or false)) "security.sudo.execWheelOnly lets nobody but the group wheel run sudo, and ${option "target.root"} is ${builtins.toJSON target.root}. Set it to false; or target.root to \"no\", and the watch looks as its account alone.")
    ];
}
