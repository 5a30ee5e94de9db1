//! The live rows at the bottom of the screen, which indicatif draws, clears and keeps below the messages.
//!
//! A drawing is collected and returned as one text. The queue of stderr takes it, so that a stopped terminal delays nothing.

use std::io;
use std::sync::Arc;

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use parking_lot::Mutex;

/// The size of a terminal that does not report it: lines and columns.
const DEFAULT_SIZE: (u16, u16) = (24, 80);

/// The columns that stay empty, so that `^C`, which the terminal writes, does not move the cursor to the next line.
const MARGIN: u16 = 2;

/// The pictures of the spinner, and the one of a finished bar, which is never shown.
const SPINNER: &str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ";

/// The done part of a bar, its tip, and the rest.
const BAR: &str = "━╸ ";

/// One live row. It has to fit the width of the screen.
#[derive(Debug)]
pub(crate) struct Row {
    template: String,
    label: String,
    text: String,
    done: u64,
    total: u64,
}

impl Row {
    /// Returns a row with a label, and a text after a spinner.
    pub(crate) fn waiting(label: String, text: String) -> Self {
        Self { template: "{prefix}{spinner}{msg}".into(), label, text, done: 0, total: 0 }
    }

    /// Returns a row with a label and a text.
    pub(crate) fn text(label: String, text: String) -> Self {
        Self { template: "{prefix}{msg}".into(), ..Self::waiting(label, text) }
    }

    /// Returns a row with a label, a bar of `width` characters, and a text.
    pub(crate) fn bar(label: String, (done, total): (u64, u64), width: usize, text: String) -> Self {
        Self { template: format!("{{prefix}}{{bar:{width}}} {{msg}}"), done, total, ..Self::waiting(label, text) }
    }

    /// Returns the row as a line of text, for a screen of `width` columns.
    pub(crate) fn line(&self, width: usize) -> String {
        let canvas = Canvas::new((1, u16::try_from(width).unwrap_or(u16::MAX).max(1)));
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::term_like(Box::new(canvas.clone())));
        self.show(&bar);
        canvas.collect(|| bar.abandon())
    }

    /// Lets `bar` look like this row from its next drawing on.
    fn show(&self, bar: &ProgressBar) {
        let style = ProgressStyle::with_template(&self.template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.tick_chars(SPINNER).progress_chars(BAR));
        bar.set_prefix(self.label.clone());
        bar.set_length(self.total);
        if self.total > 0 {
            bar.set_position(self.done);
        }
        bar.set_message(self.text.clone());
    }
}

/// The live rows of the screen.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Used for the size of the terminal. `None`: [`DEFAULT_SIZE`].
    term: Option<Term>,
    multi: MultiProgress,
    /// The rows on the screen, from top to bottom.
    bars: Vec<ProgressBar>,
    canvas: Canvas,
}

impl Screen {
    pub(crate) fn new(term: Option<Term>) -> Self {
        let canvas = Canvas::new(DEFAULT_SIZE);
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(canvas.clone())));
        Self { term, multi, bars: Vec::new(), canvas }
    }

    /// Reads the size of the terminal. Returns its lines and the width of a row, for the next drawing.
    pub(crate) fn measure(&self) -> (usize, usize) {
        let size = self.term.as_ref().map_or(DEFAULT_SIZE, Term::size);
        let lines = if size.0 == 0 { DEFAULT_SIZE.0 } else { size.0 };
        let columns = if size.1 == 0 { DEFAULT_SIZE.1 } else { size.1 };
        let width = columns.saturating_sub(MARGIN).max(1);
        self.canvas.0.lock().size = (lines, width);
        (lines.into(), width.into())
    }

    /// Returns the number of rows on the screen.
    pub(crate) fn len(&self) -> usize {
        self.bars.len()
    }

    /// Turns the spinners, from the next drawing on.
    pub(crate) fn turn_spinners(&self) {
        self.bars.iter().for_each(ProgressBar::tick);
    }

    /// Returns the drawing of `rows` in place of those on the screen, below `above`, which is empty or consists of whole lines.
    pub(crate) fn draw(&mut self, rows: &[Row], above: &str) -> String {
        for bar in self.bars.drain(rows.len().min(self.bars.len())..) {
            self.multi.remove(&bar);
        }
        while self.bars.len() < rows.len() {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
            self.bars.push(self.multi.add(bar));
        }
        for (row, bar) in rows.iter().zip(&self.bars) {
            row.show(bar);
        }
        self.canvas.collect(|| self.multi.suspend(|| self.canvas.0.lock().drawing += above))
    }
}

