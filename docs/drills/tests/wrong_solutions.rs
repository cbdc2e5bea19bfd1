//! What proves the graders: each finds the mistakes that learners make, and names the requirement that is not met.
#![forbid(unsafe_code)]

mod wrong;

use drills::graders as of;
use drills::{Check, Failure, Orders, by_number, grade};
use std::fs;
use std::path::Path;
use wrong::RIGHT;

/// The failure of a wrong solution.
fn failure(drill: u32, checks: &[Check]) -> Box<Failure> {
    let drill = by_number(drill).expect("there is such a drill");
    grade(drill, checks, Orders::Many).expect_err("the grader has not found the mistake")
}

/// The grader says that a solution does not meet this requirement, which begins with these words.
#[track_caller]
fn is_caught(drill: u32, checks: &[Check], requirement: &str) {
    let failure = failure(drill, checks);
    assert!(failure.requirement.starts_with(requirement), "{failure}");
    let text = failure.to_string();
    assert!(text.contains(&format!("-- {drill} --seed={}", failure.seed)), "{text}");
    assert!(text.contains("\n  async fn ") && text.contains("The trace up to the failure"), "{text}");
    assert!(!failure.what.is_empty() && failure.trace.iter().all(|line| !line.contains('\n')), "{text}");
}

/// What the wrong solutions are made of is right without a mistake.
#[track_caller]
fn passes(drill: u32, checks: &[Check]) {
    let drill = by_number(drill).expect("there is such a drill");
    grade(drill, checks, Orders::Many).unwrap_or_else(|failure| panic!("{failure}"));
}

mod handover {
    use super::*;
    use of::handover::checks;
    use wrong::handover::*;

    #[test]
    fn one_without_a_mistake_passes() {
        passes(1, &checks::<Handover<RIGHT>>());
    }

    #[test]
    fn one_that_keeps_the_first_waker_is_caught() {
        is_caught(1, &checks::<Handover<FIRST_WAKER>>(), "The task that polled last is woken");
    }

    #[test]
    fn one_that_wakes_itself_all_the_time_is_caught() {
        is_caught(1, &checks::<Handover<SPINS>>(), "A task that waits is not polled");
    }

    #[test]
    fn one_that_leaves_the_value_is_caught() {
        is_caught(1, &checks::<Handover<COPIES>>(), "A value is taken once");
    }

    #[test]
    fn one_whose_dropped_take_takes_the_value_along_is_caught() {
        is_caught(1, &checks::<Handover<DROPS_THE_VALUE>>(), "A take that is dropped");
    }
}

mod event {
    use super::*;
    use of::event::checks;
    use wrong::event::*;

    #[test]
    fn one_without_a_mistake_passes() {
        passes(2, &checks::<Event<RIGHT>>());
    }

    #[test]
    fn one_that_wakes_a_single_task_is_caught() {
        is_caught(
            2,
            &checks::<Event<WAKES_ONE>>(),
            "No task goes on before the event is set, and then all do",
        );
    }

    #[test]
    fn one_that_loses_a_wake_when_it_is_cleared_is_caught() {
        is_caught(2, &checks::<Event<LOOKS_AGAIN>>(), "A wait that set has released goes on");
    }

    #[test]
    fn one_that_clear_does_not_clear_is_caught() {
        is_caught(2, &checks::<Event<STAYS_SET>>(), "A wait that begins after clear");
    }

    #[test]
    fn one_that_keeps_dropped_waits_is_caught() {
        is_caught(2, &checks::<Event<KEEPS_THE_DROPPED>>(), "A wait that is polled twice is one wait");
    }
}

mod semaphore {
    use super::*;
    use of::semaphore::checks;
    use wrong::semaphore::*;

    #[test]
    fn one_without_a_mistake_passes() {
        passes(3, &checks::<Semaphore<RIGHT>>());
    }

    #[test]
    fn one_without_a_limit_is_caught() {
        is_caught(3, &checks::<Semaphore<NO_LIMIT>>(), "A free permit is taken");
    }

    #[test]
    fn one_that_serves_the_last_first_is_caught() {
        is_caught(3, &checks::<Semaphore<LAST_FIRST>>(), "Permits go to the tasks in the order");
    }

