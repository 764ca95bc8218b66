//! Making browsers known: by an address that is good once, a tap in the browser itself, and never by looking.

use watchkeeper_model::DeviceNumber;
use watchkeeper_notify::open;
use watchkeeper_testkit::push::Gotify;
use watchkeeper_watch::{Notifying, Role};

use crate::bridge::MINUTE;
use crate::front::{Front, anna, bert};

const TOKEN: &str = "Atoken.of-the-phone";

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

/// From now on this person has a channel to a Gotify server of this test.
async fn with_a_channel(front: &Front, person: &str) -> Gotify {
    let gotify = Gotify::start(TOKEN).await;
    let token = front.bridge.dir.path().join("token");
    std::fs::write(&token, TOKEN).expect("written");
    let settings = serde_json::json!({
        "name": "phone", "kind": "gotify", "url": gotify.url(), "token_file": token, "person": person,
    });
    let settings = serde_json::from_value(settings).expect("settings");
    front.bridge.watch.use_channels(Notifying {
        channels: vec![open(settings).expect("a channel")],
        ..Notifying::default()
    });
    gotify
}

pub(crate) async fn an_address_that_is_sent_is_half_of_what_is_needed(front: Front) {
    let gotify = with_a_channel(&front, "anna").await;
    let watch = front.bridge.watch.clone();
    let nobodys = watch.send_enrolment(bert(), None, bert()).await;
    let refused = nobodys.expect_err("bert has no channel").to_string();
    assert!(refused.contains("person = \"bert\""), "{refused}");
    let made = watch.send_enrolment(anna(), None, anna()).await;
    let made = made.expect("it is sent");
    assert_eq!(made.url, None, "the whole of it is told to nobody");
    let sent = made.sent.expect("it was sent");
    assert_eq!((sent.to, sent.not_to), (vec!["phone".to_owned()], vec![]));
    let messages = gotify.messages();
    let message = messages.last().expect("a message");
    assert!(message.title.contains("make this browser yours, anna?"));
    assert!(!message.message.contains(&sent.code), "{}", message.message);
    let click = &message.extras["client::notification"]["click"]["url"];
    let path = front.path_of(click.as_str().expect("a page"));

    // Whoever reads the message can do nothing with it, and is not told whose browser it would be.
    let mut phone = front.browser();
    for typed in [
        "",
        "?code=",
        "?code=0000+0000",
        "?code=%00%ff",
        "?code=x&code=y",
    ] {
        let page = phone.get(&format!("{path}{typed}")).await;
        page.says(200, "Type the code that the terminal shows");
        assert!(!page.text.contains("anna"), "{}", page.text);
    }
    let page = phone.post(&path, &format!("code={}", sent.code)).await;
    page.says(404, "There is no such link");
    assert_eq!(watch.devices().await.expect("a list"), []);

    let typed = sent.code.to_uppercase();
    let (first, rest) = typed.split_at(4);
    let found = phone.get(&format!("{path}?code={first}+{rest}")).await;
    assert_eq!(found.status, 303, "{}", found.read());
    assert!(!found.headers.contains_key("set-cookie"));
    let whole = found.headers["location"].to_str().expect("text").to_owned();
    phone
        .get(&whole)
        .await
        .says(200, "Make this browser known as anna");
    assert_eq!(phone.post(&whole, "").await.status, 303);
    phone
        .get("/")
        .await
        .says(200, "This browser is known as anna");
    let again = front
        .browser()
        .get(&format!("{path}?code={}", sent.code))
        .await;
    let again = front
        .browser()
        .get(again.headers["location"].to_str().expect("text"))
        .await;
    again.says(410, "This address is not good any more");
}

pub(crate) async fn an_address_that_no_channel_takes_is_said_to_be_lost(front: Front) {
    let gotify = with_a_channel(&front, "anna").await;
    std::fs::write(front.bridge.dir.path().join("token"), "wrong").expect("written");
    let failed = front
        .bridge
        .watch
        .send_enrolment(anna(), None, anna())
        .await;
    let failed = failed.expect_err("it is refused").to_string();
    assert!(failed.starts_with("it was not sent: phone: "), "{failed}");
    assert!(gotify.messages().is_empty());
}

pub(crate) async fn a_browser_that_is_made_known_again_is_one_browser(front: Front) {
    let mut phone = front.browser_of(&anna()).await;
    let before = phone.clone();
    let path = front.enrolment(&bert()).await;
    let page = phone.get(&path).await;
    page.says(200, "This browser is known as anna");
    assert_eq!(phone.post(&path, "").await.status, 303);
    phone
        .get("/")
        .await
        .says(200, "This browser is known as bert");
    before.get("/").await.says(200, "not known as anybody's");
    let devices = front.bridge.watch.devices().await.expect("a list");
    let known: Vec<_> = devices
        .iter()
        .map(|one| (one.number.0, one.person.as_str()))
        .collect();
    assert_eq!(known, [(2, "bert")]);
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
