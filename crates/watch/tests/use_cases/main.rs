//! The use cases, each on both databases, over simulated hosts behind a real SSH server.

mod asking;
mod bridge;
mod configured;
mod knowing;
mod looking;
mod ordering;
mod remembering;
mod repairing;
mod talking;
mod talking_on;

/// Runs a case on SQLite and on Postgres.
macro_rules! on_both {
    ($($(#[$doc:meta])* $case:path as $name:ident;)*) => {
        mod lite {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $case(crate::bridge::Bridge::on_sqlite().await).await;
            })*
        }
        mod pg {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $case(crate::bridge::Bridge::on_postgres().await).await;
            })*
        }
    };
}

on_both! {
    crate::asking::what_a_model_proposes_is_held_assessed_and_run_like_any_other as what_a_model_proposes_is_held_assessed_and_run_like_any_other;
    crate::asking::a_model_that_talks_nonsense_proposes_nothing as a_model_that_talks_nonsense_proposes_nothing;
    crate::asking::a_model_cannot_make_a_script_harmless as a_model_cannot_make_a_script_harmless;
    crate::asking::a_dead_model_holds_nothing_up as a_dead_model_holds_nothing_up;
    crate::asking::a_lost_worker_leaves_its_job_to_the_next as a_lost_worker_leaves_its_job_to_the_next;
    crate::knowing::what_is_taught_is_found_at_once_on_every_controller as what_is_taught_is_found_at_once_on_every_controller;
    crate::knowing::what_a_host_says_speaks_for_no_other_until_a_person_confirms_it as what_a_host_says_speaks_for_no_other_until_a_person_confirms_it;
    crate::knowing::what_a_model_says_of_no_host_speaks_for_none as what_a_model_says_of_no_host_speaks_for_none;
    crate::knowing::what_has_expired_is_not_found as what_has_expired_is_not_found;
    crate::knowing::secrets_do_not_stay_in_what_is_known as secrets_do_not_stay_in_what_is_known;
    crate::knowing::seeding_again_changes_nothing as seeding_again_changes_nothing;
    crate::knowing::seeding_leaves_what_a_person_decided as seeding_leaves_what_a_person_decided;
    crate::knowing::a_newer_shipped_text_is_taken_or_offered as a_newer_shipped_text_is_taken_or_offered;
    crate::remembering::a_look_writes_down_what_a_host_is_like_once as a_look_writes_down_what_a_host_is_like_once;
    crate::remembering::what_a_person_says_of_a_host_stays as what_a_person_says_of_a_host_stays;
    crate::remembering::a_host_that_is_gone_is_forgotten_after_a_while as a_host_that_is_gone_is_forgotten_after_a_while;
    crate::remembering::a_talk_is_kept_with_its_answers_and_speaks_for_its_host_only as a_talk_is_kept_with_its_answers_and_speaks_for_its_host_only;
    crate::remembering::a_talk_about_no_single_host_speaks_for_none_and_ends as a_talk_about_no_single_host_speaks_for_none_and_ends;
    crate::knowing::an_import_takes_or_refuses_each_line_and_again_changes_nothing as an_import_takes_or_refuses_each_line_and_again_changes_nothing;
    crate::knowing::entries_are_embedded_in_the_background_and_found_by_meaning_too as entries_are_embedded_in_the_background_and_found_by_meaning_too;
    crate::knowing::a_lane_that_does_not_answer_leaves_the_search_by_words as a_lane_that_does_not_answer_leaves_the_search_by_words;
    crate::knowing::a_lane_that_says_nothing_is_not_waited_for_twice as a_lane_that_says_nothing_is_not_waited_for_twice;
    crate::knowing::a_new_embedding_model_takes_over_when_it_is_complete as a_new_embedding_model_takes_over_when_it_is_complete;
    crate::knowing::configuration_files_of_a_host_are_kept_without_secrets as configuration_files_of_a_host_are_kept_without_secrets;
    crate::knowing::a_repository_is_kept_by_file_and_attribute as a_repository_is_kept_by_file_and_attribute;
    crate::looking::one_trouble_over_ten_cycles_is_one_issue as one_trouble_over_ten_cycles_is_one_issue;
    crate::looking::an_unreachable_host_resolves_nothing as an_unreachable_host_resolves_nothing;
    crate::looking::a_changed_host_key_blocks_and_raises_an_issue as a_changed_host_key_blocks_and_raises_an_issue;
    crate::looking::a_hanging_host_delays_nobody_else as a_hanging_host_delays_nobody_else;
    crate::looking::a_hanging_host_holds_the_doctor_up_for_no_other as a_hanging_host_holds_the_doctor_up_for_no_other;
    crate::looking::what_is_too_old_goes_however_much_it_is as what_is_too_old_goes_however_much_it_is;
    crate::looking::people_handle_issues as people_handle_issues;
    crate::ordering::where_two_must_approve_one_is_not_enough as where_two_must_approve_one_is_not_enough;
    crate::ordering::two_people_who_approve_at_one_moment_both_count as two_people_who_approve_at_one_moment_both_count;
    crate::ordering::nobody_approves_their_own_request as nobody_approves_their_own_request;
    crate::ordering::a_freeze_stops_even_what_was_approved as a_freeze_stops_even_what_was_approved;
    crate::ordering::a_spent_budget_waits_for_a_person as a_spent_budget_waits_for_a_person;
    crate::ordering::the_same_on_many_hosts_waits_for_a_person as the_same_on_many_hosts_waits_for_a_person;
    crate::ordering::a_denied_action_is_refused_and_says_by_which_order as a_denied_action_is_refused_and_says_by_which_order;
    crate::repairing::the_way_from_a_finding_to_a_verified_repair as the_way_from_a_finding_to_a_verified_repair;
    crate::repairing::two_approvals_at_one_moment_are_one_execution as two_approvals_at_one_moment_are_one_execution;
    crate::repairing::two_runners_at_one_moment_are_one_execution as two_runners_at_one_moment_are_one_execution;
    crate::repairing::a_lost_controller_is_taken_over_and_nothing_runs_twice as a_lost_controller_is_taken_over_and_nothing_runs_twice;
    crate::repairing::a_rejected_fix_is_not_proposed_again as a_rejected_fix_is_not_proposed_again;
    crate::repairing::an_edit_voids_the_approval_and_is_judged_again as an_edit_voids_the_approval_and_is_judged_again;
    crate::repairing::a_host_that_healed_itself_makes_the_action_stale as a_host_that_healed_itself_makes_the_action_stale;
    crate::repairing::what_does_not_help_is_escalated_after_three_tries as what_does_not_help_is_escalated_after_three_tries;
    crate::repairing::what_is_restarted_again_and_again_is_not_fixed as what_is_restarted_again_and_again_is_not_fixed;
    crate::repairing::nobody_decides_and_it_expires as nobody_decides_and_it_expires;
    crate::repairing::observe_records_and_never_runs as observe_records_and_never_runs;
    crate::repairing::at_auto_full_no_person_is_needed as at_auto_full_no_person_is_needed;
    crate::talking::a_question_is_answered_once_and_kept as a_question_is_answered_once_and_kept;
    crate::talking::a_talk_is_its_persons_own as a_talk_is_its_persons_own;
    crate::talking::one_question_of_a_talk_at_a_time as one_question_of_a_talk_at_a_time;
    crate::talking::where_no_model_is_nobody_is_kept_waiting as where_no_model_is_nobody_is_kept_waiting;
    crate::talking::a_secret_that_a_person_types_goes_nowhere as a_secret_that_a_person_types_goes_nowhere;
    crate::talking::a_wish_becomes_an_action_of_the_person_who_wished as a_wish_becomes_an_action_of_the_person_who_wished;
    crate::talking::a_wish_that_is_not_clear_is_asked_back_and_proposes_nothing as a_wish_that_is_not_clear_is_asked_back_and_proposes_nothing;
    crate::talking::nothing_that_is_said_in_a_discussion_approves as nothing_that_is_said_in_a_discussion_approves;
    crate::talking::a_change_in_a_discussion_is_a_new_revision_and_voids_the_approval as a_change_in_a_discussion_is_a_new_revision_and_voids_the_approval;
    crate::talking::a_change_of_what_has_changed_meanwhile_is_not_made as a_change_of_what_has_changed_meanwhile_is_not_made;
    crate::talking::a_decision_is_kept_with_the_talk_that_led_to_it as a_decision_is_kept_with_the_talk_that_led_to_it;
    crate::talking_on::a_long_talk_is_summed_up_once as a_long_talk_is_summed_up_once;
    crate::talking_on::what_is_known_is_told_with_a_question_and_speaks_for_its_hosts_only as what_is_known_is_told_with_a_question_and_speaks_for_its_hosts_only;
    crate::talking_on::a_discussion_is_told_what_was_done_about_the_like_before as a_discussion_is_told_what_was_done_about_the_like_before;
    crate::talking_on::who_may_not_ask_any_more_gets_no_answer as who_may_not_ask_any_more_gets_no_answer;
    crate::talking_on::who_loses_their_role_while_it_is_answered_has_nothing_proposed as who_loses_their_role_while_it_is_answered_has_nothing_proposed;
    crate::talking_on::a_role_that_no_account_gave_counts_as_it_was as a_role_that_no_account_gave_counts_as_it_was;
    crate::talking_on::what_an_answer_rests_on_is_remembered_longer_than_its_looks as what_an_answer_rests_on_is_remembered_longer_than_its_looks;
    crate::talking_on::a_talk_ends_after_its_time_and_the_log_says_so as a_talk_ends_after_its_time_and_the_log_says_so;
}
