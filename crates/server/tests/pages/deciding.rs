//! Deciding from a phone: two taps, the use cases of a command, and a page that tells how it goes.

use serde_json::json;
use watchkeeper_model::{ActionNumber, Step, UnitName};
use watchkeeper_watch::Edit;

use crate::bridge::{MINUTE, NGINX};
use crate::front::{Front, anna, bert};

pub(crate) async fn two_taps_approve_and_the_page_tells_how_it_goes(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let sheet = phone.get(&link).await;
    sheet.says(200, "on web1?").says(200, "systemctl restart");
    for words in [
        "What runs, to the byte",
        "medium",
        "Nothing undoes this by itself",
        "root",
    ] {
        sheet.says(200, words);
    }
    let asked = phone.ask(&link, "approve").await;
    asked.says(200, "Approve action 0 revision 1 on web1?");
    asked.says(200, "systemctl restart");
    assert_eq!(front.state().await, "held", "one tap decides nothing");
    let done = phone.decide(&link, "approve", &asked.form()).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(done.headers["location"], format!("{link}/run"));
    assert_eq!(front.state().await, "approved");

    let waits = phone.get(&format!("{link}/run")).await;
    waits.says(200, "Approved");
    assert!(
        waits.text.contains("http-equiv=\"refresh\""),
        "{}",
        waits.text
    );
    front.bridge.run(0).await;
    let over = phone.get(&format!("{link}/run")).await;
    over.says(200, "Fixed and verified").says(200, "ended well");
    assert!(
        !over.text.contains("http-equiv=\"refresh\""),
        "{}",
        over.text
    );

    let told = front.told("action.approved").await;
    let actor = json!({ "kind": "person", "name": "anna", "uid": 1_000 });
    assert_eq!(told["actor"], actor);
    let device = json!({ "number": 1, "label": "Chrome on Android", "channel": "terminal" });
    assert_eq!(told["body"]["device"], device);
    front.bridge.log_is_intact().await;
}

pub(crate) async fn two_taps_reject_with_a_reason(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let asked = phone.ask(&link, "reject").await;
    asked.says(200, "Reject action 0 revision 1 on web1?");
    asked.says(200, "Why not?");
    let done = phone.decide(&link, "reject", &asked.form()).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(front.state().await, "rejected");
    let told = front.told("action.rejected").await;
    assert_eq!(told["body"]["text"], "not now");
    assert_eq!(told["body"]["device"]["number"], 1);
    let page = phone.get(&format!("{link}/run")).await;
    page.says(200, "Rejected").says(200, "not now");
}

pub(crate) async fn a_rejection_without_a_reason_is_asked_again(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let form = phone.ask(&link, "reject").await.form();
    let body = format!("decision=reject&form={form}&reason=+%0A+");
    let again = phone.post(&format!("{link}/decide"), &body).await;
    again.says(422, "A rejection needs a reason");
    assert_eq!(front.state().await, "held");
    let done = phone.decide(&link, "reject", &again.form()).await;
    assert_eq!(done.status, 303);
    assert_eq!(front.state().await, "rejected");
}

pub(crate) async fn two_taps_at_the_same_moment_from_two_devices_approve_once(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let mut tablet = front.browser_of(&anna()).await;
    let phone_form = phone.ask(&link, "approve").await.form();
    let tablet_form = tablet.ask(&link, "approve").await.form();
    let (one, two) = tokio::join!(
        phone.decide(&link, "approve", &phone_form),
        tablet.decide(&link, "approve", &tablet_form)
    );
    let (done, refused) = if one.status == 303 {
        (one, two)
    } else {
        (two, one)
    };
    assert_eq!(done.status, 303, "{}", done.read());
    refused.says(410, "This link was used already");
    front.told("action.approved").await;
    assert_eq!(front.state().await, "approved");
}

pub(crate) async fn the_same_tap_twice_approves_once(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let form = phone.ask(&link, "approve").await.form();
    let mut same = phone.clone();
    let (one, two) = tokio::join!(
        phone.decide(&link, "approve", &form),
        same.decide(&link, "approve", &form)
    );
    let (done, late) = if one.status == 303 {
        (one, two)
    } else {
        (two, one)
    };
    assert_eq!(done.status, 303, "{}", done.read());
    late.says(410, "You approved action 0 on it, in this browser");
    late.says(410, "See what became of it");
    front.told("action.approved").await;
}

