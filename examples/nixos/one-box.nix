# One machine that watches itself: nothing else has to be said.
{
  services.openssh.enable = true;
  services.openssh.openFirewall = false; # The watch comes from 127.0.0.1.
  services.watchkeeper = {
    enable = true;
    operators = [ "anna" ];
    target.steps = {
      start = [ "nginx.service" ];
      vacuumJournalTo = [ 500 ];
    };
  };
}
