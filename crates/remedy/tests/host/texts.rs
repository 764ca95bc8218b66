//! The texts themselves.

use watchkeeper_remedy::texts;

use crate::pod::command;

const ALL: [(&str, &str); 6] = [
    ("start", texts::START),
    ("runner", texts::RUNNER),
    ("attach", texts::ATTACH),
    ("cancel", texts::CANCEL),
    ("wipe", texts::WIPE),
    ("boot", texts::BOOT),
];

#[tokio::test]
async fn shellcheck_finds_nothing() {
    // Splitting of what was read is meant (2086); shared functions use what the texts set, and the other way
    // round (2154, 2034); the subshell writes the file that it does not read (2094); every shell met has `ulimit -c` (3045).
    for (name, text) in ALL {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join(name);
        std::fs::write(&file, text).expect("a file");
        let output = command("shellcheck")
            .args([
                "--shell=sh",
                "--norc",
                "--exclude=SC2086,SC2154,SC2034,SC2094,SC3045",
            ])
            .arg(&file)
            .output()
            .await
            .expect("shellcheck; run tests/install");
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

#[tokio::test]
async fn every_shell_can_read_them() {
    for shell in [
        &["dash"][..],
        &["bash", "--posix"],
        &["mksh"],
        &["busybox", "sh"],
    ] {
        for (name, text) in ALL {
            let output = command(shell[0])
                .args(&shell[1..])
                .args(["-n", "-c", text])
                .output()
                .await;
            let output =
                output.unwrap_or_else(|_| panic!("{} is missing: run tests/install", shell[0]));
            assert!(
                output.status.success(),
                "{name} in {shell:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

#[test]
fn they_fit_into_one_argument_and_hold_nothing_of_a_step() {
    for (name, text) in ALL {
        assert!(text.len() < 16 * 1024, "{name} has {} bytes", text.len());
        assert!(
            text.is_ascii() && !text.contains(['\0', '\r', '\t']),
            "{name}"
        );
    }
}
