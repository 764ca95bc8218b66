//! Each refusal by name: a page that says what happened and what to do, the right status, and nothing done.

use std::time::Duration;

use watchkeeper_model::{ActionNumber, IssueState, Person, Revision, Step, UnitName};
use watchkeeper_watch::{Edit, Role};

use crate::bridge::{MINUTE, NGINX};
use crate::front::{Answer, Front, anna, bert};

const DAY: Duration = Duration::from_secs(86_400);

/// What tells of an action must not be on a page for somebody else.
fn shows_no_action(page: &Answer) {
    let text = page.text.to_lowercase();
    for word in ["nginx", "systemctl", "web1", "restart", "revision"] {
        assert!(!text.contains(word), "{word} is in {}", page.read());
    }
}

pub(crate) async fn a_forwarded_link_shows_no_action(front: Front) {
    let link = front.link(&anna()).await;
    let mut unknown = front.browser();
    let mut berts = front.browser_of(&bert()).await;
    for page in [
        unknown.get(&link).await,
        unknown.get(&format!("{link}/run")).await,
        unknown.ask(&link, "approve").await,
        unknown.decide(&link, "approve", &"x".repeat(43)).await,
    ] {
        page.says(403, "This link is for anna")
            .says(403, "watchkeeper devices add anna");
        shows_no_action(&page);
    }
    for page in [berts.get(&link).await, berts.ask(&link, "approve").await] {
        page.says(403, "This browser is known as bert 's");
        shows_no_action(&page);
    }
    let mut liar = front.browser();
    liar.cookie = Some(format!("watchkeeper={}", "A".repeat(43)));
    liar.get(&link).await.says(403, "This link is for anna");
    assert_eq!(front.state().await, "held");
}

pub(crate) async fn a_link_that_was_used_is_refused(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    assert_eq!(phone.approve(&link).await.status, 303);
    for page in [
        phone.get(&link).await,
        phone.ask(&link, "approve").await,
        phone.ask(&link, "reject").await,
        phone.decide(&link, "reject", &"x".repeat(43)).await,
    ] {
        page.says(410, "This link was used already");
        page.says(410, "You approved action 0 on it, in this browser");
        page.says(410, "See what became of it");
    }
    let tablet = front.browser_of(&anna()).await;
    let page = tablet.get(&link).await;
    page.says(410, "This link was used already");
    page.says(410, "Action 0 was approved on it at");
    assert_eq!(front.state().await, "approved");
    front.told("action.approved").await;
}

pub(crate) async fn a_link_that_has_expired_is_refused(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    front.bridge.clock.advance(DAY - MINUTE);
    let form = phone.ask(&link, "approve").await.form();
    front.bridge.clock.advance(MINUTE);
    for page in [
        phone.get(&link).await,
        phone.ask(&link, "approve").await,
        phone.decide(&link, "approve", &form).await,
    ] {
        page.says(410, "This link has expired")
            .says(410, "watchkeeper devices link 0");
    }
    assert_eq!(front.state().await, "held");
}

pub(crate) async fn a_newer_link_takes_the_place_of_the_one_before_it(front: Front) {
    let first = front.link_by(&anna(), "phone").await;
    let by_mail = front.link_by(&anna(), "mail").await;
    let berts = front.link_by(&bert(), "phone").await;
    let mut phone = front.browser_of(&anna()).await;
    let form = phone.ask(&first, "approve").await.form();
    // The message was sent once more, as one is whose server did not answer.
    front.bridge.clock.advance(MINUTE);
    let second = front.link_by(&anna(), "phone").await;
    for page in [
        phone.get(&first).await,
        phone.ask(&first, "approve").await,
        phone.decide(&first, "approve", &form).await,
    ] {
        page.says(410, "A newer link took its place")
            .says(410, "action 0 still waits");
    }
    phone.get(&by_mail).await.says(200, "What runs");
    let berts_phone = front.browser_of(&bert()).await;
    berts_phone.get(&berts).await.says(200, "What runs");
    assert_eq!(front.state().await, "held");
    assert_eq!(phone.approve(&second).await.status, 303);
    phone.get(&first).await.says(409, "It is decided already");
}

pub(crate) async fn a_link_to_what_was_edited_says_what_stands(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let form = phone.ask(&link, "approve").await.form();
    for revision in [1, 2] {
        let edit = Edit {
            revision: Revision(revision),
            steps: vec![Step::UnitStart {
                unit: UnitName::new(NGINX).expect("a unit"),
            }],
            undo: Vec::new(),
            reason: None,
        };
        let edited = front.bridge.watch.edit(ActionNumber(0), bert(), edit);
        edited.await.expect("it can be edited");
    }
    for page in [
        phone.get(&link).await,
        phone.ask(&link, "approve").await,
        phone.decide(&link, "approve", &form).await,
    ] {
        page.says(409, "It was edited meanwhile");
        page.says(409, "There is revision 3 now, by bert");
        page.says(409, "watchkeeper devices link 0");
    }
    assert_eq!(front.state().await, "held");
    let link = front.link(&anna()).await;
    assert_eq!(phone.approve(&link).await.status, 303, "a new link is good");
}

