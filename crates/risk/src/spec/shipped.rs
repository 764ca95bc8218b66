//! The tables that ship: one line for a file. Whoever adds a file to `tables/` adds its line here.

/// The name of each family and the text of its file.
pub(super) const FILES: &[(&str, &str)] = &[
    ("accounts", include_str!("../../tables/accounts.toml")),
    ("backup", include_str!("../../tables/backup.toml")),
    ("cloud", include_str!("../../tables/cloud.toml")),
    ("containers", include_str!("../../tables/containers.toml")),
    ("crypto", include_str!("../../tables/crypto.toml")),
    ("databases", include_str!("../../tables/databases.toml")),
    ("files", include_str!("../../tables/files.toml")),
    ("firewall", include_str!("../../tables/firewall.toml")),
    ("git", include_str!("../../tables/git.toml")),
    ("hardware", include_str!("../../tables/hardware.toml")),
    ("kernel", include_str!("../../tables/kernel.toml")),
    ("kubernetes", include_str!("../../tables/kubernetes.toml")),
    ("languages", include_str!("../../tables/languages.toml")),
    ("logs", include_str!("../../tables/logs.toml")),
    ("mail_web", include_str!("../../tables/mail_web.toml")),
    ("network", include_str!("../../tables/network.toml")),
    ("nix", include_str!("../../tables/nix.toml")),
    ("packages", include_str!("../../tables/packages.toml")),
    ("process", include_str!("../../tables/process.toml")),
    ("services", include_str!("../../tables/services.toml")),
    ("storage", include_str!("../../tables/storage.toml")),
    ("systemd", include_str!("../../tables/systemd.toml")),
    ("text", include_str!("../../tables/text.toml")),
    ("wrappers", include_str!("../../tables/wrappers.toml")),
];
