//! Encodes and decodes the WebSocket frames of the recordings and of their replays.

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::recording::REPLY_TIMEOUT;

/// Returns the unmasked payloads of the WebSocket text frames in these bytes.
pub fn payloads(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while bytes.len() >= 2 {
        let (opcode, masked) = (bytes[0] & 0xf, bytes[1] & 0x80 != 0);
        let (len, mut at) = match bytes[1] & 0x7f {
            126 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
            short => (usize::from(short), 2),
        };
        let mask = if masked { bytes[at..at + 4].to_vec() } else { vec![0; 4] };
        at += if masked { 4 } else { 0 };
        let payload = bytes[at..at + len].iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]).collect();
        if opcode == 1 {
            found.push(payload);
        }
        bytes = &bytes[at + len..];
    }
    found
}

/// Returns a text frame as a client sends it, with a mask of zeros.
pub fn masked(payload: &[u8]) -> Vec<u8> {
    let len = payload.len();
    let mut frame = vec![0x81];
    match u8::try_from(len) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            frame.push(0x80 | 0x7e);
            frame.extend_from_slice(&u16::try_from(len).expect("a short frame").to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

pub async fn read_head(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(REPLY_TIMEOUT, socket.read_u8()).await.expect("in time").expect("a head"));
    }
    String::from_utf8(head).expect("ASCII")
}

/// Reads the payload of the next text frame. Returns `None` if the connection was closed.
pub async fn read_frame(socket: &mut TcpStream) -> Option<String> {
    let read = async {
        loop {
            let mut head = [0; 2];
            socket.read_exact(&mut head).await.ok()?;
            let len = match head[1] & 0x7f {
                126 => usize::from(socket.read_u16().await.ok()?),
                short => usize::from(short),
            };
            let mut payload = vec![0; len];
            socket.read_exact(&mut payload).await.ok()?;
            if head[0] == 0x81 {
                return Some(String::from_utf8(payload).expect("ASCII"));
            }
        }
    };
    timeout(REPLY_TIMEOUT, read).await.expect("an answer in time")
}
