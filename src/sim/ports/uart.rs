//! A UART and its connection to the host: a line with limited speed, small buffers, and an adapter that passes on XOFF
//! late.
//!
//! No I/O: the clock is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::transport::framing::Delimiter;

/// The size of the hardware FIFO, in bytes.
const FIFO_LEN: usize = 128;

/// The size of the driver's buffer, in bytes.
const BUFFER_LEN: usize = 256;

/// The fill level of the driver's buffer at which the device sends XOFF.
const XOFF_LEVEL: usize = BUFFER_LEN * 3 / 4;

/// The fill level of the driver's buffer at which the device sends XON after an XOFF.
const XON_LEVEL: usize = BUFFER_LEN / 4;

const XON: u8 = 0x11;
const XOFF: u8 = 0x13;

/// The properties of a UART, its adapter and its device.
#[derive(Debug, Clone)]
pub struct UartConfig {
    /// Bits per second. A byte takes ten bits.
    pub baud_rate: u32,
    /// Whether the device sends XOFF when its buffer fills up.
    pub flow_control: bool,
    /// Each time the device has read this many bytes, it writes flash and reads nothing for this time.
    pub pause: Option<(usize, Duration)>,
    /// The delay after which the adapter passes on an XON or XOFF.
    pub latency: Duration,
    /// The only delimiter that the device understands. `None`: both.
    pub only: Option<Delimiter>,
    /// Whether the console prints between the frames.
    pub console_noise: bool,
}

impl Default for UartConfig {
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

/// The state of a UART and its line.
#[derive(Debug)]
pub struct Uart {
    config: UartConfig,
    byte_time: Duration,
    /// The bytes in transit from the host.
    incoming: VecDeque<u8>,
    /// The time at which the first incoming byte arrives.
    arrival: Instant,
    fifo: VecDeque<u8>,
    buffer: VecDeque<u8>,
    /// The number of bytes that the device has read since it last wrote flash.
    read: usize,
    busy_until: Option<Instant>,
    has_sent_xoff: bool,
    lost: u64,
    /// The bytes in transit to the host.
    outgoing: VecDeque<u8>,
    /// The time at which the first outgoing byte reaches the host.
    departure: Instant,
    /// XON and XOFF characters, and the times at which they reach the host.
    flow: VecDeque<(Instant, u8)>,
}

impl Uart {
    /// Returns an idle UART.
    #[must_use]
    pub fn new(config: UartConfig, now: Instant) -> Self {
        Self {
            byte_time: Duration::from_secs(10) / config.baud_rate.max(1),
            config,
            incoming: VecDeque::new(),
            arrival: now,
            fifo: VecDeque::new(),
            buffer: VecDeque::new(),
            read: 0,
            busy_until: None,
            has_sent_xoff: false,
            lost: 0,
            outgoing: VecDeque::new(),
            departure: now,
            flow: VecDeque::new(),
        }
    }

    /// Sends bytes from the host.
    pub fn send(&mut self, bytes: &[u8], now: Instant) {
        if self.incoming.is_empty() {
            self.arrival = self.arrival.max(now) + self.byte_time;
        }
        self.incoming.extend(bytes);
    }

    /// Sends bytes from the device.
    pub fn transmit(&mut self, bytes: &[u8], now: Instant) {
        if self.outgoing.is_empty() {
            self.departure = self.departure.max(now) + self.byte_time;
        }
        self.outgoing.extend(bytes);
    }

