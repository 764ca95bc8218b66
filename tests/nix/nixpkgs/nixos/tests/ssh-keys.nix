# Where nixpkgs keeps a key for tests of virtual machines; here nothing logs in with it.
pkgs: {
  snakeOilEd25519PrivateKey = pkgs.writeText "privkey.snakeoil" "a key\n";
  snakeOilEd25519PublicKey = "ssh-ed25519 AAAA snakeoil";
}
