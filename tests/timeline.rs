//! Timelines: what the picture of a run says, and what becomes of it when something is in the way.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use curio::debug::{Timeline, phase, region};
use curio::{Event, Kernel, Lock, join, sleep, spawn, spawn_named};
use curio_support::{Failure, run_example_with};
use serde_json::Value;

const SECOND: Duration = Duration::from_secs(1);

/// A file of the name in a folder that no other test uses.
fn file(test: &str, name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("timeline").join(test);
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// Runs a program on the virtual clock and returns the data of its page.
fn picture_of(test: &str, program: impl AsyncFnOnce()) -> Value {
    let path = file(test, "run.html");
    let timeline = Timeline::to_file(&path).unwrap();
    Kernel::builder().virtual_clock(true).activation(timeline).run(program());
    data_of(&fs::read_to_string(path).unwrap())
}

fn data_of(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"run\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(data).unwrap()
}

/// Runs a program on the virtual clock and returns its trace events.
fn events_of(test: &str, program: impl AsyncFnOnce()) -> Vec<Value> {
    let path = file(test, "run.json");
    let timeline = Timeline::to_file(&path).unwrap();
    Kernel::builder().virtual_clock(true).activation(timeline).run(program());
    let trace: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    trace["traceEvents"].as_array().unwrap().clone()
}

fn summary(data: &Value) -> Vec<&str> {
    data["summary"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect()
}

/// The states of a task as `STATE seconds`.
fn states(data: &Value, task: u64) -> Vec<String> {
    let lanes = data["lanes"].as_array().unwrap();
    let lane = lanes.iter().find(|lane| lane["id"] == task).unwrap();
    let state = |span: &Value| {
        let what = data["texts"][span[3].as_u64().unwrap() as usize].as_str().unwrap();
        let nanos = span[1].as_u64().unwrap() - span[0].as_u64().unwrap();
        format!("{what} {}", nanos as f64 / 1e9)
    };
    lane["spans"].as_array().unwrap().iter().map(state).collect()
}

/// The article's second program, with sleeps in place of requests.
async fn one_two_three_four() {
    let tasks: Vec<_> = (1..=4)
        .map(|n| spawn_named(format!("sleeper {n}"), region(format!("nap {n}"), sleep(n * SECOND))))
        .collect();
    for task in tasks {
        task.join().await.unwrap();
    }
}

#[test]
fn each_task_is_a_lane_with_its_states() {
    let data = picture_of("lanes", one_two_three_four);
    let lanes = data["lanes"].as_array().unwrap();
    let names: Vec<_> = lanes.iter().map(|lane| lane["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["main", "sleeper 1", "sleeper 2", "sleeper 3", "sleeper 4"]);
    let depths: Vec<_> = lanes.iter().map(|lane| lane["depth"].as_u64().unwrap()).collect();
    assert_eq!(depths, [0, 1, 1, 1, 1]);
    assert_eq!(states(&data, 4), ["READY 0", "RUNNING 0", "TIME_SLEEP 3", "READY 0", "RUNNING 0"]);
    let main = states(&data, 1);
    assert_eq!(main.iter().filter(|state| *state == "TASK_JOIN 1").count(), 4, "{main:?}");
    let arrows = data["arrows"].as_array().unwrap();
    let count = |kind: &str| arrows.iter().filter(|arrow| arrow[3] == kind).count();
    assert_eq!((count("spawn"), count("join"), count("wake"), count("cancel")), (4, 4, 0, 0));
    assert_eq!(lanes[3]["regions"][0][1], 3_000_000_000_u64, "the nap of three seconds ends then");
}

#[test]
fn the_critical_path_leads_to_what_the_joined_task_waited_for() {
    let data = picture_of("path", one_two_three_four);
    assert_eq!(
        summary(&data),
        ["main took 4.00 s:", "100.0 % waiting for task 5 `sleeper 4`, which waited 4.00 s for a timer"]
    );
}

#[test]
fn the_critical_path_of_a_program_without_tasks_is_its_own_waits() {
    let data = picture_of("alone", async || sleep(2 * SECOND).await);
    assert_eq!(summary(&data), ["main took 2.00 s:", "100.0 % waiting for a timer, for 2.00 s"]);
}

#[test]
fn the_critical_path_goes_through_the_holder_of_a_lock_and_the_setter_of_an_event() {
    let data = picture_of("holders", async || {
        let (lock, event) = (Rc::new(Lock::new(())), Rc::new(Event::new()));
        let (held, set) = (Rc::clone(&lock), Rc::clone(&event));
        let holder = spawn_named("holder", async move {
            let guard = held.acquire().await;
            sleep(3 * SECOND).await;
            drop(guard);
        });
        let waiter = spawn_named("waiter", async move {
            let _guard = lock.acquire().await;
            sleep(SECOND).await;
            set.set();
        });
        event.wait().await;
        let _ = join!(holder.join(), waiter.join());
    });
    assert_eq!(
        summary(&data),
        [
            "main took 4.00 s:",
            "75.0 % waiting for task 2 `holder`, which waited 3.00 s for a timer",
            "25.0 % waiting for task 3 `waiter`, which waited 1.00 s for a timer",
        ]
    );
}

#[test]
fn a_task_that_was_ready_when_it_was_cancelled_ends_because_of_that() {
    let data = picture_of("cancelled", async || {
        let server = spawn_named(
            "server",
            curio::finally(std::future::pending::<()>(), async |_| sleep(SECOND).await),
        );
        // It wakes up at the moment at which it is cancelled.
        let client = spawn_named("client", async {
            sleep(3 * SECOND).await;
            std::future::pending::<()>().await;
        });
        sleep(3 * SECOND).await;
        client.cancel().await;
        server.cancel().await;
    });
    assert_eq!(
        summary(&data),
        [
            "main took 4.00 s:",
            "75.0 % waiting for a timer, for 3.00 s",
            "25.0 % waiting for task 2 `server`, which waited 1.00 s for a timer",
        ]
    );
}

#[test]
fn the_critical_path_has_no_gaps_and_no_overlaps() {
    let data = picture_of("gaps", async || {
        let group = curio::TaskGroup::new();
        let slots = Rc::new(curio::Semaphore::new(3));
        for n in 0..40_u32 {
            let slots = Rc::clone(&slots);
            group.spawn(async move {
                let _slot = slots.acquire().await;
                sleep(Duration::from_millis(u64::from(n % 7) * 10)).await;
                curio::schedule().await;
            });
        }
        group.join().await.unwrap();
    });
    let path = data["path"].as_array().unwrap();
    let borders: Vec<_> =
        path.iter().map(|stretch| (stretch[1].as_u64().unwrap(), stretch[2].as_u64().unwrap())).collect();
    assert!(borders.windows(2).all(|pair| pair[0].1 == pair[1].0), "{borders:?}");
    assert_eq!((borders[0].0, borders.last().unwrap().1), (0, data["end"].as_u64().unwrap()));
}

#[test]
fn a_poll_that_keeps_others_waiting_is_marked() {
    let data = picture_of("blocking", async || {
        spawn_named("blocker", async { std::thread::sleep(Duration::from_millis(30)) }).join().await.unwrap();
    });
    let took = data["lanes"][1]["spans"][1][7].as_u64().unwrap();
    assert!(took >= 30_000_000, "{took} ns");
}

#[test]
fn names_and_labels_may_hold_anything() {
    let hostile = "</script><b>\"'&\\ \u{2028}\n\u{1}";
    for form in ["html", "json", "svg"] {
        let path = file("hostile", &format!("run.{form}"));
        let timeline = Timeline::to_file(&path).unwrap();
        Kernel::builder().virtual_clock(true).activation(timeline).run(async {
            spawn_named(hostile, region(hostile, sleep(SECOND))).join().await.unwrap();
        });
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains("</script><b>") && !text.contains("<b>"), "{form}");
        match form {
            "html" => assert_eq!(data_of(&text)["lanes"][1]["name"], hostile),
            "json" => assert!(serde_json::from_str::<Value>(&text).is_ok()),
            _ => assert!(!text.contains('\u{1}') && text.ends_with("</svg>\n")),
        }
    }
}

#[test]
fn in_a_trace_every_begin_has_its_end_and_times_ascend() {
    let events = events_of("rules", async || {
        let event = Rc::new(Event::new());
        let set = Rc::clone(&event);
        let victim = spawn(std::future::pending::<()>());
        let setter = spawn(region("outer", async move {
            phase("inner", sleep(SECOND)).await;
            curio::schedule().await;
            set.set();
        }));
        event.wait().await;
        victim.cancel().await;
        setter.join().await.unwrap();
    });
    let mut open: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    let (mut regions, mut flows) = (BTreeMap::new(), BTreeMap::new());
    let mut last = 0.0;
    for event in events.iter().filter(|event| event["ph"] != "M") {
        let (time, task) = (event["ts"].as_f64().unwrap(), event["tid"].as_u64().unwrap());
        assert!(time >= last, "{event}");
        last = time;
        let slices = open.entry(task).or_default();
        match event["ph"].as_str().unwrap() {
            "B" => slices.push(event["name"].as_str().unwrap()),
            "E" => assert!(slices.pop().is_some(), "{event}"),
            "b" => assert_eq!(regions.insert(event["id"].as_u64(), task), None),
            "e" => assert_eq!(regions.remove(&event["id"].as_u64()), Some(task)),
            "s" => assert_eq!(flows.insert(event["id"].as_u64(), time), None),
            "f" => assert_eq!(flows.remove(&event["id"].as_u64()), Some(time), "{event}"),
            other => panic!("{other}"),
        }
    }
    assert!(open.values().all(Vec::is_empty), "{open:?}");
    assert!(regions.is_empty() && flows.is_empty(), "{regions:?} {flows:?}");
    let named =
        |kind: &str| events.iter().filter(|event| event["name"] == kind && event["ph"] == "s").count();
    assert_eq!((named("spawn"), named("wake"), named("cancel"), named("join")), (2, 1, 1, 1));
    let names: Vec<_> = events.iter().filter(|event| event["name"] == "thread_name").collect();
    assert_eq!(names.len(), 3);
}

#[test]
fn a_long_run_keeps_its_last_events_and_says_so() {
    let path = file("long", "run.html");
    let timeline = Timeline::to_file(&path).unwrap().keep(100);
    Kernel::builder().virtual_clock(true).activation(timeline).run(async {
        for _ in 0..1000 {
            spawn(region("work", sleep(SECOND))).join().await.unwrap();
        }
    });
    let data = data_of(&fs::read_to_string(path).unwrap());
    assert!(data["forgotten"].as_u64().unwrap() > 10_000, "{}", data["forgotten"]);
    assert!(data["lanes"].as_array().unwrap().len() < 20, "tasks that ended long ago are forgotten as well");
    assert!(summary(&data)[0].starts_with("main took "));
}

#[test]
fn a_file_that_cannot_be_made_is_an_error_at_once() {
    let error = Timeline::to_file("/nonexistent/run.html").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().starts_with("writing /nonexistent/run.html: "), "{error}");
    for name in ["run", "run.png", "html"] {
        let error = Timeline::to_file(file("forms", name)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("must end in .html, .svg or .json"), "{error}");
        assert!(!file("forms", name).exists());
    }
}

#[test]
fn any_program_draws_its_picture_if_the_environment_asks_for_it() -> Result<(), Failure> {
    let path = file("environment", "run.svg");
    let ran = run_example_with("tutorial_countdown", &[], &[("CURIO_TRACE", path.as_os_str())])?;
    assert!(ran.success && ran.errors.is_empty(), "{}", ran.errors);
    assert!(fs::read_to_string(path)?.starts_with("<svg "));
    let ran =
        run_example_with("tutorial_countdown", &[], &[("CURIO_TRACE", "/nonexistent/run.svg".as_ref())])?;
    assert!(ran.success, "the program runs all the same");
    assert!(
        ran.errors.starts_with("curio: CURIO_TRACE has no effect: writing /nonexistent/run.svg: "),
        "{}",
        ran.errors
    );
    assert_eq!(ran.errors.lines().count(), 1, "{}", ran.errors);
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_at_the_end() -> Result<(), Failure> {
    let path = file("full", "run.html");
    let _ = fs::remove_file(&path);
    std::os::unix::fs::symlink("/dev/full", &path)?;
    let ran = run_example_with("tutorial_countdown", &[], &[("CURIO_TRACE", path.as_os_str())])?;
    assert!(ran.success);
    let expected = format!("curio: the timeline {} is incomplete: No space left on device", path.display());
    assert!(ran.errors.starts_with(&expected), "{}", ran.errors);
    Ok(())
}

#[test]
fn each_kernel_of_a_program_gets_a_file_of_its_own() {
    let here = std::env::current_exe().unwrap();
    let path = file("kernels", "run.json");
    let mut program = std::process::Command::new(here);
    program.args(["--exact", "--ignored", "part_two_kernels"]).env("CURIO_TRACE", &path);
    assert!(program.output().unwrap().status.success());
    for name in ["run.json", "run-2.json"] {
        let text = fs::read_to_string(file("kernels", name)).unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{name}");
    }
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn part_two_kernels() {
    assert_eq!([1, 2].map(|n| curio::run(async move { n })), [1, 2]);
}
