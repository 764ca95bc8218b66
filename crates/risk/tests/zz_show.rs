use watchkeeper_risk::{HostFacts, assess_text};
#[test]
fn show() {
    let facts = HostFacts::default();
    for line in std::fs::read_to_string("/tmp/lines.txt").unwrap().lines() {
        let a = assess_text(line, &facts).assessment;
        println!("{} {line}", a.level);
        for e in a.effects { println!("    {:?} {} [{}] {} {:?}: {}", e.kind, e.level, e.rule, e.target, e.certainty, e.sentence); }
    }
}
