//! The same cases over every transport: a caller sees the same device.
//!
//! A transport is a line at the end of this file. Each of its cases is its own test, so that a failure names the
//! transport, the credentials and the case, such as `tcp::md5::errors::device_errors_keep_code_and_message`.

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

/// Expands to a test for each case. The cases are functions in modules of the same names.
macro_rules! tests {
    ($argument:expr; $($module:ident: $($case:ident)+;)+) => { $(
        mod $module {
            $(
                #[tokio::test]
                async fn $case() {
                    crate::$module::$case($argument).await;
                }
            )+
        }
    )+ };
}

/// Expands to the cases with a simulated device: one module for each kind of credentials, one for the engine of 2018, and one for
/// that with a library before 2019, whose replies to a success without a value have no result.
macro_rules! with_device {
    ($transport:expr) => {
        mod open {
            with_device!($transport, Open, Y2022);
        }
        mod md5 {
            with_device!($transport, Md5, Y2022);
        }
        mod sha256 {
            with_device!($transport, Sha256, Y2022);
        }
        mod open_2018 {
            with_device!($transport, Open, Y2018);
        }
        mod open_2018_no_result {
            with_device!($transport, Open, Y2018, true);
        }
    };
    ($transport:expr, $auth:ident, $generation:ident) => {
        with_device!($transport, $auth, $generation, false);
    };
    ($transport:expr, $auth:ident, $generation:ident, $omits_result:literal) => {
        tests! { crate::support::transports::Setup {
                transport: $transport,
                auth: crate::support::transports::DeviceAuth::$auth,
                generation: otactl::sim::Generation::$generation,
                omits_result: $omits_result,
            };
            credentials: wrong_credentials_are_refused unknown_method_is_reported_without_credentials;
            errors: device_errors_keep_code_and_message device_about_to_reboot_answers_418;
            flight: concurrent_calls_get_their_own_replies calls_are_answered_while_an_update_runs
                call_cut_off_by_a_reboot_ends_in_time drop_link_fails_the_call_in_flight;
            limits: largest_request_arrives_and_larger_is_not_sent max_params_equals_the_real_limit;
            methods: read_only_methods_describe_the_device boot_state_is_set_field_by_field snapshot_set_as_revert_is_committed
                revert_boots_the_revert_slot reboot_keeps_the_boot_state update_reply_is_success not_modified_is_success;
        }
    };
}

/// Expands to the cases with a scripted peer, which requires no credentials.
macro_rules! with_script {
    ($transport:expr) => {
        tests! { $transport;
            limits: encoded_request_size_is_limited large_and_deep_replies_are_read;
            peers: silent_peer_times_out_at_the_deadline silence_after_a_reply_times_out_at_the_deadline
                closed_connection_is_lost only_idempotent_calls_are_sent_again
                unrequested_replies_are_ignored late_reply_is_ignored
                garbage_between_frames_is_skipped garbage_alone_is_not_a_reply
                request_of_the_device_is_refused;
            values: arguments_of_every_kind_are_echoed replies_of_every_shape_are_read
                requests_fit_the_transport_encoding reply_that_is_not_utf8_is_read
                reply_that_is_not_json_names_the_column;
        }
    };
}

macro_rules! rows {
    ($($name:ident: $transport:ident;)+) => { $(
        mod $name {
            with_device!(crate::support::transports::Transport::$transport);
            mod scripted {
                with_script!(crate::support::transports::Transport::$transport);
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

/// Expands to the cases over TLS. tls.rs tests TLS itself.
macro_rules! rows_with_tls {
    ($($name:ident: $transport:ident;)+) => { $(
        mod $name {
            mod open {
                with_device!(crate::support::transports::Transport::$transport, Open, Y2022);
            }
            mod sha256 {
                with_device!(crate::support::transports::Transport::$transport, Sha256, Y2022);
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
