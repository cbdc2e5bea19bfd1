//! The page of a timeline in a real browser: what a reader finds in it, and what keys and wheel do.
//!
//! A test adds a script to the page, which acts like a reader and writes down what it sees.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use curio::debug::{Timeline, region};
use curio::{Kernel, sleep, spawn_named};
use curio_support::Failure;
use curio_support::peers::Chromium;
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

fn file(test: &str, name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("timeline_page").join(test);
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

fn page_of(path: &Path, program: impl AsyncFnOnce()) {
    let timeline = Timeline::to_file(path).unwrap();
    Kernel::builder().virtual_clock(true).activation(timeline).run(program());
}

/// The article's second program, with sleeps in place of requests.
async fn one_two_three_four() {
    let nap = |n: u32| spawn_named(format!("sleeper {n}"), region(format!("nap {n}"), sleep(n * SECOND)));
    for task in [1, 2, 3, 4].map(nap) {
        task.join().await.unwrap();
    }
}

/// Loads the page, runs `script` (the body of a function) in it and returns what that returns. Nothing may have been
/// written to the console.
fn ask(browser: &Chromium, page: &Path, script: &str) -> Result<Value, Failure> {
    let asked = page.with_extension("asked.html");
    let text = fs::read_to_string(page)?;
    let reader = format!(
        "<pre id=\"answer\"></pre><script>document.getElementById(\"answer\").textContent = \
         JSON.stringify((() => {{ {script} }})());</script></body>"
    );
    fs::write(&asked, text.replace("</body>", &reader))?;
    let loaded = browser.load(&asked)?;
    assert_eq!(loaded.console, [""; 0]);
    let (_, rest) = loaded.dom.split_once("<pre id=\"answer\">").unwrap();
    let (answer, _) = rest.split_once("</pre>").unwrap();
    let answer = answer.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    Ok(serde_json::from_str(&answer)?)
}

#[test]
fn the_lanes_durations_and_arrows_of_a_program_are_in_the_page() -> Result<(), Failure> {
    let Some(browser) = Chromium::find()? else { return Ok(()) };
    let page = file("content", "run.html");
    page_of(&page, one_two_three_four);
    let answer = ask(
        &browser,
        &page,
        r##"
        const all = (selector) => [...document.querySelectorAll(selector)];
        const label = (element) => element.getAttribute("aria-label");
        return {
            title: document.querySelector("h1").textContent,
            summary: all("#summary p").map((p) => p.textContent),
            lanes: all(".lane").map(label),
            sleeps: all(".lane .span").map(label).filter((text) => text.startsWith("TIME_SLEEP")),
            regions: all(".region").map(label),
            joins: all("#picture .arrow.join").map(label),
            spawns: all("#picture .arrow.spawn").length,
            path: all(".path").filter((line) => line.closest("#picture")).map(label),
            table: all("#table tbody tr").map((row) => row.cells[7].textContent),
        };
        "##,
    )?;
    assert!(answer["title"].as_str().unwrap().ends_with(": 5 tasks in 4.00 s"), "{answer}");
    assert_eq!(
        answer["summary"],
        json!([
            "main took 4.00 s:",
            "100.0 % waiting for task 5 `sleeper 4`, which waited 4.00 s for a timer"
        ])
    );
    let lanes: Vec<String> = (1..=4).map(|n| format!("task {} “sleeper {n}”", n + 1)).collect();
    assert_eq!(answer["lanes"][0], "task 1 “main”");
    assert_eq!(answer["lanes"].as_array().unwrap()[1..], lanes);
    let sleeps: Vec<String> = (1..=4).map(|n| format!("TIME_SLEEP for {n}.00 s")).collect();
    assert_eq!(answer["sleeps"], json!(sleeps));
    let naps: Vec<String> = (1..=4).map(|n| format!("nap {n}: {n}.00 s")).collect();
    assert_eq!(answer["regions"], json!(naps));
    let joins: Vec<String> = lanes.iter().map(|lane| format!("{lane}: join of task 1 “main”")).collect();
    assert_eq!(answer["joins"], json!(joins));
    assert_eq!(answer["spawns"], 4);
    assert_eq!(answer["path"], json!(["critical path: waiting for a timer"]));
    assert_eq!(answer["table"][3], "TIME_SLEEP 3.00 s");
    Ok(())
}

#[test]
fn keys_move_through_the_states_and_zoom() -> Result<(), Failure> {
    let Some(browser) = Chromium::find()? else { return Ok(()) };
    let page = file("keys", "run.html");
    page_of(&page, one_two_three_four);
    let answer = ask(
        &browser,
        &page,
        r##"
        const press = (key, shiftKey = false) =>
            chart.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey, bubbles: true }));
        const told = () => document.getElementById("details").textContent;
        const shown = () => [view.from, view.to];
        const seen = {};
        press("ArrowDown");
        seen.first = told();
        press("ArrowDown");
        press("ArrowRight"); press("ArrowRight");
        seen.sleeping = told();
        press("Enter");
        seen.pinned = document.getElementById("details").className;
        press("Escape");
        seen.unpinned = document.getElementById("details").className;
        press("+");
        seen.closer = shown();
        press("ArrowRight", true);
        seen.moved = shown();
        press("0");
        seen.whole = shown();
        return seen;
        "##,
    )?;
    let text = |name: &str| answer[name].as_str().unwrap().to_string();
    assert!(text("first").starts_with("task 1 “main” · READY"), "{answer}");
    let sleeping = text("sleeping");
    assert!(
        sleeping.starts_with("task 2 “sleeper 1” · TIME_SLEEP for 1.00 s, from 0 s to 1.00 s"),
        "{answer}"
    );
    assert!(sleeping.contains("tests/timeline_page.rs:") && sleeping.contains(", in nap 1"), "{answer}");
    assert_eq!((text("pinned"), text("unpinned")), ("pinned".into(), "".into()));
    let range = |name: &str| (answer[name][0].as_f64().unwrap(), answer[name][1].as_f64().unwrap());
    assert_eq!(range("whole"), (0.0, 4e9));
    let (closer, moved) = (range("closer"), range("moved"));
    assert!((closer.1 - closer.0 - 0.7 * 4e9).abs() < 1e6, "{closer:?}");
    assert!(moved.0 > closer.0 && (moved.1 - moved.0 - (closer.1 - closer.0)).abs() < 1e3, "{moved:?}");
    Ok(())
}

