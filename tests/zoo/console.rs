//! The commands of the page: running them, and what they print.

use curio_support::{Failure, Running, example, without_numbers};
use std::io::{Read, Write, pipe};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);
const PROMPT: &str = "curio > ";

/// A block of commands, each after a `$`, and of what is typed into the monitor, after its prompt.
pub(crate) struct Session<'p> {
    commands: Vec<Line<'p>>,
    typed: Vec<&'p str>,
}

/// `NAME=value cargo run --example zoo -- crossed_locks &`
struct Line<'p> {
    text: &'p str,
    environment: Vec<(&'p str, &'p str)>,
    program: &'p str,
    arguments: Vec<&'p str>,
    in_background: bool,
}

impl<'p> Session<'p> {
    pub(crate) fn of(text: &'p str) -> Result<Session<'p>, Failure> {
        let commands = text.lines().filter_map(|line| line.strip_prefix("$ ")).map(Line::of);
        let typed = text.lines().filter_map(|line| line.strip_prefix(PROMPT));
        Ok(Session { commands: commands.collect::<Result<_, _>>()?, typed: typed.collect() })
    }

    pub(crate) fn is_of_compiler(&self) -> bool {
        self.commands.iter().all(|line| line.text == "cargo check")
    }

    /// The block as it should be.
    pub(crate) fn run(&self) -> Result<String, Failure> {
        let printed = match &self.commands[..] {
            [program] => program.run()?,
            [program, client] if program.in_background => self.ask(program, client)?,
            _ => return Err("there is one command, or a program and the client of its monitor".into()),
        };
        let commands: Vec<String> = self.commands.iter().map(|line| format!("$ {}\n", line.text)).collect();
        Ok(commands.concat() + &normalised(&printed))
    }

    /// Starts the program and types into the client, until the answer is that of a program that hangs.
    fn ask(&self, program: &Line<'_>, client: &Line<'_>) -> Result<String, Failure> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut command = program.command()?;
        command.env("CURIO_MONITOR", &address).stdout(Stdio::null()).stderr(Stdio::null());
        let _program = Running(command.spawn()?);
        let typed: String = self.typed.iter().map(|line| format!("{line}\n")).collect();
        let until = Instant::now() + PATIENCE;
        loop {
            let mut command = client.command()?;
            command.arg(&address).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut client = command.spawn()?;
            client.stdin.take().ok_or("it is piped")?.write_all(typed.as_bytes())?;
            let output = String::from_utf8(client.wait_with_output()?.stdout)?;
            // In its second second, because `ps` shows milliseconds before.
            let has_hung = output.contains("the kernel is blocked") && !output.contains("ms  ");
            if has_hung || Instant::now() > until {
                return Ok(self.with_what_is_typed(&output));
            }
        }
    }

    /// A terminal shows what is typed behind the prompt.
    fn with_what_is_typed(&self, output: &str) -> String {
        let mut parts = output.split(PROMPT);
        let mut text = parts.next().unwrap_or_default().to_owned();
        for (typed, answer) in self.typed.iter().zip(parts) {
            text += &format!("{PROMPT}{typed}\n{answer}");
        }
        // The line that the client says while it waits for the program.
        text.lines()
            .filter(|line| !line.starts_with("no program listens"))
            .fold(String::new(), |text, line| text + line + "\n")
    }
}

