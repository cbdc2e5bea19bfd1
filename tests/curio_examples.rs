//! The counterparts of Curio's example programs, run as programs: the story that each one tells.
//!
//! With no arguments an example needs nothing from outside and prints the same every time, but for port and process
//! numbers, which are `N` here. Those that are servers are also tried as servers: by somebody who knows nothing of
//! Curio, and until Ctrl-C.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use curio_support::{Failure, story};

fn tells(name: &str, expected: &str) -> Result<(), Failure> {
    assert_eq!(story(name, &[])?, expected);
    Ok(())
}

#[test]
fn tutorial_1_does_homework_and_counts_down_at_once() -> Result<(), Failure> {
    tells(
        "tutorial_countdown",
        "\
Kid: 37 times 42? Let me think
T-minus 3
T-minus 2
T-minus 1
Parent: are you done yet?
Parent: 1554, that is right!
",
    )
}

#[test]
fn tutorial_2_waits_until_the_kid_has_cleaned_up() -> Result<(), Failure> {
    tells(
        "tutorial_kid_and_parent",
        "\
Kid: I am building a castle
Parent: we have to go in a moment
Parent: we have to go now
Kid: but it has no roof yet!
Kid: all blocks are in the box
Parent: here we go
What the kid has made: Err(Cancelled)
",
    )
}

#[test]
fn tutorial_3_leaves_no_friend_behind() -> Result<(), Failure> {
    let story = story("tutorial_friends", &[])?;
    let question = "Kid: may I play?\n";
    // How often depends on how busy the machine is.
    let questions = story.matches(question).count();
    assert!((1..=3).contains(&questions), "{story}");
    let expected = "\
Parent: yes, you may
Kid: friends, come in
Ada: hello!
Linus: hello!
Grace: hello! I have a secret. If you press both switches
Parent: time to stop
Linus: bye!
Ada: bye!
Grace: the whole house goes dark
Grace: bye!
Kid: I am alone again
Parent: good night
";
    assert_eq!(story, question.repeat(questions) + expected);
    Ok(())
}

#[test]
fn tutorial_4_gives_the_first_of_two() -> Result<(), Failure> {
    let story = story("tutorial_race", &[])?;
    let (easy, hard) = story.split_once("What is fib(90)?\n").ok_or("two contests")?;
    // On a busy machine the countdown may get on a little.
    assert!(easy.starts_with("What is fib(20)?\nT-minus 3\n") && easy.ends_with("It is 6765.\n"), "{story}");
    assert_eq!(hard, "T-minus 3\nT-minus 2\nT-minus 1\nTime is up.\n");
    Ok(())
}

#[test]
fn producer_consumer_ends_when_everything_is_eaten() -> Result<(), Failure> {
    let story = story("producer_consumer", &[])?;
    for loaf in 1..=6 {
        assert_eq!(story.matches(&format!("I have loaf {loaf}\n")).count(), 1, "{story}");
    }
    assert!(story.ends_with("Baker: all are eaten\nThe guests have gone\n"), "{story}");
    Ok(())
}

#[test]
fn pub_sub_tells_every_reader_everything_but_what_it_missed() -> Result<(), Failure> {
    tells(
        "pub_sub",
        "\
Issue 1 went to 2 readers
Ada reads issue 1
Linus reads issue 1
Issue 2 went to 2 readers
Ada reads issue 2
Linus reads issue 2
Issue 3 went to 2 readers
Ada has missed 3
Ada reads issue 6
Ada reads issue 7
Ada reads issue 8
Ada: no more news
Linus has missed 3
Linus reads issue 6
Linus reads issue 7
Linus reads issue 8
Linus: no more news
Sleepy: the sky is dark
The sky turns red
Sleepy: now it is red
The sky turns orange
The sky turns grey
The sky turns blue
Sleepy: now it is blue
",
    )
}

