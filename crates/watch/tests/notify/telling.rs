//! What is told, in which words, and where.

use watchkeeper_model::{Autonomy, IssueState, Severity};
use watchkeeper_notify::{Route, open};
use watchkeeper_testkit::push::Gotify;
use watchkeeper_watch::Web;

use crate::bridge::{MINUTE, NGINX, ann};
use crate::ground::{Ground, TOKEN};

pub(crate) async fn ten_hosts_with_one_cause_are_one_message(mut ground: Ground) {
    for _ in 1..10 {
        ground.bridge.add_host().await;
    }
    ground.tells(&ground.bridge.watch, |_| ()).await;
    for host in &ground.bridge.hosts {
        host.unit(NGINX).fails("exit-code");
    }
    ground.bridge.check().await;
    ground.pass().await;
    let messages = ground.messages();
    let about: Vec<_> = messages
        .iter()
        .filter(|message| message.title.contains(NGINX))
        .collect();
    assert_eq!(about.len(), 1, "{:?}", ground.titles());
    assert!(
        about[0].title.ends_with(", and on 9 other hosts"),
        "{}",
        about[0].title
    );
    for place in 1..=10 {
        assert!(about[0].message.contains(&format!("`web{place}`")));
    }
}

pub(crate) async fn an_end_goes_only_where_the_beginning_went(ground: Ground) {
    let other = Gotify::start(TOKEN).await;
    let ops = open(ground.settings("ops", &other.url())).expect("a channel");
    let route = |severity, channel: &str| Route {
        severity,
        channels: vec![channel.to_owned()],
        ..Route::default()
    };
    let watch = &ground.bridge.watch;
    ground
        .tells(watch, |notifying| {
            notifying.channels.push(ops);
            notifying.routes = vec![
                route(Severity::Critical, "phone"),
                route(Severity::Warning, "ops"),
            ];
        })
        .await;
    let both = async || {
        ground.pass().await;
        watch.deliver("ops").await.expect("the store answers");
    };
    let issue = ground
        .trouble("the printer smells", Severity::Warning)
        .await;
    both().await;
    watch
        .change_issue(issue, ann(), IssueState::Resolved, None)
        .await
        .expect("resolved");
    both().await;
    assert!(ground.titles().is_empty(), "the phone never heard of it");
    let titles: Vec<String> = other.messages().into_iter().map(|one| one.title).collect();
    assert_eq!(
        titles,
        [
            "warning: the printer smells",
            "resolved: the printer smells"
        ]
    );
    // What comes and goes before it was told is one message.
    let issue = ground.trouble("a short one", Severity::Warning).await;
    watch
        .change_issue(issue, ann(), IssueState::Resolved, None)
        .await
        .expect("resolved");
    both().await;
    let last = other.messages().pop().expect("a message");
    assert_eq!(
        (last.title.as_str(), last.priority),
        ("came and went: a short one", 2)
    );
}

pub(crate) async fn secrets_and_hostile_titles_do_no_harm(ground: Ground) {
    let hostile = "PASSWORD=hunter2-is-long [x](http://evil) <b>now</b> `id` # head";
    ground.trouble(hostile, Severity::Critical).await;
    ground.pass().await;
    let message = &ground.messages()[0];
    for text in [&message.title, &message.message] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    assert!(
        message
            .message
            .contains("[x](http://evil) <b>now</b> 'id' # head`"),
        "{}",
        message.message
    );
    let deliveries = ground.deliveries().await;
    assert!(!format!("{deliveries:?}").contains("hunter2"));
}

pub(crate) async fn a_repair_and_its_outcome_are_told(ground: Ground) {
    let bridge = &ground.bridge;
    bridge.autonomy(Autonomy::Suggest);
    bridge.host().unit(NGINX).fails("exit-code");
    bridge.check().await;
    ground.pass().await;
    bridge.approve(0).await;
    bridge.run(0).await;
    ground.bridge.clock.advance(5 * MINUTE);
    ground.pass().await;
    let messages = ground.messages();
    let last = messages
        .iter()
        .rfind(|message| message.title.contains(NGINX))
        .expect("its end is told");
    assert!(last.title.starts_with("resolved: web1: "), "{}", last.title);
    assert!(last.message.contains("fixed it"), "{}", last.message);
    assert_eq!(last.priority, 2);
}

pub(crate) async fn a_message_about_a_held_action_leads_its_person_to_it(ground: Ground) {
    let watch = &ground.bridge.watch;
    watch.use_web(Web {
        public_url: Some("https://watch.example.org".to_owned()),
        ..Web::default()
    });
    let mut settings = ground.settings("phone", &ground.gotify.url());
    settings.person = Some("ann".to_owned());
    let anns = open(settings).expect("a channel");
    ground
        .tells(watch, |notifying| notifying.channels = vec![anns])
        .await;
    ground.bridge.autonomy(Autonomy::Suggest);
    ground.bridge.host().unit(NGINX).fails("exit-code");
    ground.bridge.check().await;
    ground.pass().await;
    let messages = ground.messages();
    let about = messages
        .iter()
        .find(|message| message.title.contains("action 0 waits"))
        .expect("it is told");
    let click = about.extras["client::notification"]["click"]["url"]
        .as_str()
        .expect("a page");
    assert!(click.starts_with("https://watch.example.org/a/"), "{click}");
    let deliveries = ground.deliveries().await;
    let kept = serde_json::to_string(&deliveries).expect("JSON");
    assert!(!kept.contains("/a/"), "the link is kept nowhere");
}
