//! Judges of the network and of what is installed: what an address means, what would cut the host off, which packages
//! come from elsewhere. They have the shape of those in `judges`, and like them they are total and never recurse.

mod address;
mod curl;
mod firewall;
mod links;
mod nix;
mod notes;
mod packages;
mod remote;
mod request;
mod small;
mod talk;
mod wget;

use crate::judges::Judge;

/// Every judge by the name that tables call it.
pub(crate) const JUDGES: [(&str, Judge); 37] = [
    ("ansible", small::ansible),
    ("apt", packages::apt),
    ("asterisk", small::asterisk),
    ("clam", small::clam),
    ("curl", curl::judge),
    ("dnf", packages::dnf),
    ("fail2ban", firewall::fail2ban),
    ("firewalld", firewall::firewalld),
    ("ifconfig", links::ifconfig),
    ("ip", links::ip),
    ("iw", links::iw),
    ("iptables", firewall::iptables),
    ("language_packages", packages::language),
    ("ldap", small::ldap),
    ("netcat", talk::netcat),
    ("nft", firewall::nft),
    ("nix_copy", nix::copy),
    ("nix_files", nix::files),
    ("nix_flakes", nix::flakes),
    ("nix_rebuild", nix::rebuild),
    ("nix_run", nix::run),
    ("nix_settings", nix::settings),
    ("nmap", remote::nmap),
    ("nslookup", links::nslookup),
    ("route", links::route),
    ("postconf", small::postconf),
    ("rpm", packages::rpm),
    ("scp", remote::scp),
    ("smbclient", small::smbclient),
    ("socat", talk::socat),
    ("ssh_keygen", remote::ssh_keygen),
    ("telnet", talk::telnet),
    ("ufw", firewall::ufw),
    ("vtysh", links::vtysh),
    ("wg", links::wg),
    ("wget", wget::judge),
    ("yum_utils", packages::yum_utils),
];
