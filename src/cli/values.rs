//! Parsers for values of options.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// Parses a duration such as `90s`, `5m`, `1h 30m`, or plain seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let notation = "write it as `90s`, `5m` or plain seconds";
    let text = text.trim();
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text).map_err(|_| notation.to_owned())?,
    };
    match duration {
        Duration::ZERO => Err("it must be longer than 0".into()),
        // A device cannot count more seconds.
        long if long > Duration::from_secs(i32::MAX.unsigned_abs().into()) => Err("it is too long".into()),
        duration => Ok(duration),
    }
}

/// Parses a commit timeout: whole seconds, at least 1. For a device, 0 means that it does not wait for a commit.
pub(crate) fn commit_timeout(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        whole if whole.subsec_nanos() == 0 => Ok(whole),
        _ => Err("the device counts in whole seconds".into()),
    }
}

/// Parses the address of a server: `ADDRESS:PORT`, `ADDRESS`, `:PORT` or `PORT`. Port 0 means any free port.
pub(crate) fn listen(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Ok(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port));
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, 0));
    }
    text.parse().map_err(|_| "write it as ADDRESS:PORT, ADDRESS or :PORT, with a numeric address".into())
}

/// Parses `HOST` or `HOST:PORT`.
pub(crate) fn advertise(text: &str) -> Result<(String, Option<u16>), String> {
    if let Ok(ip) = text.trim_matches(['[', ']']).parse::<Ipv6Addr>() {
        return Ok((ip.to_string(), None));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().map_err(|_| "the port is not a number".to_owned())?)),
        None => (text, None),
    };
    let is_ipv6 = host.starts_with('[') && host.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok();
    let host = if is_ipv6 { host.trim_matches(['[', ']']) } else { host };
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.is_empty() || port == Some(0) || (!is_ipv6 && !host.chars().all(usable)) {
        return Err("write it as HOST or HOST:PORT".into());
    }
    Ok((host.into(), port))
}

/// Parses a number of devices at a time.
pub(crate) fn jobs(text: &str) -> Result<usize, String> {
    const MAX_JOBS: usize = 256;

    match text.trim().parse() {
        Ok(jobs @ 1..=MAX_JOBS) => Ok(jobs),
        _ => Err(format!("write a number from 1 to {MAX_JOBS}")),
    }
}

/// Parses a topic, or a part of one.
pub(crate) fn topic(text: &str) -> Result<String, String> {
    match text {
        "" => Err("it is empty".into()),
        _ if text.contains(['+', '#', '\0']) => {
            Err("it becomes part of a topic, and can hold neither `+` nor `#`".into())
        }
        // A request has room for 512 bytes beside its arguments.
        _ if text.len() > 512 => Err("it is longer than 512 bytes".into()),
        _ => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_of_each_notation_is_read_or_refused() {
        for (text, expected) in [
            ("90", Some(90)),
            ("90s", Some(90)),
            ("5m", Some(300)),
            ("1h 1s", Some(3601)),
            ("0", None),
            ("0s", None),
            ("-5", None),
            ("soon", None),
            ("", None),
            ("99999999999999", None),
            ("9999y", None),
        ] {
            assert_eq!(duration(text).ok(), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(commit_timeout("250ms").is_err());
    }

    #[test]
    fn topic_with_wildcards_or_too_long_is_refused() {
        assert_eq!(topic("a/b c").as_deref(), Ok("a/b c"));
        for bad in ["", "a/+", "#", "a\0b", &"x".repeat(513)] {
            assert!(topic(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn address_of_each_notation_is_read_or_refused() {
        let listens = |text| listen(text).map(|address| address.to_string()).ok();
        assert_eq!(listens(":8080").as_deref(), Some("0.0.0.0:8080"));
        assert_eq!(listens("8080").as_deref(), Some("0.0.0.0:8080"));
        assert_eq!(listens("10.0.0.1").as_deref(), Some("10.0.0.1:0"));
        assert_eq!(listens("[::1]:80").as_deref(), Some("[::1]:80"));
        assert_eq!(listens("host:80"), None);
        assert_eq!(advertise("nat.example:81"), Ok(("nat.example".into(), Some(81))));
        assert_eq!(advertise("10.0.0.1"), Ok(("10.0.0.1".into(), None)));
        assert_eq!(advertise("fe80::1"), Ok(("fe80::1".into(), None)));
        assert_eq!(advertise("[fe80::1]:81"), Ok(("fe80::1".into(), Some(81))));
        assert!(advertise("a/b").is_err() && advertise(":80").is_err() && advertise("h:x").is_err());
        assert!(advertise("1:2:3").is_err() && advertise("h:0").is_err());
    }
}
