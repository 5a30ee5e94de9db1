//! Lines to stdout and stderr that never hold up the work.
//!
//! A pipe may be full, and its reader may pause; a terminal may be stopped. So a thread of its own writes what is queued here.
//! The queue is bounded: what is [`Importance::Passing`] is dropped first. The thread starts with the first line.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

/// Lines that wait for their reader, and their bytes, beyond which lines are dropped.
const MAX_LINES: usize = 1024;
const MAX_BYTES: usize = 1 << 20;

/// The pause before the next attempt to write to a stream that another program has made non-blocking.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Where lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// Which lines are dropped first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Importance {
    /// Progress and the log: a later line says more.
    Passing,
    /// Anything else. Dropped only if nothing else is left, and the oldest first.
    Kept,
}

/// A queue of lines and the thread that writes them. Clones share both.
#[derive(Debug, Clone)]
pub(crate) struct LineWriter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    stream: Stream,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: Queue,
    is_started: bool,
    /// The thread has taken a line, and has not written it yet.
    is_writing: bool,
    /// The reader is gone, and does not want more.
    is_gone: bool,
    /// Why lines could not be written, if there was an error.
    error: Option<io::Error>,
    /// Lines that could not be written.
    failed: u64,
}

/// The lines that wait. Plain data.
#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<(Importance, Vec<u8>)>,
    bytes: usize,
    dropped: u64,
    /// Lines dropped since the last note about it.
    unmentioned: u64,
}

impl Queue {
    fn push(&mut self, importance: Importance, line: Vec<u8>) {
        self.bytes += line.len();
        self.lines.push_back((importance, line));
        while self.lines.len() > 1 && (self.lines.len() > MAX_LINES || self.bytes > MAX_BYTES) {
            let passing = self.lines.iter().position(|(importance, _)| *importance == Importance::Passing);
            if let Some((_, line)) = self.lines.remove(passing.unwrap_or(0)) {
                self.bytes -= line.len();
                self.dropped += 1;
                self.unmentioned += 1;
            }
        }
    }

    fn pop(&mut self) -> Option<Vec<u8>> {
        let (_, line) = self.lines.pop_front()?;
        self.bytes -= line.len();
        Some(line)
    }
}

/// What was not written.
#[derive(Debug)]
pub(crate) struct Loss {
    /// How many lines.
    pub(crate) lines: u64,
    /// Why.
    pub(crate) reason: String,
}

impl LineWriter {
    pub(crate) fn new(stream: Stream) -> Self {
        Self(Arc::new(Shared { stream, state: Mutex::default(), changed: Condvar::new() }))
    }

    /// Queues a line, or whatever is to be written in one piece. Returns at once.
    pub(crate) fn push(&self, importance: Importance, line: Vec<u8>) {
        let mut state = self.0.lock();
        if state.is_gone {
            return;
        }
        state.queue.push(importance, line);
        if !state.is_started {
            state.is_started = true;
            let shared = Arc::clone(&self.0);
            let thread = thread::Builder::new().name("output".into()).spawn(move || shared.run());
            if thread.is_err() {
                // Then it is written here.
                state.is_started = false;
                while let Some(line) = state.queue.pop() {
                    let written = write(self.0.stream, &line);
                    state.note(written);
                }
            }
        }
        drop(state);
        self.0.changed.notify_all();
    }

    /// Waits until all lines are written, up to `limit`. Returns whether they are.
    pub(crate) fn drained(&self, limit: Duration) -> bool {
        let has_lines = |state: &mut State| state.is_writing || !state.queue.lines.is_empty();
        let mut state = self.0.lock();
        !self.0.changed.wait_while_for(&mut state, has_lines, limit).timed_out()
    }

    /// Waits until all lines are written, up to `limit`. Returns what was lost since the start, if anything was.
    pub(crate) fn finish(&self, limit: Duration) -> Option<Loss> {
        let began = Instant::now();
        let is_drained = self.drained(limit);
        let state = self.0.lock();
        let waiting = if is_drained { 0 } else { state.queue.lines.len() as u64 + u64::from(state.is_writing) };
        let lines = state.failed + state.queue.dropped + waiting;
        let reason = match &state.error {
            Some(error) => error.to_string(),
            None if waiting > 0 => format!("its reader took nothing for {:.0} s", began.elapsed().as_secs_f64()),
            None => "its reader was too slow".into(),
        };
        (lines > 0 && !state.is_gone).then_some(Loss { lines, reason })
    }
}

