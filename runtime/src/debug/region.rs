//! What a region of a task's work is called, and where it begins in the source.

use std::fmt;
use std::panic::Location;
use std::rc::Rc;

/// A named stretch of a task's work: what [`region`](super::region()) was told, and which region is around it.
///
/// It displays as its label and source line, followed by the regions around it:
/// `TLS handshake, in GET https://example.com/ at src/main.rs:12:9`. A line that the next region shares is said once.
///
/// ```
/// use curio::debug::{logcrash, region};
///
/// async fn connect() {
///     region("TLS handshake", curio::schedule()).await;
/// }
///
/// curio::Kernel::builder().activation(logcrash()).run(async {
///     let request = curio::spawn(region("GET /", connect()));
///     curio::schedule().await;
///     let info = request.info();
///     let handshake = info.region().expect("it waits in one");
///     assert_eq!(handshake.label(), "TLS handshake");
///     let get = handshake.outer().expect("there is one around it");
///     assert_eq!(get.label(), "GET /");
///     println!("began at {}", get.location());
///     request.join().await.unwrap();
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Region(Rc<Facts>);

#[derive(Debug)]
struct Facts {
    id: u64,
    label: String,
    location: &'static Location<'static>,
    outer: Option<Region>,
}

impl Region {
    pub(crate) fn new(
        id: u64,
        label: String,
        location: &'static Location<'static>,
        outer: Option<Region>,
    ) -> Region {
        Region(Rc::new(Facts { id, label, location, outer }))
    }

    /// A number that no other region of its kernel has: it tells which `RegionLeft` belongs to which `RegionEntered`.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// The text that it was given.
    pub fn label(&self) -> &str {
        &self.0.label
    }

    /// The source line that began it.
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }

    /// The region around it in the same task.
    pub fn outer(&self) -> Option<&Region> {
        self.0.outer.as_ref()
    }
}

/// The same region, not only one that looks the same.
impl PartialEq for Region {
    fn eq(&self, other: &Region) -> bool {
        self.id() == other.id() && self.label() == other.label() && self.location() == other.location()
    }
}

impl Eq for Region {}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut next = Some(self);
        while let Some(region) = next {
            f.write_str(region.label())?;
            next = region.outer();
            if next.is_none_or(|outer| outer.location() != region.location()) {
                write!(f, " at {}", region.location())?;
            }
            if next.is_some() {
                f.write_str(", in ")?;
            }
        }
        Ok(())
    }
}
