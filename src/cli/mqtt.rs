//! The options for MQTT.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use clap::Args;
use otactl::secrets;
use otactl::transport::mqtt::MqttSettings;
use otactl::transport::target::{Endpoint, Login};

use super::failure::Failure;
use super::{credentials, environment, values};

/// What may be set about a broker.
#[derive(Debug, Args)]
#[command(next_help_heading = "MQTT")]
pub(crate) struct MqttArgs {
    /// The password for the broker, in the first line of a file; - to be asked
    ///
    /// OTACTL_MQTT_PASSWORD is taken if neither this option nor the URL gives one.
    #[arg(long = "mqtt-password-file", global = true, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// The client id; brokers with rules want a certain one
    #[arg(long = "mqtt-client-id", global = true, value_name = "ID", value_parser = values::topic)]
    client_id: Option<String>,

    /// Who asks: the device answers on the topic SRC/rpc
    ///
    /// DEVICE/rpc-resp/CLIENT-ID unless given.
    #[arg(long = "mqtt-src", global = true, value_name = "SRC", value_parser = values::topic)]
    src: Option<String>,

    /// The one topic to publish all requests to
    ///
    /// Unless given, DEVICE/rpc/METHOD if the device listens there, else DEVICE/rpc.
    #[arg(long = "mqtt-pub-topic", global = true, value_name = "TOPIC", value_parser = values::topic)]
    pub_topic: Option<String>,

    /// The topic on which the answers come, if it is not SRC/rpc
    #[arg(long = "mqtt-sub-topic", global = true, value_name = "TOPIC", value_parser = values::topic)]
    sub_topic: Option<String>,

    /// Where the device's last will is to be read, to explain its silence
    #[arg(long = "mqtt-will-topic", global = true, value_name = "TOPIC", value_parser = values::topic)]
    will_topic: Option<String>,

    /// The password, once it was read: a prompt asks once, however many devices there are.
    #[arg(skip)]
    password: OnceCell<Option<String>>,
}

impl MqttArgs {
    /// What they come to, for this broker. Asks for a password if that is wanted.
    pub(crate) fn settings(&self, endpoint: &Endpoint) -> Result<MqttSettings, Failure> {
        let needs_password = matches!(endpoint.login, Some(Login { password: None, .. }));
        let password = if needs_password { self.password()? } else { None };
        if let Some(password) = &password {
            secrets::remember(password);
        }
        Ok(MqttSettings {
            password,
            client_id: self.client_id.clone(),
            src: self.src.clone(),
            pub_topic: self.pub_topic.clone(),
            sub_topic: self.sub_topic.clone(),
            will_topic: self.will_topic.clone(),
        })
    }

    fn password(&self) -> Result<Option<String>, Failure> {
        if let Some(password) = self.password.get() {
            return Ok(password.clone());
        }
        let password = self.read_password()?;
        Ok(self.password.get_or_init(|| password).clone())
    }

    fn read_password(&self) -> Result<Option<String>, Failure> {
        match &self.password_file {
            Some(path) if path == Path::new("-") => credentials::ask("Password for the broker: ").map(Some),
            Some(path) => credentials::first_line(path).map(Some),
            None => environment::variable("OTACTL_MQTT_PASSWORD"),
        }
    }
}
