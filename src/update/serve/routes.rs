//! The bundles that one listener serves: each at a path of its own, for the clients of its device.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::allow::Allowed;
use super::handler::Handler;

/// The bundle of one device, and the clients that may request it.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) handler: Arc<Handler>,
    pub(super) allowed: Allowed,
}

/// The bundles by their paths.
#[derive(Default)]
pub(super) struct Routes(Mutex<HashMap<String, Arc<Route>>>);

/// Leaves out the paths, which are secrets.
impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Routes").field(&self.0.lock().len()).finish()
    }
}

impl Routes {
    pub(super) fn add(&self, handler: Arc<Handler>, allowed: Allowed) {
        self.0.lock().insert(handler.path.clone(), Arc::new(Route { handler, allowed }));
    }

    pub(super) fn remove(&self, path: &str) {
        self.0.lock().remove(path);
    }

    /// Returns the handlers of all bundles.
    pub(super) fn all(&self) -> Vec<Arc<Handler>> {
        self.0.lock().values().map(|route| Arc::clone(&route.handler)).collect()
    }

    /// Returns the handlers of the bundles that a client may request.
    pub(super) fn of_client(&self, client: IpAddr) -> Vec<Arc<Handler>> {
        let routes = self.0.lock();
        routes.values().filter(|route| route.allowed.admits(client)).map(|route| Arc::clone(&route.handler)).collect()
    }

    /// Returns the handler that answers a request for `path`: that of the bundle there, if the client may request it. Any other bundle of
    /// the client answers that the path is not its own. `None`: the client may request none any more.
    pub(super) fn of_request(&self, path: &str, client: IpAddr) -> Option<Arc<Handler>> {
        let routes = self.0.lock();
        let may = |route: &&Arc<Route>| route.allowed.admits(client);
        let found = routes.get(path).filter(may).or_else(|| routes.values().find(may));
        found.map(|route| Arc::clone(&route.handler))
    }
}
