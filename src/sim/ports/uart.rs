//! A UART with what lies between it and the host: a line of real speed, small buffers, and an adapter that
//! is slow to hand on an XOFF. Plain data: the clock is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::transport::framing::Style;

/// What the hardware holds, in bytes.
const FIFO: usize = 128;

/// What the driver behind it holds, in bytes.
const BUFFER: usize = 256;

/// So full may the driver's buffer be before the device asks for a rest, and so empty has it to be again
/// before that ends.
const HIGH: usize = BUFFER * 3 / 4;
const LOW: usize = BUFFER / 4;

const XON: u8 = 0x11;
const XOFF: u8 = 0x13;

/// What a UART and its user are like.
#[derive(Debug, Clone)]
pub struct Config {
    /// Bits per second; a byte takes ten.
    pub baud_rate: u32,
    /// Whether it says XOFF when it cannot follow.
    pub flow_control: bool,
    /// After so many bytes the device writes flash for so long, and reads nothing.
    pub pause: Option<(usize, Duration)>,
    /// How long the adapter sits on an XON or XOFF, at the worst.
    pub latency: Duration,
    /// The delimiter without which it understands nothing; `None`: it understands both.
    pub only: Option<Style>,
    /// Whether the console speaks between the frames.
    pub console_noise: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            baud_rate: 115_200,
            flow_control: true,
            pause: None,
            latency: Duration::from_millis(16),
            only: None,
            console_noise: false,
        }
    }
}

/// The UART.
#[derive(Debug)]
pub struct Uart {
    config: Config,
    byte_time: Duration,
    /// On their way from the host.
    incoming: VecDeque<u8>,
    /// When the first of them will have arrived.
    arrival: Instant,
    fifo: VecDeque<u8>,
    buffer: VecDeque<u8>,
    /// Bytes that the device has read since it last wrote flash.
    read: usize,
    busy_until: Option<Instant>,
    has_asked_to_wait: bool,
    lost: u64,
    /// On their way to the host.
    outgoing: VecDeque<u8>,
    /// When the first of them will have left.
    departure: Instant,
    /// XON and XOFF, and when the host sees them.
    flow: VecDeque<(Instant, u8)>,
}

