//! What every way to a host must do alike. One list of cases, run over each engine: this machine, the system's `ssh`
//! and russh, the last two over a real OpenSSH server that the test starts; and over a simulated host, so that what
//! stands on one stands on a real one too.

mod cases;
mod failures;
mod subject;

/// Makes a test of each case for each engine, so that a failure names both.
macro_rules! conformance {
    ($($engine:ident: $($case:ident)*;)*) => {
        $(mod $engine {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let subject = crate::subject::Subject::$engine();
                crate::cases::$case(&subject).await;
                subject.end().await;
            })*
        })*
    };
}

conformance! {
    local:
        arguments_and_input_arrive_byte_for_byte
        empty_input_is_an_end_of_file
        three_mebibytes_come_back_exactly
        output_and_errors_are_kept_apart
        an_exit_status_is_the_programs_own
        a_program_that_is_not_there_ends_with_127
        a_signal_is_named
        a_slow_command_is_waited_for
        the_time_limit_ends_the_command_on_the_host
        a_command_that_ignores_term_is_killed
        too_much_output_ends_the_command
        there_is_no_terminal
        the_environment_is_fixed
        two_commands_run_at_once
        what_a_command_leaves_running_does_not_hold_its_result
        the_superuser_needs_no_sudo
        a_command_that_is_let_go_of_is_killed;
    simulated:
        arguments_and_input_arrive_byte_for_byte
        empty_input_is_an_end_of_file
        three_mebibytes_come_back_exactly
        output_and_errors_are_kept_apart
        an_exit_status_is_the_programs_own
        a_program_that_is_not_there_ends_with_127
        a_signal_is_named
        a_slow_command_is_waited_for
        the_time_limit_ends_the_command_on_the_host
        a_command_that_ignores_term_is_killed
        too_much_output_ends_the_command
        there_is_no_terminal
        the_environment_is_fixed
        two_commands_run_at_once
        what_a_command_leaves_running_does_not_hold_its_result;
    system_ssh:
        arguments_and_input_arrive_byte_for_byte
        empty_input_is_an_end_of_file
        three_mebibytes_come_back_exactly
        output_and_errors_are_kept_apart
        an_exit_status_is_the_programs_own
        a_program_that_is_not_there_ends_with_127
        a_signal_is_named
        a_slow_command_is_waited_for
        the_time_limit_ends_the_command_on_the_host
        a_command_that_ignores_term_is_killed
        too_much_output_ends_the_command
        there_is_no_terminal
        the_environment_is_fixed
        two_commands_run_at_once
        what_a_command_leaves_running_does_not_hold_its_result
        the_superuser_needs_no_sudo
        a_connection_is_kept_and_used_again
        a_closed_connection_is_made_anew
        a_cut_connection_is_a_loss_and_the_next_command_connects_anew
        the_time_limit_holds_though_the_connection_is_cut;
    russh:
        arguments_and_input_arrive_byte_for_byte
        empty_input_is_an_end_of_file
        three_mebibytes_come_back_exactly
        output_and_errors_are_kept_apart
        an_exit_status_is_the_programs_own
        a_program_that_is_not_there_ends_with_127
        a_signal_is_named
        a_slow_command_is_waited_for
        the_time_limit_ends_the_command_on_the_host
        a_command_that_ignores_term_is_killed
        too_much_output_ends_the_command
        there_is_no_terminal
        the_environment_is_fixed
        two_commands_run_at_once
        what_a_command_leaves_running_does_not_hold_its_result
        the_superuser_needs_no_sudo
        a_connection_is_kept_and_used_again
        a_closed_connection_is_made_anew
        a_cut_connection_is_a_loss_and_the_next_command_connects_anew
        the_time_limit_holds_though_the_connection_is_cut;
}

/// The same for what keeps a connection from coming about.
macro_rules! failures {
    ($($engine:ident as $module:ident),*: $cases:tt) => {
        $(mod $module {
            failures!(@each $engine $cases);
        })*
    };
    (@each $engine:ident { $($case:ident)* }) => {
        $(#[tokio::test]
        async fn $case() {
            crate::failures::$case(crate::subject::$engine).await;
        })*
    };
}

failures! {
    system_ssh as system_ssh_failures, russh as russh_failures: {
        an_unknown_host_key_is_refused_with_its_fingerprint
        a_changed_host_key_blocks
        a_server_that_takes_passwords_only_is_told
        a_key_that_is_not_let_in_is_a_refused_login
        a_key_file_that_is_not_there_is_an_unusable_key
        a_closed_port_is_unreachable
        a_name_without_an_address_is_told
        a_server_that_says_nothing_is_silent
        a_failure_at_a_jump_host_is_that_hosts
    }
}