    /// Returns the bytes that the device has read by now, since the last call.
    pub fn receive(&mut self, now: Instant) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let arrival = (!self.incoming.is_empty()).then_some(self.arrival);
            let next = [arrival, self.busy_until].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= now) else { return bytes };
            if self.busy_until == Some(at) {
                self.busy_until = None;
            } else {
                self.arrive();
            }
            self.read(&mut bytes, at);
            self.control_flow(at);
        }
    }

    /// Returns the bytes that have reached the host by now, since the last call.
    pub fn emit(&mut self, now: Instant) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.flow.front().is_some_and(|(at, _)| *at <= now) {
            bytes.extend(self.flow.pop_front().map(|(_, byte)| byte));
        }
        while self.departure <= now
            && let Some(byte) = self.outgoing.pop_front()
        {
            bytes.push(byte);
            self.departure += self.byte_time;
        }
        bytes
    }

    /// Returns the time of the next event, if any.
    #[must_use]
    pub fn next_event(&self) -> Option<Instant> {
        let arrival = (!self.incoming.is_empty()).then_some(self.arrival);
        let departure = (!self.outgoing.is_empty()).then_some(self.departure);
        let flow = self.flow.front().map(|(at, _)| *at);
        [arrival, departure, flow, self.busy_until].into_iter().flatten().min()
    }

    /// Returns the time at which all outgoing bytes have reached the host. `None`: no bytes are outgoing.
    #[must_use]
    pub fn transmitted_at(&self) -> Option<Instant> {
        let rest = u32::try_from(self.outgoing.len()).unwrap_or(u32::MAX).checked_sub(1)?;
        Some(self.departure + self.byte_time * rest)
    }

    /// Returns the number of bytes in transit from the host.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.incoming.len()
    }

    /// Returns the number of bytes that were lost because the hardware FIFO was full.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn arrive(&mut self) {
        self.arrival += self.byte_time;
        let Some(byte) = self.incoming.pop_front() else { return };
        if self.fifo.len() < FIFO_LEN {
            self.fifo.push_back(byte);
        } else {
            self.lost += 1;
        }
        self.refill();
    }

    /// Moves bytes from the hardware FIFO to the driver's buffer. The interrupt also does this while the device writes
    /// flash.
    fn refill(&mut self) {
        while self.buffer.len() < BUFFER_LEN
            && let Some(byte) = self.fifo.pop_front()
        {
            self.buffer.push_back(byte);
        }
    }

    fn read(&mut self, bytes: &mut Vec<u8>, at: Instant) {
        while self.busy_until.is_none()
            && let Some(byte) = self.buffer.pop_front()
        {
            self.refill();
            bytes.push(byte);
            self.read += 1;
            if let Some((interval, duration)) = self.config.pause
                && self.read == interval
            {
                self.read = 0;
                self.busy_until = Some(at + duration);
            }
        }
    }

    /// Sends XOFF or XON if the fill level requires it.
    fn control_flow(&mut self, at: Instant) {
        if !self.config.flow_control {
            return;
        }
        let sends_xoff = match (self.has_sent_xoff, self.buffer.len()) {
            (false, XOFF_LEVEL..) => true,
            (true, ..=XON_LEVEL) => false,
            _ => return,
        };
        self.has_sent_xoff = sends_xoff;
        self.flow.push_back((at + self.config.latency, if sends_xoff { XOFF } else { XON }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `bytes` bytes without regard to XOFF, and runs all events.
    ///
    /// Returns the UART, the bytes that the device has read, the bytes that reached the host, and the duration.
    fn run(config: UartConfig, bytes: usize) -> (Uart, Vec<u8>, Vec<(Duration, u8)>, Duration) {
        let start = Instant::now();
        let mut uart = Uart::new(config, start);
        uart.send(&vec![b'x'; bytes], start);
        let (mut read, mut flow, mut now) = (Vec::new(), Vec::new(), start);
        while let Some(next) = uart.next_event() {
            now = now.max(next);
            read.extend(uart.receive(now));
            flow.extend(uart.emit(now).into_iter().map(|byte| (now - start, byte)));
        }
        (uart, read, flow, now - start)
    }

    #[test]
    fn baud_rate_limits_both_directions() {
        let (_, read, _, took) = run(UartConfig::default(), 1152);
        assert_eq!(read.len(), 1152);
        assert!(took.abs_diff(Duration::from_millis(100)) < Duration::from_millis(1), "{took:?}");
        let start = Instant::now();
        let mut uart = Uart::new(UartConfig::default(), start);
        uart.transmit(&[b'x'; 1152], start);
        assert_eq!(uart.emit(start + Duration::from_millis(50)).len(), 576);
        assert_eq!(uart.emit(start + Duration::from_millis(101)).len(), 576);
    }

    /// The buffers keep bytes that arrive while the device writes flash. Bytes beyond their capacity are lost.
    #[test]
    fn bytes_beyond_buffer_capacity_are_lost() {
        let pause = |ms| UartConfig { pause: Some((512, Duration::from_millis(ms))), ..UartConfig::default() };
        assert_eq!(run(pause(20), 2048).0.lost(), 0, "230 bytes arrive in 20 ms, and fit into the buffers");
        let (uart, read, _, _) = run(pause(100), 1152);
        assert_eq!(uart.lost(), 1152 - 512 - 384, "640 bytes arrive within the pause, and 384 fit into the buffers");
        assert_eq!(read.len(), 512 + 384);
    }

    #[test]
    fn xoff_reaches_host_after_latency_and_xon_follows() {
        let config = UartConfig { pause: Some((512, Duration::from_millis(20))), ..UartConfig::default() };
        let (_, _, flow, _) = run(config.clone(), 800);
        let received: Vec<_> = flow.iter().map(|(at, byte)| (at.as_millis(), *byte)).collect();
        // 512 bytes take 44 ms; 192 more fill the buffer by 61 ms, and the pause ends at 64 ms.
        assert_eq!(received, [(77, XOFF), (80, XON)]);
        assert_eq!(run(UartConfig { flow_control: false, ..config }, 800).2, []);
    }
}