    #[test]
    fn one_that_lets_newcomers_barge_in_is_caught() {
        is_caught(3, &checks::<Semaphore<BARGING>>(), "A permit that was released for a waiter");
    }

    /// `CURIO_BLESS=1` writes it.
    #[test]
    fn the_readme_shows_what_is_printed_for_one_that_lets_newcomers_barge_in() {
        let printed = failure(3, &checks::<Semaphore<BARGING>>()).to_string().replace('\\', "/");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let readme = fs::read_to_string(&file).expect("it is there").replace("\r\n", "\n");
        let (before, rest) = readme.split_once("```text\n").expect("it shows a failure");
        let (shown, after) = rest.split_once("```\n").expect("the failure ends");
        if std::env::var_os("CURIO_BLESS").is_some() {
            fs::write(&file, format!("{before}```text\n{printed}```\n{after}")).expect("it can be written");
        } else {
            assert_eq!(shown, printed);
        }
    }

    #[test]
    fn one_that_gives_a_permit_to_a_dropped_wait_is_caught() {
        is_caught(3, &checks::<Semaphore<SERVES_THE_DROPPED>>(), "A wait that is dropped gets no permit");
    }

    #[test]
    fn one_that_loses_a_permit_that_was_granted_is_caught() {
        is_caught(3, &checks::<Semaphore<LOSES_THE_GRANT>>(), "A wait that is dropped after it was granted");
    }
}

mod barrier {
    use super::*;
    use of::barrier::checks;
    use wrong::barrier::*;

    #[test]
    fn one_without_a_mistake_passes() {
        passes(4, &checks::<Barrier<RIGHT>>());
    }

    #[test]
    fn one_in_which_the_last_task_waits_is_caught() {
        is_caught(4, &checks::<Barrier<LAST_ONE_WAITS>>(), "No task goes on before the last one");
    }

    #[test]
    fn one_that_looks_at_a_count_that_is_reset_is_caught() {
        is_caught(4, &checks::<Barrier<LOOKS_AT_THE_COUNT>>(), "No task goes on before the last one");
    }

    #[test]
    fn one_that_calls_every_task_the_last_is_caught() {
        is_caught(4, &checks::<Barrier<ALL_ARE_LAST>>(), "No task goes on before the last one");
    }

    #[test]
    fn one_that_holds_in_the_first_round_alone_is_caught() {
        is_caught(4, &checks::<Barrier<ONE_ROUND>>(), "A barrier holds the tasks in every round");
    }

    #[test]
    fn one_that_counts_a_dropped_wait_is_caught() {
        is_caught(4, &checks::<Barrier<COUNTS_THE_DROPPED>>(), "A wait that is dropped does not count");
    }

    #[test]
    fn one_that_takes_an_arrival_from_the_next_round_is_caught() {
        is_caught(4, &checks::<Barrier<TAKES_BACK_TOO_MUCH>>(), "A wait that is dropped after its round");
    }
}

mod race {
    use super::*;
    use of::race::checks;
    use wrong::race::*;

    #[test]
    fn one_that_waits_for_both_is_caught() {
        is_caught(5, &checks::<WaitsForBoth>(), "The future that is ready first wins");
    }

    #[test]
    fn one_that_polls_the_second_first_is_caught() {
        is_caught(5, &checks::<SecondFirst>(), "Of two futures that are ready");
    }

    #[test]
    fn one_that_leaks_the_loser_is_caught() {
        is_caught(5, &checks::<LeavesATask<false>>(), "The loser has been dropped");
    }

    #[test]
    fn one_that_leaks_a_task_when_it_is_dropped_is_caught() {
        is_caught(5, &checks::<LeavesATask<true>>(), "A race that is dropped");
    }
}

mod read_exactly {
    use super::*;
    use of::read_exactly::checks;
    use wrong::read_exactly::*;

    #[test]
    fn one_without_a_mistake_passes() {
        passes(6, &checks::<Reader<RIGHT>>());
    }

    #[test]
    fn one_that_drops_the_rest_of_a_piece_is_caught() {
        is_caught(6, &checks::<Reader<DROPS_THE_REST>>(), "Bytes beyond those asked for");
    }