#[test]
fn wheel_drag_and_pinch_zoom_and_move_and_a_click_pins() -> Result<(), Failure> {
    let Some(browser) = Chromium::find()? else { return Ok(()) };
    let page = file("pointer", "run.html");
    page_of(&page, one_two_three_four);
    let answer = ask(
        &browser,
        &page,
        r##"
        const box = chart.getBoundingClientRect();
        const at = (part) => box.left + NAMES + part * (view.width - NAMES - PADDING);
        const pointer = (kind, pointerId, part, target = chart) =>
            target.dispatchEvent(new PointerEvent(kind, { pointerId, clientX: at(part), clientY: box.top + 40, bubbles: true }));
        const shown = () => [view.from, view.to];
        const seen = {};
        const under = timeAt(at(0.25) - box.left);
        chart.dispatchEvent(new WheelEvent("wheel", { deltaY: -200, clientX: at(0.25), bubbles: true, cancelable: true }));
        seen.wheel = [...shown(), under, timeAt(at(0.25) - box.left)];
        pointer("pointerdown", 1, 0.5); pointer("pointermove", 1, 0.4); pointer("pointerup", 1, 0.4);
        seen.drag = shown();
        pointer("pointerdown", 1, 0.4); pointer("pointerdown", 2, 0.6); pointer("pointermove", 2, 0.8);
        pointer("pointerup", 1, 0.4); pointer("pointerup", 2, 0.8);
        seen.pinch = shown();
        show(whole.from, whole.to); moved = 0; draw();
        const bar = [...document.querySelectorAll(".lane[data-task='4'] .span")].find((bar) => bar.getAttribute("aria-label").startsWith("TIME"));
        bar.dispatchEvent(new MouseEvent("click", { bubbles: true }));
        seen.pinned = document.getElementById("details").textContent;
        return seen;
        "##,
    )?;
    let number = |name: &str, index: usize| answer[name][index].as_f64().unwrap();
    let length = |name: &str| number(name, 1) - number(name, 0);
    assert!(length("wheel") < 3e9, "{answer}");
    assert!(
        (number("wheel", 2) - number("wheel", 3)).abs() < 1e7,
        "the time under the pointer stays: {answer}"
    );
    assert!(
        (length("drag") - length("wheel")).abs() < 1e3 && number("drag", 0) > number("wheel", 0),
        "{answer}"
    );
    assert!((length("pinch") / length("drag") - 0.5).abs() < 0.01, "{answer}");
    assert!(
        answer["pinned"].as_str().unwrap().starts_with("task 4 “sleeper 3” · TIME_SLEEP for 3.00 s"),
        "{answer}"
    );
    Ok(())
}