impl<'p> Line<'p> {
    fn of(text: &'p str) -> Result<Line<'p>, Failure> {
        let mut words: Vec<&str> = text.split(' ').collect();
        let in_background = words.pop_if(|word| *word == "&").is_some();
        let variables = words.iter().take_while(|word| word.contains('=')).count();
        let environment = words.drain(..variables).filter_map(|word| word.split_once('=')).collect();
        let (program, arguments) = match words[..] {
            ["cargo", "run", "--example", program, "--", ref arguments @ ..] => (program, arguments.to_vec()),
            ["cargo", "run", "--example", program] => (program, Vec::new()),
            ["cargo", "check"] => ("", Vec::new()),
            _ => return Err(format!("`{text}` is no command that this test knows").into()),
        };
        Ok(Line { text, environment, program, arguments, in_background })
    }

    fn command(&self) -> Result<Command, Failure> {
        let mut command = Command::new(example(self.program)?);
        command.args(&self.arguments).env("RUST_BACKTRACE", "0").envs(self.environment.iter().copied());
        Ok(command)
    }

    /// Standard output and standard error, as a terminal shows them.
    fn run(&self) -> Result<String, Failure> {
        let (mut reader, writer) = pipe()?;
        let mut command = self.command()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let mut child = Running(command.spawn()?);
        // It has the ends that are written to.
        drop(command);
        let mut printed = String::new();
        reader.read_to_string(&mut printed)?;
        child.0.wait()?;
        Ok(printed)
    }
}

/// What a program prints, without what differs from run to run: ports, times, the number of a thread, and the hint of the
/// standard library at backtraces.
fn normalised(printed: &str) -> String {
    let mut text = String::new();
    for line in without_numbers(&printed.replace("\r\n", "\n")).lines() {
        if line.starts_with("note: run with `RUST_BACKTRACE=1`") {
            continue;
        }
        // Some versions leave a line free before the report of a panic, and name the thread by number.
        let panic = line.strip_prefix("thread '").and_then(|rest| rest.split_once(" panicked at "));
        if let Some((thread, place)) = panic {
            let name = thread.split_once('\'').map_or(thread, |(name, _)| name);
            text.truncate(text.trim_end().len());
            text += if text.is_empty() { "" } else { "\n" };
            text += &format!("thread '{name}' panicked at {place}\n");
        } else {
            text += &without_times(line);
            text += "\n";
        }
    }
    text.replace("examples\\zoo\\", "examples/zoo/").replace("zoo.exe", "zoo")
}

/// `N.Ns` for times that are no whole number, as measured times are, and `N` for numbers of more than three digits; of how many
/// wakes there were, for those of more than one.
fn without_times(line: &str) -> String {
    let kept_digits = if line.starts_with("curio: wakes: ") { 1 } else { 3 };
    let mut text = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        text += &rest[..start];
        rest = &rest[start..];
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let unit = ["ns", "µs", "ms", "s"].into_iter().find(|unit| after.starts_with(unit));
        let fraction = number.split_once('.').is_some_and(|(_, fraction)| !fraction.is_empty());
        match unit.filter(|_| fraction) {
            Some(unit) => {
                // In a column, it stays as wide as it was.
                let width = if text.ends_with("  ") { number.len() + unit.len() } else { 0 };
                text += &format!("{:>width$}", "N.Ns");
                rest = &after[unit.len()..];
            }
            None if number.len() > kept_digits && number.parse::<u64>().is_ok() => {
                text += "N";
                rest = after;
            }
            None => {
                text += number;
                rest = after;
            }
        }
    }
    text + rest
}

/// Whether `shown` is `printed`, where a line `...` stands for any number of lines.
pub(crate) fn is_elided(shown: &str, printed: &str) -> bool {
    fn fits(shown: &[&str], printed: &[&str]) -> bool {
        match (shown, printed) {
            ([], []) => true,
            (["...", shown @ ..], _) => (0..=printed.len()).any(|skipped| fits(shown, &printed[skipped..])),
            ([line, shown @ ..], [other, printed @ ..]) => line == other && fits(shown, printed),
            _ => false,
        }
    }
    let [shown, printed] = [shown, printed].map(|text| text.trim_end().lines().collect::<Vec<_>>());
    fits(&shown, &printed)
}

#[test]
fn times_are_normalised_and_keep_their_column() {
    assert_eq!(without_times("ran for 504.0ms in cycle 12"), "ran for N.Ns in cycle 12");
    assert_eq!(
        without_times("     1  READY      1.3s  main"),
        without_times("     1  READY     12.3s  main")
    );
    assert_eq!(without_times("polls: 18785, limit 5s at a.rs:17:9."), "polls: N, limit 5s at a.rs:17:9.");
}