    #[test]
    fn one_that_returns_fewer_bytes_at_the_end_is_caught() {
        is_caught(6, &checks::<Reader<SHORT_AT_THE_END>>(), "An end that comes too early");
    }

    #[test]
    fn one_that_keeps_bytes_in_a_local_variable_is_caught() {
        is_caught(6, &checks::<Reader<LOCAL_BUFFER>>(), "A call that is dropped loses no bytes");
    }
}

mod pool {
    use super::*;
    use of::pool::checks;
    use wrong::pool::*;

    #[test]
    fn one_without_a_mistake_passes() {
        passes(7, &checks::<Pool<RIGHT>>());
    }

    #[test]
    fn one_that_uses_no_connection_again_is_caught() {
        is_caught(7, &checks::<Pool<NEVER_AGAIN>>(), "A connection that was given back is used again");
    }

    #[test]
    fn one_without_a_limit_is_caught() {
        is_caught(7, &checks::<Pool<NO_LIMIT>>(), "There are never more connections");
    }

    #[test]
    fn one_without_a_line_is_caught() {
        is_caught(7, &checks::<CountingPool<false>>(), "A connection that is given back goes to the task");
    }

    #[test]
    fn one_that_lends_broken_connections_is_caught() {
        is_caught(7, &checks::<Pool<LENDS_THE_BROKEN>>(), "A broken connection is not lent again");
    }

    #[test]
    fn one_that_loses_a_place_when_connecting_is_given_up_is_caught() {
        is_caught(7, &checks::<CountingPool<true>>(), "A call that is dropped while it connects");
    }
}

mod rate_limiter {
    use super::*;
    use of::rate_limiter::checks;
    use wrong::rate_limiter::*;

    #[test]
    fn one_that_spaces_calls_evenly_is_caught() {
        is_caught(8, &checks::<EvenlySpaced>(), "Calls within the limit pass at once");
    }

    #[test]
    fn one_with_fixed_periods_is_caught() {
        is_caught(8, &checks::<FixedPeriods>(), "No stretch of a period has more calls");
    }

    #[test]
    fn one_that_looks_again_and_again_is_caught() {
        is_caught(8, &checks::<LooksAgain>(), "Calls pass in the order");
    }

    #[test]
    fn one_that_reserves_a_turn_before_it_waits_is_caught() {
        is_caught(8, &checks::<ReservesATurn>(), "A call that gave up");
    }
}

mod retry {
    use super::*;
    use of::retry::checks;
    use wrong::retry::*;

    #[test]
    fn one_without_a_mistake_passes() {
        passes(9, &checks::<Retry<RIGHT>>());
    }

    #[test]
    fn one_that_pauses_at_first_is_caught() {
        is_caught(9, &checks::<Retry<PAUSES_AT_FIRST>>(), "A success at the first attempt");
    }

    #[test]
    fn one_without_a_longest_pause_is_caught() {
        is_caught(9, &checks::<Retry<NO_LONGEST_PAUSE>>(), "Pauses double");
    }

    #[test]
    fn one_that_pauses_after_the_last_attempt_is_caught() {
        is_caught(9, &checks::<Retry<PAUSES_AT_THE_END>>(), "The failure of the last attempt");
    }

    #[test]
    fn one_that_tries_again_whatever_has_failed_is_caught() {
        is_caught(9, &checks::<Retry<TRIES_EVERYTHING>>(), "A permanent failure");
    }

    #[test]
    fn one_that_does_not_limit_an_attempt_is_caught() {
        is_caught(9, &checks::<Retry<LIMITS_THE_WHOLE>>(), "An attempt that takes too long");
    }

    #[test]
    fn one_whose_pause_overflows_is_caught() {
        is_caught(9, &checks::<Retry<OVERFLOWS>>(), "A hundred attempts");
    }
}

mod broadcast {
    use super::*;
    use of::broadcast::checks;
    use wrong::broadcast::*;

    #[test]
    fn one_without_a_mistake_passes() {
        passes(10, &checks::<Broadcast<RIGHT>>());
    }

