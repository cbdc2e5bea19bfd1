//! Cancellation as a whole: random programs of sleeps, limits, cleanups, shields, joins and races, cancelled at a
//! random time, against a model that computes what must happen and when.
//!
//! The model never runs anything. For each part of a program it knows when it begins and which requests to stop
//! reach it, and works out whether it is *done* or *dropped*, and when. That is all that the rules of cancellation
//! say.

mod common;

use common::{Log, Random, run_virtual};
use curio::{Outcome, disable_cancellation, finally, join, race, sleep, spawn, timeout_after};
use std::fmt::Write;
use std::pin::Pin;
use std::time::Duration;

/// A program. Durations are random nanoseconds, so that no two things happen at the same instant by chance.
enum Program {
    Sleep(u32, u64),
    Seq(Box<[Program; 2]>),
    Limit(u32, u64, Box<Program>),
    Finally(u32, u64, Box<Program>),
    Shield(Box<Program>),
    Join(Box<[Program; 2]>),
    Race(Box<[Program; 2]>),
}

use Program::{Finally, Join, Limit, Race, Seq, Shield, Sleep};

/// Random programs, with a number for each part that leaves a trace.
struct Maker {
    random: Random,
    next: u32,
}

impl Maker {
    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn nanos(&mut self) -> u64 {
        1 + self.random.below(1 << 30) as u64
    }

    fn program(&mut self, depth: u32) -> Program {
        if depth == 0 || self.random.chance(6) {
            return Sleep(self.number(), self.nanos());
        }
        let two = |maker: &mut Maker| Box::new([maker.program(depth - 1), maker.program(depth - 1)]);
        match self.random.below(6) {
            0 => Seq(two(self)),
            1 => Limit(self.number(), 2 * self.nanos(), Box::new(self.program(depth - 1))),
            2 => Finally(self.number(), self.nanos() / 4, Box::new(self.program(depth - 1))),
            3 => Shield(Box::new(self.program(depth - 1))),
            4 => Join(two(self)),
            _ => Race(two(self)),
        }
    }
}

// ---- what happens

fn run(program: &'static Program, log: Trace) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        match program {
            Sleep(number, nanos) => {
                sleep(Duration::from_nanos(*nanos)).await;
                log.note(*number, "slept");
            }
            Seq(parts) => {
                run(&parts[0], log.clone()).await;
                run(&parts[1], log).await;
            }
            Limit(number, nanos, body) => {
                if timeout_after(Duration::from_nanos(*nanos), run(body, log.clone())).await.is_err() {
                    log.note(*number, "passed");
                }
            }
            Finally(number, nanos, body) => {
                let own = log.clone();
                let cleanup = async move |outcome| {
                    own.note(*number, &format!("{outcome:?}"));
                    sleep(Duration::from_nanos(*nanos)).await;
                    own.note(*number, "cleaned up");
                };
                finally(run(body, log), cleanup).await;
            }
            Shield(body) => disable_cancellation(run(body, log)).await,
            Join(parts) => drop(join!(run(&parts[0], log.clone()), run(&parts[1], log))),
            Race(parts) => race((run(&parts[0], log.clone()), run(&parts[1], log))).await,
        }
    })
}

#[derive(Clone)]
struct Trace(Log);

impl Trace {
    fn note(&self, number: u32, what: &str) {
        self.0.note(format!("{number} {what}"));
    }
}

// ---- what must happen

/// When something asks a part of the program to stop, and why; the nearest asker comes first.
type Requests = Vec<(u64, Outcome)>;
type Events = Vec<(u64, String)>;

/// How a part ended, and when.
#[derive(Clone, Copy, PartialEq, Debug)]
enum End {
    Done(u64),
    Dropped(u64),
}

use End::{Done, Dropped};

impl End {
    fn at(self) -> u64 {
        match self {
            Done(at) | Dropped(at) => at,
        }
    }
}

