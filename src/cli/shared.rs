//! [`Shared`], what the devices of one command share.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use otactl::bundle::Bundle;
use otactl::rpc::Credentials;
use otactl::update::serve::SharedServers;

use super::credentials;
use super::failure::Failure;
use super::output::Output;
use super::report::Reports;

/// What the devices of one command share. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Rc<SharedState>);

#[derive(Debug, Default)]
struct SharedState {
    /// The credentials of each value of `--rpc-creds` after they were read, so that there is one prompt for any number of devices.
    credentials: RefCell<HashMap<Option<String>, Option<Credentials>>>,
    /// The bundles that were read.
    bundles: RefCell<HashMap<PathBuf, Bundle>>,
    /// The firmware servers.
    servers: SharedServers,
    /// The reports of the devices that are done.
    reports: Reports,
}

impl Shared {
    /// Returns the credentials of `--rpc-creds`, or else those of the environment.
    pub(crate) fn credentials(&self, option: Option<&str>, output: &Output) -> Result<Option<Credentials>, Failure> {
        let key = option.map(ToOwned::to_owned);
        if let Some(credentials) = self.0.credentials.borrow().get(&key) {
            return Ok(credentials.clone());
        }
        let credentials = credentials::read(option, output)?;
        self.0.credentials.borrow_mut().insert(key, credentials.clone());
        Ok(credentials)
    }

    /// Returns the bundle in a file.
    pub(crate) fn bundle(&self, path: &Path) -> Result<Bundle, Failure> {
        if let Some(bundle) = self.0.bundles.borrow().get(path) {
            return Ok(bundle.clone());
        }
        let bundle = Bundle::read(path).map_err(|error| Failure::bundle(path, &error))?;
        self.0.bundles.borrow_mut().insert(path.to_owned(), bundle.clone());
        Ok(bundle)
    }

    /// Returns the reports of the devices that are done.
    pub(crate) fn reports(&self) -> &Reports {
        &self.0.reports
    }

    /// Returns the firmware servers.
    pub(crate) fn servers(&self) -> SharedServers {
        self.0.servers.clone()
    }
}
