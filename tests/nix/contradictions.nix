# What cannot be meant, each with words that the message must hold; tests/tests/nix.rs holds that it is told, and that
# nothing else is.
let
  system = import ./system.nix { };
  watch = more: { services.openssh.enable = true; services.watchkeeper = { enable = true; hosts.web1 = { }; } // more; };
  target = more: { services.openssh.enable = true; services.watchkeeper.target = { enable = true; controllerKeys = [ "ssh-ed25519 AAAA hal" ]; } // more; };
  wrong = name: set: words: { inherit name words; inherit ((system set).result) failed; };
in
[
  (wrong "a token in the store" (watch { gotifyUrl = "https://g"; gotifyTokenFile = "/nix/store/aaaa-token"; }) "gotifyTokenFile names a file of the Nix store")
  (wrong "a token as a path literal" (watch { gotifyUrl = "https://g"; gotifyTokenFile = ./pkgs.nix; }) "gotifyTokenFile names a file of the Nix store")
  (wrong "a token in the place of its file" (watch { gotifyUrl = "https://g"; gotifyTokenFile = "AbCdEf123456789"; }) "looks like the secret itself")
  (wrong "a file that systemd could not read" (watch { credentials.a = "/run/a:b"; }) "credentials.a may hold neither a colon")
  (wrong "a key in the settings" (watch { settings.lanes = [ { name = "x"; provider = "openai"; api_key = "sk-aaaaaaaaaaaaaaaaaaaaaaaa"; } ]; }) "settings.lanes[0].api_key looks like a secret")
  (wrong "a secret by its look" (watch { settings.watch.note = "ghp_aaaaaaaaaaaaaaaaaaaa"; }) "settings.watch.note looks like a secret")
  (wrong "a password in the address of the database" (watch { database = { type = "url"; url = "postgres://w:hunter2@db/w"; }; }) "database.url looks like a secret")
  (wrong "a token in the address of the repository" (watch { configRepo = "https://me:ghp_aaaa@git.example.org/nixos.git"; }) "configRepo looks like a secret")
  (wrong "gotify without a token" (watch { gotifyUrl = "https://g"; }) "gotifyUrl and services.watchkeeper.gotifyTokenFile belong together")
  (wrong "a token without gotify" (watch { gotifyTokenFile = "/run/s"; }) "belong together")
  (wrong "a url for sqlite" (watch { database.url = "postgres://w@db/w"; }) "database.url is for database.type")
  (wrong "a url that is missing" (watch { database.type = "url"; }) "and that needs it")
  (wrong "a password for the socket" (watch { database = { type = "postgresql"; passwordFile = "/run/p"; }; }) "the others need no password")
  (wrong "two Qdrant servers" (watch { qdrant = { enable = true; url = "http://v:6334"; }; }) "Choose one")
  (wrong "a key for no Qdrant server" (watch { qdrant.keyFile = "/run/q"; }) "and there is none")
  (wrong "acceleration of nothing" (watch { acceleration = "cuda"; }) "acceleration is for the Ollama server of this machine")
  (wrong "acceleration elsewhere" (watch { acceleration = "cuda"; model = "m"; ollamaHost = "http://gpu1:11434"; }) "or ollamaHost is elsewhere")
  (wrong "models of nothing" (watch { preloadModels = true; }) "preloadModels wants models")
  (wrong "an Ollama server without http" (watch { ollamaHost = "gpu1:11434"; }) "write it as http://host:11434")
  (wrong "a remote system that is none" (watch { remoteSystems = [ "-oProxyCommand=id" ]; }) "write each as [login@]host[:port]")
  (wrong "a host twice" (watch { remoteSystems = [ "web1" ]; }) "web1 stands in services.watchkeeper.hosts and in")
  (wrong "a remote system twice" (watch { remoteSystems = [ "a" "ops@a" ]; }) "names a host twice")
  (wrong "this machine without sshd" { services.watchkeeper.enable = true; } "set services.openssh.enable = true")
  (wrong "this machine without its account" (watch { thisMachine = true; target.enable = false; }) "thisMachine needs services.watchkeeper.target.enable")
  (wrong "root" (watch { user = "root"; }) "user is root")
  (wrong "one account for both" (watch { user = "w"; target = { enable = true; user = "w"; controllerKeys = [ "ssh-ed25519 AAAA hal" ]; }; }) "are one account")
  (wrong "the daemon as an operator" (watch { operators = [ "watchkeeper" ]; }) "must never approve anything")
  (wrong "a name that no command can have" (watch { aiName = "hal 9000"; }) "use letters, digits and dashes")
  (wrong "two names" (watch { aiName = "hal"; settings.name = "eve"; }) "Say it once")
  (wrong "two levels" (watch { settings.policy.autonomy = "auto-full"; }) "autonomyLevel says \"suggest\"")
  (wrong "two intervals" (watch { settings.watch.interval = "1h"; }) "checkInterval says \"300s\"")
  (wrong "two groups" (watch { settings.server.operators_group = "wheel"; }) "group says \"watchkeeper\"")
  (wrong "a key for no repository" (watch { configRepoKeyFile = "/run/k"; }) "which is not set")
  (wrong "a branch that is an option" (watch { configRepo = "https://g/r.git"; configBranch = "--upload-pack=id"; }) "no name of a branch")
  (wrong "a repository that is a command" (watch { configRepo = "ext::sh -c id"; }) "no address of a repository")
  (wrong "a target for nobody" (target { controllerKeys = [ ]; }) "nobody could log in as watchkeeper-target")
  (wrong "a key with options" (target { controllerKeys = [ "command=\"sh\" ssh-ed25519 AAAA" ]; }) "takes public keys alone")
  (wrong "a place with a quote" (target { from = [ "10.0.0.1\",command=\"id" ]; }) "without quotes and blanks")
  (wrong "steps for all" (target { root = "all"; steps.start = [ "nginx.service" ]; }) "target.steps is for target.root")
  (wrong "steps that stop ssh" (target { steps.stop = [ "sshd.service" ]; }) "which the watch never stops")
  (wrong "a target without sshd" { services.watchkeeper.target = { enable = true; controllerKeys = [ "ssh-ed25519 AAAA hal" ]; }; } "of no use without services.openssh.enable")
]
