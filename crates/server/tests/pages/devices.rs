//! Making browsers known: by an address that is good once, a tap in the browser itself, and never by looking.

use watchkeeper_model::DeviceNumber;
use watchkeeper_watch::Role;

use crate::bridge::MINUTE;
use crate::front::{Front, anna, bert};

pub(crate) async fn a_browser_is_made_known_by_its_address_and_a_tap(front: Front) {
    let path = front.enrolment(&anna()).await;
    let mut phone = front.browser();
    phone.get("/").await.says(200, "not known as anybody's");
    for _ in 0..3 {
        let page = phone.get(&path).await;
        page.says(200, "Make this browser known as anna 's?");
        assert!(
            !page.headers.contains_key("set-cookie"),
            "looking sets nothing"
        );
    }
    assert_eq!(front.bridge.watch.devices().await.expect("a list"), []);
    let done = phone.post(&path, "").await;
    assert_eq!(done.status, 303);
    let cookie = done.headers["set-cookie"].to_str().expect("text");
    for part in ["watchkeeper=", "; Path=/;", "; HttpOnly", "; SameSite=Lax"] {
        assert!(cookie.contains(part), "{part} is not in {cookie}");
    }
    phone
        .get("/")
        .await
        .says(200, "This browser is known as anna 's");
    let devices = front.bridge.watch.devices().await.expect("a list");
    assert_eq!(
        (devices.len(), devices[0].label.as_str()),
        (1, "Chrome on Android")
    );
    assert_eq!(front.told("device.added").await["actor"]["name"], "anna");
}

pub(crate) async fn an_address_makes_one_browser_known_and_not_for_long(front: Front) {
    let path = front.enrolment(&anna()).await;
    assert_eq!(front.browser().post(&path, "").await.status, 303);
    for page in [
        front.browser().get(&path).await,
        front.browser().post(&path, "").await,
    ] {
        page.says(410, "This address is not good any more");
        assert!(!page.headers.contains_key("set-cookie"));
    }
    let late = front.enrolment(&anna()).await;
    front.bridge.clock.advance(10 * MINUTE);
    for page in [
        front.browser().get(&late).await,
        front.browser().post(&late, "").await,
    ] {
        page.says(410, "This address is not good any more");
    }
    let wrong = format!("/d/{}", "x".repeat(43));
    front
        .browser()
        .get(&wrong)
        .await
        .says(404, "There is no such link");
    front
        .browser()
        .post(&wrong, "")
        .await
        .says(404, "There is no such link");
    let path = front.enrolment(&anna()).await;
    let (mut one, mut two) = (front.browser(), front.browser());
    let (one, two) = tokio::join!(one.post(&path, ""), two.post(&path, ""));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_ne!(statuses, [303, 303]);
    assert_eq!(statuses[0], 303);
    let devices = front.bridge.watch.devices().await.expect("a list");
    assert_eq!(devices.len(), 2);
}

pub(crate) async fn a_browser_that_was_removed_decides_nothing(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let form = phone.ask(&link, "approve").await.form();
    let removed = front.bridge.watch.remove_device(DeviceNumber(1), bert());
    assert_eq!(removed.await.expect("it was known").person, "anna");
    let refused = phone.decide(&link, "approve", &form).await;
    refused.says(403, "This link is for anna");
    phone.get("/").await.says(200, "not known as anybody's");
    assert_eq!(front.state().await, "held");
    let mut again = front.browser_of(&anna()).await;
    front.bridge.clock.advance(181 * 24 * 60 * MINUTE);
    again.get("/").await.says(200, "not known as anybody's");
    let link = format!("{link}/ask");
    again
        .post(&link, "decision=approve")
        .await
        .says(403, "This link is for anna");
}

pub(crate) async fn only_who_may_decide_has_a_browser_made_known(front: Front) {
    let path = front.enrolment(&anna()).await;
    for (role, words) in [(Role::Viewer, "a viewer"), (Role::Daemon, "the daemon")] {
        front.people.are(&anna(), role);
        let page = front.browser().post(&path, "").await;
        page.says(403, "anna may not decide any more");
        assert!(!page.headers.contains_key("set-cookie"), "{words}");
    }
    front.people.are_without(&anna());
    front
        .browser()
        .get(&path)
        .await
        .says(403, "anna may not decide any more");
    assert_eq!(front.bridge.watch.devices().await.expect("a list"), []);
}