impl Uart {
    /// A UART at rest.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            byte_time: Duration::from_secs(10) / config.baud_rate.max(1),
            config,
            incoming: VecDeque::new(),
            arrival: now,
            fifo: VecDeque::new(),
            buffer: VecDeque::new(),
            read: 0,
            busy_until: None,
            has_asked_to_wait: false,
            lost: 0,
            outgoing: VecDeque::new(),
            departure: now,
            flow: VecDeque::new(),
        }
    }

    /// The host sends.
    pub fn send(&mut self, bytes: &[u8], now: Instant) {
        if self.incoming.is_empty() {
            self.arrival = self.arrival.max(now) + self.byte_time;
        }
        self.incoming.extend(bytes);
    }

    /// The device sends.
    pub fn transmit(&mut self, bytes: &[u8], now: Instant) {
        if self.outgoing.is_empty() {
            self.departure = self.departure.max(now) + self.byte_time;
        }
        self.outgoing.extend(bytes);
    }

    /// What the device has read by now.
    pub fn receive(&mut self, now: Instant) -> Vec<u8> {
        let mut heard = Vec::new();
        loop {
            let arrival = (!self.incoming.is_empty()).then_some(self.arrival);
            let next = [arrival, self.busy_until].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= now) else { return heard };
            if self.busy_until == Some(at) {
                self.busy_until = None;
            } else {
                self.arrive();
            }
            self.read(&mut heard, at);
            self.ask(at);
        }
    }

    /// What the host sees by now.
    pub fn emit(&mut self, now: Instant) -> Vec<u8> {
        let mut seen = Vec::new();
        while self.flow.front().is_some_and(|(at, _)| *at <= now) {
            seen.extend(self.flow.pop_front().map(|(_, byte)| byte));
        }
        while self.departure <= now
            && let Some(byte) = self.outgoing.pop_front()
        {
            seen.push(byte);
            self.departure += self.byte_time;
        }
        seen
    }

    /// When something will happen next.
    #[must_use]
    pub fn next_event(&self) -> Option<Instant> {
        let arrival = (!self.incoming.is_empty()).then_some(self.arrival);
        let departure = (!self.outgoing.is_empty()).then_some(self.departure);
        let flow = self.flow.front().map(|(at, _)| *at);
        [arrival, departure, flow, self.busy_until].into_iter().flatten().min()
    }

    /// When all that is on its way to the host will have left; `None`: nothing is.
    #[must_use]
    pub fn transmitted_at(&self) -> Option<Instant> {
        let rest = u32::try_from(self.outgoing.len()).unwrap_or(u32::MAX).checked_sub(1)?;
        Some(self.departure + self.byte_time * rest)
    }

    /// How many bytes are on their way from the host.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.incoming.len()
    }

    /// How many bytes came when there was no room.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn arrive(&mut self) {
        self.arrival += self.byte_time;
        let Some(byte) = self.incoming.pop_front() else { return };
        if self.fifo.len() < FIFO {
            self.fifo.push_back(byte);
        } else {
            self.lost += 1;
        }
        self.refill();
    }

    /// The interrupt empties the hardware into the driver's buffer, flash or no flash.
    fn refill(&mut self) {
        while self.buffer.len() < BUFFER
            && let Some(byte) = self.fifo.pop_front()
        {
            self.buffer.push_back(byte);
        }
    }

    fn read(&mut self, heard: &mut Vec<u8>, at: Instant) {
        while self.busy_until.is_none()
            && let Some(byte) = self.buffer.pop_front()
        {
            self.refill();
            heard.push(byte);
            self.read += 1;
            if let Some((every, lasts)) = self.config.pause
                && self.read == every
            {
                self.read = 0;
                self.busy_until = Some(at + lasts);
            }
        }
    }

    fn ask(&mut self, at: Instant) {
        if !self.config.flow_control {
            return;
        }
        let wait = match (self.has_asked_to_wait, self.buffer.len()) {
            (false, HIGH..) => true,
            (true, ..=LOW) => false,
            _ => return,
        };
        self.has_asked_to_wait = wait;
        self.flow.push_back((at + self.config.latency, if wait { XOFF } else { XON }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets time pass in steps of a millisecond, as the one who sends `bytes` without listening.
    fn run(config: Config, bytes: usize) -> (Uart, Vec<u8>, Vec<(Duration, u8)>, Duration) {
        let start = Instant::now();
        let mut uart = Uart::new(config, start);
        uart.send(&vec![b'x'; bytes], start);
        let (mut heard, mut flow, mut now) = (Vec::new(), Vec::new(), start);
        while let Some(next) = uart.next_event() {
            now = now.max(next);
            heard.extend(uart.receive(now));
            flow.extend(uart.emit(now).into_iter().map(|byte| (now - start, byte)));
        }
        (uart, heard, flow, now - start)
    }

    #[test]
    fn bytes_take_their_time_in_both_directions() {
        let (_, heard, _, took) = run(Config::default(), 1152);
        assert_eq!(heard.len(), 1152);
        assert!(took.abs_diff(Duration::from_millis(100)) < Duration::from_millis(1), "{took:?}");
        let start = Instant::now();
        let mut uart = Uart::new(Config::default(), start);
        uart.transmit(&[b'x'; 1152], start);
        assert_eq!(uart.emit(start + Duration::from_millis(50)).len(), 576);
        assert_eq!(uart.emit(start + Duration::from_millis(101)).len(), 576);
    }

    /// What is sent while the device writes flash is kept as far as there is room, and lost beyond.
    #[test]
    fn what_overflows_is_lost() {
        let pause = |ms| Config { pause: Some((512, Duration::from_millis(ms))), ..Config::default() };
        assert_eq!(run(pause(20), 2048).0.lost(), 0, "20 ms are 230 bytes, for which there is room");
        let (uart, heard, _, _) = run(pause(100), 1152);
        assert_eq!(uart.lost(), 1152 - 512 - 384, "640 bytes came within the pause; 384 have room");
        assert_eq!(heard.len(), 512 + 384);
    }

    #[test]
    fn xoff_is_seen_late_and_xon_follows() {
        let config = Config { pause: Some((512, Duration::from_millis(20))), ..Config::default() };
        let (_, _, flow, _) = run(config.clone(), 800);
        let seen: Vec<_> = flow.iter().map(|(at, byte)| (at.as_millis(), *byte)).collect();
        // 512 bytes take 44 ms; 192 more fill the buffer by 61 ms, and the pause ends at 64 ms.
        assert_eq!(seen, [(77, XOFF), (80, XON)]);
        assert_eq!(run(Config { flow_control: false, ..config }, 800).2, []);
    }
}
