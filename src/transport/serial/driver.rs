//! Drives one link over the open port.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep_until};
use tokio_serial::SerialStream;

use super::line::{Line, WriteAction};
use super::port::OpenPort;
use crate::rpc::{Cause, LostReason};
use crate::transport::link::LinkDriver;

/// The size of the read buffer, in bytes.
const READ_BUFFER: usize = 4096;

/// Carries frames between the port and the link until one of them ends.
pub(super) async fn drive(mut port: OwnedMutexGuard<Option<OpenPort>>, line: Line, mut driver: LinkDriver) {
    let Some(open) = port.as_mut() else { return };
    let dropped = driver.dropped();
    let error = tokio::select! {
        () = dropped => return,
        error = carry(&mut open.stream, line, &mut driver) => error,
    };
    // The port is closed at once, so that an adapter that is plugged in again gets the same name.
    *port = None;
    drop(port);
    driver.close(match error.kind() {
        io::ErrorKind::UnexpectedEof => LostReason::PortVanished,
        _ => LostReason::PortFailed(Cause::new(error)),
    });
}

/// Carries frames until the port fails. Returns the error.
async fn carry(port: &mut SerialStream, mut line: Line, driver: &mut LinkDriver) -> io::Error {
    let (mut reader, mut writer) = tokio::io::split(port);
    let mut buffer = vec![0; READ_BUFFER];
    loop {
        let has_room = line.has_room();
        let action = line.next_action(Instant::now());
        let (bytes, wait) = match action {
            WriteAction::Write(bytes) => (bytes, None),
            WriteAction::Wait(until) => (&[][..], Some(until)),
            WriteAction::Idle => (&[][..], None),
        };
        tokio::select! {
            // Biased so that an XOFF that has arrived stops the next write.
            biased;
            read = reader.read(&mut buffer) => match read {
                // Reading from an unplugged port gives the end of the stream, or an error.
                Ok(0) => return io::ErrorKind::UnexpectedEof.into(),
                Ok(read) => for frame in line.receive(&buffer[..read], Instant::now()) {
                    driver.deliver(frame).await;
                },
                Err(error) => return error,
            },
            written = writer.write(bytes), if !bytes.is_empty() => match written {
                Ok(written) => line.on_written(written, Instant::now()),
                Err(error) => return error,
            },
            Some(frame) = driver.outgoing.recv_frame(), if has_room => line.send(frame, Instant::now()),
            () = sleep_until(wait.unwrap_or_else(Instant::now)), if wait.is_some() => {}
        }
    }
}