#[test]
fn promise_is_kept_once_and_for_all() -> Result<(), Failure> {
    tells(
        "promise",
        "\
Grace did not wait: None
Set to a pony: Ok(())
Set to a horse: Err(\"a horse\")
Ada got a pony
Linus got a pony
Later it is there at once: a pony
",
    )
}

#[test]
fn echo_by_hand_serves_two_in_turns() -> Result<(), Failure> {
    tells(
        "echo_by_hand",
        "\
Listening on 127.0.0.1:N
Linus says hello and hears hello
Ada says hi and hears hi
Linus says bye and hears bye
",
    )
}

#[test]
fn echo_tcp_answers_each_line() -> Result<(), Failure> {
    tells(
        "echo_tcp",
        "\
Listening on 127.0.0.1:N
my name is Ada, that is 14 letters
I must go, that is 9 letters
my name is Linus, that is 16 letters
I must go, that is 9 letters
my name is Éric, that is 15 letters
I must go, that is 9 letters
",
    )
}

#[test]
fn hyper_serves_on_this_kernel() -> Result<(), Failure> {
    tells(
        "hyper_server",
        "\
Listening on 127.0.0.1:N
hyper has received GET /a?b
",
    )?;
    let source = include_str!("../examples/hyper_server.rs");
    assert!(source.lines().count() <= 120, "it is to be copied");
    Ok(())
}

#[test]
fn echo_udp_answers_each_message() -> Result<(), Failure> {
    let expected = "\
Listening on 127.0.0.1:N
\"is anybody there?\" -> \"is anybody there?\"
\"are you sure?\" -> \"are you sure?\"
\"\" -> \"\"
";
    // A busy machine may be late, which is what the example is ready for.
    assert_eq!(story("echo_udp", &[])?.replace("no answer; once more\n", ""), expected);
    Ok(())
}

#[test]
fn echo_tls_speaks_tls_to_its_end() -> Result<(), Failure> {
    tells(
        "echo_tls",
        "\
Listening on 127.0.0.1:N
psst -> psst
this is a secret -> this is a secret
Some(TLSv1_3), Some(Full)
at the end there come 0 bytes
",
    )
}

#[test]
fn fibonacci_answers_the_easy_questions_first() -> Result<(), Failure> {
    tells(
        "fibonacci",
        "\
Listening on 127.0.0.1:N
7 -> 13
8 -> 21
91 -> 91 is too much for me
many -> \"many\": invalid digit found in string
36 -> 14930352
",
    )
}

#[test]
fn chat_server_tells_everybody_everything() -> Result<(), Failure> {
    tells(
        "chat_server",
        "\
Listening on 127.0.0.1:N
Ada sees: * Ada has come
Linus sees: * Linus has come
Linus sees: Linus: hello, everybody
Ada sees: * Linus has come
Ada sees: Linus: hello, everybody
Ada sees: * Linus has left
",
    )
}

#[test]
fn happy_eyeballs_finds_the_address_that_works() -> Result<(), Failure> {
    tells(
        "happy_eyeballs",
        "\
[2001:db8::1]:80: trying
192.0.2.1:80: trying
192.0.2.1:80: connection refused
127.0.0.1:N: trying
127.0.0.1:N: connected
[2001:db8::1]:80: given up
By hand: 127.0.0.1:N
",
    )
}

#[test]
fn happy_eyeballs_connects_to_a_host_by_name() -> Result<(), Failure> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    let story = story("happy_eyeballs", &["localhost", &port])?;
    assert!(story.ends_with("By hand: 127.0.0.1:N\nBy open_connection: 127.0.0.1:N\n"), "{story}");
    Ok(())
}

#[test]
fn threads_and_tasks_pass_letters_on() -> Result<(), Failure> {
    let expected = [
        "Dear Ada, stamped, posted as number 1",
        "Dear Grace, stamped, posted as number 2",
        "Dear Linus, stamped, posted as number 3",
        "The clerk has posted 3",
        "The stamping went well: true",
    ];
    let story = story("threads", &[])?;
    // The last letter is read while the clerk reports.
    let mut lines: Vec<&str> = story.lines().collect();
    lines.sort_by_key(|line| line.starts_with("The "));
    assert_eq!(lines, expected);
    Ok(())
}

#[test]
fn own_loop_draws_each_step_of_a_task() -> Result<(), Failure> {
    tells(
        "own_loop",
        "\
=>
    =>
        =>
            =>
The flight ended well: true
",
    )
}

#[test]
fn the_readme_lists_every_example() -> Result<(), Failure> {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"))? {
        let name = entry?.file_name().into_string().map_err(|name| format!("{name:?} is no text"))?;
        // A folder is an example too: the zoo.
        files.insert(name.strip_suffix(".rs").unwrap_or(&name).to_owned());
    }
    let readme = include_str!("../README.md");
    let table =
        readme.split_once("More to run").and_then(|(_, rest)| rest.split_once("[docs/")).ok_or("a table")?;
    let rows = table.0.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let listed: BTreeSet<String> =
        rows.flat_map(|names| names.split(", ")).map(|name| name.replace('`', "")).collect();
    assert_eq!(listed, files);
    Ok(())
}

