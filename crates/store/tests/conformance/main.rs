//! One list of cases, each run on Postgres and on SQLite: what is true of one store is true of the other.

mod ground;

mod actions;
mod claims;
mod jobs;
mod log;
mod migrations;
mod rows;
mod runs;
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
    claims {
        of_two_who_claim_an_action_one_wins
        of_two_stores_that_claim_an_action_one_wins
        of_two_approvals_one_counts
        an_action_that_somebody_has_is_passed_over
        a_second_run_of_an_action_is_refused
    }
}