impl State {
    fn note(&mut self, written: io::Result<()>) {
        let Err(error) = written else { return };
        if error.kind() == io::ErrorKind::BrokenPipe {
            // A reader that has read enough is no failure.
            self.is_gone = true;
            self.queue = Queue::default();
        } else {
            self.failed += 1;
            self.error.get_or_insert(error);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Writes whatever is queued, until the process ends.
    fn run(&self) {
        let mut state = self.lock();
        loop {
            let Some(line) = state.queue.pop() else {
                self.changed.wait(&mut state);
                continue;
            };
            state.is_writing = true;
            let dropped = std::mem::take(&mut state.queue.unmentioned);
            drop(state);
            // Among lines for programs, a note would be none of theirs.
            if dropped > 0 && self.stream == Stream::Stderr {
                let _ = write(self.stream, format!("… {dropped} lines were dropped\n").as_bytes());
            }
            let written = write(self.stream, &line);
            state = self.lock();
            state.is_writing = false;
            state.note(written);
            self.changed.notify_all();
        }
    }
}

/// Writes all of it, however long that takes.
pub(crate) fn write(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        Stream::Stdout => write_to(&mut io::stdout().lock(), bytes),
        Stream::Stderr => write_to(&mut io::stderr().lock(), bytes),
    }
}

fn write_to(out: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) => wait_or_fail(error)?,
        }
    }
    while let Err(error) = out.flush() {
        wait_or_fail(error)?;
    }
    Ok(())
}

/// Another program that shares the stream may have made it non-blocking.
fn wait_or_fail(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock => {
            thread::sleep(BUSY_PAUSE);
            Ok(())
        }
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_queue_drops_progress_first_and_keeps_the_last_line() {
        let mut queue = Queue::default();
        for number in 0..MAX_LINES {
            let importance = if number % 2 == 0 { Importance::Kept } else { Importance::Passing };
            queue.push(importance, vec![b'x'; 10]);
        }
        assert_eq!((queue.lines.len(), queue.dropped), (MAX_LINES, 0));
        for _ in 0..MAX_LINES / 2 {
            queue.push(Importance::Kept, vec![b'k'; 10]);
        }
        assert!(queue.lines.iter().all(|(importance, _)| *importance == Importance::Kept));
        assert_eq!((queue.lines.len(), queue.dropped), (MAX_LINES, 512));
        queue.push(Importance::Kept, b"last".to_vec());
        assert_eq!((queue.lines.len(), queue.dropped), (MAX_LINES, 513));
        assert_eq!(queue.lines.back().map(|(_, line)| line.as_slice()), Some(&b"last"[..]));
        queue.push(Importance::Passing, vec![b'x'; 10]);
        assert_eq!(
            (queue.lines.len(), queue.dropped),
            (MAX_LINES, 514),
            "progress has no place among lines that are kept"
        );
        queue.push(Importance::Kept, vec![b'x'; MAX_BYTES]);
        assert_eq!(queue.lines.len(), 1, "the newest line is kept whatever its size");
        assert_eq!(queue.bytes, MAX_BYTES);
        assert!(queue.pop().is_some() && queue.bytes == 0 && queue.pop().is_none());
    }

    /// Gives what it was asked for, one attempt after another.
    struct Stubborn {
        errors: Vec<io::ErrorKind>,
        written: Vec<u8>,
    }

    impl Write for Stubborn {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.errors.pop() {
                Some(kind) => Err(kind.into()),
                None => self.written.write(&bytes[..bytes.len().min(3)]),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn busy_stream_is_tried_again_and_a_broken_one_is_not() {
        use io::ErrorKind::{Interrupted, StorageFull, WouldBlock};

        let mut out = Stubborn { errors: vec![Interrupted, WouldBlock, WouldBlock], written: Vec::new() };
        assert!(write_to(&mut out, b"a whole line\n").is_ok());
        assert_eq!(out.written, b"a whole line\n");
        out.errors = vec![StorageFull];
        assert_eq!(write_to(&mut out, b"x").map_err(|error| error.kind()), Err(StorageFull));
    }
}
