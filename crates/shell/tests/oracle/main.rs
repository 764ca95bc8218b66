//! Nothing that bash runs is missing from a tree. The long run is `cargo run -p watchkeeper-shell --example oracle`.

mod bash;
mod campaign;
mod generator;
mod sandbox;
mod visible;

#[test]
fn no_command_that_bash_runs_is_missing_from_the_tree() {
    let report = campaign::run(300, 7);
    assert!(report.misses.is_empty(), "unseen: {:#?}", report.misses);
    assert!(
        report.different.is_empty(),
        "canonical text differs: {:#?}",
        report.different
    );
    assert_eq!(report.unfinished, 0);
    assert!(
        report.accepted * 4 > report.scripts,
        "most are refused: {report:?}"
    );
}