pub(crate) async fn at_the_door_of_another_controller_it_is_the_same(mut front: Front) {
    let (other, door) = front.another_door().await;
    let made = other.own_link(ActionNumber(0), &anna()).await;
    let link = front.path_of(&made.expect("a link").url);
    let mut phone = front.browser_of(&anna()).await;
    phone.get(&link).await.says(200, "What runs, to the byte");
    let form = phone.ask(&link, "approve").await.form();
    // The next request meets another controller, or the same one after a restart: it has nothing but the store.
    phone.address = door;
    phone.get(&link).await.says(200, "What runs, to the byte");
    let done = phone.decide(&link, "approve", &form).await;
    assert_eq!(done.status, 303, "{}", done.read());
    phone
        .get(&format!("{link}/run"))
        .await
        .says(200, "Approved");
    phone.address = front.address;
    let late = phone.decide(&link, "approve", &form).await;
    late.says(410, "You approved action 0 on it, in this browser");
    front.told("action.approved").await;
    front.bridge.log_is_intact().await;
}

pub(crate) async fn what_was_not_decided_yet_leads_back_to_the_sheet(front: Front) {
    let link = front.link(&anna()).await;
    let phone = front.browser_of(&anna()).await;
    let page = phone.get(&format!("{link}/run")).await;
    assert_eq!(page.status, 303, "{}", page.read());
    assert_eq!(page.headers["location"], link);
}

pub(crate) async fn a_page_that_waits_for_long_looks_less_often(front: Front) {
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    assert_eq!(phone.approve(&link).await.status, 303);
    for (later, seconds) in [(0, 3), (2, 15), (60, 60)] {
        front.bridge.clock.advance(MINUTE * later);
        let page = phone.get(&format!("{link}/run")).await;
        page.says(
            200,
            &format!("looks again by itself every {seconds} seconds"),
        );
        let refresh = format!("http-equiv=\"refresh\" content=\"{seconds}\"");
        assert!(page.text.contains(&refresh), "{}", page.text);
    }
}

/// Puts the same steps in the place of action 0's, as anna's own wish.
async fn edited_by_anna(front: &Front) {
    let edit = Edit {
        revision: watchkeeper_model::Revision(1),
        steps: vec![Step::UnitStart {
            unit: UnitName::new(NGINX).expect("a unit"),
        }],
        undo: Vec::new(),
        reason: None,
    };
    let edited = front.bridge.watch.edit(ActionNumber(0), anna(), edit);
    edited.await.expect("it can be edited");
}

pub(crate) async fn nobody_approves_their_own_request_from_a_phone(front: Front) {
    edited_by_anna(&front).await;
    let link = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    let sheet = phone.get(&link).await;
    sheet.says(200, "anna asked for this, so somebody else must approve it");
    assert!(!sheet.text.contains("value=\"approve\""), "{}", sheet.text);
    let refused = phone.approve(&link).await;
    refused.says(403, "somebody else must approve it");
    assert_eq!(front.state().await, "held");
    let link = front.link(&bert()).await;
    let done = front.browser_of(&bert()).await.approve(&link).await;
    assert_eq!(done.status, 303, "{}", done.read());
}

pub(crate) async fn where_two_must_approve_one_link_is_one_approval(front: Front) {
    let orders = "schema = 1\n[[approval]]\nname = \"two\"\nwhen = { steps = [\"unit_restart\"] }\napprovers = 2\n";
    front
        .bridge
        .under(watchkeeper_model::Autonomy::Suggest, orders);
    let annas = front.link(&anna()).await;
    let mut phone = front.browser_of(&anna()).await;
    assert_eq!(phone.approve(&annas).await.status, 303);
    assert_eq!(front.state().await, "held");
    let page = phone.get(&format!("{annas}/run")).await;
    page.says(200, "Approved by you, and more must");
    phone
        .get(&annas)
        .await
        .says(410, "This link was used already");
    let berts = front.link(&bert()).await;
    let done = front.browser_of(&bert()).await.approve(&berts).await;
    assert_eq!(done.status, 303, "{}", done.read());
    assert_eq!(front.state().await, "approved");
}
