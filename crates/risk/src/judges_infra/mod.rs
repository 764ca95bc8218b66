//! Judges of the tools around a host: disks, containers, clusters, version control, keys, clouds. Each says what a table
//! cannot: which resource a verb is about, what a request in one word asks for, which part of a host a container is given.
//! They obey the same rules as those of `judges`: total, bounded, and what is not understood is never read-only.

mod containers;
mod databases;
mod disks;
mod dscl;
mod git;
mod keys;
pub(crate) mod kubectl;
mod notes;
mod requests;
mod templates;
mod verbs;
mod volumes;

use crate::judges::Judge;

/// Every judge by the name that tables call it.
const JUDGES: &[(&str, Judge)] = &[
    ("container_copy", containers::copy),
    ("container_inspect", containers::inspect),
    ("container_run", containers::run),
    ("dataset_removal", volumes::dataset_removal),
    ("debugfs", requests::debugfs),
    ("dscl", dscl::judge),
    ("etckeeper", git::etckeeper),
    ("git", git::judge),
    ("git_config", git::config),
    ("hdparm", disks::hdparm),
    ("k3s", kubectl::small),
    ("kubectl", kubectl::judge),
    ("memcached_tool", databases::memcached_tool),
    ("mysqladmin", databases::mysqladmin),
    ("pg_conftool", databases::pg_conftool),
    ("pg_ctlcluster", databases::pg_ctlcluster),
    ("queries", databases::queries),
    ("openssl_decoding", keys::openssl_decoding),
    ("openssl_client", keys::openssl_client),
    ("openssl_key", keys::openssl_key),
    ("parted", disks::parted),
    ("raid_controller", disks::raid_controller),
    ("cloud", verbs::cloud),
    ("pmset", verbs::pmset),
    ("platform", verbs::platform),
    ("words_that_look", verbs::words_that_look),
    ("volume_removal", volumes::volume_removal),
    ("xfs_requests", requests::xfs),
    ("zpool_interval", volumes::zpool_interval),
];

/// The judge of this name.
pub(crate) fn by_name(name: &str) -> Option<Judge> {
    JUDGES
        .iter()
        .find(|(own, _)| *own == name)
        .map(|(_, judge)| *judge)
}
