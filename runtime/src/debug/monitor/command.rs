//! The commands of the monitor: what a line means, and what is answered.

use super::question::{Inquiry, NoAnswer, Question};
use super::shared::Shared;
use super::table::printable;
use crate::task::info::TaskId;
use std::num::NonZeroU64;
use std::time::Duration;

/// How long the kernel has to answer while a task is being polled, before that is said to block it.
const PATIENCE: Duration = Duration::from_millis(200);
/// How many times as long it has while no task is being polled: it may be at work on the answer, whose source lines take a
/// while on a busy machine.
const MORE_PATIENCE: u32 = 25;

pub(super) const HELP: &str = "\
help          this text
ps            the tasks: state, polls, since when, where
tree          the tasks below those that spawned them
where ID      the async stack of a task: which functions wait, at which lines
why ID        what a task waits for, and what that waits for, to the world outside
parents ID    which task spawned it, and at which line
locks         who waits for which lock, and which task holds it
sockets       who waits for which socket
stats         counts of tasks, timers and system calls
cancel ID     asks a task to stop, as Task::request_cancel does
watch         shows `ps` every second, until a key is pressed
exit          closes this connection
";

/// What a line of input asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Nothing,
    Help,
    Ps,
    Tree,
    Parents(TaskId),
    /// Only the kernel can answer.
    Ask(Inquiry),
    Watch,
    Exit,
}

impl Command {
    /// # Errors
    /// What is wrong with the line.
    pub(super) fn of(line: &str) -> Result<Command, String> {
        let mut words = line.split_whitespace();
        let Some(word) = words.next() else { return Ok(Command::Nothing) };
        let argument = words.next();
        let task = || task_id(word, argument);
        let command = match word {
            "help" | "?" => Command::Help,
            "ps" | "p" => Command::Ps,
            "tree" => Command::Tree,
            "where" | "w" => Command::Ask(Inquiry::Where(task()?)),
            "why" => Command::Ask(Inquiry::Why(task()?)),
            "parents" => Command::Parents(task()?),
            "locks" => Command::Ask(Inquiry::Locks),
            "sockets" => Command::Ask(Inquiry::Sockets),
            "stats" => Command::Ask(Inquiry::Counts),
            "cancel" | "c" => Command::Ask(Inquiry::Cancel(task()?)),
            "watch" => Command::Watch,
            "exit" | "quit" | "e" | "q" => Command::Exit,
            unknown => return Err(format!("`{}` is no command; `help` lists them", printable(unknown))),
        };
        Ok(command)
    }
}

fn task_id(command: &str, argument: Option<&str>) -> Result<TaskId, String> {
    let Some(argument) = argument else {
        return Err(format!("`{command}` needs the number of a task: `{command} 3`"));
    };
    let number = argument.parse().ok().and_then(NonZeroU64::new).map(TaskId::new);
    number.ok_or_else(|| format!("`{}` is no number of a task", printable(argument)))
}

/// The answer to a command.
pub(super) fn answer(command: Command, shared: &Shared) -> String {
    match command {
        Command::Help => HELP.into(),
        Command::Parents(id) => {
            shared.table().parents(id).unwrap_or_else(|| format!("there is no task {id}\n"))
        }
        Command::Ps => with_notice(shared, |shared| shared.table().ps()),
        Command::Tree => with_notice(shared, |shared| shared.table().tree()),
        Command::Ask(inquiry) => match ask(inquiry, shared) {
            Ok(text) if inquiry == Inquiry::Counts => shared.table().counts() + &text,
            Ok(text) => text,
            Err(why) => why + "only the kernel can answer this; ask again when it goes on\n",
        },
        Command::Nothing | Command::Watch | Command::Exit => String::new(),
    }
}

/// The table is the monitor's own; a kernel that is blocked is said to be.
fn with_notice(shared: &Shared, table: impl FnOnce(&Shared) -> String) -> String {
    match ask(Inquiry::Tasks, shared) {
        Ok(_) => table(shared),
        Err(why) => why + &table(shared),
    }
}

/// # Errors
/// Why there is no answer, as a line.
fn ask(inquiry: Inquiry, shared: &Shared) -> Result<String, String> {
    let (question, answer) = Question::new(inquiry);
    shared.post(question);
    for _ in 0..MORE_PATIENCE {
        match answer.wait(PATIENCE) {
            Ok(text) => return Ok(text),
            Err(NoAnswer::Gone) => return Err("the kernel has ended\n".into()),
            Err(NoAnswer::Late) => {}
        }
        if let Some(blocked) = shared.table().blocked_for(PATIENCE) {
            return Err(format!(
                "the kernel is blocked: {blocked}; it computes, or blocks its thread (`std::sync::Mutex`, \
                 `thread::sleep`, blocking I/O)\n"
            ));
        }
    }
    Err("the kernel does not answer: it is not running at the moment\n".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_command_and_perhaps_a_task() {
        let three = TaskId::new(NonZeroU64::new(3).unwrap());
        assert_eq!(Command::of("  where   3 \r"), Ok(Command::Ask(Inquiry::Where(three))));
        assert_eq!(Command::of("ps"), Ok(Command::Ps));
        assert_eq!(Command::of(" "), Ok(Command::Nothing));
        assert_eq!(Command::of("why"), Err("`why` needs the number of a task: `why 3`".into()));
        assert_eq!(Command::of("cancel all"), Err("`all` is no number of a task".into()));
        assert_eq!(Command::of("cancel 0"), Err("`0` is no number of a task".into()));
        assert_eq!(Command::of("\u{1b}[2J"), Err("`\u{fffd}[2J` is no command; `help` lists them".into()));
    }

    #[test]
    fn the_help_names_every_command() {
        for line in HELP.lines() {
            let word = line.split_whitespace().next().unwrap();
            assert!(Command::of(&format!("{word} 1")).is_ok(), "{word}");
        }
    }
}
