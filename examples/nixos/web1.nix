# A host that is watched. The key is what /var/lib/watchkeeper/ssh/id_ed25519.pub holds on the machine that watches.
{
  services.openssh.enable = true;
  services.watchkeeper.target = {
    enable = true;
    controllerKeys = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMqkKxv5b0o6mXv4n4yQX3sKx4l0bq3h6f7Qm8v2c1dE watchkeeper@hal" ];
    from = [ "10.0.0.2" ];
    steps = {
      start = [ "nginx.service" ];
      restart = [ "nginx.service" ];
      vacuumJournalTo = [ 500 ];
    };
  };
}
