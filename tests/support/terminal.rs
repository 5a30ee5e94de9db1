//! A terminal: a pty, and a screen that understands the control sequences that otactl uses.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, ttyname};

/// What a terminal of a certain size shows.
pub struct Screen {
    lines: usize,
    columns: usize,
    /// All lines, also those that have left the screen at its top.
    text: Vec<Vec<char>>,
    /// The line of the cursor in `text`, and its column. In the column after the last one, the next character begins a new line.
    cursor: (usize, usize),
    /// The number of characters of the longest line since [`Screen::forget_width`].
    longest: usize,
    /// The end of what was written, if it is not complete.
    rest: Vec<u8>,
}

impl Screen {
    fn new(lines: u16, columns: u16) -> Self {
        let (lines, columns) = (lines.into(), columns.into());
        Self { lines, columns, text: vec![Vec::new()], cursor: (0, 0), longest: 0, rest: Vec::new() }
    }

    /// Returns all lines, also those that have left the screen at its top.
    pub fn transcript(&self) -> Vec<String> {
        self.text.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned()).collect()
    }

    /// Returns the lines on the screen.
    pub fn shown(&self) -> Vec<String> {
        self.transcript().split_off(self.top())
    }

    pub fn longest_line(&self) -> usize {
        self.longest
    }

    pub fn forget_width(&mut self) {
        self.longest = 0;
    }

    fn top(&self) -> usize {
        self.text.len().saturating_sub(self.lines)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let complete = match std::str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let text = String::from_utf8_lossy(&self.rest[..complete]).into_owned();
        // A control sequence may be incomplete, too.
        let end = text.rfind('\x1b').filter(|at| !text[*at..].contains(|c: char| c.is_ascii_alphabetic()));
        let text = &text[..end.unwrap_or(text.len())];
        self.rest.drain(..text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\r' => self.cursor.1 = 0,
                '\n' => self.down(1),
                '\x1b' => {
                    let (mut count, mut command) = (String::new(), ' ');
                    for c in chars.by_ref().skip(1) {
                        if c.is_ascii_alphabetic() {
                            command = c;
                            break;
                        }
                        count.push(c);
                    }
                    self.control(command, count.parse().unwrap_or(1));
                }
                c => self.put(c),
            }
        }
    }

    fn control(&mut self, command: char, count: usize) {
        match command {
            'A' => self.cursor.0 = self.cursor.0.saturating_sub(count).max(self.top()),
            'B' => {
                let last = self.top() + self.lines - 1;
                let down = (self.cursor.0 + count).min(last) - self.cursor.0;
                self.down(down);
            }
            'K' => self.text[self.cursor.0].clear(),
            'm' => {}
            other => panic!("the control sequence {other}"),
        }
    }

    fn down(&mut self, count: usize) {
        self.cursor.0 += count;
        while self.text.len() <= self.cursor.0 {
            self.text.push(Vec::new());
        }
    }

    fn put(&mut self, c: char) {
        if self.cursor.1 >= self.columns {
            self.down(1);
            self.cursor.1 = 0;
            // A line that goes on is too long.
            self.longest = self.longest.max(self.columns + 1);
        }
        let line = &mut self.text[self.cursor.0];
        line.resize(line.len().max(self.cursor.1 + 1), ' ');
        line[self.cursor.1] = c;
        self.cursor.1 += 1;
        self.longest = self.longest.max(self.cursor.1);
    }
}

/// A program that runs on a terminal.
pub struct Terminal {
    pub screen: Screen,
    master: File,
    device: PathBuf,
    child: Pid,
}

impl Terminal {
    /// Types a text.
    pub fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).expect("a terminal");
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        kill(self.child, signal).expect("it runs");
    }

    /// Changes the width. Lines that are already there keep their length.
    pub fn set_columns(&mut self, columns: u16) {
        let device = File::open(&self.device).expect("a terminal");
        let stty = Command::new("stty").args(["cols", &columns.to_string()]).stdin(device).status();
        assert!(stty.expect("stty").success());
        self.screen.columns = columns.into();
    }
}

/// Runs a program with stdout and stderr on a terminal of this size: lines and columns. Calls `look` after each output of the program.
/// Returns the exit code and the last screen.
pub async fn run_on_terminal(
    size: (u16, u16),
    mut command: Command,
    mut look: impl FnMut(&mut Terminal) + Send + 'static,
) -> (i32, Screen) {
    let pty = openpty(&Winsize { ws_row: size.0, ws_col: size.1, ws_xpixel: 0, ws_ypixel: 0 }, None).expect("a pty");
    let device = ttyname(&pty.slave).expect("a name");
    if !command.get_envs().any(|(name, _)| name == "TERM") {
        command.env("TERM", "xterm");
    }
    command.stdin(Stdio::null()).stdout(pty.slave.try_clone().expect("a copy")).stderr(pty.slave);
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("it starts");
        // The read of the terminal ends only when no copy of the slave is open.
        drop(command);
        let pid = Pid::from_raw(child.id().try_into().expect("a pid"));
        let screen = Screen::new(size.0, size.1);
        let mut terminal = Terminal { screen, master: File::from(pty.master), device, child: pid };
        let mut buffer = [0; 4096];
        // The end of a pty is an error on Linux.
        while let Ok(read @ 1..) = terminal.master.read(&mut buffer) {
            terminal.screen.write(&buffer[..read]);
            look(&mut terminal);
        }
        (child.wait().expect("it ends").code().unwrap_or(-1), terminal.screen)
    })
    .await
    .expect("no panic")
}
