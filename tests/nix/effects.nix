# Each option of the module with what it changes: the configuration that sets it (over `base`), where its effect is
# seen, and what is seen there. tests/tests/nix.rs holds that it is so, that it was not so before, and that no option is
# missing.
let
  system = import ./system.nix { };
  watch = more: { services.openssh.enable = true; services.watchkeeper = { enable = true; aiName = "hal"; } // more; };
  with' = more: watch ({ hosts.web1 = { }; } // more);
  target = more: {
    services.openssh.enable = true;
    services.watchkeeper.target = { enable = true; controllerKeys = [ "ssh-ed25519 AAAA hal" ]; } // more;
  };
  repo = more: with' ({ configRepo = "https://git.example.org/me/nixos.git"; } // more);
  at = name: default: set: set.${name} or default;
  # The digest that lets exactly this script run.
  allows = script: result: builtins.match ".*${builtins.hashString "sha256" script}\n.*" result.door.steps != null;

  effect = option: base: set: where: sees: is: {
    inherit option where is;
    before = sees (system base).result;
    after = sees (system set).result;
    failed = (system set).result.failed;
  };
  setting = option: key: more: sees: is: effect option (with' { }) (with' more) "config.toml: `${key}`" (result: sees result.settings) is;
  stepped = option: more: script: effect "target.steps.${option}" (target { }) (target { steps.${option} = more; })
    "the digest of `${script}` among the steps allowed" (allows "${script}\n") true;
in
[
  (effect "enable" { } (with' { }) "unit `watchkeeper`" (result: result.units ? watchkeeper) true)
  (effect "package" (with' { }) (with' { package = { type = "derivation"; name = "mine"; outPath = "/nix/store/mine"; meta.mainProgram = "watchkeeper"; }; })
    "unit `watchkeeper`: `ExecStart`" (result: result.serviceConfig.watchkeeper.ExecStart) "/nix/store/mine/bin/watchkeeper daemon")
  (effect "aiName" (with' { }) (with' { aiName = "eve"; }) "the package with its commands, and `name`"
    (result: map (package: package.name) result.packages ++ [ result.settings.name ]) [ "watchkeeper" "eve-commands" "eve" ])
  (setting "autonomyLevel" "policy.autonomy" { autonomyLevel = "auto-safe"; } (said: said.policy.autonomy) "auto-safe")
  (setting "checkInterval" "watch.interval" { checkInterval = 60; } (said: said.watch.interval) "60s")
  (effect "ollamaHost" (with' { model = "m"; }) (with' { model = "m"; ollamaHost = "http://gpu1:11434"; })
    "config.toml: `lanes[0].url`; no Ollama server here"
    (result: [ (builtins.head result.settings.lanes).url result.ollama.enable ]) [ "http://gpu1:11434" false ])
  (effect "model" (with' { }) (with' { model = "qwen3:8b"; }) "config.toml: `lanes[0].model`; an Ollama server here"
    (result: [ (map (lane: lane.model) (at "lanes" [ ] result.settings)) result.ollama.enable ]) [ [ "qwen3:8b" ] true ])
  (setting "embeddingModel" "lanes[0].embedding_model" { embeddingModel = "e"; } (said: map (lane: lane.embedding_model) (at "lanes" [ ] said)) [ "e" ])
  (effect "acceleration" (with' { model = "m"; }) (with' { model = "m"; acceleration = "rocm"; }) "`services.ollama.package`"
    (result: result.ollama.package) "ollama-rocm")
  (effect "preloadModels" (with' { model = "m"; embeddingModel = "e"; }) (with' { model = "m"; embeddingModel = "e"; preloadModels = true; })
    "unit `watchkeeper-models`: what is pulled"
    (result: builtins.match ".*for model in ([^;]*);.*" (at "watchkeeper-models" "" result.scripts)) [ "m e" ])
  (effect "user" (with' { }) (with' { user = "hal"; }) "unit `watchkeeper`: `User`, and the account"
    (result: [ result.serviceConfig.watchkeeper.User (result.users ? hal) ]) [ "hal" true ])
  (effect "group" (with' { }) (with' { group = "crew"; }) "unit `watchkeeper`: `Group`; `server.operators_group`"
    (result: [ result.serviceConfig.watchkeeper.Group result.settings.server.operators_group (result.groups ? crew) ]) [ "crew" "crew" true ])
  (effect "uid" (with' { }) (with' { uid = 2501; }) "the account" (result: result.users.watchkeeper.uid) 2501)
  (effect "operators" (with' { }) (with' { operators = [ "anna" ]; }) "the members of the group" (result: result.groups.watchkeeper.members) [ "anna" ])
  (effect "hosts" (watch { }) (with' { hosts.web1.groups = [ "production" ]; }) "config.toml: `hosts`"
    (result: result.settings.hosts) { web1 = { groups = [ "production" ]; }; })
  (setting "hosts.<name>.address" "hosts.web1.address" { hosts.web1.address = "10.0.0.5"; } (said: at "address" null said.hosts.web1) "10.0.0.5")
  (effect "hosts.<name>.hostKey" (with' { }) (with' { hosts.web1 = { address = "10.0.0.5"; port = 2222; hostKey = "ssh-ed25519 AAAA"; }; })
    "`programs.ssh.knownHosts`; config.toml: `ssh.user_known_hosts`"
    (result: [ (result.knownHosts.watchkeeper-web1 or null) (at "user_known_hosts" false result.settings.ssh) ])
    [ { hostNames = [ "[10.0.0.5]:2222" ]; publicKey = "ssh-ed25519 AAAA"; } true ])
  (setting "remoteSystems" "hosts" { remoteSystems = [ "ops@db.example.org:2222" ]; }
    (said: at "db-example-org" null said.hosts) { address = "db.example.org"; login = "ops"; port = 2222; })
  (effect "thisMachine" (with' { }) (with' { thisMachine = true; }) "config.toml: `hosts`; unit `watchkeeper-this-machine`"
    (result: [ (result.settings.hosts.nixos or null) (result.units ? watchkeeper-this-machine) (builtins.elem "/var/lib/watchkeeper-authorized/%u" result.sshd.authorizedKeysFiles) ])
    [ { address = "127.0.0.1"; become_root = true; login = "watchkeeper-target"; port = 22; } true true ])
  (setting "settings" "any key" { settings.watch.parallel = 50; } (said: at "parallel" null said.watch) 50)
  (effect "orders" (with' { }) (with' { orders = "schema = 1\n"; }) "`/etc/watchkeeper/orders.toml`, checked at build"
    (result: [ (result.etc."watchkeeper/orders.toml".text or null) (builtins.match ".*orders check.*" result.check != null) (result.settings ? orders) ])
    [ "schema = 1\n" true true ])
  (effect "runbooks" (with' { }) (with' { runbooks.mine = "name = \"mine\"\n"; }) "`/etc/watchkeeper/runbooks/mine.toml`"
    (result: map (line: builtins.head (builtins.match "([^ ]*) .*" line)) (result.etc."watchkeeper/runbooks".made or [ ])) [ "mine.toml" ])
  (effect "gotifyUrl" (with' { }) (with' { gotifyUrl = "https://push"; gotifyTokenFile = "/run/s"; }) "config.toml: `notify.channels`"
    (result: map (channel: channel.url) (result.settings.notify.channels or [ ])) [ "https://push" ])
  (effect "gotifyTokenFile" (with' { }) (with' { gotifyUrl = "https://push"; gotifyTokenFile = "/run/s"; })
    "unit `watchkeeper`: `LoadCredential`; `token_file`"
    (result: [ (at "LoadCredential" [ ] result.serviceConfig.watchkeeper) (map (channel: channel.token_file) (result.settings.notify.channels or [ ])) ])
    [ [ "gotify:/run/s" ] [ "/run/credentials/watchkeeper.service/gotify" ] ])
  (effect "sshKeyFile" (with' { }) (with' { sshKeyFile = "/run/key"; }) "unit `watchkeeper`: `LoadCredential`; `ssh.identity_files`; no unit `watchkeeper-key`"
    (result: [ (at "LoadCredential" [ ] result.serviceConfig.watchkeeper) result.settings.ssh.identity_files (result.scripts ? watchkeeper-key && result.scripts.watchkeeper-key != "") ])
    [ [ "ssh-key:/run/key" ] [ "/run/credentials/watchkeeper.service/ssh-key" ] false ])
  (effect "credentials" (with' { }) (with' { credentials.claude = "/run/claude"; }) "unit `watchkeeper`: `LoadCredential`; unit `watchkeeper-secrets`"
    (result: [ (at "LoadCredential" [ ] result.serviceConfig.watchkeeper) (builtins.match ".*look /run/claude services.watchkeeper.credentials.claude\n.*" (at "watchkeeper-secrets" "" result.scripts) != null) ])
    [ [ "claude:/run/claude" ] true ])
  (effect "database.type" (with' { }) (with' { database.type = "postgresql"; }) "config.toml: `store.url`; `services.postgresql`"
    (result: [ result.settings.store.url result.postgresql.enable result.postgresql.ensureDatabases ])
    [ "postgres:///watchkeeper?host=/run/postgresql&user=watchkeeper" true [ "watchkeeper" ] ])
  (setting "database.url" "store.url" { database = { type = "url"; url = "postgres://w@db/w"; }; } (said: said.store.url) "postgres://w@db/w")
  (effect "database.passwordFile" (with' { }) (with' { database = { type = "url"; url = "postgres://w@db/w"; passwordFile = "/run/pw"; }; })
    "unit `watchkeeper`: `LoadCredential`; `store.password_file`"
    (result: [ (at "LoadCredential" [ ] result.serviceConfig.watchkeeper) (at "password_file" null result.settings.store) ])
    [ [ "store:/run/pw" ] "/run/credentials/watchkeeper.service/store" ])
  (effect "qdrant.enable" (with' { }) (with' { qdrant.enable = true; }) "`services.qdrant`; config.toml: `knowledge.qdrant`"
    (result: [ result.qdrant.enable (result.settings.knowledge.qdrant or null) ]) [ true "http://127.0.0.1:6334" ])
  (setting "qdrant.url" "knowledge.qdrant" { qdrant.url = "http://v:6334"; } (said: said.knowledge.qdrant or null) "http://v:6334")
  (effect "qdrant.keyFile" (with' { }) (with' { qdrant = { url = "http://v:6334"; keyFile = "/run/q"; }; })
    "unit `watchkeeper`: `LoadCredential`; `knowledge.qdrant_key_file`"
    (result: [ (at "LoadCredential" [ ] result.serviceConfig.watchkeeper) (result.settings.knowledge.qdrant_key_file or null) ])
    [ [ "qdrant:/run/q" ] "/run/credentials/watchkeeper.service/qdrant" ])
  (effect "configRepo" (with' { }) (repo { }) "units and timer `watchkeeper-repository`"
    (result: [ (builtins.match ".*REPOSITORY_URL=([^\"]*)\".*" (at "watchkeeper-repository" "" result.units)) (result.timers ? watchkeeper-repository) ])
    [ [ "https://git.example.org/me/nixos.git" ] true ])
  (effect "configBranch" (repo { }) (repo { configBranch = "stable"; }) "unit `watchkeeper-repository`: what is fetched"
    (result: builtins.match ".*REPOSITORY_BRANCH=([^\"]*)\".*" result.units.watchkeeper-repository) [ "stable" ])
  (effect "configRepoInterval" (repo { }) (repo { configRepoInterval = "10min"; }) "timer `watchkeeper-repository`"
    (result: builtins.match ".*OnUnitActiveSec=([^\n]*)\n.*" result.timers.watchkeeper-repository) [ "10min" ])
  (effect "configRepoKeyFile" (repo { }) (repo { configRepoKeyFile = "/run/k"; }) "unit `watchkeeper-repository`: `LoadCredential`"
    (result: at "LoadCredential" [ ] result.serviceConfig.watchkeeper-repository) [ "key:/run/k" ])
  (effect "configRepoTokenFile" (repo { }) (repo { configRepoTokenFile = "/run/t"; }) "unit `watchkeeper-repository`: `LoadCredential`"
    (result: at "LoadCredential" [ ] result.serviceConfig.watchkeeper-repository) [ "token:/run/t" ])
  (effect "configRepoKnownHosts" (repo { }) (repo { configRepoKnownHosts = "git ssh-ed25519 AAAA"; }) "unit `watchkeeper-repository`: the keys that it takes"
    (result: builtins.match ".*REPOSITORY_KNOWN_HOSTS=([^\"]*)\".*" result.units.watchkeeper-repository)
    (builtins.match "(.*)" "${((import ./pkgs.nix (import ./lib)).writeText "known_hosts" "git ssh-ed25519 AAAA\n").outPath}"))
  (effect "target.enable" { } (target { }) "the account" (result: result.users ? watchkeeper-target) true)
  (effect "target.user" (target { }) (target { user = "looker"; }) "the account, and the rule of sudo"
    (result: [ (result.users ? looker) (builtins.head result.sudo.extraRules).users ]) [ true [ "looker" ] ])
  (effect "target.controllerKeys" (target { }) (target { controllerKeys = [ "ssh-ed25519 BBBB eve" ]; }) "the account's keys"
    (result: result.users.watchkeeper-target.openssh.authorizedKeys.keys) [ "restrict ssh-ed25519 BBBB eve" ])
  (effect "target.from" (target { }) (target { from = [ "10.0.0.2" "fd00::2" ]; }) "the account's keys"
    (result: result.users.watchkeeper-target.openssh.authorizedKeys.keys) [ "restrict,from=\"10.0.0.2,fd00::2\" ssh-ed25519 AAAA hal" ])
  (effect "target.root" (target { }) (target { root = "no"; }) "the rules of sudo: none"
    (result: result.sudo) { extraConfig = ""; extraRules = [ ]; })
  (effect "target.lookAsRoot" (target { }) (target { lookAsRoot = false; }) "the helper: `look=`"
    (result: builtins.match ".*\nlook=([a-z]*)\n.*" result.door.helper) [ "no" ])
  (stepped "start" [ "nginx.service" ] "systemctl start nginx.service")
  (stepped "stop" [ "nginx.service" ] "systemctl stop nginx.service")
  (stepped "restart" [ "nginx.service" ] "systemctl restart nginx.service")
  (stepped "reload" [ "nginx.service" ] "systemctl reload nginx.service")
  (stepped "resetFailed" [ "nginx.service" ] "systemctl reset-failed nginx.service")
  (stepped "vacuumJournalTo" [ 500 ] "journalctl --vacuum-size=500M")
  (stepped "collectGarbage" true "nix-collect-garbage")
]
