//! The pages that list what must be withstood and what holds always name tests: each of them is there.

use std::path::{Path, PathBuf};

/// Every source file below a directory.
fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir)
        .expect("a directory of ours")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

/// The names of tests on the page: words in code marks with at least two low lines, maybe with a gap.
fn named(page: &str) -> Vec<&str> {
    let in_marks = page.split('`').skip(1).step_by(2);
    let words = in_marks.flat_map(|text| text.split([',', ' ', ':']));
    words
        .filter(|word| {
            let letters =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_…".contains(c);
            word.chars().all(letters) && word.matches('_').count() >= 2
        })
        .collect()
}

#[test]
fn every_test_that_the_pages_name_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pages = ["docs/withstand.md", "ARCHITECTURE.md"]
        .map(|page| std::fs::read_to_string(root.join(page)).expect("the page"))
        .concat();
    let mut files = Vec::new();
    for dir in ["crates", "tests", "bench"] {
        sources(&root.join(dir), &mut files);
    }
    // Files of tests are named as well.
    let text: String = files
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).expect("a file of ours");
            format!("{}\n{text}", path.display())
        })
        .collect();
    let names = named(&pages);
    assert!(names.len() > 150, "only {} names are read", names.len());
    let is_there = |name: &&&str| name.split('…').all(|part| text.contains(part));
    let missing: Vec<&&str> = names.iter().filter(|name| !is_there(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
