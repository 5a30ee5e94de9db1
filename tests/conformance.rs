//! The same cases over every transport: whatever carries the frames, a caller sees the same device. A
//! transport is a row at the end of this file; each of its cases is a test of its own, so that a failure
//! is named by transport, credentials and case, such as `tcp::md5::errors::each_keeps_its_code`.

mod support;

#[path = "conformance/credentials.rs"]
mod credentials;
#[path = "conformance/errors.rs"]
mod errors;
#[path = "conformance/flight.rs"]
mod flight;
#[path = "conformance/limits.rs"]
mod limits;
#[path = "conformance/methods.rs"]
mod methods;
#[path = "conformance/peers.rs"]
mod peers;
#[path = "conformance/values.rs"]
mod values;

/// A test for each case. The cases stand in modules of the same names.
macro_rules! tests {
    ($argument:expr; $($room:ident: $($case:ident)+;)+) => { $(
        mod $room {
            $(
                #[tokio::test]
                async fn $case() {
                    crate::$room::$case($argument).await;
                }
            )+
        }
    )+ };
}

/// Expands to the cases with a simulated device: one module for each kind of credentials, one for the engine of 2018, and one for
/// that with a library before 2019, whose replies to a success without a value have no result.
macro_rules! with_device {
    ($way:expr) => {
        mod open {
            with_device!($way, Open, Y2022);
        }
        mod md5 {
            with_device!($way, Md5, Y2022);
        }
        mod sha256 {
            with_device!($way, Sha256, Y2022);
        }
        mod open_2018 {
            with_device!($way, Open, Y2018);
        }
        mod open_2018_no_result {
            with_device!($way, Open, Y2018, true);
        }
    };
    ($way:expr, $guard:ident, $generation:ident) => {
        with_device!($way, $guard, $generation, false);
    };
    ($way:expr, $guard:ident, $generation:ident, $omits_result:literal) => {
        tests! { crate::support::ways::Row {
                way: $way,
                guard: crate::support::ways::Guard::$guard,
                generation: otactl::sim::Generation::$generation,
                omits_result: $omits_result,
            };
            credentials: only_the_right_ones_open what_does_not_exist_is_told_to_anybody;
            errors: each_keeps_its_code a_device_about_to_reboot_says_so;
            flight: many_calls_each_get_their_own_answer calls_are_answered_while_an_update_runs
                a_reboot_in_the_middle_ends_in_time hanging_up_ends_what_is_under_way;
            limits: the_largest_request_arrives_and_a_larger_one_is_not_sent there_is_as_much_room_as_is_said;
            methods: looks_show_the_device the_boot_state_is_set_field_by_field a_snapshot_is_committed
                a_revert_goes_back a_reboot_forgets_nothing an_update_ends_in_success nothing_new_is_a_success;
        }
    };
}

/// The cases with a scripted peer, which asks nobody for credentials.
macro_rules! with_script {
    ($way:expr) => {
        tests! { $way;
            limits: a_request_has_to_fit_as_it_is_sent large_and_deep_replies_come_whole;
            peers: silence_ends_at_the_deadline silence_after_an_answer_ends_at_the_deadline
                a_peer_that_hangs_up_is_lost only_what_may_arrive_twice_is_asked_again
                what_nobody_asked_for_is_passed_over a_late_reply_is_nobodys
                garbage_between_frames_does_no_harm garbage_alone_is_no_answer
                a_request_of_the_device_is_refused;
            values: every_kind_of_argument_arrives_and_comes_back every_shape_of_reply_is_read
                requests_are_what_the_transport_carries reply_that_is_not_utf8_is_read
                reply_that_is_not_json_names_the_place;
        }
    };
}

macro_rules! rows {
    ($($name:ident: $way:ident;)+) => { $(
        mod $name {
            with_device!(crate::support::ways::Way::$way);
            mod scripted {
                with_script!(crate::support::ways::Way::$way);
            }
        }
    )+ };
}

rows! {
    websocket: WebSocket;
    http: Http;
    tcp: Tcp;
    udp: Udp;
}

#[cfg(unix)]
rows! {
    serial: Serial;
    mqtt: Mqtt;
}

/// With TLS below, whose own tests are in tls.rs.
macro_rules! rows_with_tls {
    ($($name:ident: $way:ident;)+) => { $(
        mod $name {
            mod open {
                with_device!(crate::support::ways::Way::$way, Open, Y2022);
            }
            mod sha256 {
                with_device!(crate::support::ways::Way::$way, Sha256, Y2022);
            }
        }
    )+ };
}

rows_with_tls! {
    websocket_tls: WebSocketTls;
    http_tls: HttpTls;
}

#[cfg(unix)]
rows_with_tls! {
    mqtt_tls: MqttTls;
}
