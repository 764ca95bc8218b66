# The program, built from this source.
{ lib, stdenv, rustPlatform, installShellFiles, versionCheckHook }:
let
  root = ./..;
  cargo = builtins.fromTOML (builtins.readFile (root + "/Cargo.toml"));
in
rustPlatform.buildRustPackage {
  pname = "watchkeeper";
  inherit (cargo.workspace.package) version;

  src = lib.fileset.toSource {
    inherit root;
    fileset = lib.fileset.unions [
      ../Cargo.lock
      ../Cargo.toml
      ../bench
      ../crates
      ../docs
      ../knowledge
      ../migrations
      ../prompts
      ../runbooks
      ../tests
    ];
  };
  cargoLock.lockFile = ../Cargo.lock;
  cargoBuildFlags = [ "--package" "watchkeeper-cli" ];
  # They want a database, sshd and root; tests/run runs them.
  doCheck = false;

  nativeBuildInputs = [ installShellFiles ];
  # What the program writes of itself can be had only where it runs.
  postInstall = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    installShellCompletion --cmd watchkeeper \
      --bash <("$out/bin/watchkeeper" completions bash) \
      --fish <("$out/bin/watchkeeper" completions fish) \
      --zsh <("$out/bin/watchkeeper" completions zsh)
    mkdir man
    "$out/bin/watchkeeper" man man
    installManPage man/*.1
  '';

  doInstallCheck = true;
  nativeInstallCheckInputs = [ versionCheckHook ];

  meta = {
    description = "Watches over Linux hosts, proposes repairs, and runs what you approve";
    license = lib.licenses.asl20;
    mainProgram = "watchkeeper";
    platforms = lib.platforms.linux;
  };
}