#[test]
fn the_page_about_curios_examples_names_ours() -> Result<(), Failure> {
    let page = include_str!("../docs/curio-examples.md");
    let links = page.split("](../examples/").skip(1);
    let named: BTreeSet<&str> = links.filter_map(|link| link.split(".rs)").next()).collect();
    assert!(named.len() > 15, "{named:?}");
    for name in &named {
        let file = format!("{}/examples/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        assert!(std::fs::exists(&file)?, "{file}");
        assert!(page.contains(&format!("[`{name}`](../examples/{name}.rs)")), "{name}");
    }
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::process::{Child, ChildStdout, Command, Stdio};
    use std::time::Duration;

    use curio_support::{Failure, example, without_numbers};

    use super::tells;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// An example that goes on until it is interrupted.
    struct Running {
        child: Child,
        output: BufReader<ChildStdout>,
    }

    impl Running {
        fn start(name: &str, argument: &str) -> Result<Running, Failure> {
            let mut command = Command::new(example(name)?);
            command.arg(argument).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn()?;
            let output = child.stdout.take().ok_or("it is piped")?;
            Ok(Running { child, output: BufReader::new(output) })
        }

        /// The first line it prints, after `before`.
        fn told(&mut self, before: &str) -> Result<String, Failure> {
            let mut line = String::new();
            self.output.read_line(&mut line)?;
            Ok(line.trim().strip_prefix(before).ok_or(format!("it says {line:?}"))?.to_owned())
        }

        fn signal(&self, name: &str) -> Result<(), Failure> {
            let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status()?;
            assert!(sent.success());
            Ok(())
        }

        /// Presses Ctrl-C. The status it ends with and what else it has printed, on both channels.
        fn interrupt(mut self) -> Result<(Option<i32>, String), Failure> {
            self.signal("INT")?;
            let mut printed = String::new();
            self.output.read_to_string(&mut printed)?;
            self.child.stderr.take().ok_or("it is piped")?.read_to_string(&mut printed)?;
            Ok((self.child.wait()?.code(), printed))
        }
    }

    impl Drop for Running {
        fn drop(&mut self) {
            // A test that fails leaves it running.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    /// Starts a TCP server, says `words` to it, and interrupts it: what it has answered.
    fn answer_of(name: &str, words: &str) -> Result<String, Failure> {
        let mut server = Running::start(name, "127.0.0.1:0")?;
        let mut client = TcpStream::connect(server.told("Listening on ")?)?;
        client.set_read_timeout(Some(PATIENCE))?;
        client.write_all(words.as_bytes())?;
        client.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        client.read_to_string(&mut answer)?;
        assert_eq!(server.interrupt()?, (Some(130), String::new()));
        Ok(answer)
    }

    #[test]
    fn servers_serve_others_until_ctrl_c() -> Result<(), Failure> {
        assert_eq!(answer_of("echo_by_hand", "hello")?, "hello");
        assert_eq!(answer_of("echo_tcp", "hello\n")?, "hello, that is 5 letters\n");
        assert_eq!(answer_of("fibonacci", "30\n-1\n")?, "832040\n\"-1\": invalid digit found in string\n");
        assert_eq!(answer_of("chat_server", "")?, "Your name? ");
        Ok(())
    }

    #[test]
    fn echo_udp_serves_others_until_ctrl_c() -> Result<(), Failure> {
        let mut server = Running::start("echo_udp", "127.0.0.1:0")?;
        let client = UdpSocket::bind("127.0.0.1:0")?;
        client.connect(server.told("Listening on ")?)?;
        client.set_read_timeout(Some(PATIENCE))?;
        client.send(b"hello")?;
        let mut answer = [0; 10];
        assert_eq!(client.recv(&mut answer)?, 5);
        assert_eq!(server.interrupt()?, (Some(130), String::new()));
        Ok(())
    }

    #[test]
    fn echo_unix_makes_a_socket_and_removes_it() -> Result<(), Failure> {
        tells(
            "echo_unix",
            "\
The socket is there: true
hello -> hello
is anybody there? -> is anybody there?
The socket is there: false
",
        )
    }

    #[test]
    fn echo_unix_removes_its_socket_when_it_is_interrupted() -> Result<(), Failure> {
        let path = std::env::temp_dir().join(format!("curio-example-{}", std::process::id()));
        let mut server = Running::start("echo_unix", path.to_str().ok_or("a path that is text")?)?;
        server.told("Listening at ")?;
        let end = std::time::Instant::now() + PATIENCE;
        let mut client = loop {
            match UnixStream::connect(&path) {
                Ok(client) => break client,
                Err(error) if std::time::Instant::now() > end => return Err(error.into()),
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        client.write_all(b"hello")?;
        let mut answer = [0; 5];
        client.read_exact(&mut answer)?;
        assert_eq!(&answer, b"hello");
        assert_eq!(server.interrupt()?, (Some(130), String::new()));
        assert!(!path.exists());
        Ok(())
    }

    #[test]
    fn signals_are_taken_one_by_one() -> Result<(), Failure> {
        tells(
            "signals",
            "\
I run as process N
SIGHUP: I read my settings again
SIGHUP: I read my settings again
SIGTERM: I close down
Cleaning up (Done)
All is clean
",
        )
    }

    #[test]
    fn signals_of_others_are_taken_until_ctrl_c_which_cleans_up() -> Result<(), Failure> {
        let mut service = Running::start("signals", "wait")?;
        let line = service.told("")?;
        assert_eq!(without_numbers(&line), "I run as process N");
        service.signal("HUP")?;
        assert_eq!(service.told("SIGHUP: ")?, "I read my settings again");
        let printed = "Cleaning up (Cancelled)\nAll is clean\n".to_owned();
        assert_eq!(service.interrupt()?, (Some(130), printed));
        Ok(())
    }

    #[test]
    fn subprocess_leaves_none_behind() -> Result<(), Failure> {
        tells(
            "subprocess",
            "\
It wrote \"one\\ntwo\\n\"
`sh` failed, exit status: 3: no such luck
`no-such-program` could not be run: No such file or directory (os error 2)
Sorted: \"apple\\ncherry\\npear\\n\"
tick 1
tick 2
tick 3
It ended with exit status: 0
Sleeping: the time limit passed (100ms, set at examples/subprocess.rs:64:29)
Is it still there? false
",
        )
    }
}
