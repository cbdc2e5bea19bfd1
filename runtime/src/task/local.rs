//! Task-locals: values that belong to a task instead of a thread.
//!
//! They carry what many functions need and few signatures should have to pass on: the id of a request, the language of
//! a user. Each task has its own value, and a child starts with its parent's; from then on neither sees what the other
//! sets. Python calls this a context variable.
//!
//! A program without task-locals pays one null pointer per task, and spawning never allocates for them: a child
//! shares its parent's list until one of the two sets something. See `kernel/locals.rs`.

use crate::kernel::locals::LocalKey;
use crate::traps;
use std::any::Any;
use std::fmt;
use std::rc::Rc;

/// A value that each task has of its own; declared with [`task_local!`](crate::task_local!).
pub struct TaskLocal<T: 'static> {
    init: fn() -> T,
}

/// Declares task-locals.
///
/// A task that has not set one has the value that its parent had when it was spawned. Without such a value it has the
/// initial one, which is made when it is first read.
///
/// ```
/// curio::task_local! {
///     /// Who asked.
///     pub static USER: String = String::from("nobody");
///     static DEPTH: u32 = 0;
/// }
///
/// curio::run(async {
///     USER.set("ada".into());
///     let child = curio::spawn(async {
///         assert_eq!(USER.get(), "ada"); // a child starts with its parent's values
///         USER.set("grace".into());
///         USER.with(|user| user.len())
///     });
///     assert_eq!(child.join().await.unwrap(), 5);
///     assert_eq!((USER.get().as_str(), DEPTH.get()), ("ada", 0));
/// });
/// ```
#[macro_export]
macro_rules! task_local {
    () => {};
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = $init:expr $(; $($rest:tt)*)?) => {
        $(#[$attribute])*
        $visibility static $name: $crate::TaskLocal<$type> = $crate::TaskLocal::new(|| $init);
        $($crate::task_local! { $($rest)* })?
    };
}

impl<T: 'static> TaskLocal<T> {
    /// For [`task_local!`](crate::task_local!), which puts it into a `static`: its address is its name.
    #[doc(hidden)]
    pub const fn new(init: fn() -> T) -> TaskLocal<T> {
        TaskLocal { init }
    }

    /// A copy of the current task's value.
    ///
    /// # Panics
    /// Outside of a task.
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        T::clone(&self.value())
    }

    /// Looks at the current task's value.
    ///
    /// A value that can be changed through `&T`, such as a `Cell`, is shared with the tasks that inherited it
    /// until they set their own.
    ///
    /// # Panics
    /// Outside of a task.
    #[track_caller]
    pub fn with<R>(&'static self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.value())
    }

    /// Gives the current task another value. Tasks it has spawned keep theirs; those it will spawn start with it.
    ///
    /// # Panics
    /// Outside of a task.
    #[track_caller]
    pub fn set(&'static self, value: T) {
        let replaced = self.put(Rc::new(value));
        drop(replaced);
    }

    /// The value, made and kept if there is none.
    #[track_caller]
    fn value(&'static self) -> Rc<T> {
        let found = traps::locals().and_then(|locals| locals.find(self.key()).cloned());
        if let Some(Ok(value)) = found.map(Rc::downcast) {
            return value;
        }
        let value = Rc::new((self.init)());
        let replaced = self.put(value.clone());
        drop(replaced);
        value
    }

    /// Returns the value that was replaced: its destructor may run anything, so it runs last.
    #[track_caller]
    fn put(&'static self, value: Rc<T>) -> Option<Rc<dyn Any>> {
        let mut locals = traps::set_locals(None).unwrap_or_default();
        let replaced = Rc::make_mut(&mut locals).set(self.key(), value);
        traps::set_locals(Some(locals));
        replaced
    }

    fn key(&'static self) -> LocalKey {
        LocalKey(std::ptr::from_ref(self).addr())
    }
}

impl<T: 'static> fmt::Debug for TaskLocal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskLocal").finish_non_exhaustive()
    }
}
