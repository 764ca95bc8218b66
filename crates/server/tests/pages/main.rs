//! The pages as browsers meet them: over TCP, on both databases, over a simulated host. Roles are kept in a directory of
//! the test's own, from which they can be taken away.

#[path = "../../../watch/tests/use_cases/bridge.rs"]
#[expect(
    dead_code,
    reason = "the bridge is shared with the use cases, which use more of it"
)]
mod bridge;
mod deciding;
mod devices;
mod front;
mod guarding;
mod refusing;

macro_rules! on_both {
    ($($module:ident { $($case:ident)* })*) => {
        mod pg {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(crate::front::Front::on_postgres().await).await;
                })*
            })*
        }
        mod lite {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(crate::front::Front::on_sqlite().await).await;
                })*
            })*
        }
    };
}

on_both! {
    deciding {
        two_taps_approve_and_the_page_tells_how_it_goes
        two_taps_reject_with_a_reason
        a_rejection_without_a_reason_is_asked_again
        at_the_door_of_another_controller_it_is_the_same
        what_was_not_decided_yet_leads_back_to_the_sheet
        a_page_that_waits_for_long_looks_less_often
        two_taps_at_the_same_moment_from_two_devices_approve_once
        the_same_tap_twice_approves_once
        nobody_approves_their_own_request_from_a_phone
        where_two_must_approve_one_link_is_one_approval
    }
    devices {
        a_browser_is_made_known_by_its_address_and_a_tap
        an_address_makes_one_browser_known_and_not_for_long
        an_address_that_is_sent_is_half_of_what_is_needed
        an_address_that_no_channel_takes_is_said_to_be_lost
        a_browser_that_is_made_known_again_is_one_browser
        a_browser_that_was_removed_decides_nothing
        only_who_may_decide_has_a_browser_made_known
    }
    refusing {
        a_forwarded_link_shows_no_action
        a_link_that_was_used_is_refused
        a_link_that_has_expired_is_refused
        a_newer_link_takes_the_place_of_the_one_before_it
        a_link_to_what_was_edited_says_what_stands
        what_was_decided_elsewhere_is_said
        what_was_withdrawn_is_said
        what_is_stale_is_said
        a_wrong_token_leads_nowhere
        a_role_that_was_taken_away_counts_at_once
        an_account_that_was_made_again_is_not_the_same_person
        a_link_of_a_person_without_role_is_refused
        a_form_counts_once_on_its_device_and_for_ten_minutes
    }
    guarding {
        looking_changes_nothing
        a_bot_that_opens_every_address_twenty_times_never_approves
        a_form_from_another_site_is_refused
        below_a_path_that_a_proxy_takes_off_all_is_the_same
        below_a_path_that_a_proxy_leaves_on_all_is_the_same
        a_host_that_somebody_names_is_nothing
        a_script_of_the_same_site_sends_no_forms
        who_asks_too_much_is_told_to_wait
        every_answer_has_its_headers
        nothing_of_the_api_is_served
        what_is_no_form_of_ours_is_refused
    }
}
