//! The NixOS module as Debian's nix evaluates it here: over a stand-in for nixpkgs (tests/nix), without a store, a
//! network or anything built.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The root of the sources.
///
/// # Panics
/// Never: the tests lie below it.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the tests lie below the root")
        .to_owned()
}

/// Runs `nix-instantiate` without a store.
///
/// # Panics
/// When it is not installed.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the module is evaluated by the program that evaluates it on NixOS"
)]
pub fn nix_instantiate(words: &[&str], at: &Path) -> Output {
    Command::new("nix-instantiate")
        .args(words)
        .env("NIX_REMOTE", "dummy://")
        .env_remove("NIX_PATH")
        .current_dir(at)
        .output()
        .expect("nix-instantiate: run tests/install")
}

/// The value of an expression, which is read below tests/nix.
///
/// # Panics
/// When it has none; the message is nix's own.
#[must_use]
pub fn value_of(expression: &str) -> Value {
    let words = [
        "--eval",
        "--strict",
        "--json",
        "--show-trace",
        "-E",
        expression,
    ];
    let output = nix_instantiate(&words, &root().join("tests/nix"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{expression}: {said}");
    serde_json::from_slice(&output.stdout).expect("nix prints JSON")
}

/// What nix says of an expression that has no value.
///
/// # Panics
/// When it has one.
#[must_use]
pub fn error_of(expression: &str) -> String {
    let words = ["--eval", "--strict", "--json", "-E", expression];
    let output = nix_instantiate(&words, &root().join("tests/nix"));
    assert!(!output.status.success(), "{expression} has a value");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One configuration, evaluated (tests/nix/system.nix); it is written as the module of a machine.
///
/// # Panics
/// When it has no value.
#[must_use]
pub fn system(configuration: &str) -> Value {
    value_of(&format!(
        "(import ./system.nix {{ }} ({configuration})).result"
    ))
}

/// A text at a place of a value.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn text<'v>(value: &'v Value, place: &str) -> &'v str {
    value
        .pointer(place)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("there is no text at {place}"))
}
