//! Queues of lines for stdout and stderr, so that a slow reader does not delay the update.
//!
//! A pipe may be full, its reader may pause, and a terminal may be stopped. Each stream therefore has a thread that writes its queue.
//! The thread starts with the first line. The queue is bounded: lines that are [`Importance::Passing`] are dropped first.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

/// The maximum number of queued lines. A longer queue drops lines.
const MAX_LINES: usize = 1024;

/// The maximum size of the queued lines, in bytes. A larger queue drops lines, except for the newest one.
const MAX_BYTES: usize = 1 << 20;

/// The pause before the next attempt to write to a full stream that another program has made non-blocking.
const WOULD_BLOCK_PAUSE: Duration = Duration::from_millis(10);

/// A stream of the process, or a file.
#[derive(Debug, Clone)]
pub(crate) enum OutputStream {
    Stdout,
    Stderr,
    File(Arc<File>),
}

/// The importance of a line. It decides which lines are dropped first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Importance {
    /// Progress and the log. Dropped first, since later lines are more informative.
    Passing,
    /// All other lines. Dropped only if the queue has no passing lines, the oldest first.
    Kept,
}

/// A queue of lines and the thread that writes them. Clones share both.
#[derive(Debug, Clone)]
pub(crate) struct LineWriter(Arc<SharedWriter>);

#[derive(Debug)]
struct SharedWriter {
    stream: OutputStream,
    state: Mutex<WriterState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct WriterState {
    queue: LineQueue,
    is_started: bool,
    /// The thread has taken a line from the queue and has not written it yet.
    is_writing: bool,
    /// The reader has closed the stream. New lines are ignored.
    is_closed: bool,
    /// The first error that prevented writing.
    error: Option<io::Error>,
    /// The number of lines that could not be written.
    failed: u64,
}

/// The queued lines. Plain data, without I/O.
#[derive(Debug, Default)]
struct LineQueue {
    lines: VecDeque<(Importance, Vec<u8>)>,
    bytes: usize,
    dropped: u64,
    /// The number of lines dropped since the last message about dropped lines.
    unreported: u64,
}

impl LineQueue {
    fn push(&mut self, importance: Importance, line: Vec<u8>) {
        self.bytes += line.len();
        self.lines.push_back((importance, line));
        while self.lines.len() > 1 && (self.lines.len() > MAX_LINES || self.bytes > MAX_BYTES) {
            let passing = self.lines.iter().position(|(importance, _)| *importance == Importance::Passing);
            if let Some((_, line)) = self.lines.remove(passing.unwrap_or(0)) {
                self.bytes -= line.len();
                self.dropped += 1;
                self.unreported += 1;
            }
        }
    }

    fn pop(&mut self) -> Option<Vec<u8>> {
        let (_, line) = self.lines.pop_front()?;
        self.bytes -= line.len();
        Some(line)
    }
}

/// Lines that were not written.
#[derive(Debug)]
pub(crate) struct Loss {
    /// The number of lines.
    pub(crate) lines: u64,
    /// Why they were not written.
    pub(crate) reason: String,
}

impl LineWriter {
    pub(crate) fn new(stream: OutputStream) -> Self {
        Self(Arc::new(SharedWriter { stream, state: Mutex::default(), changed: Condvar::new() }))
    }

    /// Queues a line, or several that belong together. Returns at once.
    pub(crate) fn push(&self, importance: Importance, line: Vec<u8>) {
        let mut state = self.0.lock();
        if state.is_closed {
            return;
        }
        state.queue.push(importance, line);
        if !state.is_started {
            state.is_started = true;
            let shared = Arc::clone(&self.0);
            let thread = thread::Builder::new().name("output".into()).spawn(move || shared.run());
            if thread.is_err() {
                // Without a thread, the caller writes.
                state.is_started = false;
                while let Some(line) = state.queue.pop() {
                    let written = write(&self.0.stream, &line);
                    state.record(written);
                }
            }
        }
        drop(state);
        self.0.changed.notify_all();
    }

