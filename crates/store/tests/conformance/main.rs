//! One list of cases, each run on Postgres and on SQLite: what is true of one store is true of the other.

#![expect(clippy::unwrap_used, reason = "a case that cannot go on has failed")]

mod ground;

mod actions;
mod backup;
mod claims;
mod conversations;
mod dropped;
mod entries;
mod jobs;
mod links;
mod log;
mod looked_at;
mod migrations;
mod notices;
mod queue;
mod room;
mod rows;
mod runs;
mod said;
mod trouble;
mod watch;

macro_rules! on_both {
    ($($module:ident { $($case:ident)* })*) => {
        mod pg {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(&crate::ground::Ground::postgres().await).await;
                })*
            })*
        }
        mod lite {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::$module::$case(&crate::ground::Ground::sqlite()).await;
                })*
            })*
        }
    };
}

on_both! {
    actions {
        an_action_reads_back_as_it_was_written
        numbers_begin_at_zero_and_have_no_gaps
        a_change_from_a_stale_state_is_a_conflict
        a_change_cannot_smuggle_in_another_plan
        an_edit_is_a_new_revision_and_keeps_the_old_one
        lists_are_filtered_and_paged
        what_is_due_is_found_by_its_clock
        the_same_fix_is_found_in_any_revision
    }
    backup {
        what_is_backed_up_while_others_write_is_one_moment
        a_backup_can_be_restored_into_either_database
        a_backup_of_an_older_version_is_brought_up_to_date
        what_was_cut_or_changed_is_refused_and_changes_nothing
        a_backup_of_a_newer_version_is_refused
        what_is_no_plain_file_of_a_plain_name_is_refused
        a_store_that_is_not_empty_is_left_alone
        what_was_approved_before_is_not_run_after
        what_one_of_two_approved_before_waits_for_both_again
        a_number_that_somebody_saw_is_not_given_to_another_action
        values_of_every_kind_come_back_as_they_were
        a_large_table_comes_in_parts_and_comes_back_whole
    }
    claims {
        of_two_who_claim_an_action_one_wins
        of_two_stores_that_claim_an_action_one_wins
        of_two_approvals_one_counts
        an_action_that_somebody_has_is_passed_over
        a_second_run_of_an_action_is_refused
    }
    conversations {
        what_was_said_reads_back_in_order
        conversations_are_found_by_person_and_action
        two_who_speak_at_once_have_places_of_their_own
        nobody_speaks_where_there_is_no_conversation_nor_without_end
        what_the_next_answer_needs_is_kept_beside_the_talk
        an_old_talk_is_removed_whole_but_not_while_its_action_waits
    }
    runs {
        a_run_and_its_steps_read_back
        what_ran_without_a_person_is_counted
        a_run_whose_controller_is_lost_is_taken_over
        a_run_is_taken_over_by_who_has_its_host
        a_controller_that_was_given_up_cannot_speak
        a_step_ends_once
    }
    notices {
        a_delivery_reads_back_and_is_due_at_its_time
        of_two_controllers_one_has_a_channel
        only_who_has_the_channel_sends_and_what_is_tried_takes_in_nothing
        a_delivery_ends_once_and_what_was_given_up_can_be_sent_again
        what_is_critical_is_due_first_however_much_else_waits
        what_does_not_hold_any_more_ends_unsent
        how_a_channel_fares_and_who_heard_of_what_is_kept
        of_two_who_move_a_mark_one_moves_it
    }
    jobs {
        the_same_request_is_one_job
        jobs_are_served_by_priority_and_age
        two_workers_never_share_a_job
        a_lost_worker_costs_a_try
        a_job_is_given_up_after_its_last_try
        a_job_past_its_deadline_is_given_up
        a_cancelled_job_takes_no_result
    }
    queue {
        waiting_is_ageing
        a_noisy_host_holds_up_no_other
        a_share_is_of_one_host_and_priority
        what_is_too_much_is_refused
        a_refusal_leaves_the_transaction_good
        like_findings_share_one_job
        nobody_joins_a_job_that_is_answered
        a_job_answers_for_so_many_findings
        many_are_queued_as_each_would_be
        many_queue_at_once_and_none_is_lost
        asking_again_raises_a_job
        a_turn_records_what_is_done_and_takes_what_is_next
        a_corrupt_job_blocks_no_other
        a_mixed_hour_starves_nobody
        an_old_backlog_does_not_hold_up_what_is_urgent
    }
    room {
        of_two_who_fill_one_slot_one_gets_a_job
        a_slot_that_has_a_job_takes_no_other
        a_lane_takes_what_it_may
        a_paused_lane_takes_nothing
        one_job_makes_room_for_each_who_waits
        a_lane_that_is_free_needs_no_victim
        places_of_one_endpoint_are_counted_once
        however_long_it_waited_it_makes_room_for_a_person
        of_a_cancel_and_an_answer_one_counts
        lanes_are_known_by_what_they_said_last
    }
    said {
        what_a_job_says_is_read_from_any_place
        what_a_job_says_has_an_end
        what_was_reached_outlives_its_worker
        who_waits_is_told_their_place
        figures_tell_how_the_queue_is_doing
        a_dead_job_can_be_asked_again
        a_list_finds_a_job_by_each_of_its_issues
        what_is_over_is_forgotten_but_not_what_is_gone_by
    }
    entries {
        an_entry_reads_back_as_it_was_written
        entries_are_filtered_and_paged
        what_is_brought_again_is_the_same_entry
        a_change_of_a_changed_entry_is_a_conflict
        an_index_that_follows_versions_misses_nothing
        keys_are_listed_by_their_beginning
        vectors_follow_what_their_entries_say
        a_vector_that_cannot_be_read_is_named
    }
    links {
        a_newer_link_ends_the_one_before_it
        a_link_reads_back_and_is_used_once
        a_link_that_is_too_old_is_not_used
        of_two_who_use_a_link_one_does
        a_form_counts_once_for_its_link_and_device
        a_browser_is_known_by_its_secret_until_it_is_removed
        what_makes_a_browser_known_is_good_once
        links_and_browsers_have_an_end
    }
    log {
        entries_are_chained_without_gaps_under_many_writers
        every_kind_of_tampering_is_found_where_it_is
        a_transaction_that_is_dropped_leaves_nothing
        entries_are_found_by_what_they_are_about
        an_export_can_be_verified_by_itself
        the_database_refuses_to_change_an_entry
        what_is_too_large_is_refused
        a_commit_wakes_who_waits
        a_part_of_the_log_can_be_verified
    }
    looked_at {
        a_look_reads_back_by_its_label
        the_same_look_made_again_takes_its_own_place
        looks_have_a_largest_size_and_an_end
    }
    migrations {
        migrations_apply_over_sample_data
        a_store_of_a_newer_version_is_refused
        an_edited_migration_is_refused
        many_open_a_new_store_at_once
    }
    rows {
        a_corrupt_row_is_named_and_hides_no_other
        every_text_survives
    }
    trouble {
        readers_do_not_wait_for_a_writer
        a_reader_sees_one_moment
        a_cancelled_transaction_leaves_the_store_usable
        a_transaction_in_which_a_statement_failed_cannot_commit
    }
    watch {
        inventory_disables_what_it_no_longer_names
        each_watch_has_its_own_hosts
        an_inventory_that_nobody_tells_of_is_forgotten
        what_a_wrong_clock_wrote_holds_nothing_up
        due_hosts_are_shared_between_controllers
        a_look_that_took_too_long_is_not_recorded
        several_are_claimed_at_once_but_not_what_somebody_has
        who_is_alone_ends_the_leases_of_who_is_gone
        failures_are_counted_in_a_row
        findings_are_kept_by_fingerprint
        a_finding_has_one_active_issue
        an_issue_moves_only_from_the_state_it_is_in
        a_recurrence_finds_the_issue_it_reopens
        issues_are_filtered_and_paged
        the_last_observation_outlives_retention
        samples_are_kept_for_a_while
    }
}
