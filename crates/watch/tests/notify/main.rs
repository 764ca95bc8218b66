//! That people are told: once, where they should be, and whatever happens to channels, clocks and controllers.

// What the use cases stand on, and the cases here do not use all of.
#[path = "../use_cases/bridge.rs"]
#[expect(dead_code, reason = "the bridge carries more than these cases")]
mod bridge;

mod channels;
mod clocks;
mod configured;
mod controllers;
mod ground;
mod people;
mod reading;
mod seeds;
mod telling;
mod truth;

/// Runs a case on SQLite and on Postgres.
macro_rules! on_both {
    ($($case:path as $name:ident;)*) => {
        mod lite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $case(crate::ground::Ground::over(crate::bridge::Bridge::on_sqlite().await).await).await;
            })*
        }
        mod pg {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $case(crate::ground::Ground::over(crate::bridge::Bridge::on_postgres().await).await).await;
            })*
        }
    };
}

on_both! {
    crate::channels::a_day_without_gotify_ends_in_a_summary_and_the_critical_ones as a_day_without_gotify_ends_in_a_summary_and_the_critical_ones;
    crate::channels::a_refused_token_is_not_tried_without_end_and_a_mended_one_at_once as a_refused_token_is_not_tried_without_end_and_a_mended_one_at_once;
    crate::channels::slowness_never_delays_a_look as slowness_never_delays_a_look;
    crate::channels::a_dead_channel_is_an_issue_that_the_others_hear_of as a_dead_channel_is_an_issue_that_the_others_hear_of;
    crate::channels::a_server_that_asks_for_patience_gets_it as a_server_that_asks_for_patience_gets_it;
    crate::channels::a_channel_that_is_down_is_tried_once_a_pause_whoever_looks as a_channel_that_is_down_is_tried_once_a_pause_whoever_looks;
    crate::channels::another_address_is_tried_at_once as another_address_is_tried_at_once;
    crate::channels::one_refused_message_is_no_message_taken as one_refused_message_is_no_message_taken;
    crate::channels::what_a_channel_never_takes_is_given_up_and_said as what_a_channel_never_takes_is_given_up_and_said;
    crate::channels::a_channel_that_was_renamed_hears_the_end as a_channel_that_was_renamed_hears_the_end;
    crate::channels::what_a_removed_channel_leaves_behind_is_seen_and_cleared as what_a_removed_channel_leaves_behind_is_seen_and_cleared;
    crate::channels::a_message_under_way_is_not_sent_again_by_who_asks as a_message_under_way_is_not_sent_again_by_who_asks;
    crate::channels::of_several_tries_only_the_last_has_a_link_that_counts as of_several_tries_only_the_last_has_a_link_that_counts;
    crate::clocks::a_leap_of_the_clock_gives_up_nothing as a_leap_of_the_clock_gives_up_nothing;
    crate::clocks::in_quiet_hours_nothing_is_written_for_what_waits as in_quiet_hours_nothing_is_written_for_what_waits;
    crate::clocks::a_clock_set_back_and_forth_makes_neither_storm_nor_silence as a_clock_set_back_and_forth_makes_neither_storm_nor_silence;
    crate::clocks::quiet_hours_keep_back_what_can_wait as quiet_hours_keep_back_what_can_wait;
    crate::clocks::the_digest_comes_once_a_day as the_digest_comes_once_a_day;
    crate::clocks::what_stays_critical_is_told_again_until_somebody_knows as what_stays_critical_is_told_again_until_somebody_knows;
    crate::controllers::two_controllers_send_one_message as two_controllers_send_one_message;
    crate::controllers::a_restart_in_the_middle_of_a_delivery_loses_nothing as a_restart_in_the_middle_of_a_delivery_loses_nothing;
    crate::people::what_a_person_says_goes_out_at_once_and_is_kept as what_a_person_says_goes_out_at_once_and_is_kept;
    crate::people::what_was_given_up_can_be_sent_again as what_was_given_up_can_be_sent_again;
    crate::people::what_waits_for_a_channel_that_is_gone_is_given_up_and_seen as what_waits_for_a_channel_that_is_gone_is_given_up_and_seen;
    crate::people::a_test_tells_what_is_wrong as a_test_tells_what_is_wrong;
    crate::people::a_test_goes_first_and_only_the_last_one_waits as a_test_goes_first_and_only_the_last_one_waits;
    crate::people::who_says_something_to_a_dead_channel_hears_that_it_is as who_says_something_to_a_dead_channel_hears_that_it_is;
    crate::people::too_many_messages_wait_for_the_next_hour as too_many_messages_wait_for_the_next_hour;
    crate::reading::who_has_no_channel_takes_nothing_from_who_has as who_has_no_channel_takes_nothing_from_who_has;
    crate::reading::what_nobody_heard_for_a_day_is_told_no_more as what_nobody_heard_for_a_day_is_told_no_more;
    crate::seeds::refused_by_autonomy_is_told_once as refused_by_autonomy_is_told_once;
    crate::seeds::one_trouble_over_ten_looks_is_told_once as one_trouble_over_ten_looks_is_told_once;
    crate::seeds::a_changed_host_key_is_told_as_critical as a_changed_host_key_is_told_as_critical;
    crate::telling::ten_hosts_with_one_cause_are_one_message as ten_hosts_with_one_cause_are_one_message;
    crate::telling::an_end_goes_only_where_the_beginning_went as an_end_goes_only_where_the_beginning_went;
    crate::telling::secrets_and_hostile_titles_do_no_harm as secrets_and_hostile_titles_do_no_harm;
    crate::telling::a_repair_and_its_outcome_are_told as a_repair_and_its_outcome_are_told;
    crate::truth::an_end_that_waits_is_not_told_when_the_trouble_is_back as an_end_that_waits_is_not_told_when_the_trouble_is_back;
    crate::truth::an_end_that_was_tried_is_not_told_when_the_trouble_is_back as an_end_that_was_tried_is_not_told_when_the_trouble_is_back;
    crate::truth::nobody_is_asked_for_what_was_decided_meanwhile as nobody_is_asked_for_what_was_decided_meanwhile;
    crate::truth::what_comes_late_says_when_it_happened as what_comes_late_says_when_it_happened;
    crate::telling::a_message_about_a_held_action_leads_its_person_to_it as a_message_about_a_held_action_leads_its_person_to_it;
}