    /// Waits up to `limit` until all lines are written. Returns whether they are.
    pub(crate) fn drained(&self, limit: Duration) -> bool {
        let has_lines = |state: &mut WriterState| state.is_writing || !state.queue.lines.is_empty();
        let mut state = self.0.lock();
        !self.0.changed.wait_while_for(&mut state, has_lines, limit).timed_out()
    }

    /// Waits up to `limit` until all lines are written. Returns the lines that were lost since the start, if any.
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
        (lines > 0 && !state.is_closed).then_some(Loss { lines, reason })
    }
}

impl WriterState {
    fn record(&mut self, written: io::Result<()>) {
        let Err(error) = written else { return };
        if error.kind() == io::ErrorKind::BrokenPipe {
            // A reader may close the pipe early. This is not a failure.
            self.is_closed = true;
            self.queue = LineQueue::default();
        } else {
            self.failed += 1;
            self.error.get_or_insert(error);
        }
    }
}

impl SharedWriter {
    fn lock(&self) -> MutexGuard<'_, WriterState> {
        self.state.lock()
    }

    /// Writes the queued lines until the process ends.
    fn run(&self) {
        let mut state = self.lock();
        loop {
            let Some(line) = state.queue.pop() else {
                self.changed.wait(&mut state);
                continue;
            };
            state.is_writing = true;
            let dropped = std::mem::take(&mut state.queue.unreported);
            drop(state);
            // The other streams have lines for programs, which cannot parse this message.
            if dropped > 0 && matches!(self.stream, OutputStream::Stderr) {
                let _ = write(&self.stream, format!("… {dropped} lines were dropped\n").as_bytes());
            }
            let written = write(&self.stream, &line);
            state = self.lock();
            state.is_writing = false;
            state.record(written);
            self.changed.notify_all();
        }
    }
}

/// Writes all bytes. Waits as long as the reader needs.
pub(crate) fn write(stream: &OutputStream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        OutputStream::Stdout => write_to(&mut io::stdout().lock(), bytes),
        OutputStream::Stderr => write_to(&mut io::stderr().lock(), bytes),
        OutputStream::File(file) => write_to(&mut &**file, bytes),
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

/// Returns after a pause if the write can be repeated, or the error.
///
/// Another program that shares the stream may have made it non-blocking.
fn wait_or_fail(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock => {
            thread::sleep(WOULD_BLOCK_PAUSE);
            Ok(())
        }
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_queue_drops_progress_first_and_keeps_the_newest_line() {
        let mut queue = LineQueue::default();
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
            "a progress line is dropped from a queue of kept lines"
        );
        queue.push(Importance::Kept, vec![b'x'; MAX_BYTES]);
        assert_eq!(queue.lines.len(), 1, "the newest line is kept whatever its size");
        assert_eq!(queue.bytes, MAX_BYTES);
        assert!(queue.pop().is_some() && queue.bytes == 0 && queue.pop().is_none());
    }

    /// Fails with the listed errors, the last one first, and then accepts 3 bytes per call.
    struct FlakyStream {
        errors: Vec<io::ErrorKind>,
        written: Vec<u8>,
    }

    impl Write for FlakyStream {
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
    fn write_to_a_busy_stream_is_repeated_and_to_a_full_disk_fails() {
        use io::ErrorKind::{Interrupted, StorageFull, WouldBlock};

        let mut out = FlakyStream { errors: vec![Interrupted, WouldBlock, WouldBlock], written: Vec::new() };
        assert!(write_to(&mut out, b"a whole line\n").is_ok());
        assert_eq!(out.written, b"a whole line\n");
        out.errors = vec![StorageFull];
        assert_eq!(write_to(&mut out, b"x").map_err(|error| error.kind()), Err(StorageFull));
    }
}
