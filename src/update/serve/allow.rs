//! Which client addresses the firmware server serves. Pure.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// Clients that the user allows in addition to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AllowFrom {
    /// Every client that knows the path.
    Any,
    /// The clients of this network. A single address is a network of one.
    Net(IpNet),
}

/// The text is neither an address, nor a network, nor `any`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write it as an address, as NETWORK/BITS such as 192.168.1.0/24, or as `any`")]
pub struct NoAddress;

impl FromStr for AllowFrom {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        if text.eq_ignore_ascii_case("any") {
            return Ok(Self::Any);
        }
        let network = match text.parse::<IpAddr>() {
            Ok(address) => Some(IpNet::from(address)),
            Err(_) => text.parse().ok(),
        };
        network.and_then(canonical).map(Self::Net).ok_or(NoAddress)
    }
}

/// Returns an IPv4 network that is written as an IPv6 one (`::ffff:10.0.0.0/104`) as IPv4. `None`: it holds more than IPv4.
fn canonical(network: IpNet) -> Option<IpNet> {
    const MAPPED_BITS: u8 = 128 - 32;

    match (network, network.addr().to_canonical()) {
        (IpNet::V6(_), IpAddr::V4(address)) => {
            let bits = network.prefix_len().checked_sub(MAPPED_BITS)?;
            Ipv4Net::new(address, bits).ok().map(IpNet::from)
        }
        _ => Some(network),
    }
}

/// The clients that are served.
#[derive(Debug)]
pub(super) enum Allowed {
    All,
    Only(Vec<IpNet>),
}

impl Allowed {
    /// Allows the known addresses of the device, and the clients that the user allows. Without any of them, the secret path alone protects the
    /// bundle.
    pub(super) fn new(device: &[IpAddr], also: &[AllowFrom]) -> Self {
        let mut networks: Vec<IpNet> = device.iter().map(|address| address.to_canonical().into()).collect();
        for allowed in also {
            match allowed {
                AllowFrom::Any => return Self::All,
                AllowFrom::Net(network) => networks.push(*network),
            }
        }
        if networks.is_empty() { Self::All } else { Self::Only(networks) }
    }

    /// Tells whether a client with this address is served.
    pub(super) fn admits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Self::All => true,
            Self::Only(networks) => networks.iter().any(|network| network.contains(&address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn network_contains_its_addresses() {
        for (network, address, expected) in [
            ("10.0.0.7", "10.0.0.7", true),
            ("10.0.0.7", "10.0.0.8", false),
            ("10.0.0.7", "::ffff:10.0.0.7", true),
            ("::ffff:10.0.0.7", "10.0.0.7", true),
            ("192.168.1.0/24", "192.168.1.255", true),
            ("192.168.1.77/24", "192.168.1.1", true),
            ("192.168.1.0/24", "192.168.2.1", false),
            ("192.168.1.0/31", "192.168.1.2", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "fe80::1", true),
            ("::/0", "10.0.0.7", false),
            ("fe80::/10", "febf::1", true),
            ("fe80::/10", "fec0::1", false),
            ("fd00::1/128", "fd00::2", false),
            ("::ffff:10.0.0.0/104", "10.9.9.9", true),
            ("::ffff:10.0.0.0/104", "11.0.0.0", false),
            ("any", "203.0.113.9", true),
            ("ANY", "::1", true),
        ] {
            let allowed = Allowed::new(&[], &[network.parse().expect("a network")]);
            assert_eq!(allowed.admits(ip(address)), expected, "{address} in {network}");
        }
    }

    #[test]
    fn text_that_is_no_network_is_refused() {
        for text in [
            "",
            "dev",
            "10.0.0",
            "10.0.0.1/",
            "10.0.0.1/33",
            "10.0.0.1/+8",
            "10.0.0.1/-1",
            "10.0.0.1/8/8",
            "::1/129",
            "/8",
            "::ffff:10.0.0.0/90",
            "10.0.0.1:80",
            "all",
        ] {
            assert_eq!(text.parse::<AllowFrom>(), Err(NoAddress), "{text}");
        }
    }

    #[test]
    fn allowed_without_addresses_admits_all() {
        let net: AllowFrom = "10.0.0.0/8".parse().expect("a network");
        let (device, other) = (ip("192.168.1.5"), ip("203.0.113.9"));
        for (known, also, expected) in [
            (&[][..], &[][..], [true, true, true]),
            (&[device][..], &[][..], [true, false, false]),
            (&[device][..], &[net][..], [true, true, false]),
            (&[][..], &[net][..], [false, true, false]),
            (&[device][..], &[net, AllowFrom::Any][..], [true, true, true]),
        ] {
            let allowed = Allowed::new(known, also);
            let admits = [device, ip("10.1.1.1"), other].map(|address| allowed.admits(address));
            assert_eq!(admits, expected, "{known:?} {also:?}");
        }
    }

    proptest! {
        #[test]
        fn network_contains_what_shares_its_prefix(network: u32, bits in 0_u8..=32, address: u32) {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            let text = format!("{}/{bits}", std::net::Ipv4Addr::from(network));
            let allowed = Allowed::new(&[], &[text.parse().expect("a network")]);
            let address_ip = IpAddr::from(std::net::Ipv4Addr::from(address));
            prop_assert_eq!(allowed.admits(address_ip), network & mask == address & mask);
        }

        #[test]
        fn text_of_any_kind_does_not_panic(text: String) {
            let _ = text.parse::<AllowFrom>();
        }
    }
}