#[test]
fn a_search_and_the_filters_leave_out_what_is_not_wanted() -> Result<(), Failure> {
    let Some(browser) = Chromium::find()? else { return Ok(()) };
    let page = file("filters", "run.html");
    page_of(&page, one_two_three_four);
    let answer = ask(
        &browser,
        &page,
        r##"
        const names = () => [...document.querySelectorAll(".lane")].map((lane) => lane.dataset.task);
        const type = (text) => {
            const search = document.getElementById("search");
            search.value = text;
            search.dispatchEvent(new Event("input"));
            draw();
            return names();
        };
        const seen = { name: type("Sleeper 3"), number: type("2"), nothing: type("absent"), all: type("") };
        const legend = [...document.querySelectorAll("#legend label")];
        seen.legend = legend.map((label) => label.textContent);
        legend.find((label) => label.textContent === "sleeping").querySelector("input").click();
        draw();
        seen.sleeping = [...document.querySelectorAll(".lane .span")].filter((bar) => bar.getAttribute("aria-label").startsWith("TIME")).length;
        return seen;
        "##,
    )?;
    let expected = json!({
        "name": ["4"], "number": ["2", "3"], "nothing": [], "all": ["1", "2", "3", "4", "5"],
        "legend": ["running", "ready, waiting for its turn", "sleeping", "waiting for a task's end"],
        "sleeping": 0,
    });
    assert_eq!(answer, expected);
    Ok(())
}

#[test]
fn it_is_drawn_light_and_dark_as_the_reader_prefers() -> Result<(), Failure> {
    let Some(browser) = Chromium::find()? else { return Ok(()) };
    for form in ["html", "svg"] {
        let page = file("schemes", &format!("run.{form}"));
        page_of(&page, one_two_three_four);
        let shot = |dark: bool| -> Result<Vec<u8>, Failure> {
            let picture = page.with_extension(if dark { "dark.png" } else { "light.png" });
            browser.screenshot(&page, dark, &picture)?;
            Ok(fs::read(picture)?)
        };
        let (light, dark) = (shot(false)?, shot(true)?);
        assert!(light.len() > 5000 && dark.len() > 5000 && light != dark, "{form}");
    }
    Ok(())
}

#[test]
fn a_hundred_thousand_events_can_be_read() -> Result<(), Failure> {
    let Some(browser) = Chromium::find()? else { return Ok(()) };
    let page = file("large", "run.html");
    page_of(&page, async || {
        let worker = |n: u64| {
            spawn_named(format!("worker {n}"), async move {
                for step in 0..240 {
                    region("step", sleep(Duration::from_millis(1 + (n * 7 + step) % 13))).await;
                }
            })
        };
        let workers: Vec<_> = (0..100).map(worker).collect();
        for worker in workers {
            worker.join().await.unwrap();
        }
    });
    let answer = ask(
        &browser,
        &page,
        r##"
        const loaded = performance.now();
        const frames = [];
        for (let frame = 0; frame < 20; frame++) {
            zoom(0.8, 600);
            const began = performance.now();
            draw();
            frames.push(performance.now() - began);
        }
        frames.sort((a, b) => a - b);
        return {
            states: run.lanes.reduce((sum, lane) => sum + lane.spans.length, 0),
            elements: document.querySelectorAll("#picture *").length,
            loaded, frame: frames[10],
        };
        "##,
    )?;
    println!("{answer}");
    assert!(answer["states"].as_u64().unwrap() > 70_000, "{answer}");
    assert!(answer["elements"].as_u64().unwrap() < 8_000, "{answer}");
    // What is wanted is two seconds and a sixtieth of one; a test of a busy machine only notices if it is far from that.
    assert!(
        answer["loaded"].as_f64().unwrap() < 15_000.0 && answer["frame"].as_f64().unwrap() < 500.0,
        "{answer}"
    );
    Ok(())
}