/// The terminal, as indicatif sees it.
#[derive(Debug, Clone)]
struct Canvas(Arc<Mutex<CanvasState>>);

#[derive(Debug)]
struct CanvasState {
    /// Lines and columns, at least 1.
    size: (u16, u16),
    /// Whether something is drawn. Otherwise, indicatif would draw all rows after each change of one.
    is_open: bool,
    drawing: String,
    /// The cursor is in a row that is drawn.
    is_in_row: bool,
}

impl Canvas {
    fn new(size: (u16, u16)) -> Self {
        let state = CanvasState { size, is_open: false, drawing: String::new(), is_in_row: false };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Returns what `draw` draws.
    fn collect(&self, draw: impl FnOnce()) -> String {
        self.0.lock().is_open = true;
        draw();
        let mut state = self.0.lock();
        state.is_open = false;
        std::mem::take(&mut state.drawing)
    }

    /// Adds to the drawing. Fails if nothing is drawn: indicatif then keeps the change for the next drawing.
    fn add(&self, text: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        if !state.is_open {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.drawing += text;
        Ok(())
    }

    fn move_cursor(&self, count: usize, direction: char) -> io::Result<()> {
        self.add(&if count == 0 { String::new() } else { format!("\x1b[{count}{direction}") })
    }
}

impl TermLike for Canvas {
    fn width(&self) -> u16 {
        self.0.lock().size.1
    }

    fn height(&self) -> u16 {
        self.0.lock().size.0
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'A')
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'B')
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'C')
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.add(&format!("{text}\n"))
    }

    /// Writes a row. Leaves out the spaces with which indicatif fills it: a terminal that gets narrower would break it.
    fn write_str(&self, text: &str) -> io::Result<()> {
        if text.trim_matches(' ').is_empty() {
            return Ok(());
        }
        let is_next = std::mem::replace(&mut self.0.lock().is_in_row, true);
        self.add(if is_next { "\n" } else { "" })?;
        self.add(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.add("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        self.0.lock().is_in_row = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(texts: &[&str]) -> Vec<Row> {
        texts.iter().map(|text| Row::text("a  ".into(), (*text).into())).collect()
    }

    #[test]
    fn rows_are_replaced_and_messages_go_above() {
        let mut screen = Screen::new(None);
        assert_eq!(screen.measure(), (24, 78));
        for (texts, above, expected) in [
            (&["one"][..], "", "a  one"),
            (&["one", "two"], "", "\r\x1b[2Ka  one\na  two"),
            (&["three", "two"], "text\n", "\x1b[1A\r\x1b[2K\x1b[1B\r\x1b[2K\x1b[1Atext\na  three\na  two"),
            (&["two"], "", "\x1b[1A\r\x1b[2K\x1b[1B\r\x1b[2K\x1b[1Aa  two"),
            (&[], "", "\r\x1b[2K"),
            (&[], "text\n", "text\n"),
        ] {
            assert_eq!(screen.draw(&rows(texts), above), expected, "{texts:?}");
            assert_eq!(screen.len(), texts.len());
        }
    }

    #[test]
    fn spinner_turns_only_when_told() {
        let mut screen = Screen::new(None);
        screen.measure();
        let waiting = || [Row::waiting(String::new(), " waiting".into())];
        assert_eq!(screen.draw(&waiting(), ""), "⠋ waiting");
        assert!(screen.draw(&waiting(), "").ends_with("⠋ waiting"));
        screen.turn_spinners();
        assert!(screen.draw(&waiting(), "").ends_with("⠙ waiting"));
    }

    #[test]
    fn row_is_also_a_line_of_text() {
        let row = Row::bar("a  ".into(), (1, 2), 4, "50 %".into());
        assert_eq!(row.line(78), "a  ━━╸  50 %");
    }
}
