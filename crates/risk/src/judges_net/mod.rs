//! Judges of the network and of what is installed: what an address means, what would cut the host off, which packages
//! come from elsewhere. They have the shape of those in `judges`, and like them they are total and never recurse.

mod address;
mod curl;
mod links;
mod notes;
mod remote;
mod request;
mod talk;
mod wget;

use crate::judges::Judge;

/// Every judge by the name that tables call it.
pub(crate) const JUDGES: [(&str, Judge); 15] = [
    ("curl", curl::judge),
    ("ifconfig", links::ifconfig),
    ("ip", links::ip),
    ("iw", links::iw),
    ("netcat", talk::netcat),
    ("nmap", remote::nmap),
    ("nslookup", links::nslookup),
    ("route", links::route),
    ("scp", remote::scp),
    ("socat", talk::socat),
    ("ssh_keygen", remote::ssh_keygen),
    ("telnet", talk::telnet),
    ("vtysh", links::vtysh),
    ("wg", links::wg),
    ("wget", wget::judge),
];