    #[test]
    fn one_whose_receivers_begin_too_early_is_caught() {
        is_caught(10, &checks::<Broadcast<BEGINS_EARLY>>(), "A receiver gets what was sent after");
    }

    #[test]
    fn one_that_gives_each_value_to_one_receiver_is_caught() {
        is_caught(10, &checks::<Broadcast<ONE_QUEUE>>(), "A receiver gets what was sent after");
    }

    #[test]
    fn one_that_keeps_everything_is_caught() {
        is_caught(10, &checks::<Broadcast<KEEPS_ALL>>(), "No more values are kept");
    }

    #[test]
    fn one_that_skips_values_without_a_word_is_caught() {
        is_caught(10, &checks::<Broadcast<SAYS_NOTHING>>(), "A receiver that fell behind");
    }

    #[test]
    fn one_whose_close_wakes_no_receiver_is_caught() {
        is_caught(10, &checks::<Broadcast<CLOSES_QUIETLY>>(), "After close");
    }

    #[test]
    fn one_that_moves_on_before_the_value_is_there_is_caught() {
        is_caught(10, &checks::<Broadcast<MOVES_TOO_EARLY>>(), "A recv that is dropped");
    }
}

mod events {
    use super::*;
    use of::events::checks;
    use wrong::events::*;

    #[test]
    fn one_without_a_mistake_passes() {
        passes(11, &checks::<Events<RIGHT>>());
    }

    #[test]
    fn one_with_one_line_of_data_is_caught() {
        is_caught(11, &checks::<Events<ONE_DATA_LINE>>(), "An empty line ends an event");
    }

    #[test]
    fn one_that_does_not_expect_a_cut_in_a_line_is_caught() {
        is_caught(11, &checks::<Events<LINES_ARE_NOT_CUT>>(), "Where the bytes are cut");
    }

    #[test]
    fn one_that_makes_text_of_half_a_letter_is_caught() {
        is_caught(11, &checks::<Events<TEXT_TOO_EARLY>>(), "Where the bytes are cut");
    }

    #[test]
    fn one_that_takes_crlf_for_two_line_ends_is_caught() {
        is_caught(11, &checks::<Events<CRLF_IS_TWO>>(), "LF, CR and CRLF each end one line");
    }

    #[test]
    fn one_that_removes_more_than_one_space_is_caught() {
        is_caught(11, &checks::<Events<TRIMS>>(), "Comments and unknown fields are ignored");
    }

    #[test]
    fn one_that_returns_an_event_that_was_cut_off_is_caught() {
        is_caught(11, &checks::<Events<ENDS_THE_LAST>>(), "An event without data is none");
    }

    #[test]
    fn one_that_hides_errors_is_caught() {
        is_caught(11, &checks::<Events<HIDES_ERRORS>>(), "An error of the protocol");
    }
}

mod wait_queue {
    use super::*;
    use of::wait_queue::checks;
    use wrong::wait_queue::*;

    #[test]
    fn one_without_a_mistake_passes() {
        passes(12, &checks::<WaitQueue<RIGHT>>());
    }

    #[test]
    fn one_that_serves_the_last_first_is_caught() {
        is_caught(12, &checks::<WaitQueue<LAST_FIRST>>(), "Turns are granted in the order");
    }

    #[test]
    fn one_in_which_a_dropped_wait_stays_in_line_is_caught() {
        is_caught(12, &checks::<WaitQueue<KEEPS_THE_DROPPED>>(), "A wait that is dropped leaves");
    }

    #[test]
    fn one_that_loses_a_turn_that_was_granted_is_caught() {
        is_caught(
            12,
            &checks::<WaitQueue<LOSES_THE_TURN>>(),
            "A wait that was granted its turn and is dropped",
        );
    }

    /// The mistake of the exercise itself.
    #[test]
    fn one_that_frees_the_place_of_a_granted_wait_is_caught() {
        let exercise = (by_number(12).unwrap().exercise_checks)();
        is_caught(12, &exercise, "A wait that was granted its turn goes on");
    }

    #[test]
    fn one_that_never_uses_a_place_again_is_caught() {
        is_caught(12, &checks::<WaitQueue<NEVER_AGAIN>>(), "There are no more places");
    }
}