pub(crate) async fn what_was_decided_elsewhere_is_said(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let form = phone.ask(&link, "approve").await.form();
    front.bridge.approve(0).await;
    for page in [
        phone.get(&link).await,
        phone.decide(&link, "approve", &form).await,
    ] {
        page.says(409, "It is decided already")
            .says(409, "ann approved it");
    }
    let page = phone.get(&format!("{link}/run")).await;
    page.says(200, "Approved");
    front.told("action.approved").await;
    let reject = front
        .bridge
        .watch
        .reject(ActionNumber(0), bert(), "no".to_owned());
    reject.await.expect("it has not begun");
    phone.get(&link).await.says(409, "It was rejected");
}

pub(crate) async fn what_was_withdrawn_is_said(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let issue = front.bridge.nginx().await.issue.number;
    let over = IssueState::Resolved;
    let resolved = front.bridge.watch.change_issue(issue, bert(), over, None);
    resolved.await.expect("it can be resolved");
    assert_eq!(front.state().await, "withdrawn");
    for page in [phone.get(&link).await, phone.ask(&link, "approve").await] {
        page.says(409, "It was withdrawn");
    }
}

pub(crate) async fn what_is_stale_is_said(front: Front) {
    let link = front.link(&anna()).await;
    let phone = front.browser_of(&anna()).await;
    front.bridge.approve(0).await;
    front.bridge.clock.advance(30 * DAY);
    front
        .bridge
        .watch
        .expire_overdue()
        .await
        .expect("it is swept");
    assert_eq!(front.state().await, "stale");
    phone.get(&link).await.says(409, "The world has changed");
}

pub(crate) async fn a_wrong_token_leads_nowhere(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let guessed = format!("/a/{}", "x".repeat(43));
    let shorter = link[..link.len() - 1].to_owned();
    for path in [
        guessed,
        shorter,
        "/a/..%2f..%2fetc".to_owned(),
        format!("{link}A"),
    ] {
        phone.get(&path).await.says(404, "There is no such link");
        phone
            .ask(&path, "approve")
            .await
            .says(404, "There is no such link");
        let form = "x".repeat(43);
        let page = phone.decide(&path, "approve", &form).await;
        page.says(404, "There is no such link");
    }
    assert_eq!(front.state().await, "held");
}

pub(crate) async fn a_role_that_was_taken_away_counts_at_once(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let form = phone.ask(&link, "approve").await.form();
    for role in [Role::Viewer, Role::Daemon] {
        front.people.are(&anna(), role);
        for page in [
            phone.get(&link).await,
            phone.ask(&link, "approve").await,
            phone.decide(&link, "approve", &form).await,
            phone.get(&format!("{link}/run")).await,
        ] {
            page.says(403, "anna may not decide any more");
            shows_no_action(&page);
        }
    }
    assert_eq!(front.state().await, "held");
    front.people.are(&anna(), Role::Operator);
    let done = phone.decide(&link, "approve", &form).await;
    assert_eq!(done.status, 303, "{}", done.read());
}

pub(crate) async fn an_account_that_was_made_again_is_not_the_same_person(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    front.people.are_without(&anna());
    phone
        .get(&link)
        .await
        .says(403, "anna may not decide any more");
    let another = Person {
        uid: 2_000,
        ..anna()
    };
    front.people.are(&another, Role::Operator);
    phone
        .get(&link)
        .await
        .says(403, "anna may not decide any more");
    let page = phone.ask(&link, "approve").await;
    page.says(403, "anna may not decide any more");
}

pub(crate) async fn a_link_of_a_person_without_role_is_refused(front: Front) {
    let guest = Person {
        name: "guest".to_owned(),
        uid: 3_000,
    };
    front.people.are(&guest, Role::Operator);
    let mut phone = front.browser_of(&guest).await;
    front.people.are(&guest, Role::Viewer);
    let link = front.link(&guest).await;
    for page in [phone.get(&link).await, phone.ask(&link, "approve").await] {
        page.says(403, "guest may not decide any more");
        shows_no_action(&page);
    }
    assert_eq!(front.state().await, "held");
}

pub(crate) async fn a_form_counts_once_on_its_device_and_for_ten_minutes(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let mut tablet = front.browser_of(&anna()).await;
    let form = phone.ask(&link, "approve").await.form();
    for wrong in ["", "x", &"x".repeat(43)] {
        let page = phone.decide(&link, "approve", wrong).await;
        page.says(403, "Nothing was decided")
            .says(403, "Look at it again");
    }
    let page = tablet.decide(&link, "approve", &form).await;
    page.says(403, "Nothing was decided");
    let newer = phone.ask(&link, "approve").await.form();
    let page = phone.decide(&link, "approve", &form).await;
    page.says(403, "Nothing was decided");
    front.bridge.clock.advance(10 * MINUTE);
    let page = phone.decide(&link, "approve", &newer).await;
    page.says(403, "Nothing was decided");
    let other = front.link_by(&anna(), "phone").await;
    let form = phone.ask(&other, "approve").await.form();
    let page = phone.decide(&link, "approve", &form).await;
    page.says(403, "Nothing was decided");
    assert_eq!(front.state().await, "held");
    assert_eq!(phone.decide(&other, "approve", &form).await.status, 303);
}