fn expect(program: &Program, start: u64, requests: &Requests, events: &mut Events) -> End {
    match program {
        Sleep(number, nanos) => match requests.iter().map(|(at, _)| *at).min() {
            // A sleep is where a request takes effect: when it comes, or at once if it came before.
            Some(request) if request < start + nanos => Dropped(request.max(start)),
            _ => {
                events.push((start + nanos, format!("{number} slept")));
                Done(start + nanos)
            }
        },
        Seq(parts) => match expect(&parts[0], start, requests, events) {
            Done(at) => expect(&parts[1], at, requests, events),
            dropped => dropped,
        },
        Limit(number, nanos, body) => {
            let deadline = start + nanos;
            let inside = [&[(deadline, Outcome::TimedOut)], &requests[..]].concat();
            match expect(body, start, &inside, events) {
                Dropped(at) if deadline <= at && !requests.iter().any(|(request, _)| *request <= at) => {
                    events.push((at, format!("{number} passed")));
                    Done(at)
                }
                end => end,
            }
        }
        Finally(number, nanos, body) => {
            let end = expect(body, start, requests, events);
            let (outcome, end) = match end {
                Done(at) => (Outcome::Done, Done(at + nanos)),
                Dropped(at) => {
                    let nearest = requests.iter().find(|(request, _)| *request <= at);
                    (nearest.expect("somebody asked for it").1, Dropped(at + nanos))
                }
            };
            events.push((end.at() - nanos, format!("{number} {outcome:?}")));
            events.push((end.at(), format!("{number} cleaned up")));
            end
        }
        Shield(body) => expect(body, start, &Requests::new(), events),
        Join(parts) => {
            let ends = [0, 1].map(|n| expect(&parts[n], start, requests, events));
            let at = ends[0].at().max(ends[1].at());
            if ends.iter().all(|end| matches!(end, Done(_))) { Done(at) } else { Dropped(at) }
        }
        Race(parts) => {
            let alone = [0, 1].map(|n| expect(&parts[n], start, requests, &mut Events::new()));
            let Some(winner) =
                [0, 1].into_iter().filter(|n| matches!(alone[*n], Done(_))).min_by_key(|n| alone[*n].at())
            else {
                for part in parts.iter() {
                    expect(part, start, requests, events);
                }
                return Dropped(alone[0].at().max(alone[1].at()));
            };
            let won = alone[winner].at();
            expect(&parts[winner], start, requests, events);
            let lost = [&[(won, Outcome::Cancelled)], &requests[..]].concat();
            Done(won.max(expect(&parts[1 - winner], start, &lost, events).at()))
        }
    }
}

// ---- both

fn check(seed: u64) {
    let mut maker = Maker { random: Random::new(seed), next: 0 };
    let depth = 1 + maker.random.below(6) as u32;
    let program: &'static Program = Box::leak(Box::new(maker.program(depth)));
    let cancel_at = maker.nanos() * maker.random.below(4) as u64 + 1;

    let mut events = Events::new();
    let end = expect(program, 0, &vec![(cancel_at, Outcome::Cancelled)], &mut events);
    let cancelled = matches!(end, Dropped(_));
    events.push((end.at().max(cancel_at), format!("cancel returned {cancelled}")));
    events.sort();

    let mut seen = run_virtual(async move {
        let log = Log::new();
        let task = spawn(run(program, Trace(log.clone())));
        sleep(Duration::from_nanos(cancel_at)).await;
        let cancelled = task.cancel().await;
        log.note(format!("cancel returned {cancelled}"));
        log.take()
    });
    let mut expected: Vec<String> =
        events.iter().map(|(at, event)| format!("{} {event}", *at as f64 / 1e6)).collect();
    // Several things may happen at one instant, one because of the other.
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected, "seed {seed}:\n{}", draw(program, 0));
}

/// The program as a tree, for the message of a failure.
fn draw(program: &Program, depth: usize) -> String {
    let mut text = "  ".repeat(depth);
    let ms = |nanos: &u64| *nanos as f64 / 1e6;
    let (line, parts): (String, &[Program]) = match program {
        Sleep(number, nanos) => (format!("{number} sleep {}", ms(nanos)), &[]),
        Seq(parts) => ("one after the other".into(), &parts[..]),
        Limit(number, nanos, body) => (format!("{number} limit {}", ms(nanos)), std::slice::from_ref(body)),
        Finally(number, nanos, body) => {
            (format!("{number} finally {}", ms(nanos)), std::slice::from_ref(body))
        }
        Shield(body) => ("shield".into(), std::slice::from_ref(body)),
        Join(parts) => ("join".into(), &parts[..]),
        Race(parts) => ("race".into(), &parts[..]),
    };
    writeln!(text, "{line}").unwrap();
    text + &parts.iter().map(|part| draw(part, depth + 1)).collect::<String>()
}

#[test]
fn random_programs_do_what_the_rules_of_cancellation_say() {
    for seed in 0..3000 {
        check(seed);
    }
}

#[test]
fn the_model_agrees_with_what_is_known_of_nested_cleanups() {
    // Two cleanups of 50 and 20, cancelled at 100: done at 150 and at 170.
    let inner = Finally(2, 50, Box::new(Sleep(3, 1000)));
    let program = Finally(1, 20, Box::new(inner));
    let mut events = Events::new();
    assert_eq!(expect(&program, 0, &vec![(100, Outcome::Cancelled)], &mut events), Dropped(170));
    events.sort();
    let expected = [(100, "2 Cancelled"), (150, "1 Cancelled"), (150, "2 cleaned up"), (170, "1 cleaned up")];
    assert_eq!(events, expected.map(|(at, event)| (at, event.to_string())));
}
