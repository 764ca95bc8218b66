//! Which findings are one question. The same service that fails for the same cause on forty hosts of one system is
//! asked about once; what differs in any of these is another question. Pure.

use watchkeeper_agent::HostTraits;
use watchkeeper_model::{DigestWriter, Finding};

/// What stands in a cause for the name of its host.
const HOST: &str = "<host>";
/// What stands in a cause for a value that differs from host to host without meaning: a hash, an id.
const VALUE: &str = "<id>";
/// The shortest run of hexadecimal digits that is a value and no word or number.
const MIN_VALUE_CHARS: usize = 12;

/// The key of the one question that findings alike on several hosts share; none where a finding is asked about by
/// itself, because what its host runs is not known. `lanes` are those that may have it: hosts whose words may go to
/// different places are never in one question.
pub(crate) fn coalescing_key(
    finding: &Finding,
    traits: &HostTraits,
    lanes: Option<&[String]>,
) -> Option<String> {
    let os = traits.os.as_deref()?;
    let mut digest = DigestWriter::new("watchkeeper question 1")
        .field(finding.check.as_str())
        .field(&finding.subject)
        .field(normalised(finding))
        .field(os);
    match lanes {
        None => digest = digest.field("any lane"),
        Some(lanes) => {
            let mut lanes: Vec<&str> = lanes.iter().map(String::as_str).collect();
            lanes.sort_unstable();
            lanes.dedup();
            for lane in lanes {
                digest = digest.field("lane").field(lane);
            }
        }
    }
    Some(format!("alike {}", digest.finish()))
}

/// The cause without what tells one host from another. Numbers stay: another exit code is another cause.
fn normalised(finding: &Finding) -> String {
    let host = finding.host.as_str().to_lowercase();
    let cause = finding.cause.to_lowercase();
    let words = cause.split_whitespace().map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        if bare == host {
            word.replacen(bare, HOST, 1)
        } else if is_value(bare) {
            word.replacen(bare, VALUE, 1)
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a word is a hash or an id.
fn is_value(word: &str) -> bool {
    let digits = word.chars().filter(|c| *c != '-');
    let long = digits.clone().count() >= MIN_VALUE_CHARS;
    long && digits.clone().all(|c| c.is_ascii_hexdigit())
        && digits.clone().any(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use watchkeeper_model::{CheckName, HostName, Severity};

    use super::*;

    fn finding(host: &str, cause: &str) -> Finding {
        Finding {
            host: HostName::new(host).expect("a name"),
            check: CheckName::new("units").expect("a name"),
            subject: "nginx.service".to_owned(),
            severity: Severity::Warning,
            summary: format!("nginx.service on {host} failed 3 min ago"),
            cause: cause.to_owned(),
            evidence: Vec::new(),
        }
    }

    fn debian() -> HostTraits {
        HostTraits {
            os: Some("debian".to_owned()),
            init: None,
        }
    }

    fn key(host: &str, cause: &str) -> String {
        coalescing_key(&finding(host, cause), &debian(), None).expect("its system is known")
    }

    #[test]
    fn the_same_trouble_on_two_hosts_is_one_question() {
        assert_eq!(key("web1", "exit-code 1"), key("web2", "exit-code  1"));
        assert_eq!(
            key("web1", "no route from web1: deadbeef01234567"),
            key("web2", "no route from WEB2: 0123456789abcdef")
        );
        assert_eq!(
            key("web1", "uuid 1b4e28ba-2fa1-11d2-883f-0016d3cca427"),
            key("web2", "uuid 9c5b94b1-35ad-49bb-b118-8e8fc24abf80")
        );
    }

    #[test]
    fn another_cause_subject_check_or_system_is_another_question() {
        let one = key("web1", "exit-code 1");
        assert_ne!(one, key("web1", "exit-code 127"));
        assert_ne!(one, key("web1", "signal 1"));
        let mut other = finding("web1", "exit-code 1");
        other.subject = "sshd.service".to_owned();
        assert_ne!(Some(one.clone()), coalescing_key(&other, &debian(), None));
        let mut other = finding("web1", "exit-code 1");
        other.check = CheckName::new("journal").expect("a name");
        assert_ne!(Some(one.clone()), coalescing_key(&other, &debian(), None));
        let alpine = HostTraits {
            os: Some("alpine".to_owned()),
            init: None,
        };
        let there = coalescing_key(&finding("web1", "exit-code 1"), &alpine, None);
        assert_ne!(Some(one), there);
    }

    #[test]
    fn hosts_whose_words_may_go_to_different_lanes_share_no_question() {
        let finding = finding("web1", "exit-code 1");
        let key = |lanes: &[&str]| {
            let lanes: Vec<String> = lanes.iter().map(ToString::to_string).collect();
            coalescing_key(&finding, &debian(), Some(&lanes))
        };
        assert_eq!(key(&["a", "b"]), key(&["b", "a", "b"]));
        assert_ne!(key(&["a", "b"]), key(&["a"]));
        assert_ne!(key(&["ab"]), key(&["a", "b"]));
        assert_ne!(key(&[]), coalescing_key(&finding, &debian(), None));
    }

    #[test]
    fn a_host_whose_system_is_not_known_is_asked_about_by_itself() {
        let unknown = HostTraits::default();
        assert_eq!(
            coalescing_key(&finding("web1", "exit-code 1"), &unknown, None),
            None
        );
    }
}
