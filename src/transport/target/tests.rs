use proptest::prelude::*;

use super::*;

fn shown(text: &str) -> String {
    text.parse::<Target>().map_or_else(|e| format!("{e:?}"), |t| t.to_string())
}

#[test]
fn address_of_every_scheme_is_parsed() {
    for (text, expected) in [
        ("ws://1.2.3.4", "ws://1.2.3.4/rpc"),
        ("ws://1.2.3.4/", "ws://1.2.3.4/rpc"),
        ("WS://Device.local:80/rpc", "ws://device.local/rpc"),
        ("wss://[::1]:8443/x", "wss://[::1]:8443/x"),
        ("http://1.2.3.4:8910", "http://1.2.3.4:8910/rpc"),
        (" https://device ", "https://device/rpc"),
        ("mqtt://broker/esp32_AABBCC", "mqtt://broker/esp32_AABBCC"),
        ("tcp://1.2.3.4:7777", "tcp://1.2.3.4:7777"),
        ("udp://1.2.3.4:7777", "udp://1.2.3.4:7777"),
        ("/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("serial:///dev/ttyUSB0", "/dev/ttyUSB0"),
        ("COM7", "COM7"),
        (r"\\.\COM12", r"\\.\COM12"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn text_that_is_not_an_address_is_an_error_with_the_reason() {
    for (text, expected) in [
        ("", "Empty"),
        ("192.168.1.5", "NoScheme"),
        ("localhost:8910", "NoScheme"),
        ("gopher://x", "UnknownScheme"),
        ("ws://", "Malformed"),
        ("ws://host:99999", "Malformed"),
        ("mqtt://broker", "NoDeviceId(\"mqtt://broker\")"),
        ("mqtt://broker/", "NoDeviceId(\"mqtt://broker\")"),
        ("mqtt://broker/+", "NoDeviceId(\"mqtt://broker\")"),
        ("mqtt://broker/#", "NoDeviceId(\"mqtt://broker\")"),
        ("mqtt://broker/a/+", "Malformed"),
        ("tcp://host", "Malformed"),
        ("serial://", "Malformed"),
        ("sim:", "UnknownScheme"),
        ("http://a:b@host", "Malformed"),
        ("tcp://a:b@host:1", "Malformed"),
        // URL parsers accept these mistyped URLs.
        ("http:192.168.1.5", "Malformed(\"two slashes"),
        ("ws:/host", "Malformed(\"two slashes"),
        ("https:///host", "Malformed(\"two slashes"),
        ("ws:\\\\host", "Malformed(\"two slashes"),
        ("mqtt:broker/device", "Malformed(\"two slashes"),
        ("tcp:/host:1", "Malformed(\"two slashes"),
        ("[fe80::1%25eth0]", "Zone(\"eth0\")"),
        ("ws://[fe80::1%25eth0]:80/rpc", "Zone(\"eth0\")"),
        ("mqtt://user:pass@[fe80::1%eth0]/device", "Zone(\"eth0\")"),
        ("fe80::1%3", "Zone(\"3\")"),
        ("fe80::1", "NoScheme(\"[fe80::1]\")"),
    ] {
        assert!(shown(text).starts_with(expected), "{text}: {}", shown(text));
    }
}

#[test]
fn mqtt_url_has_default_port_and_any_device_id() {
    for (text, port, device) in [
        ("mqtt://broker/esp32_AABBCC", 1883, "esp32_AABBCC"),
        ("mqtts://broker/fleet/7%20b/", 8883, "fleet/7 b"),
        ("mqtt://user@[::1]:18830/x", 18830, "x"),
    ] {
        let Ok(Target::Mqtt(endpoint)) = text.parse() else { panic!("{text}") };
        assert_eq!((endpoint.port(), endpoint.device().as_str()), (port, device), "{text}");
    }
}

#[test]
fn address_of_a_device_behind_a_broker_is_safe_to_paste() {
    let broker = broker("mqtt://b;c@broker:1884/").expect("a broker");
    for (id, path) in [
        ("esp32_AABB-c.d~e", "esp32_AABB-c.d~e"),
        ("x$(touch pwned)", "x%24%28touch%20pwned%29"),
        ("y;touch z", "y%3Btouch%20z"),
        ("z&id`'\"\\", "z%26id%60%27%22%5C"),
        ("50%25 a?b#c!*", "50%2525%20a%3Fb%23c%21%2A"),
        ("\t\n/ü", "%09%0A%2F%C3%BC"),
    ] {
        let url = broker.with_device(id).with_user();
        assert_eq!(url, format!("mqtt://b%3Bc@broker:1884/{path}"), "{id:?}");
        assert_eq!(broker.with_device(id).device(), id, "{url}");
        let login = Login { user: "b;c".into(), password: None };
        assert!(!id.contains(['#', '+']) || url.parse::<Target>().is_err(), "{url}");
        if let Ok(target) = url.parse::<Target>() {
            let Target::Mqtt(endpoint) = target else { panic!("{url}") };
            assert_eq!((endpoint.device().as_str(), endpoint.login), (id, Some(login)), "{url}");
        }
    }
}

/// A password in the URL must not appear on a screen, in a log or in an error.
#[test]
fn password_in_url_is_stored_but_not_shown() {
    let target: Target = "ws://admin:pa%3Ass+1&b=c@host/rpc".parse().expect("an address");
    assert_eq!(target.to_string(), "ws://host/rpc");
    assert!(!format!("{target:?}").contains("pa"), "{target:?}");
    let target_with_token: Target = "http://host/rpc?token=secret".parse().expect("an address");
    assert_eq!(target_with_token.to_string(), "http://host/rpc");
    let Target::WebSocket(endpoint) = target else { panic!("{target:?}") };
    let login = Login { user: "admin".into(), password: Some("pa:ss+1&b=c".into()) };
    assert_eq!(endpoint.login, Some(login));
    for text in ["ws://admin:secret@ho st/", "admin:1secret@host", "my_user:secret@host", "1user:secret@host"] {
        let error = text.parse::<Target>().expect_err("no address");
        assert!(!format!("{error:?}{error}").contains("secret"), "{error:?}");
    }
}

proptest! {
    #[test]
    fn parse_of_any_text_does_not_panic(text: String) {
        let _ = text.parse::<Target>();
    }
}
